/*
 * Copies to and from user memory of the running thread: the only way to it. Addresses are checked
 * against USER_TOP; pages come in as if the program had touched them; a bad address is an error.
 */
#pragma once

#include "kernel/types.h"

/* 0 or -EFAULT; on failure part of the copy may have happened. May sleep: no spin lock held. */
int copy_from_user(void *dst, uaddr_t src, size_t n) __must_check;
int copy_to_user(uaddr_t dst, const void *src, size_t n) __must_check;
int clear_user(uaddr_t dst, size_t n) __must_check;
/* Bytes NOT copied (0: all). May sleep. For read(2)-like calls that report short counts. */
size_t copy_from_user_partial(void *dst, uaddr_t src, size_t n) __must_check;
size_t copy_to_user_partial(uaddr_t dst, const void *src, size_t n) __must_check;
/*
 * The same without faulting pages in and without sleeping: for copies under an object lock, a
 * journal handle or a BUSY frame. Returns bytes NOT copied; on a short copy release the locks,
 * call user_fault_in, retry.
 */
size_t copy_from_user_nofault(void *dst, uaddr_t src, size_t n) __must_check;
size_t copy_to_user_nofault(uaddr_t dst, const void *src, size_t n) __must_check;
/* Make the pages of [addr, addr+n) present (writable if write): 0 or -EFAULT. May sleep. */
int user_fault_in(uaddr_t addr, size_t n, bool write) __must_check;
/*
 * Copy a NUL-terminated string of at most size bytes, the NUL included. Its length without the
 * NUL; -EFAULT; -ENAMETOOLONG when no NUL lies within size.
 */
ssize64_t strncpy_from_user(char *dst, uaddr_t src, size_t size) __must_check;
/* Single values, aligned or not. */
int get_user_u32(uint32_t *value, uaddr_t src) __must_check;
int get_user_u64(uint64_t *value, uaddr_t src) __must_check;
int put_user_u32(uaddr_t dst, uint32_t value) __must_check;
int put_user_u64(uaddr_t dst, uint64_t value) __must_check;
/*
 * Atomic compare-and-exchange of a user word (futex): *old gets what was there. 0, -EFAULT.
 */
int cmpxchg_user_u32(uaddr_t addr, uint32_t expected, uint32_t desired, uint32_t *old) __must_check;
/* Called by trap_kernel for a fault at pc inside a copy routine: true if tf was redirected. */
struct trapframe;
bool usercopy_fixup(struct trapframe *tf);

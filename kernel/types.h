/*
 * The types every part of the kernel uses.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/uapi/errno.h"
#include "lib/bits.h"

/* A user virtual address: an integer, so that nothing can dereference it. See mm/usercopy.h. */
typedef uint64_t uaddr_t;
/* A physical address. */
typedef uint64_t paddr_t;
/* A kernel virtual address taken as a number. */
typedef uint64_t vaddr_t;

typedef int64_t off64_t;
typedef int64_t ssize64_t;
typedef int pid_t;
typedef uint32_t uid_t;
typedef uint32_t gid_t;
typedef uint32_t mode_t;
/* Device number as the kernel keeps it: major << 20 | minor. */
typedef uint32_t dev_t;

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1UL << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define KiB 1024UL
#define MiB (1024UL * KiB)
#define GiB (1024UL * MiB)

/* Errors as pointers: the last page of the address space holds none of our objects. */
static inline void *err_ptr(long err)
{
	return (void *)err;
}
static inline long ptr_err(const void *p)
{
	return (long)p;
}
static inline bool is_err(const void *p)
{
	return (uintptr_t)p >= (uintptr_t)-4095L;
}

#define __packed	__attribute__((packed))
#define __aligned(n)	__attribute__((aligned(n)))
#define __noreturn	__attribute__((noreturn))
#define __unused	__attribute__((unused))
#define __must_check	__attribute__((warn_unused_result))
#define __printf(f, a)	__attribute__((format(printf, f, a)))
#define __section(s)	__attribute__((section(s)))
/* Off the usual path: kept out of its callers, which then need not save registers for it. */
#define __slow		__attribute__((noinline, cold))
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

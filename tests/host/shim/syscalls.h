/* System calls on files, as a program would make them: user memory is the test's own (user.c). */
#pragma once

#include "kernel/types.h"

/* A megabyte at an address that a program could have; disk_kernel_start maps it. */
#define BUFFER	    ((uint8_t *)0x10000000)
#define BUFFER_SIZE (1u << 20)

long sys_openat(int64_t, uint64_t, uint64_t, uint64_t);
long sys_close(uint64_t);
long sys_pread64(uint64_t, uint64_t, uint64_t, uint64_t);
long sys_pwrite64(uint64_t, uint64_t, uint64_t, uint64_t);
long sys_lseek(uint64_t, uint64_t, uint64_t);
long sys_ftruncate(uint64_t, uint64_t);
long sys_fallocate(uint64_t, uint64_t, uint64_t, uint64_t);
long sys_fsync(uint64_t);
long sys_fchmodat(int64_t, uint64_t, uint64_t);
long sys_fstat(uint64_t, uint64_t);
long sys_fstatfs(uint64_t, uint64_t);
long sys_getdents64(uint64_t, uint64_t, uint64_t);
long sys_unlinkat(int64_t, uint64_t, uint64_t);
long sys_mkdirat(int64_t, uint64_t, uint64_t);
long sys_linkat(int64_t, uint64_t, int64_t, uint64_t, uint64_t);
long sys_symlinkat(uint64_t, int64_t, uint64_t);
long sys_readlinkat(int64_t, uint64_t, uint64_t, uint64_t);
long sys_llistxattr(uint64_t, uint64_t, uint64_t);
long sys_lgetxattr(uint64_t, uint64_t, uint64_t, uint64_t);
long sys_lsetxattr(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
long sys_renameat2(int64_t, uint64_t, int64_t, uint64_t, uint64_t);
long sys_mount(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
long sys_umount2(uint64_t, uint64_t);

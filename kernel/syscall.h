/*
 * System calls. SYSCALLn(name, type, arg, ...) defines sys_name: six registers come in, each is
 * converted to the type the man page gives (so garbage in the upper half of an int argument is
 * cut off), and a negative errno or a result goes out. kernel/syscalls.def lists them all.
 *
 *	SYSCALL3(read, int, fd, uaddr_t, buf, size_t, n)
 *	{
 *		...
 *	}
 */
#pragma once

#include "kernel/types.h"

/* By number; SYSCALL_COUNT entries. */
typedef long (*syscall_t)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

extern const syscall_t syscall_table[];

/*
 * A structure that grew over time, of size bytes in the caller's view and known bytes in ours: what
 * it does not have is 0, what we do not know must be 0. 0, -E2BIG, -EFAULT. May sleep.
 */
int copy_struct_from_user(void *dst, size_t known, uaddr_t src, size_t size);

#define SYSCALL0(name)                                                                             \
	long sys_##name(void);                                                                     \
	long sys_##name(void)
#define SYSCALL1(name, t0, a0)                                                                     \
	static inline long do_##name(t0 a0);                                                       \
	long sys_##name(uint64_t);                                                                 \
	long sys_##name(uint64_t r0)                                                               \
	{                                                                                          \
		return do_##name((t0)r0);                                                          \
	}                                                                                          \
	static inline long do_##name(t0 a0)
#define SYSCALL2(name, t0, a0, t1, a1)                                                             \
	static inline long do_##name(t0 a0, t1 a1);                                                \
	long sys_##name(uint64_t, uint64_t);                                                       \
	long sys_##name(uint64_t r0, uint64_t r1)                                                  \
	{                                                                                          \
		return do_##name((t0)r0, (t1)r1);                                                  \
	}                                                                                          \
	static inline long do_##name(t0 a0, t1 a1)
#define SYSCALL3(name, t0, a0, t1, a1, t2, a2)                                                     \
	static inline long do_##name(t0 a0, t1 a1, t2 a2);                                         \
	long sys_##name(uint64_t, uint64_t, uint64_t);                                             \
	long sys_##name(uint64_t r0, uint64_t r1, uint64_t r2)                                     \
	{                                                                                          \
		return do_##name((t0)r0, (t1)r1, (t2)r2);                                          \
	}                                                                                          \
	static inline long do_##name(t0 a0, t1 a1, t2 a2)
#define SYSCALL4(name, t0, a0, t1, a1, t2, a2, t3, a3)                                             \
	static inline long do_##name(t0 a0, t1 a1, t2 a2, t3 a3);                                  \
	long sys_##name(uint64_t, uint64_t, uint64_t, uint64_t);                                   \
	long sys_##name(uint64_t r0, uint64_t r1, uint64_t r2, uint64_t r3)                        \
	{                                                                                          \
		return do_##name((t0)r0, (t1)r1, (t2)r2, (t3)r3);                                  \
	}                                                                                          \
	static inline long do_##name(t0 a0, t1 a1, t2 a2, t3 a3)
#define SYSCALL5(name, t0, a0, t1, a1, t2, a2, t3, a3, t4, a4)                                     \
	static inline long do_##name(t0 a0, t1 a1, t2 a2, t3 a3, t4 a4);                           \
	long sys_##name(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);                         \
	long sys_##name(uint64_t r0, uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4)           \
	{                                                                                          \
		return do_##name((t0)r0, (t1)r1, (t2)r2, (t3)r3, (t4)r4);                          \
	}                                                                                          \
	static inline long do_##name(t0 a0, t1 a1, t2 a2, t3 a3, t4 a4)
#define SYSCALL6(name, t0, a0, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5)                             \
	static inline long do_##name(t0 a0, t1 a1, t2 a2, t3 a3, t4 a4, t5 a5);                    \
	long sys_##name(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);               \
	long sys_##name(uint64_t r0, uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,           \
			uint64_t r5)                                                               \
	{                                                                                          \
		return do_##name((t0)r0, (t1)r1, (t2)r2, (t3)r3, (t4)r4, (t5)r5);                  \
	}                                                                                          \
	static inline long do_##name(t0 a0, t1 a1, t2 a2, t3 a3, t4 a4, t5 a5)

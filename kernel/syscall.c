/*
 * The table that entry.S calls through. Every call in syscalls.def has a weak handler that
 * answers ENOSYS; a SYSCALLn definition somewhere replaces it.
 */
#include "kernel/syscall.h"

#include <stdatomic.h>

#include "kernel/asm.h"
#include "kernel/printk.h"
#include "kernel/thread.h"
#include "kernel/trap.h"

long syscall_unknown(void);

long syscall_unknown(void)
{
	static _Atomic uint64_t seen[DIV_ROUND_UP(SYSCALL_COUNT, 64)];
	uint64_t nr = thread_trapframe(current())->a7;

	/* One line for each call, so that a program that keeps asking does not fill the log. */
	if (nr < SYSCALL_COUNT && !(atomic_fetch_or(&seen[nr / 64], BIT(nr % 64)) & BIT(nr % 64)))
		printk(LOG_DEBUG, "%s: unknown system call %lu\n", current()->comm, nr);
	return -ENOSYS;
}

#define SYSCALL(nr, name) long sys_##name(void) __attribute__((weak, alias("syscall_unknown")));
#define FULL(nr, name)                                                                             \
	SYSCALL(nr, name)                                                                          \
	long sys_##name##_full(void);
#include "kernel/syscalls.def"
#undef SYSCALL
#undef FULL

#pragma GCC diagnostic ignored "-Woverride-init"
#define SYSCALL(nr, name) [nr] = (syscall_t)(void *)sys_##name,
#define FULL(nr, name)	  [nr] = (syscall_t)(void *)sys_##name##_full,
const syscall_t syscall_table[SYSCALL_COUNT] = {
	[0 ... SYSCALL_COUNT - 1] = (syscall_t)(void *)syscall_unknown,
#include "kernel/syscalls.def"
};

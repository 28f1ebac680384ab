/*
 * For tests of sources that expect a kernel around them. Includes the host's headers and cmocka
 * first and then renames what the kernel's headers define in another way.
 */
#pragma once

#include "tests/host/test.h"

#include <string.h>

#define dev_t	 kernel_dev_t
#define sigset_t kernel_sigset_t

#include "kernel/riscv.h"
#include "kernel/thread.h"
#include "kernel/types.h"

/* The one thread and the one hart there are. */
extern struct thread host_thread;

/* Makes both new: no locks held, interrupts on. For the set-up of a test. */
void host_kernel_start(void);

/* Gets all messages when not NULL; else those worth it go to stderr. */
extern void (*host_printk)(int level, const char *text);

/* Fails the test if a lock is held, preemption off or interrupts off. */
void host_kernel_check(void);

/*
 * A machine with `ranges` of RAM, whose frames are handed to mm/frame.c; then slab_init().  Base
 * and size in bytes, multiples of a page, below 16 GiB.  Once in a program: the lists stay.
 */
struct host_ram {
	paddr_t base;
	uint64_t size;
};
void host_ram_start(const struct host_ram *ram, unsigned ranges);

/*
 * panic() ends the program, unless the test expects it: then it returns here.  The value is what
 * the message was, or NULL if there was no panic.
 *
 *	const char *message = host_catch_panic(function, argument);
 */
const char *host_catch_panic(void (*func)(void *), void *arg);

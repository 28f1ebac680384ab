/*
 * The running thread. Apart from thread.h because the host tests have another way to tell.
 */
#pragma once

struct thread;

static inline struct thread *current(void)
{
	struct thread *t;
	/* Not volatile: within one function the running thread never changes. */
	__asm__("mv %0, tp" : "=r"(t));
	return t;
}

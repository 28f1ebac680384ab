/*
 * Syscall user dispatch: a thread's system calls that its own SIGSYS handler is to make
 * (prctl(2), PR_SET_SYSCALL_USER_DISPATCH).
 */
#pragma once

#include "kernel/thread.h"
#include "kernel/uapi/ptrace.h"

struct trapframe;

/*
 * What t is to do from now on: mode, selector, and which addresses call undisturbed. t is the
 * current thread, or stopped. 0, -EINVAL or -EFAULT.
 */
long dispatch_set(struct thread *t, const struct ptrace_sud_config *c);
void dispatch_get(const struct thread *t, struct ptrace_sud_config *c);
/* A new program has none. Of the current thread. */
void dispatch_end(void);
/*
 * The current thread is about to make a call, of which tf has the registers: is it its handler's
 * instead? Then a signal is on its way, or its end; tf has them as they were. May sleep.
 */
bool dispatch_take(struct trapframe *tf);

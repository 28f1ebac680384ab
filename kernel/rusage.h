/*
 * Time and faults of a process, as getrusage(2) and wait4(2) report them.
 */
#pragma once

#include "kernel/thread.h"
#include "kernel/uapi/resource.h"

/* All threads of p, living and dead. Takes p->siglock; proc_lock may be held. */
void usage_of_process(struct process *p, struct usage *out);
/* The same with its waited-for children, for wait4. */
void rusage_of_process(struct process *p, struct rusage *out);
/* Send what RLIMIT_CPU asks for; from the tick, interrupts off, no run queue locked. */
void rlimit_cpu_check(struct thread *t);

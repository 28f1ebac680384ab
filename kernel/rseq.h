/*
 * Restartable sequences, rseq(2): a thread's area says where it runs, and a sequence of
 * instructions in user mode that others, or a signal, came between is begun anew.
 */
#pragma once

#include "kernel/riscv.h"
#include "kernel/thread.h"
#include "kernel/trap.h"

/* The running thread was off its hart before: it ran last on the given one. Any context. */
static inline void rseq_switched(struct thread *t, const struct hart *before)
{
	/* No sequence makes system calls: after one only the number can be wrong. */
	if (t->rseq.area && (t->hart != before || thread_trapframe(t)->cause != CAUSE_ECALL_U))
		__atomic_or_fetch(&t->work, WORK_RSEQ, __ATOMIC_RELAXED);
}

/*
 * On the way to user mode, or before a signal's handler: end the sequence that the running thread
 * is in, and say where it runs. -EFAULT: the area or the sequence is bad: SIGSEGV. May sleep.
 */
int rseq_resume(struct trapframe *tf);
/* What a new thread has of its creator's; flags are clone's. */
void rseq_fork(struct thread *t, uint64_t flags);

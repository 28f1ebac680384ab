/*
 * The way of a signal from its queue to what it does: stops, ends, handlers. Each thread does that
 * for itself, on its way to user mode.
 */
#include "kernel/coredump.h"
#include "kernel/ptrace.h"
#include "kernel/rseq.h"
#include "kernel/sighand.h"
#include "kernel/trap.h"
#include "kernel/uapi/ptrace.h"

/* siglock held; returns with it held, the thread having been stopped until SIGCONT or death. */
static uint64_t stop_here(struct process *p, uint64_t irq)
{
	struct thread *t = current();

	while (p->stopping && !p->exiting && !(p->execing && p->exec_thread != t)) {
		bool last, traced = thread_traced(t);
		uint32_t stop = p->stop_number;

		if (traced && t->tracee->stop_seen == stop)
			break; /* its tracer let it go on */
		/* A parent that traces it hears of the stop as its tracer. */
		last = ++p->nstopped == p->nthreads && !trace_by_parent(p);
		if (!traced)
			__atomic_store_n(&t->state, THREAD_STOPPED, __ATOMIC_RELEASE);
		if (last)
			p->stop_unreported = true;
		spin_unlock_irq(&p->siglock, irq);
		if (last)
			process_notify_parent(p, CLD_STOPPED, p->stop_signal);
		if (!traced)
			schedule();
		__atomic_store_n(&t->state, THREAD_RUNNING, __ATOMIC_RELEASE);
		irq = spin_lock_irq(&p->siglock);
		if (traced && thread_traced(t) && p->stopping && p->stop_number == stop)
			trace_group_stop_locked(&irq);
		/* Still the same stop, but woken for another reason: count again. */
		if (p->stopping && p->stop_number == stop)
			p->nstopped--;
	}
	return irq;
}

static bool may_stop(struct process *p, int sig)
{
	bool orphaned;
	uint64_t irq;

	if (sig == SIGSTOP)
		return true;
	irq = spin_lock_irq(&proc_lock);
	orphaned = pgrp_orphaned(p->pgid);
	spin_unlock_irq(&proc_lock, irq);
	return !orphaned;
}

/* siglock held. Not if SIGCONT or death came after the signal was taken. */
static void begin_stop(struct process *p, int sig)
{
	struct thread *t;

	if (p->stopping || p->exiting || !p->stop_taken)
		return;
	p->stopping = true;
	p->stop_number++;
	p->stop_signal = sig;
	p->nstopped = 0;
	p->cont_unreported = false;
	list_for_each_entry(t, &p->threads, process_link)
		if (t != current())
			signal_wake_thread(t, false);
}

enum decision { DECIDE_NONE, DECIDE_AGAIN, DECIDE_HANDLE, DECIDE_DEFAULT };

/* A signal that is handled. */
struct handling {
	struct siginfo info;
	struct sigaction act;
	sigset_t before;  /* what was blocked when it was taken */
	sigset_t restore; /* what is when the handler returns */
};

/* In two halves, each of which is stores and no call. */
static inline void siginfo_clear(struct siginfo *info)
{
	uint64_t *half = __builtin_assume_aligned(info, 8);

	__builtin_memset(half, 0, sizeof(*info) / 2);
	__builtin_memset(half + sizeof(*info) / 16, 0, sizeof(*info) / 2);
}

static int take_fault(struct thread *t, struct siginfo *info)
{
	int sig = t->fault.sig;

	siginfo_clear(info);
	info->si_signo = sig;
	info->si_code = t->fault.code;
	info->si_addr = t->fault.addr;
	if (sig == SIGSYS) {
		info->si_syscall = (int32_t)thread_trapframe(t)->a7;
		info->si_arch = AUDIT_ARCH_RISCV64;
	}
	t->fault.sig = 0;
	return sig;
}

/* fault: the thread caused it. */
static enum decision decide(const struct process *p, int sig, bool fault, uint64_t handler)
{
	if (sig == SIGKILL || sig == SIGSTOP)
		return DECIDE_DEFAULT;
	if (handler == SIG_IGN)
		return DECIDE_AGAIN;
	if (handler != SIG_DFL)
		return DECIDE_HANDLE;
	return signal_default_ignores(sig) || (p == init_process && !fault) ? DECIDE_AGAIN
								     : DECIDE_DEFAULT;
}

static __slow enum decision act_by_default(struct process *p, const struct siginfo *info, int sig)
{
	uint64_t irq;

	if (!(SIG_STOP_MASK & SIGMASK(sig)))
		process_die(info);
	if (may_stop(p, sig)) {
		irq = spin_lock_irq(&p->siglock);
		begin_stop(p, sig);
		spin_unlock_irq(&p->siglock, irq);
	}
	return DECIDE_AGAIN;
}

/*
 * siglock held, since next_signal has looked at all that WORK_SIGNAL may stand for, unless a tracer
 * came between. What the handler blocks comes on top of what blocks now: one that is run out of
 * sigsuspend keeps that mask.
 */
static void begin_handler(struct thread *t, int sig, struct handling *h)
{
	h->before = t->blocked;
	h->restore = t->restore_blocked ? t->saved_blocked : t->blocked;
	t->restore_blocked = false;
	if (!t->tracee)
		__atomic_and_fetch(&t->work, ~(uint32_t)WORK_SIGNAL, __ATOMIC_RELAXED);
	signal_set_blocked_locked(t, t->blocked | h->act.mask |
				      (h->act.flags & SA_NODEFER ? 0 : SIGMASK(sig)));
}

/* A handler for one signal alone is taken; siglock held. */
static __slow void reset_handler(struct sighand *hand, int sig, const struct sigaction *taken)
{
	struct sigaction *act = &hand->actions[sig - 1];
	uint64_t irq = spin_lock_irq(&hand->lock);

	if (act->handler == taken->handler)
		act->handler = SIG_DFL;
	spin_unlock_irq(&hand->lock, irq);
}

/* Take one signal and do what needs no frame. */
static enum decision next_signal(struct handling *h)
{
	struct thread *t = current();
	struct process *p = t->process;
	uint64_t irq = spin_lock_irq(&p->siglock);
	enum decision d = DECIDE_AGAIN;
	bool fault;
	int sig;

	if (p->stopping)
		irq = stop_here(p, irq);
	if (p->exiting || (p->execing && p->exec_thread != t)) {
		spin_unlock_irq(&p->siglock, irq);
		coredump_join();
		thread_exit(p->exit_status);
	}
	if (t->tracee && t->tracee->trap) {
		trace_trap_locked(&irq);
		goto out;
	}
	fault = t->fault.sig;
	sig = fault ? take_fault(t, &h->info) : signal_dequeue(t, t->blocked, &h->info);
	if (!sig) {
		__atomic_and_fetch(&t->work, ~(uint32_t)WORK_SIGNAL, __ATOMIC_RELAXED);
		d = DECIDE_NONE;
		goto out;
	}
	if (sig != SIGKILL && thread_traced(t))
		sig = trace_signal_locked(sig, &h->info, &irq);
	if (!sig)
		goto out;
	if (SIG_STOP_MASK & SIGMASK(sig))
		p->stop_taken = true;
	h->act = sighand_action(p, sig);
	d = decide(p, sig, fault, h->act.handler);
	if (d == DECIDE_HANDLE)
		begin_handler(t, sig, h);
	if (d == DECIDE_HANDLE && unlikely(h->act.flags & SA_RESETHAND))
		reset_handler(p->sighand, sig, &h->act);
out:
	spin_unlock_irq(&p->siglock, irq);
	return d == DECIDE_DEFAULT ? act_by_default(p, &h->info, sig) : d;
}

/* An interrupted system call that is set up to be made again. */
struct restart {
	long why;	 /* -ERESTART*; 0: there is none */
	uint64_t pc, a7; /* what it would go on with, were it not */
};

/*
 * Before the first signal is taken: a tracer sees, and may replace, registers with which the
 * thread can go on.
 */
static struct restart restart_prepare(struct trapframe *tf)
{
	struct restart r = {.why = (long)tf->a0, .pc = tf->pc, .a7 = tf->a7};

	if (tf->cause != 8 || (r.why != -ERESTARTNOINTR && r.why != -ERESTARTSYS &&
			       r.why != -ERESTARTNOHAND && r.why != -ERESTART_RESTARTBLOCK))
		r.why = 0;
	tf->cause = ~0UL; /* once is enough, even if more signals follow */
	if (!r.why)
		return r;
	if (r.why == -ERESTART_RESTARTBLOCK)
		tf->a7 = 128; /* restart_syscall */
	tf->a0 = tf->orig_a0;
	tf->pc -= 4;
	return r;
}

/* A handler runs: most calls end instead, unless a tracer has sent the thread elsewhere. */
static void restart_end(struct trapframe *tf, const struct restart *r, const struct sigaction *act)
{
	if (!r->why || r->why == -ERESTARTNOINTR || tf->pc != r->pc - 4 ||
	    (r->why == -ERESTARTSYS && (act->flags & SA_RESTART)))
		return;
	tf->a0 = -EINTR;
	tf->pc = r->pc;
	tf->a7 = r->a7;
}

/* No signal is left: the mask that a call like sigsuspend put aside comes back. */
static void restore_mask(struct thread *t)
{
	if (!t->restore_blocked)
		return;
	t->restore_blocked = false;
	if (t->saved_blocked != t->blocked)
		signal_set_blocked(t->saved_blocked);
}

void signal_deliver(struct trapframe *tf)
{
	struct thread *t = current();
	struct handling h;
	enum decision d;
	struct restart again = restart_prepare(tf);

	while ((d = next_signal(&h)) == DECIDE_AGAIN)
		;
	if (d == DECIDE_NONE) {
		restore_mask(t);
		return;
	}
	restart_end(tf, &again, &h.act);
	/* In the frame stands where a restartable sequence is begun anew. */
	if ((t->rseq.area && rseq_resume(tf)) ||
	    sigframe_push(tf, &h.info, &h.act, h.restore)) {
		signal_set_blocked(h.before);
		t->saved_blocked = h.restore;
		t->restore_blocked = h.restore != h.before;
		if (h.info.si_signo == SIGSEGV)
			signal_force_default(SIGSEGV);
		signal_fault(SIGSEGV, SI_KERNEL, tf->sp);
	}
}

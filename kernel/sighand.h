/*
 * Inside of the signal code: shared by signal.c, sigdeliver.c, sigframe.c, sigcalls.c, and those
 * who make and end processes.
 */
#pragma once

#include "kernel/process.h"
#include "kernel/spinlock.h"

/* What a process does on each signal; shared by CLONE_SIGHAND. */
struct sighand {
	_Atomic int refs;
	struct spinlock lock;		 /* RANK_SIGHAND, interrupts off */
	sigset_t set;			 /* (lock) of others the action is the default */
	struct sigaction actions[NSIG];	 /* (lock) [sig - 1], where `set` has it; else undefined */
};

/* A signal with its information, queued. */
struct sigqueue {
	struct list_head link;
	struct process *process; /* counts it */
	struct posix_timer *timer; /* it is part of; NULL: allocated */
	struct siginfo info;
};

#define SIG_STOP_MASK (SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | SIGMASK(SIGTTOU))
#define SIG_IGNORE_MASK                                                                            \
	(SIGMASK(SIGCHLD) | SIGMASK(SIGCONT) | SIGMASK(SIGURG) | SIGMASK(SIGWINCH))
#define SIG_CORE_MASK                                                                              \
	(SIGMASK(SIGQUIT) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | SIGMASK(SIGABRT) |                \
	 SIGMASK(SIGBUS) | SIGMASK(SIGFPE) | SIGMASK(SIGSEGV) | SIGMASK(SIGXCPU) |                 \
	 SIGMASK(SIGXFSZ) | SIGMASK(SIGSYS))
#define SIG_UNBLOCKABLE (SIGMASK(SIGKILL) | SIGMASK(SIGSTOP))
/* Signals that a fault causes: taken before others, so that the handler sees the faulting pc. */
#define SIG_SYNC_MASK                                                                              \
	(SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) |                 \
	 SIGMASK(SIGFPE) | SIGMASK(SIGSYS))

/* Is nothing what sig does by default? */
static inline bool signal_default_ignores(int sig)
{
	return SIG_IGNORE_MASK & SIGMASK(sig);
}

struct sighand *sighand_create(void);
struct sighand *sighand_copy(struct sighand *from); /* NULL: no memory */
struct sighand *sighand_get(struct sighand *h);
void sighand_put(struct sighand *h);
/* exec: p, the running thread's, has its handlers for itself. 0 or -ENOMEM. Takes siglock. */
int sighand_unshare(struct process *p);
/* exec: handlers go back to default, ignored signals stay ignored. */
void sighand_reset(struct sighand *h);
/* While others know it, bits of `set` only come, each after its action. */
static inline bool sighand_has(const struct sighand *h, int sig)
{
	return __atomic_load_n(&h->set, __ATOMIC_ACQUIRE) & SIGMASK(sig);
}
static inline struct sigaction sighand_action(struct process *p, int sig)
{
	struct sigaction act = {.handler = SIG_DFL};
	uint64_t irq;

	if (!sighand_has(p->sighand, sig))
		return act;
	irq = spin_lock_irq(&p->sighand->lock);
	act = p->sighand->actions[sig - 1];
	spin_unlock_irq(&p->sighand->lock, irq);
	return act;
}
/* The handler alone: no lock is needed to read one word. */
static inline uint64_t sighand_handler(struct process *p, int sig)
{
	const struct sighand *h = p->sighand;

	return sighand_has(h, sig) ? __atomic_load_n(&h->actions[sig - 1].handler, __ATOMIC_RELAXED)
				   : SIG_DFL;
}

void sigpending_init(struct sigpending *s);
/* Forget signals of mask; p->siglock held, or nobody else can reach s. */
void sigpending_flush(struct sigpending *s, sigset_t mask);
/*
 * Take the next signal outside of blocked: from the thread's own, then from the process's. 0 when
 * there is none. siglock held.
 */
int signal_dequeue(struct thread *t, sigset_t blocked, struct siginfo *info);
/* Set or clear WORK_SIGNAL by what is pending; siglock held. */
void signal_recalc(struct thread *t);
/* Change the running thread's mask. */
void signal_set_blocked(sigset_t blocked);
/*
 * The same, in two halves: the first, and if signals are pending the second. `orphaned`: those of
 * the process that another thread may take now. siglock held, t: the running thread.
 */
void signal_blocked_changed(struct thread *t, sigset_t orphaned) __slow;
static inline void signal_set_blocked_locked(struct thread *t, sigset_t blocked)
{
	sigset_t pending = t->process->pending.set, orphaned = pending & blocked & ~t->blocked;

	t->blocked = blocked & ~SIG_UNBLOCKABLE;
	/* Whatever else there is to do on the way out, WORK_SIGNAL is set for it. */
	if (unlikely((pending | t->pending.set) || signal_pending()))
		signal_blocked_changed(t, orphaned);
}
/* While the running thread waits for these blocked signals, senders neither drop them nor let
 * them kill. Takes siglock. */
void signal_set_awaited(sigset_t awaited);
/*
 * Queue a timer's own entry, which is in no queue, for t (NULL: the process). siglock held. It may
 * stay unqueued: ignored, fatal. And take it off again if it is queued.
 */
void signal_timer_locked(struct process *p, struct thread *t, struct sigqueue *q);
void signal_timer_forget(struct process *p, struct thread *t, struct sigqueue *q);
/* Woken when a signal comes for p or one of its threads; shared by many, and there for ever. */
struct waitqueue *signal_waitqueue(const struct process *p);
/*
 * Wake t so that it sees WORK_SIGNAL; fatal: even from a wait that only death ends. siglock held.
 */
void signal_wake_thread(struct thread *t, bool fatal);
/* All threads of p are to die with status; siglock held. */
void signal_begin_exit(struct process *p, int wait_status);

/* sigframe.c: put a frame on the user stack and go to the handler. -EFAULT if it does not fit. */
int sigframe_push(struct trapframe *tf, const struct siginfo *info, const struct sigaction *act,
		  sigset_t restore);

/*
 * Signals: who gets them and what they do.
 *
 * A signal is pending for a thread or for its process. WORK_SIGNAL in thread->work says that a
 * thread must look on its way to user mode; the sender sets it, the thread clears it when nothing
 * unblocked is left. A signal that will kill is turned into process->exiting at once, so that
 * every thread sees it whatever it is doing.
 */
#include "kernel/sighand.h"

#include "kernel/mem/slab.h"
#include "kernel/posixtimer.h"
#include "kernel/printk.h"
#include "kernel/ptrace.h"
#include "kernel/trap.h"
#include "kernel/uapi/resource.h"
#include "lib/hash.h"

bool signal_pending(void)
{
	return __atomic_load_n(&current()->work, __ATOMIC_ACQUIRE) & WORK_SIGNAL;
}

bool signal_fatal_pending(void)
{
	struct thread *t = current();

	return t->process && signal_pending() &&
	       (t->process->exiting || (t->process->execing && t->process->exec_thread != t));
}

void sigpending_init(struct sigpending *s)
{
	s->set = 0;
	list_init(&s->queue);
}

/* Its process's siglock held. */
static void sigqueue_free(struct sigqueue *q)
{
	list_del(&q->link);
	if (q->timer)
		return;
	q->process->nqueued--;
	kfree(q);
}

void sigpending_flush(struct sigpending *s, sigset_t mask)
{
	struct sigqueue *q, *next;

	s->set &= ~mask;
	list_for_each_entry_safe(q, next, &s->queue, link) {
		if (!(mask & SIGMASK(q->info.si_signo)))
			continue;
		sigqueue_free(q);
	}
}

/* What happens to sig without a handler. */
static bool default_kills(int sig)
{
	return !((SIG_IGNORE_MASK | SIG_STOP_MASK) & SIGMASK(sig));
}

/* Would p do nothing on sig? Its first process never dies of what others send. */
static bool ignores(struct process *p, int sig)
{
	uint64_t handler = sighand_handler(p, sig);

	if (sig == SIGKILL || sig == SIGSTOP)
		return p == init_process;
	if (handler == SIG_IGN)
		return true;
	return handler == SIG_DFL && (signal_default_ignores(sig) || p == init_process);
}

bool signal_ignored(int sig)
{
	struct thread *t = current();

	return (t->blocked & SIGMASK(sig)) || sighand_handler(t->process, sig) == SIG_IGN;
}

void signal_wake_thread(struct thread *t, bool fatal)
{
	__atomic_or_fetch(&t->work, WORK_SIGNAL, __ATOMIC_SEQ_CST);
	if (t->state == THREAD_SLEEPING &&
	    (t->wait_mode == WAIT_INTERRUPTIBLE || (fatal && t->wait_mode == WAIT_KILLABLE)))
		thread_wake(t);
	else if (t->state == THREAD_STOPPED && fatal)
		thread_wake(t);
	else if (t->on_cpu && t != current())
		ipi_send(t->hart, IPI_RESCHED); /* so that it leaves user mode and looks */
}

void signal_begin_exit(struct process *p, int wait_status)
{
	struct thread *t;

	if (p->exiting)
		return;
	p->exiting = true;
	p->exit_status = wait_status;
	p->stopping = false;
	list_for_each_entry(t, &p->threads, process_link)
		signal_wake_thread(t, true);
	wake_all(&p->exec_wait);
}

static bool wants(struct thread *t, int sig)
{
	return !(t->blocked & SIGMASK(sig)) && t->state != THREAD_DEAD;
}

/* Which thread should look at a signal sent to the process: its first one if it can. */
static struct thread *choose(struct process *p, int sig)
{
	struct thread *t;

	list_for_each_entry(t, &p->threads, process_link)
		if (wants(t, sig))
			return t;
	return NULL;
}

/* A stop signal cancels SIGCONT and the other way round, even when blocked or ignored. */
static bool job_control(struct process *p, int sig)
{
	struct thread *t;
	sigset_t drop;
	bool continued = false;

	if (sig == SIGCONT)
		drop = SIG_STOP_MASK;
	else if (SIG_STOP_MASK & SIGMASK(sig))
		drop = SIGMASK(SIGCONT);
	else
		return false;
	sigpending_flush(&p->pending, drop);
	list_for_each_entry(t, &p->threads, process_link)
		sigpending_flush(&t->pending, drop);
	if (sig == SIGCONT)
		p->stop_taken = false;
	if (sig == SIGCONT && p->stopping) {
		continued = p->nstopped == p->nthreads;
		p->stopping = false;
		p->nstopped = 0;
		p->stop_unreported = false;
		p->cont_unreported = continued;
		list_for_each_entry(t, &p->threads, process_link) {
			trace_continued_locked(t);
			if (t->state == THREAD_STOPPED)
				thread_wake(t);
		}
	}
	return continued;
}

/* A standard signal is queued once and always; a real-time one within RLIMIT_SIGPENDING. */
static struct sigqueue *sigqueue_alloc(struct process *p, int sig)
{
	struct sigqueue *q;

	if (sig >= SIGRTMIN && p->nqueued >= p->rlimits[RLIMIT_SIGPENDING].cur)
		return NULL;
	q = kmalloc(sizeof(*q));
	if (q) {
		q->process = p;
		q->timer = NULL;
		p->nqueued++;
	}
	return q;
}

/* s is p's or one of its threads'. siglock held. */
static int enqueue(struct process *p, struct sigpending *s, int sig, const struct siginfo *info)
{
	struct sigqueue *q;

	if (sig < SIGRTMIN && (s->set & SIGMASK(sig)))
		return 0;
	q = sigqueue_alloc(p, sig);
	/* What kill(2) sends carries nothing that could be lost. */
	if (!q && sig >= SIGRTMIN && info && info->si_code != SI_USER)
		return -EAGAIN;
	s->set |= SIGMASK(sig);
	if (!q)
		return 0;
	if (info)
		q->info = *info;
	else
		q->info = (struct siginfo){.si_code = SI_KERNEL};
	q->info.si_signo = sig;
	list_add_tail(&q->link, &s->queue);
	return 0;
}

/* Who reads signals may outlive the process whose signals they were: the queues are nobody's. */
#define QUEUE_BITS 6
static struct waitqueue queues[1 << QUEUE_BITS];

struct waitqueue *signal_waitqueue(const struct process *p)
{
	return &queues[hash_ptr(p, QUEUE_BITS)];
}

void signals_init(void)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(queues); i++)
		waitqueue_init(&queues[i]);
}

/* A timer's own entry is queued whatever else is pending. siglock held. */
static int enqueue_timer(struct sigpending *s, struct sigqueue *q)
{
	s->set |= SIGMASK(q->info.si_signo);
	list_add_tail(&q->link, &s->queue);
	return 0;
}

/*
 * t NULL: for the process. timer: an entry to queue, with its own information. siglock held.
 * *continued: the parent must be told.
 */
static int send_locked(struct process *p, struct thread *t, int sig, const struct siginfo *info,
		       struct sigqueue *timer, bool *continued)
{
	struct sigpending *to = t ? &t->pending : &p->pending;
	struct thread *taker;
	bool acts;
	int err;

	*continued = job_control(p, sig);
	if (sig == SIGKILL && p->dumper)
		signal_wake_thread(p->dumper, true);
	/* Nor is there anyone to take what comes for a thread that has ended. */
	if (p->exiting || p->zombie || (t && list_empty(&t->process_link)))
		return 0;
	taker = t ? (wants(t, sig) ? t : NULL) : choose(p, sig);
	/* Who uses up the time of a timer is not to wake another. */
	if (timer && !t && current()->process == p && wants(current(), sig))
		taker = current();
	acts = taker && !(taker->awaited & SIGMASK(sig)) &&
	       (sig == SIGKILL || !thread_traced(taker)); /* its tracer decides */
	/* A blocked signal stays pending even if ignored: the action may change before. */
	if (acts && ignores(p, sig))
		return 0;
	if (acts && default_kills(sig) && p != init_process &&
	    sighand_handler(p, sig) == SIG_DFL &&
	    (sig == SIGKILL || !(SIG_CORE_MASK & SIGMASK(sig)))) {
		signal_begin_exit(p, sig);
		return 0;
	}
	err = timer ? enqueue_timer(to, timer) : enqueue(p, to, sig, info);
	if (!err)
		wake_all(signal_waitqueue(p));
	if (!err && taker)
		signal_wake_thread(taker, false);
	return err;
}

static int send(struct process *p, struct thread *t, int sig, const struct siginfo *info,
		bool *continued)
{
	uint64_t irq = spin_lock_irq(&p->siglock);
	int err = send_locked(p, t, sig, info, NULL, continued);

	spin_unlock_irq(&p->siglock, irq);
	return err;
}

static int send_and_tell(struct process *p, struct thread *t, int sig, const struct siginfo *info)
{
	bool continued;
	int err = send(p, t, sig, info, &continued);

	if (continued)
		process_notify_parent(p, CLD_CONTINUED, SIGCONT);
	return err;
}

void signal_timer_locked(struct process *p, struct thread *t, struct sigqueue *q)
{
	bool continued;

	/* From an interrupt no parent can be told that a timer let its child go on. */
	(void)send_locked(p, t, q->info.si_signo, NULL, q, &continued);
}

void signal_timer_forget(struct process *p, struct thread *t, struct sigqueue *q)
{
	struct sigpending *s = t ? &t->pending : &p->pending;
	struct sigqueue *other;

	if (list_empty(&q->link))
		return;
	list_del(&q->link);
	list_for_each_entry(other, &s->queue, link)
		if (other->info.si_signo == q->info.si_signo)
			return;
	s->set &= ~SIGMASK(q->info.si_signo);
}

int signal_thread(struct thread *t, int sig, const struct siginfo *info)
{
	return t->process ? send_and_tell(t->process, t, sig, info) : -ESRCH;
}

int signal_process(struct process *p, int sig, const struct siginfo *info)
{
	return send_and_tell(p, NULL, sig, info);
}

int signal_process_locked(struct process *p, int sig, const struct siginfo *info)
{
	bool continued;
	int err = send(p, NULL, sig, info, &continued);

	if (continued)
		process_notify_parent_locked(p, CLD_CONTINUED, SIGCONT);
	return err;
}

void signal_recalc(struct thread *t)
{
	struct process *p = t->process;

	if (((t->pending.set | p->pending.set) & ~t->blocked) || p->exiting || p->stopping ||
	    (p->execing && p->exec_thread != t) || t->restore_blocked || t->fault.sig ||
	    (t->tracee && t->tracee->trap))
		__atomic_or_fetch(&t->work, WORK_SIGNAL, __ATOMIC_RELAXED);
	else
		__atomic_and_fetch(&t->work, ~(uint32_t)WORK_SIGNAL, __ATOMIC_RELAXED);
}

void signal_set_awaited(sigset_t awaited)
{
	struct process *p = current()->process;
	uint64_t irq = spin_lock_irq(&p->siglock);

	current()->awaited = awaited;
	spin_unlock_irq(&p->siglock, irq);
}

/* What t was to take for its process, another thread may take now. siglock held. */
static __slow void leave_to_others(const struct thread *t, sigset_t orphaned)
{
	struct thread *other;

	list_for_each_entry(other, &t->process->threads, process_link)
		if (other != t && (orphaned & ~other->blocked))
			signal_wake_thread(other, false);
}

void signal_blocked_changed(struct thread *t, sigset_t orphaned)
{
	if (orphaned)
		leave_to_others(t, orphaned);
	signal_recalc(t);
}

void signal_set_blocked(sigset_t blocked)
{
	struct process *p = current()->process;
	uint64_t irq = spin_lock_irq(&p->siglock);

	signal_set_blocked_locked(current(), blocked);
	spin_unlock_irq(&p->siglock, irq);
}

static int take(struct sigpending *s, int sig, struct siginfo *info)
{
	struct sigqueue *q, *found = NULL;
	bool more = false;

	list_for_each_entry(q, &s->queue, link) {
		if (q->info.si_signo != sig)
			continue;
		if (found) {
			more = true;
			break;
		}
		found = q;
	}
	if (!more)
		s->set &= ~SIGMASK(sig);
	if (found) {
		*info = found->info;
		if (found->timer)
			posix_timer_taken(found->timer, info);
		sigqueue_free(found);
	} else {
		*info = (struct siginfo){.si_signo = sig, .si_code = SI_USER};
	}
	return sig;
}

int signal_dequeue(struct thread *t, sigset_t blocked, struct siginfo *info)
{
	sigset_t own = t->pending.set & ~blocked, all = t->process->pending.set & ~blocked;

	if (own & SIG_SYNC_MASK)
		return take(&t->pending, ctz64(own & SIG_SYNC_MASK) + 1, info);
	if (own)
		return take(&t->pending, ctz64(own) + 1, info);
	if (all)
		return take(&t->process->pending, ctz64(all) + 1, info);
	return 0;
}

void signal_force_default(int sig)
{
	struct process *p = current()->process;
	uint64_t irq = spin_lock_irq(&p->sighand->lock);

	p->sighand->actions[sig - 1].handler = SIG_DFL;
	spin_unlock_irq(&p->sighand->lock, irq);
	signal_set_blocked(current()->blocked & ~SIGMASK(sig));
}

/* It cannot go on behind the fault: a signal that is blocked or ignored kills. */
static __slow void fault_kills(struct thread *t, int sig, int code, uaddr_t addr)
{
	const struct trapframe *tf = thread_trapframe(t);

	if (!thread_traced(t))
		printk(LOG_DEBUG, "%s[%d]: signal %d code %d at %lx, pc %lx ra %lx\n", t->comm,
		       t->tid, sig, code, addr, tf->pc, tf->ra);
	signal_force_default(sig);
}

void signal_fault(int sig, int code, uaddr_t addr)
{
	struct thread *t = current();
	uint64_t handler = sighand_handler(t->process, sig);

	t->fault.sig = sig;
	t->fault.code = code;
	t->fault.addr = addr;
	__atomic_or_fetch(&t->work, WORK_SIGNAL, __ATOMIC_RELAXED);
	if ((t->blocked & SIGMASK(sig)) || handler == SIG_IGN || handler == SIG_DFL)
		fault_kills(t, sig, code, addr);
}

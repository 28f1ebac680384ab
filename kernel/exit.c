/*
 * The end of threads and processes.
 *
 * A thread that exits gives up what it shares with others at once. The last one of a process
 * makes it a zombie: only what wait(2) reports is left, until the parent has asked (wait4.c).
 */
#include "kernel/process.h"
#include "kernel/rusage.h"

#include "fs/file.h"
#include "kernel/acct.h"
#include "kernel/futex.h"
#include "kernel/ipc/sem.h"
#include "kernel/keys/key.h"
#include "kernel/machine_stop.h"
#include "kernel/main.h"
#include "kernel/namespace.h"
#include "kernel/panic.h"
#include "kernel/pid.h"
#include "kernel/posixtimer.h"
#include "kernel/printk.h"
#include "kernel/ptrace.h"
#include "kernel/riscv.h"
#include "kernel/sighand.h"
#include "kernel/syscall.h"
#include "kernel/time.h"
#include "mm/aspace.h"
#include "mm/usercopy.h"

void (*tty_session_exit_hook)(struct process *leader);

void vfork_release(struct thread *child)
{
	uint64_t irq = spin_lock_irq(&proc_lock);
	struct waitqueue *done = child->vfork_done;

	if (done) {
		/*
		 * The condition first, or a parent that wakes at once would sleep again. done is
		 * on its stack: the parent takes proc_lock before it leaves.
		 */
		__atomic_store_n(&child->vfork_done, NULL, __ATOMIC_RELEASE);
		wake_all(done);
	}
	spin_unlock_irq(&proc_lock, irq);
}

struct keeper_search {
	struct process *leaving; /* as if it were gone already; may be NULL */
	struct process *heir;	 /* of its children */
	bool found;
};

static void look_for_keeper(struct process *p, void *arg)
{
	struct keeper_search *s = arg;
	struct process *parent = p->parent;

	if (parent == s->leaving)
		parent = s->heir;
	if (p == s->leaving || p->zombie || !parent || parent == init_process)
		return;
	if (parent->pgid != p->pgid && parent->sid == p->sid)
		s->found = true;
}

static bool orphaned_without(pid_t pgid, struct process *leaving)
{
	struct keeper_search s = {leaving, leaving ? process_heir(leaving) : NULL, false};

	pgrp_for_each(pgid, look_for_keeper, &s);
	return !s.found;
}

bool pgrp_orphaned(pid_t pgid)
{
	return orphaned_without(pgid, NULL);
}

static void note_stopped(struct process *p, void *arg)
{
	if (p->stopping && !p->zombie)
		*(bool *)arg = true;
}

/*
 * A group that becomes orphaned by p's death and has stopped members is to be hung up and
 * continued (POSIX, _exit). proc_lock held.
 */
static bool newly_orphaned_stopped(pid_t pgid, struct process *leaving)
{
	bool stopped = false;

	pgrp_for_each(pgid, note_stopped, &stopped);
	return stopped && orphaned_without(pgid, leaving);
}

/* Groups of p's children that its death orphans; a handful at most are worth telling. */
static uint32_t find_orphans(struct process *p, pid_t pgids[], uint32_t max)
{
	struct process *c;
	uint32_t n = 0;

	if (newly_orphaned_stopped(p->pgid, p))
		pgids[n++] = p->pgid;
	list_for_each_entry(c, &p->children, sibling)
		if (n < max && c->pgid != p->pgid && newly_orphaned_stopped(c->pgid, p))
			pgids[n++] = c->pgid;
	return n;
}

static void hang_up_orphans(const pid_t pgids[], uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		signal_pgrp(pgids[i], SIGHUP, NULL);
		signal_pgrp(pgids[i], SIGCONT, NULL);
	}
}

void wait_status_decode(int status, int *code, int *value)
{
	if (status & 0x7f) {
		*code = status & 0x80 ? CLD_DUMPED : CLD_KILLED;
		*value = status & 0x7f;
	} else {
		*code = CLD_EXITED;
		*value = status >> 8 & 0xff;
	}
}

struct sigaction process_sigchld_action(struct process *p)
{
	uint64_t irq = spin_lock_irq(&p->siglock);
	struct sigaction act = sighand_action(p, SIGCHLD);

	spin_unlock_irq(&p->siglock, irq);
	return act;
}

/*
 * The parent learns of it before it can have waited for p. It is woken once: woken again later, it
 * would already wait for its next child, in vain.
 */
void process_notify_parent_locked(struct process *p, int code, int status)
{
	struct siginfo info = {.si_signo = SIGCHLD, .si_code = code, .si_pid = p->pid};
	struct process *parent = p->parent;
	bool lives = code == CLD_STOPPED || code == CLD_CONTINUED;

	if (!parent)
		return;
	info.si_uid = p->leader->cred->uid;
	info.si_status = status;
	info.si_utime = p->dead_threads.utime / (NSEC_PER_SEC / 100);
	info.si_stime = p->dead_threads.stime / (NSEC_PER_SEC / 100);
	if (!lives || !(process_sigchld_action(parent).flags & SA_NOCLDSTOP))
		signal_process(parent, SIGCHLD, &info);
	wake_all(&parent->child_wait);
}

void process_notify_parent(struct process *p, int code, int status)
{
	uint64_t irq = spin_lock_irq(&proc_lock);

	process_notify_parent_locked(p, code, status);
	spin_unlock_irq(&proc_lock, irq);
}

bool process_autoreaps(struct process *parent)
{
	struct sigaction act = process_sigchld_action(parent);

	return act.handler == SIG_IGN || (act.flags & SA_NOCLDWAIT);
}

/*
 * The signal of p's end. What a program asked for by clone(2) is not sent to the one that its
 * process runs since, which may have more powers. proc_lock held.
 */
static int end_signal_locked(const struct process *p)
{
	return p->parent->execs == p->parent_execs ? p->exit_signal : SIGCHLD;
}

/*
 * p's end becomes its parent's to wait for. Who hears of it by end_tell_rest then, referenced.
 * *gone: p is forgotten; the caller drops its last reference. proc_lock held.
 */
static struct process *end_tell_locked(struct process *p, bool *gone)
{
	struct process *parent = p->parent;
	int code, value;

	process_get(parent);
	*gone = end_signal_locked(p) == SIGCHLD && process_autoreaps(parent);
	wait_status_decode(p->exit_status, &code, &value);
	/* With SA_NOCLDWAIT alone the signal is still sent. */
	if (end_signal_locked(p) == SIGCHLD)
		process_notify_parent_locked(p, code, value);
	if (*gone)
		pid_forget_process_locked(p);
	return parent;
}

/* Without proc_lock: the signal may be SIGCONT, which tells the parent's parent. */
static void end_tell_rest(struct process *parent, int sig)
{
	if (sig && sig != SIGCHLD)
		signal_process(parent, sig, NULL);
	if (sig != SIGCHLD)
		wake_all(&parent->child_wait);
	process_put(parent);
}

void process_end_told(struct process *p)
{
	struct process *parent = NULL;
	bool gone = false;
	uint64_t irq = spin_lock_irq(&proc_lock), irq2 = spin_lock_irq(&p->siglock);
	bool all = --p->untold == 0;
	int sig = end_signal_locked(p);

	spin_unlock_irq(&p->siglock, irq2);
	if (all && p->zombie)
		parent = end_tell_locked(p, &gone);
	spin_unlock_irq(&proc_lock, irq);
	if (parent)
		end_tell_rest(parent, sig);
	if (gone)
		process_put(p);
	process_put(p);
}

static void become_zombie(struct process *p)
{
	LIST_HEAD(bereaved);
	pid_t orphans[8];
	uint32_t norphans;
	bool gone = false;
	struct process *parent = NULL;
	uint64_t irq;
	int sig;

	if (p->sid == p->pid && tty_session_exit_hook)
		tty_session_exit_hook(p);
	/* To the very end: a parent that ran at once would have to come back to let us finish. */
	preempt_disable();
	irq = spin_lock_irq(&proc_lock);
	norphans = find_orphans(p, orphans, ARRAY_SIZE(orphans));
	reparent_children(p, &bereaved);
	sig = end_signal_locked(p);
	p->zombie = true;
	wake_all(&p->exit_wait);
	if (!p->untold)
		parent = end_tell_locked(p, &gone);
	spin_unlock_irq(&proc_lock, irq);
	bereaved_tell(&bereaved);
	hang_up_orphans(orphans, norphans);
	if (parent)
		end_tell_rest(parent, sig);
	if (gone)
		process_put(p);
}

/* Pid 1 is gone: stop the machine; its exit status is the machine's. */
static void __noreturn init_exited(int status)
{
	int code, value;

	wait_status_decode(status, &code, &value);
	if (code != CLD_EXITED) {
		printk(LOG_EMERG, "init was killed by signal %d\n", value);
		value += 128;
	}
	vfs_shutdown();
	machine_poweroff(value);
}

static void add_usage(struct process *p, struct thread *t)
{
	uint64_t user, system;

	thread_cpu_times(t, &user, &system);
	p->dead_threads.utime += user;
	p->dead_threads.stime += system;
	p->dead_threads.minflt += t->minflt;
	p->dead_threads.majflt += t->majflt;
	p->dead_threads.nvcsw += t->nvcsw;
	p->dead_threads.nivcsw += t->nivcsw;
}

void thread_leave_user_space(struct thread *t)
{
	futex_exit_robust(t);
	futex_pi_leave(t);
	/* Nobody is told who is the only one in the space. */
	if (t->clear_child_tid && !aspace_exclusive(t->aspace) &&
	    !put_user_u32(t->clear_child_tid, 0))
		futex_wake_addr(t->clear_child_tid, 1);
	t->clear_child_tid = 0;
}

/* The most that the space of a process had in memory is found at the end of both. */
static void leave_space(struct process *p, struct aspace *as, bool last)
{
	uint64_t peak;

	if (!last) {
		aspace_put(as);
		return;
	}
	if (!aspace_put_last(as, &peak)) {
		peak = aspace_peak_rss(as);
		aspace_put(as);
	}
	p->maxrss = MAX(p->maxrss, peak);
}

static void release_resources(struct thread *t, bool last)
{
	struct process *p = t->process;
	struct fdtable *files = t->files;
	struct aspace *as = t->aspace;
	struct ns_set *ns = t->ns;
	uint64_t irq;

	/* /proc looks at what a thread has under proc_lock. */
	irq = spin_lock_irq(&proc_lock);
	t->files = NULL;
	t->aspace = NULL;
	t->ns = NULL;
	spin_unlock_irq(&proc_lock, irq);
	fdtable_put(files);
	fscontext_replace(&t->fs, NULL);
	ns_set_put(ns);
	irq_disable();
	aspace_activate(NULL);
	irq_enable();
	leave_space(p, as, last);
}

/* All threads of p are gone. */
static void process_ended(struct process *p)
{
	trace_tracer_exit(p);
	if (p->leader->tracee)
		trace_ended(p->leader, p->exit_status);
	pid_forget_thread(p->leader);
	if (p->exe)
		file_put(p->exe);
	p->exe = NULL;
	become_zombie(p);
}

/* Of the end of a process that goes with its first thread, process_ended tells. */
static void tell_tracer(struct thread *t, bool leader, bool last, int wait_status)
{
	if (!leader)
		trace_ended(t, wait_status);
	else if (!last)
		trace_leader_left(t, wait_status);
}

void thread_exit(int wait_status)
{
	struct thread *t = current();
	struct process *p = t->process;
	bool last, stop_now, leader, exiting, recorded;
	struct acct_v3 record;
	pid_t tid;
	uint64_t irq;

	if (t->tracee)
		trace_exit(wait_status);
	irq = spin_lock_irq(&p->siglock);
	last = --p->nthreads == 0;
	trace_ends_locked(t);
	/* Unless all die at once, the last thread's status is the process's, as in Linux. */
	if (last && !p->exiting)
		p->exit_status = wait_status;
	/* Nobody is left to take a signal. */
	if (last)
		p->exiting = true;
	/* From now on no signal of the process is ours to take. */
	t->blocked = ~0UL;
	stop_now = p->stopping && !last && p->nstopped == p->nthreads;
	if (stop_now)
		p->stop_unreported = true;
	spin_unlock_irq(&p->siglock, irq);
	if (stop_now)
		process_notify_parent(p, CLD_STOPPED, p->stop_signal);
	if (last && p == init_process)
		init_exited(p->exit_status);
	if (last && p->itimer_real)
		timer_cancel(p->itimer_real);
	if (last) {
		posix_timers_drop(p);
		aio_drop(p);
	}
	recorded = last && acct_begin(&record, p, t);
	thread_leave_user_space(t);
	vfork_release(t);
	sem_exit(t);
	keys_exit(t);
	release_resources(t, last);
	if (recorded)
		acct_end(&record, p, t);
	irq = spin_lock_irq(&p->siglock);
	add_usage(p, t);
	sigpending_flush(&t->pending, ~0UL);
	list_del(&t->process_link);
	/* Asked now: an exec that waits for us takes the place over as soon as we let go. */
	leader = t == p->leader;
	tid = t->tid;
	exiting = p->exiting;
	if (last)
		sigpending_flush(&p->pending, ~0UL);
	spin_unlock_irq(&p->siglock, irq);
	/* When all end, the last one tells the children of all. */
	if (!exiting && !list_empty(&p->children))
		reparent_to_thread(p, tid);
	wake_all(&p->exec_wait);
	/* Before who traces it may know of its end: to find it after that would be wrong. */
	if (!leader) {
		pid_forget_thread(t);
		wake_all(&p->exit_wait);
	}
	if (t->tracee)
		tell_tracer(t, leader, last, p->exiting ? p->exit_status : wait_status);
	if (last)
		process_ended(p);
	sched_exit();
}

void process_exit_group(int wait_status)
{
	struct process *p = current()->process;
	uint64_t irq = spin_lock_irq(&p->siglock);

	signal_begin_exit(p, wait_status);
	spin_unlock_irq(&p->siglock, irq);
	thread_exit(wait_status);
}

int process_single_thread(void)
{
	struct thread *t = current(), *other;
	struct process *p = t->process;
	uint64_t irq = spin_lock_irq(&p->siglock);

	if (p->exiting || p->execing) {
		spin_unlock_irq(&p->siglock, irq);
		return -EAGAIN;
	}
	p->execing = true;
	p->exec_thread = t;
	list_for_each_entry(other, &p->threads, process_link)
		if (other != t)
			signal_wake_thread(other, true);
	spin_unlock_irq(&p->siglock, irq);
	/* They are on their way to user mode or out of a wait; none can start new ones. */
	wait_event(&p->exec_wait, p->threads.next == p->threads.prev || p->exiting,
		   WAIT_UNINTERRUPTIBLE);
	irq = spin_lock_irq(&p->siglock);
	p->execing = false;
	p->exec_thread = NULL;
	spin_unlock_irq(&p->siglock, irq);
	if (p->exiting)
		return -EAGAIN;
	if (t != p->leader)
		pid_take_over(t);
	return 0;
}

SYSCALL1(exit, int, status)
{
	thread_exit((status & 0xff) << 8);
}

SYSCALL1(exit_group, int, status)
{
	process_exit_group((status & 0xff) << 8);
}

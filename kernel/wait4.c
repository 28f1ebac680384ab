/*
 * wait4(2) and waitid(2): learning what became of a child.
 */
#include "fs/file.h"
#include "kernel/mem/slab.h"
#include "kernel/pid.h"
#include "kernel/process.h"
#include "kernel/ptrace.h"
#include "kernel/sighand.h"
#include "kernel/syscall.h"
#include "kernel/rusage.h"
#include "kernel/uapi/fcntl.h"
#include "kernel/uapi/sched.h"
#include "mm/usercopy.h"

/* Whom and what the caller waits for, and what was found. */
struct wait_request {
	int which; /* P_* */
	pid_t id;
	const struct process *process; /* of P_PIDFD; referenced, also the next */
	const struct thread *thread;   /* NULL: not only a thread of it */
	int options;
	/* result; pid 0: none yet */
	pid_t pid;
	uid_t uid;
	int code;   /* CLD_* */
	int status; /* as si_status */
	int wait_status;
	struct process *reaped; /* unlinked: the caller drops the last reference */
	struct tracee *ended;	/* the same: the caller passes it to trace_end_taken */
	struct rusage *usage;	/* filled with the rest; NULL: nobody asks */
};

static bool eligible(const struct wait_request *r, const struct process *c)
{
	bool clone_child = c->exit_signal != SIGCHLD;

	if (!(r->options & __WALL) && clone_child != !!((uint32_t)r->options & __WCLONE))
		return false;
	switch (r->which) {
	case P_PID:
		return c->pid == r->id;
	case P_PGID:
		return c->pgid == r->id;
	case P_PIDFD:
		return c == r->process && !r->thread;
	default:
		return true;
	}
}

static void found_as(struct wait_request *r, pid_t pid, uid_t uid, int code, int status,
		     int wait_status)
{
	r->pid = pid;
	r->uid = uid;
	r->code = code;
	r->status = status;
	r->wait_status = wait_status;
}

static void found_usage(struct wait_request *r, struct process *p)
{
	if (r->usage)
		rusage_of_process(p, r->usage);
}

static void found(struct wait_request *r, struct process *c, int code, int status, int wait_status)
{
	found_as(r, c->pid, c->leader->cred->uid, code, status, wait_status);
}

/* A process or thread that ended with this status. */
static void found_dead(struct wait_request *r, pid_t pid, uid_t uid, int status)
{
	if (status & 0x7f)
		found_as(r, pid, uid, status & 0x80 ? CLD_DUMPED : CLD_KILLED, status & 0x7f,
			 status);
	else
		found_as(r, pid, uid, CLD_EXITED, status >> 8 & 0xff, status);
}

/* A child's time becomes its parent's waited-for time. */
static void inherit_usage(struct process *me, struct process *c)
{
	uint64_t irq = spin_lock_irq(&me->siglock);
	struct usage *to = &me->dead_children;
	const struct usage *own = &c->dead_threads, *kids = &c->dead_children;

	to->utime += own->utime + kids->utime;
	to->stime += own->stime + kids->stime;
	to->minflt += own->minflt + kids->minflt;
	to->majflt += own->majflt + kids->majflt;
	to->nvcsw += own->nvcsw + kids->nvcsw;
	to->nivcsw += own->nivcsw + kids->nivcsw;
	me->children_maxrss = MAX(me->children_maxrss, c->maxrss);
	me->children_maxrss = MAX(me->children_maxrss, c->children_maxrss);
	spin_unlock_irq(&me->siglock, irq);
}

static bool try_zombie(struct wait_request *r, struct process *me, struct process *c)
{
	if (!c->zombie || c->untold || !(r->options & WEXITED))
		return false;
	found_dead(r, c->pid, c->leader->cred->uid, c->exit_status);
	found_usage(r, c);
	if (r->options & WNOWAIT)
		return true;
	inherit_usage(me, c);
	pid_forget_process_locked(c);
	r->reaped = c;
	return true;
}

static bool try_stopped(struct wait_request *r, struct process *c)
{
	uint64_t irq;
	bool hit = false;

	if (!(r->options & (WSTOPPED | WCONTINUED)))
		return false;
	irq = spin_lock_irq(&c->siglock);
	if ((r->options & WSTOPPED) && c->stop_unreported) {
		found(r, c, CLD_STOPPED, c->stop_signal, c->stop_signal << 8 | 0x7f);
		if (!(r->options & WNOWAIT))
			c->stop_unreported = false;
		hit = true;
	} else if ((r->options & WCONTINUED) && c->cont_unreported) {
		found(r, c, CLD_CONTINUED, SIGCONT, 0xffff);
		if (!(r->options & WNOWAIT))
			c->cont_unreported = false;
		hit = true;
	}
	spin_unlock_irq(&c->siglock, irq);
	if (hit)
		found_usage(r, c);
	return hit;
}

static bool tracee_meant(const struct wait_request *r, const struct tracee *tr)
{
	const struct thread *t = tr->thread;

	if (r->which == P_PIDFD && r->thread)
		return t ? t == r->thread && t != t->process->leader : tr->tid == r->thread->tid;
	if (r->which == P_PID || r->which == P_PIDFD)
		return (t ? t->tid : tr->tid) ==
		       (r->which == P_PID ? r->id : r->process->pid);
	return r->which != P_PGID || (t ? t->process->pgid : tr->pgid) == r->id;
}

/* The end of a thread that was traced, which its process outlives or another waits for. */
static bool try_ended(struct wait_request *r, struct tracee *tr)
{
	if (!(r->options & WEXITED))
		return false;
	found_dead(r, tr->tid, tr->uid, tr->exit_status);
	if (r->usage)
		*r->usage = (struct rusage){0}; /* nobody kept it */
	if (!(r->options & WNOWAIT)) {
		list_del(&tr->link);
		r->ended = tr;
	}
	return true;
}

static bool try_tracee(struct wait_request *r, struct tracee *tr)
{
	struct thread *t = tr->thread;
	struct process *p;
	uint64_t irq;
	bool hit;

	if (!t)
		return try_ended(r, tr);
	p = t->process;
	irq = spin_lock_irq(&p->siglock);
	hit = tr->stopped && tr->unreported;
	if (hit)
		found_as(r, t->tid, t->cred->uid, CLD_TRAPPED, tr->code, tr->code << 8 | 0x7f);
	if (hit && !(r->options & WNOWAIT))
		tr->unreported = false;
	spin_unlock_irq(&p->siglock, irq);
	if (hit)
		found_usage(r, p);
	return hit;
}

/* Those the caller traces, its children or not; true: one is in r. *any: there are some. */
static bool scan_tracees(struct wait_request *r, struct process *me, bool *any)
{
	struct tracee *tr;

	list_for_each_entry(tr, &me->tracees, link) {
		if (!tracee_meant(r, tr))
			continue;
		*any = true;
		if (try_tracee(r, tr))
			return true;
	}
	return false;
}

/* Looks at all children once. True: there is an answer, *err says which kind. */
static bool scan(struct wait_request *r, int *err)
{
	struct process *me = current()->process, *c;
	bool any = false, hit = false;
	uint64_t irq = spin_lock_irq(&proc_lock);

	list_for_each_entry(c, &me->children, sibling) {
		if (!eligible(r, c))
			continue;
		any = true;
		hit = try_zombie(r, me, c) || (!c->zombie && try_stopped(r, c));
		if (hit)
			break;
	}
	hit = hit || scan_tracees(r, me, &any);
	spin_unlock_irq(&proc_lock, irq);
	*err = 0;
	if (hit)
		return true;
	if (!any)
		*err = -ECHILD;
	return !any || (r->options & WNOHANG);
}

static int wait_for(struct wait_request *r)
{
	struct waitqueue *wq = &current()->process->child_wait;
	int err = 0, interrupted = 0;
	bool answered = (r->options & WNOHANG) && scan(r, &err);
	struct waiter w;

	/* As wait_event, but queued before the first look: who most often waits needs no second. */
	while (!answered && !interrupted) {
		wait_begin(wq, &w, WAIT_INTERRUPTIBLE);
		answered = scan(r, &err);
		if (!answered)
			interrupted = wait_sleep(WAIT_INTERRUPTIBLE, UINT64_MAX);
		wait_end(&w);
		answered = answered || scan(r, &err);
	}
	if (!answered)
		return interrupted;
	if (r->reaped)
		process_put(r->reaped);
	if (r->ended)
		trace_end_taken(r->ended);
	return err;
}

SYSCALL4(wait4, pid_t, pid, uaddr_t, status, int, options, uaddr_t, usage)
{
	struct rusage ru;
	struct wait_request r = {.options = options | WEXITED};
	int err;

	if (usage)
		r.usage = &ru;
	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | (int)__WCLONE | __WALL))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid > 0) {
		r.which = P_PID;
		r.id = pid;
	} else if (pid != -1) {
		r.which = P_PGID;
		r.id = pid ? -pid : current()->process->pgid;
	}
	err = wait_for(&r);
	if (err)
		return err;
	if (r.pid && status && put_user_u32(status, r.wait_status))
		return -EFAULT;
	if (r.pid && usage && copy_to_user(usage, &ru, sizeof(ru)))
		return -EFAULT;
	return r.pid;
}

/* Waits for whom a pidfd stands for; one that does not block is as if it said WNOHANG. */
static int wait_for_pidfd(struct wait_request *r)
{
	struct pidfd_target of;
	int err = pidfd_get(r->id, false, &of);
	bool eagain;

	if (err)
		return err;
	eagain = (of.flags & O_NONBLOCK) && !(r->options & WNOHANG);
	r->process = of.process;
	r->thread = of.thread;
	if (eagain)
		r->options |= WNOHANG;
	err = wait_for(r);
	pidfd_put(&of);
	return !err && !r->pid && eagain ? -EAGAIN : err;
}

SYSCALL5(waitid, int, which, pid_t, id, uaddr_t, info, int, options, uaddr_t, usage)
{
	struct rusage ru;
	struct wait_request r = {.which = which, .id = id, .options = options};
	struct siginfo si = {0};
	int err;

	if (usage)
		r.usage = &ru;
	if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD |
			(int)__WCLONE | __WALL))
		return -EINVAL;
	if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	if (which < P_ALL || which > P_PIDFD || (which == P_PID && id <= 0) ||
	    ((which == P_PGID || which == P_PIDFD) && id < 0))
		return -EINVAL;
	if (which == P_PGID && id == 0)
		r.id = current()->process->pgid;
	err = which == P_PIDFD ? wait_for_pidfd(&r) : wait_for(&r);
	if (err)
		return err;
	if (r.pid) {
		si.si_signo = SIGCHLD;
		si.si_code = r.code;
		si.si_pid = r.pid;
		si.si_uid = r.uid;
		si.si_status = r.status;
		if (usage && copy_to_user(usage, &ru, sizeof(ru)))
			return -EFAULT;
	}
	/* Linux writes only these fields. */
	if (info && copy_to_user(info, &si, offsetof(struct siginfo, si_utime)))
		return -EFAULT;
	return 0;
}

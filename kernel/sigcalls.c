/*
 * The system calls about signals, and signal actions.
 */
#include <stdatomic.h>

#include "fs/file.h"
#include "kernel/mem/slab.h"
#include "kernel/pid.h"
#include "kernel/sighand.h"
#include "kernel/syscall.h"
#include "kernel/time.h"
#include "kernel/uapi/pidfd.h"
#include "kernel/uapi/time.h"
#include "lib/string.h"
#include "mm/usercopy.h"

struct sighand *sighand_create(void)
{
	struct sighand *h = kmalloc(sizeof(*h));

	if (!h)
		return NULL;
	h->refs = 1;
	h->set = 0;
	spin_init(&h->lock, "sighand", RANK_SIGHAND);
	return h;
}

struct sighand *sighand_copy(struct sighand *from)
{
	struct sighand *h = sighand_create();
	uint64_t irq;

	if (!h)
		return NULL;
	irq = spin_lock_irq(&from->lock);
	h->set = from->set;
	for (sigset_t left = h->set; left; left &= left - 1)
		h->actions[ctz64(left)] = from->actions[ctz64(left)];
	spin_unlock_irq(&from->lock, irq);
	return h;
}

struct sighand *sighand_get(struct sighand *h)
{
	__atomic_add_fetch(&h->refs, 1, __ATOMIC_RELAXED);
	return h;
}

void sighand_put(struct sighand *h)
{
	if (__atomic_sub_fetch(&h->refs, 1, __ATOMIC_ACQ_REL) == 0)
		kfree(h);
}

int sighand_unshare(struct process *p)
{
	struct sighand *copy, *old = p->sighand;
	uint64_t irq;

	if (atomic_load(&old->refs) == 1)
		return 0;
	copy = sighand_copy(old);
	if (!copy)
		return -ENOMEM;
	irq = spin_lock_irq(&p->siglock);
	p->sighand = copy;
	spin_unlock_irq(&p->siglock, irq);
	sighand_put(old);
	return 0;
}

void sighand_reset(struct sighand *h)
{
	uint64_t irq = spin_lock_irq(&h->lock);

	for (sigset_t left = h->set; left; left &= left - 1) {
		struct sigaction *act = &h->actions[ctz64(left)];
		uint64_t keep = act->handler == SIG_IGN ? SIG_IGN : SIG_DFL;

		*act = (struct sigaction){.handler = keep};
	}
	spin_unlock_irq(&h->lock, irq);
}

/* A signal that becomes ignored is forgotten if it is pending (POSIX 2.4.3). */
static void forget_ignored(struct process *p, int sig)
{
	struct thread *t;
	uint64_t irq = spin_lock_irq(&p->siglock);

	sigpending_flush(&p->pending, SIGMASK(sig));
	list_for_each_entry(t, &p->threads, process_link)
		sigpending_flush(&t->pending, SIGMASK(sig));
	spin_unlock_irq(&p->siglock, irq);
}

SYSCALL4(rt_sigaction, int, sig, uaddr_t, new, uaddr_t, old, size_t, size)
{
	struct process *p = current()->process;
	struct sigaction act, was;
	uint64_t irq;

	if (size != sizeof(sigset_t))
		return -EINVAL;
	if (new && copy_from_user(&act, new, sizeof(act)))
		return -EFAULT;
	if (sig < 1 || sig > NSIG || (new && (sig == SIGKILL || sig == SIGSTOP)))
		return -EINVAL;
	was = sighand_action(p, sig);
	if (new) {
		act.mask &= ~SIG_UNBLOCKABLE;
		act.flags &= SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART |
			     SA_NODEFER | SA_RESETHAND | SA_EXPOSE_TAGBITS;
		irq = spin_lock_irq(&p->sighand->lock);
		p->sighand->actions[sig - 1] = act;
		__atomic_fetch_or(&p->sighand->set, SIGMASK(sig), __ATOMIC_RELEASE);
		spin_unlock_irq(&p->sighand->lock, irq);
		if (act.handler == SIG_IGN ||
		    (act.handler == SIG_DFL && (SIG_IGNORE_MASK & SIGMASK(sig))))
			forget_ignored(p, sig);
	}
	if (old && copy_to_user(old, &was, sizeof(was)))
		return -EFAULT;
	return 0;
}

SYSCALL4(rt_sigprocmask, int, how, uaddr_t, new, uaddr_t, old, size_t, size)
{
	sigset_t set, was = current()->blocked;

	if (size != sizeof(sigset_t))
		return -EINVAL;
	if (new) {
		if (copy_from_user(&set, new, sizeof(set)))
			return -EFAULT;
		switch (how) {
		case SIG_BLOCK:
			set |= was;
			break;
		case SIG_UNBLOCK:
			set = was & ~set;
			break;
		case SIG_SETMASK:
			break;
		default:
			return -EINVAL;
		}
		signal_set_blocked(set);
	}
	if (old && copy_to_user(old, &was, sizeof(was)))
		return -EFAULT;
	return 0;
}

SYSCALL2(rt_sigpending, uaddr_t, out, size_t, size)
{
	struct thread *t = current();
	sigset_t set = (t->pending.set | t->process->pending.set) & t->blocked;

	if (size > sizeof(sigset_t))
		return -EINVAL;
	return copy_to_user(out, &set, size);
}

void signal_mask_for_wait(sigset_t mask)
{
	struct thread *t = current();

	t->saved_blocked = t->blocked;
	signal_set_blocked(mask);
	t->restore_blocked = true;
}

void signal_mask_after_wait(bool interrupted)
{
	struct thread *t = current();

	if (!t->restore_blocked)
		return;
	/* Even if another thread took the signal, the way out puts the old mask back. */
	if (interrupted) {
		__atomic_or_fetch(&t->work, WORK_SIGNAL, __ATOMIC_RELAXED);
		return;
	}
	t->restore_blocked = false;
	signal_set_blocked(t->saved_blocked);
}

SYSCALL2(rt_sigsuspend, uaddr_t, umask, size_t, size)
{
	struct waitqueue never;
	sigset_t mask;

	if (size != sizeof(sigset_t))
		return -EINVAL;
	if (copy_from_user(&mask, umask, sizeof(mask)))
		return -EFAULT;
	signal_mask_for_wait(mask);
	waitqueue_init(&never);
	wait_event(&never, false, WAIT_INTERRUPTIBLE);
	signal_mask_after_wait(true);
	return -ERESTARTNOHAND;
}

static int try_take(sigset_t set, struct siginfo *info)
{
	struct thread *t = current();
	uint64_t irq = spin_lock_irq(&t->process->siglock);
	int sig = signal_dequeue(t, ~set, info);

	if (sig)
		signal_recalc(t);
	spin_unlock_irq(&t->process->siglock, irq);
	return sig;
}

/* Sleep until a signal of set, blocked or not, or another unblocked one comes. */
static long wait_for_signal(sigset_t set, struct siginfo *info, uint64_t deadline)
{
	struct thread *t = current();
	sigset_t blocked = t->blocked;
	struct waitqueue never;
	int sig = 0, err;

	waitqueue_init(&never);
	/* While it waits, the set counts as unblocked, so that senders wake it. */
	signal_set_awaited(blocked & set);
	signal_set_blocked(blocked & ~set);
	err = wait_event_deadline(&never, (sig = try_take(set, info)) != 0, WAIT_INTERRUPTIBLE,
				  deadline);
	if (!sig)
		sig = try_take(set, info);
	signal_set_blocked(blocked);
	signal_set_awaited(0);
	if (sig)
		return sig;
	return err == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

SYSCALL4(rt_sigtimedwait, uaddr_t, uset, uaddr_t, uinfo, uaddr_t, utimeout, size_t, size)
{
	uint64_t deadline = UINT64_MAX;
	struct timespec64 ts;
	struct siginfo info;
	sigset_t set;
	long sig;

	if (size != sizeof(sigset_t))
		return -EINVAL;
	if (copy_from_user(&set, uset, sizeof(set)))
		return -EFAULT;
	if (utimeout) {
		if (copy_from_user(&ts, utimeout, sizeof(ts)))
			return -EFAULT;
		if (!timespec_valid(&ts))
			return -EINVAL;
		deadline = time_add(time_ns(), timespec_ns(&ts));
	}
	sig = wait_for_signal(set & ~SIG_UNBLOCKABLE, &info, deadline);
	if (sig > 0 && uinfo && copy_to_user(uinfo, &info, sizeof(info)))
		return -EFAULT;
	return sig;
}

/* May the running thread signal p, whose credentials are c (kill(2))? */
static bool may_signal_cred(struct process *p, const struct cred *c, int sig)
{
	const struct cred *me = current()->cred;

	if (me->euid == c->suid || me->euid == c->uid || me->uid == c->suid ||
	    me->uid == c->uid || cred_has(me, CAP_KILL))
		return true;
	return sig == SIGCONT && p->sid == current()->process->sid;
}

static bool may_signal(struct process *p, int sig)
{
	const struct cred *c = cred_of(p);
	bool may = may_signal_cred(p, c, sig);

	cred_put(c);
	return may;
}

static void fill_info(struct siginfo *info, int sig, int code)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = sig;
	info->si_code = code;
	info->si_pid = current()->process->pid;
	info->si_uid = current()->cred->uid;
}

static int kill_one(struct process *p, int sig, const struct siginfo *info)
{
	if (!may_signal(p, sig))
		return -EPERM;
	return sig ? signal_process(p, sig, info) : 0;
}

/* A kill of a group or of all, and what came of it. */
struct kill_many {
	pid_t pgid; /* 0: all but init and the caller */
	int sig;
	const struct siginfo *info;
	uint32_t sent, seen;
	int first; /* error */
};

static bool is_meant(const struct kill_many *k, const struct process *p)
{
	if (k->pgid)
		return p->pgid == k->pgid;
	return p != init_process && p != current()->process && !p->zombie;
}

static void count(struct kill_many *k, int err)
{
	k->seen++;
	if (!err)
		k->sent++;
	else if (!k->first)
		k->first = err;
}

static void kill_member(struct process *p, void *arg)
{
	struct kill_many *k = arg;

	if (!is_meant(k, p))
		return;
	if (!may_signal_cred(p, p->leader->cred, k->sig))
		count(k, -EPERM);
	else
		count(k, k->sig ? signal_process(p, k->sig, k->info) : 0);
}

/* Continuing tells the parents, which needs proc_lock: one process at a time. */
static void continue_many(struct kill_many *k)
{
	struct process *p;

	for (pid_t pid = 1; (p = process_next(pid)) != NULL; process_put(p)) {
		pid = p->pid + 1;
		if (is_meant(k, p))
			count(k, kill_one(p, k->sig, k->info));
	}
}

static long kill_many(pid_t pgid, int sig, const struct siginfo *info)
{
	struct kill_many k = {.pgid = pgid, .sig = sig, .info = info};
	uint64_t irq;

	if (sig == SIGCONT) {
		continue_many(&k);
	} else {
		/* All at once: a child that is born meanwhile would be missed. */
		irq = spin_lock_irq(&proc_lock);
		process_for_each_locked(kill_member, &k);
		spin_unlock_irq(&proc_lock, irq);
	}
	if (k.sent)
		return 0;
	/* Linux reports no error when kill(-1) may reach nobody. */
	if (!pgid && k.first == -EPERM)
		k.first = 0;
	return k.seen ? k.first : -ESRCH;
}

struct pgrp_signal {
	int sig;
	const struct siginfo *info;
};

static void signal_member(struct process *p, void *arg)
{
	const struct pgrp_signal *s = arg;

	if (!p->zombie)
		signal_process(p, s->sig, s->info);
}

int signal_pgrp(pid_t pgid, int sig, const struct siginfo *info)
{
	struct pgrp_signal s = {sig, info};
	struct process *p;
	uint32_t n = 0;
	uint64_t irq;

	if (sig != SIGCONT) {
		irq = spin_lock_irq(&proc_lock);
		n = pgrp_for_each(pgid, signal_member, &s);
		spin_unlock_irq(&proc_lock, irq);
		return n ? 0 : -ESRCH;
	}
	/* Continuing tells the parents, which needs proc_lock: one process at a time. */
	for (pid_t pid = 1; (p = process_next(pid)) != NULL; process_put(p)) {
		pid = p->pid + 1;
		if (p->pgid != pgid)
			continue;
		signal_process(p, sig, info);
		n++;
	}
	return n ? 0 : -ESRCH;
}

/* The process that has this number, or a thread that has it, referenced; NULL: there is none. */
static struct process *process_of(pid_t pid)
{
	struct process *p = process_find(pid);
	struct thread *t = p ? NULL : thread_find(pid);

	if (!t)
		return p;
	p = t->process;
	thread_put(t);
	return p;
}

SYSCALL2(kill, pid_t, pid, int, sig)
{
	struct siginfo info;
	struct process *p;
	int err;

	if (sig < 0 || sig > NSIG)
		return -EINVAL;
	fill_info(&info, sig, SI_USER);
	if (pid == -1)
		return kill_many(0, sig, &info);
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid <= 0)
		return kill_many(pid ? -pid : current()->process->pgid, sig, &info);
	p = process_of(pid);
	if (!p)
		return -ESRCH;
	err = kill_one(p, sig, &info);
	process_put(p);
	return err;
}

/* tgid 0: whichever process the thread is in. */
static long signal_one_thread(pid_t tgid, pid_t tid, int sig, const struct siginfo *info)
{
	struct thread *t = thread_find(tid);
	int err = -ESRCH;

	if (!t)
		return -ESRCH;
	if (!tgid || t->process->pid == tgid) {
		if (!may_signal(t->process, sig))
			err = -EPERM;
		else
			err = sig ? signal_thread(t, sig, info) : 0;
	}
	thread_unfind(t);
	return err;
}

SYSCALL3(tgkill, pid_t, tgid, pid_t, tid, int, sig)
{
	struct siginfo info;

	if (tgid <= 0 || tid <= 0 || sig < 0 || sig > NSIG)
		return -EINVAL;
	fill_info(&info, sig, SI_TKILL);
	return signal_one_thread(tgid, tid, sig, &info);
}

SYSCALL2(tkill, pid_t, tid, int, sig)
{
	struct siginfo info;

	if (tid <= 0 || sig < 0 || sig > NSIG)
		return -EINVAL;
	fill_info(&info, sig, SI_TKILL);
	return signal_one_thread(0, tid, sig, &info);
}

/* A program may make up information only for codes the kernel does not use (rt_sigqueueinfo(2)). */
static int get_info(struct siginfo *info, uaddr_t uinfo, int sig, pid_t to)
{
	if (copy_from_user(info, uinfo, sizeof(*info)))
		return -EFAULT;
	if ((info->si_code >= 0 || info->si_code == SI_TKILL) && to != current()->process->pid)
		return -EPERM;
	if (sig < 0 || sig > NSIG)
		return -EINVAL;
	info->si_signo = sig;
	return 0;
}

SYSCALL3(rt_sigqueueinfo, pid_t, pid, int, sig, uaddr_t, uinfo)
{
	struct siginfo info;
	struct process *p;
	int err = get_info(&info, uinfo, sig, pid);

	if (err)
		return err;
	p = process_of(pid);
	if (!p)
		return -ESRCH;
	err = kill_one(p, sig, &info);
	process_put(p);
	return err;
}

/* A signal sent by a pidfd, and how far it goes. */
static int signal_by_pidfd(const struct pidfd_target *to, int sig, const struct siginfo *info,
			   uint32_t reach)
{
	pid_t pid = pidfd_pid(to);

	if (pid < 0)
		return -ESRCH;
	if (reach == PIDFD_SIGNAL_PROCESS_GROUP)
		return (int)kill_many(pid, sig, info);
	/* Nobody takes what comes for a zombie, but for who may not send it there is an error. */
	if (reach == PIDFD_SIGNAL_THREAD && !to->process->zombie)
		return (int)signal_one_thread(to->process->pid, pid, sig, info);
	return kill_one(to->process, sig, info);
}

/* Does it stand for the running thread? */
static bool is_current(const struct pidfd_target *to)
{
	const struct thread *me = current();

	return to->thread ? to->thread == me
			  : to->process == me->process && to->process->leader == me;
}

SYSCALL4(pidfd_send_signal, int, pidfd, int, sig, uaddr_t, uinfo, uint32_t, flags)
{
	struct pidfd_target to;
	struct siginfo info;
	int err;

	if (flags > PIDFD_SIGNAL_PROCESS_GROUP || (flags & (flags - 1)))
		return -EINVAL;
	err = pidfd_get(pidfd, true, &to);
	if (err)
		return err;
	if (!flags)
		flags = to.flags & PIDFD_THREAD ? PIDFD_SIGNAL_THREAD : PIDFD_SIGNAL_THREAD_GROUP;
	if (!uinfo) {
		fill_info(&info, sig, flags == PIDFD_SIGNAL_THREAD ? SI_TKILL : SI_USER);
	} else if (copy_from_user(&info, uinfo, sizeof(info))) {
		err = -EFAULT;
	} else if (info.si_signo != sig) {
		err = -EINVAL;
	} else if ((info.si_code >= 0 || info.si_code == SI_TKILL) &&
		   (!is_current(&to) || flags == PIDFD_SIGNAL_PROCESS_GROUP)) {
		err = -EPERM;
	}
	if (!err && (sig < 0 || sig > NSIG))
		err = -EINVAL;
	if (!err)
		err = signal_by_pidfd(&to, sig, &info, flags);
	pidfd_put(&to);
	return err;
}

SYSCALL4(rt_tgsigqueueinfo, pid_t, tgid, pid_t, tid, int, sig, uaddr_t, uinfo)
{
	struct siginfo info;
	int err;

	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	err = get_info(&info, uinfo, sig, tgid);
	return err ? err : signal_one_thread(tgid, tid, sig, &info);
}

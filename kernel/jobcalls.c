/*
 * Identity of processes: pids, process groups, sessions (credentials(7), setpgid(2), setsid(2)).
 */
#include "kernel/pid.h"
#include "kernel/process.h"
#include "kernel/syscall.h"

SYSCALL0(getpid)
{
	return current()->process->pid;
}

SYSCALL0(gettid)
{
	return current()->tid;
}

SYSCALL0(getppid)
{
	struct process *me = current()->process;
	const struct process *parent;
	pid_t pid;

	/*
	 * Without proc_lock: a parent is not freed before its children have another, and no
	 * child comes back to one it left. So what was read while it stayed the same is right.
	 */
	do {
		parent = __atomic_load_n(&me->parent, __ATOMIC_ACQUIRE);
		pid = parent ? __atomic_load_n(&parent->pid, __ATOMIC_ACQUIRE) : 0;
	} while (parent != __atomic_load_n(&me->parent, __ATOMIC_RELAXED));
	return pid;
}

SYSCALL1(set_tid_address, uaddr_t, addr)
{
	current()->clear_child_tid = addr;
	return current()->tid;
}

/* What a lookup by pid asks for: 0 is the caller. */
static long group_or_session(pid_t pid, bool session)
{
	struct process *p = process_find(pid ? pid : current()->process->pid);
	pid_t id;

	if (!p)
		return -ESRCH;
	id = session ? p->sid : p->pgid;
	process_put(p);
	return id;
}

SYSCALL1(getpgid, pid_t, pid)
{
	return group_or_session(pid, false);
}

SYSCALL1(getsid, pid_t, pid)
{
	return group_or_session(pid, true);
}

struct session_search {
	pid_t sid;
	bool found;
};

static void check_session(struct process *p, void *arg)
{
	struct session_search *s = arg;

	if (p->sid == s->sid)
		s->found = true;
}

/* proc_lock held. */
static long setpgid_locked(pid_t pid, pid_t pgid)
{
	struct process *me = current()->process, *p = process_find_locked(pid);
	struct session_search s = {me->sid, false};

	if (!p || (p != me && p->parent != me))
		return -ESRCH;
	if (p != me && p->execs)
		return -EACCES;
	if (p->sid == p->pid || p->sid != me->sid)
		return -EPERM;
	if (pgid != p->pid) {
		pgrp_for_each(pgid, check_session, &s);
		if (!s.found)
			return -EPERM;
	}
	p->pgid = pgid;
	return 0;
}

SYSCALL2(setpgid, pid_t, pid, pid_t, pgid)
{
	uint64_t irq;
	long err;

	if (!pid)
		pid = current()->process->pid;
	if (!pgid)
		pgid = pid;
	if (pgid < 0)
		return -EINVAL;
	irq = spin_lock_irq(&proc_lock);
	err = setpgid_locked(pid, pgid);
	spin_unlock_irq(&proc_lock, irq);
	return err;
}

static void do_nothing(struct process *p, void *arg)
{
	(void)p;
	(void)arg;
}

SYSCALL0(setsid)
{
	struct process *me = current()->process;
	uint64_t irq = spin_lock_irq(&proc_lock);
	long err = -EPERM;

	/* A group leader, or a pid that is some group's id, may not begin a session. */
	if (!pgrp_for_each(me->pid, do_nothing, NULL)) {
		me->sid = me->pgid = me->pid;
		me->tty = NULL;
		err = me->pid;
	}
	spin_unlock_irq(&proc_lock, irq);
	return err;
}

/*
 * The system calls about scheduling (sched(7)). There is one class, time sharing with nice values.
 */
#include "kernel/pid.h"
#include "kernel/process.h"
#include "kernel/rusage.h"
#include "kernel/syscall.h"
#include "kernel/uapi/sched.h"
#include "mm/usercopy.h"

#define PRIO_PROCESS 0
#define PRIO_PGRP 1
#define PRIO_USER 2

SYSCALL0(sched_yield)
{
	thread_yield();
	return 0;
}

SYSCALL3(sched_getaffinity, pid_t, pid, uint32_t, size, uaddr_t, out)
{
	struct thread *t;
	uint64_t mask;

	if (size < sizeof(mask) || (size & 7))
		return -EINVAL;
	t = thread_find(pid ? pid : current()->tid);
	if (!t)
		return -ESRCH;
	mask = t->affinity & harts_online();
	thread_unfind(t);
	return copy_to_user(out, &mask, sizeof(mask)) ? -EFAULT : (long)sizeof(mask);
}

static bool may_schedule(const struct thread *t)
{
	const struct cred *me = current()->cred, *c = cred_of(t->process);
	bool may = me->euid == c->uid || me->euid == c->euid || cred_capable(CAP_SYS_NICE);

	cred_put(c);
	return may;
}

SYSCALL3(sched_setaffinity, pid_t, pid, uint32_t, size, uaddr_t, in)
{
	hartmask_t mask = 0;
	struct thread *t;
	long err = 0;

	if (copy_from_user(&mask, in, MIN((size_t)size, sizeof(mask))))
		return -EFAULT;
	t = thread_find(pid ? pid : current()->tid);
	if (!t)
		return -ESRCH;
	if (!may_schedule(t))
		err = -EPERM;
	else if (!(mask &= harts_online()))
		err = -EINVAL;
	else
		t->affinity = mask;
	thread_unfind(t);
	/* Leave a hart that is not allowed any more: the scheduler moves whoever yields there. */
	if (!err && !(current()->affinity >> current()->hart->index & 1))
		thread_migrate();
	return err;
}

static bool policy_known(int policy)
{
	return policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE ||
	       policy == SCHED_FIFO || policy == SCHED_RR;
}

SYSCALL1(sched_getscheduler, pid_t, pid)
{
	struct thread *t;

	if (pid < 0)
		return -EINVAL;
	t = thread_find(pid ? pid : current()->tid);
	if (!t)
		return -ESRCH;
	thread_unfind(t);
	return SCHED_OTHER;
}

SYSCALL2(sched_getparam, pid_t, pid, uaddr_t, out)
{
	struct thread *t;

	if (pid < 0 || !out)
		return -EINVAL;
	t = thread_find(pid ? pid : current()->tid);
	if (!t)
		return -ESRCH;
	thread_unfind(t);
	return put_user_u32(out, 0);
}

SYSCALL3(sched_setscheduler, pid_t, pid, int, policy, uaddr_t, param)
{
	struct thread *t;
	uint32_t priority;

	if (pid < 0 || !param || !policy_known(policy))
		return -EINVAL;
	if (get_user_u32(&priority, param))
		return -EFAULT;
	/* Real-time classes and those below nice 19 are not offered. */
	if (policy != SCHED_OTHER || priority)
		return -EINVAL;
	t = thread_find(pid ? pid : current()->tid);
	if (!t)
		return -ESRCH;
	thread_unfind(t);
	return 0;
}

SYSCALL1(sched_get_priority_max, int, policy)
{
	if (!policy_known(policy))
		return -EINVAL;
	return policy == SCHED_FIFO || policy == SCHED_RR ? 99 : 0;
}

SYSCALL1(sched_get_priority_min, int, policy)
{
	if (!policy_known(policy))
		return -EINVAL;
	return policy == SCHED_FIFO || policy == SCHED_RR ? 1 : 0;
}

SYSCALL2(getcpu, uaddr_t, cpu, uaddr_t, node)
{
	if (cpu && put_user_u32(cpu, this_hart()->index))
		return -EFAULT;
	if (node && put_user_u32(node, 0))
		return -EFAULT;
	return 0;
}

/* Which processes getpriority and setpriority mean, and what to do with each. */
struct priority {
	int which;
	uint32_t id;
	bool set;
	int nice;	/* to set; or the smallest seen */
	long err;
};

static void set_nice(struct thread *t, struct priority *r)
{
	const struct cred *me = current()->cred;

	if (!cred_has(me, CAP_SYS_NICE) && me->euid != t->cred->uid && me->euid != t->cred->euid)
		r->err = -EPERM;
	else if (r->nice < t->nice && !cred_has(me, CAP_SYS_NICE))
		r->err = -EACCES;
	else
		t->nice = r->nice;
}

static void one_priority(struct process *p, void *arg)
{
	struct priority *r = arg;
	struct thread *t = p->leader;

	if (p->zombie || (r->which == PRIO_PGRP && p->pgid != (pid_t)r->id) ||
	    (r->which == PRIO_USER && t->cred->uid != r->id) ||
	    (r->which == PRIO_PROCESS && p->pid != (pid_t)r->id))
		return;
	if (r->err == -ESRCH)
		r->err = 0;
	if (r->set)
		set_nice(t, r);
	else
		r->nice = MIN(r->nice, t->nice);
}

static long for_priority(struct priority *r)
{
	uint64_t irq;

	if (r->which < PRIO_PROCESS || r->which > PRIO_USER)
		return -EINVAL;
	if (!r->id && r->which == PRIO_PROCESS)
		r->id = current()->process->pid;
	else if (!r->id && r->which == PRIO_PGRP)
		r->id = current()->process->pgid;
	else if (!r->id)
		r->id = current()->cred->uid;
	r->err = -ESRCH;
	irq = spin_lock_irq(&proc_lock);
	process_for_each_locked(one_priority, r);
	spin_unlock_irq(&proc_lock, irq);
	return r->err;
}

/* Returns 20 - nice, so that the result is never negative (getpriority(2), C library notes). */
SYSCALL2(getpriority, int, which, uint32_t, id)
{
	struct priority r = {.which = which, .id = id, .nice = 20};
	long err = for_priority(&r);

	return err ? err : 20 - r.nice;
}

SYSCALL3(setpriority, int, which, uint32_t, id, int, nice)
{
	struct priority r = {.which = which, .id = id, .set = true};

	r.nice = MIN(MAX(nice, -20), 19);
	return for_priority(&r);
}

/*
 * The system calls about scheduling (sched(7)). There is one class, time sharing with nice values.
 */
#include "kernel/pid.h"
#include "kernel/process.h"
#include "kernel/rusage.h"
#include "kernel/syscall.h"
#include "kernel/uapi/sched.h"
#include "mm/usercopy.h"

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

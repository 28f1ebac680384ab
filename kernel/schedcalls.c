/*
 * The system calls about scheduling (sched(7)).
 */
#include "kernel/futex.h"
#include "kernel/pid.h"
#include "kernel/process.h"
#include "kernel/rusage.h"
#include "kernel/syscall.h"
#include "kernel/sched.h"
#include "kernel/uapi/resource.h"
#include "kernel/uapi/time.h"
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
		sched_set_affinity(t, mask);
	thread_unfind(t);
	return err;
}

/* --- scheduling classes --- */

static bool is_rt(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool policy_known(int policy)
{
	return policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE ||
	       is_rt(policy);
}

/* The thread with this tid, 0 the running one, for thread_unfind; err_ptr. */
static struct thread *thread_asked(pid_t pid)
{
	struct thread *t;

	if (pid < 0)
		return err_ptr(-EINVAL);
	t = thread_find(pid ? pid : current()->tid);
	return t ? t : err_ptr(-ESRCH);
}

/*
 * What c, a thread's class, becomes with this policy, maybe with SCHED_RESET_ON_FORK; policy < 0:
 * as it is. 0 or -EINVAL.
 */
static long class_make(struct sched_class *c, int policy, uint32_t priority)
{
	if (priority > RT_PRIO_MAX || (policy & ~SCHED_RESET_ON_FORK) > UINT8_MAX)
		return -EINVAL;
	c->priority = (uint8_t)priority;
	if (policy < 0)
		return 0;
	c->policy = (uint8_t)(policy & ~SCHED_RESET_ON_FORK);
	c->reset_on_fork = policy & SCHED_RESET_ON_FORK;
	return 0;
}

/* What only CAP_SYS_NICE may: that t, which was so, is to be so. */
static bool needs_power(const struct thread *t, const struct sched_params *was,
			const struct sched_params *to)
{
	const struct sched_class *is = &was->class, *c = &to->class;
	uint64_t rtprio = t->process->rlimits[RLIMIT_RTPRIO].cur;

	if ((c->policy == SCHED_OTHER || c->policy == SCHED_BATCH) && to->nice < was->nice &&
	    !nice_allowed(t, to->nice))
		return true;
	if (c->priority && c->policy != is->policy && !rtprio)
		return true;
	if (c->priority > is->priority && c->priority > rtprio)
		return true;
	/* SCHED_IDLE is as nice as can be. */
	if (is->policy == SCHED_IDLE && c->policy != SCHED_IDLE && !nice_allowed(t, was->nice))
		return true;
	return is->reset_on_fork && !c->reset_on_fork;
}

/*
 * What t, which was so, is to be; keep: but for reset_on_fork all stays. 0, -EINVAL, -EPERM;
 * -EAGAIN: meanwhile it was changed.
 */
static long params_apply(struct thread *t, const struct sched_params *was, struct sched_params to,
			 bool keep)
{
	const struct sched_class *c = &to.class;

	if (!policy_known(c->policy) || is_rt(c->policy) != (c->priority != 0))
		return -EINVAL;
	if ((!may_schedule(t) || needs_power(t, was, &to)) && !cred_capable(CAP_SYS_NICE))
		return -EPERM;
	if (keep) {
		to.class.policy = was->class.policy;
		to.class.priority = was->class.priority;
	}
	/* Others' nice values they keep for the day when they count again. */
	if (keep || (c->policy != SCHED_OTHER && c->policy != SCHED_BATCH))
		to.nice = was->nice;
	if (!sched_set(t, was, &to))
		return -EAGAIN;
	futex_pi_adjust(t);
	return 0;
}

static long param_apply(struct thread *t, int policy, uint32_t priority)
{
	struct sched_params was = sched_get(t), to = was;
	long err = class_make(&to.class, policy, priority);

	return err ? err : params_apply(t, &was, to, false);
}

/* policy < 0: as it is. */
static long param_set(pid_t pid, int policy, uaddr_t param)
{
	struct thread *t;
	uint32_t priority;
	long ret;

	if (pid < 0 || !param)
		return -EINVAL;
	if (get_user_u32(&priority, param))
		return -EFAULT;
	t = thread_asked(pid);
	if (is_err(t))
		return ptr_err(t);
	do {
		ret = param_apply(t, policy, priority);
	} while (ret == -EAGAIN);
	thread_unfind(t);
	return ret;
}

SYSCALL3(sched_setscheduler, pid_t, pid, int, policy, uaddr_t, param)
{
	return policy < 0 ? -EINVAL : param_set(pid, policy, param);
}

SYSCALL2(sched_setparam, pid_t, pid, uaddr_t, param)
{
	return param_set(pid, -1, param);
}

SYSCALL1(sched_getscheduler, pid_t, pid)
{
	struct thread *t = thread_asked(pid);
	long ret;

	if (is_err(t))
		return ptr_err(t);
	ret = t->class.policy | (t->class.reset_on_fork ? SCHED_RESET_ON_FORK : 0);
	thread_unfind(t);
	return ret;
}

SYSCALL2(sched_getparam, pid_t, pid, uaddr_t, out)
{
	struct thread *t;
	uint32_t priority;

	if (!out)
		return -EINVAL;
	t = thread_asked(pid);
	if (is_err(t))
		return ptr_err(t);
	priority = t->class.priority;
	thread_unfind(t);
	return put_user_u32(out, priority);
}

SYSCALL2(sched_rr_get_interval, pid_t, pid, uaddr_t, out)
{
	struct thread *t = thread_asked(pid);
	struct timespec64 slice;

	if (is_err(t))
		return ptr_err(t);
	slice = ns_timespec(t->class.policy == SCHED_RR	    ? rr_slice_ms * NSEC_PER_MSEC
			    : t->class.policy == SCHED_FIFO ? 0
							    : SLICE_NS);
	thread_unfind(t);
	return copy_to_user(out, &slice, sizeof(slice)) ? -EFAULT : 0;
}

/* The caller's structure, of whatever version; -E2BIG tells it the size of ours. */
static long attr_get(struct sched_attr *a, uaddr_t user)
{
	uint32_t size;
	int err = -E2BIG;

	if (get_user_u32(&size, user))
		return -EFAULT;
	if (!size)
		size = SCHED_ATTR_SIZE_VER0;
	if (size >= SCHED_ATTR_SIZE_VER0 && size <= PAGE_SIZE)
		err = copy_struct_from_user(a, sizeof(*a), user, size);
	if (err == -E2BIG && put_user_u32(user, sizeof(*a)))
		return -EFAULT;
	a->sched_nice = MIN(MAX(a->sched_nice, -20), 19);
	return err;
}

static long attr_apply(struct thread *t, const struct sched_attr *a)
{
	bool keep = a->sched_flags & SCHED_FLAG_KEEP_PARAMS;
	struct sched_params was = sched_get(t), to = was;
	int policy = (int)a->sched_policy;
	long err;

	if (policy & SCHED_RESET_ON_FORK)
		return -EINVAL;
	if (a->sched_flags & SCHED_FLAG_RESET_ON_FORK)
		policy |= SCHED_RESET_ON_FORK;
	if (a->sched_flags & SCHED_FLAG_KEEP_POLICY)
		policy = -1;
	err = class_make(&to.class, policy, keep ? was.class.priority : a->sched_priority);
	if (!keep)
		to.nice = a->sched_nice;
	return err ? err : params_apply(t, &was, to, keep);
}

SYSCALL3(sched_setattr, pid_t, pid, uaddr_t, uattr, uint32_t, flags)
{
	struct sched_attr a;
	struct thread *t;
	long ret;

	if (!uattr || pid < 0 || flags)
		return -EINVAL;
	ret = attr_get(&a, uattr);
	if (ret)
		return ret;
	if ((int)a.sched_policy < 0)
		return -EINVAL;
	t = thread_asked(pid);
	if (is_err(t))
		return ptr_err(t);
	if (a.sched_flags & ~(uint64_t)SCHED_FLAG_ALL)
		ret = -EINVAL;
	else if (a.sched_flags & (SCHED_FLAG_UTIL_CLAMP_MIN | SCHED_FLAG_UTIL_CLAMP_MAX))
		ret = -EOPNOTSUPP;
	else
		while ((ret = attr_apply(t, &a)) == -EAGAIN)
			;
	thread_unfind(t);
	return ret;
}

SYSCALL4(sched_getattr, pid_t, pid, uaddr_t, out, uint32_t, size, uint32_t, flags)
{
	struct sched_attr a = {.sched_nice = 0};
	struct thread *t;

	if (!out || size > PAGE_SIZE || size < SCHED_ATTR_SIZE_VER0 || flags)
		return -EINVAL;
	t = thread_asked(pid);
	if (is_err(t))
		return ptr_err(t);
	a.size = MIN(size, (uint32_t)sizeof(a));
	a.sched_policy = t->class.policy;
	a.sched_priority = t->class.priority;
	a.sched_flags = t->class.reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
	if (!t->class.priority)
		a.sched_nice = t->nice;
	thread_unfind(t);
	return copy_to_user(out, &a, a.size) ? -EFAULT : 0;
}

/* SCHED_DEADLINE has its numbers though nobody can be of it. */
static bool policy_named(int policy)
{
	return policy_known(policy) || policy == SCHED_DEADLINE;
}

SYSCALL1(sched_get_priority_max, int, policy)
{
	if (!policy_named(policy))
		return -EINVAL;
	return is_rt(policy) ? RT_PRIO_MAX : 0;
}

SYSCALL1(sched_get_priority_min, int, policy)
{
	if (!policy_named(policy))
		return -EINVAL;
	return is_rt(policy) ? 1 : 0;
}

SYSCALL2(getcpu, uaddr_t, cpu, uaddr_t, node)
{
	if (cpu && put_user_u32(cpu, this_hart()->index))
		return -EFAULT;
	if (node && put_user_u32(node, 0))
		return -EFAULT;
	return 0;
}

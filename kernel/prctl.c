/*
 * prctl(2): what threads and processes say of themselves.
 */
#include "kernel/dispatch.h"
#include "kernel/process.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/uapi/prctl.h"
#include "mm/aspace.h"
#include "mm/usercopy.h"

static long set_thread_name(uaddr_t name)
{
	char comm[16];
	ssize64_t n = strncpy_from_user(comm, name, sizeof(comm));

	if (n == -EFAULT)
		return -EFAULT;
	comm[15] = 0; /* longer names are cut off (prctl(2)) */
	thread_set_name(current(), comm);
	return 0;
}

/*
 * Sleeps may be longer by so much that others' wake-ups can be joined with theirs. Here they never
 * are: it is kept and told.
 */
void timer_slack_set(struct thread *t, uint64_t ns)
{
	/* Those in real time have none (sched.c). */
	if (!t->class.priority)
		t->timer_slack = ns ? ns : t->timer_slack_default;
}

/* What is to happen should memory turn out to be broken: nothing here finds that out. */
static long mce_kill_set(struct thread *t, uint64_t how, uint64_t policy)
{
	if (how == PR_MCE_KILL_CLEAR && !policy)
		t->mce_policy = 0;
	else if (how == PR_MCE_KILL_SET && policy <= PR_MCE_KILL_DEFAULT)
		t->mce_policy = policy == PR_MCE_KILL_DEFAULT ? 0 : (uint8_t)(policy + 1);
	else
		return -EINVAL;
	return 0;
}

static long mce_kill_get(const struct thread *t)
{
	return t->mce_policy ? t->mce_policy - 1 : PR_MCE_KILL_DEFAULT;
}

static long thp_disable_set(bool on)
{
	rwlock_write(&current()->aspace->lock);
	current()->aspace->no_thp = on;
	rwlock_write_unlock(&current()->aspace->lock);
	return 0;
}

/* Memory that was writable is not to be executable. It stays so. */
static long mdwe_set(uint64_t bits)
{
	struct aspace *as = current()->aspace;
	bool inherit = !(bits & PR_MDWE_NO_INHERIT);
	long err = 0;

	if (bits & ~(uint64_t)(PR_MDWE_REFUSE_EXEC_GAIN | PR_MDWE_NO_INHERIT) ||
	    bits == PR_MDWE_NO_INHERIT)
		return -EINVAL;
	rwlock_write(&as->lock);
	if (as->mdwe && (!bits || inherit != as->mdwe_inherited))
		err = -EPERM;
	else if (bits)
		as->mdwe = true, as->mdwe_inherited = inherit;
	rwlock_write_unlock(&as->lock);
	return err;
}

static long mdwe_get(const struct aspace *as)
{
	if (!as->mdwe)
		return 0;
	return PR_MDWE_REFUSE_EXEC_GAIN | (as->mdwe_inherited ? 0 : PR_MDWE_NO_INHERIT);
}

/* Options that want nothing in the arguments that they do not use. */
static long prctl_strict(int option, uint64_t arg2, uint64_t arg3, uint64_t rest)
{
	struct thread *t = current();
	bool none = !arg2 && !arg3 && !rest;

	switch (option) {
	case PR_SET_NO_NEW_PRIVS:
		if (arg2 != 1 || arg3 || rest)
			return -EINVAL;
		t->process->no_new_privs = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return none ? t->process->no_new_privs : -EINVAL;
	case PR_SET_THP_DISABLE:
		return arg3 || rest ? -EINVAL : thp_disable_set(arg2);
	case PR_GET_THP_DISABLE:
		return none ? t->aspace->no_thp : -EINVAL;
	case PR_MCE_KILL:
		return rest ? -EINVAL : mce_kill_set(t, arg2, arg3);
	case PR_SET_MDWE:
		return arg3 || rest ? -EINVAL : mdwe_set(arg2);
	case PR_GET_MDWE:
		return none ? mdwe_get(t->aspace) : -EINVAL;
	case PR_MCE_KILL_GET:
		return none ? mce_kill_get(t) : -EINVAL;
	}
	return -ENOSYS;
}

SYSCALL5(prctl, int, option, uint64_t, arg2, uint64_t, arg3, uint64_t, arg4, uint64_t, arg5)
{
	struct thread *t = current();
	struct process *p = t->process;
	long ret = prctl_strict(option, arg2, arg3, arg4 | arg5);

	if (ret != -ENOSYS)
		return ret;
	switch (option) {
	case PR_SET_PDEATHSIG:
		if (arg2 > NSIG)
			return -EINVAL;
		t->death_signal = (int)arg2;
		return 0;
	case PR_GET_PDEATHSIG:
		return put_user_u32(arg2, (uint32_t)t->death_signal);
	case PR_SET_CHILD_SUBREAPER:
		p->subreaper = arg2;
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_user_u32(arg2, p->subreaper);
	case PR_SET_NAME:
		return set_thread_name(arg2);
	case PR_GET_NAME:
		return copy_to_user(arg2, t->comm, sizeof(t->comm));
	case PR_GET_DUMPABLE:
		return p->dumpable;
	case PR_SET_DUMPABLE:
		if (arg2 > 1)
			return -EINVAL;
		p->dumpable = arg2;
		return 0;
	case PR_GET_TIMING:
		return PR_TIMING_STATISTICAL;
	case PR_SET_TIMING:
		return arg2 == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
	case PR_SET_TIMERSLACK:
		timer_slack_set(t, arg2);
		return 0;
	case PR_GET_TIMERSLACK:
		return (long)t->timer_slack;
	case PR_SET_SYSCALL_USER_DISPATCH:
		return dispatch_set(t, &(struct ptrace_sud_config){
			.mode = arg2, .selector = arg5, .offset = arg3, .len = arg4});
	case PR_GET_TID_ADDRESS:
		return copy_to_user(arg2, &t->clear_child_tid, sizeof(t->clear_child_tid));
	default:
		return cred_prctl(option, arg2, arg3, arg4, arg5);
	}
}

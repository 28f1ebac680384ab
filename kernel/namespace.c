/*
 * Sets of namespaces, and setns(2).
 */
#include "kernel/namespace.h"

#include <stdatomic.h>

#include "fs/file.h"
#include "fs/mountns.h"
#include "fs/nsfs.h"
#include "kernel/ipc/sem.h"
#include "kernel/mem/slab.h"
#include "kernel/process.h"
#include "kernel/remote.h"
#include "kernel/syscall.h"
#include "kernel/uapi/sched.h"
#include "kernel/utsname.h"

const struct ns_type ns_types[NS_KINDS] = {
	[NS_CGROUP] = {"cgroup", CLONE_NEWCGROUP, NULL, NULL},
	[NS_IPC] = {"ipc", CLONE_NEWIPC, ipc_ns_copy, ipc_ns_free},
	[NS_MNT] = {"mnt", CLONE_NEWNS, mount_ns_copy, mount_ns_free},
	[NS_NET] = {"net", CLONE_NEWNET, NULL, NULL},
	[NS_PID] = {"pid", CLONE_NEWPID, NULL, NULL},
	[NS_TIME] = {"time", CLONE_NEWTIME, NULL, NULL},
	[NS_USER] = {"user", CLONE_NEWUSER, NULL, NULL},
	[NS_UTS] = {"uts", CLONE_NEWUTS, uts_copy, uts_free},
};

/* Of the kinds of which there is only one. */
static struct ns first[NS_KINDS] = {
	[NS_CGROUP] = {1, NS_CGROUP, 4026531835}, [NS_NET] = {1, NS_NET, 4026531840},
	[NS_PID] = {1, NS_PID, 4026531836},	  [NS_TIME] = {1, NS_TIME, 4026531834},
	[NS_USER] = {1, NS_USER, 4026531837},
};
static uint64_t last_number = 4026532000; /* changed by atomics */

/* --- namespaces --- */

void ns_init(struct ns *ns, enum ns_kind kind)
{
	ns->refs = 1;
	ns->kind = kind;
	ns->number = __atomic_add_fetch(&last_number, 1, __ATOMIC_RELAXED);
}

void ns_put(struct ns *ns)
{
	if (atomic_fetch_sub(&ns->refs, 1) == 1)
		ns_types[ns->kind].free(ns);
}

/* t's set, where it has one: a zombie is still known by these two. proc_lock held. */
static struct ns *of_thread_locked(const struct thread *t, enum ns_kind kind, bool for_children)
{
	if (t->ns)
		return ns_get(t->ns->of[kind]);
	return !for_children && (kind == NS_PID || kind == NS_USER) ? ns_get(&first[kind]) : NULL;
}

struct ns *ns_of(struct process *p, pid_t tid, enum ns_kind kind, bool for_children)
{
	struct thread *t = tid ? thread_find(tid) : NULL;
	uint64_t irq = spin_lock_irq(&proc_lock);
	struct ns *ns = NULL;

	if (t && t->process == p)
		ns = of_thread_locked(t, kind, for_children);
	else if (!tid && p->leader)
		ns = of_thread_locked(p->leader, kind, for_children);
	spin_unlock_irq(&proc_lock, irq);
	if (t)
		thread_unfind(t);
	return ns;
}

/* --- sets --- */

struct ns_set *ns_set_first(void)
{
	static struct ns_set set = {.refs = 2}; /* it never goes, whoever leaves it */

	for (int k = 0; k < NS_KINDS; k++)
		set.of[k] = &first[k];
	set.of[NS_IPC] = &ipc_first.ns;
	set.of[NS_UTS] = &uts_first.ns;
	set.of[NS_MNT] = &mount_ns_first.ns;
	return &set;
}

void ns_set_put(struct ns_set *s)
{
	if (atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	for (int k = 0; k < NS_KINDS; k++)
		if (s->of[k])
			ns_put(s->of[k]);
	kfree(s);
}

/* Like the running thread's, with new ones where flags say so. */
static struct ns_set *set_copy(uint64_t flags, struct fscontext *fs)
{
	const struct ns_set *old = current()->ns;
	struct ns_set *s = kzalloc(sizeof(*s));
	struct ns *ns = NULL;

	if (!s)
		return err_ptr(-ENOMEM);
	s->refs = 1;
	for (int k = 0; k < NS_KINDS; k++) {
		if (flags & ns_types[k].flag)
			ns = ns_types[k].copy(old->of[k], fs);
		else
			ns = ns_get(old->of[k]);
		if (is_err(ns)) {
			ns_set_put(s);
			return err_ptr(ptr_err(ns));
		}
		s->of[k] = ns;
	}
	return s;
}

struct ns_set *ns_set_new(uint64_t flags, struct fscontext *fs)
{
	if (flags & CLONE_NEWUSER)
		return err_ptr(-EINVAL);
	if (!cred_capable(CAP_SYS_ADMIN))
		return err_ptr(-EPERM);
	/* A thread of the new namespace cannot give back what was taken in the old one. */
	if ((flags & CLONE_NEWIPC) && (flags & CLONE_SYSVSEM))
		return err_ptr(-EINVAL);
	for (int k = 0; k < NS_KINDS; k++)
		if ((flags & ns_types[k].flag) && !ns_types[k].copy)
			return err_ptr(-EINVAL);
	return set_copy(flags, fs);
}

void ns_set_enter(struct ns_set *s, bool ipc)
{
	struct thread *t = current();
	struct ns_set *old = t->ns;
	uint64_t irq;

	if (ipc)
		sem_exit(t);
	irq = spin_lock_irq(&proc_lock);
	t->ns = s;
	spin_unlock_irq(&proc_lock, irq);
	ns_set_put(old);
}

/* --- setns(2) --- */

/* The order in which those of a process are entered. */
static const enum ns_kind order[NS_KINDS] = {NS_USER, NS_MNT, NS_UTS, NS_IPC,
					     NS_PID, NS_CGROUP, NS_NET, NS_TIME};

/*
 * May the running thread enter one of this kind, of those in flags? Into the user namespace there
 * is no way. Who enters others, too, may share its places, which change then, as on Linux.
 */
static int may_enter(enum ns_kind kind, uint64_t flags)
{
	if (kind == NS_USER)
		return -EINVAL;
	if (kind == NS_TIME && !process_single_threaded())
		return -EUSERS;
	if (!cred_capable(CAP_SYS_ADMIN) || (kind == NS_MNT && !cred_capable(CAP_SYS_CHROOT)))
		return -EPERM;
	return flags == CLONE_NEWNS && fscontext_users(current()->fs) > 1 ? -EINVAL : 0;
}

/* s, which nobody has yet, is to have ns instead. */
static int replace(struct ns_set *s, struct ns *ns, uint64_t flags)
{
	struct ns *old = s->of[ns->kind];
	int err = may_enter(ns->kind, flags);

	if (err)
		return err;
	s->of[ns->kind] = ns_get(ns);
	ns_put(old);
	return 0;
}

/* Those of the kinds in flags come from t. */
static int replace_all(struct ns_set *s, const struct ns_set *from, uint64_t flags)
{
	int err = 0;

	for (int i = 0; i < NS_KINDS && !err; i++)
		if (flags & ns_types[order[i]].flag)
			err = replace(s, from->of[order[i]], flags);
	return err;
}

/* The set of who a pidfd stands for, referenced, or err_ptr. */
static struct ns_set *set_of(const struct pidfd_target *of)
{
	struct ns_set *s = err_ptr(-ESRCH);
	const struct thread *t;
	uint64_t irq;

	if (pidfd_pid(of) < 0)
		return s;
	irq = spin_lock_irq(&proc_lock);
	t = of->thread ? of->thread : of->process->leader;
	if (t && !thread_may_access_locked(t, true))
		s = err_ptr(-EPERM);
	else if (t && t->ns)
		s = ns_set_get(t->ns);
	spin_unlock_irq(&proc_lock, irq);
	return s;
}

/* s, which the running thread is to have, gets what it asked for. */
static int prepare_process(struct ns_set *s, const struct pidfd_target *of, uint64_t flags)
{
	struct ns_set *from = set_of(of);
	int err;

	if (is_err(from))
		return (int)ptr_err(from);
	err = replace_all(s, from, flags);
	ns_set_put(from);
	return err;
}

/* Enter ns, or (NULL) those of a process. */
static int enter(struct ns *ns, const struct pidfd_target *of, uint64_t flags)
{
	struct ns_set *s = set_copy(0, NULL);
	int err;

	if (is_err(s))
		return (int)ptr_err(s);
	err = ns ? replace(s, ns, flags) : prepare_process(s, of, flags);
	if (err) {
		ns_set_put(s);
		return err;
	}
	ns_set_enter(s, flags & CLONE_NEWIPC);
	if (flags & CLONE_NEWNS)
		fscontext_to_top(current()->fs);
	return 0;
}

static int enter_process(int fd, uint64_t flags)
{
	struct pidfd_target of;
	int err = pidfd_get(fd, false, &of);

	if (err)
		return -EINVAL; /* it is open, but no pidfd */
	err = !flags || (flags & ~(uint64_t)CLONE_NAMESPACES) ? -EINVAL : enter(NULL, &of, flags);
	pidfd_put(&of);
	return err;
}

SYSCALL2(setns, int, fd, int, flags)
{
	struct file *f = fd_get(fd);
	struct ns *ns;
	long ret;

	if (!f)
		return -EBADF;
	ns = nsfs_of_file(f);
	if (!ns)
		ret = enter_process(fd, (uint32_t)flags);
	else if (flags && (uint32_t)flags != ns_types[ns->kind].flag)
		ret = -EINVAL;
	else
		ret = enter(ns, NULL, ns_types[ns->kind].flag);
	file_put(f);
	return ret;
}

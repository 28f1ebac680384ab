/*
 * Owners of open files.
 */
#include "fs/owner.h"

#include <stdatomic.h>

#include "kernel/async.h"
#include "kernel/mem/slab.h"
#include "kernel/poll.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "kernel/uapi/fcntl.h"
#include "mm/usercopy.h"

/* Who is meant. */
struct owner {
	int type;  /* F_OWNER_* */
	pid_t pid; /* as it was given; 0: nobody */
	/* Referenced, so that nobody else is meant when the number is used again. */
	struct process *process; /* F_OWNER_PID */
	struct thread *thread;	 /* F_OWNER_TID */
	uid_t uid, euid;	 /* of who set it */
};

struct file_owner {
	struct owner who;
	int sig;		/* 0: SIGIO, without information */
	struct list_head link;	/* on an async_list, if O_ASYNC is set */
	struct file *file;	/* it is of */
	int fd;			/* by which O_ASYNC was set */
};

/* All of them, and the lists they are on: few files have one. */
static struct spinlock owner_lock = SPINLOCK_INIT("file owners", RANK_LOCKERS);

static void owner_drop(struct owner *o)
{
	if (o->process)
		process_put(o->process);
	if (o->thread)
		thread_unfind(o->thread);
}

void owner_clear(struct file *f)
{
	struct file_owner *o;

	spin_lock(&owner_lock);
	o = f->owner;
	f->owner = NULL;
	if (o)
		list_del(&o->link);
	spin_unlock(&owner_lock);
	if (o)
		owner_drop(&o->who);
	kfree(o);
}

/* The owner of f, made if there is none; the lock is held then. NULL: no memory, not held. */
static struct file_owner *owner_lock_of(struct file *f)
{
	struct file_owner *fresh;

	spin_lock(&owner_lock);
	if (f->owner)
		return f->owner;
	spin_unlock(&owner_lock);
	fresh = kzalloc(sizeof(*fresh));
	if (!fresh)
		return NULL;
	list_init(&fresh->link);
	fresh->file = f;
	fresh->who.type = F_OWNER_PID;
	spin_lock(&owner_lock);
	if (!f->owner)
		f->owner = fresh;
	else
		kfree(fresh);
	return f->owner;
}

static void is_there(struct process *p, void *arg)
{
}

static bool group_exists(pid_t pgid)
{
	uint64_t irq = spin_lock_irq(&proc_lock);
	bool found = pgrp_for_each(pgid, is_there, NULL) > 0;

	spin_unlock_irq(&proc_lock, irq);
	return found;
}

/* Find who is meant, if anybody. 0 or -ESRCH. */
static int owner_find(struct owner *o)
{
	if (!o->pid)
		return 0;
	if (o->type == F_OWNER_TID)
		return (o->thread = thread_find(o->pid)) ? 0 : -ESRCH;
	if (o->type == F_OWNER_PID)
		return (o->process = process_find(o->pid)) ? 0 : -ESRCH;
	return group_exists(o->pid) ? 0 : -ESRCH;
}

/* keep: unless there is one. */
static int owner_enter(struct file *f, int type, pid_t pid, bool keep)
{
	const struct cred *c = current()->cred;
	struct owner new = {.type = type, .pid = pid, .uid = c->uid, .euid = c->euid}, old;
	struct file_owner *o;
	int err = owner_find(&new);

	if (err)
		return err;
	o = owner_lock_of(f);
	if (!o) {
		owner_drop(&new);
		return -ENOMEM;
	}
	old = keep && o->who.pid ? new : o->who;
	if (!keep || !o->who.pid)
		o->who = new;
	spin_unlock(&owner_lock);
	owner_drop(&old);
	return 0;
}

static int owner_set(struct file *f, int type, pid_t pid)
{
	return owner_enter(f, type, pid, false);
}

int owner_default(struct file *f)
{
	return owner_enter(f, F_OWNER_PID, current()->process->pid, true);
}

static bool owner_gone(const struct owner *o)
{
	if (o->type == F_OWNER_PGRP)
		return !group_exists(o->pid);
	return o->process ? process_gone(o->process) : o->thread && thread_gone(o->thread);
}

/* As it is shown: 0 when it has gone. */
static struct f_owner_ex owner_get(struct file *f)
{
	struct f_owner_ex out = {.type = F_OWNER_PID};

	spin_lock(&owner_lock);
	if (f->owner) {
		const struct owner *o = &f->owner->who;

		out.type = o->type;
		if (!owner_gone(o))
			out.pid = o->pid;
	}
	spin_unlock(&owner_lock);
	return out;
}

static long sig_set(struct file *f, uint64_t sig)
{
	struct file_owner *o;

	if (sig > NSIG)
		return -EINVAL;
	o = owner_lock_of(f);
	if (!o)
		return -ENOMEM;
	o->sig = (int)sig;
	spin_unlock(&owner_lock);
	return 0;
}

static long sig_get(struct file *f)
{
	long sig;

	spin_lock(&owner_lock);
	sig = f->owner ? f->owner->sig : 0;
	spin_unlock(&owner_lock);
	return sig;
}

/* A number as kill(2) has it: a process, or with a minus a group. */
static long setown(struct file *f, int32_t who)
{
	if (who == INT32_MIN)
		return -EINVAL;
	return who < 0 ? owner_set(f, F_OWNER_PGRP, -who) : owner_set(f, F_OWNER_PID, who);
}

static long setown_ex(struct file *f, uaddr_t user)
{
	struct f_owner_ex o;

	if (copy_from_user(&o, user, sizeof(o)))
		return -EFAULT;
	if (o.type < F_OWNER_TID || o.type > F_OWNER_PGRP)
		return -EINVAL;
	return o.pid < 0 ? -ESRCH : owner_set(f, o.type, o.pid);
}

long owner_fcntl(struct file *f, int cmd, uint64_t arg)
{
	struct f_owner_ex o;

	switch (cmd) {
	case F_SETOWN:
		return setown(f, (int32_t)arg);
	case F_GETOWN:
		o = owner_get(f);
		return o.type == F_OWNER_PGRP ? -o.pid : o.pid;
	case F_SETOWN_EX:
		return setown_ex(f, arg);
	case F_GETOWN_EX:
		o = owner_get(f);
		return copy_to_user(arg, &o, sizeof(o)) ? -EFAULT : 0;
	case F_SETSIG:
		return sig_set(f, arg);
	case F_GETSIG:
		return sig_get(f);
	}
	return -ENOTTY;
}

/* Signals whose codes say something else: those of a file are one for all there. */
static bool has_codes(int sig)
{
	return sig == SIGILL || sig == SIGFPE || sig == SIGSEGV || sig == SIGBUS ||
	       sig == SIGTRAP || sig == SIGCHLD || sig == SIGSYS;
}

static bool may_tell(const struct owner *o, const struct cred *c)
{
	return !o->euid || o->euid == c->suid || o->euid == c->uid || o->uid == c->suid ||
	       o->uid == c->uid;
}

/* t NULL: the process. info->si_signo 0: SIGIO, without information. */
static void tell(const struct owner *o, struct process *p, struct thread *t,
		 const struct siginfo *info)
{
	const struct cred *c = cred_of(p);
	int err = 0, sig = info->si_signo;

	if (may_tell(o, c)) {
		if (sig)
			err = t ? signal_thread(t, sig, info) : signal_process(p, sig, info);
		/* Without room for what it says, at least that something is to be looked at. */
		if (!sig || err)
			(void)(t ? signal_thread(t, SIGIO, NULL) : signal_process(p, SIGIO, NULL));
	}
	cred_put(c);
}

struct group_tell {
	const struct owner *owner;
	const struct siginfo *info;
};

/* As tell, of one of many. proc_lock held. */
static void tell_member(struct process *p, void *arg)
{
	const struct group_tell *g = arg;
	int sig = g->info->si_signo;

	if (!may_tell(g->owner, p->leader->cred))
		return;
	if (!sig || signal_process_locked(p, sig, g->info))
		(void)signal_process_locked(p, SIGIO, NULL);
}

/* In one walk: who calls holds locks that all names need. */
static void tell_group(const struct owner *o, const struct siginfo *info)
{
	struct group_tell g = {o, info};
	uint64_t irq = spin_lock_irq(&proc_lock);

	pgrp_for_each(o->pid, tell_member, &g);
	spin_unlock_irq(&proc_lock, irq);
}

/* What is ready, as poll(2) says it, when that is why. */
static int64_t band_of(int code)
{
	switch (code) {
	case POLL_IN:
		return POLLIN | POLLRDNORM;
	case POLL_OUT:
		return POLLOUT | POLLWRNORM | POLLWRBAND;
	case POLL_MSG:
		return POLLIN | POLLRDNORM | POLLMSG;
	case POLL_ERR:
		return POLLERR;
	case POLL_PRI:
		return POLLPRI | POLLRDBAND;
	default:
		return POLLHUP | POLLERR;
	}
}

/* The lock is held. */
static void tell_all(const struct owner *o, const struct siginfo *info)
{
	if (o->thread)
		tell(o, o->thread->process, o->thread, info);
	else if (o->process)
		tell(o, o->process, NULL, info);
	else if (o->pid)
		tell_group(o, info);
}

/* The lock is held. */
static void owner_tell(const struct file_owner *f, int fd, int code)
{
	struct siginfo info = {.si_signo = f->sig, .si_code = has_codes(f->sig) ? SI_SIGIO : code,
			       .si_band = band_of(code), .si_fd = fd};

	tell_all(&f->who, &info);
}

void owner_signal(struct file *f, int fd)
{
	spin_lock(&owner_lock);
	if (f->owner)
		owner_tell(f->owner, fd, POLL_MSG);
	spin_unlock(&owner_lock);
}

void owner_urge(struct file *f)
{
	struct siginfo info = {.si_signo = SIGURG, .si_code = SI_KERNEL};

	spin_lock(&owner_lock);
	if (f->owner)
		tell_all(&f->owner->who, &info);
	spin_unlock(&owner_lock);
}

/* --- O_ASYNC --- */

void async_signal_slow(struct async_list *l, int code)
{
	uint32_t kind = code == POLL_IN ? FILE_READ : code == POLL_OUT ? FILE_WRITE : UINT32_MAX;
	const struct file_owner *o;

	spin_lock(&owner_lock);
	list_for_each_entry(o, &l->files, link) {
		/* Of what is urgent SIGURG tells by itself. */
		if ((o->file->kind & kind) && (code != POLL_PRI || o->sig))
			owner_tell(o, o->fd, code);
	}
	spin_unlock(&owner_lock);
}

void async_end(struct async_list *l)
{
	struct file_owner *o;

	spin_lock(&owner_lock);
	while ((o = list_first_or_null(&l->files, struct file_owner, link))) {
		list_del(&o->link);
		atomic_fetch_and(&o->file->flags, ~(uint32_t)O_ASYNC);
	}
	spin_unlock(&owner_lock);
}

static int async_begin(struct file *f, int fd, struct async_list *l)
{
	pid_t group = l->group ? __atomic_load_n(l->group, __ATOMIC_RELAXED) : 0;
	struct file_owner *o;
	int err = 0;

	if (group)
		err = owner_enter(f, F_OWNER_PGRP, group, true);
	if (l->group && (!group || err == -ESRCH))
		err = owner_default(f);
	if (err)
		return err;
	o = owner_lock_of(f);
	if (!o)
		return -ENOMEM;
	o->fd = fd;
	list_move_tail(&o->link, &l->files);
	atomic_fetch_or(&f->flags, O_ASYNC);
	spin_unlock(&owner_lock);
	return 0;
}

int async_set(struct file *f, int fd, bool on)
{
	struct async_list *l;

	if (!((atomic_load(&f->flags) ^ (on ? O_ASYNC : 0)) & O_ASYNC))
		return 0;
	l = f->ops->async ? f->ops->async(f) : NULL;
	if (!l)
		return -ENOTTY;
	if (on)
		return async_begin(f, fd, l);
	spin_lock(&owner_lock);
	/* As in Linux the flag stays if it came by open(2), which makes nobody hear. */
	if (f->owner && !list_empty(&f->owner->link)) {
		list_del(&f->owner->link);
		atomic_fetch_and(&f->flags, ~(uint32_t)O_ASYNC);
	}
	spin_unlock(&owner_lock);
	return 0;
}

/*
 * Credentials: the ids a thread acts for (credentials(7)). A struct cred never changes; a thread
 * that changes its ids gets a new one. Linux keeps them per thread and leaves it to libc to keep
 * threads alike; so do we.
 */
#include "kernel/keys/key.h"
#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "lib/sort.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define NO_ID	    ((uint32_t)-1)

struct cred *cred_alloc(uint32_t ngroups)
{
	struct cred *c = kzalloc(sizeof(*c) + ngroups * sizeof(gid_t));

	if (!c)
		return NULL;
	c->refs = 1;
	c->ngroups = ngroups;
	return c;
}

const struct cred *cred_get(const struct cred *c)
{
	__atomic_add_fetch((int *)&((struct cred *)c)->refs, 1, __ATOMIC_RELAXED);
	return c;
}

void cred_put(const struct cred *c)
{
	if (c && __atomic_sub_fetch((int *)&((struct cred *)c)->refs, 1, __ATOMIC_ACQ_REL) == 0)
		kfree(c);
}

const struct cred *cred_of(struct process *p)
{
	uint64_t irq = spin_lock_irq(&proc_lock);
	const struct cred *c = cred_get(p->leader->cred);

	spin_unlock_irq(&proc_lock, irq);
	return c;
}

bool cred_capable(int cap)
{
	const struct cred *c = current()->cred;

	return !c || cred_has(c, cap);
}

struct cred *cred_copy(void)
{
	const struct cred *old = current()->cred;
	struct cred *c = cred_alloc(old->ngroups);

	if (!c)
		return NULL;
	memcpy(c, old, sizeof(*c) + old->ngroups * sizeof(gid_t));
	c->refs = 1;
	return c;
}

bool cred_hides(const struct cred *c, const struct cred *old)
{
	return c->euid != old->euid || c->egid != old->egid || c->fsuid != old->fsuid ||
	       c->fsgid != old->fsgid || (c->permitted & ~old->permitted);
}

void cred_commit(struct cred *c)
{
	struct thread *t = current();
	const struct cred *old = t->cred;
	uint64_t irq;

	/* To fail would leave a daemon its powers: its execve(2) will. */
	if (c->uid != old->uid)
		t->over_nproc = threads_beyond_limit(c->uid);
	irq = spin_lock_irq(&proc_lock); /* readers of /proc and kill look under it */
	if (cred_hides(c, old)) { /* prctl(2), PR_SET_DUMPABLE */
		t->process->dumpable = false;
		t->death_signal = 0;
	}
	t->cred = c;
	spin_unlock_irq(&proc_lock, irq);
	cred_put(old);
	keys_ids_changed(t);
}

SYSCALL0(getuid)
{
	return current()->cred->uid;
}

SYSCALL0(geteuid)
{
	return current()->cred->euid;
}

SYSCALL0(getgid)
{
	return current()->cred->gid;
}

SYSCALL0(getegid)
{
	return current()->cred->egid;
}

/* setresuid(2); -1 leaves an id as it is. */
static long set_uids(uid_t r, uid_t e, uid_t s)
{
	const struct cred *o = current()->cred;
	struct cred *c;
	const uid_t want[3] = {r, e, s};

	for (int i = 0; i < 3; i++)
		if (!cred_capable(CAP_SETUID) && want[i] != NO_ID && want[i] != o->uid &&
		    want[i] != o->euid && want[i] != o->suid)
			return -EPERM;
	c = cred_copy();
	if (!c)
		return -ENOMEM;
	if (r != NO_ID)
		c->uid = r;
	if (e != NO_ID)
		c->euid = e;
	if (s != NO_ID)
		c->suid = s;
	c->fsuid = c->euid;
	cred_uids_changed(c, o);
	cred_commit(c);
	return 0;
}

static long set_gids(gid_t r, gid_t e, gid_t s)
{
	const struct cred *o = current()->cred;
	struct cred *c;
	const gid_t want[3] = {r, e, s};

	for (int i = 0; i < 3; i++)
		if (!cred_capable(CAP_SETGID) && want[i] != NO_ID && want[i] != o->gid &&
		    want[i] != o->egid && want[i] != o->sgid)
			return -EPERM;
	c = cred_copy();
	if (!c)
		return -ENOMEM;
	if (r != NO_ID)
		c->gid = r;
	if (e != NO_ID)
		c->egid = e;
	if (s != NO_ID)
		c->sgid = s;
	c->fsgid = c->egid;
	cred_commit(c);
	return 0;
}

SYSCALL3(setresuid, uid_t, r, uid_t, e, uid_t, s)
{
	return set_uids(r, e, s);
}

SYSCALL3(setresgid, gid_t, r, gid_t, e, gid_t, s)
{
	return set_gids(r, e, s);
}

/* With privilege all three ids change, without it only the effective one. */
SYSCALL1(setuid, uid_t, id)
{
	const struct cred *o = current()->cred;

	if (id == NO_ID)
		return -EINVAL;
	if (cred_capable(CAP_SETUID))
		return set_uids(id, id, id);
	if (id != o->uid && id != o->suid)
		return -EPERM;
	return set_uids(NO_ID, id, NO_ID);
}

SYSCALL1(setgid, gid_t, id)
{
	const struct cred *o = current()->cred;

	if (id == NO_ID)
		return -EINVAL;
	if (cred_capable(CAP_SETGID))
		return set_gids(id, id, id);
	if (id != o->gid && id != o->sgid)
		return -EPERM;
	return set_gids(NO_ID, id, NO_ID);
}

/* setreuid(2): the saved id follows the effective one when the real one is set or they differ. */
SYSCALL2(setreuid, uid_t, r, uid_t, e)
{
	const struct cred *o = current()->cred;
	uid_t s = NO_ID;

	if (!cred_capable(CAP_SETUID) && r != NO_ID && r != o->uid && r != o->euid)
		return -EPERM;
	if (!cred_capable(CAP_SETUID) && e != NO_ID && e != o->uid && e != o->euid && e != o->suid)
		return -EPERM;
	if (r != NO_ID || (e != NO_ID && e != o->uid))
		s = e != NO_ID ? e : o->euid;
	return set_uids(r, e, s);
}

SYSCALL2(setregid, gid_t, r, gid_t, e)
{
	const struct cred *o = current()->cred;
	gid_t s = NO_ID;

	if (!cred_capable(CAP_SETGID) && r != NO_ID && r != o->gid && r != o->egid)
		return -EPERM;
	if (!cred_capable(CAP_SETGID) && e != NO_ID && e != o->gid && e != o->egid && e != o->sgid)
		return -EPERM;
	if (r != NO_ID || (e != NO_ID && e != o->gid))
		s = e != NO_ID ? e : o->egid;
	return set_gids(r, e, s);
}

SYSCALL3(getresuid, uaddr_t, r, uaddr_t, e, uaddr_t, s)
{
	const struct cred *c = current()->cred;

	if (put_user_u32(r, c->uid) || put_user_u32(e, c->euid) || put_user_u32(s, c->suid))
		return -EFAULT;
	return 0;
}

SYSCALL3(getresgid, uaddr_t, r, uaddr_t, e, uaddr_t, s)
{
	const struct cred *c = current()->cred;

	if (put_user_u32(r, c->gid) || put_user_u32(e, c->egid) || put_user_u32(s, c->sgid))
		return -EFAULT;
	return 0;
}

/* setfsuid(2) returns the old id, whether it worked or not. */
SYSCALL1(setfsuid, uid_t, id)
{
	const struct cred *o = current()->cred;
	uid_t old = o->fsuid;
	struct cred *c;

	if (id != NO_ID && (id == o->uid || id == o->euid || id == o->suid ||
			    id == o->fsuid || cred_capable(CAP_SETUID))) {
		c = cred_copy();
		if (c) {
			c->fsuid = id;
			cred_fsuid_changed(c, o);
			cred_commit(c);
		}
	}
	return old;
}

SYSCALL1(setfsgid, gid_t, id)
{
	const struct cred *o = current()->cred;
	gid_t old = o->fsgid;
	struct cred *c;

	if (id != NO_ID && (id == o->gid || id == o->egid || id == o->sgid ||
			    id == o->fsgid || cred_capable(CAP_SETGID))) {
		c = cred_copy();
		if (c) {
			c->fsgid = id;
			cred_commit(c);
		}
	}
	return old;
}

SYSCALL2(getgroups, int, n, uaddr_t, list)
{
	const struct cred *c = current()->cred;

	if (n < 0)
		return -EINVAL;
	if (n == 0)
		return c->ngroups;
	if ((uint32_t)n < c->ngroups)
		return -EINVAL;
	if (copy_to_user(list, c->groups, c->ngroups * sizeof(gid_t)))
		return -EFAULT;
	return c->ngroups;
}

static int gid_order(const void *a, const void *b, void *arg)
{
	gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;

	(void)arg;
	return x < y ? -1 : x > y;
}

SYSCALL2(setgroups, int, n, uaddr_t, list)
{
	struct cred *c;

	if (!cred_capable(CAP_SETGID))
		return -EPERM;
	if (n < 0 || n > NGROUPS_MAX)
		return -EINVAL;
	c = cred_alloc(n);
	if (!c)
		return -ENOMEM;
	memcpy(c, current()->cred, offsetof(struct cred, groups));
	c->refs = 1;
	c->ngroups = n;
	if (copy_from_user(c->groups, list, n * sizeof(gid_t))) {
		cred_put(c);
		return -EFAULT;
	}
	sort(c->groups, (size_t)n, sizeof(gid_t), gid_order, NULL);
	cred_commit(c);
	return 0;
}

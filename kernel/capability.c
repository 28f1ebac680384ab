/*
 * Capabilities (capabilities(7)): root's powers one by one. Programs do not carry any (there are no
 * file capabilities): what a program gets depends on who runs it and on the ambient set.
 */
#include "kernel/mem/slab.h"
#include "kernel/pid.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/prctl.h"
#include "mm/usercopy.h"

/* Those that a file-system user id of 0 stands for (setfsuid(2)). */
#define CAPS_FS                                                                                    \
	(CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_DAC_READ_SEARCH) |           \
	 CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_LINUX_IMMUTABLE) |                \
	 CAP_BIT(CAP_MKNOD) | CAP_BIT(CAP_MAC_OVERRIDE))

#define SECBITS \
	(SECBIT_NOROOT | SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS | SECBIT_NO_CAP_AMBIENT_RAISE)
#define SECBITS_LOCKS (SECBITS << 1)

/* --- what a change of ids does --- */

static bool any_root(const struct cred *c)
{
	return !c->uid || !c->euid || !c->suid;
}

void cred_uids_changed(struct cred *c, const struct cred *old)
{
	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (any_root(old) && !any_root(c)) {
		if (!(c->securebits & SECBIT_KEEP_CAPS))
			c->permitted = 0;
		c->ambient = 0;
	}
	if (!old->euid && c->euid)
		c->effective = 0;
	else if (old->euid && !c->euid)
		c->effective = c->permitted;
	c->effective &= c->permitted;
}

void cred_fsuid_changed(struct cred *c, const struct cred *old)
{
	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (!old->fsuid && c->fsuid)
		c->effective &= ~CAPS_FS;
	else if (old->fsuid && !c->fsuid)
		c->effective |= c->permitted & CAPS_FS;
}

bool cred_exec(struct cred *c, const struct cred *old, bool limited, bool no_new_privs)
{
	bool root = !(c->securebits & SECBIT_NOROOT), powers = root && !c->euid;
	bool set_id = c->euid != old->uid || c->egid != old->gid;

	c->permitted = root && (!c->uid || !c->euid) ? c->bounding | c->inheritable : 0;
	if (limited && (set_id || (c->permitted & ~old->permitted))) {
		if (no_new_privs || !cred_has(old, CAP_SETUID)) {
			c->euid = c->uid;
			c->egid = c->gid;
		}
		c->permitted &= old->permitted;
	}
	if (set_id)
		c->ambient = 0;
	c->permitted |= c->ambient;
	c->effective = powers ? c->permitted : c->ambient;
	c->securebits &= ~SECBIT_KEEP_CAPS;
	c->suid = c->fsuid = c->euid;
	c->sgid = c->fsgid = c->egid;
	return set_id || (c->uid && (powers || (c->permitted & ~c->ambient)));
}

/* --- capget(2), capset(2) --- */

/* The number of words in each set of the header's version, or -errno; tells user space ours. */
static int header_words(uaddr_t uheader)
{
	uint32_t version;

	if (get_user_u32(&version, uheader + offsetof(struct cap_header, version)))
		return -EFAULT;
	switch (version) {
	case _LINUX_CAPABILITY_VERSION_1:
		return 1;
	case _LINUX_CAPABILITY_VERSION_2:
	case _LINUX_CAPABILITY_VERSION_3:
		return 2;
	}
	version = _LINUX_CAPABILITY_VERSION_3;
	return put_user_u32(uheader + offsetof(struct cap_header, version), version) ? -EFAULT
										    : -EINVAL;
}

/* A process that is over and not waited for has its first thread still, which none finds. */
static const struct cred *cred_of_locked(const struct thread *t, pid_t pid)
{
	const struct process *p = t ? NULL : process_find_locked(pid);

	return t ? t->cred : p ? p->leader->cred : NULL;
}

static int caps_of(pid_t tid, struct cap_data data[2])
{
	struct thread *t = thread_find(tid ? tid : current()->tid);
	uint64_t irq = spin_lock_irq(&proc_lock);
	const struct cred *c = cred_of_locked(t, tid);

	for (int i = 0; c && i < 2; i++)
		data[i] = (struct cap_data){
			.effective = (uint32_t)(c->effective >> 32 * i),
			.permitted = (uint32_t)(c->permitted >> 32 * i),
			.inheritable = (uint32_t)(c->inheritable >> 32 * i),
		};
	spin_unlock_irq(&proc_lock, irq);
	if (t)
		thread_unfind(t);
	return c ? 0 : -ESRCH;
}

SYSCALL2(capget, uaddr_t, uheader, uaddr_t, udata)
{
	struct cap_data data[2];
	int words = header_words(uheader), err;
	uint32_t pid;

	/* Without a place for the sets it only asks which version there is. */
	if (words < 0 || !udata)
		return words == -EINVAL && !udata ? 0 : MIN(words, 0);
	if (get_user_u32(&pid, uheader + offsetof(struct cap_header, pid)))
		return -EFAULT;
	if ((pid_t)pid < 0)
		return -EINVAL;
	err = caps_of((pid_t)pid, data);
	if (err)
		return err;
	return copy_to_user(udata, data, (size_t)words * sizeof(data[0]));
}

/* capset(2): nothing becomes permitted that is not, and nothing effective that is not permitted. */
static int capset_check(const struct cred *c, const struct cred *old)
{
	capset_t from = old->inheritable | old->permitted;

	if ((c->inheritable & ~from) && !cred_has(old, CAP_SETPCAP))
		return -EPERM;
	if (c->inheritable & ~(old->inheritable | old->bounding))
		return -EPERM;
	if ((c->permitted & ~old->permitted) || (c->effective & ~c->permitted))
		return -EPERM;
	return 0;
}

SYSCALL2(capset, uaddr_t, uheader, uaddr_t, udata)
{
	struct cap_data data[2] = {{0, 0, 0}, {0, 0, 0}};
	int words = header_words(uheader), err;
	struct cred *c;
	uint32_t pid;

	if (words < 0)
		return words;
	if (get_user_u32(&pid, uheader + offsetof(struct cap_header, pid)))
		return -EFAULT;
	if (pid && (pid_t)pid != current()->tid)
		return -EPERM;
	if (copy_from_user(data, udata, (size_t)words * sizeof(data[0])))
		return -EFAULT;
	c = cred_copy();
	if (!c)
		return -ENOMEM;
	c->effective = (data[0].effective | (capset_t)data[1].effective << 32) & CAPS_ALL;
	c->permitted = (data[0].permitted | (capset_t)data[1].permitted << 32) & CAPS_ALL;
	c->inheritable = (data[0].inheritable | (capset_t)data[1].inheritable << 32) & CAPS_ALL;
	c->ambient &= c->permitted & c->inheritable;
	err = capset_check(c, current()->cred);
	if (err)
		cred_put(c);
	else
		cred_commit(c);
	return err;
}

/* --- prctl(2) --- */

static long bounding_drop(uint64_t cap)
{
	struct cred *c;

	if (!cred_capable(CAP_SETPCAP))
		return -EPERM;
	if (cap > CAP_LAST_CAP)
		return -EINVAL;
	c = cred_copy();
	if (!c)
		return -ENOMEM;
	c->bounding &= ~CAP_BIT(cap);
	cred_commit(c);
	return 0;
}

static long securebits_set(uint64_t bits)
{
	struct cred *c = cred_copy();

	if (!c)
		return -ENOMEM;
	c->securebits = (uint32_t)bits;
	cred_commit(c);
	return 0;
}

/* What is locked stays, and so do the locks. */
static bool securebits_allowed(uint64_t bits)
{
	uint32_t old = current()->cred->securebits, locks = old & SECBITS_LOCKS;

	return !((locks >> 1) & (old ^ bits)) && !(locks & ~bits) &&
	       !(bits & ~(uint64_t)(SECBITS | SECBITS_LOCKS)) && cred_capable(CAP_SETPCAP);
}

static long keepcaps_set(uint64_t on)
{
	uint32_t bits = current()->cred->securebits;

	if (on > 1)
		return -EINVAL;
	if (bits & SECBIT_KEEP_CAPS_LOCKED)
		return -EPERM;
	return securebits_set(on ? bits | SECBIT_KEEP_CAPS : bits & ~SECBIT_KEEP_CAPS);
}

/* cap 0 to CAP_LAST_CAP, except to clear all of them. */
static long ambient_change(uint64_t how, uint64_t cap)
{
	const struct cred *old = current()->cred;
	struct cred *c;

	if (how == PR_CAP_AMBIENT_RAISE && (!(old->permitted & old->inheritable & CAP_BIT(cap)) ||
					    (old->securebits & SECBIT_NO_CAP_AMBIENT_RAISE)))
		return -EPERM;
	c = cred_copy();
	if (!c)
		return -ENOMEM;
	if (how == PR_CAP_AMBIENT_RAISE)
		c->ambient |= CAP_BIT(cap);
	else if (how == PR_CAP_AMBIENT_LOWER)
		c->ambient &= ~CAP_BIT(cap);
	else
		c->ambient = 0;
	cred_commit(c);
	return 0;
}

static long ambient(uint64_t how, uint64_t cap, uint64_t rest)
{
	if (rest || (how == PR_CAP_AMBIENT_CLEAR_ALL ? cap != 0 : cap > CAP_LAST_CAP))
		return -EINVAL;
	switch (how) {
	case PR_CAP_AMBIENT_IS_SET:
		return (current()->cred->ambient & CAP_BIT(cap)) != 0;
	case PR_CAP_AMBIENT_RAISE:
	case PR_CAP_AMBIENT_LOWER:
	case PR_CAP_AMBIENT_CLEAR_ALL:
		return ambient_change(how, cap);
	}
	return -EINVAL;
}

long cred_prctl(int option, uint64_t arg2, uint64_t arg3, uint64_t arg4, uint64_t arg5)
{
	const struct cred *c = current()->cred;

	switch (option) {
	case PR_CAPBSET_READ:
		return arg2 > CAP_LAST_CAP ? -EINVAL : (c->bounding & CAP_BIT(arg2)) != 0;
	case PR_CAPBSET_DROP:
		return bounding_drop(arg2);
	case PR_GET_SECUREBITS:
		return c->securebits;
	case PR_SET_SECUREBITS:
		return securebits_allowed(arg2) ? securebits_set(arg2) : -EPERM;
	case PR_GET_KEEPCAPS:
		return (c->securebits & SECBIT_KEEP_CAPS) != 0;
	case PR_SET_KEEPCAPS:
		return keepcaps_set(arg2);
	case PR_CAP_AMBIENT:
		return ambient(arg2, arg3, arg4 | arg5);
	default:
		return -EINVAL;
	}
}

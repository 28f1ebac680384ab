/*
 * The tables of System V objects: ids, keys, permissions; the memory of what is in them.
 */
#include "kernel/ipc/ipc.h"

#include "fs/vfs.h"
#include "kernel/clocktimer.h"
#include "kernel/mem/slab.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "kernel/uapi/time.h"
#include "lib/string.h"
#include "mm/frame.h"

#define SLOTS_FIRST 16

struct ipc_namespace *ipc_own(void)
{
	return container_of(current()->ns->of[NS_IPC], struct ipc_namespace, ns);
}

void ipc_table_init(struct ipc_table *t, struct ipc_namespace *ns, const char *name,
		    const uint64_t *limit)
{
	t->ns = ns;
	t->limit = limit;
	spin_init(&t->lock, name, RANK_IPC_TABLE);
	mutex_init(&t->making, "ipcget", RANK_IPC);
	t->next_id = IPC_NO_ID;
	t->last = -1;
}

int64_t ipc_now(void)
{
	return (int64_t)(time_realtime() / NSEC_PER_SEC);
}

pid_t ipc_pid(void)
{
	return current()->process ? current()->process->pid : 0;
}

/* --- objects of a table --- */

struct ipc_perm *ipc_at_locked(const struct ipc_table *t, uint32_t slot)
{
	return slot < t->nslots ? t->slots[slot] : NULL;
}

struct ipc_perm *ipc_find_locked(const struct ipc_table *t, int32_t id)
{
	struct ipc_perm *p = id < 0 ? NULL : ipc_at_locked(t, (uint32_t)id % IPC_SLOTS);

	return p && p->id == id ? p : NULL;
}

static struct ipc_perm *find_key_locked(const struct ipc_table *t, int32_t key)
{
	for (uint32_t i = 0; i < t->nslots; i++)
		if (t->slots[i] && t->slots[i]->key == key)
			return t->slots[i];
	return NULL;
}

uint32_t ipc_highest_locked(const struct ipc_table *t)
{
	uint32_t slot = t->nslots;

	while (slot && !t->slots[slot - 1])
		slot--;
	return slot ? slot - 1 : 0;
}

int ipc_reserve(struct ipc_table *t)
{
	uint32_t n = MAX(2 * t->nslots, (uint32_t)SLOTS_FIRST), need = t->used + 1;
	struct ipc_perm **grown, **old;

	if (t->used >= *t->limit)
		return -ENOSPC;
	/* With so many slots one is free at or behind the one that is asked for. */
	t->next_taken = __atomic_load_n(&t->next_id, __ATOMIC_RELAXED);
	if (t->next_taken != IPC_NO_ID)
		need += t->next_taken % IPC_SLOTS;
	/* Only who has `making` adds. */
	if (need <= t->nslots)
		return 0;
	if (need > IPC_SLOTS)
		return -ENOSPC;
	n = MAX(n, need);
	grown = kzalloc(n * sizeof(struct ipc_perm *));
	if (!grown)
		return -ENOMEM;
	spin_lock(&t->lock);
	old = t->slots;
	if (t->nslots)
		memcpy(grown, old, t->nslots * sizeof(struct ipc_perm *));
	t->slots = grown;
	t->nslots = n;
	spin_unlock(&t->lock);
	kfree(old);
	return 0;
}

void ipc_perm_init(struct ipc_table *t, struct ipc_perm *p, int32_t key, int flags)
{
	const struct cred *c = current()->cred;

	p->table = t;
	p->key = key;
	p->uid = p->cuid = c->euid;
	p->gid = p->cgid = c->egid;
	p->mode = (uint32_t)flags & 0777;
}

/* A slot that is used again gets another sequence number, unless an id is asked for. */
void ipc_enter_locked(struct ipc_table *t, struct ipc_perm *p)
{
	bool asked = t->next_taken != IPC_NO_ID;
	uint32_t slot = asked ? (uint32_t)(t->next_taken % IPC_SLOTS) : 0;
	uint32_t sequence = asked ? (uint32_t)(t->next_taken / IPC_SLOTS) : t->sequence;

	while (t->slots[slot])
		slot++;
	if (asked) {
		__atomic_store_n(&t->next_id, IPC_NO_ID, __ATOMIC_RELAXED);
	} else {
		if (slot <= t->last && ++sequence > INT32_MAX / IPC_SLOTS)
			sequence = 0;
		t->sequence = sequence;
		t->last = slot;
	}
	p->id = (int32_t)(sequence * IPC_SLOTS + slot);
	t->slots[slot] = p;
	t->used++;
}

void ipc_leave_locked(struct ipc_table *t, struct ipc_perm *p)
{
	t->slots[p->id % IPC_SLOTS] = NULL;
	t->used--;
}

/* One that is there: may it be had? Its id or -errno. */
static long existing_locked(const struct ipc_table *t, const struct ipc_perm *p, uint64_t size,
			    int flags)
{
	int err;

	if ((flags & IPC_CREAT) && (flags & IPC_EXCL))
		return -EEXIST;
	if (t->fits && !t->fits(p, size))
		return -EINVAL;
	err = ipc_permission_locked(p, (uint32_t)flags);
	return err ? err : p->id;
}

long ipc_get(struct ipc_table *t, int32_t key, uint64_t size, int flags)
{
	struct ipc_perm *p = NULL;
	long ret = 0;

	mutex_lock(&t->making);
	if (key != IPC_PRIVATE) {
		spin_lock(&t->lock);
		p = find_key_locked(t, key);
		if (p)
			ret = existing_locked(t, p, size, flags);
		spin_unlock(&t->lock);
	}
	if (!p && key != IPC_PRIVATE && !(flags & IPC_CREAT))
		ret = -ENOENT;
	else if (!p)
		ret = t->make(t, key, size, flags);
	mutex_unlock(&t->making);
	return ret;
}

/* --- who may do what --- */

int ipc_permission_locked(const struct ipc_perm *p, uint32_t mode)
{
	const struct cred *c = current()->cred;
	uint32_t wanted = (mode >> 6) | (mode >> 3) | mode, granted = p->mode;

	if (c->euid == p->cuid || c->euid == p->uid)
		granted >>= 6;
	else if (cred_in_group(c, p->cgid) || cred_in_group(c, p->gid))
		granted >>= 3;
	return (wanted & ~granted & 7) && !cred_capable(CAP_IPC_OWNER) ? -EACCES : 0;
}

struct ipc_perm *ipc_allowed_locked(const struct ipc_table *t, int32_t id, uint32_t mode)
{
	struct ipc_perm *p = ipc_find_locked(t, id);

	if (!p)
		return err_ptr(-EINVAL);
	return ipc_permission_locked(p, mode) ? err_ptr(-EACCES) : p;
}

struct ipc_perm *ipc_owned_locked(const struct ipc_table *t, int32_t id)
{
	struct ipc_perm *p = ipc_find_locked(t, id);
	uid_t euid = current()->cred->euid;

	if (!p)
		return err_ptr(-EINVAL);
	if (euid != p->uid && euid != p->cuid && !cred_capable(CAP_SYS_ADMIN))
		return err_ptr(-EPERM);
	return p;
}

struct ipc_perm *ipc_asked_locked(const struct ipc_table *t, int32_t id, enum ipc_how how)
{
	struct ipc_perm *p;

	if (how == IPC_BY_ID)
		return ipc_allowed_locked(t, id, 0444);
	p = ipc_at_locked(t, (uint32_t)id % IPC_SLOTS);
	if (!p)
		return err_ptr(-EINVAL);
	return how == IPC_BY_SLOT && ipc_permission_locked(p, 0444) ? err_ptr(-EACCES) : p;
}

void ipc_perm_stat_locked(const struct ipc_perm *p, struct ipc64_perm *out)
{
	*out = (struct ipc64_perm){
		.key = p->key, .uid = p->uid, .gid = p->gid, .cuid = p->cuid, .cgid = p->cgid,
		.mode = p->mode, .seq = (uint16_t)(p->id / IPC_SLOTS)};
}

int ipc_perm_set_locked(struct ipc_perm *p, const struct ipc64_perm *in)
{
	if (in->uid == UINT32_MAX || in->gid == UINT32_MAX)
		return -EINVAL;
	p->uid = in->uid;
	p->gid = in->gid;
	p->mode = (p->mode & ~0777u) | (in->mode & 0777);
	return 0;
}

/* --- waiting --- */

void ipc_waiter_init(struct ipc_waiter *w)
{
	waitqueue_init(&w->wq);
}

void ipc_waiter_done(struct ipc_waiter *w, int status)
{
	list_del(&w->link);
	__atomic_store_n(&w->status, status, __ATOMIC_RELEASE);
	wake_all(&w->wq);
}

static bool is_done(const struct ipc_waiter *w)
{
	return __atomic_load_n(&w->status, __ATOMIC_ACQUIRE) != IPC_WAITS;
}

/* It waits no longer: the status, which is err if nobody has done it. */
static int wait_over(struct spinlock *lock, struct ipc_waiter *w, int err)
{
	spin_lock(lock);
	if (w->status == IPC_WAITS) {
		list_del(&w->link);
		w->status = err;
	}
	err = w->status;
	spin_unlock(lock);
	return err;
}

int ipc_wait(struct spinlock *lock, struct ipc_waiter *w, uint64_t deadline)
{
	return wait_over(lock, w, wait_event_deadline(&w->wq, is_done(w), WAIT_INTERRUPTIBLE,
						      deadline));
}

int ipc_wait_wall(struct spinlock *lock, struct ipc_waiter *w, uint64_t until)
{
	struct wall_alarm alarm;
	int err;

	if (until == UINT64_MAX)
		return ipc_wait(lock, w, until);
	wall_alarm_set(&alarm, CLOCK_REALTIME, until, &w->wq);
	err = wait_event(&w->wq, is_done(w) || wall_alarm_over(&alarm), WAIT_INTERRUPTIBLE);
	wall_alarm_cancel(&alarm);
	return wait_over(lock, w, err ? err : -ETIMEDOUT);
}

/* --- memory --- */

static uint64_t allocated; /* bytes; changed by atomics */

/* What kmalloc takes for n bytes, or a little more. */
static size_t taken(size_t n)
{
	size_t size = PAGE_SIZE / 2;

	while (size < n)
		size *= 2;
	return n <= PAGE_SIZE / 2 ? n : size;
}

void ipc_free(void *p, size_t n)
{
	if (!p)
		return;
	kfree(p);
	__atomic_fetch_sub(&allocated, taken(n), __ATOMIC_RELAXED);
}

void *ipc_alloc(size_t n)
{
	uint64_t limit = (frames_total << PAGE_SHIFT) / 4;
	void *p = NULL;

	if (n > limit)
		return NULL;
	if (__atomic_add_fetch(&allocated, taken(n), __ATOMIC_RELAXED) <= limit)
		p = kzalloc(n);
	if (!p)
		__atomic_fetch_sub(&allocated, taken(n), __ATOMIC_RELAXED);
	return p;
}

/*
 * Advisory locks: ranges of bytes owned by a process (fcntl) or an open file (OFD), and whole
 * files owned by an open file (flock). The two families do not see each other.
 */
#include "fs/locks.h"

#include <stdatomic.h>

#include "kernel/mem/slab.h"
#include "kernel/thread.h"
#include "lib/string.h"
#include "mm/usercopy.h"

/* It stays until the inode goes. */
struct file_locks *locks_of(struct inode *inode, bool make)
{
	struct file_locks *l = atomic_load(&inode->locks), *none = NULL;

	if (l || !make)
		return l;
	l = kzalloc(sizeof(*l));
	if (!l)
		return NULL;
	l->inode = inode;
	list_init(&l->waits);
	spin_init(&l->lock, "file locks", RANK_FILES);
	list_init(&l->list);
	list_init(&l->leases);
	waitqueue_init(&l->wait);
	if (!atomic_compare_exchange_strong(&inode->locks, &none, l)) {
		kfree(l);
		return none;
	}
	locks_list(l);
	return l;
}

/* Those of processes and those of open files on bytes see one another; else none does. */
static enum lock_kind family(const struct file_lock *a)
{
	return a->kind == LOCK_POSIX ? LOCK_OFD : a->kind;
}

static bool overlaps(const struct file_lock *a, const struct file_lock *b)
{
	return family(a) == family(b) && a->start <= b->end && b->start <= a->end;
}

bool locks_conflict(const struct file_lock *a, const struct file_lock *b)
{
	return a->owner != b->owner && overlaps(a, b) && (a->write || b->write);
}

struct file_lock *lock_in_the_way(struct file_locks *l, const struct file_lock *want)
{
	struct file_lock *at;

	list_for_each_entry(at, &l->list, link) {
		if (locks_conflict(at, want))
			return at;
	}
	return NULL;
}

/* What the owner has of the same type on both sides of want, and within, becomes part of it. */
static void range_join(struct file_locks *l, struct file_lock *want)
{
	uint64_t start = want->start, end = want->end;
	struct file_lock *at;

	list_for_each_entry(at, &l->list, link) {
		if (at->owner != want->owner || family(at) != family(want) ||
		    at->write != want->write || at->end + 1 < start || end + 1 < at->start)
			continue;
		want->start = MIN(want->start, at->start);
		want->end = MAX(want->end, at->end);
	}
}

/* Take [start, end] away from what the owner has; a lock cut in two needs *spare. */
static void range_clear(struct file_locks *l, const struct file_lock *want,
			struct file_lock **spare)
{
	struct file_lock *at, *next;

	list_for_each_entry_safe(at, next, &l->list, link) {
		if (at->owner != want->owner || !overlaps(at, want))
			continue;
		if (at->start < want->start && at->end > want->end) {
			struct file_lock *rest = *spare;

			*spare = NULL;
			*rest = *at;
			rest->start = want->end + 1;
			at->end = want->start - 1;
			list_add(&rest->link, &at->link);
		} else if (at->start < want->start) {
			at->end = want->start - 1;
		} else if (at->end > want->end) {
			at->start = want->end + 1;
		} else {
			list_del(&at->link);
			kfree(at);
		}
	}
}

/*
 * A process that waits for a record lock, and for whom. Only these can be told to be deadlocked:
 * who holds an open file's lock may be any process that has the file.
 */
struct lock_waiter {
	struct list_head link;
	struct file_locks *locks;
	const void *owner, *holder; /* holder NULL: to be looked up again */
	bool deadlock;
};

#define WAITERS_FOLLOWED 10 /* a ring of more processes is not found */

/* Taken within that of the file: whom a waiter names does hold a lock in its way. */
static struct spinlock waiters_lock = SPINLOCK_INIT("lock waiters", RANK_LOCKERS);
static LIST_HEAD(waiters); /* (waiters_lock) */

/* Whom does the owner wait for? NULL: for nobody. */
static const void *holder_of(const void *owner)
{
	struct lock_waiter *w;

	list_for_each_entry(w, &waiters, link) {
		if (w->owner == owner)
			return w->holder;
	}
	return NULL;
}

/* w waits for holder from now on, unless that one waits for w. */
static void lock_waiter_set(struct lock_waiter *w, const void *holder)
{
	spin_lock(&waiters_lock);
	w->holder = holder;
	for (unsigned i = 0; holder && i < WAITERS_FOLLOWED && !w->deadlock; i++) {
		w->deadlock = holder == w->owner;
		holder = holder_of(holder);
	}
	/* It will not wait: the others of the ring may look again before it is off the list. */
	if (w->deadlock)
		w->holder = NULL;
	if (list_empty(&w->link))
		list_add_tail(&w->link, &waiters);
	spin_unlock(&waiters_lock);
}

static void lock_waiter_remove(struct lock_waiter *w)
{
	spin_lock(&waiters_lock);
	list_del(&w->link);
	spin_unlock(&waiters_lock);
}

/*
 * A lock of l changed: who waits there looks again, and until then waits for nobody known. l->lock
 * is held, and dropped here.
 */
static void locks_changed_unlock(struct file_locks *l)
{
	struct lock_waiter *w;

	spin_lock(&waiters_lock);
	list_for_each_entry(w, &waiters, link) {
		if (w->locks == l)
			w->holder = NULL;
	}
	spin_unlock(&waiters_lock);
	lock_waits_clear(l);
	spin_unlock(&l->lock);
	wake_all(&l->wait);
}

/* Set want (which comes from kmalloc) or clear its range; consumes want and spare. */
static int lock_apply(struct file_locks *l, struct file_lock *want, struct file_lock *spare,
		      bool unlock)
{
	bool busy;

	spin_lock(&l->lock);
	busy = !unlock && lock_in_the_way(l, want);
	if (busy && want->kind != LOCK_FLOCK) {
		spin_unlock(&l->lock);
	} else {
		/* flock(2) lets go of what it has before it asks for the other kind. */
		if (!busy && !unlock)
			range_join(l, want);
		range_clear(l, want, &spare);
		if (!busy && !unlock) {
			list_add_tail(&want->link, &l->list);
			want = NULL;
		}
		locks_changed_unlock(l);
	}
	kfree(want);
	kfree(spare);
	return busy ? -EAGAIN : 0;
}

/*
 * Is there nothing left to wait for? Asked again whenever a lock changes, so that w always names
 * who holds the lock now. w is NULL for locks of open files.
 */
static bool wait_over(struct file_locks *l, struct lock_wait *wait, struct lock_waiter *w)
{
	const struct file_lock *other;
	bool over;

	spin_lock(&l->lock);
	other = lock_in_the_way(l, wait->want);
	if (other)
		lock_wait_enter(l, wait, other);
	if (other && w)
		lock_waiter_set(w, other->owner);
	over = !other || (w && w->deadlock);
	spin_unlock(&l->lock);
	return over;
}

static int lock_wait(struct file_locks *l, const struct file_lock *want)
{
	struct lock_waiter waiter = {.locks = l, .owner = want->owner};
	struct lock_waiter *w = want->kind == LOCK_POSIX ? &waiter : NULL;
	struct lock_wait wait = {.want = want};
	int err;

	list_init(&waiter.link);
	err = wait_event(&l->wait, wait_over(l, &wait, w), WAIT_INTERRUPTIBLE);
	lock_wait_end(l, &wait);
	if (w)
		lock_waiter_remove(w);
	return waiter.deadlock ? -EDEADLK : err;
}

/* Set or clear the lock that proto describes; wait for others to let go if asked. */
static int lock_set(struct inode *inode, const struct file_lock *proto, bool unlock, bool wait)
{
	struct file_locks *l = locks_of(inode, !unlock);
	int err;

	if (!l)
		return unlock ? 0 : -ENOLCK;
	for (;;) {
		struct file_lock *want = kmalloc(sizeof(*want)), *spare = kmalloc(sizeof(*spare));

		if (!want || !spare) {
			kfree(want);
			kfree(spare);
			return -ENOLCK;
		}
		*want = *proto;
		err = lock_apply(l, want, spare, unlock);
		if (err != -EAGAIN || !wait)
			return err;
		err = lock_wait(l, proto);
		if (err)
			return err;
	}
}

/* struct flock64 to bytes [start, end]. */
static int range_get(struct file *f, const struct flock64 *fl, struct file_lock *out)
{
	int64_t start = fl->l_start;
	int64_t len = fl->l_len;

	if (fl->l_whence == SEEK_CUR)
		start += (int64_t)f->pos;
	else if (fl->l_whence == SEEK_END)
		start += (int64_t)inode_size(f->inode);
	else if (fl->l_whence != SEEK_SET)
		return -EINVAL;
	if (len < 0) {
		start += len;
		len = -len;
	}
	if (start < 0)
		return -EINVAL;
	out->start = (uint64_t)start;
	out->end = len ? (uint64_t)start + (uint64_t)len - 1 : INT64_MAX;
	return out->end > INT64_MAX ? -EOVERFLOW : 0;
}

/* What the owner itself has of the range. */
static struct file_lock *own_find(struct file_locks *l, const struct file_lock *want)
{
	struct file_lock *at;

	list_for_each_entry(at, &l->list, link) {
		if (at->owner == want->owner && overlaps(at, want))
			return at;
	}
	return NULL;
}

/* F_UNLCK asks for an open file's own locks; a process may not ask that. */
static long lock_test(struct file *f, struct flock64 *fl, const struct file_lock *want,
		      uaddr_t arg)
{
	bool own = fl->l_type == F_UNLCK;
	struct file_locks *l = locks_of(f->inode, false);
	struct file_lock *other = NULL;

	if (own && want->kind == LOCK_POSIX)
		return -EINVAL;
	if (l) {
		spin_lock(&l->lock);
		other = own ? own_find(l, want) : lock_in_the_way(l, want);
		if (other) {
			fl->l_type = other->write ? F_WRLCK : F_RDLCK;
			fl->l_whence = SEEK_SET;
			fl->l_start = (int64_t)other->start;
			fl->l_len = other->end == INT64_MAX
					    ? 0
					    : (int64_t)(other->end - other->start + 1);
			fl->l_pid = other->pid;
		}
		spin_unlock(&l->lock);
	}
	if (!other)
		fl->l_type = F_UNLCK;
	return copy_to_user(arg, fl, sizeof(*fl));
}

long locks_fcntl(struct file *f, int cmd, uaddr_t arg)
{
	bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
	struct file_lock want = {.file = f};
	struct flock64 fl;
	int err;

	if (copy_from_user(&fl, arg, sizeof(fl)))
		return -EFAULT;
	if (fl.l_type != F_RDLCK && fl.l_type != F_WRLCK && fl.l_type != F_UNLCK)
		return -EINVAL;
	if (ofd && fl.l_pid)
		return -EINVAL;
	err = range_get(f, &fl, &want);
	if (err)
		return err;
	want.owner = ofd ? (const void *)f : (const void *)current()->process;
	want.pid = ofd ? -1 : current()->process->pid;
	want.kind = ofd ? LOCK_OFD : LOCK_POSIX;
	want.write = fl.l_type == F_WRLCK;
	if (cmd == F_GETLK || cmd == F_OFD_GETLK)
		return lock_test(f, &fl, &want, arg);
	if ((fl.l_type == F_RDLCK && !(f->kind & FILE_READ)) ||
	    (fl.l_type == F_WRLCK && !(f->kind & FILE_WRITE)))
		return -EBADF;
	if (ofd)
		atomic_store(&f->flocked, true);
	return lock_set(f->inode, &want, fl.l_type == F_UNLCK,
			cmd == F_SETLKW || cmd == F_OFD_SETLKW);
}

long locks_flock(struct file *f, int op)
{
	struct file_lock want = {.owner = f, .file = f, .pid = current()->process->pid,
				 .kind = LOCK_FLOCK, .end = INT64_MAX};
	int kind = op & ~LOCK_NB;

	/* Locks that forbid: Linux had them once, and takes no notice now. */
	if (op & LOCK_MAND)
		return 0;
	if (kind != LOCK_SH && kind != LOCK_EX && kind != LOCK_UN)
		return -EINVAL;
	want.write = kind == LOCK_EX;
	atomic_store(&f->flocked, true);
	return lock_set(f->inode, &want, kind == LOCK_UN, !(op & LOCK_NB));
}

void locks_release(struct inode *inode, const void *owner)
{
	struct file_locks *l = locks_of(inode, false);
	struct file_lock *at, *next;

	if (likely(!l))
		return;
	spin_lock(&l->lock);
	list_for_each_entry_safe(at, next, &l->list, link) {
		if (at->owner == owner) {
			list_del(&at->link);
			kfree(at);
		}
	}
	lease_file_released(l, owner);
	locks_changed_unlock(l);
}

void locks_inode_freed(struct inode *inode)
{
	struct file_locks *l = atomic_load(&inode->locks);

	if (likely(!l))
		return;
	atomic_store(&inode->locks, NULL);
	locks_unlist(l);
	kfree(l);
}

/*
 * Leases (F_SETLEASE): who has one on a file hears of others that open or truncate it, which have
 * to wait until the lease is given up or the time for that is over.
 */
#include "fs/locks.h"
#include "fs/owner.h"

#include "kernel/mem/slab.h"
#include "kernel/thread.h"
#include "kernel/time.h"

uint64_t lease_break_seconds = 45;
uint64_t leases_enable = 1;

static bool in_the_way(const struct lease *a, bool write)
{
	return write || a->type == F_WRLCK;
}

struct lease *lease_in_the_way(struct file_locks *l, bool write)
{
	struct lease *at;

	list_for_each_entry(at, &l->leases, link) {
		if (in_the_way(at, write))
			return at;
	}
	return NULL;
}

/* Who waits looks again. l->lock held. */
static void leases_changed(struct file_locks *l)
{
	lock_waits_clear(l);
	wake_all(&l->wait);
}

static void lease_drop(struct file_locks *l, struct lease *a)
{
	list_del(&a->link);
	kfree(a);
	leases_changed(l);
}

static void lease_downgrade(struct file_locks *l, struct lease *a)
{
	a->type = F_RDLCK;
	a->downgrade = false;
	leases_changed(l);
}

/* What was not given up in time is taken away. */
static void expire(struct file_locks *l)
{
	struct lease *at, *next;
	uint64_t now = time_ns();

	list_for_each_entry_safe(at, next, &l->leases, link) {
		if (at->unlock && now >= at->unlock_by)
			lease_drop(l, at);
		else if (at->downgrade && now >= at->downgrade_by)
			lease_downgrade(l, at);
	}
}

/* Ask holders for what is in the way: until when the first one may think about it. */
static uint64_t ask(struct file_locks *l, bool write)
{
	uint64_t by = lease_break_seconds ? time_ns() + lease_break_seconds * NSEC_PER_SEC
					  : UINT64_MAX;
	uint64_t first = UINT64_MAX;
	struct lease *at;

	list_for_each_entry(at, &l->leases, link) {
		if (!in_the_way(at, write))
			continue;
		if (!at->unlock && (write || !at->downgrade)) {
			if (write)
				at->unlock_by = by;
			else
				at->downgrade_by = by;
			*(write ? &at->unlock : &at->downgrade) = true;
			owner_signal(at->file, at->fd);
		}
		first = MIN(first, at->unlock ? at->unlock_by : at->downgrade_by);
	}
	return first;
}

static bool way_free(struct file_locks *l, struct lock_wait *wait)
{
	const struct lease *other;

	spin_lock(&l->lock);
	other = lease_in_the_way(l, wait->want->write);
	if (other)
		lock_wait_enter(l, wait, other);
	spin_unlock(&l->lock);
	return !other;
}

int lease_break_slow(struct inode *inode, int flags)
{
	struct file_locks *l = locks_of(inode, false);
	bool write = (flags & O_ACCMODE) != O_RDONLY, is_free;
	struct process *p = current()->process;
	struct file_lock want = {.owner = &want, .pid = p ? p->pid : 0, .kind = LOCK_LEASE,
				 .write = write, .end = INT64_MAX};
	struct lock_wait wait = {.want = &want};
	uint64_t until;
	int err = 0;

	while (!err || err == -ETIMEDOUT) {
		spin_lock(&l->lock);
		expire(l);
		is_free = !lease_in_the_way(l, write);
		until = is_free ? 0 : ask(l, write);
		spin_unlock(&l->lock);
		if (is_free)
			return 0;
		if (flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_deadline(&l->wait, way_free(l, &wait), WAIT_INTERRUPTIBLE, until);
		lock_wait_end(l, &wait);
	}
	return err;
}

/* Does anybody but f have the file open in a way that such a lease does not allow? */
static bool open_elsewhere(struct file *f, int type)
{
	int writers = atomic_load(&f->inode->writers), readers = atomic_load(&f->inode->readers);

	if (type == F_RDLCK)
		return writers > 0;
	return writers != !!(f->kind & FILE_WRITE) ||
	       readers != ((f->kind & (FILE_READ | FILE_WRITE)) == FILE_READ);
}

static struct lease *lease_of(struct file_locks *l, const struct file *f)
{
	struct lease *at;

	list_for_each_entry(at, &l->leases, link) {
		if (at->file == f)
			return at;
	}
	return NULL;
}

/* Others' leases: one for writing stands alone, and none is had beside one that is to go. */
static bool leased_elsewhere(const struct file_locks *l, const struct file *f, int type)
{
	const struct lease *at;

	list_for_each_entry(at, &l->leases, link) {
		if (at->file != f && (type == F_WRLCK || at->unlock))
			return true;
	}
	return false;
}

/* *fresh: a new lease of f, which is used if it has none yet. */
static int lease_enter(struct file_locks *l, struct lease **fresh)
{
	struct lease *new = *fresh, *mine;
	int err = 0;

	expire(l);
	/* Entered before the counts are looked at: who opens it counts first, then looks here. */
	list_add_tail(&new->link, &l->leases);
	atomic_thread_fence(memory_order_seq_cst);
	mine = lease_of(l, new->file);
	if (open_elsewhere(new->file, new->type) ||
	    leased_elsewhere(l, new->file, new->type))
		err = -EAGAIN;
	else if (mine == new && !leases_enable)
		err = -EINVAL;
	if (!err && mine == new) {
		*fresh = NULL;
		return 0;
	}
	list_del(&new->link);
	if (err)
		return err;
	mine->type = new->type;
	mine->fd = new->fd;
	if (new->type == F_RDLCK)
		mine->downgrade = false;
	leases_changed(l);
	return 0;
}

static int lease_give_up(struct file *f)
{
	struct file_locks *l = locks_of(f->inode, false);
	struct lease *mine;

	if (!l)
		return -EAGAIN;
	spin_lock(&l->lock);
	mine = lease_of(l, f);
	if (mine)
		lease_drop(l, mine);
	spin_unlock(&l->lock);
	if (!mine)
		return -EAGAIN;
	owner_clear(f);
	return 0;
}

long lease_set(struct file *f, int fd, int type)
{
	struct file_locks *l;
	struct lease *new;
	int err;

	if (type != F_RDLCK && type != F_WRLCK && type != F_UNLCK)
		return -EINVAL;
	if (current()->cred->fsuid != f->inode->uid && !cred_capable(CAP_LEASE))
		return -EACCES;
	if (!S_ISREG(f->inode->mode))
		return -EINVAL;
	if (type == F_UNLCK)
		return lease_give_up(f);
	l = locks_of(f->inode, true);
	new = kzalloc(sizeof(*new));
	err = l && new ? owner_default(f) : -ENOMEM;
	if (!err) {
		new->file = f;
		new->pid = current()->process->pid;
		new->fd = fd;
		new->type = type;
		atomic_store(&f->flocked, true);
		spin_lock(&l->lock);
		err = lease_enter(l, &new);
		spin_unlock(&l->lock);
	}
	kfree(new);
	return err;
}

long lease_get(struct file *f)
{
	struct file_locks *l = locks_of(f->inode, false);
	const struct lease *mine;
	int type = F_UNLCK;

	if (!l)
		return F_UNLCK;
	spin_lock(&l->lock);
	expire(l);
	mine = lease_of(l, f);
	if (mine && !mine->unlock)
		type = mine->downgrade ? F_RDLCK : mine->type;
	spin_unlock(&l->lock);
	return type;
}

void lease_file_released(struct file_locks *l, const void *file)
{
	struct lease *mine = lease_of(l, file);

	if (mine)
		lease_drop(l, mine);
}

/*
 * rename(2). Locks: rename_lock if two directories take part, both directories (an ancestor
 * first, else by address), then the file that is replaced.
 */
#include <stdatomic.h>

#include "fs/mount.h"
#include "fs/names.h"
#include "fs/notify.h"
#include "fs/vfs.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"

struct renaming {
	struct lastname from, to;
	struct dentry *from_d, *to_d;
	unsigned flags;
};

static void directories_lock(struct renaming *r)
{
	struct dentry *a = r->from.dir.dentry, *b = r->to.dir.dentry;
	bool a_first;

	if (a == b) {
		mutex_lock(&a->inode->lock);
		return;
	}
	mutex_lock(&a->sb->rename_lock);
	if (dentry_is_ancestor(a, b))
		a_first = true;
	else if (dentry_is_ancestor(b, a))
		a_first = false;
	else
		a_first = a->inode < b->inode;
	mutex_lock(a_first ? &a->inode->lock : &b->inode->lock);
	mutex_lock(a_first ? &b->inode->lock : &a->inode->lock);
}

static void directories_unlock(struct renaming *r)
{
	struct dentry *a = r->from.dir.dentry, *b = r->to.dir.dentry;

	mutex_unlock(&a->inode->lock);
	if (a == b)
		return;
	mutex_unlock(&b->inode->lock);
	mutex_unlock(&a->sb->rename_lock);
}

/* Both names looked up, directories locked. */
static int rename_lookup(struct renaming *r)
{
	r->from_d = dentry_lookup_locked(r->from.dir.dentry, r->from.name, r->from.len);
	if (is_err(r->from_d)) {
		int err = (int)ptr_err(r->from_d);

		r->from_d = NULL;
		return err;
	}
	if (!r->from_d->inode)
		return -ENOENT;
	r->to_d = dentry_lookup_locked(r->to.dir.dentry, r->to.name, r->to.len);
	if (is_err(r->to_d)) {
		int err = (int)ptr_err(r->to_d);

		r->to_d = NULL;
		return err;
	}
	return 0;
}

/* Everything that can refuse, before the file system is asked. */
static int rename_check(struct renaming *r)
{
	struct inode *dir = r->from.dir.dentry->inode, *to_dir = r->to.dir.dentry->inode;
	struct inode *from = r->from_d->inode, *to = r->to_d->inode;
	bool is_dir = S_ISDIR(from->mode), exchange = r->flags & RENAME_EXCHANGE;
	int err;

	if (to && (r->flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (!to && exchange)
		return -ENOENT;
	if (!is_dir && (r->from.slash || (!exchange && r->to.slash)))
		return -ENOTDIR;
	if (exchange && r->to.slash && !S_ISDIR(to->mode))
		return -ENOTDIR;
	/* A directory does not move below itself; the target does not hold the source. */
	if (dir != to_dir && dentry_is_ancestor(r->from_d, r->to.dir.dentry))
		return -EINVAL;
	if (dir != to_dir && to && dentry_is_ancestor(r->to_d, r->from.dir.dentry))
		return exchange ? -EINVAL : -ENOTEMPTY;
	if (from == to)
		return 0;
	err = name_may_remove(dir, r->from_d, is_dir);
	if (!err && to)
		err = name_may_remove(to_dir, r->to_d, exchange ? S_ISDIR(to->mode) : is_dir);
	else if (!err)
		err = inode_permission(to_dir, MAY_WRITE | MAY_EXEC);
	if (!err && !to && (atomic_load(&to_dir->state) & INODE_DEAD))
		err = -ENOENT;
	/* Its ".." will change. */
	if (!err && is_dir && dir != to_dir)
		err = inode_permission(from, MAY_WRITE);
	if (!err && exchange && S_ISDIR(to->mode) && dir != to_dir)
		err = inode_permission(to, MAY_WRITE);
	if (!err && !dir->ops->rename)
		err = -EPERM;
	return err;
}

/* The two have changed names, if to_d has one. */
static void rename_notify(struct renaming *r, struct inode *victim)
{
	struct inode *dir = r->from.dir.dentry->inode, *to_dir = r->to.dir.dentry->inode;
	struct inode *subject = r->from_d->inode;

	notify_move_slow(dir, r->to_d->name, to_dir, r->from_d->name, subject, victim);
	if (r->flags & RENAME_EXCHANGE)
		notify_move_slow(to_dir, r->from_d->name, dir, r->to_d->name, r->to_d->inode,
				 NULL);
}

/* Consumes nothing; *victim is what was replaced, referenced. */
static int rename_locked(struct renaming *r, struct inode **victim)
{
	struct inode *dir = r->from.dir.dentry->inode, *to_dir = r->to.dir.dentry->inode;
	bool exchange = r->flags & RENAME_EXCHANGE;
	struct inode *to;
	int err = rename_lookup(r);

	if (!err)
		err = rename_check(r);
	if (err)
		return err;
	to = r->to_d->inode;
	/* Two names of one file: rename(2) says to do nothing. */
	if (to == r->from_d->inode)
		return 0;
	if (to && !exchange) {
		*victim = inode_get(to);
		mutex_lock(&to->lock);
	}
	/* What goes cannot become a swap area any more. */
	if (to && !exchange && inode_is_swap(to))
		err = -EPERM;
	else
		err = dir->ops->rename(dir, r->from_d, to_dir, r->to_d, r->flags);
	if (to && !exchange) {
		if (!err && S_ISDIR(to->mode))
			atomic_fetch_or(&to->state, INODE_DEAD);
		mutex_unlock(&to->lock);
	}
	if (err)
		return err;
	if (exchange)
		dentry_swap(r->from_d, r->to_d);
	else
		dentry_move(r->from_d, r->to_d);
	if (notify_wanted())
		rename_notify(r, exchange ? NULL : to);
	return 0;
}

static int rename_perform(struct renaming *r)
{
	struct inode *victim = NULL;
	int err;

	if (r->from.dir.mnt != r->to.dir.mnt)
		return -EXDEV;
	if (r->from.kind != LAST_NORMAL)
		return -EBUSY;
	if (r->to.kind != LAST_NORMAL)
		return r->flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	err = mount_write_begin(r->from.dir.mnt);
	if (err)
		return err;
	directories_lock(r);
	err = rename_locked(r, &victim);
	directories_unlock(r);
	mount_write_end(r->from.dir.mnt);
	if (!err && victim && unlikely(r->to_d->flags & DENTRY_MOUNTED))
		mount_point_gone(r->to_d);
	dentry_put(r->from_d);
	dentry_put(r->to_d);
	inode_put(victim);
	return err;
}

int vfs_rename(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	struct renaming r = {.flags = flags};
	int err = path_parent(from_fd, from, &r.from);

	if (err)
		return err;
	err = path_parent(to_fd, to, &r.to);
	if (!err) {
		err = rename_perform(&r);
		lastname_put(&r.to);
	}
	lastname_put(&r.from);
	return err;
}

SYSCALL5(renameat2, int, from_fd, uaddr_t, from, int, to_fd, uaddr_t, to, uint32_t, flags)
{
	struct pathname f, t;
	int err;

	if (flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if ((flags & RENAME_EXCHANGE) && flags != RENAME_EXCHANGE)
		return -EINVAL;
	err = pathname_get(&f, from);
	if (err)
		return err;
	err = pathname_get(&t, to);
	if (!err) {
		err = vfs_rename(from_fd, f.s, to_fd, t.s, flags);
		pathname_put(&t);
	}
	pathname_put(&f);
	return err;
}

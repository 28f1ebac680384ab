/*
 * Changing attributes: chmod(2), chown(2), utimensat(2), truncate(2).
 */
#include <stdatomic.h>

#include "fs/acl.h"
#include "fs/locks.h"
#include "fs/notify.h"
#include "fs/vfs.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/poll.h"
#include "kernel/uapi/resource.h"
#include "mm/usercopy.h"

/* Is the running thread allowed to make these changes? inode->lock held. */
static int setattr_permission(struct inode *inode, const struct iattr *a)
{
	const struct cred *c = current()->cred;
	bool owner, uid, gid;

	if (!c)
		return 0;
	owner = c->fsuid == inode->uid;
	uid = !(a->valid & ATTR_UID) || (owner && a->uid == inode->uid);
	gid = !(a->valid & ATTR_GID) ||
	      (owner && (cred_in_group(c, a->gid) || a->gid == inode->gid));
	if (!(uid && gid) && !cred_has(c, CAP_CHOWN))
		return -EPERM;
	return (a->valid & ATTR_MODE) && !inode_owner_or_capable(inode) ? -EPERM : 0;
}

/* What is immutable stays as it is; of what is only added to, who and when. inode->lock held. */
static int setattr_flags(const struct inode *inode, uint32_t valid)
{
	const uint32_t fixed = ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_TIMES_SET;

	if ((valid & fixed) && inode_has(inode, INODE_IMMUTABLE | INODE_APPEND))
		return -EPERM;
	return (valid & ATTR_TOUCH) && inode_has(inode, INODE_IMMUTABLE) ? -EPERM : 0;
}

/*
 * chown(2), even if it asks for no other owner, takes set-id bits: that is a change of the mode. A
 * mode may not give away a group one is not in.
 */
static void setattr_setid(struct inode *inode, struct iattr *a)
{
	if ((a->valid & ATTR_KILL_SETID) && !S_ISDIR(inode->mode)) {
		mode_t drop = inode_setid_bits(inode);

		if (drop) {
			a->valid |= ATTR_MODE;
			a->mode = inode->mode & ~drop;
		}
	} else if ((a->valid & ATTR_MODE) && !cred_capable(CAP_FSETID) &&
		   !cred_in_group(current()->cred, inode->gid)) {
		a->mode &= ~S_ISGID;
	}
}

/* What a change of these attributes is to who watches. */
static uint32_t setattr_events(uint32_t valid)
{
	const uint32_t both = ATTR_ATIME | ATTR_MTIME;
	uint32_t mask = 0;

	if ((valid & (ATTR_UID | ATTR_GID | ATTR_MODE)) || (valid & both) == both)
		mask |= IN_ATTRIB;
	else if (valid & ATTR_ATIME)
		mask |= IN_ACCESS;
	if ((valid & ATTR_SIZE) || (valid & both) == ATTR_MTIME)
		mask |= IN_MODIFY;
	return mask;
}

int vfs_setattr(struct path *p, struct iattr *a)
{
	struct inode *inode = p->dentry->inode;
	int err = mount_write_begin(p->mnt);

	if (err)
		return err;
	mutex_lock(&inode->lock);
	err = setattr_flags(inode, a->valid);
	if (!err) {
		setattr_setid(inode, a);
		err = setattr_permission(inode, a);
	}
	/* To add to it does no harm. */
	if (!err && (a->valid & ATTR_SIZE) && inode_is_swap(inode) && a->size <= inode_size(inode))
		err = -ETXTBSY;
	if (!err && (a->valid & ATTR_MODE) && inode_has(inode, INODE_ACL))
		err = acl_chmod(inode, a->mode);
	if (!err) {
		a->valid |= ATTR_CTIME;
		a->ctime = inode_now();
		err = inode->ops && inode->ops->setattr ? inode->ops->setattr(inode, a)
							: inode_setattr_simple(inode, a);
	}
	mutex_unlock(&inode->lock);
	mount_write_end(p->mnt);
	if (!err)
		notify_place(p->dentry, setattr_events(a->valid));
	return err;
}

int inode_check_size(struct inode *inode, uint64_t size)
{
	if (size > inode->sb->max_size)
		return -EFBIG;
	if (!current()->process || size <= inode_size(inode) || size <= rlimit_get(RLIMIT_FSIZE))
		return 0;
	(void)signal_thread(current(), SIGXFSZ, NULL);
	return -EFBIG;
}

int vfs_truncate(struct path *p, uint64_t size)
{
	struct iattr a = {.valid = ATTR_SIZE | ATTR_MTIME, .size = size};
	struct inode *inode = p->dentry->inode;
	int err;

	err = inode_check_size(inode, size);
	if (err)
		return err;
	if ((inode->mode & (S_ISUID | S_ISGID)) && !cred_capable(CAP_FSETID)) {
		mutex_lock(&inode->lock);
		inode_drop_setid(inode);
		mutex_unlock(&inode->lock);
	}
	a.mtime = inode_now();
	return vfs_setattr(p, &a);
}

SYSCALL2(truncate, uaddr_t, path, int64_t, size)
{
	struct inode *inode;
	struct path p;
	int err;

	if (size < 0)
		return -EINVAL;
	err = path_lookup_user(AT_FDCWD, path, WALK_FOLLOW, &p);
	if (err)
		return err;
	inode = p.dentry->inode;
	if (S_ISDIR(inode->mode))
		err = -EISDIR;
	else if (!S_ISREG(inode->mode))
		err = -EINVAL;
	else
		err = inode_permission(inode, MAY_WRITE);
	if (!err && inode_has(inode, INODE_APPEND))
		err = -EPERM;
	if (!err)
		err = inode_write_get(inode);
	if (!err) {
		err = lease_break(inode, O_WRONLY);
		if (!err)
			err = vfs_truncate(&p, (uint64_t)size);
		inode_write_put(inode);
	}
	path_put(&p);
	return err;
}

SYSCALL2(ftruncate, int, fd, int64_t, size)
{
	struct file *f;
	int err;

	if (size < 0)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	if (!(f->kind & FILE_WRITE) || !S_ISREG(f->inode->mode))
		err = -EINVAL;
	else if (inode_has(f->inode, INODE_APPEND))
		err = -EPERM;
	else
		err = vfs_truncate(&f->path, (uint64_t)size);
	file_put(f);
	return err;
}

static int do_chmod(struct path *p, mode_t mode)
{
	struct iattr a = {.valid = ATTR_MODE, .mode = mode & 07777};

	if (S_ISLNK(p->dentry->inode->mode))
		return -EOPNOTSUPP;
	return vfs_setattr(p, &a);
}

SYSCALL2(fchmod, int, fd, mode_t, mode)
{
	struct file *f = fd_get(fd);
	int err;

	if (!f)
		return -EBADF;
	err = do_chmod(&f->path, mode);
	file_put(f);
	return err;
}

static int chmod_at(int dirfd, uaddr_t path, mode_t mode, int flags)
{
	struct path p;
	int err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = path_lookup_user(dirfd, path, walk_flags(flags), &p);
	if (err)
		return err;
	err = do_chmod(&p, mode);
	path_put(&p);
	return err;
}

SYSCALL3(fchmodat, int, dirfd, uaddr_t, path, mode_t, mode)
{
	return chmod_at(dirfd, path, mode, 0);
}

SYSCALL4(fchmodat2, int, dirfd, uaddr_t, path, mode_t, mode, int, flags)
{
	return chmod_at(dirfd, path, mode, flags);
}

static int do_chown(struct path *p, uid_t uid, gid_t gid)
{
	struct iattr a = {.valid = ATTR_KILL_SETID, .uid = uid, .gid = gid};

	if (uid != UINT32_MAX)
		a.valid |= ATTR_UID;
	if (gid != UINT32_MAX)
		a.valid |= ATTR_GID;
	return vfs_setattr(p, &a);
}

SYSCALL3(fchown, int, fd, uid_t, uid, gid_t, gid)
{
	struct file *f = fd_get(fd);
	int err;

	if (!f)
		return -EBADF;
	err = do_chown(&f->path, uid, gid);
	file_put(f);
	return err;
}

SYSCALL5(fchownat, int, dirfd, uaddr_t, path, uid_t, uid, gid_t, gid, int, flags)
{
	struct path p;
	int err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = path_lookup_user(dirfd, path, walk_flags(flags), &p);
	if (err)
		return err;
	err = do_chown(&p, uid, gid);
	path_put(&p);
	return err;
}

/* One of the two times of utimensat: sets *valid to bit or 0. */
static int utime_value(const struct super_block *sb, const struct timespec64 *t, int64_t now,
		       uint32_t bit, int64_t *out, uint32_t *valid)
{
	const int64_t max = INT64_MAX / (int64_t)NSEC_PER_SEC - 1;
	int64_t sec = t->tv_sec;

	if (t->tv_nsec == UTIME_OMIT)
		return 0;
	*valid |= bit;
	*out = now;
	if (t->tv_nsec == UTIME_NOW)
		return 0;
	if (t->tv_nsec < 0 || t->tv_nsec >= (int64_t)NSEC_PER_SEC)
		return -EINVAL;
	sec = sec > max ? max : sec < -max ? -max : sec;
	*out = sec * (int64_t)NSEC_PER_SEC + t->tv_nsec;
	if (sb->time_max)
		*out = MIN(MAX(*out, sb->time_min), sb->time_max);
	return 0;
}

static int do_utimes(struct path *p, const struct timespec64 *t)
{
	struct inode *inode = p->dentry->inode;
	int64_t now = inode_now();
	struct iattr a = {.valid = 0};
	bool is_now = t[0].tv_nsec == UTIME_NOW && t[1].tv_nsec == UTIME_NOW;
	int err;

	err = utime_value(inode->sb, &t[0], now, ATTR_ATIME, &a.atime, &a.valid);
	if (!err)
		err = utime_value(inode->sb, &t[1], now, ATTR_MTIME, &a.mtime, &a.valid);
	if (err || !a.valid)
		return err;
	a.valid |= is_now ? ATTR_TOUCH : ATTR_TIMES_SET;
	/* Who may write may say "now"; any other time is the owner's to set. */
	if (!inode_owner_or_capable(inode)) {
		if (!is_now)
			return -EPERM;
		err = inode_permission(inode, MAY_WRITE);
		if (err)
			return err;
	}
	return vfs_setattr(p, &a);
}

SYSCALL4(utimensat, int, dirfd, uaddr_t, path, uaddr_t, times, int, flags)
{
	struct timespec64 t[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
	struct path p;
	int err;

	if (times && copy_from_user(t, times, sizeof(t)))
		return -EFAULT;
	/* Nothing to do is done, whether the file is there or not. */
	if (t[0].tv_nsec == UTIME_OMIT && t[1].tv_nsec == UTIME_OMIT)
		return 0;
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!path && dirfd != AT_FDCWD) {
		struct file *f = flags ? NULL : fd_get(dirfd);

		if (!f)
			return flags ? -EINVAL : -EBADF;
		err = do_utimes(&f->path, t);
		file_put(f);
		return err;
	}
	err = path_lookup_user(dirfd, path, walk_flags(flags), &p);
	if (err)
		return err;
	err = do_utimes(&p, t);
	path_put(&p);
	return err;
}

/*
 * Making and removing names: mkdir, mknod, symlink, link, unlink, rmdir.
 */
#include <stdatomic.h>

#include "fs/acl.h"
#include "fs/mount.h"
#include "fs/names.h"
#include "fs/notify.h"
#include "fs/protected.h"
#include "fs/vfs.h"
#include "fs/xattr.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "lib/string.h"

#define MAY_CHANGE (MAY_WRITE | MAY_EXEC)

int vfs_create_locked(struct path *dir, struct dentry *d, mode_t mode, dev_t rdev)
{
	struct inode *parent = dir->dentry->inode, *inode = NULL;
	struct list_head xattrs;
	int err;

	if (atomic_load(&parent->state) & INODE_DEAD)
		return -ENOENT;
	err = inode_permission(parent, MAY_CHANGE);
	if (err)
		return err;
	/* The character device 0, 0 is nothing that could be opened: anybody may make that. */
	if ((S_ISBLK(mode) || (S_ISCHR(mode) && rdev)) && !cred_capable(CAP_MKNOD))
		return -EPERM;
	if (!parent->ops->mknod)
		return S_ISREG(mode) ? -EACCES : -EPERM;
	err = acl_inherit(parent, &mode, &xattrs);
	if (!err)
		err = parent->ops->mknod(parent, d, mode, rdev, &xattrs, &inode);
	xattrs_free(&xattrs);
	if (!err) {
		dentry_fill(d, inode);
		notify_name(parent, d, inode, IN_CREATE);
	}
	return err;
}

/*
 * The directory of path, its lock held and its mount writable, and the last name looked up in
 * *d. For names to be made (exists: it must not be there) or removed. 0 or -errno, then nothing
 * is held.
 */
static int name_begin(int dirfd, const char *path, bool make, struct lastname *l,
		      struct dentry **d)
{
	int err = path_parent(dirfd, path, l), ro;

	if (err)
		return err;
	if (l->kind != LAST_NORMAL) {
		err = make ? -EEXIST : -EBUSY;
		goto fail;
	}
	ro = mount_write_begin(l->dir.mnt);
	mutex_lock(&l->dir.dentry->inode->lock);
	*d = dentry_lookup_locked(l->dir.dentry, l->name, l->len);
	if (is_err(*d))
		err = (int)ptr_err(*d);
	else if (make ? (*d)->inode != NULL : (*d)->inode == NULL)
		err = make ? -EEXIST : -ENOENT;
	if (!err && !ro)
		return 0;
	if (!err)
		err = ro;
	mutex_unlock(&l->dir.dentry->inode->lock);
	if (!is_err(*d))
		dentry_put(*d);
	if (!ro)
		mount_write_end(l->dir.mnt);
fail:
	lastname_put(l);
	return err;
}

/* What l stands for is held still. */
static void name_unlock(struct lastname *l, struct dentry *d)
{
	mutex_unlock(&l->dir.dentry->inode->lock);
	mount_write_end(l->dir.mnt);
	dentry_put(d);
}

static void name_end(struct lastname *l, struct dentry *d)
{
	name_unlock(l, d);
	lastname_put(l);
}

int vfs_make(int dirfd, const char *path, mode_t mode, dev_t rdev, struct path *made)
{
	struct lastname l;
	struct dentry *d;
	int err;

	err = name_begin(dirfd, path, true, &l, &d);
	if (err)
		return err;
	/* Only a directory may be named with a slash behind. */
	if (l.slash && !S_ISDIR(mode))
		err = -ENOENT;
	else
		err = vfs_create_locked(&l.dir, d, mode, rdev);
	if (!err && made)
		*made = (struct path){mount_get(l.dir.mnt), dentry_get(d)};
	name_end(&l, d);
	return err;
}

int vfs_mknod(int dirfd, const char *path, mode_t mode, dev_t rdev)
{
	return vfs_make(dirfd, path, mode, rdev, NULL);
}

int vfs_symlink(const char *target, int dirfd, const char *path)
{
	struct inode *dir, *inode = NULL;
	struct lastname l;
	struct dentry *d;
	int err;

	if (!*target)
		return -ENOENT;
	err = name_begin(dirfd, path, true, &l, &d);
	if (err)
		return err;
	dir = l.dir.dentry->inode;
	err = l.slash ? -ENOENT : inode_permission(dir, MAY_CHANGE);
	if (!err && !dir->ops->symlink)
		err = -EPERM;
	if (!err)
		err = dir->ops->symlink(dir, d, target, &inode);
	if (!err) {
		dentry_fill(d, inode);
		notify_name(dir, d, inode, IN_CREATE);
	}
	name_end(&l, d);
	return err;
}

/* In a directory with the sticky bit only owners remove. */
static bool sticky_denies(const struct inode *dir, const struct inode *inode)
{
	return (dir->mode & S_ISVTX) && !inode_owner_or_capable(inode) &&
	       !inode_owner_or_capable(dir);
}

int name_may_remove(struct inode *dir, struct dentry *d, bool directory)
{
	struct inode *inode = d->inode;
	int err = inode_permission(dir, MAY_CHANGE);

	if (err)
		return err;
	if (inode_has(dir, INODE_APPEND) || sticky_denies(dir, inode) ||
	    inode_has(inode, INODE_SWAP | INODE_APPEND | INODE_IMMUTABLE))
		return -EPERM;
	if (directory && !S_ISDIR(inode->mode))
		return -ENOTDIR;
	if (!directory && S_ISDIR(inode->mode))
		return -EISDIR;
	if ((d->flags & DENTRY_MOUNTED) && mount_point_is_own(d))
		return -EBUSY;
	return 0;
}

/* rmdir(2) names these two differently from any other directory in use. */
static int rmdir_special(int dirfd, const char *path)
{
	struct lastname l;
	int err = path_parent(dirfd, path, &l);

	if (err)
		return err;
	if (l.kind == LAST_DOT)
		err = -EINVAL;
	else if (l.kind == LAST_DOTDOT)
		err = -ENOTEMPTY;
	else if (l.kind == LAST_ROOT)
		err = -EBUSY;
	lastname_put(&l);
	return err;
}

int vfs_unlink(int dirfd, const char *path, bool directory)
{
	struct dentry *d, *point = NULL;
	struct inode *dir, *inode;
	struct lastname l;
	int err;

	err = name_begin(dirfd, path, false, &l, &d);
	if (err == -EBUSY)
		err = directory ? rmdir_special(dirfd, path) : -EISDIR;
	if (err)
		return err;
	dir = l.dir.dentry->inode;
	inode = d->inode;
	err = name_may_remove(dir, d, directory);
	if (!err && l.slash && !S_ISDIR(inode->mode))
		err = -ENOTDIR;
	if (!err && !dir->ops->unlink)
		err = -EPERM;
	if (!err) {
		inode_get(inode);
		mutex_lock(&inode->lock);
		/* Once more: now it cannot become one. */
		err = inode_is_swap(inode) ? -EPERM : dir->ops->unlink(dir, d);
		if (!err && directory)
			atomic_fetch_or(&inode->state, INODE_DEAD);
		mutex_unlock(&inode->lock);
		if (!err) {
			if (!directory)
				notify_inode(inode, IN_ATTRIB);
			dentry_removed(d);
			notify_name(dir, d, inode, IN_DELETE);
			if (unlikely(d->flags & DENTRY_MOUNTED))
				point = dentry_get(d);
		}
	} else {
		inode = NULL;
	}
	name_unlock(&l, d);
	if (unlikely(point)) {
		mount_point_gone(point);
		dentry_put(point);
	}
	/* It may free the file: not under the directory's lock, nor when the volume may be gone. */
	inode_put(inode);
	lastname_put(&l);
	return err;
}

static int link_locked(struct path *old, struct lastname *l, struct dentry *d)
{
	struct inode *dir = l->dir.dentry->inode, *inode = old->dentry->inode;
	int err;

	if (l->slash)
		return -ENOENT;
	if (old->mnt != l->dir.mnt)
		return -EXDEV;
	err = hardlink_check(inode);
	if (!err)
		err = inode_permission(dir, MAY_CHANGE);
	if (err)
		return err;
	if (S_ISDIR(inode->mode) || !dir->ops->link ||
	    inode_has(inode, INODE_APPEND | INODE_IMMUTABLE))
		return -EPERM;
	mutex_lock(&inode->lock);
	/* A file that lost its last name does not come back; one that never had any may get it. */
	err = -ENOENT;
	if (inode->nlink || (atomic_load(&inode->state) & INODE_LINKABLE))
		err = dir->ops->link(inode, dir, d);
	if (!err)
		atomic_fetch_and(&inode->state, ~INODE_LINKABLE);
	mutex_unlock(&inode->lock);
	if (!err) {
		dentry_fill(d, inode_get(inode));
		notify_inode(inode, IN_ATTRIB);
		notify_name(dir, d, inode, IN_CREATE);
	}
	return err;
}

static int vfs_link(struct path *old, int dirfd, const char *path)
{
	struct lastname l;
	struct dentry *d;
	int err = name_begin(dirfd, path, true, &l, &d);

	if (err)
		return err;
	err = link_locked(old, &l, d);
	name_end(&l, d);
	return err;
}

SYSCALL3(mkdirat, int, dirfd, uaddr_t, path, mode_t, mode)
{
	struct pathname p;
	int err = pathname_get(&p, path);

	if (err)
		return err;
	err = vfs_mknod(dirfd, p.s, S_IFDIR | (mode & 01777), 0);
	pathname_put(&p);
	return err;
}

/* mknod(2)'s device number: major in bits 8..19 (and 32..), minor in the rest. */
static dev_t dev_from_user(uint64_t dev)
{
	uint32_t major = (dev >> 8) & 0xfff, minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);

	return major << 20 | minor;
}

SYSCALL4(mknodat, int, dirfd, uaddr_t, path, mode_t, mode, uint32_t, dev)
{
	struct pathname p;
	int err;

	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		break;
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	err = pathname_get(&p, path);
	if (err)
		return err;
	err = vfs_mknod(dirfd, p.s, mode & (S_IFMT | 07777),
			S_ISCHR(mode) || S_ISBLK(mode) ? dev_from_user(dev) : 0);
	pathname_put(&p);
	return err;
}

SYSCALL3(symlinkat, uaddr_t, target, int, dirfd, uaddr_t, path)
{
	struct pathname t, p;
	int err = pathname_get(&t, target);

	if (err)
		return err;
	err = pathname_get(&p, path);
	if (!err) {
		err = vfs_symlink(t.s, dirfd, p.s);
		pathname_put(&p);
	}
	pathname_put(&t);
	return err;
}

/* May the file behind fd get a name? Who opened it may, as it was then, give it one. */
static bool may_link_open(int fd)
{
	struct file *f;
	bool own;

	if (cred_capable(CAP_DAC_READ_SEARCH))
		return true;
	f = fd_get_any(fd);
	if (!f)
		return true; /* AT_FDCWD, or not for us to refuse */
	own = f->cred == current()->cred;
	file_put(f);
	return own;
}

SYSCALL5(linkat, int, fd, uaddr_t, from, int, dirfd, uaddr_t, path, int, flags)
{
	unsigned walk = flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0;
	struct pathname p;
	struct path old;
	int err;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH) {
		if (!may_link_open(fd))
			return -ENOENT;
		walk |= WALK_EMPTY;
	}
	err = path_lookup_user(fd, from, walk, &old);
	if (err)
		return err;
	err = pathname_get(&p, path);
	if (!err) {
		err = vfs_link(&old, dirfd, p.s);
		pathname_put(&p);
	}
	path_put(&old);
	return err;
}

SYSCALL3(unlinkat, int, dirfd, uaddr_t, path, int, flags)
{
	struct pathname p;
	int err;

	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	err = pathname_get(&p, path);
	if (err)
		return err;
	err = vfs_unlink(dirfd, p.s, flags & AT_REMOVEDIR);
	pathname_put(&p);
	return err;
}

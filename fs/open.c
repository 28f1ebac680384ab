/*
 * open(2): from a path and flags to an open file.
 */
#include <stdatomic.h>

#include "drivers/block.h"
#include "fs/acl.h"
#include "fs/locks.h"
#include "fs/mount.h"
#include "fs/notify.h"
#include "fs/open.h"
#include "fs/protected.h"
#include "fs/vfs.h"
#include "fs/xattr.h"
#include "kernel/mem/slab.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/mount.h"
#include "kernel/uapi/openat2.h"
#include "mm/usercopy.h"
#include "lib/string.h"

/* What F_GETFL does not show again. */
#define OPEN_ONLY (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC | OPEN_EXEC | OPEN_SILENT)

static int no_device_open(struct inode *inode, struct file *f)
{
	return -ENXIO;
}

static const struct file_ops no_device_fops = {.open = no_device_open};

const struct file_ops *special_fops(const struct inode *inode)
{
	if (S_ISCHR(inode->mode))
		return &chardev_fops;
	if (S_ISBLK(inode->mode))
		return &blockdev_fops;
	if (S_ISFIFO(inode->mode))
		return &fifo_fops;
	return &no_device_fops;
}

static struct file *open_place(struct path *p, int flags)
{
	if ((flags & O_DIRECTORY) && !S_ISDIR(p->dentry->inode->mode))
		return err_ptr(-ENOTDIR);
	return file_alloc_at(p, flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW), FILE_PATH, NULL);
}

/* May what is no regular file be opened so? */
static int open_special(struct path *p, int flags)
{
	mode_t mode = p->dentry->inode->mode;

	if (S_ISLNK(mode))
		return -ELOOP;
	if (S_ISDIR(mode) && ((flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC))))
		return -EISDIR;
	if ((S_ISCHR(mode) || S_ISBLK(mode)) && (atomic_load(&p->mnt->flags) & MS_NODEV))
		return -EACCES;
	return (flags & O_DIRECT) && !S_ISBLK(mode) && !S_ISSOCK(mode) ? -EINVAL : 0;
}

/* May the running thread open it so? */
static int open_permission(struct path *p, int flags, bool created)
{
	struct inode *inode = p->dentry->inode;
	mode_t mode = inode->mode;
	int mask = 0, err;

	if ((flags & O_DIRECTORY) && !S_ISDIR(mode))
		return -ENOTDIR;
	err = S_ISREG(mode) ? 0 : open_special(p, flags);
	if (err)
		return err;
	if ((flags & O_ACCMODE) != O_WRONLY)
		mask |= MAY_READ;
	if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC))
		mask |= MAY_WRITE;
	if (!created) {
		err = inode_permission(inode, mask);
		if (err)
			return err;
	}
	if ((mask & MAY_WRITE) && (flags & (O_APPEND | O_TRUNC)) != O_APPEND &&
	    inode_has(inode, INODE_APPEND))
		return -EPERM;
	if ((flags & O_NOATIME) && !inode_owner_or_capable(inode))
		return -EPERM;
	return 0;
}

static uint32_t open_kind(const struct inode *inode, int flags)
{
	/* O_RDONLY, O_WRONLY, O_RDWR are 0, 1, 2; 3 is for ioctl only. */
	uint32_t kind = ((uint32_t)flags + 1) & (FILE_READ | FILE_WRITE);

	if (S_ISREG(inode->mode) || S_ISDIR(inode->mode))
		kind |= FILE_SEEK | FILE_CANREAD;
	return kind;
}

/* The counts that an open regular file holds until file_put (file_uncount). */
static int open_count(struct file *f)
{
	int err;

	if (!(f->kind & FILE_WRITE)) {
		if (f->kind & FILE_READ)
			atomic_fetch_add(&f->inode->readers, 1);
		return 0;
	}
	err = mount_write_begin(f->path.mnt);
	if (err)
		return err;
	err = inode_write_get(f->inode);
	if (err)
		mount_write_end(f->path.mnt);
	return err;
}

static inline int open_regular(struct file *f, int flags)
{
	int err = open_count(f);

	if (err)
		return err;
	err = lease_break(f->inode, flags);
	if (!err && f->ops->open)
		err = f->ops->open(f->inode, f);
	if (err)
		file_uncount(f);
	return err;
}

/* The kind may want to know of O_NOCTTY (a terminal), O_EXCL (a block device). 0 or -errno. */
static __slow int open_hook_special(struct file *f, int flags)
{
	int err;

	f->flags |= (uint32_t)flags & (O_EXCL | O_NOCTTY);
	err = f->ops->open ? f->ops->open(f->inode, f) : 0;
	if (!S_ISBLK(f->inode->mode))
		f->flags &= ~(uint32_t)(O_EXCL | O_NOCTTY);
	return err;
}

/* p's references become the file's: p is empty then, unless it fails. */
static struct file *open_checked(struct path *p, int flags)
{
	struct inode *inode = p->dentry->inode;
	uint32_t kind = open_kind(inode, flags);
	struct file *f;
	int err;

	f = file_alloc_at(p, (uint32_t)(flags & ~OPEN_ONLY), kind,
			  inode->fops ? inode->fops : special_fops(inode));
	if (is_err(f))
		return f;
	err = notify_wanted() ? notify_open_asked(f, flags) : 0;
	if (!err)
		err = S_ISREG(inode->mode) ? open_regular(f, flags) : open_hook_special(f, flags);
	if (err) {
		file_free(f);
		return err_ptr(err);
	}
	if (notify_wanted())
		notify_opened_slow(f, flags);
	return f;
}

/* As open_checked, with O_TRUNC of a regular file that was there. */
static __slow struct file *open_cut(struct path *p, int flags)
{
	struct file *f;
	int err;

	if (atomic_load(&p->mnt->flags) & MS_RDONLY)
		return err_ptr(-EROFS);
	f = open_checked(p, flags);
	if (is_err(f))
		return f;
	/* Though it may be opened for reading only, what is being run is not cut. */
	err = inode_write_get(f->inode);
	if (!err) {
		err = vfs_truncate(&f->path, 0);
		inode_write_put(f->inode);
	}
	if (!err)
		return f;
	file_put(f);
	return err_ptr(err);
}

/* As open_checked. */
static struct file *open_path(struct path *p, int flags, bool created)
{
	int err;

	if (flags & O_PATH)
		return open_place(p, flags);
	err = open_permission(p, flags, created);
	if (err)
		return err_ptr(err);
	if (unlikely(flags & O_TRUNC) && !created && S_ISREG(p->dentry->inode->mode))
		return open_cut(p, flags);
	return open_checked(p, flags);
}

static struct file *open_keeping(const struct path *p, int flags, bool created)
{
	struct path own = *path_get(p);
	struct file *f = open_path(&own, flags, created);

	if (own.dentry)
		path_put(&own);
	return f;
}

struct file *file_open_path(const struct path *p, int flags)
{
	return open_keeping(p, flags, false);
}

struct file *file_open_made(const struct path *p, int flags)
{
	return open_keeping(p, flags, true);
}

/* What became of the last component of a path to be created. */
enum create_step { CREATE_DONE, CREATE_EXISTS, CREATE_LINK };

/* One look at l: makes the file, or finds one (*out), or a link to follow (*out). */
static int create_step(struct lastname *l, mode_t mode, struct path *out, enum create_step *step)
{
	struct inode *dir = l->dir.dentry->inode;
	struct dentry *d;
	int err = 0;

	if (l->kind != LAST_NORMAL || l->slash)
		return -EISDIR;
	mutex_lock(&dir->lock);
	d = dentry_lookup_locked(l->dir.dentry, l->name, l->len);
	if (is_err(d)) {
		mutex_unlock(&dir->lock);
		return (int)ptr_err(d);
	}
	out->mnt = mount_get(l->dir.mnt);
	out->dentry = d;
	if (!d->inode) {
		*step = CREATE_DONE;
		/* Not made, and then not opened. */
		err = files_full() ? -ENFILE : mount_write_begin(l->dir.mnt);
		if (!err) {
			err = vfs_create_locked(&l->dir, d, S_IFREG | mode, 0);
			mount_write_end(l->dir.mnt);
		}
	} else {
		*step = S_ISLNK(d->inode->mode) ? CREATE_LINK : CREATE_EXISTS;
	}
	mutex_unlock(&dir->lock);
	if (err)
		path_put(out);
	return err;
}

/* l becomes the last component of the path that the symbolic link says. */
static int create_follow(struct lastname *l, struct path *link, const struct walk_limits *limits)
{
	struct inode *inode = link->dentry->inode;
	struct lastname next;
	char *target;
	ssize64_t n;
	int err;

	if (!inode->ops->readlink || (limits && (limits->resolve & RESOLVE_NO_SYMLINKS)))
		return -ELOOP;
	target = kmalloc(PATH_MAX);
	if (!target)
		return -ENOMEM;
	n = inode->ops->readlink(inode, target, PATH_MAX);
	err = n < 0 ? (int)n : path_parent_at(&l->dir, target, l->links + 1, limits, &next);
	if (err) {
		kfree(target);
		return err;
	}
	lastname_put(l);
	*l = next;
	/* The name may point into either of the two strings: keep the one it needs. */
	if (l->buf)
		kfree(target);
	else
		l->buf = target;
	return 0;
}

static struct file *open_create(int dirfd, const char *name, int flags, mode_t mode,
				const struct walk_limits *limits)
{
	enum create_step step;
	struct path p = {NULL, NULL};
	struct lastname l;
	struct file *f;
	int err = limits ? path_parent_at(&limits->top, name, 0, limits, &l)
			 : path_parent(dirfd, name, &l);

	if (err)
		return err_ptr(err);
	for (;;) {
		err = create_step(&l, mode, &p, &step);
		if (err)
			break;
		if (step != CREATE_DONE && (flags & O_EXCL))
			err = -EEXIST;
		else if (step == CREATE_LINK && (flags & O_NOFOLLOW))
			err = -ELOOP;
		if (err || step != CREATE_LINK)
			break;
		err = symlink_may_follow(l.dir.dentry->inode, p.dentry->inode)
			      ? create_follow(&l, &p, limits) : -EACCES;
		path_put(&p);
		if (err) {
			lastname_put(&l);
			return err_ptr(err);
		}
	}
	if (!err && step != CREATE_DONE)
		err = sticky_open_check(&p);
	f = err ? err_ptr(err) : open_path(&p, flags, step == CREATE_DONE);
	if (!is_err(f) && step == CREATE_DONE)
		f->kind |= FILE_CREATED;
	if (p.dentry)
		path_put(&p);
	lastname_put(&l);
	return f;
}

static int unnamed_make(struct inode *dir, mode_t mode, struct inode **out)
{
	struct list_head xattrs;
	int err = -ENOENT;

	mutex_lock(&dir->lock);
	if (!(atomic_load(&dir->state) & INODE_DEAD)) {
		err = acl_inherit(dir, &mode, &xattrs);
		if (!err)
			err = dir->ops->tmpfile(dir, mode, &xattrs, out);
		xattrs_free(&xattrs);
	}
	mutex_unlock(&dir->lock);
	return err;
}

/* A file without a name in the directory at p: made and opened. p is not consumed. */
static struct file *open_unnamed(struct path *p, int flags, mode_t mode)
{
	struct inode *dir = p->dentry->inode, *inode;
	struct path place;
	struct file *f;
	int err = inode_permission(dir, MAY_WRITE | MAY_EXEC);

	if (err)
		return err_ptr(err);
	if (!dir->ops->tmpfile)
		return err_ptr(-EOPNOTSUPP);
	err = unnamed_make(dir, mode, &inode);
	if (err)
		return err_ptr(err);
	if (!(flags & O_EXCL))
		atomic_fetch_or(&inode->state, INODE_LINKABLE);
	place.dentry = dentry_unnamed(p->dentry, inode);
	if (!place.dentry) {
		inode_put(inode);
		return err_ptr(-ENOMEM);
	}
	place.mnt = mount_get(p->mnt);
	f = open_path(&place, flags & ~(O_TMPFILE | O_EXCL), true);
	if (!is_err(f))
		f->flags |= O_TMPFILE;
	if (place.dentry)
		path_put(&place);
	return f;
}

/* path_lookup, or its limited kind. */
static inline int open_lookup(int dirfd, const char *name, unsigned walk,
			      const struct walk_limits *limits, struct path *p)
{
	return unlikely(limits) ? path_lookup_limited(limits, name, walk, p)
				: path_lookup(dirfd, name, walk, p);
}

static struct file *open_tmpfile(int dirfd, const char *name, int flags, mode_t mode,
				 const struct walk_limits *limits)
{
	struct path p;
	struct file *f;
	int err;

	if ((flags & O_ACCMODE) == O_RDONLY || (flags & O_CREAT))
		return err_ptr(-EINVAL);
	err = open_lookup(dirfd, name, WALK_FOLLOW | WALK_DIRECTORY, limits, &p);
	if (err)
		return err_ptr(err);
	err = mount_write_begin(p.mnt);
	f = err ? err_ptr(err) : open_unnamed(&p, flags, S_IFREG | (mode & 07777));
	if (!err)
		mount_write_end(p.mnt);
	path_put(&p);
	return f;
}

/* With O_CREAT: the file is there as a rule, unless it must not be. */
static __slow struct file *open_maybe_create(int dirfd, const char *name, int flags, mode_t mode,
					     const struct walk_limits *limits)
{
	struct path p;
	struct file *f;
	int err;

	if (flags & O_EXCL)
		return open_create(dirfd, name, flags, mode, limits);
	err = open_lookup(dirfd, name, flags & O_NOFOLLOW ? 0 : WALK_FOLLOW, limits, &p);
	/* ENOTDIR: what ends with a slash is no name for a file to be made, but EISDIR. */
	if (err == -ENOENT || err == -ENOTDIR)
		return open_create(dirfd, name, flags, mode, limits);
	if (err)
		return err_ptr(err);
	err = sticky_open_check(&p);
	f = err ? err_ptr(err) : open_path(&p, flags, false);
	if (p.dentry)
		path_put(&p);
	return f;
}

static inline struct file *open_any(int dirfd, const char *name, int flags, mode_t mode,
				    const struct walk_limits *limits)
{
	unsigned walk = flags & O_NOFOLLOW ? 0 : WALK_FOLLOW;
	struct path p;
	struct file *f;
	int err;

	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if ((flags & O_TMPFILE) == O_TMPFILE)
		return open_tmpfile(dirfd, name, flags, mode, limits);
	if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return err_ptr(-EINVAL);
	if (flags & O_CREAT)
		return open_maybe_create(dirfd, name, flags, mode & 07777, limits);
	err = open_lookup(dirfd, name, walk, limits, &p);
	if (err)
		return err_ptr(err);
	f = open_path(&p, flags, false);
	if (unlikely(p.dentry))
		path_put(&p);
	return f;
}

struct file *file_open_at(int dirfd, const char *name, int flags, mode_t mode)
{
	return open_any(dirfd, name, flags, mode, NULL);
}

struct file *file_open(const char *path, int flags, mode_t mode)
{
	return file_open_at(AT_FDCWD, path, flags, mode);
}

struct file *file_open_exec(int dirfd, const char *path, int at_flags)
{
	struct inode *inode;
	struct path p;
	struct file *f;
	int n, err;

	if (at_flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return err_ptr(-EINVAL);
	err = path_lookup(dirfd, path, walk_flags(at_flags), &p);
	if (err)
		return err_ptr(err);
	inode = p.dentry->inode;
	if (S_ISLNK(inode->mode))
		err = -ELOOP;
	else if (!S_ISREG(inode->mode) || (atomic_load(&p.mnt->flags) & MS_NOEXEC))
		err = -EACCES;
	else
		err = inode_permission(inode, MAY_EXEC);
	f = err ? err_ptr(err) : open_checked(&p, O_RDONLY | OPEN_EXEC);
	if (p.dentry)
		path_put(&p);
	if (is_err(f))
		return f;
	n = atomic_load(&inode->writers);
	do {
		if (n > 0) {
			file_put(f);
			return err_ptr(-ETXTBSY);
		}
	} while (!atomic_compare_exchange_weak(&inode->writers, &n, n - 1));
	f->kind |= FILE_EXEC;
	return f;
}

struct file *file_open_silent(const struct path *p, int flags)
{
	struct path own = *path_get(p);
	struct file *f = open_checked(&own, flags | OPEN_SILENT);

	if (own.dentry)
		path_put(&own);
	if (!is_err(f))
		f->kind |= FILE_SILENT;
	return f;
}

SYSCALL4(openat, int, dirfd, uaddr_t, path, int, flags, mode_t, mode)
{
	struct pathname p;
	struct file *f;
	int err;

	/* As in Linux, bits that mean nothing are not an error for open(2). */
	flags &= OPEN_FLAGS;
	/* Every file that open gives may be large, and fcntl(F_GETFL) shows it. */
	flags |= O_LARGEFILE;
	err = pathname_get(&p, path);
	if (err)
		return err;
	f = file_open_at(dirfd, p.s, flags, mode);
	pathname_put(&p);
	if (is_err(f))
		return ptr_err(f);
	return fd_install_or_put(f, flags & O_CLOEXEC);
}

/* What open(2) ignores, openat2(2) refuses. */
static int how_check(const struct open_how *how)
{
	uint64_t unnamed = O_TMPFILE & ~O_DIRECTORY, creates = how->flags & (O_CREAT | unnamed);

	if ((how->flags & ~(uint64_t)OPEN_FLAGS) || how->resolve >= RESOLVE_CACHED << 1)
		return -EINVAL;
	if ((how->resolve & RESOLVE_BENEATH) && (how->resolve & RESOLVE_IN_ROOT))
		return -EINVAL;
	if (how->mode & ~(creates ? 07777UL : 0UL))
		return -EINVAL;
	if ((how->flags & unnamed) && !(how->flags & O_DIRECTORY))
		return -EINVAL;
	if ((how->flags & O_PATH) &&
	    (how->flags & ~(uint64_t)(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)))
		return -EINVAL;
	return (how->resolve & RESOLVE_CACHED) && (creates || (how->flags & O_TRUNC)) ? -EAGAIN : 0;
}

static struct file *open_how(int dirfd, const char *name, const struct open_how *how)
{
	mode_t mode = (mode_t)how->mode;
	struct walk_limits limits = {.resolve = how->resolve};
	int flags = (int)how->flags, err;
	struct file *f;

	if (!(flags & O_PATH))
		flags |= O_LARGEFILE;
	if (!how->resolve)
		return file_open_at(dirfd, name, flags, mode);
	if (!*name)
		return err_ptr(-ENOENT);
	/* An absolute path has no use for dirfd, unless that is its root. */
	if (*name == '/' && !(how->resolve & RESOLVE_IN_ROOT))
		err = path_lookup(AT_FDCWD, "/", 0, &limits.top);
	else
		err = path_lookup(dirfd, "", WALK_EMPTY | WALK_DIRECTORY, &limits.top);
	if (err)
		return err_ptr(err);
	f = open_any(AT_FDCWD, name, flags, mode, &limits);
	path_put(&limits.top);
	return f;
}

SYSCALL4(openat2, int, dirfd, uaddr_t, path, uaddr_t, uhow, size_t, size)
{
	struct open_how how;
	struct pathname p;
	struct file *f;
	int err;

	if (size < sizeof(how))
		return -EINVAL;
	err = copy_struct_from_user(&how, sizeof(how), uhow, size);
	if (!err)
		err = how_check(&how);
	if (!err)
		err = pathname_get(&p, path);
	if (err)
		return err;
	f = open_how(dirfd, p.s, &how);
	pathname_put(&p);
	if (is_err(f))
		return ptr_err(f);
	return fd_install_or_put(f, (int)how.flags & O_CLOEXEC);
}

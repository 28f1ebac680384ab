/*
 * stat(2) and what it shows: attributes of inodes and volumes; access(2), readlink(2).
 */
#include <stdatomic.h>

#include "drivers/block.h"
#include "fs/direct.h"
#include "fs/flags.h"
#include "fs/mount.h"
#include "fs/super.h"
#include "fs/vfs.h"
#include "kernel/chardev.h"
#include "kernel/mem/slab.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/mount.h"
#include "kernel/uapi/statfs.h"
#include "lib/string.h"
#include "mm/usercopy.h"

/* The kernel's device number as user space knows it (makedev(3)). */
static uint64_t dev_to_user(dev_t dev)
{
	uint64_t major = MAJOR(dev), minor = MINOR(dev);

	return (minor & 0xff) | major << 8 | (minor & ~0xffUL) << 12;
}

static void times_split(int64_t ns, int64_t *sec, uint64_t *nsec)
{
	int64_t s = ns / (int64_t)NSEC_PER_SEC, rest = ns % (int64_t)NSEC_PER_SEC;

	if (rest < 0) {
		rest += (int64_t)NSEC_PER_SEC;
		s--;
	}
	*sec = s;
	*nsec = (uint64_t)rest;
}

/* What the user is shown of the inode; all of st, so that nothing of the kernel's is in it. */
static void stat_fill(struct inode *inode, struct stat64 *st)
{
	if (inode->ops && inode->ops->refresh)
		inode->ops->refresh(inode);
	st->st_dev = dev_to_user(inode->sb->dev);
	st->st_ino = inode->ino;
	st->st_mode = inode->mode;
	st->st_nlink = inode->nlink;
	st->st_uid = inode->uid;
	st->st_gid = inode->gid;
	st->st_rdev = dev_to_user(inode->rdev);
	st->pad1 = 0;
	st->st_size = (int64_t)inode_size(inode);
	st->st_blksize = (int32_t)inode->sb->block_size;
	st->pad2 = 0;
	st->st_blocks = (int64_t)inode->blocks;
	times_split(inode->atime, &st->st_atime, &st->st_atime_nsec);
	times_split(inode->mtime, &st->st_mtime, &st->st_mtime_nsec);
	times_split(inode->ctime, &st->st_ctime, &st->st_ctime_nsec);
	st->unused[0] = st->unused[1] = 0;
}

static void stat_visit(const struct path *at, void *st)
{
	stat_fill(at->dentry->inode, st);
}

static int stat_of_fd(int fd, uaddr_t out)
{
	struct file *f = fd_get_any(fd);
	struct stat64 st;

	if (!f)
		return -EBADF;
	stat_fill(f->inode, &st);
	file_put(f);
	return copy_to_user(out, &st, sizeof(st));
}

SYSCALL2(fstat, int, fd, uaddr_t, out)
{
	return stat_of_fd(fd, out);
}

/* No name at all is an empty one: then the descriptor alone is asked. */
static bool no_name(int dirfd, uaddr_t path, int flags)
{
	return !path && flags == AT_EMPTY_PATH && dirfd >= 0;
}

SYSCALL4(newfstatat, int, dirfd, uaddr_t, path, uaddr_t, out, int, flags)
{
	struct stat64 st;
	int err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	if (unlikely(no_name(dirfd, path, flags)))
		return stat_of_fd(dirfd, out);
	err = path_visit_user(dirfd, path, walk_flags(flags), stat_visit, &st);
	return err ? err : copy_to_user(out, &st, sizeof(st));
}

static void statx_time(struct statx_timestamp *t, int64_t ns)
{
	uint64_t nsec;

	times_split(ns, &t->tv_sec, &nsec);
	t->tv_nsec = (uint32_t)nsec;
}

/* How memory and positions must be aligned for O_DIRECT; nothing of what does not offer it. */
static void statx_direct(struct inode *inode, struct statx *st)
{
	if (S_ISREG(inode->mode) ? !inode->object.ops || !inode->object.ops->write_pages :
				   !S_ISBLK(inode->mode) || !blockdev_by_dev(inode->rdev))
		return;
	st->stx_mask |= STATX_DIOALIGN;
	st->stx_dio_mem_align = st->stx_dio_offset_align = DIRECT_ALIGNMENT;
}

static int statx_put(const struct path *p, uint32_t mask, uaddr_t out)
{
	struct inode *inode = p->dentry->inode;
	struct statx st = {0};

	if (inode->ops && inode->ops->refresh)
		inode->ops->refresh(inode);
	st.stx_mask = STATX_BASIC_STATS;
	st.stx_blksize = inode->sb->block_size;
	st.stx_nlink = inode->nlink;
	st.stx_uid = inode->uid;
	st.stx_gid = inode->gid;
	st.stx_mode = (uint16_t)inode->mode;
	st.stx_ino = inode->ino;
	st.stx_size = inode_size(inode);
	st.stx_blocks = inode->blocks;
	statx_time(&st.stx_atime, inode->atime);
	statx_time(&st.stx_ctime, inode->ctime);
	statx_time(&st.stx_mtime, inode->mtime);
	if ((mask & STATX_BTIME) && inode->btime) {
		st.stx_mask |= STATX_BTIME;
		statx_time(&st.stx_btime, inode->btime);
	}
	st.stx_rdev_major = MAJOR(inode->rdev);
	st.stx_rdev_minor = MINOR(inode->rdev);
	st.stx_dev_major = MAJOR(inode->sb->dev);
	st.stx_dev_minor = MINOR(inode->sb->dev);
	st.stx_mask |= mask & STATX_MNT_ID_UNIQUE ? STATX_MNT_ID_UNIQUE : STATX_MNT_ID;
	st.stx_mnt_id = p->mnt->id + (mask & STATX_MNT_ID_UNIQUE ? MOUNT_ID_UNIQUE : 0);
	st.stx_attributes = inode_flags_attributes(inode, &st.stx_attributes_mask);
	/* The first and the last nothing has. */
	st.stx_attributes_mask |= STATX_ATTR_AUTOMOUNT | STATX_ATTR_MOUNT_ROOT | STATX_ATTR_DAX;
	if (p->dentry == p->mnt->root)
		st.stx_attributes |= STATX_ATTR_MOUNT_ROOT;
	if (mask & STATX_DIOALIGN)
		statx_direct(inode, &st);
	return copy_to_user(out, &st, sizeof(st));
}

static int statx_of_fd(int fd, uint32_t mask, uaddr_t out)
{
	struct file *f = fd_get_any(fd);
	int err;

	if (!f)
		return -EBADF;
	err = statx_put(&f->path, mask, out);
	file_put(f);
	return err;
}

SYSCALL5(statx, int, dirfd, uaddr_t, path, int, flags, uint32_t, mask, uaddr_t, out)
{
	struct path p;
	int err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	if ((flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE || (mask & STATX_RESERVED))
		return -EINVAL;
	if (unlikely(no_name(dirfd, path, flags)))
		return statx_of_fd(dirfd, mask, out);
	err = path_lookup_user(dirfd, path, walk_flags(flags), &p);
	if (err)
		return err;
	err = statx_put(&p, mask, out);
	path_put(&p);
	return err;
}

int super_statfs(struct super_block *sb, struct statfs64 *st)
{
	*st = (struct statfs64){.f_type = sb->type->magic, .f_bsize = sb->block_size,
				.f_frsize = sb->block_size, .f_namelen = NAME_MAX,
				.f_fsid = {(int32_t)sb->dev}};
	return sb->ops->statfs ? sb->ops->statfs(sb, st) : 0;
}

static int statfs_put(struct path *p, uaddr_t out)
{
	struct super_block *sb = p->dentry->sb;
	uint32_t flags = atomic_load(&p->mnt->flags);
	struct statfs64 st;
	int err = super_statfs(sb, &st);

	if (err)
		return err;
	st.f_flags = ST_VALID | (flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC |
					  MS_NOATIME | MS_NODIRATIME));
	if (atomic_load(&sb->readonly))
		st.f_flags |= ST_RDONLY;
	if (!(flags & (MS_NOATIME | MS_STRICTATIME)))
		st.f_flags |= ST_RELATIME;
	if (flags & MS_NOSYMFOLLOW)
		st.f_flags |= ST_NOSYMFOLLOW;
	return copy_to_user(out, &st, sizeof(st));
}

SYSCALL2(statfs, uaddr_t, path, uaddr_t, out)
{
	struct path p;
	int err = path_lookup_user(AT_FDCWD, path, WALK_FOLLOW, &p);

	if (err)
		return err;
	err = statfs_put(&p, out);
	path_put(&p);
	return err;
}

SYSCALL2(fstatfs, int, fd, uaddr_t, out)
{
	struct file *f = fd_get_any(fd);
	int err;

	if (!f)
		return -EBADF;
	err = statfs_put(&f->path, out);
	file_put(f);
	return err;
}

/*
 * access(2) asks for who the real ids say that it is: a copy of the credentials has them in place
 * of the fs ones, and the powers that go with them.
 */
static const struct cred *cred_of_real_ids(const struct cred *c)
{
	capset_t caps = c->uid ? 0 : c->permitted;
	struct cred *copy;

	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		caps = c->effective;
	if (c->fsuid == c->uid && c->fsgid == c->gid && c->effective == caps)
		return cred_get(c);
	copy = cred_copy();
	if (!copy)
		return NULL;
	copy->fsuid = c->uid;
	copy->fsgid = c->gid;
	copy->effective = caps;
	return copy;
}

static int access_check(struct path *p, int mode)
{
	struct inode *inode = p->dentry->inode;
	int err;

	if ((mode & X_OK) && S_ISREG(inode->mode) && (atomic_load(&p->mnt->flags) & MS_NOEXEC))
		return -EACCES;
	err = inode_permission(inode, mode);
	if (!err && (mode & W_OK) && (atomic_load(&p->mnt->flags) & MS_RDONLY) &&
	    (S_ISREG(inode->mode) || S_ISDIR(inode->mode) || S_ISLNK(inode->mode)))
		err = -EROFS;
	return err;
}

static long do_access(int dirfd, uaddr_t path, int mode, int flags)
{
	const struct cred *own = current()->cred, *real = NULL;
	struct path p;
	int err;

	if ((mode & ~7) || (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -EINVAL;
	if (!(flags & AT_EACCESS)) {
		real = cred_of_real_ids(own);
		if (!real)
			return -ENOMEM;
		current()->cred = real;
	}
	err = path_lookup_user(dirfd, path, walk_flags(flags), &p);
	if (!err) {
		err = access_check(&p, mode);
		path_put(&p);
	}
	current()->cred = own;
	if (real)
		cred_put(real);
	return err;
}

SYSCALL3(faccessat, int, dirfd, uaddr_t, path, int, mode)
{
	return do_access(dirfd, path, mode, 0);
}

SYSCALL4(faccessat2, int, dirfd, uaddr_t, path, int, mode, int, flags)
{
	return do_access(dirfd, path, mode, flags);
}

SYSCALL4(readlinkat, int, dirfd, uaddr_t, path, uaddr_t, out, int, size)
{
	struct inode *inode;
	struct pathname name;
	struct path p;
	char *buf = NULL;
	ssize64_t n;

	if (size <= 0)
		return -EINVAL;
	n = pathname_get(&name, path);
	if (n)
		return n;
	n = path_lookup(dirfd, name.s, WALK_EMPTY, &p);
	if (n)
		goto out_name;
	inode = p.dentry->inode;
	n = *name.s ? -EINVAL : -ENOENT;
	if (!S_ISLNK(inode->mode) || !inode->ops->readlink)
		goto out;
	n = -ENOMEM;
	buf = kmalloc_wait(PATH_MAX);
	if (!buf)
		goto out;
	n = inode->ops->readlink(inode, buf, PATH_MAX);
	if (n > 0) {
		inode_accessed(p.mnt, inode);
		n = MIN(n, (ssize64_t)size);
		if (copy_to_user(out, buf, (size_t)n))
			n = -EFAULT;
	}
out:
	kfree(buf);
	path_put(&p);
out_name:
	pathname_put(&name);
	return n;
}

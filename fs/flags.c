/*
 * Flags of files: ioctl_iflags(2), FS_IOC_FSGETXATTR.
 */
#include "fs/flags.h"

#include "kernel/thread.h"
#include "mm/usercopy.h"

void inode_flags_apply(struct inode *inode, uint32_t flags)
{
	uint32_t on = (flags & FS_IMMUTABLE_FL ? INODE_IMMUTABLE : 0) |
		      (flags & FS_APPEND_FL ? INODE_APPEND : 0) |
		      (flags & FS_NOATIME_FL ? INODE_NOATIME : 0);

	atomic_fetch_or(&inode->state, on);
	atomic_fetch_and(&inode->state, on | ~(INODE_IMMUTABLE | INODE_APPEND | INODE_NOATIME));
}

uint64_t inode_flags_attributes(struct inode *inode, uint64_t *mask)
{
	uint32_t flags;

	*mask = 0;
	if (!inode->ops || !inode->ops->flags_get)
		return 0;
	flags = inode->ops->flags_get(inode);
	*mask = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_NODUMP;
	return (flags & FS_IMMUTABLE_FL ? STATX_ATTR_IMMUTABLE : 0) |
	       (flags & FS_APPEND_FL ? STATX_ATTR_APPEND : 0) |
	       (flags & FS_NODUMP_FL ? STATX_ATTR_NODUMP : 0);
}

/* flags become those of the inode, but what is in keep stays. inode->lock held. */
static int set_locked(struct inode *inode, uint32_t flags, uint32_t keep)
{
	uint32_t old = inode->ops->flags_get(inode);

	flags |= old & keep;
	if (((old ^ flags) & (FS_IMMUTABLE_FL | FS_APPEND_FL)) &&
	    !cred_capable(CAP_LINUX_IMMUTABLE))
		return -EPERM;
	return inode->ops->flags_set(inode, flags);
}

static int set(struct file *f, uint32_t flags, uint32_t keep)
{
	struct inode *inode = f->inode;
	int err = mount_write_begin(f->path.mnt);

	if (err)
		return err;
	err = -EPERM;
	if (inode_owner_or_capable(inode)) {
		mutex_lock(&inode->lock);
		err = set_locked(inode, flags, keep);
		mutex_unlock(&inode->lock);
	}
	mount_write_end(f->path.mnt);
	return err;
}

/* The same flags under the other name that FS_IOC_FSGETXATTR has for them. */
static const struct pair {
	uint32_t flag, xflag;
} pairs[] = {
	{FS_SYNC_FL, FS_XFLAG_SYNC},	   {FS_IMMUTABLE_FL, FS_XFLAG_IMMUTABLE},
	{FS_APPEND_FL, FS_XFLAG_APPEND},   {FS_NODUMP_FL, FS_XFLAG_NODUMP},
	{FS_NOATIME_FL, FS_XFLAG_NOATIME},
};

static long xattr_get(struct inode *inode, uaddr_t to)
{
	uint32_t flags = inode->ops->flags_get(inode);
	struct fsxattr x = {0};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		x.fsx_xflags |= flags & pairs[i].flag ? pairs[i].xflag : 0;
	return copy_to_user(to, &x, sizeof(x));
}

static long xattr_set(struct file *f, uaddr_t from)
{
	uint32_t flags = 0, known = 0;
	struct fsxattr x;

	if (copy_from_user(&x, from, sizeof(x)))
		return -EFAULT;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		if (x.fsx_xflags & pairs[i].xflag)
			flags |= pairs[i].flag;
		x.fsx_xflags &= ~pairs[i].xflag;
		known |= pairs[i].flag;
	}
	/* No projects, no hints about sizes. */
	if (x.fsx_xflags || x.fsx_extsize || x.fsx_projid || x.fsx_cowextsize)
		return -EOPNOTSUPP;
	return set(f, flags, ~known);
}

long flags_ioctl(struct file *f, uint32_t cmd, uaddr_t arg)
{
	struct inode *inode = f->inode;
	uint32_t flags;

	if (!inode->ops || !inode->ops->flags_get ||
	    !(S_ISREG(inode->mode) || S_ISDIR(inode->mode)))
		return -ENOTTY;
	switch (cmd) {
	case FS_IOC_GETFLAGS:
		return put_user_u32(arg, inode->ops->flags_get(inode));
	case FS_IOC_SETFLAGS:
		return get_user_u32(&flags, arg) ? -EFAULT : set(f, flags, 0);
	case FS_IOC_FSGETXATTR:
		return xattr_get(inode, arg);
	case FS_IOC_FSSETXATTR:
		return xattr_set(f, arg);
	}
	return -ENOTTY;
}

/*
 * ioctl(2): what is the same for every file, then the file's own.
 */
#include <stdatomic.h>

#include "fs/fiemap.h"
#include "fs/flags.h"
#include "fs/owner.h"
#include "fs/reflink.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/fs.h"
#include "kernel/uapi/ioctl.h"
#include "mm/usercopy.h"

static int flag_set(struct file *f, uint32_t flag, uaddr_t arg)
{
	uint32_t on;

	if (get_user_u32(&on, arg))
		return -EFAULT;
	if (on)
		atomic_fetch_or(&f->flags, flag);
	else
		atomic_fetch_and(&f->flags, ~flag);
	return 0;
}

static int async_ioctl(struct file *f, int fd, uaddr_t arg)
{
	uint32_t on;

	return get_user_u32(&on, arg) ? -EFAULT : async_set(f, fd, on);
}

/* FIBMAP or FIONREAD. */
static long ioctl_regular(struct file *f, uint32_t cmd, uaddr_t arg)
{
	int64_t left;

	if (cmd == FIBMAP)
		return fibmap_ioctl(f, arg);
	left = (int64_t)(inode_size(f->inode) - f->pos);
	return put_user_u32(arg, left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (uint32_t)left);
}

static long file_ioctl(struct file *f, int fd, uint32_t cmd, uint64_t arg)
{
	switch (cmd) {
	case FIOCLEX:
		return fd_cloexec_set(fd, true);
	case FIONCLEX:
		return fd_cloexec_set(fd, false);
	case FIONBIO:
		return flag_set(f, O_NONBLOCK, arg);
	case FIOASYNC:
		return async_ioctl(f, fd, arg);
	case FS_IOC_GETFLAGS:
	case FS_IOC_SETFLAGS:
	case FS_IOC_FSGETXATTR:
	case FS_IOC_FSSETXATTR:
		return flags_ioctl(f, cmd, arg);
	case FS_IOC_FIEMAP:
		return fiemap_ioctl(f, arg);
	case FICLONE:
	case FICLONERANGE:
	case FIDEDUPERANGE:
		return reflink_ioctl(f, cmd, arg);
	case FIGETBSZ:
		return put_user_u32(arg, f->inode->sb->block_size);
	}
	if (S_ISREG(f->inode->mode) && (cmd == FIBMAP || cmd == FIONREAD))
		return ioctl_regular(f, cmd, arg);
	return f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOTTY;
}

SYSCALL3(ioctl, int, fd, uint32_t, cmd, uint64_t, arg)
{
	struct file *f = fd_get(fd);
	long ret;

	if (!f)
		return -EBADF;
	ret = file_ioctl(f, fd, cmd, arg);
	file_put(f);
	return ret;
}

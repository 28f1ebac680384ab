/*
 * fcntl(2), flock(2).
 */
#include <stdatomic.h>

#include "fs/flags.h"
#include "fs/locks.h"
#include "fs/notify.h"
#include "fs/owner.h"
#include "fs/pipe.h"
#include "fs/tmpfs/tmpfs.h"
#include "fs/vfs.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "mm/usercopy.h"

#define SETTABLE (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

static long flags_set(struct file *f, int fd, uint32_t flags)
{
	uint32_t was = atomic_load(&f->flags);
	int err;

	if (((flags ^ was) & O_APPEND) && inode_has(f->inode, INODE_APPEND))
		return -EPERM;
	if ((flags & O_NOATIME) && !(was & O_NOATIME) && !inode_owner_or_capable(f->inode))
		return -EPERM;
	if ((flags & O_DIRECT) && !S_ISREG(f->inode->mode) && !S_ISBLK(f->inode->mode) &&
	    !S_ISFIFO(f->inode->mode))
		return -EINVAL;
	/* Of what does not offer it, it is not heard. */
	err = async_set(f, fd, flags & O_ASYNC);
	if (err && err != -ENOTTY)
		return err;
	was = atomic_load(&f->flags);
	while (!atomic_compare_exchange_weak(&f->flags, &was,
					     (was & ~(uint32_t)SETTABLE) | (flags & SETTABLE)))
		;
	return 0;
}

static long fd_duplicate(struct file *f, uint64_t from, bool cloexec)
{
	int fd;

	if (from > INT32_MAX || from >= rlimit_get(7 /* RLIMIT_NOFILE */))
		return -EINVAL;
	fd = fd_install(f, (int)from, cloexec);
	if (fd >= 0)
		(void)file_get(f);
	return fd;
}

/* Are both the same open file? */
static long fd_is(const struct file *f, int fd)
{
	struct file *other = fd_get_any(fd);

	if (!other)
		return -EBADF;
	file_put(other);
	return other == f;
}

/* What works on an O_PATH descriptor too; -ENOTTY: none of these. */
static long fcntl_any(struct file *f, int fd, int cmd, uint64_t arg)
{
	switch (cmd) {
	case F_DUPFD:
		return fd_duplicate(f, arg, false);
	case F_DUPFD_CLOEXEC:
		return fd_duplicate(f, arg, true);
	case F_GETFD:
		return fd_cloexec_get(fd);
	case F_SETFD:
		return fd_cloexec_set(fd, arg & FD_CLOEXEC);
	case F_DUPFD_QUERY:
		return fd_is(f, (int)arg);
	case F_CREATED_QUERY:
		return (f->kind & FILE_CREATED) != 0;
	case F_GETFL:
		return (long)atomic_load(&f->flags);
	}
	return -ENOTTY;
}

static long file_fcntl(struct file *f, int fd, int cmd, uint64_t arg)
{
	long ret;

	if (f->kind & FILE_PATH)
		return -EBADF;
	switch (cmd) {
	case F_SETFL:
		return flags_set(f, fd, (uint32_t)arg);
	case F_GETLK:
	case F_OFD_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return locks_fcntl(f, cmd, arg);
	case F_GETPIPE_SZ:
		return pipe_size_get(f);
	case F_SETPIPE_SZ:
		return pipe_size_set(f, arg);
	case F_ADD_SEALS:
		return tmpfs_seals_add(f, (uint32_t)arg);
	case F_GET_SEALS:
		return tmpfs_seals_get(f);
	case F_SETLEASE:
		return lease_set(f, fd, (int)arg);
	case F_GETLEASE:
		return lease_get(f);
	case F_NOTIFY:
		return dnotify_set(f, fd, (uint32_t)arg);
	}
	ret = owner_fcntl(f, cmd, arg);
	return ret == -ENOTTY ? -EINVAL : ret;
}

SYSCALL3(fcntl, int, fd, int, cmd, uint64_t, arg)
{
	struct file *f = fd_get_any(fd);
	long ret;

	if (!f)
		return -EBADF;
	ret = fcntl_any(f, fd, cmd, arg);
	if (ret == -ENOTTY)
		ret = file_fcntl(f, fd, cmd, arg);
	file_put(f);
	return ret;
}

SYSCALL2(flock, int, fd, int, op)
{
	struct file *f = fd_get(fd);
	long ret;

	if (!f)
		return -EBADF;
	ret = locks_flock(f, op);
	file_put(f);
	return ret;
}

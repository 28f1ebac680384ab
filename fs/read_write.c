/*
 * read(2), write(2) and their relatives.
 */
#include <stdatomic.h>

#include "fs/event/aio.h"
#include "fs/flags.h"
#include "fs/notify.h"
#include "fs/vfs.h"
#include "kernel/mem/slab.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/uio.h"
#include "mm/pagecache.h"
#include "mm/usercopy.h"

/* What has to be undone after a file was used. */
struct borrowed {
	bool owned, locked;
};

/* A file for reading or writing at its own position, which is locked if others share it. */
static inline struct file *file_begin(int fd, struct borrowed *use)
{
	struct file *f = fd_borrow(fd, &use->owned);
	int refs;

	if (unlikely(!f))
		return NULL;
	/* The table's reference, and maybe ours. With a shared table there may be a race. */
	refs = atomic_load_explicit(&f->refs, memory_order_relaxed) - use->owned;
	use->locked = (f->kind & FILE_SEEK) && (refs > 1 || S_ISDIR(f->inode->mode));
	if (use->locked)
		mutex_lock(&f->pos_lock);
	return f;
}

static inline void file_end(struct file *f, struct borrowed use)
{
	if (use.locked)
		mutex_unlock(&f->pos_lock);
	fd_return(f, use.owned);
}

/* Does u lie in user memory, and the place in the file? Cuts u at the most one call moves. */
static inline int range_check(uint32_t kind, struct uio *u, uint64_t pos)
{
	if (u->iov == &u->one && (u->one.base > USER_TOP || u->one.len > USER_TOP - u->one.base))
		return -EFAULT;
	if ((kind & FILE_SEEK) && (int64_t)(pos + u->resid) < 0)
		return -EINVAL;
	if (u->resid > RW_COUNT_MAX)
		u->resid = RW_COUNT_MAX;
	return 0;
}

/* Of a file that is not to be read, or where somebody is to be asked before (fs/notify.h). */
static __slow int read_check(struct file *f, struct uio *u, uint64_t pos)
{
	int err = f->kind & FILE_READ ? range_check(f->kind, u, pos) : -EBADF;

	return err ? err : notify_read_asked(f);
}

/* What Linux refuses before it asks the file, in its order. */
static inline int transfer_check(struct file *f, uint32_t kind, struct uio *u, uint64_t pos,
				 bool write)
{
	if (write && !(kind & FILE_WRITE))
		return -EBADF;
	if (!write && (kind & (FILE_READ | FILE_ASKS)) != FILE_READ)
		return read_check(f, u, pos);
	return range_check(kind, u, pos);
}

static inline ssize64_t uio_transfer(struct file *f, uint32_t kind, struct uio *u, uint64_t *pos,
				     bool write)
{
	int err = transfer_check(f, kind, u, *pos, write);
	uint32_t flags;

	if (unlikely(err))
		return err;
	flags = atomic_load_explicit(&f->flags, memory_order_relaxed);
	if (flags & O_NONBLOCK)
		u->nowait = true;
	if (!write)
		return likely(f->ops->read) ? notify_read(f, f->ops->read(f, u, pos))
					    : file_read(f, u, pos);
	if ((flags & O_APPEND) && u->append == UIO_AS_FILE)
		u->append = UIO_APPEND;
	if (unlikely(flags & O_SYNC)) {
		u->dsync |= (flags & O_DSYNC) != 0;
		u->sync |= (flags & O_SYNC) == O_SYNC;
	}
	return likely(f->ops->write) ? notify_written(f, f->ops->write(f, u, pos))
				     : file_write(f, u, pos);
}

static void rwf_apply(struct uio *u, uint32_t rwf)
{
	u->nowait = rwf & RWF_NOWAIT;
	u->dsync = rwf & (RWF_DSYNC | RWF_SYNC);
	u->sync = rwf & RWF_SYNC;
	u->append = rwf & RWF_APPEND ? UIO_APPEND : rwf & RWF_NOAPPEND ? UIO_NOAPPEND : UIO_AS_FILE;
}

#define RWF_SEEN (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND | RWF_NOAPPEND | RWF_NOWAIT)

/* May a transfer have these flags? RWF_NOWAIT is for what would know how not to wait. */
static int rwf_check(const struct file *f, uint32_t rwf)
{
	if (rwf & ~(uint32_t)RWF_SEEN)
		return -EOPNOTSUPP;
	if ((rwf & RWF_APPEND) && (rwf & RWF_NOAPPEND))
		return -EINVAL;
	if ((rwf & RWF_NOAPPEND) && (atomic_load(&f->flags) & O_APPEND) &&
	    inode_has(f->inode, INODE_APPEND))
		return -EPERM;
	if (!(rwf & RWF_NOWAIT) || S_ISFIFO(f->inode->mode) || S_ISSOCK(f->inode->mode))
		return 0;
	return -EOPNOTSUPP;
}

int file_transfer_check(struct file *f, struct uio *u, uint32_t rwf, uint64_t pos, bool write)
{
	int err = rwf ? rwf_check(f, rwf) : 0;

	if (!err && (int64_t)pos < 0)
		err = -EINVAL;
	if (err)
		return err;
	rwf_apply(u, rwf);
	return transfer_check(f, f->kind, u, pos, write);
}

ssize64_t file_transfer(struct file *f, struct uio *u, uint64_t pos, bool write)
{
	/* Who was to be asked has been, by the check. */
	return uio_transfer(f, f->kind & ~(uint32_t)FILE_ASKS, u, &pos, write);
}

/* rwf: RWF_*, of which uio_transfer knows nothing. */
static inline ssize64_t fd_transfer(int fd, struct uio *u, uint32_t rwf, bool write)
{
	struct borrowed use;
	struct file *f = file_begin(fd, &use);
	ssize64_t n;

	if (!f)
		return -EBADF;
	n = rwf ? rwf_check(f, rwf) : 0;
	if (!n)
		n = uio_transfer(f, f->kind, u, &f->pos, write);
	file_end(f, use);
	return n;
}

static inline ssize64_t fd_transfer_at(int fd, struct uio *u, uint32_t rwf, int64_t offset,
				       bool write)
{
	uint64_t pos = (uint64_t)offset;
	struct file *f;
	uint32_t kind;
	ssize64_t n;
	bool owned;

	if (offset < 0)
		return -EINVAL;
	f = fd_borrow(fd, &owned);
	if (!f)
		return -EBADF;
	kind = f->kind;
	if (unlikely(!(kind & FILE_SEEK)))
		n = -ESPIPE;
	else
		n = rwf ? rwf_check(f, rwf) : 0;
	if (!n)
		n = uio_transfer(f, kind, u, &pos, write);
	fd_return(f, owned);
	return n;
}

int iov_get(struct uio *u, uaddr_t user, uint64_t count, struct iovec64 *fast,
		   struct iovec64 **out)
{
	struct iovec64 *iov = fast;
	int err = -EFAULT;
	uint64_t total = 0;

	*out = NULL;
	if (count > IOV_MAX)
		return -EINVAL;
	if (count > IOV_FAST) {
		iov = kmalloc(count * sizeof(*iov));
		if (!iov)
			return -ENOMEM;
		*out = iov;
	}
	if (copy_from_user(iov, user, count * sizeof(*iov)))
		goto fail;
	for (uint64_t i = 0; i < count; i++) {
		if ((int64_t)iov[i].len < 0) {
			err = -EINVAL;
			goto fail;
		}
		if (iov[i].base > USER_TOP || iov[i].len > USER_TOP - iov[i].base)
			goto fail;
		if (iov[i].len > RW_COUNT_MAX - total)
			iov[i].len = RW_COUNT_MAX - total;
		total += iov[i].len;
	}
	uio_init_iov(u, iov, (uint32_t)count, total);
	return 0;
fail:
	kfree(*out);
	*out = NULL;
	return err;
}

static ssize64_t fd_transfer_iov(int fd, uaddr_t user, uint64_t count, int64_t offset,
				 uint32_t rwf, bool write)
{
	struct iovec64 fast[IOV_FAST], *iov;
	struct uio u;
	ssize64_t n;
	int err = iov_get(&u, user, count, fast, &iov);

	if (err)
		return err;
	rwf_apply(&u, rwf);
	n = offset == -1 ? fd_transfer(fd, &u, rwf, write)
			 : fd_transfer_at(fd, &u, rwf, offset, write);
	kfree(iov);
	return n;
}

SYSCALL3(read, int, fd, uaddr_t, buf, size_t, n)
{
	struct uio u;

	uio_init_user(&u, buf, n);
	return fd_transfer(fd, &u, 0, false);
}

SYSCALL3(write, int, fd, uaddr_t, buf, size_t, n)
{
	struct uio u;

	uio_init_user(&u, buf, n);
	return fd_transfer(fd, &u, 0, true);
}

SYSCALL4(pread64, int, fd, uaddr_t, buf, size_t, n, int64_t, offset)
{
	struct uio u;

	uio_init_user(&u, buf, n);
	return fd_transfer_at(fd, &u, 0, offset, false);
}

SYSCALL4(pwrite64, int, fd, uaddr_t, buf, size_t, n, int64_t, offset)
{
	struct uio u;

	uio_init_user(&u, buf, n);
	return fd_transfer_at(fd, &u, 0, offset, true);
}

SYSCALL3(readv, int, fd, uaddr_t, iov, uint64_t, count)
{
	return fd_transfer_iov(fd, iov, count, -1, 0, false);
}

SYSCALL3(writev, int, fd, uaddr_t, iov, uint64_t, count)
{
	return fd_transfer_iov(fd, iov, count, -1, 0, true);
}

SYSCALL4(preadv, int, fd, uaddr_t, iov, uint64_t, count, int64_t, offset)
{
	if (offset < 0)
		return -EINVAL;
	return fd_transfer_iov(fd, iov, count, offset, 0, false);
}

SYSCALL4(pwritev, int, fd, uaddr_t, iov, uint64_t, count, int64_t, offset)
{
	if (offset < 0)
		return -EINVAL;
	return fd_transfer_iov(fd, iov, count, offset, 0, true);
}

/* The fifth argument is the upper half of the offset, which 64-bit registers do not need. */
SYSCALL6(preadv2, int, fd, uaddr_t, iov, uint64_t, count, int64_t, offset, uint64_t, high,
	 uint32_t, flags)
{
	if (offset < -1)
		return -EINVAL;
	return fd_transfer_iov(fd, iov, count, offset, flags, false);
}

SYSCALL6(pwritev2, int, fd, uaddr_t, iov, uint64_t, count, int64_t, offset, uint64_t, high,
	 uint32_t, flags)
{
	if (offset < -1)
		return -EINVAL;
	return fd_transfer_iov(fd, iov, count, offset, flags, true);
}

int64_t file_seek_simple(struct file *f, int64_t offset, int whence)
{
	int64_t size = (int64_t)inode_size(f->inode);

	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		if (__builtin_add_overflow(offset, (int64_t)f->pos, &offset))
			return -EINVAL;
		break;
	case SEEK_END:
		if (__builtin_add_overflow(offset, size, &offset))
			return -EINVAL;
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		if (offset < 0 || offset >= size)
			return -ENXIO;
		if (whence == SEEK_HOLE)
			offset = size;
		break;
	default:
		return -EINVAL;
	}
	if (offset < 0 || (uint64_t)offset > f->inode->sb->max_size)
		return -EINVAL;
	return offset;
}

SYSCALL3(lseek, int, fd, int64_t, offset, int, whence)
{
	struct borrowed use;
	struct file *f = file_begin(fd, &use);
	int64_t pos;

	if (!f)
		return -EBADF;
	if (whence < 0 || whence > SEEK_HOLE)
		pos = -EINVAL;
	else if (!(f->kind & FILE_SEEK))
		pos = -ESPIPE;
	else if (f->ops->seek)
		pos = f->ops->seek(f, offset, whence);
	else
		pos = file_seek_simple(f, offset, whence);
	if (pos >= 0)
		f->pos = (uint64_t)pos;
	file_end(f, use);
	return pos;
}

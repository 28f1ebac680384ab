/*
 * Copying between two open files within the kernel: sendfile(2), copy_file_range(2).
 */
#include <stdatomic.h>

#include "fs/flags.h"
#include "fs/vfs.h"
#include "kernel/mem/slab.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/uio.h"
#include "mm/usercopy.h"

#define CHUNK (16 * KiB)

/*
 * Up to n bytes from in at *in_pos to out at *out_pos (NULL: out's own position), through a
 * kernel buffer. Bytes moved; -errno if none.
 */
static ssize64_t files_copy(struct file *in, uint64_t *in_pos, struct file *out,
			    uint64_t *out_pos, size_t n)
{
	uint32_t flags = atomic_load(&out->flags);
	char *buf = kmalloc(CHUNK);
	ssize64_t done = 0, got = 0;
	struct uio u;

	if (!buf)
		return -ENOMEM;
	while (n && !signal_pending()) {
		uint64_t at = *in_pos;
		ssize64_t put;

		uio_init_kernel(&u, buf, MIN(n, CHUNK));
		got = file_read(in, &u, &at);
		if (got <= 0)
			break;
		uio_init_kernel(&u, buf, (size_t)got);
		u.append = flags & O_APPEND ? UIO_APPEND : UIO_AS_FILE;
		u.nowait = flags & O_NONBLOCK;
		put = file_write(out, &u, out_pos);
		if (put <= 0) {
			got = put;
			break;
		}
		*in_pos += (uint64_t)put;
		done += put;
		n -= (size_t)put;
		if (put < got)
			break;
	}
	kfree(buf);
	if (done)
		return done;
	return got < 0 ? got : n && signal_pending() ? -ERESTARTSYS : 0;
}

/* *pos from user memory at addr, or the file's own when addr is 0. */
static int offset_get(struct file *f, uaddr_t addr, uint64_t *pos)
{
	*pos = f->pos;
	if (!addr)
		return 0;
	if (!(f->kind & FILE_SEEK))
		return -ESPIPE;
	return get_user_u64(pos, addr) ? -EFAULT : 0;
}

static int offset_put(struct file *f, uaddr_t addr, uint64_t pos)
{
	if (addr)
		return put_user_u64(addr, pos);
	f->pos = pos;
	return 0;
}

SYSCALL4(sendfile, int, out_fd, int, in_fd, uaddr_t, offset, size_t, n)
{
	struct file *in = fd_get(in_fd), *out = fd_get(out_fd);
	uint64_t pos;
	ssize64_t ret = -EBADF;

	if (!in || !out || !(in->kind & FILE_READ) || !(out->kind & FILE_WRITE))
		goto out;
	ret = offset_get(in, offset, &pos);
	if (ret)
		goto out;
	ret = -EINVAL;
	if (!(in->kind & FILE_CANREAD) || S_ISDIR(in->inode->mode) ||
	    (atomic_load(&out->flags) & O_APPEND))
		goto out;
	if ((int64_t)pos < 0 || (int64_t)n < 0 || (int64_t)(pos + n) < 0)
		goto out;
	ret = files_copy(in, &pos, out, &out->pos, MIN(n, RW_COUNT_MAX));
	if (ret >= 0 && offset_put(in, offset, pos))
		ret = -EFAULT;
out:
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return ret;
}

/* In Linux's order. *n becomes what there is to copy. */
static ssize64_t copy_range_check(struct file *in, struct file *out, uint64_t in_pos,
				  uint64_t out_pos, size_t *n)
{
	uint64_t size = inode_size(in->inode);

	if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
		return S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode) ? -EISDIR : -EINVAL;
	if (!(in->kind & FILE_READ) || !(out->kind & FILE_WRITE) ||
	    (atomic_load(&out->flags) & O_APPEND))
		return -EBADF;
	if (in->inode->sb != out->inode->sb)
		return -EXDEV;
	if (inode_has(out->inode, INODE_IMMUTABLE))
		return -EPERM;
	if (inode_is_swap(in->inode) || inode_is_swap(out->inode))
		return -ETXTBSY;
	if (in_pos + *n < in_pos || out_pos + *n < out_pos)
		return -EOVERFLOW;
	*n = in_pos < size ? MIN(*n, size - in_pos) : 0;
	if (out_pos >= out->inode->sb->max_size)
		return -EFBIG;
	if (in->inode == out->inode && in_pos < out_pos + *n && out_pos < in_pos + *n)
		return -EINVAL;
	*n = MIN(*n, RW_COUNT_MAX);
	return (int64_t)in_pos < 0 ? -EINVAL : 0;
}

SYSCALL6(copy_file_range, int, in_fd, uaddr_t, in_off, int, out_fd, uaddr_t, out_off, size_t, n,
	 uint32_t, flags)
{
	struct file *in = fd_get(in_fd), *out = fd_get(out_fd);
	uint64_t in_pos, out_pos;
	ssize64_t ret = -EBADF;

	if (!in || !out)
		goto out;
	ret = -EINVAL;
	if (flags)
		goto out;
	ret = offset_get(in, in_off, &in_pos);
	if (!ret)
		ret = offset_get(out, out_off, &out_pos);
	if (!ret)
		ret = copy_range_check(in, out, in_pos, out_pos, &n);
	if (!ret)
		ret = files_copy(in, &in_pos, out, &out_pos, n);
	if (ret > 0 && (offset_put(in, in_off, in_pos) || offset_put(out, out_off, out_pos)))
		ret = -EFAULT;
out:
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return ret;
}

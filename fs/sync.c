/*
 * sync(2), fsync(2), msync(2), advice about file data, and how much of it is in memory.
 */
#include <stdatomic.h>

#include "fs/direct.h"
#include "fs/flags.h"
#include "fs/super.h"
#include "fs/notify.h"
#include "fs/vfs.h"
#include "kernel/swap/object.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/mman.h"
#include "mm/mmap.h"
#include "mm/pagecache.h"
#include "mm/usercopy.h"

void sync_everything(void)
{
	(void)super_sync_all();
	(void)pagecache_sync_all();
	super_wait_ended();
}

SYSCALL0(sync)
{
	sync_everything();
	return 0;
}

SYSCALL1(syncfs, int, fd)
{
	struct file *f = fd_get(fd);
	int err = 0;

	if (!f)
		return -EBADF;
	if (!atomic_load(&f->path.dentry->sb->readonly))
		err = super_sync(f->path.dentry->sb);
	file_put(f);
	return err;
}

static int fd_sync(int fd, bool datasync)
{
	struct file *f = fd_get(fd);
	int err;

	if (!f)
		return -EBADF;
	err = file_fsync(f, datasync);
	file_put(f);
	return err;
}

SYSCALL1(fsync, int, fd)
{
	return fd_sync(fd, false);
}

SYSCALL1(fdatasync, int, fd)
{
	return fd_sync(fd, true);
}

SYSCALL4(sync_file_range, int, fd, int64_t, offset, int64_t, n, uint32_t, flags)
{
	uint64_t end = (uint64_t)offset + (uint64_t)n, last;
	struct file *f;
	int err = 0;

	if (flags & ~7u || offset < 0 || n < 0 || (int64_t)end < 0)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	last = n ? (end - 1) >> PAGE_SHIFT : UINT32_MAX;
	if (!file_object(f))
		err = S_ISDIR(f->inode->mode) ? 0 : -ESPIPE;
	else if (flags)
		err = pagecache_sync(file_object(f), (uint64_t)offset >> PAGE_SHIFT, last);
	file_put(f);
	return err;
}

static int advise(struct file *f, uint64_t first, uint64_t last, int advice)
{
	struct object *o = file_object(f);
	uint64_t pages = o ? (atomic_load(&o->size) + PAGE_SIZE - 1) >> PAGE_SHIFT : 0;

	switch (advice) {
	case POSIX_FADV_WILLNEED:
		last = MIN(last + 1, pages);
		if (first < last)
			pagecache_readahead(o, first, (uint32_t)MIN(last - first, UINT64_C(256)));
		return 0;
	case POSIX_FADV_DONTNEED:
		if (o && o->ops->write_pages)
			range_drop(o, first, last);
		return 0;
	case POSIX_FADV_NORMAL:
	case POSIX_FADV_RANDOM:
	case POSIX_FADV_SEQUENTIAL:
	case POSIX_FADV_NOREUSE:
		/* Advice: read-ahead finds out by itself, reclaim too. */
		return 0;
	default:
		return -EINVAL;
	}
}

SYSCALL4(fadvise64, int, fd, int64_t, offset, int64_t, n, int, advice)
{
	struct file *f = fd_get(fd);
	uint64_t last;
	int err;

	if (!f)
		return -EBADF;
	last = n ? ((uint64_t)offset + (uint64_t)n - 1) >> PAGE_SHIFT : UINT32_MAX;
	if (S_ISFIFO(f->inode->mode))
		err = -ESPIPE;
	else if (n < 0)
		err = -EINVAL;
	else
		err = advise(f, (uint64_t)offset >> PAGE_SHIFT, last, advice);
	file_put(f);
	return err;
}

/* Pages of [first, last] that are in memory, some hundreds under the lock at a time. */
static void count_cached(struct object *o, uint64_t first, uint64_t last, struct cachestat *cs)
{
	bool on_disk = o->ops->write_pages; /* others are always dirty: it means nothing */
	bool more = first <= last;

	while (more) {
		spin_lock(&o->tree_lock);
		for (int n = 0; more && n < 256; n++) {
			more = radix_next(&o->frames, &first, last);
			if (!more)
				break;
			cs->nr_cache++;
			cs->nr_dirty +=
				on_disk && radix_tag_get(&o->frames, first, RADIX_TAG_DIRTY);
			cs->nr_writeback +=
				radix_tag_get(&o->frames, first, RADIX_TAG_WRITEBACK);
			more = first++ < last;
		}
		spin_unlock(&o->tree_lock);
	}
}

/* What others have read of a file is for those to know who may write to it. */
static bool may_count(const struct file *f)
{
	return f->kind & FILE_WRITE || inode_owner_or_capable(f->inode) ||
	       !inode_permission(f->inode, MAY_WRITE);
}

static long file_cachestat(struct file *f, uaddr_t range, uaddr_t out, uint32_t flags)
{
	struct object *o = file_object(f);
	struct cachestat cs = {0};
	struct cachestat_range r;
	uint64_t last;

	if (copy_from_user(&r, range, sizeof(r)))
		return -EFAULT;
	if (!may_count(f))
		return -EPERM;
	if (flags)
		return -EINVAL;
	last = (r.len ? r.off + r.len - 1 : UINT64_MAX) >> PAGE_SHIFT;
	if (o)
		count_cached(o, r.off >> PAGE_SHIFT, last, &cs);
	if (o && object_swaps(o))
		cs.nr_evicted = swap_object_out(o, r.off >> PAGE_SHIFT, last);
	return copy_to_user(out, &cs, sizeof(cs));
}

SYSCALL4(cachestat, int, fd, uaddr_t, range, uaddr_t, out, uint32_t, flags)
{
	struct file *f = fd_get(fd);
	long ret;

	if (!f)
		return -EBADF;
	ret = file_cachestat(f, range, out, flags);
	file_put(f);
	return ret;
}

SYSCALL3(readahead, int, fd, int64_t, offset, size_t, n)
{
	struct file *f = fd_get(fd);
	int err;

	if (!f || !(f->kind & FILE_READ)) {
		err = -EBADF;
	} else if (!S_ISREG(f->inode->mode) && !S_ISBLK(f->inode->mode)) {
		err = -EINVAL;
	} else {
		uint64_t first = (uint64_t)offset >> PAGE_SHIFT;

		err = n ? advise(f, first, first + ((n - 1) >> PAGE_SHIFT), POSIX_FADV_WILLNEED)
			: 0;
	}
	if (f)
		file_put(f);
	return err;
}

/* Which modes there are, and which go together. */
static bool fallocate_mode_known(int mode)
{
	switch (mode) {
	case 0:
	case FALLOC_FL_KEEP_SIZE:
	case FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE:
	case FALLOC_FL_COLLAPSE_RANGE:
	case FALLOC_FL_INSERT_RANGE:
	case FALLOC_FL_ZERO_RANGE:
	case FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE:
	case FALLOC_FL_UNSHARE_RANGE:
	case FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_KEEP_SIZE:
		return true;
	}
	return false;
}

static int file_fallocate(struct file *f, int mode, uint64_t offset, uint64_t n)
{
	int err;

	if (!fallocate_mode_known(mode))
		return -EOPNOTSUPP;
	if (!(f->kind & FILE_WRITE))
		return -EBADF;
	if (inode_has(f->inode, INODE_IMMUTABLE) ||
	    ((mode & ~FALLOC_FL_KEEP_SIZE) && inode_has(f->inode, INODE_APPEND)))
		return -EPERM;
	if (S_ISFIFO(f->inode->mode))
		return -ESPIPE;
	if (S_ISDIR(f->inode->mode))
		return -EISDIR;
	if (!S_ISREG(f->inode->mode))
		return -ENODEV;
	if (offset + n > f->inode->sb->max_size)
		return -EFBIG;
	if (!f->ops->fallocate)
		return -EOPNOTSUPP;
	err = f->ops->fallocate(f, mode, offset, n);
	if (!err)
		notify_file(f, IN_MODIFY);
	return err;
}

SYSCALL4(fallocate, int, fd, int, mode, int64_t, offset, int64_t, n)
{
	struct file *f;
	int err;

	if (offset < 0 || n <= 0)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	err = file_fallocate(f, mode, (uint64_t)offset, (uint64_t)n);
	file_put(f);
	return err;
}

static int sync_span(struct vma_span *s)
{
	uint64_t first = s->index, last = first + ((s->end - s->start) >> PAGE_SHIFT) - 1;

	return s->file ? file_sync_range(s->file, first << PAGE_SHIFT, (last + 1) << PAGE_SHIFT)
		       : pagecache_sync(s->object, first, last);
}

SYSCALL3(msync, uaddr_t, addr, size_t, len, int, flags)
{
	struct aspace *as = current()->aspace;
	size_t size = ALIGN_UP(len, PAGE_SIZE);
	uaddr_t end = addr + size;
	struct vma_span s;
	int err = 0;
	bool hole = false;

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || (addr & ~PAGE_MASK) ||
	    ((flags & MS_ASYNC) && (flags & MS_SYNC)))
		return -EINVAL;
	if (end < addr || (len && !size))
		return -ENOMEM;
	for (; addr < end && !err; addr = s.end) {
		if (!span_get(as, addr, end, &s))
			return -ENOMEM;
		hole |= s.start > addr;
		if ((flags & MS_INVALIDATE) && (s.flags & VMA_LOCKED))
			err = -EBUSY;
		else if ((flags & MS_SYNC) && (s.flags & VMA_SHARED))
			err = sync_span(&s);
		span_put(&s);
	}
	return err ? err : hole ? -ENOMEM : 0;
}

/*
 * Where files lie on their device: FS_IOC_FIEMAP, FIBMAP. Source: Linux's Documentation/
 * filesystems/fiemap.rst.
 */
#include "fs/fiemap.h"

#include "kernel/signal.h"
#include "kernel/thread.h"
#include "mm/pagecache.h"
#include "mm/usercopy.h"

/* What has been found, and where it goes. The last run waits, to be told that it is the last. */
struct listing {
	struct fiemap head;
	uaddr_t to; /* the array behind it in user memory */
	uint32_t bits;
	uint64_t at; /* block of the file where the run begins */
	struct file_run run;
};

/* The run that waits goes to the user, or is only counted: 0; 1: there is room for no more. */
static int extent_put(struct listing *l, uint32_t flags)
{
	struct fiemap *h = &l->head;
	struct fiemap_extent e = {
		.fe_logical = l->at << l->bits,
		.fe_physical = (uint64_t)l->run.block << l->bits,
		.fe_length = l->run.count << l->bits,
		.fe_flags = l->run.flags | flags,
	};

	if (!l->run.block)
		return 0;
	if (!h->fm_extent_count) {
		h->fm_mapped_extents++;
		return 0;
	}
	if (h->fm_mapped_extents == h->fm_extent_count)
		return 1;
	if (copy_to_user(l->to + h->fm_mapped_extents * sizeof(e), &e, sizeof(e)))
		return -EFAULT;
	return ++h->fm_mapped_extents == h->fm_extent_count;
}

/* Blocks [at, end) of the file. inode->lock held. */
static int runs_list(struct listing *l, struct inode *inode, uint64_t at, uint64_t end)
{
	struct file_run run;
	int err = 0;

	for (; at < end && !err; at += run.count) {
		err = signal_fatal_pending() ? -EINTR
					     : inode->ops->fiemap(inode, at, end - at, &run);
		if (err)
			return err;
		if (!run.block)
			continue;
		err = extent_put(l, 0);
		l->run = run;
		l->at = at;
	}
	if (err >= 0)
		err = extent_put(l, FIEMAP_EXTENT_LAST);
	return MIN(err, 0);
}

/* What is asked for makes sense: 0 or -errno. It is cut at what a file can have. */
static int request_check(struct fiemap *h, uint64_t max_size)
{
	if (!h->fm_length)
		return -EINVAL;
	if (h->fm_start >= max_size)
		return -EFBIG;
	h->fm_length = MIN(h->fm_length, max_size - h->fm_start);
	if (!(h->fm_flags & ~(uint32_t)FIEMAP_FLAG_SYNC))
		return 0;
	/* These are the ones. */
	h->fm_flags &= ~(uint32_t)FIEMAP_FLAG_SYNC;
	return -EBADR;
}

static int inode_list(struct listing *l, struct inode *inode)
{
	uint64_t mask = BIT(l->bits) - 1, start, end;
	int err = request_check(&l->head, inode->sb->max_size);

	if (err)
		return err;
	mutex_lock(&inode->lock);
	if ((l->head.fm_flags & FIEMAP_FLAG_SYNC) && inode_has_object(inode))
		err = pagecache_sync(&inode->object, 0, UINT64_MAX >> PAGE_SHIFT);
	start = l->head.fm_start;
	end = start + l->head.fm_length; /* even behind the end of the file some may be taken */
	if (!err)
		err = runs_list(l, inode, start >> l->bits, (end + mask) >> l->bits);
	mutex_unlock(&inode->lock);
	return err;
}

long fiemap_ioctl(struct file *f, uaddr_t arg)
{
	struct inode *inode = f->inode;
	struct listing l = {.to = arg + sizeof(l.head)};
	uint64_t length;
	int err;

	if (!inode->ops || !inode->ops->fiemap)
		return -EOPNOTSUPP;
	if (copy_from_user(&l.head, arg, sizeof(l.head)))
		return -EFAULT;
	if (l.head.fm_extent_count > UINT32_MAX / sizeof(struct fiemap_extent))
		return -EINVAL;
	l.head.fm_mapped_extents = 0;
	l.bits = (uint32_t)ctz64(inode->sb->block_size);
	length = l.head.fm_length;
	err = inode_list(&l, inode);
	l.head.fm_length = length;
	return copy_to_user(arg, &l.head, sizeof(l.head)) ? -EFAULT : err;
}

long fibmap_ioctl(struct file *f, uaddr_t arg)
{
	struct inode *inode = f->inode;
	uint32_t at, block = 0;
	uint64_t run;
	int err = 0;

	if (!cred_capable(CAP_SYS_RAWIO))
		return -EPERM;
	if (get_user_u32(&at, arg))
		return -EFAULT;
	if ((int32_t)at < 0)
		return -EINVAL;
	if (!inode->ops->map)
		err = -EINVAL;
	mutex_lock(&inode->lock);
	/* What lies behind what a file can have is a hole, too. */
	if (!err && at < inode->sb->max_size / inode->sb->block_size)
		(void)inode->ops->map(inode, at, 1, &block, &run);
	mutex_unlock(&inode->lock);
	if (put_user_u32(arg, block))
		return -EFAULT;
	return block > INT32_MAX ? -ERANGE : err;
}

/*
 * Block devices as open files: their raw contents through the device's own page cache.
 */
#include <stdatomic.h>

#include "drivers/block.h"
#include "fs/direct.h"
#include "fs/loop.h"
#include "fs/vfs.h"
#include "kernel/thread.h"
#include "kernel/uapi/ioctl.h"
#include "mm/pagecache.h"
#include "mm/usercopy.h"

static int blkdev_open(struct inode *inode, struct file *f)
{
	struct blockdev *d = blockdev_by_dev(inode->rdev);

	if (!d || blockdev_open(d))
		return -ENXIO;
	if ((f->flags & O_EXCL) && blockdev_claim(d)) {
		blockdev_close(d);
		loop_unused(d);
		return -EBUSY;
	}
	f->data = d;
	atomic_store(&f->error_seq, file_error_seen(&d->object));
	f->kind |= FILE_SEEK | FILE_CANREAD;
	return 0;
}

static void blkdev_release(struct file *f)
{
	struct blockdev *d = f->data;

	/* What was written is on its way before the device may be pulled or mounted. */
	if (f->kind & FILE_WRITE)
		(void)pagecache_sync(&d->object, 0, UINT32_MAX);
	if (f->flags & O_EXCL)
		blockdev_release(d);
	blockdev_close(d);
	loop_unused(d);
}

static uint64_t blkdev_size(const struct blockdev *d)
{
	return d->sectors << SECTOR_SHIFT;
}

static ssize64_t blkdev_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct blockdev *d = f->data;
	ssize64_t n;

	if (file_is_direct(f, &d->object)) {
		n = direct_read(&d->object, u, *pos);
	} else {
		if (d->ahead)
			readahead_sequential(f, &d->object, *pos, u->resid);
		n = pagecache_read(&d->object, u, *pos);
	}
	if (n > 0)
		f->ra_end = *pos += (uint64_t)n;
	return n;
}

static ssize64_t blkdev_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct blockdev *d = f->data;
	uint64_t size = blkdev_size(d), at = *pos;
	ssize64_t n;

	if (d->readonly)
		return -EPERM;
	if (u->append == UIO_APPEND)
		at = size;
	if (at >= size)
		return u->resid ? -ENOSPC : 0;
	if (u->resid > size - at)
		u->resid = size - at;
	n = file_is_direct(f, &d->object) ? direct_check(u, at) : 0;
	if (n)
		return n;
	mutex_lock(&f->inode->lock);
	n = pagecache_write(&d->object, u, at);
	mutex_unlock(&f->inode->lock);
	if (n > 0)
		*pos = at + (uint64_t)n;
	if (file_is_direct(f, &d->object))
		n = direct_written(&d->object, at, n);
	if (n > 0 && u->dsync) {
		int err = file_fsync(f, !u->sync);

		if (err)
			return err;
	}
	return n;
}

static int64_t blkdev_seek(struct file *f, int64_t offset, int whence)
{
	int64_t size = (int64_t)blkdev_size(f->data);

	if (whence == SEEK_CUR)
		offset += (int64_t)f->pos;
	else if (whence == SEEK_END)
		offset += size;
	else if (whence != SEEK_SET)
		return -EINVAL;
	return offset < 0 ? -EINVAL : offset;
}

static int blkdev_fsync(struct file *f, bool datasync)
{
	struct blockdev *d = f->data;
	int err = pagecache_sync(&d->object, 0, UINT32_MAX), err2 = file_check_error(f, &d->object);

	if (err || err2)
		return err ? err : err2;
	return blockdev_flush(d);
}

static long blkdev_flush_cache(struct blockdev *d)
{
	int err;

	if (!cred_capable(CAP_SYS_ADMIN))
		return -EACCES;
	err = pagecache_sync(&d->object, 0, UINT32_MAX);
	return err ? err : pagecache_invalidate(&d->object, 0, UINT32_MAX);
}

static long blkdev_reread(struct file *f, struct blockdev *d)
{
	if (!cred_capable(CAP_SYS_ADMIN))
		return -EACCES;
	if (!loop_has_partitions(d))
		return -EINVAL;
	/* Somebody else uses the disk as a whole. */
	if (d->claimed && !(f->flags & O_EXCL))
		return -EBUSY;
	return partitions_rescan(d);
}

static long blkdev_readonly_set(struct blockdev *d, uaddr_t arg)
{
	uint32_t ro;

	if (!cred_capable(CAP_SYS_ADMIN))
		return -EACCES;
	if (get_user_u32(&ro, arg))
		return -EFAULT;
	d->readonly = (d->readonly & BLOCKDEV_RO_DEVICE) | (ro ? BLOCKDEV_RO_ASKED : 0);
	return 0;
}

static long blkdev_ahead_set(struct blockdev *d, uint64_t sectors)
{
	if (!cred_capable(CAP_SYS_ADMIN))
		return -EACCES;
	d->ahead = (uint32_t)MIN(sectors, UINT32_MAX);
	return 0;
}

static long blkdev_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	struct blockdev *d = f->data;

	switch (cmd) {
	case BLKGETSIZE64:
		return put_user_u64(arg, blkdev_size(d));
	case BLKGETSIZE:
		return put_user_u64(arg, d->sectors);
	case BLKSSZGET:
	case BLKPBSZGET:
	case BLKIOMIN:
		return put_user_u32(arg, d->block_size);
	case BLKBSZGET:
		return put_user_u32(arg, PAGE_SIZE);
	case BLKIOOPT:
		return put_user_u32(arg, 0);
	case BLKROGET:
		return put_user_u32(arg, d->readonly != 0);
	case BLKROSET:
		return blkdev_readonly_set(d, arg);
	case BLKRAGET:
		return put_user_u64(arg, d->ahead);
	case BLKRASET:
		return blkdev_ahead_set(d, arg);
	case BLKFLSBUF:
		return blkdev_flush_cache(d);
	case BLKRRPART:
		return blkdev_reread(f, d);
	}
	return loop_ioctl(f, d, cmd, arg);
}

static struct object *blkdev_object(struct file *f)
{
	return &((struct blockdev *)f->data)->object;
}

const struct file_ops blockdev_fops = {
	.open = blkdev_open,
	.release = blkdev_release,
	.read = blkdev_read,
	.write = blkdev_write,
	.seek = blkdev_seek,
	.ioctl = blkdev_ioctl,
	.fsync = blkdev_fsync,
	.object = blkdev_object,
};

/*
 * A block device as a memory object: its raw contents by page, for /dev/vda and for the metadata
 * of file systems. And its ioctls.
 */
#include "drivers/block/bio.h"

#include "kernel/thread.h"
#include "kernel/uapi/fs.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/pagecache.h"
#include "mm/usercopy.h"

#define BATCH 16 /* frames in one bio here; neighbours are merged by the queue */

/* Bytes of page `index` that the device has; the last page may be cut short. */
static uint32_t page_bytes(const struct blockdev *d, uint64_t index)
{
	uint64_t size = d->sectors << SECTOR_SHIFT, pos = index << PAGE_SHIFT;

	return pos >= size ? 0 : (uint32_t)MIN(size - pos, PAGE_SIZE);
}

static void zero_tails(const struct blockdev *d, uint64_t index, struct frame **frames,
		       uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t len = page_bytes(d, index + i);

		if (len < PAGE_SIZE)
			memset((uint8_t *)frame_data(frames[i]) + len, 0, PAGE_SIZE - len);
	}
}

/* Up to 4 bios of BATCH frames at once. */
static int pages_transfer(struct blockdev *d, enum bio_op op, uint64_t index,
			  struct frame **frames, uint32_t n)
{
	struct bio bios[4];
	struct bio_vec vecs[4][BATCH];
	int err = 0;

	while (n && !err) {
		uint32_t count = 0;

		for (; n && count < 4; count++) {
			struct bio *b = &bios[count];
			uint32_t len;

			bio_init(b, d, op, index << (PAGE_SHIFT - SECTOR_SHIFT));
			b->vec = vecs[count];
			b->flags = BIO_SYNC;
			for (; n && b->nvec < BATCH; n--, index++, frames++) {
				len = page_bytes(d, index);
				if (len)
					b->vec[b->nvec++] =
						(struct bio_vec){frame_pa(*frames), len};
				else if (!b->nvec)
					b->sector = 0; /* all beyond the end: nothing to do */
			}
		}
		err = bio_submit_wait_all(bios, count);
	}
	return err;
}

static int raw_read_pages(struct object *o, uint64_t index, struct frame **frames, uint32_t n)
{
	struct blockdev *d = o->owner;

	zero_tails(d, index, frames, n);
	return pages_transfer(d, BIO_READ, index, frames, n);
}

static int raw_write_pages(struct object *o, uint64_t index, struct frame **frames, uint32_t n)
{
	return pages_transfer(o->owner, BIO_WRITE, index, frames, n);
}

const struct object_ops blockdev_object_ops = {
	.name = "block device",
	.read_pages = raw_read_pages,
	.write_pages = raw_write_pages,
};

static long discard_range(struct blockdev *d, uaddr_t arg)
{
	uint64_t start, len, size = d->sectors << SECTOR_SHIFT;
	struct bio b;

	if (get_user_u64(&start, arg) || get_user_u64(&len, arg + 8))
		return -EFAULT;
	if (d->readonly)
		return -EROFS;
	if (!cred_privileged())
		return -EPERM;
	if (start % SECTOR_SIZE || len % SECTOR_SIZE || !len || start > size || len > size - start)
		return -EINVAL;
	int err = pagecache_invalidate(&d->object, start >> PAGE_SHIFT,
				       (start + len - 1) >> PAGE_SHIFT);

	if (err)
		return err;
	bio_init(&b, d, BIO_DISCARD, start >> SECTOR_SHIFT);
	b.sectors = len >> SECTOR_SHIFT;
	return bio_submit_wait(&b);
}

long blockdev_ioctl(struct blockdev *d, uint32_t cmd, uint64_t arg)
{
	int err;

	switch (cmd) {
	case BLKGETSIZE64:
		return put_user_u64(arg, d->sectors << SECTOR_SHIFT);
	case BLKGETSIZE:
		return put_user_u64(arg, d->sectors);
	case BLKSSZGET:
	case BLKPBSZGET:
		return put_user_u32(arg, d->block_size);
	case BLKBSZGET:
		return put_user_u32(arg, PAGE_SIZE);
	case BLKROGET:
		return put_user_u32(arg, d->readonly);
	case BLKFLSBUF:
		if (!cred_privileged())
			return -EACCES;
		err = pagecache_sync(&d->object, 0, UINT64_MAX);
		return err ? err : blockdev_flush(d);
	case BLKDISCARD:
		return discard_range(d, arg);
	default:
		return -ENOTTY;
	}
}

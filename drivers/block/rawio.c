/*
 * A block device as a memory object: its raw contents by page, for /dev/vda and for the metadata
 * of file systems.
 */
#include "drivers/block/bio.h"

#include "lib/string.h"
#include "mm/frame.h"
#include "mm/object.h"

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

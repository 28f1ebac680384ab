/*
 * Metadata blocks. Each volume has a memory object with one frame for each block, whatever its
 * size: pages of the device itself would not do, since a page of four small blocks can hold both
 * metadata and a file's data, and writing it back for the one would put stale bytes over the
 * other.
 */
#include "fs/buf.h"

#include "drivers/block.h"
#include "fs/jbd2/jbd2.h"
#include "fs/pageio.h"
#include "fs/vfs.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/pagecache.h"

static int meta_io(struct object *o, uint64_t index, struct frame **frames, uint32_t n,
		   enum bio_op op)
{
	struct super_block *sb = o->owner;
	struct pageio io;
	int err = 0, err2;

	pageio_begin(&io, sb->bdev, op);
	for (uint32_t i = 0; i < n && !err; i++)
		err = pageio_add(&io, (index + i) * (sb->block_size >> SECTOR_SHIFT),
				 frame_pa(frames[i]), sb->block_size);
	err2 = pageio_finish(&io);
	return err ? err : err2;
}

static int meta_read(struct object *o, uint64_t index, struct frame **frames, uint32_t n)
{
	return meta_io(o, index, frames, n, BIO_READ);
}

static int meta_write(struct object *o, uint64_t index, struct frame **frames, uint32_t n)
{
	struct super_block *sb = o->owner;
	int err = meta_io(o, index, frames, n, BIO_WRITE);

	if (err && sb->ops->write_failed)
		sb->ops->write_failed(sb, err);
	return err;
}

static const struct object_ops meta_ops = {
	.name = "metadata",
	.read_pages = meta_read,
	.write_pages = meta_write,
};

void buf_init(struct super_block *sb, uint64_t blocks)
{
	object_init(&sb->meta, &meta_ops, sb, blocks << PAGE_SHIFT);
}

void buf_destroy(struct super_block *sb)
{
	object_destroy(&sb->meta);
}

/*
 * The page cache lets the dying go while somebody else reads a block. They must wait, too: they
 * free their files, and what they leave half done is damage.
 */
static struct frame *block_get(struct super_block *sb, uint64_t block, int *err)
{
	for (;;) {
		struct frame *f = pagecache_get(&sb->meta, block, err);

		if (f || *err != -EINTR)
			return f;
		f = pagecache_find(&sb->meta, block);
		if (f) {
			(void)frame_wait(f, FRAME_BUSY, WAIT_UNINTERRUPTIBLE);
			frame_put(f);
		}
	}
}

int buf_read(struct super_block *sb, uint64_t block, struct buf *b)
{
	int err = 0;

	*b = (struct buf){.sb = sb, .block = block};
	if (block >= atomic_load(&sb->meta.size) >> PAGE_SHIFT)
		return -EIO;
	b->frame = block_get(sb, block, &err);
	if (!b->frame)
		return err ? err : -EIO;
	b->data = frame_data(b->frame);
	return 0;
}

int buf_peek(struct super_block *sb, uint64_t block, struct buf *b)
{
	struct frame *f = pagecache_find(&sb->meta, block);

	*b = (struct buf){.sb = sb, .block = block};
	if (!f)
		return -EAGAIN;
	if (frame_has(f, FRAME_BUSY)) {
		frame_put(f);
		return -EAGAIN;
	}
	b->frame = f;
	b->data = frame_data(f);
	return 0;
}

void buf_ahead(struct super_block *sb, uint64_t block)
{
	pagecache_readahead(&sb->meta, block, 1);
}

int buf_zero(struct super_block *sb, uint64_t block, struct buf *b)
{
	struct frame *f = NULL;
	int err;

	/* What is not cached need not be read. */
	if (block < atomic_load(&sb->meta.size) >> PAGE_SHIFT)
		f = pagecache_add(&sb->meta, block, FRAME_NOFS, &err);
	if (f) {
		/* Ours, so that it is not reclaimed and read after all. */
		frame_get(f);
		memset(frame_data(f), 0, PAGE_SIZE);
		frame_done(f, FRAME_BUSY);
	}
	err = buf_read(sb, block, b);
	if (f)
		frame_put(f);
	if (err)
		return err;
	buf_modify(b);
	if (!f)
		memset(b->data, 0, sb->block_size);
	buf_dirty(b);
	return 0;
}

void buf_modify(struct buf *b)
{
	if (b->sb->journal)
		journal_modify(b->sb->journal, b);
}

void buf_dirty(struct buf *b)
{
	/* What joined a transaction is written when that is committed. */
	if (!b->sb->journal)
		pagecache_dirty(&b->sb->meta, b->frame);
}

int buf_sync(struct buf *b)
{
	return pagecache_sync(&b->sb->meta, b->block, b->block);
}

int buf_sync_all(struct super_block *sb)
{
	return pagecache_sync(&sb->meta, 0, UINT32_MAX);
}

void buf_put(struct buf *b)
{
	if (b->frame)
		frame_put(b->frame);
	b->frame = NULL;
}

void buf_forget(struct super_block *sb, uint64_t block)
{
	if (sb->journal)
		journal_forget(sb->journal, block);
	(void)pagecache_invalidate(&sb->meta, block, block);
}

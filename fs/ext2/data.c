/*
 * Contents of regular files: pages between the page cache and their blocks, in requests as long
 * as the blocks lie one behind the other.
 */
#include <stdatomic.h>

#include "drivers/block.h"
#include "fs/ext2/ext2.h"
#include "fs/flags.h"
#include "fs/jbd2/jbd2.h"
#include "fs/pageio.h"
#include "kernel/thread.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/pagecache.h"

/* Blocks [at, end) of the file lie in the frames, of which the first has index `first`. */
struct span {
	struct ext2_inode *ei;
	struct frame **frames;
	uint64_t first; /* block where frames[0] begins */
};

static char *span_data(const struct span *s, uint64_t lblk, paddr_t *pa)
{
	uint32_t bits = ext2_fs(s->ei->vfs.sb)->block_bits;
	uint64_t offset = (lblk - s->first) << bits;
	struct frame *f = s->frames[offset >> PAGE_SHIFT];

	*pa = frame_pa(f) + (offset & (PAGE_SIZE - 1));
	return (char *)frame_data(f) + (offset & (PAGE_SIZE - 1));
}

/* Move blocks [at, end); holes are zeros to a reader and nothing to a writer. */
static int span_move(struct span *s, struct pageio *io, uint64_t at, uint64_t end)
{
	struct ext2_fs *fs = ext2_fs(s->ei->vfs.sb);
	uint32_t pblk, sectors = fs->block_size >> SECTOR_SHIFT;
	uint64_t run;
	int err = 0;

	while (at < end && !err) {
		err = ext2_map(s->ei, at, end - at, false, &pblk, &run);
		if (err)
			break;
		for (; run; run--, at++) {
			paddr_t pa;
			char *data = span_data(s, at, &pa);

			if (pblk)
				err = pageio_add(io, (uint64_t)pblk++ * sectors, pa,
						 fs->block_size);
			else if (io->op == BIO_READ)
				memset(data, 0, fs->block_size);
			if (err)
				break;
		}
	}
	return err;
}

static int pages_move(struct object *o, uint64_t index, struct frame **frames, uint32_t n,
		      enum bio_op op)
{
	struct inode *inode = o->owner;
	struct ext2_fs *fs = ext2_fs(inode->sb);
	uint32_t shift = PAGE_SHIFT - fs->block_bits;
	struct span s = {ext2_i(inode), frames, index << shift};
	uint64_t size = atomic_load(&o->size), end = (index + n) << shift;
	uint64_t blocks = (size + fs->block_size - 1) >> fs->block_bits, stop;
	struct pageio io;
	int err, err2;

	stop = MAX(MIN(end, blocks), s.first);
	pageio_begin(&io, inode->sb->bdev, op);
	err = span_move(&s, &io, s.first, stop);
	err2 = pageio_finish(&io);
	if (err || err2)
		return err ? err : err2;
	if (op != BIO_READ)
		return 0;
	for (uint64_t at = stop; at < end; at++) {
		paddr_t pa;

		memset(span_data(&s, at, &pa), 0, fs->block_size);
	}
	/* What the disk has behind the end within the last block was never the file's. */
	if (stop > s.first && stop == blocks && size & (fs->block_size - 1)) {
		paddr_t pa;
		uint32_t used = size & (fs->block_size - 1);

		memset(span_data(&s, stop - 1, &pa) + used, 0, fs->block_size - used);
	}
	return 0;
}

static int ext2_read_pages(struct object *o, uint64_t index, struct frame **frames, uint32_t n)
{
	return pages_move(o, index, frames, n, BIO_READ);
}

static void ext2_map_pages_ahead(struct object *o, uint64_t index)
{
	struct inode *inode = o->owner;

	ext2_map_ahead(ext2_i(inode), index << (PAGE_SHIFT - ext2_fs(inode->sb)->block_bits));
}

static int ext2_write_pages(struct object *o, uint64_t index, struct frame **frames, uint32_t n)
{
	/* What a mapping stored just before it was a swap area must not spoil what is there now. */
	if (inode_is_swap(o->owner))
		return -ETXTBSY;
	return pages_move(o, index, frames, n, BIO_WRITE);
}

static __slow int block_map(struct inode *inode, uint64_t lblk)
{
	uint32_t pblk;
	uint64_t run;

	return ext2_map(ext2_i(inode), lblk, 1, true, &pblk, &run);
}

static inline int block_make(struct inode *inode, uint64_t lblk)
{
	return likely(ext2_window_take(ext2_i(inode), lblk)) ? 0 : block_map(inode, lblk);
}

static inline int blocks_make(struct inode *inode, uint64_t from, uint64_t to)
{
	uint32_t bits = ext2_fs(inode->sb)->block_bits;
	uint64_t b = from >> bits, last = (to - 1) >> bits;
	int err = block_make(inode, b);

	while (b++ < last && !err)
		err = block_make(inode, b);
	return err;
}

/* By a fault. What has got a block is dirty before its transaction can be committed. */
static __slow int fault_make(struct object *o, uint64_t index, uint64_t from, uint64_t to)
{
	struct inode *inode = o->owner;
	struct frame *f;
	int err = ext2_begin(ext2_fs(inode->sb), EXT2_CREDITS_BLOCK);

	if (err)
		return err;
	err = blocks_make(inode, from, to);
	f = err ? NULL : pagecache_find(o, index);
	if (!err)
		inode_touch(inode);
	if (f) {
		pagecache_dirty(o, f);
		frame_put(f);
	}
	ext2_end(ext2_fs(inode->sb));
	return err;
}

static int ext2_make_writable(struct object *o, uint64_t index, uint32_t from, uint32_t to)
{
	struct inode *inode = o->owner;
	uint64_t base = index << PAGE_SHIFT;

	/* A shared mapping of a volume that turned read-only. */
	if (unlikely(atomic_load_explicit(&inode->sb->readonly, memory_order_relaxed)))
		return -EROFS;
	if (inode_has(inode, INODE_SWAP | INODE_IMMUTABLE))
		return inode_is_swap(inode) ? -ETXTBSY : -EPERM;
	if (likely(current()->handle.in))
		return blocks_make(inode, base + from, base + to);
	if (!inode->sb->journal) {
		/* A store through a mapping; write(2) sees to the times itself. */
		if (!mutex_held(&inode->lock))
			inode_touch(inode);
		return blocks_make(inode, base + from, base + to);
	}
	return fault_make(o, index, base + from, base + to);
}

/* Of a file that becomes so large that the volume's features have to say it. */
static __slow int write_begin_large(struct ext2_fs *fs)
{
	int err = ext2_begin(fs, EXT2_CREDITS_BLOCK);

	if (!err)
		ext2_need_large_file(fs);
	return err;
}

static int ext2_write_begin(struct object *o, uint64_t end)
{
	struct inode *inode = o->owner;
	struct ext2_fs *fs = ext2_fs(inode->sb);

	return unlikely(end > INT32_MAX) ? write_begin_large(fs)
					 : ext2_begin(fs, EXT2_CREDITS_BLOCK);
}

static void ext2_write_end(struct object *o)
{
	const struct inode *inode = o->owner;

	ext2_end(ext2_fs(inode->sb));
}

const struct object_ops ext2_object_ops = {
	.name = "ext2",
	.read_pages = ext2_read_pages,
	.map_ahead = ext2_map_pages_ahead,
	.write_begin = ext2_write_begin,
	.write_end = ext2_write_end,
	.make_writable = ext2_make_writable,
	.write_pages = ext2_write_pages,
};

bool ext2_can_overwrite(const struct inode *inode, uint64_t pos, size_t n)
{
	const struct ext2_inode *ei = container_of(inode, struct ext2_inode, vfs);
	uint32_t bits = ext2_fs(inode->sb)->block_bits;

	/* Blocks are taken away under the inode's lock only. */
	return atomic_load_explicit(&ei->ready, memory_order_relaxed) == (pos >> bits) + 1 &&
	       (pos + n - 1) >> bits == pos >> bits && pos + n <= INT32_MAX &&
	       !atomic_load_explicit(&inode->sb->readonly, memory_order_relaxed);
}

int ext2_file_map(struct inode *inode, uint64_t at, uint64_t max, uint32_t *block, uint64_t *run)
{
	return ext2_map(ext2_i(inode), at, max, false, block, run);
}

void ext2_write_cut(struct inode *inode)
{
	struct ext2_fs *fs = ext2_fs(inode->sb);
	uint64_t size = inode_size(inode);

	(void)ext2_map_trim(ext2_i(inode), (size + fs->block_size - 1) >> fs->block_bits);
}

/* What changed the inode is in the log, or where it belongs. */
static int metadata_sync(struct inode *inode, bool datasync)
{
	struct ext2_inode *ei = ext2_i(inode);
	struct journal *j = inode->sb->journal;
	bool done = true;
	int err;

	if (j)
		err = journal_commit_tid(j, datasync ? ei->datasync_tid : ei->tid, &done);
	else
		err = atomic_load(&ext2_fs(inode->sb)->failed) ? -EROFS : buf_sync_all(inode->sb);
	/* A commit has flushed the data too. */
	return err || !done ? err : blockdev_flush(inode->sb->bdev);
}

static int ext2_fsync(struct file *f, bool datasync)
{
	struct inode *inode = f->inode;
	int err, err2;

	err = inode_sync(inode, datasync);
	err2 = file_check_error(f, &inode->object);
	if (!err)
		err = err2;
	err2 = metadata_sync(inode, datasync);
	return err ? err : err2;
}

/* Where data begins or ends, for SEEK_DATA and SEEK_HOLE. */
static int64_t seek_data(struct inode *inode, uint64_t at, bool data)
{
	uint32_t bits = ext2_fs(inode->sb)->block_bits, pblk;
	uint64_t size = inode_size(inode), run;

	while (at < size) {
		int err = ext2_map(ext2_i(inode), at >> bits,
				   ((size - 1) >> bits) + 1 - (at >> bits), false, &pblk, &run);

		if (err)
			return err;
		if ((pblk != 0) == data)
			return (int64_t)at;
		at = ((at >> bits) + run) << bits;
	}
	return data ? -ENXIO : (int64_t)size;
}

static int64_t ext2_seek(struct file *f, int64_t offset, int whence)
{
	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return file_seek_simple(f, offset, whence);
	if (offset < 0 || (uint64_t)offset >= inode_size(f->inode))
		return -ENXIO;
	return seek_data(f->inode, (uint64_t)offset, whence == SEEK_DATA);
}

const struct file_ops ext2_file_fops = {
	.read = file_read_pages,
	.write = file_write_pages,
	.seek = ext2_seek,
	.fsync = ext2_fsync,
	.fallocate = ext2_fallocate,
	.object = file_inode_object,
};

const struct file_ops ext2_dir_fops = {
	.readdir = ext2_readdir,
	.fsync = ext2_fsync,
};

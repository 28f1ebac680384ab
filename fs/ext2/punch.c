/*
 * Punching holes: blocks in the middle of a file are freed and read as zeros.
 */
#include "fs/ext2/ext2.h"
#include "fs/flags.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/pagecache.h"

/* Bytes [from, to) of one page become zeros. inode->lock held. */
static int part_zero(struct inode *inode, uint64_t from, uint64_t to)
{
	struct frame *f;
	int err = 0;

	if (from >= to)
		return 0;
	f = pagecache_get(&inode->object, from >> PAGE_SHIFT, &err);
	if (!f)
		return err ? err : -EIO;
	memset((char *)frame_data(f) + (from & (PAGE_SIZE - 1)), 0, to - from);
	pagecache_dirty(&inode->object, f);
	frame_put(f);
	return 0;
}

/*
 * Zero the range in the pages at its two ends; on the device too, after which a mapping has to ask
 * (make_writable) before it stores into them again.
 */
static int ends_zero(struct inode *inode, uint64_t from, uint64_t to)
{
	uint64_t first = ALIGN_UP(from, PAGE_SIZE), last = ALIGN_DOWN(to, PAGE_SIZE);
	int err;

	err = part_zero(inode, from, MIN(first, to));
	if (!err && last >= first)
		err = part_zero(inode, last, to);
	if (!err)
		err = pagecache_sync(&inode->object, from >> PAGE_SHIFT, from >> PAGE_SHIFT);
	if (!err)
		err = pagecache_sync(&inode->object, to >> PAGE_SHIFT, to >> PAGE_SHIFT);
	return err;
}

static int hole_punch(struct inode *inode, uint64_t from, uint64_t to)
{
	struct ext2_fs *fs = ext2_fs(inode->sb);
	uint64_t first = ALIGN_UP(from, PAGE_SIZE), last = ALIGN_DOWN(to, PAGE_SIZE);
	int err;

	err = ends_zero(inode, from, to);
	if (!err && first < last)
		err = pagecache_invalidate(&inode->object, first >> PAGE_SHIFT,
					   (last >> PAGE_SHIFT) - 1);
	first = (from + fs->block_size - 1) >> fs->block_bits;
	last = to >> fs->block_bits;
	if (!err && first < last)
		err = ext2_map_remove(ext2_i(inode), first, last);
	inode_drop_setid(inode);
	inode_touch(inode);
	return err;
}

int ext2_fallocate(struct file *f, int mode, uint64_t offset, uint64_t len)
{
	struct inode *inode = f->inode;
	uint64_t size;
	int err = 0;

	mutex_lock(&inode->lock);
	size = inode_size(inode);
	/* Blocks that are not written yet cannot be told from others in a block map. */
	if (inode_is_swap(inode))
		err = -ETXTBSY;
	else if (!(mode & FALLOC_FL_PUNCH_HOLE))
		err = -EOPNOTSUPP;
	else if (inode_has(inode, INODE_IMMUTABLE | INODE_APPEND))
		err = -EPERM;
	/* Behind the end there is nothing; with it goes the rest of the last block. */
	else if (offset < size)
		err = hole_punch(inode, offset,
				 offset + len < size ? offset + len
						     : ALIGN_UP(size, PAGE_SIZE));
	mutex_unlock(&inode->lock);
	return err;
}

/*
 * Extent trees, as ext4 has them in place of the block map: read, never changed. Source: the ext4
 * documentation of the Linux kernel ("Extent Tree").
 */
#include "fs/ext2/ext2.h"
#include "fs/fiemap.h"

/* A node on the way down: its slots, and which part of the file it may speak of. */
struct node {
	const struct ext2_extent_header *head;
	uint64_t end; /* the first block that is a later node's */
};

static int damaged(struct ext2_inode *ei, const char *what)
{
	return ext2_error(ext2_fs(ei->vfs.sb), "inode %lu: %s", (unsigned long)ei->vfs.ino, what);
}

/* Does the header fit into a node of `size` bytes? A tree gets lower with each step down. */
static bool head_sound(const struct ext2_extent_header *head, uint32_t size, uint32_t depth)
{
	return head->magic == EXT2_EXTENT_MAGIC && head->depth == depth &&
	       head->entries <= head->max &&
	       head->max <= (size - sizeof(*head)) / sizeof(struct ext2_extent);
}

/* The last slot that begins at or before lblk, or -1. All kinds begin with their first block. */
static int64_t slot_find(const struct ext2_extent_header *head, uint64_t lblk)
{
	const struct ext2_extent *slot = (const void *)(head + 1);
	uint32_t low = 0, high = head->entries;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (slot[middle].block <= lblk)
			low = middle + 1;
		else
			high = middle;
	}
	return (int64_t)low - 1;
}

/* Where the slot behind i begins, but not beyond the node's own end. */
static uint64_t next_begin(const struct node *n, int64_t i)
{
	const struct ext2_extent *slot = (const void *)(n->head + 1);

	return i + 1 < n->head->entries ? MIN(n->end, slot[i + 1].block) : n->end;
}

static int leaf_map(struct ext2_inode *ei, const struct node *n, uint64_t lblk, uint64_t max,
		    struct file_run *run)
{
	const struct ext2_fs *fs = ext2_fs(ei->vfs.sb);
	int64_t i = slot_find(n->head, lblk);
	const struct ext2_extent *e = (const struct ext2_extent *)(n->head + 1);
	uint64_t end = next_begin(n, i), length;

	run->block = run->flags = 0;
	run->count = MIN(max, end > lblk ? end - lblk : 1);
	if (i < 0)
		return 0;
	e += i;
	length = e->length;
	if (length > EXT2_EXTENT_LENGTH_MAX)
		length -= EXT2_EXTENT_LENGTH_MAX;
	if (!length || e->block + length > end || e->start_high ||
	    !ext2_block_valid(fs, e->start) || length > fs->blocks_count - e->start)
		return damaged(ei, "impossible extent");
	if (lblk - e->block >= length)
		return 0;
	run->count = MIN(max, length - (lblk - e->block));
	run->block = e->start + (uint32_t)(lblk - e->block);
	run->flags = e->length > EXT2_EXTENT_LENGTH_MAX ? FIEMAP_EXTENT_UNWRITTEN : 0;
	return 0;
}

int ext2_extent_find(struct ext2_inode *ei, uint64_t lblk, uint64_t max, struct file_run *run)
{
	struct ext2_fs *fs = ext2_fs(ei->vfs.sb);
	struct node n = {.head = (const void *)ei->block, .end = UINT64_C(1) << 32};
	struct buf b = {.frame = NULL}, next;
	uint32_t depth = n.head->depth;
	int err = 0;

	if (lblk >= n.end)
		return -EFBIG;
	if (depth > EXT2_EXTENT_DEPTH_MAX || !head_sound(n.head, sizeof(ei->block), depth))
		return damaged(ei, "impossible extent tree");
	while (depth && !err) {
		int64_t i = slot_find(n.head, lblk);
		const struct ext2_extent_index *x = (const void *)(n.head + 1);

		if (i < 0) {
			run->block = run->flags = 0;
			run->count = MIN(max, next_begin(&n, i) - lblk);
			break;
		}
		n.end = next_begin(&n, i);
		if (n.end <= lblk || x[i].leaf_high || !ext2_block_valid(fs, x[i].leaf)) {
			err = damaged(ei, "impossible block in its extent tree");
			break;
		}
		err = buf_read(fs->sb, x[i].leaf, &next);
		if (err)
			break;
		buf_put(&b);
		b = next;
		n.head = b.data;
		if (!head_sound(n.head, fs->block_size, --depth))
			err = damaged(ei, "impossible node in its extent tree");
		else
			err = ext2_sum_extents(ei, n.head);
	}
	if (!err && !depth)
		err = leaf_map(ei, &n, lblk, max, run);
	buf_put(&b);
	return err;
}

int ext2_extent_map(struct ext2_inode *ei, uint64_t lblk, uint64_t max, uint32_t *pblk,
		    uint64_t *run)
{
	struct file_run found;
	int err = ext2_extent_find(ei, lblk, max, &found);

	if (err)
		return err;
	/* What is not written yet reads as zeros. */
	*pblk = found.flags & FIEMAP_EXTENT_UNWRITTEN ? 0 : found.block;
	*run = found.count;
	return 0;
}

int ext2_fiemap(struct inode *inode, uint64_t at, uint64_t max, struct file_run *run)
{
	struct ext2_inode *ei = ext2_i(inode);
	int err;

	if (!(ei->flags & EXT2_EXTENTS_FL)) {
		/* Found block by block in a map. */
		run->flags = FIEMAP_EXTENT_MERGED;
		return ext2_map(ei, at, max, false, &run->block, &run->count);
	}
	mutex_lock(&ei->map_lock);
	err = ext2_extent_find(ei, at, max, run);
	mutex_unlock(&ei->map_lock);
	return err;
}

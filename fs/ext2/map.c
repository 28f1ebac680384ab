/*
 * A file's block map: twelve direct block numbers in the inode, then trees of one, two and three
 * levels of blocks full of numbers. 0 is a hole.
 */
#include <stdatomic.h>

#include "fs/ext2/ext2.h"
#include "lib/string.h"

#define LEVELS_MAX 4

/* The way from the inode's array to block lblk. */
struct way {
	uint32_t depth;		    /* of offsets: 1 direct .. 4 triple indirect */
	uint32_t offset[LEVELS_MAX];
};

uint64_t ext2_max_size(const struct ext2_fs *fs)
{
	uint64_t n = fs->ptrs, blocks = EXT2_NDIR + n + n * n + n * n * n;
	uint64_t by_map = blocks << fs->block_bits;
	/* The inode counts 512-byte blocks in 32 bits, those of the map included. */
	uint64_t by_count = (UINT64_C(1) << 41) - (UINT64_C(1) << 33);

	if (fs->extents)
		return ((UINT64_C(1) << 32) - 1) << fs->block_bits;
	return MIN(by_map, by_count);
}

static int way_find(const struct ext2_fs *fs, uint64_t lblk, struct way *w)
{
	uint64_t span = fs->ptrs;
	uint32_t bits = fs->ptr_bits, mask = fs->ptrs - 1;

	if (lblk < EXT2_NDIR) {
		w->depth = 1;
		w->offset[0] = (uint32_t)lblk;
		return 0;
	}
	lblk -= EXT2_NDIR;
	for (uint32_t level = 1; level < LEVELS_MAX; level++) {
		if (lblk < span) {
			w->depth = level + 1;
			w->offset[0] = EXT2_NDIR + level - 1;
			for (uint32_t i = 1; i <= level; i++)
				w->offset[i] = (uint32_t)(lblk >> (bits * (level - i))) & mask;
			return 0;
		}
		lblk -= span;
		span <<= bits;
	}
	return -EFBIG;
}

/* Where a new block of the file should lie: behind its predecessor. */
static uint32_t goal_find(struct ext2_inode *ei, uint64_t lblk, const uint32_t *slot,
			  const uint32_t *array)
{
	const struct ext2_fs *fs = ext2_fs(ei->vfs.sb);

	if (ei->window.pblk && ei->window.lblk == lblk)
		return ei->window.pblk;
	while (slot-- > array) {
		if (*slot)
			return *slot + 1;
	}
	return fs->first_data_block + ei->group * fs->blocks_per_group;
}

/*
 * Give *slot, which is empty, a block; index: it is to hold block numbers, all zero. in: the index
 * block where the slot is, or nothing: in the inode.
 */
static int slot_fill(struct ext2_inode *ei, uint32_t *slot, uint64_t lblk, const struct buf *in,
		     bool index)
{
	struct ext2_fs *fs = ext2_fs(ei->vfs.sb);
	const uint32_t *array = in->frame ? in->data : ei->block;
	uint32_t room = (array == ei->block ? EXT2_NDIR : fs->ptrs) - (uint32_t)(slot - array);
	uint32_t block, n = index ? 1 : ext2_window_want(ei, lblk, slot, room);
	struct buf b;
	int err;

	/* What it was opened for may be the slot's. */
	ext2_window_close(ei);
	err = ext2_blocks_alloc(fs, goal_find(ei, lblk, slot, array), &block, &n);
	if (err)
		return err;
	if (index) {
		err = buf_zero(ei->vfs.sb, block, &b);
		if (err) {
			(void)ext2_blocks_free(fs, block, 1);
			return err;
		}
		buf_put(&b);
	}
	*slot = block;
	ei->vfs.blocks += fs->block_size >> 9;
	if (!index && S_ISREG(ei->vfs.mode))
		ext2_inode_ordered(ei);
	/* It will be written with this transaction, which also closes a window. */
	ext2_inode_changed(&ei->vfs, true);
	/* Behind an index block the data goes on. */
	ext2_window_open(ei, index ? lblk : lblk + 1, block + 1, n - 1, slot + 1,
			 in->frame);
	return 0;
}

/* How many of the slots from p on, at most max, go on as the first one begins. */
static uint64_t run_length(const uint32_t *p, uint64_t max)
{
	uint64_t n = 1;

	while (n < max && p[n] == (p[0] ? p[0] + n : 0))
		n++;
	return n;
}

static int map_locked(struct ext2_inode *ei, uint64_t lblk, uint64_t max, bool create,
		      uint32_t *pblk, uint64_t *run)
{
	struct ext2_fs *fs = ext2_fs(ei->vfs.sb);
	struct buf b = {.frame = NULL}, next;
	uint32_t *array = ei->block, *slot, level;
	struct way w;
	int err = way_find(fs, lblk, &w);

	if (err)
		return err;
	for (level = 0;; level++) {
		bool leaf = level + 1 == w.depth;

		slot = array + w.offset[level];
		if (!*slot && create) {
			if (b.frame)
				buf_modify(&b);
			err = slot_fill(ei, slot, lblk, &b, !leaf);
			if (err)
				break;
			if (b.frame)
				buf_dirty(&b);
		}
		if (!*slot && !leaf) {
			/* A hole as wide as what this slot would span, less what lies before. */
			uint32_t bits = fs->ptr_bits * (w.depth - 1 - level);
			uint64_t span = UINT64_C(1) << bits, rel = 0;

			for (uint32_t i = level + 1; i < w.depth; i++)
				rel = rel << fs->ptr_bits | w.offset[i];
			*pblk = 0;
			*run = MIN(max, span - rel);
			break;
		}
		if (*slot && !ext2_block_valid(fs, *slot)) {
			err = ext2_error(fs, "inode %lu has impossible block %u",
					 (unsigned long)ei->vfs.ino, *slot);
			break;
		}
		if (leaf) {
			uint32_t end = level ? fs->ptrs : EXT2_NDIR;

			*pblk = *slot;
			*run = run_length(slot, MIN(max, end - w.offset[level]));
			break;
		}
		err = buf_read(ei->vfs.sb, *slot, &next);
		if (err)
			break;
		buf_put(&b);
		b = next;
		array = b.data;
	}
	buf_put(&b);
	return err;
}

/* A run looked up before, if lblk lies in it. */
static bool run_hit(struct ext2_inode *ei, uint64_t lblk, uint64_t max, uint32_t *pblk,
		    uint64_t *run)
{
	if (lblk - ei->run_lblk >= ei->run_len)
		return false;
	*pblk = ei->run_pblk + (uint32_t)(lblk - ei->run_lblk);
	*run = MIN(max, ei->run_len - (lblk - ei->run_lblk));
	return true;
}

int ext2_map(struct ext2_inode *ei, uint64_t lblk, uint64_t max, bool create, uint32_t *pblk,
	     uint64_t *run)
{
	const struct ext2_fs *fs = ext2_fs(ei->vfs.sb);
	int err = 0;

	mutex_lock(&ei->map_lock);
	if (run_hit(ei, lblk, max, pblk, run))
		goto out;
	if (!(ei->flags & EXT2_EXTENTS_FL))
		err = map_locked(ei, lblk, max, create, pblk, run);
	else
		err = create ? -EROFS : ext2_extent_map(ei, lblk, max, pblk, run);
	if (err)
		goto out;
	if (*pblk && *pblk + *run > fs->blocks_count) {
		err = ext2_error(fs->sb->data, "inode %lu has blocks beyond the end",
				 (unsigned long)ei->vfs.ino);
	} else if (*pblk) {
		ei->run_lblk = (uint32_t)lblk;
		ei->run_pblk = *pblk;
		ei->run_len = (uint32_t)*run;
	}
out:
	if (create && !err)
		atomic_store_explicit(&ei->ready, lblk + 1, memory_order_relaxed);
	mutex_unlock(&ei->map_lock);
	return err;
}

/* The first index block on the way to lblk that is not in memory; 0: none. (map_lock) */
static uint32_t index_missing(struct ext2_inode *ei, uint64_t lblk)
{
	struct ext2_fs *fs = ext2_fs(ei->vfs.sb);
	struct buf b = {.frame = NULL}, next;
	uint32_t block = 0, *array = ei->block;
	struct way w;

	if (way_find(fs, lblk, &w))
		return 0;
	for (uint32_t level = 0; level + 1 < w.depth; level++) {
		block = array[w.offset[level]];
		if (!block || !ext2_block_valid(fs, block)) {
			block = 0;
			break;
		}
		if (buf_peek(ei->vfs.sb, block, &next))
			break;
		buf_put(&b);
		b = next;
		array = b.data;
		block = 0;
	}
	buf_put(&b);
	return block;
}

void ext2_map_ahead(struct ext2_inode *ei, uint64_t lblk)
{
	/* An extent spans more than is read ahead. */
	if (ei->flags & EXT2_EXTENTS_FL)
		return;
	for (uint32_t i = 1; i < LEVELS_MAX; i++) {
		uint32_t block;

		mutex_lock(&ei->map_lock);
		block = index_missing(ei, lblk);
		mutex_unlock(&ei->map_lock);
		if (!block)
			return;
		buf_ahead(ei->vfs.sb, block);
	}
}

/* Blocks freed so far but not handed back yet: a run, so that bitmaps are touched seldom. */
struct trim {
	struct ext2_inode *ei;
	uint32_t start, count;
};

static int trim_flush(struct trim *t)
{
	struct ext2_fs *fs = ext2_fs(t->ei->vfs.sb);
	int err = 0;

	if (t->count)
		err = ext2_blocks_free(fs, t->start, t->count);
	t->count = 0;
	return err;
}

static int trim_add(struct trim *t, uint32_t block)
{
	struct inode *inode = &t->ei->vfs;
	uint32_t sectors = inode->sb->block_size >> 9;
	int err = 0;

	if (!t->count || t->start + t->count != block) {
		err = trim_flush(t);
		t->start = block;
	}
	t->count++;
	inode->blocks -= MIN(inode->blocks, sectors);
	return err;
}

static int trim_slot(struct trim *t, uint32_t *slot, uint32_t level, uint64_t first, uint64_t end);

static bool index_empty(const struct ext2_fs *fs, const uint32_t *slots)
{
	for (uint32_t i = 0; i < fs->ptrs; i++) {
		if (slots[i])
			return false;
	}
	return true;
}

/* Blocks [first, end) below one index block, and the block itself if nothing is left in it. */
static int trim_index(struct trim *t, uint32_t *slot, uint32_t level, uint64_t first, uint64_t end)
{
	struct super_block *sb = t->ei->vfs.sb;
	struct ext2_fs *fs = ext2_fs(sb);
	uint32_t bits = fs->ptr_bits * (level - 1), block = *slot;
	uint64_t span = UINT64_C(1) << bits;
	struct buf b;
	bool empty;
	int err = buf_read(sb, block, &b);

	if (err)
		return err;
	buf_modify(&b);
	for (uint64_t i = first >> bits; i << bits < end && !err; i++) {
		uint64_t base = i << bits;

		err = trim_slot(t, (uint32_t *)b.data + i, level - 1,
				first > base ? first - base : 0, MIN(end - base, span));
	}
	buf_dirty(&b);
	empty = (!first && end == span << fs->ptr_bits) || index_empty(fs, b.data);
	buf_put(&b);
	if (err || !empty)
		return err;
	*slot = 0;
	buf_forget(sb, block);
	return trim_add(t, block);
}

/* Free of what *slot holds its blocks [first, end); level 0: it is a block of data. */
static int trim_slot(struct trim *t, uint32_t *slot, uint32_t level, uint64_t first, uint64_t end)
{
	struct ext2_fs *fs = ext2_fs(t->ei->vfs.sb);
	uint32_t block = *slot;

	if (!block)
		return 0;
	if (!ext2_may_go_on(fs))
		return -EAGAIN;
	if (!ext2_block_valid(fs, block))
		return ext2_error(fs, "inode %lu has impossible block %u",
				  (unsigned long)t->ei->vfs.ino, block);
	if (level)
		return trim_index(t, slot, level, first, end);
	*slot = 0;
	if (!inode_has_object(&t->ei->vfs))
		buf_forget(fs->sb, block);
	return trim_add(t, block);
}

int ext2_map_remove_some(struct ext2_inode *ei, uint64_t first, uint64_t end)
{
	struct ext2_fs *fs = ext2_fs(ei->vfs.sb);
	struct trim t = {.ei = ei};
	uint64_t span = 1, base = EXT2_NDIR;
	int err = 0, err2;

	if (ei->flags & EXT2_EXTENTS_FL)
		return -EROFS;
	mutex_lock(&ei->map_lock);
	ext2_window_close(ei);
	ei->run_len = 0;
	atomic_store(&ei->ready, 0);
	ei->window.pblk = 0;
	for (uint64_t i = first; i < MIN(end, (uint64_t)EXT2_NDIR) && !err; i++)
		err = ei->block[i] ? trim_slot(&t, &ei->block[i], 0, 0, 1) : 0;
	for (uint32_t level = 1; level < LEVELS_MAX && base < end && !err; level++) {
		span <<= fs->ptr_bits;
		if (first < base + span)
			err = trim_slot(&t, &ei->block[EXT2_NDIR + level - 1], level,
					first > base ? first - base : 0, MIN(end - base, span));
		base += span;
	}
	err2 = trim_flush(&t);
	mutex_unlock(&ei->map_lock);
	ext2_inode_changed(&ei->vfs, true);
	return err2 ? err2 : err;
}

int ext2_map_remove(struct ext2_inode *ei, uint64_t first, uint64_t end)
{
	struct ext2_fs *fs = ext2_fs(ei->vfs.sb);
	int err;

	do {
		err = ext2_begin(fs, EXT2_CREDITS_TRIM);
		if (err)
			return err;
		err = ext2_map_remove_some(ei, first, end);
		ext2_end(fs);
	} while (err == -EAGAIN);
	return err;
}

int ext2_map_trim(struct ext2_inode *ei, uint64_t first)
{
	return ext2_map_remove(ei, first, UINT64_MAX);
}

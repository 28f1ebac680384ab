/*
 * Blocks: which are free. Files stay contiguous because every request names a goal, the block
 * behind the one allocated before, and takes the nearest free one from there on.
 */
#include <stdatomic.h>

#include "fs/ext2/ext2.h"
#include "kernel/thread.h"
#include "lib/bitmap.h"
#include "lib/string.h"

/* With less than so much free there are no windows, so that those there were do not come back. */
#define WINDOW_SPARE (5 * EXT2_SPARE)

static uint32_t group_first(const struct ext2_fs *fs, uint32_t group)
{
	return fs->first_data_block + group * fs->blocks_per_group;
}

static uint32_t group_blocks(const struct ext2_fs *fs, uint32_t group)
{
	uint32_t left = fs->blocks_count - group_first(fs, group);

	return MIN(left, fs->blocks_per_group);
}

/* Is one of them part of its group's tables? A damaged image may say otherwise in its bitmap. */
static bool blocks_are_table(const struct ext2_fs *fs, const struct ext2_group *gd, uint32_t block,
			     uint32_t count)
{
	uint32_t tables = fs->inodes_per_group / fs->inodes_per_block;

	return gd->block_bitmap - block < count || gd->inode_bitmap - block < count ||
	       (gd->inode_table < block + count && block < gd->inode_table + tables);
}

static bool block_is_table(const struct ext2_fs *fs, const struct ext2_group *gd, uint32_t block)
{
	return blocks_are_table(fs, gd, block, 1);
}

/* The group's bitmap in fs->bitmap. */
static int bitmap_load(struct ext2_fs *fs, uint32_t group)
{
	struct buf b;
	int err;

	if (fs->bitmap_group == group)
		return 0;
	err = buf_read(fs->sb, ext2_group(fs, group)->block_bitmap, &b);
	if (err)
		return err;
	buf_put(&fs->bitmap);
	fs->bitmap = b;
	fs->bitmap_group = group;
	return 0;
}

/* A free bit at or behind from: prefers the start of a whole free byte over a lone gap. */
static uint32_t bit_find(const uint64_t *map, uint32_t from, uint32_t end)
{
	size_t bit;

	if (from < end && !bitmap_test(map, from))
		return from;
	/* A little further on is as good as contiguous for the device. */
	bit = bitmap_find_zero(map, from, MIN(from + 64, end));
	if (bit < MIN(from + 64, end))
		return (uint32_t)bit;
	bit = bitmap_find_zero_run(map, from, end, 8);
	if (bit < end)
		return (uint32_t)bit;
	return (uint32_t)bitmap_find_zero(map, from, end);
}

/* As bit_find, but none that was freed and is not committed. */
static uint32_t bit_take(struct ext2_fs *fs, uint32_t group, uint32_t from, uint32_t end)
{
	struct ext2_passed passed = {.valid = true, .group = group, .from = from};
	uint32_t bit;

	/* What the last search from here passed over still waits for its commit. */
	if (fs->passed.valid && fs->passed.group == group && fs->passed.from == from)
		from = fs->passed.to;
	bit = bit_find(fs->bitmap.data, from, end);
	if (likely(!ext2_nr_pending(fs)))
		return bit;
	while (bit < end) {
		from = ext2_pending_skip(fs, group, bit, end);
		if (from == bit)
			break;
		bit = (uint32_t)bitmap_find_zero(fs->bitmap.data, from, end);
	}
	passed.to = bit;
	fs->passed = passed;
	return bit;
}

/* How many bits from `bit` on, which is free, can be taken: at most n. */
static uint32_t run_find(struct ext2_fs *fs, uint32_t group, uint32_t bit, uint32_t n)
{
	uint32_t end = MIN(bit + n, group_blocks(fs, group));

	if (n == 1)
		return 1;
	end = (uint32_t)bitmap_find_set(fs->bitmap.data, bit + 1, end);
	if (ext2_nr_pending(fs))
		end = ext2_pending_next(fs, group, bit + 1, end);
	n = MIN(end - bit, (uint32_t)ext2_group(fs, group)->free_blocks_count);
	return blocks_are_table(fs, ext2_group(fs, group), group_first(fs, group) + bit, n) ? 1 : n;
}

/*
 * Take a block of the group at or behind bit from, and *n - 1 behind it or fewer. 0, -ENOSPC (none
 * there), -errno.
 */
static int group_take(struct ext2_fs *fs, uint32_t group, uint32_t from, uint32_t *block,
		      uint32_t *n)
{
	struct ext2_group *gd = ext2_group(fs, group);
	uint32_t end = group_blocks(fs, group), bit;
	int err;

	if (!gd->free_blocks_count)
		return -ENOSPC;
	err = bitmap_load(fs, group);
	if (err)
		return err;
	bit = bit_take(fs, group, from, end);
	if (bit >= end)
		bit = bit_take(fs, group, 0, end);
	if (bit >= end && ext2_nr_pending(fs))
		return -ENOSPC;
	if (bit >= end)
		return ext2_error(fs, "group %u counts %u free blocks but has none", group,
				  gd->free_blocks_count);
	*block = group_first(fs, group) + bit;
	if (block_is_table(fs, gd, *block) || !ext2_block_valid(fs, *block))
		return ext2_error(fs, "block %u of a table is marked free", *block);
	*n = run_find(fs, group, bit, *n);
	buf_modify(&fs->bitmap);
	ext2_group_modify(fs, group);
	bitmap_set_range(fs->bitmap.data, bit, bit + *n);
	buf_dirty(&fs->bitmap);
	gd->free_blocks_count -= (uint16_t)*n;
	fs->free_blocks -= *n;
	atomic_fetch_add(&fs->windowed, *n - 1);
	ext2_group_dirty(fs, group);
	return 0;
}

/* May the caller take what is reserved: root, or whom the superblock names? */
static bool reserve_is_open(const struct ext2_fs *fs)
{
	const struct cred *c = current()->cred;

	return cred_capable(CAP_SYS_RESOURCE) || c->fsuid == fs->es->def_resuid ||
	       (fs->es->def_resgid && cred_in_group(c, fs->es->def_resgid));
}

static int blocks_alloc_locked(struct ext2_fs *fs, uint32_t goal, uint32_t *block, uint32_t *n)
{
	uint32_t group, from;
	int err;

	if (fs->free_blocks <= (reserve_is_open(fs) ? 0 : fs->es->r_blocks_count))
		return -ENOSPC;
	if (unlikely(ext2_is_tight(fs, WINDOW_SPARE)))
		*n = 1;
	if (!ext2_block_valid(fs, goal))
		goal = fs->first_data_block;
	group = (goal - fs->first_data_block) / fs->blocks_per_group;
	from = (goal - fs->first_data_block) % fs->blocks_per_group;
	for (uint32_t i = 0; i < fs->groups; i++) {
		err = group_take(fs, group, from, block, n);
		if (err != -ENOSPC)
			return err;
		group = group + 1 < fs->groups ? group + 1 : 0;
		from = 0;
	}
	return -ENOSPC;
}

int ext2_blocks_alloc(struct ext2_fs *fs, uint32_t goal, uint32_t *block, uint32_t *n)
{
	int err = -EROFS;

	mutex_lock(&fs->lock);
	if (!atomic_load(&fs->failed))
		err = blocks_alloc_locked(fs, goal, block, n);
	mutex_unlock(&fs->lock);
	return err;
}

/* [bit, bit + count) of one group; used: by a file, and so perhaps in the last commit. */
static int group_give(struct ext2_fs *fs, uint32_t group, uint32_t bit, uint32_t count, bool used)
{
	struct ext2_group *gd = ext2_group(fs, group);
	int err = bitmap_load(fs, group);

	if (err)
		return err;
	for (uint32_t i = bit; i < bit + count; i++) {
		if (!bitmap_test(fs->bitmap.data, i) ||
		    block_is_table(fs, gd, group_first(fs, group) + i))
			return ext2_error(fs, "block %u is freed but not in use",
					  group_first(fs, group) + i);
	}
	buf_modify(&fs->bitmap);
	ext2_group_modify(fs, group);
	if (used)
		ext2_pending_add(fs, group, bit, count);
	else
		atomic_fetch_sub(&fs->windowed, count);
	bitmap_clear_range(fs->bitmap.data, bit, bit + count);
	buf_dirty(&fs->bitmap);
	gd->free_blocks_count += (uint16_t)count;
	fs->free_blocks += count;
	ext2_group_dirty(fs, group);
	return 0;
}

int ext2_block_check(struct ext2_fs *fs, uint32_t block)
{
	uint32_t group = (block - fs->first_data_block) / fs->blocks_per_group;
	uint32_t bit = (block - fs->first_data_block) % fs->blocks_per_group;
	int err;

	mutex_lock(&fs->lock);
	err = bitmap_load(fs, group);
	if (!err && (!bitmap_test(fs->bitmap.data, bit) ||
		     block_is_table(fs, ext2_group(fs, group), block)))
		err = ext2_error(fs, "block %u is no file's", block);
	mutex_unlock(&fs->lock);
	return err;
}

static int blocks_give(struct ext2_fs *fs, uint32_t block, uint32_t count, bool used)
{
	int err = 0;

	if (!ext2_block_valid(fs, block) || count > fs->blocks_count - block)
		return ext2_error(fs, "blocks %u to %u are freed", block, block + count - 1);
	mutex_lock(&fs->lock);
	while (count && !err) {
		uint32_t group = (block - fs->first_data_block) / fs->blocks_per_group;
		uint32_t bit = (block - fs->first_data_block) % fs->blocks_per_group;
		uint32_t n = MIN(count, fs->blocks_per_group - bit);

		err = group_give(fs, group, bit, n, used);
		block += n;
		count -= n;
	}
	mutex_unlock(&fs->lock);
	return ext2_unfinished(fs, err, "freeing blocks");
}

int ext2_blocks_free(struct ext2_fs *fs, uint32_t block, uint32_t count)
{
	return blocks_give(fs, block, count, true);
}

int ext2_blocks_return(struct ext2_fs *fs, uint32_t block, uint32_t count)
{
	return blocks_give(fs, block, count, false);
}

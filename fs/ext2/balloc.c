/*
 * Blocks: which are free. Files stay contiguous because every request names a goal, the block
 * behind the one allocated before, and takes the nearest free one from there on.
 */
#include <stdatomic.h>

#include "fs/ext2/ext2.h"
#include "kernel/thread.h"
#include "lib/bitmap.h"
#include "lib/string.h"

static uint32_t group_first(const struct ext2_fs *fs, uint32_t group)
{
	return fs->first_data_block + group * fs->blocks_per_group;
}

static uint32_t group_blocks(const struct ext2_fs *fs, uint32_t group)
{
	uint32_t left = fs->blocks_count - group_first(fs, group);

	return MIN(left, fs->blocks_per_group);
}

/* Is it part of its group's own tables? A damaged image may say otherwise in its bitmap. */
static bool block_is_table(const struct ext2_fs *fs, const struct ext2_group *gd, uint32_t block)
{
	return block == gd->block_bitmap || block == gd->inode_bitmap ||
	       (block >= gd->inode_table &&
		block - gd->inode_table < fs->inodes_per_group / fs->inodes_per_block);
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
	uint32_t bit = bit_find(fs->bitmap.data, from, end);

	while (unlikely(ext2_nr_pending(fs)) && bit < end) {
		from = ext2_pending_skip(fs, group, bit, end);
		if (from == bit)
			return bit;
		bit = (uint32_t)bitmap_find_zero(fs->bitmap.data, from, end);
	}
	return bit;
}

/* Take a block of the group at or behind bit from. 0, -ENOSPC (none there), -errno. */
static int group_take(struct ext2_fs *fs, uint32_t group, uint32_t from, uint32_t *block)
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
	buf_modify(&fs->bitmap);
	ext2_group_modify(fs, group);
	bitmap_set(fs->bitmap.data, bit);
	buf_dirty(&fs->bitmap);
	gd->free_blocks_count--;
	fs->free_blocks--;
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

static int block_alloc_locked(struct ext2_fs *fs, uint32_t goal, uint32_t *block)
{
	uint32_t group, from;
	int err;

	if (fs->free_blocks <= (reserve_is_open(fs) ? 0 : fs->es->r_blocks_count))
		return -ENOSPC;
	if (!ext2_block_valid(fs, goal))
		goal = fs->first_data_block;
	group = (goal - fs->first_data_block) / fs->blocks_per_group;
	from = (goal - fs->first_data_block) % fs->blocks_per_group;
	for (uint32_t i = 0; i < fs->groups; i++) {
		err = group_take(fs, group, from, block);
		if (err != -ENOSPC)
			return err;
		group = group + 1 < fs->groups ? group + 1 : 0;
		from = 0;
	}
	return -ENOSPC;
}

int ext2_block_alloc(struct ext2_fs *fs, uint32_t goal, uint32_t *block)
{
	int err = -EROFS;

	mutex_lock(&fs->lock);
	if (!atomic_load(&fs->failed))
		err = block_alloc_locked(fs, goal, block);
	mutex_unlock(&fs->lock);
	return err;
}

/* [bit, bit + count) of one group. */
static int group_give(struct ext2_fs *fs, uint32_t group, uint32_t bit, uint32_t count)
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
	ext2_pending_add(fs, group, bit, count);
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

int ext2_blocks_free(struct ext2_fs *fs, uint32_t block, uint32_t count)
{
	int err = 0;

	if (!ext2_block_valid(fs, block) || count > fs->blocks_count - block)
		return ext2_error(fs, "blocks %u to %u are freed", block, block + count - 1);
	mutex_lock(&fs->lock);
	while (count && !err) {
		uint32_t group = (block - fs->first_data_block) / fs->blocks_per_group;
		uint32_t bit = (block - fs->first_data_block) % fs->blocks_per_group;
		uint32_t n = MIN(count, fs->blocks_per_group - bit);

		err = group_give(fs, group, bit, n);
		block += n;
		count -= n;
	}
	mutex_unlock(&fs->lock);
	return ext2_unfinished(fs, err, "freeing blocks");
}

/*
 * Inode numbers. Files go to their directory's group; directories near their parent if there is
 * room, but those under the root are spread, so that trees of files have groups of their own.
 */
#include <stdatomic.h>

#include "fs/ext2/ext2.h"
#include "lib/bitmap.h"

static bool group_roomy(struct ext2_fs *fs, uint32_t group)
{
	struct ext2_group *gd = ext2_group(fs, group);

	return gd->free_inodes_count &&
	       gd->free_inodes_count * 4u >= fs->free_inodes / fs->groups &&
	       gd->free_blocks_count * 4u >= fs->free_blocks / fs->groups;
}

/* For a directory under the root: of the groups with average room, one with few directories. */
static uint32_t group_spread(struct ext2_fs *fs)
{
	uint64_t inodes = fs->free_inodes / fs->groups, blocks = fs->free_blocks / fs->groups;
	uint32_t best = 0, best_dirs = UINT32_MAX;

	for (uint32_t g = 0; g < fs->groups; g++) {
		struct ext2_group *gd = ext2_group(fs, g);

		if (gd->free_inodes_count && gd->free_inodes_count >= inodes &&
		    gd->free_blocks_count >= blocks && gd->used_dirs_count < best_dirs) {
			best = g;
			best_dirs = gd->used_dirs_count;
		}
	}
	return best;
}

static uint32_t group_choose(struct ext2_fs *fs, struct inode *dir, mode_t mode)
{
	uint32_t parent = ext2_i(dir)->group;

	if (!S_ISDIR(mode))
		return parent;
	if (dir->ino == EXT2_ROOT_INO)
		return group_spread(fs);
	for (uint32_t i = 0; i < fs->groups; i++) {
		uint32_t g = (parent + i) % fs->groups;

		if (group_roomy(fs, g))
			return g;
	}
	return parent;
}

static int group_take(struct ext2_fs *fs, uint32_t group, bool directory, uint32_t *ino)
{
	struct ext2_group *gd = ext2_group(fs, group);
	uint32_t from = 0, bit;
	struct buf b;
	int err;

	if (!gd->free_inodes_count)
		return -ENOSPC;
	err = buf_read(fs->sb, gd->inode_bitmap, &b);
	if (err)
		return err;
	if (!group)
		from = fs->first_ino - 1;
	bit = (uint32_t)bitmap_find_zero(b.data, MIN(from, fs->inodes_per_group),
					 fs->inodes_per_group);
	if (bit >= fs->inodes_per_group) {
		buf_put(&b);
		/* Group 0 may count reserved numbers that are not to be given out. */
		if (!group)
			return -ENOSPC;
		return ext2_error(fs, "group %u counts %u free inodes but has none", group,
				  gd->free_inodes_count);
	}
	buf_modify(&b);
	ext2_group_modify(fs, group);
	bitmap_set(b.data, bit);
	buf_dirty(&b);
	buf_put(&b);
	gd->free_inodes_count--;
	fs->free_inodes--;
	if (directory) {
		gd->used_dirs_count++;
		fs->dirs++;
	}
	ext2_group_dirty(fs, group);
	*ino = group * fs->inodes_per_group + bit + 1;
	return 0;
}

int ext2_inode_alloc(struct inode *dir, mode_t mode, uint32_t *ino)
{
	struct ext2_fs *fs = ext2_fs(dir->sb);
	uint32_t group;
	int err = -ENOSPC;

	if (atomic_load(&fs->failed))
		return -EROFS;
	mutex_lock(&fs->lock);
	group = group_choose(fs, dir, mode);
	for (uint32_t i = 0; i < fs->groups && err == -ENOSPC; i++)
		err = group_take(fs, (group + i) % fs->groups, S_ISDIR(mode), ino);
	mutex_unlock(&fs->lock);
	return err;
}

int ext2_inode_taken(struct ext2_fs *fs, uint32_t ino)
{
	uint32_t group = (ino - 1) / fs->inodes_per_group;
	struct buf b;
	int err;

	mutex_lock(&fs->lock);
	err = buf_read(fs->sb, ext2_group(fs, group)->inode_bitmap, &b);
	if (!err) {
		err = bitmap_test(b.data, (ino - 1) % fs->inodes_per_group) ? 0 : -ESTALE;
		buf_put(&b);
	}
	mutex_unlock(&fs->lock);
	return err;
}

int ext2_inode_free(struct ext2_fs *fs, uint32_t ino, bool directory)
{
	uint32_t group = (ino - 1) / fs->inodes_per_group;
	uint32_t bit = (ino - 1) % fs->inodes_per_group;
	struct ext2_group *gd;
	struct buf b;
	int err;

	mutex_lock(&fs->lock);
	gd = ext2_group(fs, group);
	err = buf_read(fs->sb, gd->inode_bitmap, &b);
	if (err)
		goto out;
	if (!bitmap_test(b.data, bit)) {
		err = ext2_error(fs, "inode %u is freed but not in use", ino);
	} else {
		buf_modify(&b);
		ext2_group_modify(fs, group);
		bitmap_clear(b.data, bit);
		buf_dirty(&b);
		gd->free_inodes_count++;
		fs->free_inodes++;
		if (directory && gd->used_dirs_count) {
			gd->used_dirs_count--;
			fs->dirs--;
		}
		ext2_group_dirty(fs, group);
	}
	buf_put(&b);
out:
	mutex_unlock(&fs->lock);
	return ext2_unfinished(fs, err, "freeing an inode");
}

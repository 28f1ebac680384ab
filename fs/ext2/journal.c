/*
 * A volume's journal, as inode 8 holds it: found, recovered at mount.
 */
#include "fs/jbd2/jbd2.h"

#include <stdatomic.h>

#include "drivers/block.h"
#include "fs/ext2/ext2.h"
#include "kernel/printk.h"
#include "lib/string.h"
#include "mm/slab.h"

#define JOURNAL_BLOCKS_MAX (1u << 22)

/* The inode's blocks as runs on the volume: *n of them, an array of kmalloc. */
static int extents_load(struct ext2_inode *ei, uint32_t blocks, struct journal_extent **out,
			uint32_t *n)
{
	struct journal_extent *e = NULL;
	uint32_t room = 0;
	uint64_t run;

	*n = 0;
	for (uint32_t at = 0; at < blocks; at += (uint32_t)run) {
		uint32_t pblk;
		int err = ext2_map(ei, at, blocks - at, false, &pblk, &run);

		if (!err && !pblk)
			err = ext2_error(ext2_fs(ei->vfs.sb), "the journal has a hole");
		if (!err && *n == room) {
			struct journal_extent *more = kmalloc((room * 2 + 8) * sizeof(*e));

			err = more ? 0 : -ENOMEM;
			if (more && room)
				memcpy(more, e, room * sizeof(*e));
			if (more) {
				kfree(e);
				e = more;
				room = room * 2 + 8;
			}
		}
		if (err) {
			kfree(e);
			return err;
		}
		e[(*n)++] = (struct journal_extent){.block = pblk, .count = (uint32_t)run};
	}
	*out = e;
	return 0;
}

static int journal_find(struct ext2_fs *fs, struct ext2_inode *ei)
{
	struct journal_extent *extents;
	uint64_t blocks;
	uint32_t n;
	int err = ext2_inode_peek(fs->sb, EXT2_JOURNAL_INO, ei, &blocks);

	if (err)
		return err;
	blocks >>= fs->block_bits;
	if (!S_ISREG(ei->vfs.mode) || blocks < 8 || blocks > JOURNAL_BLOCKS_MAX ||
	    blocks > fs->blocks_count)
		return ext2_error(fs, "the journal is no file of a possible size");
	err = extents_load(ei, (uint32_t)blocks, &extents, &n);
	if (err)
		return err;
	err = journal_open(fs->sb, extents, n, &fs->journal);
	kfree(extents);
	return err;
}

int ext2_journal_open(struct ext2_fs *fs)
{
	struct ext2_inode *ei;
	int err;

	if (fs->es->journal_inum != EXT2_JOURNAL_INO) {
		pr_err("ext2 %s: its journal is on another device\n", fs->sb->bdev->name);
		return -EINVAL;
	}
	ei = kzalloc(sizeof(*ei));
	if (!ei)
		return -ENOMEM;
	err = journal_find(fs, ei);
	kfree(ei);
	return err;
}

int ext2_journal_recover(struct ext2_fs *fs)
{
	if (fs->sb->bdev->readonly) {
		pr_err("ext2 %s: its journal must be recovered, but the device is read-only\n",
		       fs->sb->bdev->name);
		return -EROFS;
	}
	return journal_recover(fs->journal, fs->blocks_count);
}

/*
 * Orphans: inodes without a name that were open, or that were being truncated, when the machine
 * stopped. The superblock names the first, each one's dtime the next.
 */
#include <stdatomic.h>

#include "drivers/block.h"
#include "fs/ext2/ext2.h"
#include "kernel/printk.h"

/* The first of the list: off it, then freed or cut to its size. */
static int orphan_take(struct ext2_fs *fs, uint32_t ino)
{
	struct inode *inode = ext2_iget_orphan(fs->sb, ino);
	int err = 0;

	if (is_err(inode))
		return (int)ptr_err(inode);
	mutex_lock(&fs->lock);
	fs->es->last_orphan = ext2_i(inode)->orphan_next;
	ext2_i(inode)->orphan_next = 0;
	buf_dirty(&fs->super);
	mutex_unlock(&fs->lock);
	if (inode->nlink && S_ISREG(inode->mode)) {
		mutex_lock(&inode->lock);
		err = ext2_set_size(inode, inode_size(inode));
		mutex_unlock(&inode->lock);
	}
	inode_dirty(inode, true);
	inode_put(inode);
	return err;
}

void ext2_orphans_clean(struct ext2_fs *fs)
{
	uint32_t n = 0, ino;
	int err = 0;

	/* Damage is for e2fsck, and so are the orphans of a damaged volume. */
	if (fs->es->state & EXT2_ERROR_FS)
		return;
	while (!err && !atomic_load(&fs->failed) && (ino = fs->es->last_orphan)) {
		/* A circle would meet an inode that has left the list, at the latest. */
		if (n++ > fs->inodes_count)
			err = ext2_error(fs, "the list of orphans has no end");
		else
			err = orphan_take(fs, ino);
	}
	if (n)
		pr_info("ext2 %s: %u orphans cleaned\n", fs->sb->bdev->name, n);
}

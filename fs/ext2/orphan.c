/*
 * Orphans: inodes without a name that are open, or that are being truncated. The superblock names
 * the first, each one's dtime the next, so that whoever finds the volume after a crash can free
 * them. fs->orphans is the same list in memory.
 */
#include <stdatomic.h>

#include "drivers/block.h"
#include "fs/ext2/ext2.h"
#include "kernel/printk.h"

void ext2_orphan_add(struct inode *inode)
{
	struct ext2_fs *fs = ext2_fs(inode->sb);
	struct ext2_inode *ei = ext2_i(inode);

	mutex_lock(&fs->lock);
	if (list_empty(&ei->orphan_link)) {
		buf_modify(&fs->super);
		ei->orphan_next = fs->es->last_orphan;
		fs->es->last_orphan = (uint32_t)inode->ino;
		buf_dirty(&fs->super);
		list_add(&ei->orphan_link, &fs->orphans);
		ext2_inode_changed(inode, true);
	}
	mutex_unlock(&fs->lock);
}

void ext2_orphan_del(struct inode *inode)
{
	struct ext2_fs *fs = ext2_fs(inode->sb);
	struct ext2_inode *ei = ext2_i(inode), *before;

	mutex_lock(&fs->lock);
	if (list_empty(&ei->orphan_link))
		goto out;
	if (list_is_first(&ei->orphan_link, &fs->orphans)) {
		buf_modify(&fs->super);
		fs->es->last_orphan = ei->orphan_next;
		buf_dirty(&fs->super);
	} else {
		before = list_entry(ei->orphan_link.prev, struct ext2_inode, orphan_link);
		before->orphan_next = ei->orphan_next;
		ext2_inode_changed(&before->vfs, true);
	}
	list_del(&ei->orphan_link);
	ei->orphan_next = 0;
	ext2_inode_changed(inode, true);
out:
	mutex_unlock(&fs->lock);
}

/* Read the whole list: how many there are, each with a reference. */
static uint32_t orphans_load(struct ext2_fs *fs)
{
	uint32_t ino = fs->es->last_orphan, n = 0;

	while (ino && !atomic_load(&fs->failed)) {
		struct inode *inode = ext2_iget_orphan(fs->sb, ino);
		struct ext2_inode *ei;

		if (is_err(inode))
			break;
		ei = ext2_i(inode);
		if (!list_empty(&ei->orphan_link)) {
			(void)ext2_error(fs, "the list of orphans is a circle");
			inode_put(inode);
			break;
		}
		list_add_tail(&ei->orphan_link, &fs->orphans);
		ino = ei->orphan_next;
		n++;
	}
	return n;
}

/* The last of the list, so that the others' places on it stay right: freed, or cut to its size. */
static void orphan_clean(struct ext2_fs *fs)
{
	struct inode *inode =
		&list_last_entry(&fs->orphans, struct ext2_inode, orphan_link)->vfs;

	if (inode->nlink && !atomic_load(&fs->failed)) {
		mutex_lock(&inode->lock);
		if (S_ISREG(inode->mode))
			(void)ext2_set_size(inode, inode_size(inode));
		mutex_unlock(&inode->lock);
		if (!ext2_begin(fs, EXT2_CREDITS_INODE * 4)) {
			ext2_orphan_del(inode);
			ext2_end(fs);
		}
	}
	inode_put(inode);
}

void ext2_orphans_clean(struct ext2_fs *fs)
{
	uint32_t n;

	/* Damage is for e2fsck, and so are the orphans of a damaged volume. */
	if (fs->es->state & EXT2_ERROR_FS)
		return;
	n = orphans_load(fs);
	for (uint32_t i = 0; i < n; i++)
		orphan_clean(fs);
	if (n)
		pr_info("ext2 %s: %u orphans cleaned\n", fs->sb->bdev->name, n);
}

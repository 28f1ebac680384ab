/*
 * Flags of inodes that chattr(1) knows. What is immutable is so to who has it open, too: writes and
 * stores through mappings ask ext2_make_writable.
 */
#include "fs/flags.h"

#include "fs/ext2/ext2.h"
#include "mm/pagecache.h"

uint32_t ext2_flags_get(const struct inode *inode)
{
	return container_of(inode, struct ext2_inode, vfs)->flags & EXT2_FL_VISIBLE;
}

/* No page can be stored to any more without a fault, nor be written to without a question. */
static int pages_freeze(struct inode *inode)
{
	struct ext2_inode *ei = ext2_i(inode);
	int err;

	atomic_fetch_or(&inode->state, INODE_IMMUTABLE);
	err = pagecache_sync(&inode->object, 0, UINT64_MAX >> PAGE_SHIFT);
	mutex_lock(&ei->map_lock);
	atomic_store(&ei->ready, 0);
	mutex_unlock(&ei->map_lock);
	return err;
}

int ext2_flags_set(struct inode *inode, uint32_t flags)
{
	struct ext2_fs *fs = ext2_fs(inode->sb);
	struct ext2_inode *ei = ext2_i(inode);
	uint32_t change = (ei->flags ^ flags) & EXT2_FL_CHANGES;
	int err = 0;

	if ((flags & ~EXT2_FL_VISIBLE) || (change & ~(uint32_t)FLAGS_SETTABLE))
		return -EOPNOTSUPP;
	if (change && (ei->flags & flags & EXT2_IMMUTABLE_FL))
		return -EPERM;
	if ((change & flags & EXT2_IMMUTABLE_FL) && inode_has_object(inode))
		err = pages_freeze(inode);
	if (!err)
		err = ext2_begin(fs, EXT2_CREDITS_INODE);
	if (!err) {
		ei->flags ^= change;
		inode->ctime = inode_now();
		ext2_inode_changed(inode, false);
		ext2_end(fs);
	}
	inode_flags_apply(inode, ei->flags);
	return err;
}

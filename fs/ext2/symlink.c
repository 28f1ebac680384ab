/*
 * Symbolic links: up to 59 bytes stand in the inode where other files have block numbers, longer
 * ones in a block.
 */
#include "fs/ext2/ext2.h"
#include "lib/string.h"

static bool is_fast(const struct ext2_inode *ei)
{
	return ei->vfs.size_other < sizeof(ei->block);
}

ssize64_t ext2_readlink(struct inode *inode, char *buf, size_t size)
{
	struct ext2_inode *ei = ext2_i(inode);
	size_t len = inode->size_other;
	struct buf b = {.frame = NULL};
	const char *text = (const char *)ei->block;
	uint32_t pblk;
	uint64_t run;
	int err;

	if (len >= size)
		return -ENAMETOOLONG;
	if (!is_fast(ei)) {
		err = ext2_map(ei, 0, 1, false, &pblk, &run);
		if (err)
			return err;
		if (!pblk)
			goto damaged;
		err = buf_read(inode->sb, pblk, &b);
		if (err)
			return err;
		text = b.data;
	}
	memcpy(buf, text, len);
	buf[len] = '\0';
	buf_put(&b);
	/* A NUL within would make a shorter path than the size says. */
	if (strlen(buf) == len)
		return (ssize64_t)len;
damaged:
	return ext2_error(ext2_fs(inode->sb), "symbolic link %lu", (unsigned long)inode->ino);
}

int ext2_symlink_write(struct inode *inode, const char *target, size_t len)
{
	struct ext2_inode *ei = ext2_i(inode);
	struct buf b;
	uint32_t pblk;
	uint64_t run;
	int err;

	inode->size_other = len;
	ext2_inode_changed(inode, true);
	if (len < sizeof(ei->block)) {
		memcpy(ei->block, target, len);
		return 0;
	}
	err = ext2_map(ei, 0, 1, true, &pblk, &run);
	if (!err)
		err = buf_zero(inode->sb, pblk, &b);
	if (err)
		return err;
	memcpy(b.data, target, len);
	buf_dirty(&b);
	buf_put(&b);
	return 0;
}

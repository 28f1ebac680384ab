/*
 * What inodes lose: blocks behind a new end, or all they have with the last reference to them.
 */
#include <stdatomic.h>

#include "fs/ext2/ext2.h"
#include "fs/flags.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/pagecache.h"

/* Does the block array hold numbers of blocks (and not a device, or a short link's text)? */
static bool has_blocks(const struct ext2_inode *ei)
{
	const struct inode *inode = &ei->vfs;
	uint64_t xattr = ei->file_acl ? inode->sb->block_size >> 9 : 0;

	if (S_ISLNK(inode->mode))
		return inode->blocks > xattr;
	return S_ISREG(inode->mode) || S_ISDIR(inode->mode);
}

/* Blocks [first, ...) go, in as many handles as it takes; one is open, still or on an error not. */
static int blocks_trim(struct inode *inode, uint64_t first, bool *open)
{
	struct ext2_fs *fs = ext2_fs(inode->sb);
	int err;

	*open = true;
	for (;;) {
		err = ext2_map_remove_some(ext2_i(inode), first, UINT64_MAX);
		if (err != -EAGAIN)
			return err;
		err = ext2_again(fs);
		*open = !err;
		if (err)
			return err;
	}
}

/* Nothing names it any more: free all it has. False: there is no handle to be had, or no memory. */
static bool inode_delete(struct inode *inode)
{
	struct ext2_inode *ei = ext2_i(inode);
	struct ext2_fs *fs = ext2_fs(inode->sb);
	bool open = true;
	int err = 0;

	if (ext2_begin(fs, EXT2_CREDITS_TRIM))
		return false;
	/* Its data matters to no transaction, this one or an earlier: it has lost its name. */
	ext2_inode_forget(ei);
	if (inode_has_object(inode))
		(void)pagecache_truncate(&inode->object, 0);
	if (has_blocks(ei))
		err = blocks_trim(inode, 0, &open);
	if (!err && !ext2_may_go_on(fs)) {
		err = ext2_again(fs);
		open = !err;
	}
	if (!err)
		err = ext2_xattrs_drop(ei);
	if (!err) {
		ext2_orphan_del(inode);
		err = ext2_inode_erase(inode);
		ext2_inode_forget(ei);
	}
	(void)ext2_unfinished(fs, err, "freeing an inode");
	if (open)
		ext2_end(fs);
	return true;
}

/*
 * What the running transaction expects of it, now. It holds a credit for that: the handle needs no
 * further ones, and so no memory.
 */
static void inode_settle(struct inode *inode)
{
	struct ext2_inode *ei = ext2_i(inode);
	struct ext2_fs *fs = ext2_fs(inode->sb);

	if (list_empty(&ei->log_link) || ext2_begin(fs, 0))
		return;
	if (!list_empty(&ei->log_link))
		(void)ext2_unfinished(fs, ext2_inode_store(inode), "writing an inode");
	ext2_inode_forget(ei);
	ext2_end(fs);
}

void ext2_evict(struct inode *inode)
{
	struct ext2_inode *ei = ext2_i(inode);
	struct ext2_fs *fs = ext2_fs(inode->sb);
	bool failed = atomic_load(&fs->failed);

	/* Stored through a mapping, perhaps, which leaves the inode as it is. */
	if (inode->nlink && !failed && inode_has_object(inode))
		(void)pagecache_sync(&inode->object, 0, UINT32_MAX);
	if (!failed && (inode->nlink || !inode_delete(inode)))
		inode_settle(inode);
	/* From here on no commit looks at it. */
	ext2_inode_forget(ei);
	ext2_window_forget(ei);
	if (list_empty(&ei->orphan_link))
		return;
	/* It could not be freed: whoever recovers the volume will. */
	mutex_lock(&fs->lock);
	list_del(&ei->orphan_link);
	mutex_unlock(&fs->lock);
}

/* What lies behind the end in the last block must be zeros should the file grow again. */
static int tail_clear(struct inode *inode, uint64_t size)
{
	uint32_t in_page = size & (PAGE_SIZE - 1), pblk;
	struct ext2_inode *ei = ext2_i(inode);
	struct frame *f;
	uint64_t run;
	int err;

	if (!(size & (inode->sb->block_size - 1)))
		return 0;
	err = ext2_map(ei, size >> ext2_fs(inode->sb)->block_bits, 1, false, &pblk, &run);
	if (err || !pblk)
		return err;
	f = pagecache_get(&inode->object, size >> PAGE_SHIFT, &err);
	if (!f)
		return err ? err : -EIO;
	memset((char *)frame_data(f) + in_page, 0, PAGE_SIZE - in_page);
	pagecache_dirty(&inode->object, f);
	frame_put(f);
	return 0;
}

int ext2_set_size(struct inode *inode, uint64_t size)
{
	struct ext2_fs *fs = ext2_fs(inode->sb);
	uint64_t old = inode_size(inode);
	bool open = true;
	int err = ext2_begin(fs, EXT2_CREDITS_TRIM);

	if (err)
		return err;
	if (size > old && size > INT32_MAX)
		ext2_need_large_file(fs);
	/* Should it take more than one transaction, who recovers them finishes it. */
	if (size < old && inode->sb->journal)
		ext2_orphan_add(inode);
	if (size < old)
		err = tail_clear(inode, size);
	if (!err)
		err = pagecache_truncate(&inode->object, size);
	ext2_inode_changed(inode, true);
	if (!err && size <= old)
		err = ext2_unfinished(fs, blocks_trim(inode, DIV_ROUND_UP(size, fs->block_size),
						      &open),
				      "truncating a file");
	if (!open)
		return err;
	if (inode->nlink)
		ext2_orphan_del(inode);
	ext2_inode_changed(inode, true);
	ext2_end(fs);
	return err;
}

int ext2_setattr(struct inode *inode, const struct iattr *attr)
{
	/* Not by who has it open either. */
	if (inode_has(inode, INODE_IMMUTABLE))
		return -EPERM;
	if (attr->valid & ATTR_SIZE) {
		int err = ext2_set_size(inode, attr->size);

		if (err)
			return err;
	}
	return inode_setattr_simple(inode, attr);
}

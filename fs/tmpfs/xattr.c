/*
 * Extended attributes of things in memory: a list. Those of all a volume's inodes together may take
 * as much as Linux allows by its number of inodes: 1 KiB for each page of its size.
 */
#include <stdatomic.h>

#include "fs/tmpfs/tmpfs.h"
#include "fs/xattr.h"
#include "kernel/mem/slab.h"
#include "lib/string.h"
#include "mm/frame.h"

/* Of one inode: each call copies them all. */
#define XATTRS_MAX (256u << 10)

static size_t list_bytes(const struct list_head *list)
{
	const struct xattr *x;
	size_t n = 0;

	list_for_each_entry(x, list, link)
		n += xattr_bytes(x);
	return n;
}

int tmpfs_xattrs_load(struct inode *inode, struct list_head *list)
{
	const struct xattr *x;

	list_for_each_entry(x, &tmpfs_i(inode)->xattrs, link) {
		struct xattr *copy = xattr_add(list, x->index, x->name, x->name_len, x->size);

		if (!copy)
			return -ENOMEM;
		memcpy(xattr_value(copy), xattr_value(x), x->size);
	}
	return 0;
}

int tmpfs_xattrs_store(struct inode *inode, struct list_head *list, mode_t mode)
{
	struct tmpfs *fs = tmpfs_of(inode->sb);
	struct list_head *own = &tmpfs_i(inode)->xattrs;
	uint64_t max = MIN(fs->max_pages, frames_total / 2) << 10;
	uint64_t now = list_bytes(list), before = list_bytes(own);

	if (tmpfs_mode_sealed(inode, mode))
		return -EPERM;
	if (now > before && now > XATTRS_MAX)
		return -ENOSPC;
	if (atomic_fetch_add(&fs->xattr_bytes, now - before) + now - before > max && now > before) {
		atomic_fetch_sub(&fs->xattr_bytes, now - before);
		return -ENOSPC;
	}
	xattrs_free(own);
	list_splice_tail(list, own);
	inode->mode = mode;
	inode->ctime = inode_now();
	return 0;
}

void tmpfs_xattrs_drop(struct inode *inode)
{
	struct list_head *own = &tmpfs_i(inode)->xattrs;

	atomic_fetch_sub(&tmpfs_of(inode->sb)->xattr_bytes, list_bytes(own));
	xattrs_free(own);
}

/*
 * tmpfs: directories.
 */
#include <stdatomic.h>

#include "fs/acl.h"
#include "fs/tmpfs/tmpfs.h"
#include "kernel/mem/slab.h"
#include "lib/string.h"

struct tmpfs_entry *tmpfs_find_locked(struct inode *dir, const char *name, size_t len)
{
	uint32_t hash = (uint32_t)hash_bytes(name, len, 0);
	struct tmpfs_entry *e;

	list_for_each_entry(e, &tmpfs_i(dir)->entries, link) {
		if (e->hash == hash && e->len == len && !memcmp(e->name, name, len))
			return e;
	}
	return NULL;
}

static struct tmpfs_entry *entry_alloc(const char *name, size_t len)
{
	struct tmpfs_entry *e = kmalloc(sizeof(*e) + len + 1);

	if (!e)
		return NULL;
	memcpy(e->name, name, len);
	e->name[len] = '\0';
	e->len = (uint32_t)len;
	e->hash = (uint32_t)hash_bytes(name, len, 0);
	return e;
}

int tmpfs_add_locked(struct inode *dir, const char *name, size_t len, struct inode *inode)
{
	struct tmpfs_entry *e = entry_alloc(name, len);

	if (!e)
		return -ENOMEM;
	e->inode = inode;
	e->cookie = tmpfs_i(dir)->next_cookie++;
	list_add_tail(&e->link, &tmpfs_i(dir)->entries);
	tmpfs_i(inode)->dir = dir;
	dir->size_other += 20;
	return 0;
}

void tmpfs_remove_locked(struct tmpfs_entry *e)
{
	tmpfs_i(e->inode)->dir = NULL;
	list_del(&e->link);
	kfree(e);
}

static int tmpfs_lookup(struct inode *dir, struct dentry *d, struct inode **out)
{
	struct tmpfs *fs = tmpfs_of(dir->sb);
	struct tmpfs_entry *e;

	if (fs->update)
		fs->update(dir->sb);
	mutex_lock(&fs->lock);
	e = tmpfs_find_locked(dir, d->name, d->name_len);
	*out = e ? inode_get(e->inode) : NULL;
	mutex_unlock(&fs->lock);
	return 0;
}

/* Give inode (one reference is consumed) its name; on success *out has another one. */
static int name_new(struct inode *dir, struct dentry *d, struct inode *inode, struct inode **out)
{
	struct tmpfs *fs = tmpfs_of(dir->sb);
	int err;

	inode->nlink = S_ISDIR(inode->mode) ? 2 : 1;
	mutex_lock(&fs->lock);
	err = tmpfs_add_locked(dir, d->name, d->name_len, inode);
	mutex_unlock(&fs->lock);
	if (err) {
		inode->nlink = 0;
		inode_put(inode);
		return err;
	}
	if (S_ISDIR(inode->mode))
		dir->nlink++;
	inode_touch(dir);
	*out = inode_get(inode);
	return 0;
}

/* A thing without a name yet, as if in dir; or err_ptr. */
static struct inode *inode_make(struct inode *dir, mode_t mode, dev_t rdev,
				struct list_head *xattrs)
{
	struct inode *inode = tmpfs_inode_new(dir->sb, dir, mode, rdev);
	int err;

	if (is_err(inode) || list_empty(xattrs))
		return inode;
	err = acl_learn(inode, xattrs);
	if (!err)
		err = tmpfs_xattrs_store(inode, xattrs, inode->mode);
	if (!err)
		return inode;
	inode->nlink = 0;
	inode_put(inode);
	return err_ptr(err);
}

static int tmpfs_mknod(struct inode *dir, struct dentry *d, mode_t mode, dev_t rdev,
		       struct list_head *xattrs, struct inode **out)
{
	struct inode *inode = inode_make(dir, mode, rdev, xattrs);

	return is_err(inode) ? (int)ptr_err(inode) : name_new(dir, d, inode, out);
}

static int tmpfs_tmpfile(struct inode *dir, mode_t mode, struct list_head *xattrs,
			 struct inode **out)
{
	struct inode *inode = inode_make(dir, mode, 0, xattrs);

	if (is_err(inode))
		return (int)ptr_err(inode);
	inode->nlink = 0;
	*out = inode;
	return 0;
}

static int tmpfs_symlink(struct inode *dir, struct dentry *d, const char *target,
			 struct inode **out)
{
	struct inode *inode = tmpfs_inode_new(dir->sb, dir, S_IFLNK | 0777, 0);
	size_t len = strlen(target);
	char *copy;

	if (is_err(inode))
		return (int)ptr_err(inode);
	copy = kmalloc(len + 1);
	if (!copy) {
		inode_put(inode);
		return -ENOMEM;
	}
	memcpy(copy, target, len + 1);
	tmpfs_i(inode)->target = copy;
	inode->size_other = len;
	return name_new(dir, d, inode, out);
}

static int tmpfs_link(struct inode *inode, struct inode *dir, struct dentry *d)
{
	struct tmpfs *fs = tmpfs_of(dir->sb);
	int err;

	mutex_lock(&fs->lock);
	err = tmpfs_add_locked(dir, d->name, d->name_len, inode_get(inode));
	mutex_unlock(&fs->lock);
	if (err) {
		inode_put(inode);
		return err;
	}
	inode->nlink++;
	inode->ctime = inode_now();
	inode_touch(dir);
	return 0;
}

/* The name goes; *gone is the inode whose reference it had. tmpfs->lock held. */
static int name_drop_locked(struct inode *dir, struct dentry *d, struct inode **gone)
{
	struct tmpfs_entry *e = tmpfs_find_locked(dir, d->name, d->name_len);
	struct inode *inode;

	if (!e)
		return -ENOENT;
	inode = e->inode;
	if (S_ISDIR(inode->mode) && !list_empty(&tmpfs_i(inode)->entries))
		return -ENOTEMPTY;
	tmpfs_remove_locked(e);
	dir->size_other -= MIN(dir->size_other, UINT64_C(20));
	if (S_ISDIR(inode->mode)) {
		inode->nlink = 0;
		dir->nlink--;
	} else {
		inode->nlink--;
	}
	inode->ctime = inode_now();
	*gone = inode;
	return 0;
}

static int tmpfs_unlink(struct inode *dir, struct dentry *d)
{
	struct tmpfs *fs = tmpfs_of(dir->sb);
	struct inode *gone = NULL;
	int err;

	mutex_lock(&fs->lock);
	err = name_drop_locked(dir, d, &gone);
	mutex_unlock(&fs->lock);
	if (err)
		return err;
	inode_touch(dir);
	inode_put(gone); /* not the last: the dentry has one */
	return 0;
}

/* whiteout: what gets the old name, and its reference for it, or NULL. */
static int rename_locked(struct inode *from, struct dentry *from_d, struct inode *to,
			 struct dentry *to_d, bool exchange, struct inode *whiteout,
			 struct inode **gone)
{
	struct tmpfs_entry *a = tmpfs_find_locked(from, from_d->name, from_d->name_len);
	struct tmpfs_entry *b;
	int err;

	if (!a)
		return -ENOENT;
	if (exchange) {
		struct inode *inode = a->inode;

		b = tmpfs_find_locked(to, to_d->name, to_d->name_len);
		if (!b)
			return -ENOENT;
		a->inode = b->inode;
		b->inode = inode;
		return 0;
	}
	if (to_d->inode) {
		err = name_drop_locked(to, to_d, gone);
		if (err)
			return err;
	}
	err = tmpfs_add_locked(to, to_d->name, to_d->name_len, a->inode);
	if (err)
		return err;
	if (whiteout) {
		a->inode = whiteout;
		return 0;
	}
	tmpfs_remove_locked(a);
	from->size_other -= MIN(from->size_other, UINT64_C(20));
	return 0;
}

static int tmpfs_rename(struct inode *from, struct dentry *from_d, struct inode *to,
			struct dentry *to_d, unsigned flags)
{
	struct inode *inode = from_d->inode, *other = to_d->inode, *gone = NULL, *whiteout = NULL;
	struct tmpfs *fs = tmpfs_of(from->sb);
	bool exchange = flags & RENAME_EXCHANGE;
	int err;

	if (flags & RENAME_WHITEOUT) {
		whiteout = tmpfs_inode_new(from->sb, from, S_IFCHR, 0);
		if (is_err(whiteout))
			return (int)ptr_err(whiteout);
		whiteout->nlink = 1;
	}
	mutex_lock(&fs->lock);
	err = rename_locked(from, from_d, to, to_d, exchange, whiteout, &gone);
	if (!err)
		tmpfs_i(inode)->dir = to;
	if (!err && exchange)
		tmpfs_i(other)->dir = from;
	if (!err && from != to) {
		if (S_ISDIR(inode->mode)) {
			from->nlink--;
			to->nlink++;
		}
		if (exchange && S_ISDIR(other->mode)) {
			to->nlink--;
			from->nlink++;
		}
	}
	mutex_unlock(&fs->lock);
	inode_put(gone);
	if (err && whiteout) {
		whiteout->nlink = 0;
		inode_put(whiteout);
	}
	if (err)
		return err;
	inode->ctime = inode_now();
	inode_touch(from);
	inode_touch(to);
	return 0;
}

const struct inode_ops tmpfs_dir_iops = {
	.lookup = tmpfs_lookup,
	.mknod = tmpfs_mknod,
	.symlink = tmpfs_symlink,
	.tmpfile = tmpfs_tmpfile,
	.link = tmpfs_link,
	.unlink = tmpfs_unlink,
	.rename = tmpfs_rename,
	.xattrs_load = tmpfs_xattrs_load,
	.xattrs_store = tmpfs_xattrs_store,
	.flags_get = tmpfs_flags_get,
	.flags_set = tmpfs_flags_set,
};

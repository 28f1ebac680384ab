/*
 * Operations on names. Each is one change of the volume: what a journal would make atomic begins
 * and ends with the function. The VFS holds the locks and has checked permissions and kinds.
 */
#include <stdatomic.h>

#include "fs/ext2/ext2.h"
#include "lib/string.h"

static int ext2_lookup(struct inode *dir, struct dentry *d, struct inode **out)
{
	uint32_t ino;
	int err = ext2_dir_find(dir, d->name, d->name_len, &ino);

	*out = NULL;
	if (err || !ino)
		return err;
	if (ino == dir->ino)
		return ext2_error(ext2_fs(dir->sb), "directory %u contains itself", ino);
	*out = ext2_iget(dir->sb, ino);
	return is_err(*out) ? (int)ptr_err(*out) : 0;
}

/* The end of a handle that made an inode. One that could not get its name goes away again. */
static int inode_made(struct ext2_fs *fs, struct inode *inode, int err, struct inode **out)
{
	if (err) {
		inode->nlink = 0;
		ext2_inode_changed(inode, true);
	}
	if (!inode->nlink && inode->sb->journal)
		ext2_orphan_add(inode);
	ext2_end(fs);
	if (err)
		inode_put(inode);
	else
		*out = inode;
	return err;
}

static int ext2_mkdir(struct inode *dir, struct dentry *d, struct inode *inode)
{
	int err;

	inode->nlink = 2;
	err = ext2_dir_make(inode, (uint32_t)dir->ino);
	if (!err)
		err = ext2_dir_add(dir, d->name, d->name_len, (uint32_t)inode->ino, inode->mode);
	if (err)
		return err;
	dir->nlink++;
	ext2_inode_changed(dir, false);
	return 0;
}

/* A new inode in dir, within a handle that inode_made ends. xattrs may be NULL. */
static struct inode *inode_make(struct inode *dir, mode_t mode, dev_t rdev,
				struct list_head *xattrs)
{
	struct ext2_fs *fs = ext2_fs(dir->sb);
	int err = ext2_begin(fs, EXT2_CREDITS_NAME);
	struct inode *inode;

	if (err)
		return err_ptr(err);
	inode = ext2_inode_new(dir, mode, rdev);
	if (is_err(inode)) {
		ext2_end(fs);
		return inode;
	}
	err = xattrs && !list_empty(xattrs) ? ext2_xattrs_init(inode, xattrs) : 0;
	return err ? err_ptr(inode_made(fs, inode, err, NULL)) : inode;
}

static int ext2_mknod(struct inode *dir, struct dentry *d, mode_t mode, dev_t rdev,
		      struct list_head *xattrs, struct inode **out)
{
	struct inode *inode;
	int err;

	if (S_ISDIR(mode) && dir->nlink >= EXT2_LINK_MAX)
		return -EMLINK;
	inode = inode_make(dir, mode, rdev, xattrs);
	if (is_err(inode))
		return (int)ptr_err(inode);
	if (S_ISDIR(mode))
		err = ext2_mkdir(dir, d, inode);
	else
		err = ext2_dir_add(dir, d->name, d->name_len, (uint32_t)inode->ino, mode);
	return inode_made(ext2_fs(dir->sb), inode, err, out);
}

static int ext2_symlink(struct inode *dir, struct dentry *d, const char *target,
			struct inode **out)
{
	size_t len = strlen(target);
	struct inode *inode;
	int err;

	if (len >= dir->sb->block_size)
		return -ENAMETOOLONG;
	inode = inode_make(dir, S_IFLNK | 0777, 0, NULL);
	if (is_err(inode))
		return (int)ptr_err(inode);
	err = ext2_symlink_write(inode, target, len);
	if (!err)
		err = ext2_dir_add(dir, d->name, d->name_len, (uint32_t)inode->ino, inode->mode);
	return inode_made(ext2_fs(dir->sb), inode, err, out);
}

static int ext2_tmpfile(struct inode *dir, mode_t mode, struct list_head *xattrs,
			struct inode **out)
{
	struct inode *inode = inode_make(dir, mode, 0, xattrs);

	if (is_err(inode))
		return (int)ptr_err(inode);
	inode->nlink = 0;
	return inode_made(ext2_fs(dir->sb), inode, 0, out);
}

static int ext2_link(struct inode *inode, struct inode *dir, struct dentry *d)
{
	struct ext2_fs *fs = ext2_fs(dir->sb);
	int err;

	if (inode->nlink >= EXT2_LINK_MAX)
		return -EMLINK;
	err = ext2_begin(fs, EXT2_CREDITS_NAME);
	if (err)
		return err;
	err = ext2_dir_add(dir, d->name, d->name_len, (uint32_t)inode->ino, inode->mode);
	if (!err) {
		if (!inode->nlink)
			ext2_orphan_del(inode);
		inode->nlink++;
		inode->ctime = inode_now();
		ext2_inode_changed(inode, false);
	}
	ext2_end(fs);
	return err;
}

/* One name less. What has none left is freed with its last reference. */
static void nlink_drop(struct inode *inode, uint32_t n)
{
	inode->nlink -= MIN(inode->nlink, n);
	inode->ctime = inode_now();
	ext2_inode_changed(inode, false);
	if (!inode->nlink && inode->sb->journal)
		ext2_orphan_add(inode);
}

static int ext2_unlink(struct inode *dir, struct dentry *d)
{
	struct ext2_fs *fs = ext2_fs(dir->sb);
	struct inode *inode = d->inode;
	bool directory = S_ISDIR(inode->mode);
	int err = directory ? ext2_dir_empty(inode) : 0;
	struct ext2_place p;

	if (!err)
		err = ext2_begin(fs, EXT2_CREDITS_NAME);
	if (err)
		return err;
	err = ext2_dir_place(dir, d->name, d->name_len, &p);
	if (!err) {
		ext2_dir_remove(dir, &p);
		buf_put(&p.b);
		nlink_drop(inode, directory ? inode->nlink : 1);
		if (directory)
			nlink_drop(dir, 1);
	}
	ext2_end(fs);
	return err;
}

/* The records that a rename changes: all are found before the first is changed. */
struct renaming {
	struct inode *from, *to;
	struct dentry *from_d, *to_d;
	struct ext2_place old, new, up, down; /* the names, ".." of what moves there and back */
};

/* ".." of a directory that gets another parent; an empty place if there is no such need. */
static int parent_place(struct renaming *r, struct inode *inode, struct ext2_place *p)
{
	if (!inode || !S_ISDIR(inode->mode) || r->from == r->to)
		return 0;
	return ext2_dir_place(inode, "..", 2, p);
}

static int renaming_find(struct renaming *r, bool exchange)
{
	int err = ext2_dir_place(r->from, r->from_d->name, r->from_d->name_len, &r->old);

	if (!err && r->to_d->inode)
		err = ext2_dir_place(r->to, r->to_d->name, r->to_d->name_len, &r->new);
	if (!err)
		err = parent_place(r, r->from_d->inode, &r->up);
	if (!err && exchange)
		err = parent_place(r, r->to_d->inode, &r->down);
	return err;
}

/* A directory that moved: its ".." and the link counts of both parents. */
static void parent_change(struct inode *inode, struct ext2_place *up, struct inode *from,
			  struct inode *to)
{
	if (!up->b.frame)
		return;
	ext2_dir_set(inode, up, (uint32_t)to->ino, S_IFDIR);
	nlink_drop(from, 1);
	to->nlink++;
	ext2_inode_changed(to, false);
}

static void rename_exchange(struct renaming *r)
{
	struct inode *a = r->from_d->inode, *b = r->to_d->inode;

	ext2_dir_set(r->to, &r->new, (uint32_t)a->ino, a->mode);
	ext2_dir_set(r->from, &r->old, (uint32_t)b->ino, b->mode);
	parent_change(a, &r->up, r->from, r->to);
	parent_change(b, &r->down, r->to, r->from);
	a->ctime = b->ctime = inode_now();
	ext2_inode_changed(a, false);
	ext2_inode_changed(b, false);
}

/*
 * What was there, if anything, is replaced. Only making room for a new name can fail. The old name
 * goes, or becomes that of whiteout.
 */
static int rename_move(struct renaming *r, struct inode *whiteout)
{
	struct inode *inode = r->from_d->inode, *victim = r->to_d->inode;
	bool directory = S_ISDIR(inode->mode);
	int err = 0;

	/* The new name first: whenever it stops, the file has a name. */
	if (victim)
		ext2_dir_set(r->to, &r->new, (uint32_t)inode->ino, inode->mode);
	else
		err = ext2_dir_add(r->to, r->to_d->name, r->to_d->name_len, (uint32_t)inode->ino,
				   inode->mode);
	if (err)
		return err;
	if (whiteout)
		ext2_dir_set(r->from, &r->old, (uint32_t)whiteout->ino, whiteout->mode);
	else
		ext2_dir_remove(r->from, &r->old);
	parent_change(inode, &r->up, r->from, r->to);
	inode->ctime = inode_now();
	ext2_inode_changed(inode, false);
	if (victim) {
		nlink_drop(victim, directory ? victim->nlink : 1);
		if (directory)
			nlink_drop(r->to, 1);
	}
	return 0;
}

/* Everything that changes, in one handle, which ends here. */
static int rename_perform(struct renaming *r, unsigned flags)
{
	struct ext2_fs *fs = ext2_fs(r->from->sb);
	struct inode *whiteout = NULL;
	int err = renaming_find(r, flags & RENAME_EXCHANGE);

	if (!err && (flags & RENAME_WHITEOUT)) {
		whiteout = ext2_inode_new(r->from, S_IFCHR, 0);
		if (is_err(whiteout)) {
			err = (int)ptr_err(whiteout);
			whiteout = NULL;
		}
	}
	if (!err && (flags & RENAME_EXCHANGE))
		rename_exchange(r);
	else if (!err)
		err = rename_move(r, whiteout);
	if (!whiteout) {
		ext2_end(fs);
		return err;
	}
	err = inode_made(fs, whiteout, err, &whiteout);
	if (!err)
		inode_put(whiteout);
	return err;
}

static int ext2_rename(struct inode *from, struct dentry *from_d, struct inode *to,
		       struct dentry *to_d, unsigned flags)
{
	bool exchange = flags & RENAME_EXCHANGE;
	struct renaming r = {.from = from, .to = to, .from_d = from_d, .to_d = to_d};
	struct ext2_fs *fs = ext2_fs(from->sb);
	bool directory = S_ISDIR(from_d->inode->mode);
	int err = 0;

	if (!exchange && to_d->inode && directory)
		err = ext2_dir_empty(to_d->inode);
	else if (!exchange && directory && from != to && to->nlink >= EXT2_LINK_MAX)
		err = -EMLINK;
	if (!err)
		err = ext2_begin(fs, EXT2_CREDITS_NAME);
	if (err)
		return err;
	err = rename_perform(&r, flags);
	buf_put(&r.old.b);
	buf_put(&r.new.b);
	buf_put(&r.up.b);
	buf_put(&r.down.b);
	return err;
}

const struct inode_ops ext2_dir_iops = {
	.lookup = ext2_lookup,
	.mknod = ext2_mknod,
	.symlink = ext2_symlink,
	.tmpfile = ext2_tmpfile,
	.link = ext2_link,
	.unlink = ext2_unlink,
	.rename = ext2_rename,
	.fiemap = ext2_fiemap,
	.setattr = ext2_setattr,
	.xattrs_load = ext2_xattrs_load,
	.xattrs_store = ext2_xattrs_store,
	.flags_get = ext2_flags_get,
	.flags_set = ext2_flags_set,
};

const struct inode_ops ext2_file_iops = {
	.map = ext2_file_map,
	.fiemap = ext2_fiemap,
	.can_overwrite = ext2_can_overwrite,
	.write_cut = ext2_write_cut,
	.setattr = ext2_setattr,
	.xattrs_load = ext2_xattrs_load,
	.xattrs_store = ext2_xattrs_store,
	.flags_get = ext2_flags_get,
	.flags_set = ext2_flags_set,
};

const struct inode_ops ext2_symlink_iops = {
	.readlink = ext2_readlink,
	.setattr = ext2_setattr,
	.xattrs_load = ext2_xattrs_load,
	.xattrs_store = ext2_xattrs_store,
	.flags_get = ext2_flags_get,
	.flags_set = ext2_flags_set,
};

const struct inode_ops ext2_special_iops = {
	.setattr = ext2_setattr,
	.xattrs_load = ext2_xattrs_load,
	.xattrs_store = ext2_xattrs_store,
	.flags_get = ext2_flags_get,
	.flags_set = ext2_flags_set,
};

/*
 * tmpfs: volumes, inodes and file contents. Pages live in the inode's memory object and nowhere
 * else.
 */
#include "fs/tmpfs/tmpfs.h"

#include <stdatomic.h>

#include "fs/flags.h"
#include "fs/handle.h"
#include "kernel/mem/slab.h"
#include "kernel/swap/object.h"
#include "kernel/uapi/statfs.h"
#include "lib/string.h"
#include "mm/commit.h"
#include "mm/frame.h"
#include "mm/pagecache.h"

/* Count what the inode has gained or lost since it was last counted. */
void tmpfs_pages_count(struct inode *inode, uint64_t now)
{
	struct tmpfs_inode *ti = tmpfs_i(inode);
	uint64_t was = atomic_exchange(&ti->counted, now);

	atomic_fetch_add(&tmpfs_of(inode->sb)->pages, now - was);
}

/* What a full volume has no room for is not begun: its page would stay, though it holds nothing. */
static int tmpfs_write_begin(struct object *o, uint64_t end)
{
	const struct inode *inode = o->owner;
	const struct tmpfs *fs = tmpfs_of(inode->sb);

	return atomic_load(&fs->pages) < fs->max_pages ||
			       swap_object_has(o, (end - 1) >> PAGE_SHIFT) ?
		       0 :
		       -ENOSPC;
}

/* The page is in the cache already: is that one too many? */
static int tmpfs_make_writable(struct object *o, uint64_t index, uint32_t from, uint32_t to)
{
	struct inode *inode = o->owner;
	struct tmpfs *fs = tmpfs_of(inode->sb);

	tmpfs_pages_count(inode, object_pages(o));
	if (atomic_load(&fs->pages) <= fs->max_pages && !commit_allowed(0))
		return 0;
	/* It leaves the cache again: nobody else is to be refused for it. */
	tmpfs_pages_count(inode, object_pages(o) - 1);
	return -ENOSPC;
}

static const struct object_ops tmpfs_object_ops = {
	.name = "tmpfs",
	.read_pages = swap_object_read,
	.write_begin = tmpfs_write_begin,
	.make_writable = tmpfs_make_writable,
};

static ssize64_t tmpfs_readlink(struct inode *inode, char *buf, size_t size)
{
	size_t len = strlcpy(buf, tmpfs_i(inode)->target, size);

	return len < size ? (ssize64_t)len : -ENAMETOOLONG;
}

uint32_t tmpfs_flags_get(const struct inode *inode)
{
	return container_of(inode, struct tmpfs_inode, vfs)->flags;
}

int tmpfs_flags_set(struct inode *inode, uint32_t flags)
{
	if (flags & ~(uint32_t)FLAGS_SETTABLE)
		return -EOPNOTSUPP;
	tmpfs_i(inode)->flags = flags;
	inode_flags_apply(inode, flags);
	inode->ctime = inode_now();
	return 0;
}

static const struct inode_ops tmpfs_symlink_iops = {
	.readlink = tmpfs_readlink,
	.xattrs_load = tmpfs_xattrs_load,
	.xattrs_store = tmpfs_xattrs_store,
	.flags_get = tmpfs_flags_get,
	.flags_set = tmpfs_flags_set,
};
static const struct inode_ops tmpfs_special_iops = {
	.xattrs_load = tmpfs_xattrs_load,
	.xattrs_store = tmpfs_xattrs_store,
	.flags_get = tmpfs_flags_get,
	.flags_set = tmpfs_flags_set,
};

/* "." and "..", then the entries by cookie. */
static int tmpfs_readdir(struct file *f, struct dir_context *ctx)
{
	struct tmpfs *fs = tmpfs_of(f->inode->sb);
	struct tmpfs_entry *e;

	if (fs->update && f->path.dentry->parent == f->path.dentry)
		fs->update(f->inode->sb);
	if (!dir_emit_dots(f, ctx))
		return 0;
	list_for_each_entry(e, &tmpfs_i(f->inode)->entries, link) {
		if (e->cookie < ctx->pos)
			continue;
		if (!ctx->emit(ctx, e->name, e->len, e->inode->ino, e->inode->mode >> 12,
			       e->cookie + 1))
			break;
		ctx->pos = e->cookie + 1;
	}
	return 0;
}

static const struct file_ops tmpfs_dir_fops = {
	.readdir = tmpfs_readdir,
	.fsync = file_fsync_simple,
};

static void ops_set(struct inode *inode)
{
	switch (inode->mode & S_IFMT) {
	case S_IFREG:
		inode->ops = &tmpfs_file_iops;
		inode->fops = &tmpfs_file_fops;
		object_init(&inode->object, &tmpfs_object_ops, inode, 0);
		tmpfs_i(inode)->seals = F_SEAL_SEAL; /* only who made it could say otherwise */
		break;
	case S_IFDIR:
		inode->ops = &tmpfs_dir_iops;
		inode->fops = &tmpfs_dir_fops;
		break;
	case S_IFLNK:
		inode->ops = &tmpfs_symlink_iops;
		break;
	default:
		inode->ops = &tmpfs_special_iops;
		break;
	}
}

struct inode *tmpfs_inode_new(struct super_block *sb, struct inode *dir, mode_t mode, dev_t rdev)
{
	struct tmpfs_inode *ti = kzalloc(sizeof(*ti));
	struct tmpfs *fs = tmpfs_of(sb);
	uint64_t ino;

	if (!ti)
		return err_ptr(-ENOMEM);
	mutex_lock(&fs->lock);
	ino = ++fs->next_ino;
	mutex_unlock(&fs->lock);
	inode_init(&ti->vfs, sb, ino, mode);
	inode_init_owner(&ti->vfs, dir, &mode);
	ti->vfs.btime = ti->vfs.ctime;
	ti->flags = dir ? tmpfs_i(dir)->flags & FLAGS_INHERITED : 0;
	inode_flags_apply(&ti->vfs, ti->flags);
	ti->vfs.rdev = rdev;
	list_init(&ti->entries);
	list_init(&ti->xattrs);
	ti->next_cookie = 2;
	ops_set(&ti->vfs);
	inode_hash(&ti->vfs);
	return &ti->vfs;
}

static void tmpfs_free(struct inode *inode)
{
	struct tmpfs_inode *ti = tmpfs_i(inode);

	kfree(ti->target);
	kfree(ti);
}

/* The volume goes: every entry lets go of its inode, parents before children. */
static void tree_drop(struct inode *dir)
{
	struct tmpfs_inode *ti = tmpfs_i(dir);

	while (!list_empty(&ti->entries)) {
		struct tmpfs_entry *e =
			list_first_entry(&ti->entries, struct tmpfs_entry, link);
		struct inode *inode = e->inode;

		/* A directory's entries move up to ours: no recursion, however deep it is. */
		if (S_ISDIR(inode->mode))
			list_splice_tail(&tmpfs_i(inode)->entries, &ti->entries);
		list_del(&e->link);
		kfree(e);
		inode->nlink = 0;
		inode_put(inode);
	}
}

/* The root's last reference is the mount's: with it all that hangs below goes. */
static void tmpfs_evict(struct inode *inode)
{
	if (S_ISDIR(inode->mode))
		tree_drop(inode);
	tmpfs_pages_count(inode, 0);
	tmpfs_xattrs_drop(inode);
}

static void tmpfs_unmount(struct super_block *sb)
{
	kfree(sb->data);
}

static int tmpfs_statfs(struct super_block *sb, struct statfs64 *st)
{
	uint64_t used = super_pages(sb);

	if (tmpfs_of(sb)->max_pages == UINT64_MAX)
		return 0;
	st->f_blocks = tmpfs_of(sb)->max_pages;
	st->f_bfree = st->f_bavail = st->f_blocks - MIN(used, st->f_blocks);
	return 0;
}

/* --- file handles: no number is given twice, so the time it was made says enough --- */

static void encode_handle(struct inode *inode, uint32_t *words)
{
	words[0] = (uint32_t)inode->btime;
	words[1] = (uint32_t)inode->ino;
	words[2] = (uint32_t)(inode->ino >> 32);
}

static struct inode *handle_decode(struct super_block *sb, const uint32_t *words)
{
	struct inode *inode = inode_find(sb, words[1] | (uint64_t)words[2] << 32);

	if (inode && (uint32_t)inode->btime == words[0])
		return inode;
	inode_put(inode);
	return err_ptr(-ESTALE);
}

static struct inode *handle_parent(struct inode *dir)
{
	struct tmpfs *fs = tmpfs_of(dir->sb);
	struct inode *up;

	mutex_lock(&fs->lock);
	up = tmpfs_i(dir)->dir ? inode_get(tmpfs_i(dir)->dir) : err_ptr(-ESTALE);
	mutex_unlock(&fs->lock);
	return up;
}

const struct handle_ops tmpfs_handle_ops = {
	.words = 3,
	.encode = encode_handle,
	.decode = handle_decode,
	.parent = handle_parent,
};

const struct super_ops tmpfs_super_ops = {
	.evict = tmpfs_evict,
	.free = tmpfs_free,
	.unmount = tmpfs_unmount,
	.statfs = tmpfs_statfs,
	.handles = &tmpfs_handle_ops,
};

void tmpfs_setup(struct tmpfs *fs)
{
	mutex_init(&fs->lock, "tmpfs", RANK_SUPER);
	fs->max_pages = frames_total / 2;
}

int tmpfs_fill(struct super_block *sb, struct tmpfs *fs, mode_t mode, struct inode **root)
{
	tmpfs_setup(fs);
	sb->data = fs;
	sb->ops = &tmpfs_super_ops;
	sb->max_size = TMPFS_SIZE_MAX;
	*root = tmpfs_inode_new(sb, NULL, S_IFDIR | mode, 0);
	if (is_err(*root))
		return (int)ptr_err(*root);
	(*root)->nlink = 2;
	return 0;
}

static int tmpfs_mount(struct super_block *sb, const char *options, struct inode **root)
{
	struct tmpfs_options o;
	struct tmpfs *fs;
	int err;

	if (!tmpfs_options_parse(options, &o))
		return -EINVAL;
	fs = kzalloc(sizeof(*fs));
	if (!fs)
		return -ENOMEM;
	err = tmpfs_fill(sb, fs, o.mode, root);
	if (err) {
		kfree(fs);
		return err;
	}
	fs->max_pages = o.pages ? o.pages : UINT64_MAX;
	sb->posix_acl = true;
	(*root)->uid = o.uid;
	(*root)->gid = o.gid;
	return 0;
}

void tmpfs_register(void)
{
	static struct fstype tmpfs = {
		.name = "tmpfs", .mount = tmpfs_mount, .check_option = tmpfs_option_check,
		.magic = TMPFS_MAGIC};

	fstype_register(&tmpfs);
}

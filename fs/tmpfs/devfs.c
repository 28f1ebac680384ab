/*
 * devfs: a tmpfs whose root is filled with a node for each device that is registered, and kept up
 * to date with those that come later.
 */
#include <stdatomic.h>

#include "drivers/block.h"
#include "fs/tmpfs/tmpfs.h"
#include "kernel/chardev.h"
#include "kernel/mem/slab.h"
#include "kernel/printk.h"
#include "kernel/uapi/statfs.h"
#include "lib/printf.h"
#include "lib/string.h"

/* The directory for the part of a name before a slash; made if needed. tmpfs->lock not held. */
static struct inode *subdir_get(struct inode *dir, const char *name, size_t len)
{
	struct tmpfs *fs = tmpfs_of(dir->sb);
	struct tmpfs_entry *e;
	struct inode *inode;
	int err;

	mutex_lock(&fs->lock);
	e = tmpfs_find_locked(dir, name, len);
	inode = e ? e->inode : NULL;
	mutex_unlock(&fs->lock);
	if (inode)
		return inode;
	inode = tmpfs_inode_new(dir->sb, NULL, S_IFDIR | 0755, 0);
	if (is_err(inode))
		return inode;
	inode->nlink = 2;
	mutex_lock(&fs->lock);
	err = tmpfs_add_locked(dir, name, len, inode);
	mutex_unlock(&fs->lock);
	if (err) {
		inode_put(inode);
		return err_ptr(err);
	}
	dir->nlink++;
	return inode;
}

/* The directory of a name with slashes below dir; *name becomes what stands behind the last. */
static struct inode *parent_get(struct inode *dir, const char **name)
{
	const char *slash;

	while (!is_err(dir) && (slash = strchr(*name, '/'))) {
		dir = subdir_get(dir, *name, (size_t)(slash - *name));
		*name = slash + 1;
	}
	return dir;
}

/* Of two with the same name the first one stays; the inode is put when it gets none. */
static int entry_add(struct inode *dir, const char *name, struct inode *inode)
{
	struct tmpfs *fs = tmpfs_of(dir->sb);
	int err = -EEXIST;

	mutex_lock(&fs->lock);
	if (!tmpfs_find_locked(dir, name, strlen(name)))
		err = tmpfs_add_locked(dir, name, strlen(name), inode);
	mutex_unlock(&fs->lock);
	if (err)
		inode_put(inode);
	return err;
}

static int node_add(struct inode *dir, const char *name, mode_t mode, dev_t rdev)
{
	struct inode *inode;

	dir = parent_get(dir, &name);
	if (is_err(dir))
		return (int)ptr_err(dir);
	inode = tmpfs_inode_new(dir->sb, NULL, mode, rdev);
	if (is_err(inode))
		return (int)ptr_err(inode);
	inode->uid = 0;
	inode->gid = 0;
	inode->nlink = 1;
	return entry_add(dir, name, inode);
}

/* The next device without a node, under the lock so that each is made once. */
static struct chardev *chardev_take(struct tmpfs *fs)
{
	struct chardev *c;

	mutex_lock(&fs->lock);
	c = chardev_next(fs->seen);
	if (c)
		fs->seen = c;
	mutex_unlock(&fs->lock);
	return c;
}

/* Is there work for a disk or partition: a node to be made, or one to go? Asked once for each. */
static bool blockdev_news(struct tmpfs *fs, struct blockdev *b)
{
	bool news;

	mutex_lock(&fs->lock);
	news = b->has_node == b->gone;
	b->has_node = !b->gone;
	mutex_unlock(&fs->lock);
	return news;
}

static void link_add(struct inode *dir, const char *name, const char *target)
{
	size_t len = strlen(target);
	struct inode *inode;
	char *copy;

	dir = parent_get(dir, &name);
	if (is_err(dir))
		return;
	inode = tmpfs_inode_new(dir->sb, NULL, S_IFLNK | 0777, 0);
	if (is_err(inode))
		return;
	copy = kmalloc(len + 1);
	if (!copy) {
		inode_put(inode);
		return;
	}
	inode->nlink = 1;
	memcpy(copy, target, len + 1);
	tmpfs_i(inode)->target = copy;
	inode->size_other = len;
	(void)entry_add(dir, name, inode);
}

/*
 * As udev names it, for those who know the partition but not which disk it is on. False: it has no
 * such name.
 */
static bool partuuid_names(const struct blockdev *b, char *name, char *target, size_t size)
{
	snprintf(name, size, "disk/by-partuuid/%s", b->partuuid);
	for (char *p = name; *p; p++)
		*p = *p >= 'A' && *p <= 'Z' ? (char)(*p | 32) : *p;
	snprintf(target, size, "../../%s", b->name);
	return b->partuuid[0];
}

static void blockdev_add(struct inode *root, const struct blockdev *b)
{
	char name[64], target[64];

	(void)node_add(root, b->name, S_IFBLK | 0660, b->dev);
	if (partuuid_names(b, name, target, sizeof(name)))
		link_add(root, name, target);
}

/* Is it still what was made for b: the link with this target, or without one the node? */
static bool is_ours(struct inode *inode, const struct blockdev *b, const char *target)
{
	if (target)
		return S_ISLNK(inode->mode) && !strcmp(tmpfs_i(inode)->target, target);
	return S_ISBLK(inode->mode) && inode->rdev == b->dev;
}

static void name_remove(struct inode *dir, const char *name, const struct blockdev *b,
			const char *target)
{
	struct tmpfs *fs = tmpfs_of(dir->sb);
	struct inode *inode = NULL;
	struct tmpfs_entry *e;

	dir = parent_get(dir, &name);
	if (is_err(dir))
		return;
	mutex_lock(&fs->lock);
	e = tmpfs_find_locked(dir, name, strlen(name));
	if (e && is_ours(e->inode, b, target)) {
		inode = e->inode;
		inode->nlink = 0;
		tmpfs_remove_locked(e);
	}
	mutex_unlock(&fs->lock);
	if (inode)
		inode_put(inode);
}

/* A partition that is gone. */
static void blockdev_remove(struct inode *root, const struct blockdev *b)
{
	char name[64], target[64];

	name_remove(root, b->name, b, NULL);
	if (partuuid_names(b, name, target, sizeof(name)))
		name_remove(root, name, b, target);
}

static struct inode *devfs_root; /* of the one devfs that keeps itself up to date */

static void devfs_update(struct super_block *sb)
{
	struct tmpfs *fs = tmpfs_of(sb);
	uint32_t changes = blockdev_changes();
	struct blockdev *b = NULL;
	struct chardev *c;

	while ((c = chardev_take(fs)))
		(void)node_add(devfs_root, c->name, S_IFCHR | c->mode, c->dev);
	if (atomic_exchange(&fs->blockdevs, changes) == changes)
		return;
	while ((b = blockdev_next_any(b))) {
		if (!blockdev_news(fs, b))
			continue;
		if (b->gone)
			blockdev_remove(devfs_root, b);
		else
			blockdev_add(devfs_root, b);
	}
}

static int devfs_mount(struct super_block *sb, const char *options, struct inode **root)
{
	struct tmpfs *fs = kzalloc(sizeof(*fs));
	int err;

	if (!fs)
		return -ENOMEM;
	err = tmpfs_fill(sb, fs, 0755, root);
	if (err) {
		kfree(fs);
		return err;
	}
	devfs_root = *root;
	sb->forget_names = true; /* "no such device" does not hold for ever */
	sb->posix_acl = true;
	fs->update = devfs_update;
	devfs_update(sb);
	link_add(*root, "fd", "/proc/self/fd");
	link_add(*root, "stdin", "/proc/self/fd/0");
	link_add(*root, "stdout", "/proc/self/fd/1");
	link_add(*root, "stderr", "/proc/self/fd/2");
	(void)subdir_get(*root, "shm", 3);
	(void)subdir_get(*root, "pts", 3);
	return 0;
}

void devfs_register(void)
{
	static struct fstype devfs = {
		.name = "devtmpfs", .single = true, .mount = devfs_mount,
		.check_option = tmpfs_option_check,
		.magic = DEVFS_MAGIC};

	fstype_register(&devfs);
}

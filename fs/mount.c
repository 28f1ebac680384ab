/*
 * The mount tree: which volume's root stands on which directory. Changes hold mount_mutex and,
 * for the links a path walk follows, dcache_lock.
 */
#include "fs/loop.h"
#include "fs/mount.h"

#include "fs/notify.h"
#include <stdatomic.h>

#include "drivers/block.h"
#include "fs/super.h"
#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/thread.h"
#include "kernel/uapi/mount.h"
#include "lib/string.h"

struct mutex mount_mutex;
LIST_HEAD(mounts);
struct mount *root_mount;
static uint32_t next_id = 1; /* mount_mutex */

struct mount *mount_get(struct mount *m)
{
	if (!m)
		return NULL; /* a pipe is on no mount */
	atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
	return m;
}

/* The volume is used no more: write it out and let go of its device. */
static void super_unmount(struct super_block *sb, struct dentry *root)
{
	int err = super_sync(sb);

	/* A volume that was found damaged has said so. */
	if (err && !atomic_load(&sb->readonly))
		pr_err("%s: cannot write everything back: error %d\n", sb->type->name, -err);
	if (notify_wanted())
		notify_unmount_slow(sb);
	while (dcache_shrink(sb, UINT64_MAX))
		;
	dentry_put(root);
	if (sb->ops->unmount)
		sb->ops->unmount(sb);
	if (sb->bdev) {
		blockdev_release(sb->bdev);
		loop_unused(sb->bdev);
	}
	kfree(sb);
}

void mount_put(struct mount *m)
{
	struct super_block *sb;

	if (!m)
		return;
	sb = m->sb;
	if (atomic_fetch_sub(&m->refs, 1) != 1)
		return;
	if (atomic_fetch_sub(&sb->mounts, 1) == 1)
		super_unmount(sb, m->root);
	else
		dentry_put(m->root);
	kfree(m->source);
	kfree(m);
}

struct mount *mount_find_locked(struct mount *m, struct dentry *d)
{
	struct mount *at;

	/* The latest one on a place hides those before it. */
	list_for_each_entry_reverse(at, &mounts, link) {
		if (at->parent == m && at->point == d)
			return at;
	}
	return NULL;
}

int mount_write_begin(struct mount *m)
{
	if (atomic_load(&m->flags) & MS_RDONLY)
		return -EROFS;
	return super_write_begin(m->sb);
}

void mount_write_end(struct mount *m)
{
	super_write_end(m->sb);
}

static struct mount *mount_alloc(const char *source, uint32_t flags)
{
	struct mount *m = kzalloc(sizeof(*m));
	size_t len = strlen(source) + 1;

	if (!m)
		return NULL;
	m->source = kmalloc(len);
	if (!m->source) {
		kfree(m);
		return NULL;
	}
	memcpy(m->source, source, len);
	m->refs = 1;
	m->flags = flags;
	list_init(&m->link);
	return m;
}

/* Claim the device and let the file system read the volume. The root dentry, or err_ptr. */
static struct dentry *super_mount(struct fstype *type, struct blockdev *bdev, uint32_t flags,
				  const char *options)
{
	struct super_block *sb = super_alloc(type);
	struct inode *root = NULL;
	struct dentry *d;
	int err;

	if (!sb)
		return err_ptr(-ENOMEM);
	sb->readonly = flags & MS_RDONLY;
	if (type->needs_device) {
		sb->bdev = bdev;
		err = bdev ? blockdev_claim(bdev) : -ENOTBLK;
		if (err)
			goto fail;
		sb->dev = sb->bdev->dev;
		if (sb->bdev->readonly)
			sb->readonly = true;
	}
	err = type->mount(sb, options, &root);
	if (err)
		goto fail_device;
	d = dentry_root(sb, root);
	if (d)
		return d;
	err = -ENOMEM;
	if (sb->ops->unmount)
		sb->ops->unmount(sb);
fail_device:
	if (sb->bdev)
		blockdev_release(sb->bdev);
fail:
	kfree(sb);
	return err_ptr(err);
}

/* A volume that is mounted already is mounted once more, not read twice. */
static struct dentry *super_again(struct fstype *type, struct blockdev *bdev,
				  const char *options)
{
	struct mount *m;
	int err;

	if (!bdev && !type->single)
		return NULL;
	list_for_each_entry(m, &mounts, link) {
		if (m->sb->bdev == bdev && m->sb->type == type && m->root->parent == m->root) {
			err = super_check_options(m->sb, options);
			if (err)
				return err_ptr(err);
			atomic_fetch_add(&m->sb->mounts, 1);
			return dentry_get(m->root);
		}
	}
	return NULL;
}

/* m, which stands nowhere, stands on at from now on. dcache_lock held. */
static void place_locked(struct mount *m, struct path *at)
{
	m->parent = mount_get(at->mnt);
	m->point = dentry_get(at->dentry);
	at->dentry->flags |= DENTRY_MOUNTED;
	list_add_tail(&m->link, &mounts);
}

void mount_attach(struct mount *m, struct path *at)
{
	m->id = next_id++;
	spin_lock(&dcache_lock);
	if (at) {
		place_locked(m, at);
	} else {
		root_mount = m;
		list_add_tail(&m->link, &mounts);
	}
	spin_unlock(&dcache_lock);
}

int mount_add(const char *source, struct blockdev *bdev, struct path *at, struct fstype *type,
	      uint32_t flags, const char *options)
{
	struct mount *m = mount_alloc(source, flags);
	struct dentry *root;
	bool again;
	int err = 0;

	if (!m)
		return -ENOMEM;
	mutex_lock(&mount_mutex);
	root = super_again(type, bdev, options);
	again = root;
	if (!again)
		root = super_mount(type, bdev, flags, options);
	if (is_err(root)) {
		err = (int)ptr_err(root);
		kfree(m->source);
		kfree(m);
		goto out;
	}
	if (!again) {
		root->sb->mounts = 1;
		super_publish(root->sb);
	}
	m->sb = root->sb;
	m->root = root;
	if (at && dentry_unlinked(at->dentry))
		err = -ENOENT;
	else if (at && at->mnt->sb == m->sb && at->dentry == m->root)
		err = -EBUSY; /* the same once more, right on top of itself */
	if (err) {
		super_retract_if_last(m);
		mount_put(m);
		goto out;
	}
	mount_attach(m, at);
out:
	mutex_unlock(&mount_mutex);
	return err;
}

int mount_bind(struct path *what, struct path *at, uint32_t flags)
{
	struct mount *m = mount_alloc(what->mnt->source, atomic_load(&what->mnt->flags));

	if (!m)
		return -ENOMEM;
	if (S_ISDIR(what->dentry->inode->mode) != S_ISDIR(at->dentry->inode->mode)) {
		kfree(m->source);
		kfree(m);
		return -ENOTDIR;
	}
	mutex_lock(&mount_mutex);
	m->sb = what->mnt->sb;
	m->root = dentry_get(what->dentry);
	atomic_fetch_add(&m->sb->mounts, 1);
	mount_attach(m, at);
	mutex_unlock(&mount_mutex);
	return 0;
}

void super_retract_if_last(struct mount *m)
{
	if (atomic_load(&m->sb->mounts) == 1)
		super_retract(m->sb);
}

/* Is anything mounted on it? dcache_lock held. */
static bool has_children_locked(const struct mount *m)
{
	struct mount *at;

	list_for_each_entry(at, &mounts, link) {
		if (at->parent == m)
			return true;
	}
	return false;
}

/* Take m out of the tree; its references to the place it stood on go to *at. */
static void detach_locked(struct mount *m, struct path *at)
{
	struct mount *other;
	bool more = false;

	list_del(&m->link);
	at->mnt = m->parent;
	at->dentry = m->point;
	m->parent = NULL;
	m->point = NULL;
	list_for_each_entry(other, &mounts, link)
		more |= other->point == at->dentry;
	if (!more)
		at->dentry->flags &= ~DENTRY_MOUNTED;
}

int mount_remove(struct mount *m, bool lazy)
{
	struct path at;
	int err = -EBUSY;

	mutex_lock(&mount_mutex);
	spin_lock(&dcache_lock);
	/* Ours and the tree's are the two references of a mount that nobody uses. */
	if (list_empty(&m->link)) {
		err = -EINVAL;
	} else if (m != root_mount && !has_children_locked(m) &&
		   (lazy || atomic_load(&m->refs) == 2)) {
		detach_locked(m, &at);
		err = 0;
	}
	spin_unlock(&dcache_lock);
	if (!err) {
		super_retract_if_last(m);
		path_put(&at);
		mount_put(m); /* the tree's */
		mount_put(m); /* the caller's: most often the last, so that the device is free */
	}
	mutex_unlock(&mount_mutex);
	if (err)
		mount_put(m);
	return err;
}

/* (mount_mutex, dcache_lock) */
static int may_move(struct path *what, struct path *at)
{
	struct mount *m = what->mnt;

	if (dentry_unlinked(at->dentry))
		return -ENOENT;
	/* What was detached has no parent either. */
	if (what->dentry != m->root || !m->parent || list_empty(&at->mnt->link))
		return -EINVAL;
	if (S_ISDIR(what->dentry->inode->mode) != S_ISDIR(at->dentry->inode->mode))
		return -EINVAL;
	for (struct mount *p = at->mnt; p; p = p->parent) {
		if (p == m)
			return -ELOOP;
	}
	return 0;
}

int mount_move(struct path *what, struct path *at)
{
	struct path old;
	int err;

	mutex_lock(&mount_mutex);
	spin_lock(&dcache_lock);
	err = may_move(what, at);
	if (!err) {
		detach_locked(what->mnt, &old);
		place_locked(what->mnt, at);
	}
	spin_unlock(&dcache_lock);
	if (!err)
		path_put(&old);
	mutex_unlock(&mount_mutex);
	return err;
}

int mount_expire(struct mount *m)
{
	/* The tree's and the caller's. */
	if (atomic_load(&m->refs) != 2)
		return -EBUSY;
	return atomic_fetch_or(&m->flags, MOUNT_EXPIRING) & MOUNT_EXPIRING ? 0 : -EAGAIN;
}

int super_check_options(struct super_block *sb, const char *options)
{
	return sb->ops->check_options ? sb->ops->check_options(sb, options) : 0;
}

int super_remount(struct super_block *sb, bool readonly)
{
	int err;

	if (atomic_load(&sb->readonly) == readonly)
		return 0;
	if (!readonly) {
		if (sb->bdev && sb->bdev->readonly)
			return -EACCES;
		err = sb->ops->remount ? sb->ops->remount(sb, false) : 0;
		if (!err)
			atomic_store(&sb->readonly, false);
		return err;
	}
	err = super_set_readonly(sb);
	if (err)
		return err;
	err = super_sync(sb);
	if (!err && sb->ops->remount)
		err = sb->ops->remount(sb, true);
	if (err)
		atomic_store(&sb->readonly, false);
	return err;
}

void mount_init(void)
{
	mutex_init(&mount_mutex, "mounts", RANK_MOUNT);
}

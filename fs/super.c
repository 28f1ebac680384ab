/*
 * File system types and volumes in use, the gate for operations that change a volume, and the
 * thread that writes dirty inodes back after a while.
 */
#include "fs/vfs.h"

#include <stdatomic.h>

#include "drivers/block.h"
#include "fs/loop.h"
#include "fs/mount.h"
#include "fs/notify.h"
#include "fs/super.h"
#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/thread.h"
#include "kernel/uapi/mount.h"
#include "lib/string.h"
#include "mm/writeback.h"

static LIST_HEAD(super_blocks); /* dcache_lock; in it: those that have a use */
static struct fstype *fstypes;	     /* written at boot only */
static _Atomic uint32_t next_minor = 1; /* st_dev of volumes without a device: major 0 */
static _Atomic uint32_t ending;	     /* uses that are being given up, and maybe their volume */
static struct waitqueue ended;	     /* for there to be none */
static struct waitqueue flusher_wait;
static _Atomic uint32_t flusher_due;
static _Atomic uint32_t flusher_changes; /* of the settings it keeps to */

void fstype_register(struct fstype *t)
{
	struct fstype **at = &fstypes;

	while (*at)
		at = &(*at)->next;
	*at = t;
}

struct fstype *fstype_next(struct fstype *prev)
{
	return prev ? prev->next : fstypes;
}

struct fstype *fstype_find(const char *name)
{
	for (struct fstype *t = fstypes; t; t = t->next) {
		if (!strcmp(t->name, name))
			return t;
	}
	return NULL;
}

struct super_block *super_alloc(struct fstype *t)
{
	struct super_block *sb = kzalloc(sizeof(*sb));

	if (!sb)
		return NULL;
	sb->type = t;
	sb->block_size = PAGE_SIZE;
	sb->max_size = INT64_MAX & PAGE_MASK;
	sb->dev = atomic_fetch_add(&next_minor, 1);
	mutex_init(&sb->rename_lock, "rename", RANK_RENAME);
	list_init(&sb->inodes);
	list_init(&sb->dirty);
	list_init(&sb->link);
	return sb;
}

struct mount *super_internal(const char *name, unsigned magic, const struct super_ops *ops)
{
	struct fstype *t = kzalloc(sizeof(*t));
	struct super_block *sb = t ? super_alloc(t) : NULL;
	struct mount *m = kzalloc(sizeof(*m));

	assert_always(sb && m);
	t->name = name;
	t->magic = magic;
	sb->ops = ops;
	sb->mounts = 1;
	m->sb = sb;
	mount_alone(m);
	return m;
}

/* The volume is used no more: write it out and let go of its device. */
static void super_unmount(struct super_block *sb)
{
	int err = super_sync(sb);

	/* A volume that was found damaged has said so. */
	if (err && !atomic_load(&sb->readonly))
		pr_err("%s: cannot write everything back: error %d\n", sb->type->name, -err);
	if (notify_wanted())
		notify_unmount_slow(sb);
	while (dcache_shrink(sb, UINT64_MAX))
		;
	dentry_put(sb->root);
	if (sb->ops->unmount)
		sb->ops->unmount(sb);
	if (sb->bdev) {
		blockdev_release(sb->bdev);
		loop_unused(sb->bdev);
	}
	kfree(sb);
}

void super_get(struct super_block *sb)
{
	atomic_fetch_add(&sb->mounts, 1);
}

/* The same for one that may have had its last use. dcache_lock held. */
static bool super_tryget_locked(struct super_block *sb)
{
	uint32_t n = atomic_load(&sb->mounts);

	while (n && !atomic_compare_exchange_weak(&sb->mounts, &n, n + 1))
		;
	return n;
}

void super_put(struct super_block *sb)
{
	/* Before the last use goes: who does not find the volume any more waits for it. */
	atomic_fetch_add(&ending, 1);
	if (atomic_fetch_sub(&sb->mounts, 1) == 1) {
		spin_lock(&dcache_lock);
		list_del(&sb->link);
		spin_unlock(&dcache_lock);
		super_unmount(sb);
	}
	atomic_fetch_sub(&ending, 1);
	wake_all(&ended);
}

/* The first behind sb (NULL: of all) that is in use, referenced; sb's reference goes. */
static struct super_block *super_next(struct super_block *sb)
{
	struct super_block *next = NULL, *at;

	spin_lock(&dcache_lock);
	list_for_each_entry(at, sb ? &sb->link : &super_blocks, link) {
		if (&at->link == &super_blocks)
			break;
		if (super_tryget_locked(at)) {
			next = at;
			break;
		}
	}
	spin_unlock(&dcache_lock);
	if (sb)
		super_put(sb);
	return next;
}

int super_for_each(int (*func)(struct super_block *sb))
{
	struct super_block *sb;
	int err = 0, err2;

	/* umount(2) waits: behind it, the device is free. */
	mutex_lock(&mount_mutex);
	for (sb = super_next(NULL); sb; sb = super_next(sb)) {
		err2 = func(sb);
		if (!err)
			err = err2;
	}
	mutex_unlock(&mount_mutex);
	return err;
}

/* Let the file system read the volume. 0 or -errno. */
static int super_read(struct super_block *sb, const char *options)
{
	struct inode *root = NULL;
	int err = sb->type->mount(sb, options, &root);

	if (err)
		return err;
	sb->root = dentry_root(sb, root);
	if (sb->root)
		return 0;
	if (sb->ops->unmount)
		sb->ops->unmount(sb);
	return -ENOMEM;
}

/* Claim the device and read what is on it. err_ptr on failure. */
static struct super_block *super_new(struct fstype *type, struct blockdev *bdev, uint32_t flags,
				     const char *options)
{
	struct super_block *sb = super_alloc(type);
	int err;

	if (!sb)
		return err_ptr(-ENOMEM);
	sb->readonly = flags & MS_RDONLY;
	sb->synchronous = flags & MS_SYNCHRONOUS;
	if (type->needs_device) {
		sb->bdev = bdev;
		err = bdev ? blockdev_claim(bdev) : -ENOTBLK;
		if (err)
			goto fail;
		sb->dev = sb->bdev->dev;
		if (sb->bdev->readonly)
			sb->readonly = true;
	}
	err = super_read(sb, options);
	if (!err) {
		sb->mounts = 1;
		spin_lock(&dcache_lock);
		list_add_tail(&sb->link, &super_blocks);
		spin_unlock(&dcache_lock);
		return sb;
	}
	if (sb->bdev)
		blockdev_release(sb->bdev);
fail:
	kfree(sb);
	return err_ptr(err);
}

/* One that is in use already, referenced; NULL: there is none. */
static struct super_block *super_find(struct fstype *type, struct blockdev *bdev)
{
	struct super_block *sb, *found = NULL;

	if (!bdev && !type->single)
		return NULL;
	spin_lock(&dcache_lock);
	list_for_each_entry(sb, &super_blocks, link) {
		if (sb->bdev == bdev && sb->type == type && super_tryget_locked(sb)) {
			found = sb;
			break;
		}
	}
	spin_unlock(&dcache_lock);
	return found;
}

/* May what is in use be mounted so, too? */
static int super_join(struct super_block *sb, uint32_t flags, const char *options)
{
	if (flags & SUPER_EXCLUSIVE)
		return -EBUSY;
	/* Who asks for one that is read-only does not get it written to, nor the reverse. */
	if (sb->bdev && !sb->bdev->readonly &&
	    atomic_load(&sb->readonly) != (flags & MS_RDONLY))
		return -EBUSY;
	return sb->ops->check_options ? sb->ops->check_options(sb, options) : 0;
}

struct super_block *super_open(struct fstype *type, struct blockdev *bdev, uint32_t flags,
			       const char *options)
{
	struct super_block *sb = super_find(type, bdev);
	int err;

	if (!sb)
		return super_new(type, bdev, flags, options);
	err = super_join(sb, flags, options);
	if (!err)
		return sb;
	super_put(sb);
	return err_ptr(err);
}

int super_sync_all(void)
{
	return super_for_each(super_sync);
}

void super_wait_ended(void)
{
	(void)wait_event(&ended, !atomic_load(&ending), WAIT_UNINTERRUPTIBLE);
}

int super_write_begin(struct super_block *sb)
{
	atomic_fetch_add(&sb->writers, 1);
	if (unlikely(atomic_load(&sb->readonly))) {
		atomic_fetch_sub(&sb->writers, 1);
		return -EROFS;
	}
	return 0;
}

void super_write_end(struct super_block *sb)
{
	atomic_fetch_sub(&sb->writers, 1);
}

/*
 * Anyone who holds the gate open (an open file, or an operation under way) keeps the volume
 * writable; afterwards nobody can open it again.
 */
static int super_set_readonly(struct super_block *sb)
{
	atomic_store(&sb->readonly, true);
	if (atomic_load(&sb->writers)) {
		atomic_store(&sb->readonly, false);
		return -EBUSY;
	}
	return 0;
}

static int super_remount(struct super_block *sb, bool readonly)
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

int super_change(struct super_block *sb, uint32_t flags, uint32_t mask, const char *options)
{
	int err = 0;

	mutex_lock(&mount_mutex);
	if (options && sb->ops->check_options)
		err = sb->ops->check_options(sb, options);
	if (!err && (mask & MS_RDONLY))
		err = super_remount(sb, flags & MS_RDONLY);
	if (!err && (mask & MS_SYNCHRONOUS))
		atomic_store(&sb->synchronous, flags & MS_SYNCHRONOUS);
	mutex_unlock(&mount_mutex);
	return err;
}

void flusher_kick(void)
{
	if (!atomic_exchange(&flusher_due, true))
		wake_all(&flusher_wait);
}

void flusher_retime(void)
{
	atomic_fetch_add(&flusher_changes, 1);
	wake_all(&flusher_wait);
}

/* A changed inode waits as long as a page may stay dirty, and for ever if nobody is to look. */
static void flusher(void *unused)
{
	for (;;) {
		uint32_t seen = atomic_load(&flusher_changes);

		(void)wait_event(&flusher_wait,
				 atomic_load(&flusher_due) && dirty_writeback_centisecs,
				 WAIT_UNINTERRUPTIBLE);
		(void)wait_event_deadline(&flusher_wait, atomic_load(&flusher_changes) != seen,
					  WAIT_UNINTERRUPTIBLE,
					  time_ns() + dirty_expire_centisecs * NSEC_PER_SEC / 100);
		if (atomic_load(&flusher_changes) != seen)
			continue;
		atomic_store(&flusher_due, false);
		(void)super_sync_all();
	}
}

void flusher_start(void)
{
	struct thread *t = kthread_create("fsflush", flusher, NULL);

	if (!t)
		panic("no memory for the flusher");
	thread_start(t);
}

void super_init(void)
{
	waitqueue_init(&ended);
	waitqueue_init(&flusher_wait);
}

/*
 * File system types and volumes in use, the gate for operations that change a volume, and the
 * thread that writes dirty inodes back after a while.
 */
#include "fs/vfs.h"

#include <stdatomic.h>

#include "fs/super.h"
#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/thread.h"
#include "lib/string.h"
#include "mm/writeback.h"

static LIST_HEAD(super_blocks); /* mount_mutex */
static struct fstype *fstypes;	     /* written at boot only */
static _Atomic uint32_t next_minor = 1; /* st_dev of volumes without a device: major 0 */
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
	m->refs = 1;
	list_init(&m->link);
	return m;
}

void super_publish(struct super_block *sb)
{
	list_add_tail(&sb->link, &super_blocks);
}

void super_retract(struct super_block *sb)
{
	list_del(&sb->link);
}

int super_for_each(int (*func)(struct super_block *sb))
{
	struct super_block *sb;
	int err = 0, err2;

	/* Nothing is unmounted meanwhile. */
	mutex_lock(&mount_mutex);
	list_for_each_entry(sb, &super_blocks, link) {
		err2 = func(sb);
		if (!err)
			err = err2;
	}
	mutex_unlock(&mount_mutex);
	return err;
}

int super_sync_all(void)
{
	return super_for_each(super_sync);
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
int super_set_readonly(struct super_block *sb)
{
	atomic_store(&sb->readonly, true);
	if (atomic_load(&sb->writers)) {
		atomic_store(&sb->readonly, false);
		return -EBUSY;
	}
	return 0;
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
	waitqueue_init(&flusher_wait);
}

/*
 * The table of inodes: each one of a volume is in memory once. Life: inode_get_locked makes it
 * INODE_NEW, the file system fills it, references come and go, the last one evicts it.
 */
#include "fs/super.h"
#include "fs/handle.h"

#include <stdatomic.h>

#include "fs/acl.h"
#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/swap/object.h"
#include "kernel/thread.h"
#include "lib/hash.h"
#include "mm/pagecache.h"

#define HASH_BITS 11

static struct spinlock icache_lock = SPINLOCK_INIT("icache", RANK_ICACHE);
static struct hlist_head table[1 << HASH_BITS]; /* h */
static struct waitqueue inode_wait;		/* INODE_NEW or INODE_FREEING ended */

static struct hlist_head *bucket(const struct super_block *sb, uint64_t ino)
{
	return &table[hash_u64((uintptr_t)sb ^ ino << 7, HASH_BITS)];
}

static _Atomic uint64_t inodes; /* that there are, in all file systems */

uint64_t inode_count(void)
{
	return atomic_load_explicit(&inodes, memory_order_relaxed);
}

static void inode_free(struct inode *inode)
{
	atomic_fetch_sub_explicit(&inodes, 1, memory_order_relaxed);
	acl_put(inode->acl);
	inode->sb->ops->free(inode);
}

void inode_init(struct inode *inode, struct super_block *sb, uint64_t ino, mode_t mode)
{
	atomic_fetch_add_explicit(&inodes, 1, memory_order_relaxed);
	inode->sb = sb;
	inode->ino = ino;
	inode->mode = mode;
	inode->refs = 1;
	if (S_ISDIR(mode))
		mutex_init(&inode->lock, "directory", RANK_DIR);
	else
		mutex_init(&inode->lock, "inode", RANK_INODE);
	hlist_node_init(&inode->hash);
	list_init(&inode->sb_link);
	list_init(&inode->dirty_link);
}

void inode_hash(struct inode *inode)
{
	spin_lock(&icache_lock);
	hlist_add(&inode->hash, bucket(inode->sb, inode->ino));
	list_add_tail(&inode->sb_link, &inode->sb->inodes);
	spin_unlock(&icache_lock);
}

static struct inode *inode_find_locked(struct super_block *sb, uint64_t ino)
{
	struct inode *inode;

	hlist_for_each_entry(inode, bucket(sb, ino), hash) {
		if (inode->ino == ino && inode->sb == sb)
			return inode;
	}
	return NULL;
}

/* Wait until the one in the table is neither being read nor being evicted any more. */
static bool inode_settled(struct super_block *sb, uint64_t ino)
{
	struct inode *inode;
	bool settled;

	spin_lock(&icache_lock);
	inode = inode_find_locked(sb, ino);
	settled = !inode || !(atomic_load(&inode->state) & (INODE_NEW | INODE_FREEING));
	spin_unlock(&icache_lock);
	return settled;
}

struct inode *inode_get_locked(struct super_block *sb, uint64_t ino,
			       struct inode *(*alloc)(struct super_block *sb), bool *fresh)
{
	struct inode *inode, *spare = NULL;

	*fresh = false;
	for (;;) {
		spin_lock(&icache_lock);
		inode = inode_find_locked(sb, ino);
		if (!inode && spare) {
			spare->ino = ino;
			atomic_fetch_or(&spare->state, INODE_NEW);
			hlist_add(&spare->hash, bucket(sb, ino));
			list_add_tail(&spare->sb_link, &sb->inodes);
			spin_unlock(&icache_lock);
			*fresh = true;
			return spare;
		}
		if (inode && !(atomic_load(&inode->state) & (INODE_NEW | INODE_FREEING))) {
			atomic_fetch_add(&inode->refs, 1);
			spin_unlock(&icache_lock);
			if (spare)
				inode_free(spare);
			return inode;
		}
		spin_unlock(&icache_lock);
		if (inode) {
			(void)wait_event(&inode_wait, inode_settled(sb, ino),
					 WAIT_UNINTERRUPTIBLE);
			continue;
		}
		spare = alloc(sb);
		if (!spare)
			return NULL;
	}
}

static struct inode *no_inode(struct super_block *sb)
{
	(void)sb;
	return NULL;
}

struct inode *inode_find(struct super_block *sb, uint64_t ino)
{
	bool fresh;

	return inode_get_locked(sb, ino, no_inode, &fresh);
}

void inode_unlock_new(struct inode *inode)
{
	spin_lock(&icache_lock);
	atomic_fetch_and(&inode->state, ~INODE_NEW);
	spin_unlock(&icache_lock);
	wake_all(&inode_wait);
}

static void inode_unhash(struct inode *inode)
{
	spin_lock(&icache_lock);
	hlist_del(&inode->hash);
	list_del(&inode->sb_link);
	list_del(&inode->dirty_link);
	spin_unlock(&icache_lock);
	wake_all(&inode_wait);
}

void inode_fail_new(struct inode *inode)
{
	inode_unhash(inode);
	inode_free(inode);
}

struct inode *inode_get(struct inode *inode)
{
	atomic_fetch_add_explicit(&inode->refs, 1, memory_order_relaxed);
	return inode;
}

static int inode_write_back(struct inode *inode)
{
	int err = 0, err2 = 0;

	if (inode_has_object(inode))
		err = pagecache_sync(&inode->object, 0, UINT64_MAX >> PAGE_SHIFT);
	if (inode->sb->ops->write_inode)
		err2 = inode->sb->ops->write_inode(inode);
	return err ? err : err2;
}

static void inode_evict(struct inode *inode)
{
	struct super_block *sb = inode->sb;

	if (inode->nlink && (atomic_load(&inode->state) & INODE_DIRTY)) {
		atomic_fetch_and(&inode->state, ~(INODE_DIRTY | INODE_DATASYNC));
		(void)inode_write_back(inode);
	}
	locks_inode_freed(inode);
	if (sb->ops->evict && !(atomic_load(&inode->state) & INODE_EVICTED))
		sb->ops->evict(inode);
	if (inode_has_object(inode))
		object_destroy(&inode->object);
	inode_unhash(inode);
	inode_free(inode);
}

void inode_put(struct inode *inode)
{
	int refs;

	if (!inode)
		return;
	refs = atomic_load_explicit(&inode->refs, memory_order_relaxed);
	while (refs > 1) {
		if (atomic_compare_exchange_weak(&inode->refs, &refs, refs - 1))
			return;
	}
	spin_lock(&icache_lock);
	if (atomic_fetch_sub(&inode->refs, 1) != 1) {
		spin_unlock(&icache_lock);
		return;
	}
	atomic_fetch_or(&inode->state, INODE_FREEING);
	spin_unlock(&icache_lock);
	inode_evict(inode);
}

void inode_dirty_slow(struct inode *inode, uint32_t bits)
{
	uint32_t was = atomic_fetch_or(&inode->state, bits);

	if ((was & INODE_DIRTY) || hlist_unhashed(&inode->hash))
		return;
	spin_lock(&icache_lock);
	if (list_empty(&inode->dirty_link))
		list_add_tail(&inode->dirty_link, &inode->sb->dirty);
	spin_unlock(&icache_lock);
	flusher_kick();
}

int inode_sync(struct inode *inode, bool datasync)
{
	uint32_t was = atomic_load(&inode->state);
	int err;

	if (datasync && !(was & INODE_DATASYNC)) {
		if (!inode_has_object(inode))
			return 0;
		return pagecache_sync(&inode->object, 0, UINT64_MAX >> PAGE_SHIFT);
	}
	spin_lock(&icache_lock);
	atomic_fetch_and(&inode->state, ~(INODE_DIRTY | INODE_DATASYNC));
	list_del(&inode->dirty_link);
	spin_unlock(&icache_lock);
	err = inode_write_back(inode);
	if (err)
		inode_dirty(inode, true);
	return err;
}

/* The next dirty inode of sb, referenced and no longer dirty; NULL when the list is used up. */
static struct inode *dirty_next(struct super_block *sb, struct list_head *work)
{
	struct inode *inode = NULL;

	spin_lock(&icache_lock);
	while (!list_empty(work)) {
		inode = list_first_entry(work, struct inode, dirty_link);
		list_del(&inode->dirty_link);
		/* One that is being evicted writes itself back. */
		if (!(atomic_load(&inode->state) & INODE_FREEING)) {
			atomic_fetch_and(&inode->state, ~(INODE_DIRTY | INODE_DATASYNC));
			atomic_fetch_add(&inode->refs, 1);
			break;
		}
		inode = NULL;
	}
	spin_unlock(&icache_lock);
	return inode;
}

int super_sync(struct super_block *sb)
{
	LIST_HEAD(work);
	struct inode *inode;
	int err = 0, err2;

	spin_lock(&icache_lock);
	list_splice_tail(&sb->dirty, &work);
	spin_unlock(&icache_lock);
	while ((inode = dirty_next(sb, &work))) {
		err2 = inode_write_back(inode);
		if (!err)
			err = err2;
		inode_put(inode);
	}
	if (sb->ops->sync) {
		err2 = sb->ops->sync(sb);
		if (!err)
			err = err2;
	}
	return err;
}

static struct inode *unlinked_next(struct super_block *sb)
{
	const uint32_t not = INODE_NEW | INODE_FREEING | INODE_EVICTED;
	struct inode *inode, *found = NULL;

	spin_lock(&icache_lock);
	list_for_each_entry(inode, &sb->inodes, sb_link) {
		if (!inode->nlink && !(atomic_load(&inode->state) & not)) {
			atomic_fetch_or(&inode->state, INODE_EVICTED);
			atomic_fetch_add(&inode->refs, 1);
			found = inode;
			break;
		}
	}
	spin_unlock(&icache_lock);
	return found;
}

void super_drop_unlinked(struct super_block *sb)
{
	struct inode *inode;

	while (sb->ops->evict && (inode = unlinked_next(sb))) {
		sb->ops->evict(inode);
		inode_put(inode);
	}
}

uint64_t super_pages(struct super_block *sb)
{
	struct inode *inode;
	uint64_t n = 0;

	spin_lock(&icache_lock);
	list_for_each_entry(inode, &sb->inodes, sb_link) {
		if (inode_has_object(inode))
			n += object_pages(&inode->object);
	}
	spin_unlock(&icache_lock);
	return n;
}

bool super_shrink(struct super_block *sb)
{
	bool unused;

	while (dcache_shrink(sb, UINT64_MAX))
		;
	spin_lock(&icache_lock);
	/* Only the root's, which the mount's dentry holds. */
	unused = list_empty(&sb->inodes) || list_is_last(sb->inodes.next, &sb->inodes);
	spin_unlock(&icache_lock);
	return unused;
}

int64_t inode_now(void)
{
	return (int64_t)time_realtime();
}

void inode_touch(struct inode *inode)
{
	inode->mtime = inode->ctime = inode_now();
	inode_dirty(inode, false);
}

int inode_write_get(struct inode *inode)
{
	int n = atomic_load(&inode->writers);

	do {
		if (n < 0)
			return -ETXTBSY;
	} while (!atomic_compare_exchange_weak(&inode->writers, &n, n + 1));
	return 0;
}

void inode_write_put(struct inode *inode)
{
	atomic_fetch_sub(&inode->writers, 1);
}

void icache_init(void)
{
	waitqueue_init(&inode_wait);
}

/*
 * A volume's journal, as inode 8 holds it: found, recovered at mount, and what a commit asks for.
 */
#include "fs/jbd2/jbd2.h"

#include <stdatomic.h>

#include "drivers/block.h"
#include "fs/ext2/ext2.h"
#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/thread.h"
#include "kernel/wait.h"
#include "lib/bitmap.h"
#include "lib/string.h"
#include "mm/pagecache.h"

#define JOURNAL_BLOCKS_MAX (1u << 22)

/* The inode's blocks as runs on the volume: *n of them, an array of kmalloc. */
static int extents_load(struct ext2_inode *ei, uint32_t blocks, struct journal_extent **out,
			uint32_t *n)
{
	struct journal_extent *e = NULL;
	uint32_t room = 0;
	uint64_t run;

	*n = 0;
	for (uint32_t at = 0; at < blocks; at += (uint32_t)run) {
		uint32_t pblk;
		int err = ext2_map(ei, at, blocks - at, false, &pblk, &run);

		if (!err && !pblk)
			err = ext2_error(ext2_fs(ei->vfs.sb), "the journal has a hole");
		if (!err && *n == room) {
			struct journal_extent *more = kmalloc((room * 2 + 8) * sizeof(*e));

			err = more ? 0 : -ENOMEM;
			if (more && room)
				memcpy(more, e, room * sizeof(*e));
			if (more) {
				kfree(e);
				e = more;
				room = room * 2 + 8;
			}
		}
		if (err) {
			kfree(e);
			return err;
		}
		e[(*n)++] = (struct journal_extent){.block = pblk, .count = (uint32_t)run};
	}
	*out = e;
	return 0;
}

static int journal_find(struct ext2_fs *fs, struct ext2_inode *ei)
{
	struct journal_extent *extents;
	uint64_t blocks;
	uint32_t n;
	int err = ext2_inode_peek(fs->sb, EXT2_JOURNAL_INO, ei, &blocks);

	if (err)
		return err;
	blocks >>= fs->block_bits;
	if (!S_ISREG(ei->vfs.mode) || blocks < 8 || blocks > JOURNAL_BLOCKS_MAX ||
	    blocks > fs->blocks_count)
		return ext2_error(fs, "the journal is no file of a possible size");
	err = extents_load(ei, (uint32_t)blocks, &extents, &n);
	if (err)
		return err;
	err = journal_open(fs->sb, extents, n, &fs->journal);
	kfree(extents);
	return err;
}

int ext2_journal_open(struct ext2_fs *fs)
{
	struct ext2_inode *ei;
	int err;

	if (fs->es->journal_inum != EXT2_JOURNAL_INO) {
		pr_err("ext2 %s: its journal is on another device\n", fs->sb->bdev->name);
		return -EINVAL;
	}
	ei = kzalloc(sizeof(*ei));
	if (!ei)
		return -ENOMEM;
	err = journal_find(fs, ei);
	kfree(ei);
	return err;
}

int ext2_journal_recover(struct ext2_fs *fs)
{
	if (fs->sb->bdev->readonly) {
		pr_err("ext2 %s: its journal must be recovered, but the device is read-only\n",
		       fs->sb->bdev->name);
		return -EROFS;
	}
	return journal_recover(fs->journal, fs->blocks_count);
}

/* --- changes --- */

/* Freed blocks that wait for their commit, or windows, may make the volume look full. */
static __slow int begin_tight(struct ext2_fs *fs, struct journal *j, uint32_t credits)
{
	if ((ext2_nr_pending(fs) || atomic_load(&fs->windowed)) && !current()->handle.in)
		(void)journal_commit(j);
	return journal_start(j, credits);
}

int ext2_begin(struct ext2_fs *fs, uint32_t credits)
{
	struct journal *j = fs->sb->journal;

	if (!j)
		return 0;
	if (unlikely(ext2_is_tight(fs, EXT2_SPARE)))
		return begin_tight(fs, j, credits);
	return journal_start(j, credits);
}

void ext2_end(struct ext2_fs *fs)
{
	struct journal *j = current()->handle.in;

	(void)fs;
	if (j)
		journal_stop(j);
}

int ext2_again(struct ext2_fs *fs)
{
	ext2_end(fs);
	return ext2_begin(fs, EXT2_CREDITS_TRIM);
}

bool ext2_may_go_on(struct ext2_fs *fs)
{
	return !fs->sb->journal || journal_has(fs->sb->journal, EXT2_CREDITS_STOP);
}

/* The running transaction is to write the inode. */
static __slow void inode_log(struct ext2_fs *fs, struct ext2_inode *ei)
{
	journal_hold(fs->sb->journal);
	spin_lock(&fs->list_lock);
	if (list_empty(&ei->log_link))
		list_add_tail(&ei->log_link, &fs->logged);
	spin_unlock(&fs->list_lock);
}

void ext2_inode_changed(struct inode *inode, bool datasync)
{
	struct journal *j = inode->sb->journal;
	struct ext2_inode *ei = ext2_i(inode);

	if (!j) {
		inode_dirty(inode, datasync);
		return;
	}
	ei->tid = journal_tid(j);
	if (datasync)
		ei->datasync_tid = ei->tid;
	/* On the list for this transaction, if at all: a commit empties it with no handle open. */
	if (list_empty(&ei->log_link))
		inode_log(ext2_fs(inode->sb), ei);
}

void ext2_inode_ordered(struct ext2_inode *ei)
{
	struct ext2_fs *fs = ext2_fs(ei->vfs.sb);

	if (!ei->vfs.sb->journal || !list_empty(&ei->order_link))
		return;
	spin_lock(&fs->list_lock);
	if (list_empty(&ei->order_link)) {
		list_add_tail(&ei->order_link, &fs->ordered);
		fs->nr_ordered++;
	}
	spin_unlock(&fs->list_lock);
}

/*
 * Take it off both lists, but not while a commit stores it: that goes on when the journal is given
 * up meanwhile, and who evicts it gets no handle to wait with. *held: it was to be stored.
 */
static bool lists_leave(struct ext2_fs *fs, struct ext2_inode *ei, bool *held)
{
	bool left;

	spin_lock(&fs->list_lock);
	left = current()->handle.in || atomic_load(&fs->filling) != ei;
	if (left) {
		if (!list_empty(&ei->order_link))
			fs->nr_ordered--;
		*held = !list_empty(&ei->log_link);
		list_del(&ei->order_link);
		list_del(&ei->log_link);
	}
	spin_unlock(&fs->list_lock);
	return left;
}

void ext2_inode_forget(struct ext2_inode *ei)
{
	struct ext2_fs *fs = ext2_fs(ei->vfs.sb);
	bool held = false;

	if (list_empty(&ei->order_link) && list_empty(&ei->log_link) &&
	    atomic_load(&fs->filling) != ei)
		return;
	(void)wait_event(&fs->filled, lists_leave(fs, ei, &held), WAIT_UNINTERRUPTIBLE);
	/* Else files that come and go fill a transaction with what nobody will write. */
	if (held && current()->handle.in)
		journal_unhold(ei->vfs.sb->journal);
}

void ext2_pending_add(struct ext2_fs *fs, uint32_t group, uint32_t bit, uint32_t count)
{
	struct ext2_pending *p;
	uint32_t odd;

	if (!fs->sb->journal)
		return;
	odd = journal_tid(fs->sb->journal) & 1;
	p = &fs->pending[odd][group];
	bitmap_set_range(p->map, bit, bit + count);
	p->count += count;
	fs->nr_pending[odd] += count;
}

uint32_t ext2_pending_skip(struct ext2_fs *fs, uint32_t group, uint32_t bit, uint32_t end)
{
	bool moved;

	do {
		moved = false;
		for (unsigned i = 0; i < 2 && bit < end; i++) {
			const struct ext2_pending *p = &fs->pending[i][group];

			if (!p->count || !bitmap_test(p->map, bit))
				continue;
			bit = (uint32_t)bitmap_find_zero(p->map, bit, end);
			moved = true;
		}
	} while (moved && bit < end);
	return bit;
}

uint32_t ext2_pending_next(struct ext2_fs *fs, uint32_t group, uint32_t bit, uint32_t end)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct ext2_pending *p = &fs->pending[i][group];

		if (p->count)
			end = (uint32_t)bitmap_find_set(p->map, bit, end);
	}
	return end;
}

/* --- what a commit asks for --- */

/* The next file to write; it stays on the list unless last. Its object is referenced. */
static struct object *ordered_next(struct ext2_fs *fs, bool last)
{
	struct object *o = NULL;

	spin_lock(&fs->list_lock);
	while (!o && !list_empty(&fs->ordered)) {
		struct ext2_inode *ei;

		ei = list_first_entry(&fs->ordered, struct ext2_inode, order_link);
		/* One that is being evicted leaves the list before its object ends. */
		if (object_try_get(&ei->vfs.object))
			o = &ei->vfs.object;
		if (last || !o) {
			list_del(&ei->order_link);
			fs->nr_ordered--;
		} else {
			list_move_tail(&ei->order_link, &fs->ordered);
		}
	}
	spin_unlock(&fs->list_lock);
	return o;
}

static void commit_sync_data(struct super_block *sb, bool last)
{
	struct ext2_fs *fs = ext2_fs(sb);
	uint32_t n = fs->nr_ordered;
	struct object *o;

	while ((last || n--) && (o = ordered_next(fs, last))) {
		/* An error is the business of who syncs the file. */
		(void)pagecache_sync(o, 0, UINT32_MAX);
		object_put(o);
	}
}

static void counts_store(struct ext2_fs *fs)
{
	mutex_lock(&fs->lock);
	if (fs->es->free_blocks_count != fs->free_blocks ||
	    fs->es->free_inodes_count != fs->free_inodes) {
		buf_modify(&fs->super);
		fs->es->free_blocks_count = (uint32_t)fs->free_blocks;
		fs->es->free_inodes_count = (uint32_t)fs->free_inodes;
		buf_dirty(&fs->super);
	}
	mutex_unlock(&fs->lock);
}

static int commit_fill(struct super_block *sb)
{
	struct ext2_fs *fs = ext2_fs(sb);
	int err = 0, err2;

	for (;;) {
		struct ext2_inode *ei;

		spin_lock(&fs->list_lock);
		ei = list_first_or_null(&fs->logged, struct ext2_inode, log_link);
		atomic_store(&fs->filling, ei);
		spin_unlock(&fs->list_lock);
		if (!ei)
			break;
		/* Who evicts it waits for us: see lists_leave. */
		err2 = ext2_inode_store(&ei->vfs);
		if (!err)
			err = err2;
		spin_lock(&fs->list_lock);
		list_del(&ei->log_link);
		atomic_store(&fs->filling, NULL);
		spin_unlock(&fs->list_lock);
		wake_all(&fs->filled);
	}
	assert(!atomic_load(&fs->windowed) || atomic_load(&fs->failed));
	counts_store(fs);
	return err;
}

static void commit_done(struct super_block *sb, uint32_t tid)
{
	struct ext2_fs *fs = ext2_fs(sb);
	uint32_t odd = tid & 1;

	mutex_lock(&fs->lock);
	fs->passed.valid = false;
	for (uint32_t g = 0; fs->nr_pending[odd]; g++) {
		struct ext2_pending *p = &fs->pending[odd][g];

		if (!p->count)
			continue;
		memset(p->map, 0, fs->block_size);
		fs->nr_pending[odd] -= p->count;
		p->count = 0;
	}
	mutex_unlock(&fs->lock);
}

static void commit_aborted(struct super_block *sb)
{
	atomic_store(&ext2_fs(sb)->failed, true);
	atomic_store(&sb->readonly, true);
}

static const struct journal_ops ext2_journal_ops = {
	.sync_data = commit_sync_data,
	.fill = commit_fill,
	.committed = commit_done,
	.aborted = commit_aborted,
};

void ext2_pending_free(struct ext2_fs *fs)
{
	for (unsigned i = 0; i < 2; i++) {
		for (uint32_t g = 0; fs->pending[i] && g < fs->groups; g++)
			kfree(fs->pending[i][g].map);
		kfree(fs->pending[i]);
		fs->pending[i] = NULL;
		fs->nr_pending[i] = 0;
	}
}

/* At mount, so that freeing a block needs no memory. */
static int pending_alloc(struct ext2_fs *fs)
{
	for (unsigned i = 0; i < 2; i++) {
		fs->pending[i] = kzalloc(fs->groups * sizeof(*fs->pending[i]));
		for (uint32_t g = 0; fs->pending[i] && g < fs->groups; g++) {
			fs->pending[i][g].map = kzalloc(fs->block_size);
			if (!fs->pending[i][g].map)
				return -ENOMEM;
		}
		if (!fs->pending[i])
			return -ENOMEM;
	}
	return 0;
}

int ext2_journal_activate(struct ext2_fs *fs)
{
	int err;

	if (!fs->journal)
		return 0;
	if (journal_pending(fs->journal)) {
		pr_err("ext2 %s: its journal holds what it should not; e2fsck should look at it\n",
		       fs->sb->bdev->name);
		return -EUCLEAN;
	}
	err = pending_alloc(fs);
	if (!err)
		err = journal_activate(fs->journal, &ext2_journal_ops);
	if (err)
		ext2_pending_free(fs);
	else
		fs->sb->journal = fs->journal;
	return err;
}

int ext2_journal_deactivate(struct ext2_fs *fs)
{
	int err;

	if (!fs->sb->journal)
		return 0;
	err = journal_deactivate(fs->journal);
	if (err)
		return err;
	fs->sb->journal = NULL;
	ext2_pending_free(fs);
	return 0;
}

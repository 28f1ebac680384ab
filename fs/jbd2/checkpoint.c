/*
 * Checkpoints: committed blocks go to their places, so that the log can begin anew. And how a
 * journal begins and ends to be written.
 */
#include <stdatomic.h>

#include "fs/jbd2/internal.h"
#include "fs/vfs.h"
#include "kernel/mem/slab.h"
#include "kernel/printk.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/pagecache.h"

static LIST_HEAD(journals); /* (journals_lock) that are active */
static struct spinlock journals_lock = SPINLOCK_INIT("journals", RANK_JOURNALS);

uint32_t log_free_locked(const struct journal *j)
{
	uint32_t len = j->end - j->first;
	uint32_t used = j->head >= j->tail ? j->head - j->tail : len - (j->tail - j->head);

	return len - 1 - used;
}

/*
 * Let go of up to n blocks whose places have what was committed, and so of their frames. How many.
 * What was committed is DIRTY before it is in the list, and not clean before its place has it.
 */
static uint64_t blocks_retire(struct journal *j, uint64_t n)
{
	LIST_HEAD(stay);
	uint64_t gone = 0;

	spin_lock(&j->lock);
	while (gone < n && !list_empty(&j->checkpoint)) {
		struct jblock *b = list_first_entry(&j->checkpoint, struct jblock, cp_link);

		/* That writing it has failed is known before it is clean. */
		if (b->tx || frame_has(b->frame, FRAME_DIRTY | FRAME_WRITEBACK) ||
		    atomic_load(&j->aborted)) {
			list_move(&b->cp_link, &stay);
			continue;
		}
		/* Its last reference but the cache's, which the volume keeps: no sleeping here. */
		frame_put(jblock_retire_locked(j, b));
		gone++;
	}
	list_splice(&stay, &j->checkpoint);
	spin_unlock(&j->lock);
	return gone;
}

int checkpoint_locked(struct journal *j)
{
	uint32_t head = j->head, next = j->committed + 1;
	bool home;
	int err;

	if (atomic_load(&j->aborted))
		return -EROFS;
	/* What the running transaction has changed cannot go home: its handles come first. */
	if (j->running || j->tail == head)
		return 0;
	err = pagecache_sync(&j->sb->meta, 0, UINT32_MAX);
	blocks_retire(j, UINT64_MAX);
	spin_lock(&j->lock);
	home = list_empty(&j->checkpoint);
	spin_unlock(&j->lock);
	if (!err && !atomic_load(&j->aborted) && home) {
		err = journal_super_write(j, head, next);
		spin_lock(&j->lock);
		if (!err)
			j->tail = head;
		spin_unlock(&j->lock);
	}
	if (err)
		journal_abort(j, err, "blocks cannot be written to their places");
	return atomic_load(&j->aborted) ? -EROFS : err;
}

/* --- when memory is short --- */

/* (j->lock) At most: what is in the log may have to be in memory. */
static uint64_t pinned_locked(const struct journal *j)
{
	return atomic_load(&j->aborted) || list_empty(&j->checkpoint)
		       ? 0
		       : j->end - j->first - 1 - log_free_locked(j);
}

static uint64_t shrink_count(struct shrinker *s)
{
	struct journal *j;
	uint64_t n = 0;

	spin_lock(&journals_lock);
	list_for_each_entry(j, &journals, link) {
		spin_lock(&j->lock);
		n += pinned_locked(j);
		spin_unlock(&j->lock);
	}
	spin_unlock(&journals_lock);
	return n;
}

static uint64_t shrink_scan(struct shrinker *s, uint64_t n)
{
	struct journal *j;
	uint64_t gone = 0;

	spin_lock(&journals_lock);
	list_for_each_entry(j, &journals, link)
		gone += blocks_retire(j, n - MIN(n, gone));
	spin_unlock(&journals_lock);
	return gone;
}

void journal_init(void)
{
	static struct shrinker shrinker = {
		.name = "journals", .count = shrink_count, .scan = shrink_scan};

	shrinker_register(&shrinker);
}

/* --- beginning and end --- */

static int scratch_alloc(struct journal *j)
{
	for (unsigned i = 0; i < LOG_SCRATCH; i++) {
		j->log.scratch[i] = kmalloc(j->block_size);
		if (!j->log.scratch[i])
			return -ENOMEM;
	}
	return 0;
}

/* What activation allocates. */
static void journal_release(struct journal *j)
{
	spin_lock(&journals_lock);
	list_del(&j->link);
	spin_unlock(&journals_lock);
	jblocks_free(j);
	for (unsigned i = 0; i < LOG_SCRATCH; i++) {
		kfree(j->log.scratch[i]);
		j->log.scratch[i] = NULL;
	}
	j->active = false;
}

void journal_end(struct journal *j)
{
	if (j->active)
		journal_release(j);
}

static void journal_reset(struct journal *j, const struct journal_ops *ops)
{
	uint32_t len = j->end - j->first;

	j->ops = ops;
	spin_init(&j->lock, "journal", RANK_JLIST);
	mutex_init(&j->commit_lock, "journal commit", RANK_JOURNAL);
	waitqueue_init(&j->wait);
	list_init(&j->spare);
	list_init(&j->checkpoint);
	list_init(&j->tx[0].blocks);
	list_init(&j->tx[1].blocks);
	j->nr_spare = 0;
	j->running = j->committing = NULL;
	j->committed = j->sequence - 1;
	j->head = j->tail = j->first;
	/* Two transactions, one being committed, and what is not in its place yet. */
	j->max_blocks = MIN(len / 4, 4096u);
	j->room = j->max_blocks + j->max_blocks / 32 + 8;
	j->active = true;
	spin_lock(&journals_lock);
	list_add_tail(&j->link, &journals);
	spin_unlock(&journals_lock);
}

int journal_activate(struct journal *j, const struct journal_ops *ops)
{
	int err = -ENOMEM;

	if ((j->end - j->first) / 4 < 3 * JOURNAL_CREDITS_MAX ||
	    (uint64_t)j->block_size * 32 < 8 * JOURNAL_CREDITS_MAX) {
		pr_err("journal of %s: too small to be written\n", j->sb->bdev->name);
		return -ENOSPC;
	}
	/* Freed blocks need their records: version 1 has no features to say so. */
	j->super->header.type = be32_of(JBD2_SUPER_V2);
	j->super->feature_incompat.raw |= be32_of(JBD2_INCOMPAT_REVOKE).raw;
	journal_reset(j, ops);
	j->hash = kzalloc(sizeof(*j->hash) << JBLOCK_HASH_BITS);
	if (j->hash)
		err = scratch_alloc(j);
	if (!err)
		err = journal_super_write(j, j->first, j->sequence);
	if (err)
		journal_release(j);
	return err;
}

int journal_deactivate(struct journal *j)
{
	int err = 0;

	/* More than once only if somebody still uses the volume. */
	for (unsigned i = 0; i < 10 && !err && (j->running || j->tail != j->head); i++) {
		err = journal_commit(j);
		mutex_lock(&j->commit_lock);
		if (!err && j->running && !j->running->nr_blocks && !j->running->updates)
			j->running = NULL;
		if (!err)
			err = checkpoint_locked(j);
		mutex_unlock(&j->commit_lock);
	}
	if (!err && (j->running || j->tail != j->head))
		err = -EBUSY;
	if (!err && atomic_load(&j->aborted))
		err = -EROFS;
	if (!err)
		err = journal_super_write(j, 0, j->sequence);
	if (!err)
		journal_release(j);
	return err;
}

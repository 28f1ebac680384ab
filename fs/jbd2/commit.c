/*
 * Commit: the running transaction is closed, its files' data and then its blocks are written.
 */
#include <stdatomic.h>

#include "fs/buf.h"
#include "fs/jbd2/internal.h"
#include "fs/vfs.h"
#include "kernel/printk.h"
#include "kernel/thread.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/pagecache.h"

static bool nobody_in(struct journal *j, struct transaction *tx)
{
	bool nobody;

	spin_lock(&j->lock);
	nobody = !tx->updates;
	spin_unlock(&j->lock);
	return nobody;
}

/* No handle begins from now on; the last one has ended. */
static void transaction_lock(struct journal *j, struct transaction *tx)
{
	spin_lock(&j->lock);
	tx->locked = true;
	spin_unlock(&j->lock);
	(void)wait_event(&j->wait, nobody_in(j, tx), WAIT_UNINTERRUPTIBLE);
}

/* The file system's last changes, as if in a handle. */
static int transaction_fill(struct journal *j, struct transaction *tx)
{
	struct thread *t = current();
	int err;

	t->handle.in = j;
	t->handle.depth = 1;
	t->handle.left = tx->held;
	spin_lock(&j->lock);
	tx->reserved += tx->held;
	tx->held = 0;
	spin_unlock(&j->lock);
	err = j->ops->fill(j->sb);
	t->handle.in = NULL;
	return err;
}

/* Handles go on, in the next transaction; or in this one, if nothing has happened in it. */
static void transaction_release(struct journal *j, struct transaction *tx)
{
	spin_lock(&j->lock);
	tx->reserved = 0;
	if (tx->nr_blocks) {
		j->committing = tx;
		j->running = NULL;
		j->sequence = tx->tid + 1;
	}
	tx->locked = false;
	spin_unlock(&j->lock);
	wake_all(&j->wait);
}

/* What was committed may go to its place, whenever the flusher wants. */
static void blocks_dirty(struct journal *j, struct transaction *tx)
{
	struct jblock *b;

	list_for_each_entry(b, &tx->blocks, tx_link) {
		if (!b->freed)
			pagecache_dirty(&j->sb->meta, b->frame);
	}
}

/* The transaction's blocks are free for the next one, those that were freed forgotten. */
static void blocks_release(struct journal *j, struct transaction *tx, bool committed)
{
	struct frame *frame;

	spin_lock(&j->lock);
	while (!list_empty(&tx->blocks)) {
		struct jblock *b = list_first_entry(&tx->blocks, struct jblock, tx_link);

		list_del(&b->tx_link);
		b->tx = NULL;
		if (!b->freed) {
			if (list_empty(&b->cp_link))
				list_add_tail(&b->cp_link, &j->checkpoint);
			continue;
		}
		frame = jblock_retire_locked(j, b);
		spin_unlock(&j->lock);
		if (frame)
			frame_put(frame);
		spin_lock(&j->lock);
	}
	if (committed)
		j->committed = tx->tid;
	j->committing = NULL;
	spin_unlock(&j->lock);
	wake_all(&j->wait);
}

/* commit_lock held. */
static int commit_locked(struct journal *j, struct transaction *tx)
{
	int err;

	j->ops->sync_data(j->sb, false);
	transaction_lock(j, tx);
	j->ops->sync_data(j->sb, true);
	err = transaction_fill(j, tx);
	transaction_release(j, tx);
	if (j->committing != tx)
		return err;
	if (!err && !atomic_load(&j->aborted))
		err = log_write(j, tx);
	if (err)
		journal_abort(j, err, "a transaction cannot be written");
	if (atomic_load(&j->aborted)) {
		blocks_release(j, tx, false);
		return err ? err : -EROFS;
	}
	blocks_dirty(j, tx);
	blocks_release(j, tx, true);
	/* Only now: who waits for the blocks may hold locks of the file system. */
	j->ops->committed(j->sb, tx->tid);
	return 0;
}

int journal_commit(struct journal *j)
{
	int err;

	mutex_lock(&j->commit_lock);
	if (atomic_load(&j->aborted))
		err = -EROFS;
	else
		err = j->running ? commit_locked(j, j->running) : 0;
	mutex_unlock(&j->commit_lock);
	return err;
}

uint32_t journal_committed(const struct journal *j)
{
	return __atomic_load_n(&j->committed, __ATOMIC_ACQUIRE);
}

int journal_commit_tid(struct journal *j, uint32_t tid, bool *done)
{
	int err = 0;

	if (done)
		*done = false;
	mutex_lock(&j->commit_lock);
	if (atomic_load(&j->aborted)) {
		err = -EROFS;
	} else if (!tid_after(tid, j->committed)) {
		if (done)
			*done = true;
	} else if (j->running) {
		err = commit_locked(j, j->running);
	}
	mutex_unlock(&j->commit_lock);
	return err;
}

bool journal_aborted(const struct journal *j)
{
	return atomic_load(&j->aborted);
}

void journal_abort(struct journal *j, int err, const char *what)
{
	if (atomic_exchange(&j->aborted, true))
		return;
	if (what)
		pr_err("journal of %s: given up: %s (error %d); read-only from now on\n",
		       j->sb->bdev->name, what, -err);
	j->ops->aborted(j->sb);
	/* Whoever recovers it is to look at the volume. It may well fail too. */
	(void)journal_set_error(j, err);
	wake_all(&j->wait);
}

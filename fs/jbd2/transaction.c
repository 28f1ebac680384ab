/*
 * Handles and transactions: changes that belong together join the running transaction, which
 * takes in many of them before it is committed.
 */
#include <stdatomic.h>

#include "fs/buf.h"
#include "fs/jbd2/internal.h"
#include "fs/vfs.h"
#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/thread.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/pagecache.h"
#include "mm/writeback.h"

static struct hlist_head *bucket(struct journal *j, uint64_t block)
{
	return &j->hash[hash_u64(block, JBLOCK_HASH_BITS)];
}

struct jblock *jblock_find_locked(struct journal *j, uint64_t block)
{
	struct jblock *b;

	hlist_for_each_entry(b, bucket(j, block), hash) {
		if (b->block == block)
			return b;
	}
	return NULL;
}

struct frame *jblock_retire_locked(struct journal *j, struct jblock *b)
{
	struct frame *f = b->frame;

	hlist_del(&b->hash);
	list_del(&b->cp_link);
	list_move(&b->tx_link, &j->spare);
	j->nr_spare++;
	b->frame = NULL;
	return f;
}

void jblocks_free(struct journal *j)
{
	struct jblock *b, *next;
	struct hlist_node *node;

	for (uint32_t i = 0; j->hash && i < 1u << JBLOCK_HASH_BITS; i++) {
		hlist_for_each_entry_safe(b, node, &j->hash[i], hash) {
			if (b->frame)
				frame_put(b->frame);
			kfree(b);
		}
	}
	list_for_each_entry_safe(b, next, &j->spare, tx_link)
		kfree(b);
	list_init(&j->spare);
	j->nr_spare = 0;
	kfree(j->hash);
	j->hash = NULL;
}

/* fill may change the superblock in any case. */
#define HELD_AT_FIRST 1

/* See that there are n spare jblocks: 0 or -ENOMEM. j->lock is dropped while allocating. */
static int spares_fill_locked(struct journal *j, uint32_t n)
{
	while (j->nr_spare < n) {
		struct jblock *b;

		spin_unlock(&j->lock);
		b = kzalloc(sizeof(*b));
		if (b) {
			list_init(&b->tx_link);
			list_init(&b->cp_link);
			hlist_node_init(&b->hash);
		}
		spin_lock(&j->lock);
		if (!b)
			return -ENOMEM;
		list_add(&b->tx_link, &j->spare);
		j->nr_spare++;
	}
	return 0;
}

static struct transaction *transaction_begin_locked(struct journal *j)
{
	struct transaction *tx = &j->tx[j->sequence & 1];

	tx->tid = j->sequence;
	tx->updates = tx->reserved = tx->nr_blocks = 0;
	tx->held = HELD_AT_FIRST;
	tx->locked = tx->begun = false;
	list_init(&tx->blocks);
	j->running = tx;
	return tx;
}

/* May a transaction begin: will the log hold it, behind the one that is being committed? */
static bool room_locked(const struct journal *j)
{
	return log_free_locked(j) >= (j->committing ? 2 : 1) * j->room;
}

static int room_make(struct journal *j)
{
	int err;

	mutex_lock(&j->commit_lock);
	err = checkpoint_locked(j);
	mutex_unlock(&j->commit_lock);
	return err;
}

/* Blocks that the running transaction may still get from those who are in it. */
static uint32_t expected_locked(const struct journal *j)
{
	return j->running ? j->running->reserved + j->running->held : HELD_AT_FIRST;
}

static bool fits_locked(const struct journal *j, uint32_t credits)
{
	return j->running->nr_blocks + expected_locked(j) + credits <= j->max_blocks;
}

/* May a handle begin as things are? */
static bool may_start_locked(struct journal *j, uint32_t credits)
{
	return j->running && !j->running->locked && fits_locked(j, credits) &&
	       j->nr_spare >= expected_locked(j) + credits &&
	       !atomic_load_explicit(&j->aborted, memory_order_relaxed);
}

/*
 * Do away with one thing that keeps a handle from beginning: 0, look again, or -errno. j->lock
 * held, and again on return; dropped on the way.
 */
static __slow int obstacle_clear_locked(struct journal *j, uint32_t credits)
{
	struct transaction *tx = j->running;
	bool locked = tx && tx->locked;
	uint32_t tid = tx ? tx->tid : 0;
	int err = 0;

	if (atomic_load(&j->aborted))
		return -EROFS;
	if (!tx && room_locked(j)) {
		transaction_begin_locked(j);
		return 0;
	}
	if (tx && !locked && fits_locked(j, credits))
		return spares_fill_locked(j, expected_locked(j) + credits);
	spin_unlock(&j->lock);
	if (!tx)
		err = room_make(j);
	else if (!locked)
		err = journal_commit_tid(j, tid, NULL);
	else
		(void)wait_event(&j->wait, !__atomic_load_n(&tx->locked, __ATOMIC_ACQUIRE),
				 WAIT_UNINTERRUPTIBLE);
	spin_lock(&j->lock);
	return err;
}

int journal_start(struct journal *j, uint32_t credits)
{
	struct thread *t = current();
	int err = 0;

	if (t->handle.in) {
		assert(t->handle.in == j);
		t->handle.depth++;
		return 0;
	}
	spin_lock(&j->lock);
	while (unlikely(!err && !may_start_locked(j, credits)))
		err = obstacle_clear_locked(j, credits);
	if (likely(!err)) {
		j->running->updates++;
		j->running->reserved += credits;
	}
	spin_unlock(&j->lock);
	if (unlikely(err))
		return err;
	t->handle.in = j;
	t->handle.left = credits;
	t->handle.depth = 1;
	return 0;
}

void journal_stop(struct journal *j)
{
	struct thread *t = current();
	struct transaction *tx = j->running;
	bool wake;

	assert(t->handle.in == j);
	if (--t->handle.depth)
		return;
	t->handle.in = NULL;
	spin_lock(&j->lock);
	tx->reserved -= t->handle.left;
	wake = !--tx->updates && tx->locked;
	spin_unlock(&j->lock);
	if (wake)
		wake_all(&j->wait);
}

bool journal_has(const struct journal *j, uint32_t n)
{
	return current()->handle.left >= n || current()->handle.depth > 1;
}

/* The first change of a transaction: five seconds from now somebody commits it. */
static void transaction_begun_locked(struct transaction *tx)
{
	if (tx->begun)
		return;
	tx->begun = true;
	flusher_kick();
}

void journal_hold(struct journal *j)
{
	struct thread *t = current();

	assert(t->handle.in == j);
	spin_lock(&j->lock);
	transaction_begun_locked(j->running);
	if (t->handle.left) {
		t->handle.left--;
		j->running->reserved--;
	}
	j->running->held++;
	spin_unlock(&j->lock);
}

void journal_unhold(struct journal *j)
{
	assert(current()->handle.in == j && j->running->held);
	spin_lock(&j->lock);
	j->running->held--;
	spin_unlock(&j->lock);
}

uint32_t journal_tid(const struct journal *j)
{
	return j->running->tid;
}

/* Take one of the handle's credits: there is a spare jblock for each. */
static struct jblock *spare_take_locked(struct journal *j)
{
	struct jblock *b;

	if (unlikely(list_empty(&j->spare)))
		panic("journal of %s: more blocks changed than reserved", j->sb->bdev->name);
	b = list_first_entry(&j->spare, struct jblock, tx_link);
	list_del(&b->tx_link);
	j->nr_spare--;
	return b;
}

/* Into the running transaction. */
static void join_locked(struct journal *j, struct jblock *b)
{
	struct transaction *tx = j->running;
	struct thread *t = current();

	transaction_begun_locked(tx);
	b->tx = tx;
	list_add_tail(&b->tx_link, &tx->blocks);
	tx->nr_blocks++;
	if (likely(t->handle.left)) {
		t->handle.left--;
		tx->reserved--;
	}
}

static bool is_committing(struct journal *j, uint32_t tid)
{
	bool is;

	spin_lock(&j->lock);
	is = j->committing && j->committing->tid == tid;
	spin_unlock(&j->lock);
	return is;
}

/* The block's jblock, in the running transaction from now on; j->lock held on return. */
static struct jblock *jblock_join(struct journal *j, uint64_t block, bool *joined)
{
	for (;;) {
		struct jblock *b;

		spin_lock(&j->lock);
		b = jblock_find_locked(j, block);
		*joined = !b || b->tx != j->running;
		if (!b) {
			b = spare_take_locked(j);
			b->block = block;
			b->freed = false;
			hlist_add(&b->hash, bucket(j, block));
		} else if (b->tx && *joined) {
			/* Its copy is on its way to the log. */
			uint32_t tid = b->tx->tid;

			spin_unlock(&j->lock);
			(void)wait_event(&j->wait, !is_committing(j, tid), WAIT_UNINTERRUPTIBLE);
			continue;
		}
		if (*joined)
			join_locked(j, b);
		return b;
	}
}

/*
 * What the frame holds is committed, and may be waiting to be written to its place, or be on its
 * way: not any more once it is changed.
 */
static void home_stop(struct object *o, struct frame *f)
{
	for (;;) {
		bool writing;

		spin_lock(&o->tree_lock);
		if (frame_has(f, FRAME_DIRTY))
			writeback_clear_locked(o, f);
		writing = frame_has(f, FRAME_WRITEBACK);
		spin_unlock(&o->tree_lock);
		if (!writing)
			return;
		frame_wait(f, FRAME_WRITEBACK, WAIT_UNINTERRUPTIBLE);
	}
}

void journal_modify(struct journal *j, struct buf *buf)
{
	struct jblock *b;
	bool joined;

	assert(current()->handle.in == j);
	if (buf->tid == j->running->tid)
		return;
	b = jblock_join(j, buf->block, &joined);
	if (!b->frame && !b->freed)
		b->frame = frame_get(buf->frame);
	if (unlikely(b->frame != buf->frame)) {
		/* Two name it, on a damaged volume, and one has just freed it. */
		spin_unlock(&j->lock);
		journal_abort(j, -EIO, "a block is changed after it was freed");
		return;
	}
	spin_unlock(&j->lock);
	buf->tid = j->running->tid;
	if (joined)
		home_stop(&j->sb->meta, buf->frame);
}

void journal_forget(struct journal *j, uint64_t block)
{
	struct jblock *b;
	struct frame *f;
	bool joined;

	assert(current()->handle.in == j);
	b = jblock_join(j, block, &joined);
	b->freed = true;
	f = b->frame;
	b->frame = NULL;
	spin_unlock(&j->lock);
	if (f)
		frame_put(f);
}

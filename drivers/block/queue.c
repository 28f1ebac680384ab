/*
 * The queue of a disk: bios become requests, requests that touch are merged, and the device gets
 * them in one rising sweep over the disk, so many at once as it takes.
 *
 * A bio goes through up to three stages (flush, data, flush); those that found no free request
 * wait in a list, in order. Nothing here allocates: the swap path comes through it.
 */
#include "drivers/block/queue.h"

#include "drivers/block/bio.h"
#include "kernel/machine.h"
#include "kernel/mem/slab.h"
#include "kernel/printk.h"
#include "kernel/time.h"
#include "lib/string.h"

/* A request that was overtaken for so long goes first, whatever its place on the disk. */
#define MAX_AGE_NS (200 * NSEC_PER_MSEC)

struct piece {
	uint64_t bytes;
	uint32_t nvec;
};

static uint64_t bio_disk_sector(const struct bio *b)
{
	return b->dev->start + b->sector;
}

/* How much of b, from byte `from` on, one request may carry. */
static struct piece bio_measure(const struct bio *b, const struct block_limits *l, uint64_t from)
{
	struct piece p = {0, 0};
	uint64_t max = (uint64_t)l->max_sectors * SECTOR_SIZE, skip = from;

	if (b->op == BIO_DISCARD) {
		p.bytes = MIN(b->sectors * SECTOR_SIZE - from,
			      (uint64_t)l->max_discard_sectors * SECTOR_SIZE);
		return p;
	}
	for (uint32_t i = 0; i < b->nvec; i++) {
		uint64_t len = b->vec[i].len;

		if (skip >= len) {
			skip -= len;
			continue;
		}
		len -= skip;
		skip = 0;
		while (len) {
			uint64_t take = MIN(len, (uint64_t)l->max_vec_bytes);

			take = MIN(take, max - p.bytes);
			if (!take || p.nvec == l->max_vecs)
				return p;
			p.bytes += take;
			p.nvec++;
			len -= take;
		}
	}
	return p;
}

static struct request *request_alloc_locked(struct block_queue *q)
{
	struct request *r = list_first_or_null(&q->free, struct request, link);

	if (!r)
		return NULL;
	list_del(&r->link);
	list_init(&r->bios);
	r->part = NULL;
	r->part_offset = 0;
	r->driver = NULL;
	r->queued_at = time_ns();
	return r;
}

static void request_insert_locked(struct block_queue *q, struct request *r)
{
	struct request *at;

	/* From the end: most writers go upwards. */
	list_for_each_entry_reverse(at, &q->sorted, link)
		if (at->sector <= r->sector)
			break;
	list_add(&r->link, &at->link);
	list_add_tail(&r->fifo, &q->fifo);
}

static bool try_merge_locked(struct block_queue *q, struct bio *b, struct piece size)
{
	const struct block_limits *l = &q->disk->limits;
	uint64_t sector = bio_disk_sector(b), sectors = size.bytes / SECTOR_SIZE;
	struct request *r;

	if (b->alone || b->op == BIO_DISCARD || (b->flags & (BIO_FUA | BIO_PREFLUSH)))
		return false;
	list_for_each_entry_reverse(r, &q->sorted, link) {
		if (r->sector < sector && sector - r->sector > l->max_sectors)
			return false; /* sorted: nothing further down can touch it */
		if (r->op != b->op || r->part || r->nvec + size.nvec > l->max_vecs ||
		    r->sectors + sectors > l->max_sectors)
			continue;
		struct bio *first = list_first_entry(&r->bios, struct bio, link);

		if (first->alone || (first->flags & (BIO_FUA | BIO_PREFLUSH)))
			continue;
		if (r->sector + r->sectors == sector) {
			list_add_tail(&b->link, &r->bios);
		} else if (sector + sectors == r->sector) {
			/* Its neighbours below end at or before sector: the order stays right. */
			list_add(&b->link, &r->bios);
			r->sector = sector;
		} else {
			continue;
		}
		r->sectors += sectors;
		r->nvec += size.nvec;
		atomic_fetch_add_explicit(&q->disk->stats.merges[b->op], 1, memory_order_relaxed);
		return true;
	}
	return false;
}

/* Put what is left of b's data into requests; false if they ran out on the way. */
static bool enqueue_data_locked(struct block_queue *q, struct bio *b)
{
	uint64_t bytes = b->sectors * SECTOR_SIZE;

	while (b->queued < bytes) {
		struct piece size = bio_measure(b, &q->disk->limits, b->queued);
		bool whole = size.bytes == bytes;

		if (whole && try_merge_locked(q, b, size)) {
			b->queued = bytes;
			b->parts = 1;
			return true;
		}
		struct request *r = request_alloc_locked(q);

		if (!r)
			return false;
		if (whole) {
			list_add_tail(&b->link, &r->bios);
		} else {
			r->part = b;
			r->part_offset = b->queued;
		}
		r->op = b->op;
		r->sector = bio_disk_sector(b) + b->queued / SECTOR_SIZE;
		r->sectors = size.bytes / SECTOR_SIZE;
		r->nvec = size.nvec;
		b->queued += size.bytes;
		b->parts++;
		b->requests++;
		request_insert_locked(q, r);
	}
	return true;
}

/* All who wait for a flush that has not begun share it. */
static bool enqueue_flush_locked(struct block_queue *q, struct bio *b)
{
	struct request *r = list_first_or_null(&q->flushes, struct request, link);

	if (!r) {
		r = request_alloc_locked(q);
		if (!r)
			return false;
		r->op = BIO_FLUSH;
		r->sector = r->sectors = 0;
		r->nvec = 0;
		list_add_tail(&r->link, &q->flushes);
		b->requests++;
	}
	list_add_tail(&b->link, &r->bios);
	b->parts = 1;
	return true;
}

static bool enqueue_locked(struct block_queue *q, struct bio *b)
{
	return b->stage == STAGE_DATA ? enqueue_data_locked(q, b) : enqueue_flush_locked(q, b);
}

static void enqueue_or_wait_locked(struct block_queue *q, struct bio *b)
{
	/* Not past those that wait already. */
	if (!list_empty(&q->waiting) || !enqueue_locked(q, b))
		list_add_tail(&b->link, &q->waiting);
}

static void refill_locked(struct block_queue *q)
{
	struct bio *b;

	while ((b = list_first_or_null(&q->waiting, struct bio, link))) {
		list_del(&b->link);
		if (!enqueue_locked(q, b)) {
			list_add(&b->link, &q->waiting);
			return;
		}
	}
}

/* A request with a piece of b is complete. When it was the last one: next stage, or done. */
static void bio_advance_locked(struct block_queue *q, struct bio *b, int status,
			       struct list_head *done)
{
	if (status && !b->status)
		b->status = status;
	b->parts--;
	if (b->parts || (b->stage == STAGE_DATA && b->queued < b->sectors * SECTOR_SIZE))
		return;
	if (!b->status && b->stage == STAGE_PREFLUSH && b->sectors) {
		b->stage = STAGE_DATA;
		enqueue_or_wait_locked(q, b);
	} else if (!b->status && b->stage == STAGE_DATA && (b->flags & BIO_FUA) &&
		   q->disk->has_flush) {
		b->stage = STAGE_POSTFLUSH;
		enqueue_or_wait_locked(q, b);
	} else {
		list_add_tail(&b->link, done);
	}
}

static void request_finish_locked(struct block_queue *q, struct request *r, int status,
				  struct list_head *done)
{
	LIST_HEAD(bios);
	struct bio *b, *next;
	/* One bad sector is the error of the bio that asked for it, not of its neighbours. */
	bool retry = status && r->op != BIO_FLUSH && !r->part && !list_empty(&r->bios) &&
		     r->bios.next != r->bios.prev;

	list_splice(&r->bios, &bios);
	if (r->part)
		bio_advance_locked(q, r->part, status, done);
	list_for_each_entry_safe(b, next, &bios, link) {
		list_del(&b->link);
		if (retry) {
			b->alone = true;
			b->queued = 0;
			b->parts = 0;
			list_add_tail(&b->link, &q->waiting);
		} else {
			bio_advance_locked(q, b, status, done);
		}
	}
	r->part = NULL;
	list_add(&r->link, &q->free);
}

static struct request *pick_locked(struct block_queue *q)
{
	struct request *r = list_first_or_null(&q->flushes, struct request, link);

	if (r)
		return r;
	r = list_first_or_null(&q->fifo, struct request, fifo);
	if (!r || time_ns() - r->queued_at > MAX_AGE_NS)
		return r;
	list_for_each_entry(r, &q->sorted, link)
		if (r->sector >= q->head)
			return r;
	return list_first_entry(&q->sorted, struct request, link);
}

/* For tests: does the request touch a sector that blk.bad declared bad? */
static bool request_is_bad(const struct block_queue *q, const struct request *r)
{
	return r->sectors && r->sector <= q->bad_last && r->sector + r->sectors > q->bad_first;
}

static void dispatch_locked(struct block_queue *q, struct list_head *done)
{
	const struct blockdev_ops *ops = q->disk->ops;
	struct request *r;
	bool started = false;

	while (!q->full && (r = pick_locked(q))) {
		int err = request_is_bad(q, r) ? -EIO : ops->start(q->disk, r);

		if (err == -EBUSY && q->in_flight) {
			q->full = true;
			break;
		}
		list_del(&r->link);
		if (r->op != BIO_FLUSH) {
			list_del(&r->fifo);
			q->head = r->sector + r->sectors;
		}
		if (err) {
			/* Full with nothing in flight would never end: it is an error. */
			request_finish_locked(q, r, err == -EBUSY ? -EIO : err, done);
			refill_locked(q);
			continue;
		}
		q->in_flight++;
		started = true;
	}
	if (started && ops->commit)
		ops->commit(q->disk);
}

void queue_add(struct block_queue *q, struct list_head *bios)
{
	LIST_HEAD(done);
	struct bio *b;
	uint64_t was = spin_lock_irq(&q->lock);

	while ((b = list_first_or_null(bios, struct bio, link))) {
		list_del(&b->link);
		if (q->fail_after && --q->fail_after == 0) {
			q->fail_after = q->fail_every;
			b->status = -EIO;
			list_add_tail(&b->link, &done);
		} else {
			enqueue_or_wait_locked(q, b);
		}
	}
	dispatch_locked(q, &done);
	spin_unlock_irq(&q->lock, was);
	bios_finish(&done);
}

void block_complete(struct blockdev *d, struct request *r, int status)
{
	LIST_HEAD(done);
	struct block_queue *q = d->queue;
	uint64_t was = spin_lock_irq(&q->lock);

	q->in_flight--;
	q->full = false;
	request_finish_locked(q, r, status, &done);
	refill_locked(q);
	dispatch_locked(q, &done);
	spin_unlock_irq(&q->lock, was);
	bios_finish(&done);
}

#if DEBUG
/*
 * DISK:NUMBER or DISK:NUMBER-NUMBER, if it is about this disk. The second number is the first where
 * it is left out.
 */
static bool parse_test(const char *word, const char *disk, uint64_t *first, uint64_t *last)
{
	const char *at = word + strlen(disk);
	uint64_t n[2] = {0, 0};

	if (strncmp(word, disk, strlen(disk)) != 0 || *at++ != ':')
		return false;
	for (int i = 0; i < 2; i++) {
		for (; *at >= '0' && *at <= '9' && n[i] < UINT32_MAX; at++)
			n[i] = n[i] * 10 + (uint64_t)(*at - '0');
		if (*at == '-')
			at++;
		else if (!i)
			n[++i] = n[0];
	}
	*first = n[0];
	*last = n[1];
	return true;
}

static void test_option(const char *key, const char *disk, uint64_t *first, uint64_t *last)
{
	char word[64];

	if (cmdline_get(key, word, sizeof(word)) > 0)
		(void)parse_test(word, disk, first, last);
}

bool block_queue_fail(struct block_queue *q, const char *word)
{
	uint64_t was = spin_lock_irq(&q->lock);
	bool ours = parse_test(word, q->disk->name, &q->fail_after, &q->fail_every);

	spin_unlock_irq(&q->lock, was);
	return ours;
}
#endif

/*
 * Errors to order: blk.fail=vda:100 for every hundredth bio, blk.fail=vda:100-1 for all from the
 * hundredth on, blk.bad=vda:8-15 for sectors.
 */
static void set_failures(struct block_queue *q)
{
	q->bad_first = UINT64_MAX;
#if DEBUG
	test_option("blk.fail", q->disk->name, &q->fail_after, &q->fail_every);
	test_option("blk.bad", q->disk->name, &q->bad_first, &q->bad_last);
#endif
}

struct block_queue *block_queue_create(struct blockdev *disk)
{
	struct block_queue *q = kzalloc(sizeof(*q));

	if (!q)
		return NULL;
	spin_init(&q->lock, "block queue", RANK_BLOCK);
	q->disk = disk;
	list_init(&q->sorted);
	list_init(&q->fifo);
	list_init(&q->flushes);
	list_init(&q->waiting);
	list_init(&q->free);
	for (uint32_t i = 0; i < QUEUE_REQUESTS; i++)
		list_add_tail(&q->pool[i].link, &q->free);
	set_failures(q);
	return q;
}

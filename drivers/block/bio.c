/*
 * Bios on their way in and out: checks, plugging, waiting, statistics.
 */
#include "drivers/block/bio.h"

#include "kernel/mem/kmap.h"
#include "kernel/psi.h"
#include "kernel/riscv.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "lib/hash.h"
#include "lib/string.h"

#define PLUG_MAX 32 /* bios held back at most */

void bio_init(struct bio *b, struct blockdev *dev, enum bio_op op, uint64_t sector)
{
	memset(b, 0, sizeof(*b));
	b->dev = dev;
	b->op = op;
	b->sector = sector;
	b->vec = b->inline_vec;
	list_init(&b->link);
}

static struct blockdev *disk_of(const struct bio *b)
{
	return b->dev->parent ? b->dev->parent : b->dev;
}

static void count_bio(struct blockdev *d, const struct bio *b, uint64_t ns)
{
	atomic_fetch_add_explicit(&d->stats.ios[b->op], b->requests, memory_order_relaxed);
	atomic_fetch_add_explicit(&d->stats.sectors[b->op], b->sectors, memory_order_relaxed);
	atomic_fetch_add_explicit(&d->stats.ns[b->op], ns, memory_order_relaxed);
}

void bios_finish(struct list_head *bios)
{
	struct bio *b;

	if (list_empty(bios))
		return;
	uint64_t now = time_ns();

	while ((b = list_first_or_null(bios, struct bio, link))) {
		list_del(&b->link);
		count_bio(b->dev, b, now - b->submitted_at);
		if (b->dev->parent)
			count_bio(b->dev->parent, b, now - b->submitted_at);
		b->done(b);
	}
}

/* Fills sectors and stage. 0; 1: there is nothing to do; or -errno. */
static int bio_check(struct bio *b)
{
	struct blockdev *d = b->dev;
	uint64_t bytes = 0;

	if (b->op != BIO_DISCARD) {
		for (uint32_t i = 0; i < b->nvec; i++) {
			if (!b->vec[i].len || b->vec[i].len % SECTOR_SIZE)
				return -EINVAL;
			bytes += b->vec[i].len;
		}
		b->sectors = bytes / SECTOR_SIZE;
	}
	if (b->op == BIO_FLUSH && b->sectors)
		return -EINVAL;
	if (b->op != BIO_READ && b->op != BIO_FLUSH && (d->readonly || disk_of(b)->readonly))
		return -EROFS;
	if (b->sector > d->sectors || b->sectors > d->sectors - b->sector)
		return -EIO;
	if (b->op == BIO_DISCARD && !disk_of(b)->has_discard)
		return -EOPNOTSUPP;
	bool preflush = b->op == BIO_FLUSH || (b->op == BIO_WRITE && (b->flags & BIO_PREFLUSH));

	b->stage = preflush && disk_of(b)->has_flush ? STAGE_PREFLUSH : STAGE_DATA;
	return b->stage == STAGE_DATA && !b->sectors ? 1 : 0;
}

void block_plug_flush(void)
{
	struct block_plug *plug = &current()->plug;
	LIST_HEAD(all);

	if (!plug->count)
		return;
	list_splice(&plug->bios, &all);
	plug->count = 0;
	/* Runs of one disk go in together, so that they merge before the first starts. */
	while (!list_empty(&all)) {
		LIST_HEAD(run);
		struct bio *b = list_first_entry(&all, struct bio, link);
		struct block_queue *q = disk_of(b)->queue;

		do {
			list_move_tail(&b->link, &run);
			b = list_first_or_null(&all, struct bio, link);
		} while (b && disk_of(b)->queue == q);
		queue_add(q, &run);
	}
}

void block_plug(void)
{
	struct block_plug *plug = &current()->plug;

	if (plug->depth++ == 0) {
		list_init(&plug->bios);
		plug->count = 0;
	}
}

void block_unplug(void)
{
	struct block_plug *plug = &current()->plug;

	if (plug->depth == 1)
		block_plug_flush();
	plug->depth--;
}

void bio_submit(struct bio *b)
{
	LIST_HEAD(one);
	struct block_plug *plug = &current()->plug;

	b->status = 0;
	b->queued = 0;
	b->parts = 0;
	b->requests = 0;
	b->alone = false;
	int err = bio_check(b);

	if (err) {
		b->status = MIN(err, 0);
		b->done(b);
		return;
	}
	b->submitted_at = time_ns();
	/* An interrupt handler must not touch the plug of the thread it interrupted. */
	if (plug->depth && irq_enabled()) {
		list_add_tail(&b->link, &plug->bios);
		if (++plug->count >= PLUG_MAX)
			block_plug_flush();
		return;
	}
	list_add_tail(&b->link, &one);
	queue_add(disk_of(b)->queue, &one);
}

/*
 * Who waits for a bio sleeps on one of these: not on a queue of its own stack, which the waker
 * might still be using when the sleeper has seen the condition and returned.
 */
#define WAIT_QUEUES_SHIFT 4
static struct waitqueue wait_queues[1 << WAIT_QUEUES_SHIFT];

static struct waitqueue *wait_queue_of(const void *key)
{
	return &wait_queues[hash_ptr(key, WAIT_QUEUES_SHIFT)];
}

static void wake_waiter(struct bio *b)
{
	_Atomic uint32_t *left = b->data;
	struct waitqueue *wq = wait_queue_of(left);

	/* From here on neither b nor left need exist. */
	if (atomic_fetch_sub(left, 1) == 1)
		wake_all(wq);
}

int bio_submit_wait_all(struct bio *b, uint32_t n)
{
	_Atomic uint32_t left = n;

	block_plug();
	for (uint32_t i = 0; i < n; i++) {
		b[i].done = wake_waiter;
		b[i].data = &left;
		bio_submit(&b[i]);
	}
	block_unplug();
	block_plug_flush();
	wait_event_io(wait_queue_of(&left), atomic_load(&left) == 0, WAIT_UNINTERRUPTIBLE);
	for (uint32_t i = 0; i < n; i++)
		if (b[i].status)
			return b[i].status;
	return 0;
}

int bio_submit_wait(struct bio *b)
{
	return bio_submit_wait_all(b, 1);
}

int blockdev_flush(struct blockdev *d)
{
	struct bio b;

	bio_init(&b, d, BIO_FLUSH, 0);
	return bio_submit_wait(&b);
}

int blockdev_transfer(struct blockdev *d, enum bio_op op, uint64_t sector, void *buf, size_t len)
{
	struct bio b;

	bio_init(&b, d, op, sector);
	b.vec[0] = (struct bio_vec){virt_to_phys(buf), (uint32_t)len};
	b.nvec = 1;
	return bio_submit_wait(&b);
}

void bio_init_waits(void)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(wait_queues); i++)
		waitqueue_init(&wait_queues[i]);
}

void request_iter_init(struct request_iter *it, struct request *r)
{
	*it = (struct request_iter){.r = r, .left = r->sectors * SECTOR_SIZE};
	if (r->part) {
		it->bio = r->part;
		it->offset = r->part_offset;
		while (it->vec < it->bio->nvec && it->offset >= it->bio->vec[it->vec].len)
			it->offset -= it->bio->vec[it->vec++].len;
	} else {
		it->bio = list_first_or_null(&r->bios, struct bio, link);
	}
}

bool request_iter_next(struct request_iter *it, struct bio_vec *out)
{
	if (!it->left || !it->bio)
		return false;
	if (it->vec == it->bio->nvec) {
		if (it->r->part || list_is_last(&it->bio->link, &it->r->bios))
			return false;
		it->bio = list_next_entry(it->bio, link);
		it->vec = 0;
	}
	struct blockdev *disk = disk_of(it->bio);
	const struct bio_vec *v = &it->bio->vec[it->vec];
	uint64_t len = MIN(v->len - it->offset, (uint64_t)disk->limits.max_vec_bytes);

	len = MIN(len, it->left);
	*out = (struct bio_vec){v->pa + it->offset, (uint32_t)len};
	it->offset += len;
	it->left -= len;
	if (it->offset == v->len) {
		it->offset = 0;
		it->vec++;
	}
	return true;
}

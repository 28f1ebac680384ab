/*
 * Runs of pages to and from a device.
 */
#include "fs/pageio.h"

#include "kernel/mem/slab.h"
#include "kernel/psi.h"

#define BIO_VECS 32

/* One allocation: the bio and room for its pieces. */
struct page_bio {
	struct bio bio;
	struct bio_vec vec[BIO_VECS];
};

static void pageio_drop(struct pageio *p)
{
	if (atomic_fetch_sub(&p->pending, 1) == 1) {
		wake_all(&p->wait);
		/* p lives on the waiter's stack, who waits for this last store. */
		atomic_store_explicit(&p->finished, true, memory_order_release);
	}
}

static void bio_done(struct bio *b)
{
	struct pageio *p = b->data;
	int none = 0;

	if (b->status)
		atomic_compare_exchange_strong(&p->status, &none, b->status);
	kfree(container_of(b, struct page_bio, bio));
	pageio_drop(p);
}

void pageio_begin(struct pageio *p, struct blockdev *bdev, enum bio_op op)
{
	p->bdev = bdev;
	p->op = op;
	p->bio = NULL;
	p->next = 0;
	p->pending = 1;
	p->status = 0;
	p->finished = false;
	waitqueue_init(&p->wait);
	block_plug();
}

static void pageio_submit(struct pageio *p)
{
	struct bio *b = p->bio;

	if (!b)
		return;
	p->bio = NULL;
	atomic_fetch_add(&p->pending, 1);
	bio_submit(b);
}

int pageio_add(struct pageio *p, uint64_t sector, paddr_t pa, uint32_t len)
{
	struct bio *b = p->bio;

	if (b && (p->next != sector || b->nvec == BIO_VECS)) {
		pageio_submit(p);
		b = NULL;
	}
	if (!b) {
		struct page_bio *pb = kzalloc(sizeof(*pb));

		if (!pb)
			return -ENOMEM;
		b = &pb->bio;
		b->dev = p->bdev;
		b->op = p->op;
		b->sector = sector;
		b->vec = pb->vec;
		b->done = bio_done;
		b->data = p;
		list_init(&b->link);
		p->bio = b;
	}
	/* Neighbours in memory as well make one longer piece. */
	if (b->nvec && b->vec[b->nvec - 1].pa + b->vec[b->nvec - 1].len == pa)
		b->vec[b->nvec - 1].len += len;
	else
		b->vec[b->nvec++] = (struct bio_vec){.pa = pa, .len = len};
	p->next = sector + (len >> SECTOR_SHIFT);
	return 0;
}

int pageio_finish(struct pageio *p)
{
	pageio_submit(p);
	block_unplug();
	pageio_drop(p);
	(void)wait_event_io(&p->wait, !atomic_load(&p->pending), WAIT_UNINTERRUPTIBLE);
	while (!atomic_load_explicit(&p->finished, memory_order_acquire))
		;
	return atomic_load(&p->status);
}

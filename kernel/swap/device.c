/*
 * Swap pages on their way to and from a block device, past the file whose blocks it may be. Nothing
 * is allocated here: memory may be what is waited for.
 */
#include "kernel/swap/device.h"

#include "drivers/block.h"
#include "kernel/printk.h"
#include "kernel/psi.h"
#include "kernel/swap/place.h"
#include "kernel/swap/swapon.h"
#include "kernel/thread.h"
#include "kernel/wait.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/reclaim.h"

static void bio_pages(struct bio *b, struct frame **frames, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		b->vec[i] = (struct bio_vec){frame_pa(frames[i]), PAGE_SIZE};
	b->nvec = n;
}

static int device_read(struct swap_area *a, uint32_t at, struct frame *f)
{
	const struct swap_place *p = a->owner;
	struct psi_stall stall;
	struct bio_vec vec;
	struct bio b;
	uint32_t n = 1;
	int err;

	bio_init(&b, p->bdev, BIO_READ, swap_place_sector(p, at, &n));
	b.vec = &vec;
	bio_pages(&b, &f, n);
	psi_begin(&stall, BIT(PSI_MEMORY));
	err = bio_submit_wait(&b);
	psi_end(&stall);
	if (err)
		pr_err("swap: reading page %u of %s for %s failed (%d)\n", at, b.dev->name,
		       current()->comm, err);
	return err;
}

/* Writes under way; who finds all of them taken waits. */
static struct swap_write {
	struct swap_area *area;
	struct bio bio;
	struct bio_vec vec[SWAP_CLUSTER];
	struct frame *frames[SWAP_CLUSTER];
	uint32_t slot, n; /* the first one, how many */
	swap_done *done;
	_Atomic bool taken;
} writes[8];
static struct waitqueue writes_wait = WAITQUEUE_INIT(writes_wait);

static struct swap_write *write_get(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(writes); i++)
		if (!atomic_exchange(&writes[i].taken, true))
			return &writes[i];
	return NULL;
}

static void write_done(struct bio *b)
{
	struct swap_write *w = b->data;

	if (swap_area_wrote(w->area, b->status))
		pr_err("swap: nothing more is written to %s\n", b->dev->name);
	w->done(w->slot, w->frames, w->n, b->status);
	if (b->status) {
		pr_err("swap: writing %u pages to %s failed (%d)\n", w->n, b->dev->name, b->status);
		swapon_take_back();
	}
	w->taken = false;
	wake_all(&writes_wait);
}

/* Start a request for n pages, from index `at` on, which is at that sector. */
static void write_start(struct swap_area *a, uint32_t at, uint64_t sector, struct frame **frames,
			uint32_t n, swap_done *done)
{
	const struct swap_place *p = a->owner;
	struct swap_write *w;

	wait_event_io(&writes_wait, (w = write_get()), WAIT_UNINTERRUPTIBLE);
	bio_init(&w->bio, p->bdev, BIO_WRITE, sector);
	w->bio.vec = w->vec;
	w->bio.done = write_done;
	w->bio.data = w;
	memcpy(w->frames, frames, n * sizeof(*frames));
	w->slot = a->number * SWAP_AREA_MAX + at;
	w->n = n;
	w->area = a;
	w->done = done;
	bio_pages(&w->bio, frames, n);
	bio_submit(&w->bio);
}

static void device_write(struct swap_area *a, uint32_t at, struct frame **frames, uint32_t n,
			 swap_done *done)
{
	while (n) {
		uint32_t run = n;
		uint64_t sector = swap_place_sector(a->owner, at, &run);

		write_start(a, at, sector, frames, run, done);
		at += run;
		frames += run;
		n -= run;
	}
}

const struct swap_ops swap_device_ops = {.read = device_read, .write = device_write};

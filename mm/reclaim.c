#include "mm/reclaim.h"

#include "kernel/main.h"
#include "kernel/mem/slab.h"
#include "kernel/oom.h"
#include "kernel/panic.h"
#include "kernel/psi.h"
#include "kernel/swap/object.h"
#include "kernel/swap/slot.h"
#include "kernel/swap/swappiness.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "lib/ref.h"
#include "mm/frame.h"
#include "mm/init.h"
#include "mm/object.h"
#include "mm/pagecache.h"
#include "mm/policy.h"
#include "mm/stat.h"
#include "mm/writeback.h"

static struct waitqueue reclaim_wait = WAITQUEUE_INIT(reclaim_wait); /* the reclaim thread */
static _Atomic uint64_t rounds; /* of the reclaim thread */
static _Atomic bool wanted;

bool page_accessed(struct frame *f)
{
	const pte_t *e = f->pte, was = frame_type(f) == FRAME_ANON && e ? *e : 0;

	/* Whatever has become of the table: this is a guess. */
	return frame_type(f) == FRAME_ANON ? (was & PTE_A) && pte_present(was) && pte_maps(was, f)
					   : frame_has(f, FRAME_REFERENCED);
}

bool page_hold(struct frame *f, void **with)
{
	*with = NULL;
	if (frame_type(f) == FRAME_ANON)
		return frame_try_get(f);
	/* While it is queued its object lives: frames leave the queue before their object goes. */
	if (!object_try_get(f->object))
		return false;
	*with = f->object;
	frame_get(f);
	return true;
}

/* Let a victim go, or have it back. batch: NULL: only what is in files. */
static bool let_go(struct frame *f, struct object *o, struct swap_batch *batch)
{
	bool gone;

	if (!o)
		return evict(f, swap_wanted() ? batch : NULL);
	if (o->ops->write_pages) {
		vm_event(VM_PGSCAN);
		gone = pagecache_try_drop(o, f, !batch);
		vm_event_add(VM_PGSTEAL, gone);
	} else {
		gone = swap_object_let_go(o, f, swap_wanted() ? batch : NULL);
	}
	frame_put(f);
	if (o->ops->release && ref_put_unless_last(&o->refs))
		return gone;
	/* The last reference ends it, which waits for the pages that the batch has. */
	if (o->ops->release && batch)
		evict_flush(batch);
	object_put(o);
	return gone;
}

/* With so many more on their way there will be enough. */
static bool below_high(const struct swap_batch *b)
{
	return b && frames_free() + swap_nr_writing + b->n < frames_high;
}

/* Let n frames go, looking at each at most twice; then a row of others that will soon have to. */
static uint64_t scan_queue(uint64_t n, struct swap_batch *batch)
{
	uint64_t budget = 2 * policy_pages(), freed = 0;

	for (; budget && (freed < n || below_high(batch)); budget--) {
		void *o;
		struct frame *f = policy_victim(&o);

		if (freed == n)
			budget = MIN(budget, 2UL * SWAP_CLUSTER);

		if (f)
			freed += let_go(f, o, batch);
	}
	return freed;
}

uint64_t reclaim_frames(uint64_t n, bool nofs)
{
	struct swap_batch batch = {0};
	uint64_t freed;

	/* Page tables tell of private pages; letting go of the last space may close files. */
	if (policy_due() && swap_used == swap_total)
		policy_epoch();
	else if (policy_due() && !nofs)
		harvest();
	freed = scan_queue(n, &batch);
	evict_flush(&batch);
	if (freed < n && pagecache_nr_dirty)
		writeback_kick();
	if (!nofs)
		freed += shrinkers_run(n - MIN(n, freed));
	return freed;
}

void reclaim_caches(bool pages, bool objects)
{
	/* Inodes keep pages, and letting go of names makes more inodes go: as long as it helps. */
	while ((objects && shrinkers_run(UINT64_MAX)) || (pages && scan_queue(UINT64_MAX, NULL)))
		;
}

/*
 * Nothing was free. Take what is easy ourselves; else wait until the reclaim thread, which holds no
 * lock of a file system and may call every shrinker, and the flusher have been round.
 */
static struct frame *alloc_wait(unsigned order, unsigned flags)
{
	uint64_t patience = 0;
	unsigned fruitless = 0;

	lockrank_assert_may_sleep();
	for (;;) {
		uint64_t want = 32UL << order, seen = rounds;
		/* Once enough is on its way out, waiting is all that helps. */
		uint64_t freed = swap_nr_writing >= want
					 ? want
					 : reclaim_frames(want, flags & FRAME_NOFS);
		uint64_t writing = swap_nr_writing;
		struct frame *f;

		if (!(flags & FRAME_TRY))
			oom_end_thrashing();
		f = frame_alloc(order, flags);
		if (f)
			return f;
		if (signal_fatal_pending())
			return frame_alloc(order, flags | FRAME_RESERVE);
		/* What should be written may wait for memory itself; what is read is in use. */
		if (!freed && !fruitless)
			patience = time_ns() + 10 * NSEC_PER_SEC;
		fruitless = freed ? 0 : fruitless + 1;
		if ((order > 3 || (flags & FRAME_TRY)) && fruitless > 4)
			return NULL;
		if (fruitless > 8 && (!(pagecache_nr_dirty || pagecache_nr_writeback ||
					psi_waits_for_io()) || time_ns() > patience)) {
			if (!oom_kill())
				return frame_alloc(order, flags | FRAME_RESERVE);
			fruitless = 0;
		}
		wanted = true;
		wake_all(&reclaim_wait);
		wait_event_deadline(&memory_wait, rounds != seen || swap_nr_writing < writing,
				    WAIT_KILLABLE, time_ns() + NSEC_PER_SEC / 10);
	}
}

/* Pages on their way to a device, or that should be. */
static uint64_t unwritten(void)
{
	return pagecache_nr_dirty + pagecache_nr_writeback + swap_nr_writing;
}

void reclaim_ahead(void)
{
	struct psi_stall stall;

	if (likely(!frames_short()))
		return;
	psi_begin(&stall, BIT(PSI_MEMORY));
	for (unsigned waits = 0; frames_free() < frames_high && waits < 32;) {
		uint64_t before = unwritten();

		/* What is being swapped out already need not be looked for again. */
		if (swap_nr_writing < 64 && reclaim_frames(64, false) && !swap_nr_writing &&
		    !signal_fatal_pending())
			continue;
		before = MAX(before, unwritten());
		if (!before || signal_fatal_pending())
			break;
		wait_event_deadline(&memory_wait, unwritten() < before, WAIT_KILLABLE,
				    time_ns() + NSEC_PER_SEC / 10);
		waits++;
	}
	psi_end(&stall);
}

static void reclaim_thread(void *unused)
{
	struct psi_stall stall;

	for (;;) {
		wait_event(&reclaim_wait, wanted, WAIT_UNINTERRUPTIBLE);
		wanted = false;
		psi_begin(&stall, BIT(PSI_MEMORY));
		while (frames_free() + swap_nr_writing < frames_high)
			if (!reclaim_frames(64, false))
				break;
		psi_end(&stall);
		rounds++;
		wake_all(&memory_wait);
	}
}

void reclaim_init(void)
{
	frame_alloc_wait_hook = alloc_wait;
}

void mm_start(void)
{
	struct thread *t = kthread_create("reclaim", reclaim_thread, NULL);

	if (!t)
		panic("no memory for the reclaim thread");
	thread_start(t);
	writeback_start();
}

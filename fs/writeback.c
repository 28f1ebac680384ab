#include "mm/writeback.h"

#include <stdatomic.h>

#include "fs/vfs.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/psi.h"
#include "kernel/swap/object.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "lib/string.h"
#include "mm/pagecache.h"
#include "mm/rmap.h"
#include "mm/stat.h"

#define RUN_MAX	  64			/* pages of one write_pages call */
#define CENTISEC  (NSEC_PER_SEC / 100)

_Atomic uint64_t pagecache_nr_dirty, pagecache_nr_writeback;
uint64_t dirty_background_ratio = 10, dirty_ratio = 20;
uint64_t dirty_expire_centisecs = 500, dirty_writeback_centisecs = 100;

static struct spinlock dirty_lock = SPINLOCK_INIT("dirty objects", RANK_QUEUE);
static LIST_HEAD(dirty_objects); /* (dirty_lock) */
static struct waitqueue flusher_wait = WAITQUEUE_INIT(flusher_wait);
struct waitqueue memory_wait = WAITQUEUE_INIT(memory_wait);
static struct waitqueue throttle_wait = WAITQUEUE_INIT(throttle_wait);
static _Atomic bool kicked, retimed;
static _Atomic uint64_t rounds; /* of the flusher: writers wait for one to end */

/* Above the first the flusher starts, above the second writers wait for it. */
static uint64_t dirty_background(void)
{
	uint64_t ratio = dirty_background_ratio;

	/* As Linux has it: the flusher starts before anybody has to wait, whatever was set. */
	if (unlikely(ratio >= dirty_ratio))
		ratio = dirty_ratio / 2;
	return frames_total * ratio / 100;
}
static uint64_t dirty_limit(void)
{
	return frames_total * dirty_ratio / 100;
}

static __slow void list_join_locked(struct object *o)
{
	spin_lock(&dirty_lock);
	o->dirtied_at = time_ns();
	list_add_tail(&o->dirty_link, &dirty_objects);
	spin_unlock(&dirty_lock);
}

void writeback_mark_locked(struct object *o, struct frame *f)
{
	bool first;

	if (!o->ops->write_pages)
		swap_object_dirty(o, f);
	if (frame_has(f, FRAME_DIRTY))
		return;
	frame_set(f, FRAME_DIRTY);
	radix_tag_set(&o->frames, f->index, RADIX_TAG_DIRTY);
	first = pagecache_nr_dirty++ == 0;
	if (unlikely(list_empty(&o->dirty_link)))
		list_join_locked(o);
	if (first)
		wake_all(&flusher_wait);
}

void writeback_clear_locked(struct object *o, struct frame *f)
{
	frame_clear(f, FRAME_DIRTY);
	if (!o->ops->write_pages)
		return;
	radix_tag_clear(&o->frames, f->index, RADIX_TAG_DIRTY);
	radix_tag_clear(&o->frames, f->index, RADIX_TAG_TOWRITE);
	pagecache_nr_dirty--;
}

static void list_leave_locked(struct object *o)
{
	spin_lock(&dirty_lock);
	list_del(&o->dirty_link);
	spin_unlock(&dirty_lock);
}

void writeback_forget(struct object *o)
{
	spin_lock(&o->tree_lock);
	list_leave_locked(o);
	spin_unlock(&o->tree_lock);
}

/*
 * The next run of frames that were dirty when the sync began: WRITEBACK and clean from now on, each
 * with a reference. 0: none left. A frame that is BUSY or already on its way is returned alone in
 * *wait.
 */
static uint32_t next_run(struct object *o, uint64_t *index, uint64_t last, struct frame **frames,
			 struct frame **wait)
{
	uint32_t n = 0;
	uint64_t at = *index;

	*wait = NULL;
	spin_lock(&o->tree_lock);
	for (;;) {
		struct frame *f = radix_next_tagged(&o->frames, &at, last, RADIX_TAG_TOWRITE);

		if (!f || (n && at != *index + n))
			break;
		if (frame_has(f, FRAME_BUSY | FRAME_WRITEBACK)) {
			if (!n)
				*wait = frame_get(f);
			break;
		}
		if (!n)
			*index = at;
		/* At no time neither, for who looks without the lock. */
		frame_set(f, FRAME_WRITEBACK);
		writeback_clear_locked(o, f);
		radix_tag_set(&o->frames, at, RADIX_TAG_WRITEBACK);
		frames[n++] = frame_get(f);
		if (n == RUN_MAX || at++ == last)
			break;
	}
	spin_unlock(&o->tree_lock);
	return n;
}

/* In one step: others may fail, and be told of it, at the same time. */
static void error_note(struct object *o, int err)
{
	uint32_t seq = atomic_load(&o->error_seq);

	atomic_store(&o->error, err);
	while (!atomic_compare_exchange_weak(&o->error_seq, &seq, (seq | OBJECT_ERROR_TOLD) + 1))
		;
}

static int write_run(struct object *o, uint64_t index, struct frame **frames, uint32_t n)
{
	uint64_t size = o->size;
	int err;

	pagecache_nr_writeback += n;
	/* Those who can still write through a mapping stop here; then the contents are stable. */
	if (o->nr_writable_shared)
		rmap_wrprotect(o, index, index + n - 1);
	if ((size & (PAGE_SIZE - 1)) && size >> PAGE_SHIFT == index + n - 1)
		memset((char *)frame_data(frames[n - 1]) + (size & (PAGE_SIZE - 1)), 0,
		       PAGE_SIZE - (size & (PAGE_SIZE - 1)));
	err = o->ops->write_pages(o, index, frames, n);
	vm_event_add(VM_PGPGOUT, n * (PAGE_SIZE / KiB));
	if (err) {
		error_note(o, err);
		pr_warn("%s: writing %u pages at %lu failed (%d)\n", o->ops->name, n, index, err);
	}
	for (uint32_t i = 0; i < n; i++) {
		spin_lock(&o->tree_lock);
		radix_tag_clear(&o->frames, index + i, RADIX_TAG_WRITEBACK);
		spin_unlock(&o->tree_lock);
		frame_done(frames[i], FRAME_WRITEBACK);
		frame_put(frames[i]);
	}
	pagecache_nr_writeback -= n;
	return err;
}

/* Wait for what others are writing in the range. */
static void wait_writeback(struct object *o, uint64_t first, uint64_t last)
{
	for (uint64_t index = first;; index++) {
		struct frame *f;

		spin_lock(&o->tree_lock);
		f = index <= last ? radix_next_tagged(&o->frames, &index, last, RADIX_TAG_WRITEBACK)
				  : NULL;
		if (f)
			frame_get(f);
		spin_unlock(&o->tree_lock);
		if (!f)
			return;
		frame_wait(f, FRAME_WRITEBACK, WAIT_UNINTERRUPTIBLE);
		frame_put(f);
	}
}

int pagecache_sync(struct object *o, uint64_t first, uint64_t last)
{
	struct frame *frames[RUN_MAX], *wait;
	uint64_t index = first;
	uint32_t n;
	int err = 0;

	last = MIN(last, (uint64_t)OBJECT_INDEX_MAX);
	if (!o->ops->write_pages)
		return 0;
	spin_lock(&o->tree_lock);
	radix_tag_copy(&o->frames, first, last, RADIX_TAG_DIRTY, RADIX_TAG_TOWRITE);
	spin_unlock(&o->tree_lock);
	while ((n = next_run(o, &index, last, frames, &wait)) || wait) {
		int e;

		if (wait) {
			frame_wait(wait, FRAME_BUSY | FRAME_WRITEBACK, WAIT_UNINTERRUPTIBLE);
			frame_put(wait);
			continue;
		}
		e = write_run(o, index, frames, n);
		if (e && !err)
			err = e;
		index += n;
		if (index > last)
			break;
	}
	wait_writeback(o, first, last);
	spin_lock(&o->tree_lock);
	if (!radix_tagged(&o->frames, RADIX_TAG_DIRTY))
		list_leave_locked(o);
	spin_unlock(&o->tree_lock);
	return err;
}

/*
 * An object that has been dirty since before `until`, referenced; it goes to the end of the list.
 */
static struct object *next_dirty(uint64_t until, uint64_t now)
{
	struct object *o;

	spin_lock(&dirty_lock);
	list_for_each_entry(o, &dirty_objects, dirty_link) {
		if (o->dirtied_at > until || !object_try_get(o))
			continue;
		o->dirtied_at = now;
		list_move_tail(&o->dirty_link, &dirty_objects);
		spin_unlock(&dirty_lock);
		return o;
	}
	spin_unlock(&dirty_lock);
	return NULL;
}

/* Write back what has been dirty since `until`. The first error. */
static int flush_until(uint64_t until)
{
	uint64_t now = until + 1;
	struct object *o;
	int err = 0;

	while ((o = next_dirty(until, now))) {
		int e = pagecache_sync(o, 0, OBJECT_INDEX_MAX);

		object_put(o);
		if (e && !err)
			err = e;
	}
	return err;
}

int pagecache_sync_all(void)
{
	return flush_until(time_ns());
}

void writeback_kick(void)
{
	kicked = true;
	wake_all(&flusher_wait);
}

void writeback_retime(void)
{
	retimed = true;
	wake_all(&flusher_wait);
}

/* There is more to write than there should be. */
static __slow void throttle(void)
{
	uint64_t seen = rounds;

	writeback_kick();
	if (pagecache_nr_dirty > dirty_limit())
		(void)wait_event_io(&throttle_wait,
				    rounds != seen || pagecache_nr_dirty <= dirty_limit(),
				    WAIT_KILLABLE);
}

void writeback_throttle(void)
{
	uint64_t dirty = atomic_load_explicit(&pagecache_nr_dirty, memory_order_relaxed);

	if (unlikely(dirty > dirty_background() && !current()->unthrottled))
		throttle();
}

/* Until there is something to do. No timer while there is nothing to write. */
static void flusher_sleep(void)
{
	if (!pagecache_nr_dirty || !dirty_writeback_centisecs)
		wait_event(&flusher_wait,
			   kicked || retimed || (pagecache_nr_dirty && dirty_writeback_centisecs),
			   WAIT_UNINTERRUPTIBLE);
	else
		wait_event_deadline(&flusher_wait, kicked || retimed, WAIT_UNINTERRUPTIBLE,
				    time_ns() + dirty_writeback_centisecs * CENTISEC);
}

static void flusher(void *unused)
{
	(void)unused;
	for (;;) {
		uint64_t now = time_ns(), age = dirty_expire_centisecs * CENTISEC;
		bool all = kicked || pagecache_nr_dirty > dirty_background();

		kicked = retimed = false;
		flush_until(all ? now : now - MIN(now, age));
		rounds++;
		wake_all(&throttle_wait);
		wake_all(&memory_wait);
		flusher_sleep();
	}
}

void writeback_start(void)
{
	struct thread *t = kthread_create("flusher", flusher, NULL);

	if (!t)
		panic("no memory for the flusher");
	thread_start(t);
}

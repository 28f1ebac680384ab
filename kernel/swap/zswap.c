#include "kernel/swap/zswap.h"

#include "kernel/printk.h"
#include "kernel/swap/area.h"
#include "kernel/swap/object.h"
#include "kernel/swap/slot.h"
#include "kernel/swap/zback.h"
#include "kernel/swap/zpool.h"
#include "kernel/wait.h"
#include "lib/lz4.h"
#include "mm/frame.h"
#include "mm/pagecache.h"
#include "mm/policy.h"
#include "mm/reclaim.h"
#include "mm/stat.h"
#include "mm/writeback.h"

#define HALF   (PAGE_SIZE / 2)	   /* what takes more of the pool than it makes free goes on, */
#define SMALL  (PAGE_SIZE * 3 / 4) /* but for so large ones, if pages on the whole take no more */
#define CREDIT (8 * PAGE_SIZE)	   /* so much of what some left is for others */

_Atomic uint64_t swap_nr_writing;
_Atomic bool zswap_enabled = true;

#define HARD 4u /* pages in a row that do not get small, and fewer are tried, */
#define RARE 6u /* at last one of 2^n */

/* What it takes to compress a page, or to have one back; nobody sleeps who has one. */
static struct zswap_work {
	uint64_t bytes[SMALL / sizeof(uint64_t)];
	struct lz4_table table;
	_Atomic bool taken;
} works[4];
static struct waitqueue works_wait = WAITQUEUE_INIT(works_wait);

static struct zswap_work *work_try(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(works); i++)
		if (!atomic_exchange(&works[i].taken, true))
			return &works[i];
	return NULL;
}

static struct zswap_work *work_get(void)
{
	struct zswap_work *w;

	wait_event(&works_wait, (w = work_try()), WAIT_UNINTERRUPTIBLE);
	return w;
}

static void work_put(struct zswap_work *w)
{
	w->taken = false;
	wake_all(&works_wait);
}

/* Where no page gets small compressing them is given up, but for some: contents change. */
static _Atomic uint32_t poor_in_a_row, turn;

static bool worth_trying(void)
{
	uint32_t rare = MIN(poor_in_a_row / HARD, RARE);
	bool worth = !rare || !(turn++ & (BIT(rare) - 1));

	vm_event_add(VM_ZSWP_SKIPPED, !worth);
	return worth;
}

/* Is it the same word all over? */
static bool is_one_word(const struct frame *f)
{
	const uint64_t *w = frame_data(f), *end = w + PAGE_SIZE / sizeof(*w), first = *w;

	for (; w < end; w += 8)
		if (w[0] != first || w[1] != first || w[2] != first || w[3] != first ||
		    w[4] != first || w[5] != first || w[6] != first || w[7] != first)
			return false;
	return true;
}

/* False: no room, or it stays too large. */
static bool store_small(uint32_t slot, const struct frame *f)
{
	static _Atomic uint64_t left; /* of halves of pages that went in; a guess */
	struct zswap_work *w = work_get();
	uint64_t had = left + HALF;
	size_t n = lz4_compress(frame_data(f), PAGE_SIZE, w->bytes, MIN(had, SMALL), &w->table);
	bool stored = n && zpool_put(slot, w->bytes, n);

	work_put(w);
	if (stored)
		left = MIN(had - n, CREDIT);
	poor_in_a_row = n ? 0 : poor_in_a_row + 1;
	vm_event_add(VM_ZSWP_POOR, !n);
	return stored;
}

/* Is there any for whatever comes? Not again soon after it has become short. */
static bool room_for_all(void)
{
	static _Atomic bool was_short;

	if (zpool_short())
		was_short = true;
	else if (was_short && zpool_roomy())
		was_short = false;
	if (!was_short)
		policy_tier = 0;
	return !was_short;
}

/* Is there any for f? The oldest make some, in time if all goes well, but only for the better. */
static bool room(const struct frame *f)
{
	if (likely(room_for_all()))
		return true;
	if (!frame_has(f, FRAME_PROVEN)) {
		zback_look();
		return false;
	}
	if (!zpool_short())
		return true;
	/* Once more, should it have been somebody's look that was waited for. */
	for (int i = 0; i < 2; i++) {
		zback_start();
		if (zpool_full())
			zback_wait();
		if (!zpool_full())
			return true;
	}
	return false;
}

/* False: it has to be written. */
static bool store(uint32_t slot, const struct frame *f)
{
	bool stored = false;

	if (unlikely(!zswap_enabled))
		return false;
	if (is_one_word(f)) {
		stored = zpool_put(slot, frame_data(f), sizeof(uint64_t));
	} else if (worth_trying()) {
		stored = room(f) && store_small(slot, f);
		if (!stored && !poor_in_a_row && zpool_frames)
			zpool_miss(slot);
	}
	vm_event_add(VM_ZSWPOUT, stored);
	return stored;
}

/* Make a page of what it was kept as. False: it is damaged. */
static bool unfold(const struct zswap_work *w, size_t n, struct frame *f)
{
	uint64_t *to = frame_data(f), *end = to + PAGE_SIZE / sizeof(*to), word = w->bytes[0];

	if (n != sizeof(word))
		return lz4_decompress(w->bytes, n, to, PAGE_SIZE) == PAGE_SIZE;
	for (; to < end; to += 8)
		to[0] = to[1] = to[2] = to[3] = to[4] = to[5] = to[6] = to[7] = word;
	return true;
}

int zswap_load(uint32_t slot, struct frame *f)
{
	struct zswap_work *w;
	bool sound;
	size_t n;

	if (likely(!zpool_has(swap_area_of(slot), slot_offset(slot))))
		return 0;
	w = work_get();
	n = zpool_get(slot, w->bytes, SMALL);
	sound = !n || unfold(w, n, f);
	work_put(w);
	if (!sound) {
		pr_err("zswap: what is in slot %x is damaged\n", slot);
		return -EIO;
	}
	return n != 0;
}

/* Rows of slots, which are in order, in one request each. */
static void device_write(const uint32_t *slots, struct frame **frames, uint32_t n)
{
	vm_event_add(VM_PSWPOUT, n);
	for (uint32_t i = 0, run; i < n; i += run) {
		struct swap_area *a = swap_area_of(slots[i]);

		for (run = 1; i + run < n && slots[i + run] == slots[i] + run;)
			run++;
		a->ops->write(a, slot_offset(slots[i]), frames + i, run, swap_written);
	}
}

void swap_write_left(struct swap_batch *b)
{
	uint32_t n = b->nr_left;

	b->nr_left = 0;
	device_write(b->left_slots, b->left, n);
}

/* One more for the device: they are in the order of their slots. */
static void leave(struct swap_batch *b, uint32_t slot, struct frame *f)
{
	uint32_t n = b->nr_left++;

	for (; n && b->left_slots[n - 1] > slot; n--) {
		b->left_slots[n] = b->left_slots[n - 1];
		b->left[n] = b->left[n - 1];
	}
	b->left_slots[n] = slot;
	b->left[n] = f;
	if (b->nr_left == ARRAY_SIZE(b->left))
		swap_write_left(b);
}

void swap_write(struct swap_batch *b)
{
	uint32_t n = b->n;

	b->n = 0;
	swap_nr_writing += n;
	/* What the slots held before is nobody's, and must not come after what is written now. */
	for (uint32_t i = 0; i < n; i++)
		zpool_drop(b->slots[i]);
	zback_wait_for(b->slots, n);
	for (uint32_t i = 0; i < n; i++) {
		if (store(b->slots[i], b->frames[i]))
			swap_written(b->slots[i], &b->frames[i], 1, 0);
		else
			leave(b, b->slots[i], b->frames[i]);
	}
}

void swap_written(uint32_t slot, struct frame **frames, uint32_t n, int err)
{
	for (uint32_t i = 0; i < n; i++) {
		struct frame *f = frames[i];
		bool kept;

		if (frame_type(f) == FRAME_OBJECT) {
			swap_object_written(f, slot + i, err);
			continue;
		}
		kept = err && swap_retire(f);
		frame_done(f, FRAME_WRITEBACK);
		if (!kept)
			frame_put(f);
	}
	swap_nr_writing -= n;
	wake_all(&memory_wait);
}

int swap_read(uint32_t slot, struct frame *f)
{
	struct swap_area *a = swap_area_of(slot);
	int loaded = zswap_load(slot, f);

	vm_event_add(VM_ZSWPIN, loaded > 0);
	/* It was away for a shorter time than the oldest that is still there. */
	if (loaded > 0)
		frame_set(f, FRAME_PROVEN);
	if (loaded)
		return MIN(loaded, 0);
	vm_event(VM_PSWPIN);
	return a->ops->read(a, slot_offset(slot), f);
}

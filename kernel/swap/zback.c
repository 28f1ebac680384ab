/*
 * Slots are handed out round the area, so what lies behind a hand that goes round after them is the
 * oldest, and goes to the device in few requests. A slot is held while it is written: so it is
 * nobody else's, and who frees it need not wait. Nothing is allocated but the frames in which pages
 * are what they were; without any the pool stays as full as it is.
 */
#include "kernel/swap/zback.h"

#include "kernel/psi.h"
#include "kernel/swap/slot.h"
#include "kernel/swap/zpool.h"
#include "kernel/swap/zswap.h"
#include "kernel/wait.h"
#include "lib/bits.h"
#include "mm/init.h"
#include "mm/policy.h"
#include "mm/reclaim.h"
#include "mm/stat.h"

#define BATCH 32   /* pages */
#define GAP   4	   /* free slots that are written, too, rather than to begin a request */
#define LOOK  8192 /* slots that are looked at for them */

/* (taken) */
static struct {
	struct frame *frames[BATCH];
	uint32_t slots[BATCH];
	_Atomic uint32_t n;    /* of slots */
	_Atomic uint32_t left; /* of them, to be written, and one for who starts it */
	_Atomic uint32_t round; /* how many there have been */
	_Atomic bool taken;
} batch;
static struct waitqueue batch_wait = WAITQUEUE_INIT(batch_wait);

/* So many less are to be written. Any context. */
static void batch_less(uint32_t n)
{
	if (atomic_fetch_sub(&batch.left, n) != n)
		return;
	batch.n = 0;
	batch.round++;
	batch.taken = false;
	wake_all(&batch_wait);
}

/* What is written to free slots. */
static struct frame *filler(void)
{
	return frame_of_pa(zero_page_pa);
}

/* What is not on the device stays in the pool, behind the hand. */
static void written(uint32_t slot, struct frame **frames, uint32_t n, int err)
{
	uint32_t pages = n;

	for (uint32_t i = 0; i < n; i++) {
		if (frames[i] == filler()) {
			swap_slot_free(slot + i, false);
			pages--;
			continue;
		}
		if (!err)
			zpool_miss(slot + i);
		swap_slot_release(slot + i);
		frame_free(frames[i], 0);
	}
	vm_event_add(VM_ZSWPWB, err ? 0 : pages);
	if (pages)
		batch_less(pages);
}

/* The slot's page as it was, if it still has one in the pool. False: no frame is to spare. */
static bool take(struct swap_area *a, uint32_t at)
{
	uint32_t slot = a->number * SWAP_AREA_MAX + at, n = batch.n;
	struct frame *f;

	/* Once round, in a small area: a slot is written once. */
	if (n && slot == batch.slots[0])
		return false;
	f = zpool_frame();
	if (!f)
		return false;
	if (!swap_slot_hold(a, at)) {
		frame_free(f, 0);
		return true;
	}
	/* Before it is read: who puts something else there looks here when that is gone. */
	batch.slots[n] = slot;
	batch.n = n + 1;
	if (zswap_load(slot, f) > 0) {
		batch.frames[n] = f;
		return true;
	}
	batch.n = n;
	swap_slot_release(slot);
	frame_free(f, 0);
	return true;
}

/* How far the slot is behind those that were handed out last. */
static uint32_t behind(const struct swap_area *a, uint32_t at)
{
	uint32_t last = MIN((a->last + 1) * SWAP_CLUSTER, a->slots);

	return at < last ? at + a->slots - last : at - last;
}

/* Take up to n of the oldest, or only see which is the oldest; of so many slots. */
static void gather(struct swap_area *a, uint32_t n, uint32_t slots)
{
	uint32_t at = a->hand;

	/* They have overtaken the hand, which goes on in front of them, where the oldest are. */
	if (behind(a, at) > a->behind)
		at = (at + a->slots - behind(a, at)) % a->slots;
	for (uint32_t i = 0; i < slots; i++) {
		uint32_t shadow;
		bool none = !a->packed[at / SWAP_PACKED];

		if (!none && zpool_has_chunks(a, at)) {
			shadow = swap_shadow_peek(a, at);
			/* 0: it has been taken. */
			if (shadow)
				policy_tier = shadow;
			if (batch.n == n || !take(a, at))
				break;
		}
		at = none ? ALIGN_UP(at + 1, SWAP_PACKED) : at + 1;
		at = at < a->slots ? at : 0;
	}
	a->hand = at;
	a->behind = behind(a, at);
}

/* How many slots lie between two of the batch, if they can be written, too; or more than that. */
static uint32_t gap(struct swap_area *a, uint32_t slot, uint32_t next)
{
	uint32_t n = next - slot - 1;

	return n && (n > GAP || !swap_slots_claim(a, slot_offset(slot + 1), n)) ? GAP + 1 : n;
}

/* Rows of slots, with few free ones between them, in one request each. */
static void write_all(struct swap_area *a, uint32_t n)
{
	struct frame *frames[SWAP_CLUSTER];

	vm_event_add(VM_PSWPOUT, n);
	for (uint32_t i = 0; i < n;) {
		uint32_t first = batch.slots[i], k = 0, between = 0;

		do {
			while (between--)
				frames[k++] = filler();
			frames[k++] = batch.frames[i++];
			between = i < n && k + GAP < SWAP_CLUSTER
					  ? gap(a, batch.slots[i - 1], batch.slots[i])
					  : GAP + 1;
		} while (between <= GAP);
		a->ops->write(a, slot_offset(first), frames, k, written);
	}
}

void zback_start(void)
{
	struct swap_area *a;

	if (!zpool_frames || atomic_exchange(&batch.taken, true))
		return;
	batch.left = 1;
	/* Who takes an area away waits for the batch when it is not to be found any more. */
	for (a = swap_area_next(0); a; a = swap_area_next(a->number + 1)) {
		if (a->off)
			continue;
		gather(a, BATCH, LOOK);
		if (batch.n)
			break;
	}
	if (a) {
		uint32_t n = batch.n;

		batch.left += n;
		write_all(a, n);
	}
	batch_less(1);
}

void zback_look(void)
{
	struct swap_area *a;

	if (!zpool_frames || atomic_exchange(&batch.taken, true))
		return;
	batch.left = 1;
	a = swap_area_next(0);
	if (a)
		gather(a, 0, LOOK / 16);
	batch_less(1);
}

static void wait_for_round(uint32_t round)
{
	wait_event_io(&batch_wait, !batch.taken || batch.round != round, WAIT_UNINTERRUPTIBLE);
}

void zback_wait(void)
{
	wait_for_round(batch.round);
}

void zback_wait_for(const uint32_t *slots, uint32_t n)
{
	uint32_t round = batch.round;

	if (likely(!batch.taken))
		return;
	for (uint32_t i = 0; i < batch.n; i++)
		for (uint32_t k = 0; k < n; k++)
			if (batch.slots[i] == slots[k]) {
				wait_for_round(round);
				return;
			}
}

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
#include "mm/reclaim.h"
#include "mm/stat.h"

#define BATCH 32   /* pages */
#define LOOK  8192 /* slots that are looked at for them */

/* (taken) */
static struct {
	struct frame *frames[BATCH];
	uint32_t slots[BATCH];
	_Atomic uint32_t n;    /* of slots */
	_Atomic uint32_t left; /* of them, to be written, and one for who starts it */
	_Atomic bool taken;
} batch;
static struct waitqueue batch_wait = WAITQUEUE_INIT(batch_wait);

/* So many less are to be written. Any context. */
static void batch_less(uint32_t n)
{
	if (atomic_fetch_sub(&batch.left, n) != n)
		return;
	batch.n = 0;
	batch.taken = false;
	wake_all(&batch_wait);
}

/* What is not on the device stays in the pool, behind the hand. */
static void written(uint32_t slot, struct frame **frames, uint32_t n, int err)
{
	vm_event_add(VM_ZSWPWB, err ? 0 : n);
	for (uint32_t i = 0; i < n; i++) {
		if (!err)
			zpool_drop(slot + i);
		swap_slot_release(slot + i);
		frame_free(frames[i], 0);
	}
	batch_less(n);
}

/* The slot's page as it was, if it still has one in the pool. False: no frame is to spare. */
static bool take(struct swap_area *a, uint32_t at)
{
	uint32_t slot = a->number * SWAP_AREA_MAX + at, n = batch.n;
	struct frame *f = zpool_frame();

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

static void gather(struct swap_area *a)
{
	uint32_t at = a->hand;

	/* They have overtaken the hand, which goes on in front of them, where the oldest are. */
	if (behind(a, at) > a->behind)
		at = (at + a->slots - behind(a, at)) % a->slots;
	for (uint32_t i = 0; i < LOOK && batch.n < BATCH; i++) {
		bool none = !a->packed[at / SWAP_PACKED];

		if (!none && zpool_has_chunks(a, at) && !take(a, at))
			break;
		at = none ? ALIGN_UP(at + 1, SWAP_PACKED) : at + 1;
		at = at < a->slots ? at : 0;
	}
	a->hand = at;
	a->behind = behind(a, at);
}

/* Rows of slots in one request each. */
static void write_all(struct swap_area *a, uint32_t n)
{
	for (uint32_t i = 0, run; i < n; i += run) {
		for (run = 1; i + run < n && batch.slots[i + run] == batch.slots[i] + run;)
			run++;
		vm_event_add(VM_PSWPOUT, run);
		a->ops->write(a, slot_offset(batch.slots[i]), batch.frames + i, run, written);
	}
}

void zback_start(void)
{
	struct swap_area *a;

	if (atomic_exchange(&batch.taken, true))
		return;
	batch.left = 1;
	/* Who takes an area away waits for the batch when it is not to be found any more. */
	for (a = swap_area_next(0); a; a = swap_area_next(a->number + 1)) {
		if (a->off)
			continue;
		gather(a);
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

void zback_wait(void)
{
	wait_event_io(&batch_wait, !batch.taken, WAIT_UNINTERRUPTIBLE);
}

void zback_wait_for(uint32_t slot, uint32_t n)
{
	for (uint32_t i = 0; batch.taken && i < batch.n; i++)
		if (batch.slots[i] - slot < n) {
			zback_wait();
			return;
		}
}

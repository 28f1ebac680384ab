#include "kernel/swap/slot.h"

#include "kernel/swap/zpool.h"
#include "kernel/swap/zswap.h"
#include "lib/bits.h"
#include "mm/policy.h"

/*
 * A slot's record: the page number of its frame, whether it is retired, what the policy wants
 * remembered, how many entries name it. Records are made a page at a time when the first of them is
 * wanted.
 */
#define SHADOW_SHIFT 32
#define COUNT_SHIFT  (SHADOW_SHIFT + POLICY_SHADOW_BITS)
#define COUNT_ONE    (1UL << COUNT_SHIFT)
#define RECORD_FRAME MASK(30, 0)
#define RETIRED	     BIT(31)
#define SHADOW	     MASK(COUNT_SHIFT - 1, SHADOW_SHIFT)
_Static_assert(SWAP_CHUNK * sizeof(uint64_t) == PAGE_SIZE, "a page of records");

static struct spinlock swap_lock = SPINLOCK_INIT("swap", RANK_QUEUE); /* irq */
_Atomic uint64_t swap_kept, swap_held;

static uint64_t *record_of(uint32_t slot)
{
	uint32_t at = slot_offset(slot);

	return &swap_area_of(slot)->records[at / SWAP_CHUNK][at % SWAP_CHUNK];
}

static uint32_t record_entries(uint64_t r)
{
	return (uint32_t)(r >> COUNT_SHIFT);
}

/* (swap_lock) A slot for f, with a record that says nothing. 0: none. */
static uint32_t slot_alloc(const struct frame *f)
{
	uint32_t slot = swap_slot_alloc(zswap_enabled && frame_has(f, FRAME_PROVEN));
	struct frame *more;
	uint64_t **chunk;

	if (!slot)
		return 0;
	chunk = &swap_area_of(slot)->records[slot_offset(slot) / SWAP_CHUNK];
	if (*chunk)
		return slot;
	more = frame_alloc(0, FRAME_ZEROED | FRAME_RESERVE);
	if (more) {
		*chunk = frame_data(more);
		return slot;
	}
	swap_slot_free(slot, false);
	return 0;
}

/* (swap_lock) Nobody names it. */
static void slot_free(uint32_t slot, uint64_t *r)
{
	bool retired = *r & RETIRED;

	policy_forget((*r & SHADOW) >> SHADOW_SHIFT);
	*r = 0;
	zpool_drop(slot);
	swap_slot_free(slot, retired);
}

/* (swap_lock) */
static void detach(struct frame *f)
{
	uint64_t *r = record_of(f->slot);

	*r &= ~RECORD_FRAME;
	if (!record_entries(*r))
		slot_free(f->slot, r);
	frame_clear(f, FRAME_DIRTY);
	/* Who frees f meanwhile and sees that it has no slot goes on. */
	__atomic_store_n(&f->slot, 0, __ATOMIC_RELEASE);
}

/* (swap_lock) */
static void set_shadow(uint64_t *r, uint32_t shadow)
{
	*r = (*r & ~SHADOW) | (uint64_t)shadow << SHADOW_SHIFT;
}

/* (swap_lock) f has a slot that it could be written to. */
static bool attach(struct frame *f)
{
	if (f->slot)
		return !(*record_of(f->slot) & RETIRED);
	f->slot = slot_alloc(f);
	if (!f->slot)
		return false;
	*record_of(f->slot) = frame_pfn(f);
	frame_set(f, FRAME_DIRTY);
	return true;
}

bool swap_attach(struct frame *f, uint32_t shadow)
{
	uint64_t irq = spin_lock_irq(&swap_lock), *r;
	bool attached = attach(f);

	if (attached) {
		r = record_of(f->slot);
		*r += COUNT_ONE;
		set_shadow(r, shadow);
	}
	spin_unlock_irq(&swap_lock, irq);
	return attached;
}

void swap_detach(struct frame *f)
{
	uint64_t irq = spin_lock_irq(&swap_lock);

	if (f->slot)
		detach(f);
	spin_unlock_irq(&swap_lock, irq);
}

bool swap_take_from_slot(struct frame *f)
{
	uint64_t irq = spin_lock_irq(&swap_lock);
	bool ours;

	/* While it is being written the slot cannot be somebody else's. */
	ours = !f->slot ||
	       (!record_entries(*record_of(f->slot)) && !frame_has(f, FRAME_WRITEBACK));
	if (ours && f->slot)
		detach(f);
	spin_unlock_irq(&swap_lock, irq);
	return ours;
}

void swap_dup(uint32_t slot)
{
	uint64_t irq = spin_lock_irq(&swap_lock);

	*record_of(slot) += COUNT_ONE;
	spin_unlock_irq(&swap_lock, irq);
}

/* (swap_lock) Has f, of this slot, better none? It is in the pool, too, or should have been. */
static bool goes_anew(const struct frame *f, uint32_t slot)
{
	return !frame_has(f, FRAME_BUSY | FRAME_WRITEBACK) &&
	       zswap_goes_anew(slot, f);
}

/*
 * (swap_lock) The last entry that named the slot is gone. The frame that it, retired, has held,
 * with its reference; NULL: none.
 */
static struct frame *unname(uint32_t slot, uint64_t *r)
{
	struct frame *f = *r & RECORD_FRAME ? FRAMES + (*r & RECORD_FRAME) : NULL;
	bool retired = *r & RETIRED;

	if (!f)
		slot_free(slot, r);
	else if (retired || goes_anew(f, slot))
		detach(f);
	return f && retired ? f : NULL;
}

/* One name less, of so many of those that only hold it. */
static void drop(uint32_t slot, uint32_t held)
{
	uint64_t irq = spin_lock_irq(&swap_lock), *r = record_of(slot);
	struct frame *kept = NULL;

	swap_held -= held;
	*r -= COUNT_ONE;
	if (!record_entries(*r))
		kept = unname(slot, r);
	spin_unlock_irq(&swap_lock, irq);
	if (likely(!kept))
		return;
	swap_kept--;
	frame_put(kept);
}

void swap_drop(uint32_t slot)
{
	drop(slot, 0);
}

bool swap_slot_hold(struct swap_area *a, uint32_t at)
{
	uint64_t irq = spin_lock_irq(&swap_lock), *chunk = a->records[at / SWAP_CHUNK];
	/* What is in the pool goes when the slot does, under this lock. */
	bool held = chunk && zpool_has(a, at) && !(chunk[at % SWAP_CHUNK] & RETIRED);

	if (held)
		chunk[at % SWAP_CHUNK] += COUNT_ONE;
	swap_held += held;
	spin_unlock_irq(&swap_lock, irq);
	return held;
}

void swap_slot_release(uint32_t slot)
{
	drop(slot, 1);
}

bool swap_retire(struct frame *f)
{
	uint64_t irq = spin_lock_irq(&swap_lock), *r = f->slot ? record_of(f->slot) : NULL;
	bool wanted = r && record_entries(*r);

	if (r)
		*r |= RETIRED;
	swap_kept += wanted;
	if (r && !wanted)
		detach(f);
	spin_unlock_irq(&swap_lock, irq);
	return wanted;
}

uint32_t swap_slot_take(const struct frame *f)
{
	uint64_t irq = spin_lock_irq(&swap_lock);
	uint32_t slot = slot_alloc(f);

	if (slot)
		*record_of(slot) = COUNT_ONE;
	spin_unlock_irq(&swap_lock, irq);
	return slot;
}

void swap_slot_retire(uint32_t slot)
{
	uint64_t irq = spin_lock_irq(&swap_lock);

	*record_of(slot) |= RETIRED;
	spin_unlock_irq(&swap_lock, irq);
}

bool swap_retired(uint32_t slot)
{
	return *record_of(slot) & RETIRED;
}

bool swap_exclusive(uint32_t slot)
{
	uint64_t r = *record_of(slot);

	return record_entries(r) == 1 && !(r & RECORD_FRAME);
}

/* (swap_lock) */
static struct frame *find(uint64_t r)
{
	struct frame *f = r & RECORD_FRAME ? FRAMES + (r & RECORD_FRAME) : NULL;

	return f && frame_try_get(f) ? f : NULL;
}

struct frame *swap_find(uint32_t slot)
{
	uint64_t irq = spin_lock_irq(&swap_lock);
	struct swap_area *a = swap_area_of(slot);
	struct frame *f = NULL;

	/* The entry may have gone meanwhile, and all of the area. */
	if (a && a->records[slot_offset(slot) / SWAP_CHUNK])
		f = find(*record_of(slot));
	spin_unlock_irq(&swap_lock, irq);
	return f;
}

bool swap_publish(uint32_t slot, struct frame *f)
{
	uint64_t irq = spin_lock_irq(&swap_lock), *r;
	struct swap_area *a = swap_area_of(slot);
	bool wanted = false;

	/* The entry may have gone meanwhile, and all of the area. */
	if (a && a->records[slot_offset(slot) / SWAP_CHUNK]) {
		r = record_of(slot);
		wanted = record_entries(*r) && !(*r & RECORD_FRAME);
		if (wanted) {
			*r |= frame_pfn(f);
			f->slot = slot;
		}
	}
	spin_unlock_irq(&swap_lock, irq);
	return wanted;
}

uint32_t swap_shadow_take(uint32_t slot)
{
	uint64_t irq = spin_lock_irq(&swap_lock), *r = record_of(slot);
	uint64_t was = *r & SHADOW;

	set_shadow(r, 0);
	spin_unlock_irq(&swap_lock, irq);
	return (uint32_t)(was >> SHADOW_SHIFT);
}

uint32_t swap_shadow_peek(const struct swap_area *a, uint32_t at)
{
	const uint64_t *chunk = a->records[at / SWAP_CHUNK];

	return chunk ? (uint32_t)((chunk[at % SWAP_CHUNK] & SHADOW) >> SHADOW_SHIFT) : 0;
}

void swap_shadow_set(uint32_t slot, uint32_t shadow)
{
	uint64_t irq = spin_lock_irq(&swap_lock);

	set_shadow(record_of(slot), shadow);
	spin_unlock_irq(&swap_lock, irq);
}

uint32_t swap_slot_users(struct swap_area *a, uint32_t at, struct frame **f)
{
	uint64_t irq = spin_lock_irq(&swap_lock), *chunk = a->records[at / SWAP_CHUNK];
	uint64_t r = chunk ? chunk[at % SWAP_CHUNK] : 0;

	*f = find(r);
	spin_unlock_irq(&swap_lock, irq);
	return record_entries(r);
}

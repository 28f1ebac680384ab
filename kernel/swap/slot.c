#include "kernel/swap/slot.h"

#include "lib/bits.h"
#include "mm/policy.h"

/*
 * A slot's record: the page number of its frame, what the policy wants remembered, how many entries
 * name it. Records are made a page at a time when the first of them is wanted.
 */
#define FRAME_BITS   32
#define COUNT_SHIFT  (FRAME_BITS + POLICY_SHADOW_BITS)
#define COUNT_ONE    (1UL << COUNT_SHIFT)
#define RECORD_FRAME MASK(FRAME_BITS - 1, 0)
#define SHADOW	     MASK(COUNT_SHIFT - 1, FRAME_BITS)
_Static_assert(SWAP_CHUNK * sizeof(uint64_t) == PAGE_SIZE, "a page of records");

static struct spinlock swap_lock = SPINLOCK_INIT("swap", RANK_QUEUE); /* irq */

static uint64_t *record_of(uint32_t slot)
{
	uint32_t at = slot_offset(slot);

	return &swap_area_of(slot)->records[at / SWAP_CHUNK][at % SWAP_CHUNK];
}

static uint32_t record_entries(uint64_t r)
{
	return (uint32_t)(r >> COUNT_SHIFT);
}

/* (swap_lock) A slot with a record that says nothing. 0: none. */
static uint32_t slot_alloc(void)
{
	uint32_t slot = swap_slot_alloc();
	struct frame *f;
	uint64_t **chunk;

	if (!slot)
		return 0;
	chunk = &swap_area_of(slot)->records[slot_offset(slot) / SWAP_CHUNK];
	if (*chunk)
		return slot;
	f = frame_alloc(0, FRAME_ZEROED | FRAME_RESERVE);
	if (f) {
		*chunk = frame_data(f);
		return slot;
	}
	swap_slot_free(slot);
	return 0;
}

/* (swap_lock) Nobody names it. */
static void slot_free(uint32_t slot, uint64_t *r)
{
	policy_forget((*r & SHADOW) >> FRAME_BITS);
	*r = 0;
	swap_slot_free(slot);
}

bool swap_attach(struct frame *f)
{
	uint64_t irq = spin_lock_irq(&swap_lock);

	f->slot = slot_alloc();
	if (f->slot) {
		*record_of(f->slot) = frame_pfn(f);
		frame_set(f, FRAME_DIRTY);
	}
	spin_unlock_irq(&swap_lock, irq);
	return f->slot;
}

/* (swap_lock) */
static void detach(struct frame *f)
{
	uint64_t *r = record_of(f->slot);

	*r &= ~RECORD_FRAME;
	if (!record_entries(*r))
		slot_free(f->slot, r);
	f->slot = 0;
	frame_clear(f, FRAME_DIRTY);
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

void swap_drop(uint32_t slot)
{
	uint64_t irq = spin_lock_irq(&swap_lock), *r = record_of(slot);
	struct frame *kept = NULL;

	*r -= COUNT_ONE;
	if (!record_entries(*r) && (*r & RECORD_FRAME)) {
		kept = FRAMES + (*r & RECORD_FRAME);
		if (!(frame_clear(kept, FRAME_KEPT) & FRAME_KEPT))
			kept = NULL;
	} else if (!record_entries(*r)) {
		slot_free(slot, r);
	}
	spin_unlock_irq(&swap_lock, irq);
	if (unlikely(kept))
		frame_put(kept);
}

bool swap_keep(struct frame *f)
{
	uint64_t irq = spin_lock_irq(&swap_lock);
	bool wanted = f->slot && record_entries(*record_of(f->slot));

	if (wanted)
		frame_set(f, FRAME_DIRTY | FRAME_KEPT);
	spin_unlock_irq(&swap_lock, irq);
	return wanted;
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
	struct frame *f = find(*record_of(slot));

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

uint32_t swap_shadow(uint32_t slot, uint32_t shadow)
{
	uint64_t irq = spin_lock_irq(&swap_lock), *r = record_of(slot);
	uint64_t was = *r & SHADOW;

	*r += ((uint64_t)shadow << FRAME_BITS) - was;
	spin_unlock_irq(&swap_lock, irq);
	return (uint32_t)(was >> FRAME_BITS);
}

uint32_t swap_slot_users(struct swap_area *a, uint32_t at, struct frame **f)
{
	uint64_t irq = spin_lock_irq(&swap_lock), *chunk = a->records[at / SWAP_CHUNK];
	uint64_t r = chunk ? chunk[at % SWAP_CHUNK] : 0;

	*f = find(r);
	spin_unlock_irq(&swap_lock, irq);
	return record_entries(r);
}

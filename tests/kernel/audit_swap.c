/*
 * The audit of swap: as many entries of page tables and objects name a slot as it says, a frame and
 * its slot name each other, and what nobody names is free.
 */
#include "kernel/swap/object.h"
#include "kernel/swap/slot.h"
#include "kernel/swap/zpool.h"
#include "tests/kernel/audit.h"

static uint64_t entries; /* found in page tables and objects */
static uint64_t packed; /* slots that have something in memory */

void audit_swapped(uint32_t slot)
{
	struct swap_area *a = swap_area_of(slot);
	struct frame *f = NULL;

	entries++;
	if (!a || slot_offset(slot) >= a->slots || !swap_slot_users(a, slot_offset(slot), &f))
		audit_complain("an entry names slot %x, which is not in use", slot);
	if (f)
		frame_put(f);
}

/* What objects have in slots, and how many pages of theirs are nowhere else. */
static void audit_object(struct object *o)
{
	uint64_t out = 0, index = 0;
	void *item;

	for (; (item = radix_next(&o->slots, &index, OBJECT_INDEX_MAX)); index++) {
		/* A word above all slots: the page holds zeros. */
		if ((uintptr_t)item <= UINT32_MAX)
			audit_swapped((uint32_t)(uintptr_t)item);
		out += !radix_lookup(&o->frames, index);
	}
	if (out != o->nr_out)
		audit_complain("%lu pages of a %s object are out, counted %lu", out, o->ops->name,
			       o->nr_out);
}

/* One slot: how many entries it counts. */
static uint32_t audit_slot(struct swap_area *a, uint32_t at, uint32_t *used)
{
	bool taken = a->taken[at / SWAP_CLUSTER] & BIT(at % SWAP_CLUSTER);
	uint32_t slot = a->number * SWAP_AREA_MAX + at, users;
	struct frame *f;

	users = swap_slot_users(a, at, &f);
	if (f && (frame_type(f) != FRAME_ANON || f->slot != slot))
		audit_complain("slot %x has frame %u of slot %x", slot, frame_pfn(f), f->slot);
	if ((users || f) && !taken)
		audit_complain("slot %x is free, with %u entries and frame %p", slot, users, f);
	if (zpool_has(a, at) && !users && !f)
		audit_complain("slot %x is free, but has something in memory", slot);
	packed += zpool_has(a, at);
	*used += users || f;
	if (f)
		frame_put(f);
	return users;
}

void audit_swap(void)
{
	uint64_t counted = 0;
	struct object *o;

	list_for_each_entry(o, &swap_objects, dirty_link)
		audit_object(o);
	for (struct swap_area *a = swap_area_next(0); a; a = swap_area_next(a->number + 1)) {
		uint32_t used = 0;

		for (uint32_t at = 0; at < a->slots; at++)
			counted += audit_slot(a, at, &used);
		if (used != a->used)
			audit_complain("swap area %u: %u slots used, counted %u", a->number, used,
				       a->used);
	}
	if (counted != entries + swap_held)
		audit_complain("%lu entries and objects name slots, and %lu are held, which count "
			       "%lu", entries, swap_held, counted);
	if (packed != zpool_things)
		audit_complain("%lu slots have something in memory, counted %lu", packed,
			       zpool_things);
	entries = packed = 0;
}

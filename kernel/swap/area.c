#include "kernel/swap/area.h"

#include "kernel/mem/slab.h"
#include "kernel/mem/vmalloc.h"
#include "kernel/spinlock.h"
#include "kernel/thread.h"
#include "lib/bits.h"
#include "mm/frame.h"

#define MAX_FAILURES 16 /* writes in a row that fail, before an area is given up */
#define SWAP_RUN     16 /* slots, aligned to it, that are worth a request */
#define RUN_STARTS   (UINT64_MAX / MASK(SWAP_RUN - 1, 0))

static struct swap_area *areas[SWAP_AREAS]; /* (slots_lock) */
static struct spinlock slots_lock = SPINLOCK_INIT("swap slots", RANK_FRAME); /* irq */
_Atomic uint64_t swap_total, swap_used;

/* The first bit of a run of SWAP_RUN, on a multiple of that, none of which is set in word. */
static uint64_t free_runs(uint64_t word)
{
	for (unsigned shift = 1; shift < SWAP_RUN; shift *= 2)
		word |= word >> shift;
	return ~word & RUN_STARTS;
}

struct swap_area *swap_area_create(uint32_t n, const uint32_t *bad, uint32_t nr_bad)
{
	struct swap_area *a = kzalloc(sizeof(*a));

	if (!a)
		return NULL;
	a->slots = n;
	a->taken = vmalloc(DIV_ROUND_UP(n, SWAP_CLUSTER) * sizeof(*a->taken));
	a->records = vmalloc(DIV_ROUND_UP(n, SWAP_CHUNK) * sizeof(*a->records));
	a->packed = vmalloc(DIV_ROUND_UP(n, SWAP_PACKED) * sizeof(*a->packed));
	if (!a->taken || !a->records || !a->packed) {
		swap_area_free(a);
		return NULL;
	}
	a->taken[0] = 1;
	for (uint32_t i = 0; i < nr_bad; i++)
		if (bad[i] < n)
			a->taken[bad[i] / SWAP_CLUSTER] |= BIT(bad[i] % SWAP_CLUSTER);
	for (uint32_t i = n; i % SWAP_CLUSTER; i++)
		a->taken[i / SWAP_CLUSTER] |= BIT(i % SWAP_CLUSTER);
	for (uint32_t i = 0; i < DIV_ROUND_UP(n, SWAP_CLUSTER); i++) {
		a->usable += SWAP_CLUSTER - popcount64(a->taken[i]);
		a->clusters += !a->taken[i];
		a->runs += popcount64(free_runs(a->taken[i]));
	}
	for (uint32_t i = 0; i < MAX_HARTS; i++)
		a->next[0][i] = a->next[1][i] = n;
	return a;
}

/* A table of n pages, those that there are. */
static void table_free(void **pages, uint32_t n)
{
	for (uint32_t i = 0; pages && i < n; i++)
		if (pages[i])
			frame_free(frame_of(pages[i]), 0);
	vfree(pages);
}

void swap_area_free(struct swap_area *a)
{
	table_free((void **)a->records, DIV_ROUND_UP(a->slots, SWAP_CHUNK));
	table_free((void **)a->packed, DIV_ROUND_UP(a->slots, SWAP_PACKED));
	vfree(a->taken);
	kfree(a);
}

bool swap_area_add(struct swap_area *a, int priority)
{
	uint64_t irq = spin_lock_irq(&slots_lock);
	bool added = false;

	a->priority = priority;
	for (uint32_t i = 0; i < SWAP_AREAS && !added; i++) {
		if (areas[i])
			continue;
		a->number = i;
		areas[i] = a;
		swap_total += a->usable;
		added = true;
	}
	spin_unlock_irq(&slots_lock, irq);
	return added;
}

void swap_area_remove(struct swap_area *a)
{
	uint64_t irq = spin_lock_irq(&slots_lock);

	areas[a->number] = NULL;
	spin_unlock_irq(&slots_lock, irq);
}

/* (slots_lock) */
static void close_locked(struct swap_area *a, bool off)
{
	if (a->off == off)
		return;
	a->off = off;
	swap_total += off ? -(uint64_t)a->usable : a->usable;
	swap_used += off ? -(uint64_t)a->used : a->used;
}

void swap_area_close(struct swap_area *a, bool off)
{
	uint64_t irq = spin_lock_irq(&slots_lock);

	close_locked(a, off);
	spin_unlock_irq(&slots_lock, irq);
}

bool swap_area_wrote(struct swap_area *a, int err)
{
	uint64_t irq = spin_lock_irq(&slots_lock);
	bool was = a->off;

	a->failures = err ? a->failures + 1 : 0;
	if (a->failures >= MAX_FAILURES)
		close_locked(a, true);
	was = a->off && !was;
	spin_unlock_irq(&slots_lock, irq);
	return was;
}

struct swap_area *swap_area_next(uint32_t number)
{
	while (number < SWAP_AREAS && !areas[number])
		number++;
	return number < SWAP_AREAS ? areas[number] : NULL;
}

struct swap_area *swap_area_of(uint32_t slot)
{
	return areas[slot / SWAP_AREA_MAX];
}

/*
 * (slots_lock) Where the next page from this hart goes: a slot is free. Each hart has a cluster of
 * its own, as several that write at once would take every other slot and merge nothing.
 */
static uint32_t *move_on(struct swap_area *a, unsigned kind)
{
	uint32_t words = DIV_ROUND_UP(a->slots, SWAP_CLUSTER), at;
	uint32_t *next = &a->next[kind][this_hart()->index];
	uint64_t word = *next < a->slots ? a->taken[*next / SWAP_CLUSTER] : UINT64_MAX, found;

	/* On where the last one was, then the next cluster that is free, then a run, then any. */
	if (!(*next % SWAP_CLUSTER ? word & BIT(*next % SWAP_CLUSTER) : word))
		return next;
	at = a->last;
	do {
		at = (at + 1) % words;
		word = a->taken[at];
		found = a->clusters ? !word : a->runs ? free_runs(word) : ~word;
	} while (!found);
	a->last = at;
	*next = at * SWAP_CLUSTER + ctz64(found);
	return next;
}

/* (slots_lock) The slot at `at` of the word is free: from now on (n is 1), or till now (-1). */
static void count_free(struct swap_area *a, uint64_t word, uint32_t at, uint32_t n)
{
	uint32_t run = ALIGN_DOWN(at % SWAP_CLUSTER, SWAP_RUN);

	a->clusters += word ? 0 : n;
	a->runs += word & MASK(run + SWAP_RUN - 1, run) ? 0 : n;
}

static bool is_taken(const struct swap_area *a, uint32_t at)
{
	return a->taken[at / SWAP_CLUSTER] & BIT(at % SWAP_CLUSTER);
}

/* (slots_lock) */
static void take(struct swap_area *a, uint32_t at)
{
	uint64_t *word = &a->taken[at / SWAP_CLUSTER];

	count_free(a, *word, at, -1);
	*word |= BIT(at % SWAP_CLUSTER);
	a->used++;
	swap_used += !a->off;
}

/* (slots_lock) One of a, which has one. */
static uint32_t take_next(struct swap_area *a, unsigned kind)
{
	uint32_t *next = move_on(a, kind);

	take(a, *next);
	return a->number * SWAP_AREA_MAX + (*next)++;
}

bool swap_slots_claim(struct swap_area *a, uint32_t at, uint32_t n)
{
	uint64_t irq = spin_lock_irq(&slots_lock);
	bool none = true;

	for (uint32_t i = 0; i < n && none; i++)
		none = !is_taken(a, at + i);
	for (uint32_t i = 0; i < n && none; i++)
		take(a, at + i);
	spin_unlock_irq(&slots_lock, irq);
	return none;
}

uint32_t swap_slot_alloc(unsigned kind)
{
	struct swap_area *best = NULL;
	uint64_t irq = spin_lock_irq(&slots_lock);
	uint32_t slot;

	/* Of several areas of one priority, cluster by cluster in turn. */
	for (struct swap_area *a = swap_area_next(0); a; a = swap_area_next(a->number + 1)) {
		if (a->off || a->used == a->usable)
			continue;
		if (!best || a->priority > best->priority ||
		    (a->priority == best->priority &&
		     a->used / SWAP_CLUSTER < best->used / SWAP_CLUSTER))
			best = a;
	}
	slot = best ? take_next(best, kind) : 0;
	spin_unlock_irq(&slots_lock, irq);
	return slot;
}

void swap_slot_free(uint32_t slot, bool retired)
{
	uint64_t irq = spin_lock_irq(&slots_lock);
	struct swap_area *a = swap_area_of(slot);
	uint64_t *word = &a->taken[slot_offset(slot) / SWAP_CLUSTER];

	if (!retired) {
		*word &= ~BIT(slot_offset(slot) % SWAP_CLUSTER);
		count_free(a, *word, slot_offset(slot), 1);
	}
	a->usable -= retired;
	swap_total -= retired && !a->off;
	a->used--;
	swap_used -= !a->off;
	spin_unlock_irq(&slots_lock, irq);
}

/*
 * Swap areas: places of a page each (slots) on a device, and which of them are free. Who is in a
 * slot: slot.h.
 */
#pragma once

#include <stdatomic.h>

#include "kernel/asm.h"
#include "kernel/types.h"

#define SWAP_AREAS    32
#define SWAP_AREA_MAX (1u << 27) /* slots of an area */
#define SWAP_CLUSTER  64 /* slots that are handed out together if they are free together */

#define SWAP_CHUNK    512 /* slots whose records fill a page */
#define SWAP_PACKED   512  /* slots whose entries in zpool.c do */

struct frame;
struct swap_area;
/* The write of frames to slots from this one on is done. Any context. */
typedef void swap_done(uint32_t slot, struct frame **frames, uint32_t n, int err);
struct swap_ops {
	/* Read a page from index `at` of the area. May sleep. 0 or -errno. */
	int (*read)(struct swap_area *a, uint32_t at, struct frame *f);
	/* Start writing n frames (up to SWAP_CLUSTER), then `done` for all or parts. May sleep. */
	void (*write)(struct swap_area *a, uint32_t at, struct frame **frames, uint32_t n,
		      swap_done *done);
};

/* (s) the lock of slots */
struct swap_area {
	const struct swap_ops *ops;
	void *owner;		/* ops' */
	uint32_t number;	/* index of the area: the upper bits of slots */
	int priority;		/* higher ones are filled first */
	uint32_t slots;		/* with those that cannot be used */
	uint32_t usable;	/* (s) slots, neither bad nor retired */
	uint32_t used;		/* (s) */
	uint32_t next[2][MAX_HARTS]; /* (s) by kind: where a hart's next slot is, if it is free */
	uint32_t last;		/* (s) the cluster that a hart was sent to last */
	uint32_t clusters;	/* (s) all free, of SWAP_CLUSTER slots */
	uint32_t runs;		/* (s) all free, of SWAP_RUN slots */
	uint32_t failures;	/* (s) writes in a row that failed */
	bool off;		/* (s) nothing more goes to it */
	uint32_t hand, behind;	/* zback.c's: where it goes on; how far behind `last` that was */
	uint64_t *taken;	/* (s) a bit for each slot */
	uint64_t **records;	/* slot.c's, a page for SWAP_CHUNK slots; NULL until used */
	uint64_t **packed;	/* zpool.c's, a page for SWAP_PACKED slots; likewise */
};

/*
 * A new area of n slots, of which `bad` ones (the first always) cannot be used; the caller sets ops
 * and owner before swap_area_add. NULL: no memory. Freed when it is not known and not in use.
 */
struct swap_area *swap_area_create(uint32_t n, const uint32_t *bad, uint32_t nr_bad) __must_check;
void swap_area_free(struct swap_area *a);
/* Make an area known, and unknown when none of it is in use. False: there are SWAP_AREAS. */
bool swap_area_add(struct swap_area *a, int priority) __must_check;
void swap_area_remove(struct swap_area *a);
/* Nothing more goes to the area, or something may again. Any context. */
void swap_area_close(struct swap_area *a, bool off);
/* A write to it has ended: true if it was one failure too many, and the area is closed. */
bool swap_area_wrote(struct swap_area *a, int err);
/* The area with this number, or the next; NULL: none. Areas go only by swapoff (its lock). */
struct swap_area *swap_area_next(uint32_t number);

/*
 * A slot: the area of the highest priority that has one. Those of a kind, 0 or 1, lie together.
 * 0: none. Any context.
 */
uint32_t swap_slot_alloc(unsigned kind);
/* Slots [at, at + n) of a, if all are free. Any context. */
bool swap_slots_claim(struct swap_area *a, uint32_t at, uint32_t n) __must_check;
/* retired: it is not to be had again. */
void swap_slot_free(uint32_t slot, bool retired);
/* The area of a slot that is in use, and its index there. */
struct swap_area *swap_area_of(uint32_t slot);
static inline uint32_t slot_offset(uint32_t slot)
{
	return slot % SWAP_AREA_MAX;
}

/* Slots of all areas that are not about to go, and those of them that are in use. */
extern _Atomic uint64_t swap_total, swap_used;

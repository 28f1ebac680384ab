/*
 * Getting memory back: the queue of page-cache frames, and who is asked when none is free.
 */
#pragma once

#include "kernel/swap/area.h"

/* Try to free n frames from the page cache, and from shrinkers unless nofs. How many went. May
 * sleep. */
uint64_t reclaim_frames(uint64_t n, bool nofs);
/*
 * Called with nothing held before a call that takes many frames under locks (fork, exec): while
 * memory is short, reclaim, and wait for dirty pages to be written. Kills nobody; gives up when
 * nothing can be had or the caller is dying. May sleep.
 */
void reclaim_ahead(void);
/* Drop what can be made again (drop_caches): clean unmapped pages; what shrinkers have. */
void reclaim_caches(bool pages, bool objects);

/* --- evict.c, which knows address spaces --- */

/*
 * Frames that are out of all tables, private ones BUSY until a fence, and have to be written or
 * freed then.
 */
struct swap_batch {
	uint32_t n;
	struct frame *frames[SWAP_CLUSTER];
	uint32_t slots[SWAP_CLUSTER];
	/* Those of batches before that are not on their way yet. */
	uint32_t nr_left;
	struct frame *left[SWAP_CLUSTER];
	uint32_t left_slots[SWAP_CLUSTER];
};
/*
 * Have f, private and held by the caller, leave memory: the reference is given up. False: it stays.
 * One evict_flush is due in the end. May sleep.
 */
bool evict(struct frame *f, struct swap_batch *b);
void evict_some(struct swap_batch *b); /* make room in it */
void evict_flush(struct swap_batch *b);
/* The write to slots from this one on, that an area's ops were to start, is done. Any context. */
void swap_written(uint32_t slot, struct frame **frames, uint32_t n, int err);
extern _Atomic uint64_t swap_nr_writing; /* frames */
struct aspace;
/* For MADV_PAGEOUT: the private pages of a range leave memory, if they can. May sleep. */
void evict_range(struct aspace *as, uint64_t start, uint64_t end);
/* For MADV_COLD: the pages of a range that nobody shares are the next to go. May sleep. */
void cool_range(struct aspace *as, uint64_t start, uint64_t end);
/* Gather accessed bits, and end the policy's epoch. May sleep, and end address spaces. */
void harvest(void);

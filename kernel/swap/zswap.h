/*
 * Between memory and swap areas: unless it is switched off, pages that get small enough stay in
 * memory, compressed, instead of being written to their slots. Linux's
 * Documentation/admin-guide/mm/zswap.
 */
#pragma once

#include "kernel/swap/area.h"
#include "kernel/swap/zpool.h"
#include "mm/frame.h"

struct swap_batch;

extern _Atomic bool zswap_enabled; /* what is in already stays until it is not wanted any more */

/* Is f, of this slot, in the pool, too, or should it have been? It is better stored anew then. */
static inline bool zswap_goes_anew(uint32_t slot, const struct frame *f)
{
	return zpool_has(swap_area_of(slot), slot_offset(slot)) ||
	       (zswap_enabled && frame_has(f, FRAME_PROVEN) && zpool_missed(slot));
}
/*
 * The batch's frames go to their slots, and swap_written then; some are left until there are more
 * for a request, or swap_write_left. May sleep.
 */
void swap_write(struct swap_batch *b);
void swap_write_left(struct swap_batch *b);
/* Fill f with what is there in memory of the slot, which stays in use. 1; 0: nothing; -EIO. */
int zswap_load(uint32_t slot, struct frame *f);
/* Fill f with what is in the slot, which stays in use meanwhile. 0 or -errno. May sleep. */
int swap_read(uint32_t slot, struct frame *f);

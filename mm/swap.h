/*
 * Bringing private pages back from swap. How they get there is in evict.c.
 */
#pragma once

#include "kernel/swap/slot.h"

struct aspace;

/*
 * Bring in the page of a slot: *held is its frame, with a reference, or NULL if the slot is not
 * in use any more or somebody else brings it in: look again. 0, -ENOMEM, -EIO. May sleep.
 */
int swap_in(uint32_t slot, struct frame **held);
/*
 * The same in a process's place: all of [start, end) that is out, in slots of which `which` says so
 * (NULL: any), with a. 0, -ENOMEM, -EIO, -EINTR. May sleep.
 */
typedef bool swap_which(uint32_t slot, const struct swap_area *a);
int swap_in_range(struct aspace *as, swap_which *which, const struct swap_area *a, uint64_t start,
		  uint64_t end);

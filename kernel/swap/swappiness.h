/*
 * How gladly memory goes to swap: /proc/sys/vm/swappiness.
 */
#pragma once

#include "kernel/types.h"

/*
 * Of pages that are chosen to go, private and shared memory is taken as it comes from this value
 * on; below, only that share of it, as long as there are files' pages to take instead.
 */
#define SWAPPINESS_EVEN 60
#define SWAPPINESS_MAX	200

extern uint64_t swappiness; /* 0 .. SWAPPINESS_MAX */

/* A page that would go to swap is chosen: shall it? Any context. */
bool swap_wanted_slow(void);
static inline bool swap_wanted(void)
{
	return likely(swappiness >= SWAPPINESS_EVEN) || swap_wanted_slow();
}

/*
 * Swap areas on block devices and in files: swapon(2), swapoff(2), and how pages get there and
 * back.
 */
#pragma once

#include "kernel/types.h"

void swapon_init(void);
/* Slots were retired: have what they keep back, in a thread. Any context. */
void swapon_take_back(void);
/* One line of /proc/swaps: the area with this number or the next after it; false: none. Sleeps. */
struct swap_line {
	char name[512]; /* its path, cut if it is longer */
	bool file; /* not a whole device */
	uint64_t size, used; /* pages */
	int priority;
	uint32_t number;
};
bool swap_line_next(uint32_t number, struct swap_line *out);

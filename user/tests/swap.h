/*
 * Tests of swap: an area of PAGES private pages, and what sends it out.
 */
#pragma once

#include "ut.h"

#include <sys/mman.h>
#include <sys/swap.h>

#define DEVICE	"/dev/vdc"
#define PAGE	4096ul
#define PAGES	600	/* more than one leaf table holds */

/* Swap to DEVICE is on, or another area was already, for all tests: then false. Skips without. */
bool swap_begin(void);
void swap_end(bool ours);
/* The rest of the test runs in a child, with zswap off: what goes out goes to the device. */
void swap_past_zswap(void);
/*
 * On a debug kernel, whose device can be made to fail; skips elsewhere, and where the area is on
 * for all: others might have pages in it, and would die. The size of swap in KiB.
 */
long swap_begin_failing(void);
void swap_fail(const char *which); /* of the device's transfers: vdc:N every N-th, vdc:0 none */
/* The number that follows a name in a file of /proc; -1: the name is not there. */
long number_in(const char *path, const char *name);
void skip_elsewhere(void); /* unless it is xv39 */
void skip_memory_above(long mib); /* what fills all of memory takes its time where there is much */

char *swap_pages(int flags);
/* What page i holds in round r: something at either end. */
void page_fill(char *p, unsigned i, unsigned r);
void page_check(const char *p, unsigned i, unsigned r);
void swap_fill(char *p, unsigned r);
void swap_check(const char *p, unsigned r);
/* Out with all of it; what is being used at the moment may stay. */
void swap_out(char *p);

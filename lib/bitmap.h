#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Arrays of bits in 64-bit words; bit n is bit n % 64 of word n / 64.  On a little-endian machine
 * that is the bit order of ext2's bitmaps, so a block of one can be used in place.  Ranges are
 * [first, end).  The caller provides the locking; nothing here is atomic, sleeps or allocates.
 */

#define BITMAP_WORDS(bits)	   (((bits) + 63) / 64)
#define BITMAP_DECLARE(name, bits) uint64_t name[BITMAP_WORDS(bits)]

static inline bool bitmap_test(const uint64_t *map, size_t n)
{
	return map[n / 64] >> (n % 64) & 1;
}

static inline void bitmap_set(uint64_t *map, size_t n)
{
	map[n / 64] |= UINT64_C(1) << (n % 64);
}

static inline void bitmap_clear(uint64_t *map, size_t n)
{
	map[n / 64] &= ~(UINT64_C(1) << (n % 64));
}

/* Sets or clears the bits first to end - 1. */
void bitmap_set_range(uint64_t *map, size_t first, size_t end);
void bitmap_clear_range(uint64_t *map, size_t first, size_t end);

/* The lowest bit in [first, end) that is clear (or set), or end if there is none. */
size_t bitmap_find_zero(const uint64_t *map, size_t first, size_t end);
size_t bitmap_find_set(const uint64_t *map, size_t first, size_t end);

/*
 * The start of the lowest run of count clear bits that lies in [first, end), or end if there is
 * none; count 0 gives first.
 */
size_t bitmap_find_zero_run(const uint64_t *map, size_t first, size_t end, size_t count);

/* How many bits of [first, end) are set. */
size_t bitmap_count(const uint64_t *map, size_t first, size_t end);

/* Whether all bits of [first, end) are clear (or set); true for an empty range. */
static inline bool bitmap_all_zero(const uint64_t *map, size_t first, size_t end)
{
	return bitmap_find_set(map, first, end) >= end;
}

static inline bool bitmap_all_set(const uint64_t *map, size_t first, size_t end)
{
	return bitmap_find_zero(map, first, end) >= end;
}

#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Hashes for in-memory tables.  They spread ordinary keys well; they resist no adversary, so a
 * table must stay correct (if slow) when every key collides.
 */

/* Fibonacci hashing: x to `bits` bits, 1 to 64.  The best bits of the product are the top ones. */
static inline uint64_t hash_u64(uint64_t x, unsigned bits)
{
	return (x * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - bits);
}

static inline uint64_t hash_ptr(const void *p, unsigned bits)
{
	return hash_u64((uint64_t)(uintptr_t)p, bits);
}

/* Folds b into a, for keys of two words; feed the result to hash_u64(). */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
	a ^= b * UINT64_C(0xff51afd7ed558ccd);
	return (a << 29 | a >> 35) * UINT64_C(0xc4ceb9fe1a85ec53);
}

/*
 * Hashes len bytes (FNV-1a, 64 bits).  seed chains or separates: the parent directory for names.
 * Feed the result to hash_u64() for a table index.
 */
static inline uint64_t hash_bytes(const void *data, size_t len, uint64_t seed)
{
	const uint8_t *p = data;
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ seed;

	while (len--)
		h = (h ^ *p++) * UINT64_C(0x100000001b3);
	return h;
}

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The structure of the given type whose member stands at ptr. */
#define container_of(ptr, type, member)                                                            \
	((type *)((char *)(uintptr_t)(ptr) - offsetof(type, member)))

/* Each argument is evaluated once. */
#define MIN(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) min_a_ = (a);                                                        \
		__typeof__(b) min_b_ = (b);                                                        \
		min_a_ < min_b_ ? min_a_ : min_b_;                                                 \
	})
#define MAX(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) max_a_ = (a);                                                        \
		__typeof__(b) max_b_ = (b);                                                        \
		max_a_ > max_b_ ? max_a_ : max_b_;                                                 \
	})

/*
 * Rounding to a multiple of `to`, a power of two, in the type of x.  ALIGN_UP wraps to 0 at the
 * top of the type: check values that a user or a disk supplied first.
 */
#define ALIGN_DOWN(x, to) ((x) & ~((__typeof__(x))(to)-1))
#define ALIGN_UP(x, to)	  ALIGN_DOWN((x) + ((__typeof__(x))(to)-1), to)
#define IS_ALIGNED(x, to) (((x) & ((__typeof__(x))(to)-1)) == 0)

#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))

#define BIT(n) (UINT64_C(1) << (n))

/* Bits hi down to lo, both included, set: MASK(3, 0) is 0xf. */
#define MASK(hi, lo) ((~UINT64_C(0) >> (63 - (hi))) & (~UINT64_C(0) << (lo)))

extern const uint8_t bits_debruijn[64];

/*
 * The number of the lowest set bit of x, 0 to 63; x must not be 0.  The base instruction set has
 * no count instruction and the compiler's fallback is a call, so this multiplies the isolated bit
 * with a de Bruijn sequence: the six bits that come out on top differ for each bit number.
 */
static inline unsigned ctz64(uint64_t x)
{
	if (__builtin_constant_p(x))
		return (unsigned)__builtin_ctzll(x);
	return bits_debruijn[((x & -x) * UINT64_C(0x03f79d71b4cb0a89)) >> 58];
}

/* The number of the highest set bit of x (the rounded-down logarithm), 0 to 63; x is not 0. */
static inline unsigned ilog2(uint64_t x)
{
	if (__builtin_constant_p(x))
		return 63u - (unsigned)__builtin_clzll(x);
	x |= x >> 1;
	x |= x >> 2;
	x |= x >> 4;
	x |= x >> 8;
	x |= x >> 16;
	x |= x >> 32;
	return bits_debruijn[((x - (x >> 1)) * UINT64_C(0x03f79d71b4cb0a89)) >> 58];
}

/* One plus the number of the lowest or highest set bit, or 0 when there is none. */
static inline unsigned ffs64(uint64_t x)
{
	return x ? ctz64(x) + 1 : 0;
}

static inline unsigned fls64(uint64_t x)
{
	return x ? ilog2(x) + 1 : 0;
}

/* How many bits of x are set. */
static inline unsigned popcount64(uint64_t x)
{
	x -= (x >> 1) & UINT64_C(0x5555555555555555);
	x = (x & UINT64_C(0x3333333333333333)) + ((x >> 2) & UINT64_C(0x3333333333333333));
	x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (unsigned)((x * UINT64_C(0x0101010101010101)) >> 56);
}

static inline bool is_power_of_2(uint64_t x)
{
	return x && !(x & (x - 1));
}

/* The smallest power of two >= x; 1 for 0, and 0 if it does not fit 64 bits. */
static inline uint64_t roundup_pow2(uint64_t x)
{
	if (x <= 1)
		return 1;
	unsigned log = ilog2(x - 1) + 1;
	return log > 63 ? 0 : UINT64_C(1) << log;
}

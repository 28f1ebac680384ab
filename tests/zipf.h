/*
 * Random numbers that are the same in every run, and those of Zipf's law: of n things the i-th,
 * counted from 1, is chosen with a weight of 1 / i to the power of skew.
 */
#pragma once

#include <math.h>
#include <stdint.h>

/* xorshift64; *seed is not 0. */
static inline uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* In [0, 1). */
static inline double random_fraction(uint64_t *seed)
{
	return (double)(random_next(seed) >> 11) / 9007199254740992.0;
}

/* sum[i]: the weights of the first i + 1. */
static inline void zipf_sums(double *sum, uint32_t n, double skew)
{
	double all = 0;

	for (uint32_t i = 0; i < n; i++)
		sum[i] = all += pow(i + 1, -skew);
}

/* One of them, counted from 0. */
static inline uint32_t zipf_next(uint64_t *seed, const double *sum, uint32_t n)
{
	double at = random_fraction(seed) * sum[n - 1];
	uint32_t low = 0, high = n - 1;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (sum[mid] < at)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

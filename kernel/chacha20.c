#include "kernel/chacha20.h"

#include "lib/endian.h"
#include "lib/string.h"

static inline uint32_t rotl(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

static inline void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	*a += *b;
	*d = rotl(*d ^ *a, 16);
	*c += *d;
	*b = rotl(*b ^ *c, 12);
	*a += *b;
	*d = rotl(*d ^ *a, 8);
	*c += *d;
	*b = rotl(*b ^ *c, 7);
}

void chacha20_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3],
		    uint8_t out[CHACHA20_BLOCK])
{
	/* "expand 32-byte k" */
	uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
	uint32_t x[16];

	memcpy(&start[4], key, CHACHA20_KEY);
	start[12] = counter;
	memcpy(&start[13], nonce, 12);
	memcpy(x, start, sizeof(x));
	/* Unrolled, so that x lives in registers. */
	for (int i = 0; i < 10; i++) {
#pragma GCC unroll 4
		for (int col = 0; col < 4; col++)
			quarter_round(&x[col], &x[4 + col], &x[8 + col], &x[12 + col]);
#pragma GCC unroll 4
		for (int diag = 0; diag < 4; diag++)
			quarter_round(&x[diag], &x[4 + (diag + 1) % 4], &x[8 + (diag + 2) % 4],
				      &x[12 + (diag + 3) % 4]);
	}
	for (int i = 0; i < 16; i++)
		store_le32(out + 4 * i, x[i] + start[i]);
}

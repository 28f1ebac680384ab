/*
 * MD5 and SHA-256: both cut the message into blocks of 64 bytes and end it with its length.
 */
#include <stdbool.h>
#include <string.h>

#include "user/lib/hash.h"

struct hash_kind {
	uint32_t start[8];
	void (*block)(uint32_t *state, const unsigned char *p);
	int words;
	bool big_endian;
};

static uint32_t rotate_left(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

static uint32_t rotate_right(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

static void md5_block(uint32_t *state, const unsigned char *p)
{
	/* Round constants: the integer part of 2^32 times |sin(i + 1)|. */
	static const uint32_t k[64] = {
		0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a,
		0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be,
		0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340,
		0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
		0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8,
		0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c,
		0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa,
		0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
		0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92,
		0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1,
		0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
	};
	static const unsigned char turns[4][4] = {
		{ 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 },
	};
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3], f, word, next;
	int i, g;

	for (i = 0; i < 64; i++) {
		switch (i / 16) {
		case 0:
			f = (b & c) | (~b & d);
			g = i;
			break;
		case 1:
			f = (d & b) | (~d & c);
			g = (5 * i + 1) % 16;
			break;
		case 2:
			f = b ^ c ^ d;
			g = (3 * i + 5) % 16;
			break;
		default:
			f = c ^ (b | ~d);
			g = 7 * i % 16;
		}
		word = (uint32_t)p[4 * g] | (uint32_t)p[4 * g + 1] << 8 |
		       (uint32_t)p[4 * g + 2] << 16 | (uint32_t)p[4 * g + 3] << 24;
		next = b + rotate_left(a + f + k[i] + word, turns[i / 16][i % 4]);
		a = d;
		d = c;
		c = b;
		b = next;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
}

static void sha256_block(uint32_t *state, const unsigned char *p)
{
	/* Round constants: the fractions of the cube roots of the first 64 primes. */
	static const uint32_t k[64] = {
		0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
		0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
		0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
		0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
		0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
		0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
		0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
		0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
		0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
		0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
		0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
	};
	uint32_t w[64], s[8], t1, t2, x;
	int i;

	for (i = 0; i < 16; i++)
		w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 |
		       (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
	for (; i < 64; i++) {
		x = w[i - 15];
		t1 = rotate_right(x, 7) ^ rotate_right(x, 18) ^ x >> 3;
		x = w[i - 2];
		t2 = rotate_right(x, 17) ^ rotate_right(x, 19) ^ x >> 10;
		w[i] = w[i - 16] + t1 + w[i - 7] + t2;
	}
	memcpy(s, state, sizeof(s));
	for (i = 0; i < 64; i++) {
		x = s[4];
		t1 = s[7] + (rotate_right(x, 6) ^ rotate_right(x, 11) ^ rotate_right(x, 25)) +
		     ((x & s[5]) ^ (~x & s[6])) + k[i] + w[i];
		x = s[0];
		t2 = (rotate_right(x, 2) ^ rotate_right(x, 13) ^ rotate_right(x, 22)) +
		     ((x & s[1]) ^ (x & s[2]) ^ (s[1] & s[2]));
		memmove(s + 1, s, 7 * sizeof(*s));
		s[4] += t1;
		s[0] = t1 + t2;
	}
	for (i = 0; i < 8; i++)
		state[i] += s[i];
}

const struct hash_kind hash_md5 = {
	.start = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 },
	.block = md5_block,
	.words = 4,
};

const struct hash_kind hash_sha256 = {
	.start = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
		0x1f83d9ab, 0x5be0cd19,
	},
	.block = sha256_block,
	.words = 8,
	.big_endian = true,
};

void hash_start(struct hash *h, const struct hash_kind *kind)
{
	h->kind = kind;
	h->total = 0;
	memcpy(h->state, kind->start, sizeof(h->state));
}

void hash_add(struct hash *h, const void *data, size_t n)
{
	const unsigned char *p = data;
	size_t used = h->total % HASH_BLOCK, part;

	h->total += n;
	while (n > 0) {
		part = HASH_BLOCK - used < n ? HASH_BLOCK - used : n;
		memcpy(h->block + used, p, part);
		p += part;
		n -= part;
		used += part;
		if (used == HASH_BLOCK) {
			h->kind->block(h->state, h->block);
			used = 0;
		}
	}
}

size_t hash_end(struct hash *h, unsigned char out[HASH_MAX])
{
	static const unsigned char pad[HASH_BLOCK] = { 0x80 };
	uint64_t bits = h->total * 8;
	size_t used = h->total % HASH_BLOCK;
	unsigned char length[8];
	int i;

	for (i = 0; i < 8; i++)
		length[i] = (unsigned char)(bits >> 8 * (h->kind->big_endian ? 7 - i : i));
	hash_add(h, pad, used < 56 ? 56 - used : 120 - used);
	hash_add(h, length, sizeof(length));
	for (i = 0; i < 4 * h->kind->words; i++)
		out[i] = (unsigned char)(h->state[i / 4] >>
					 8 * (h->kind->big_endian ? 3 - i % 4 : i % 4));
	return 4 * (size_t)h->kind->words;
}

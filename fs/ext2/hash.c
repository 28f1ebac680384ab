/*
 * The hash functions of indexed directories. Source: the ext4 documentation of the Linux kernel
 * ("Hash Tree Directories") and, for the rounds, RFC 1320 (MD4) and Wheeler and Needham's TEA.
 */
#include "fs/ext2/htree.h"
#include "lib/string.h"

/* Above every hash that an index may hold: it means the end of the directory to readers. */
#define HASH_END 0xfffffffeU

static uint32_t rotate(uint32_t x, unsigned by)
{
	return x << by | x >> (32 - by);
}

static uint32_t choose(uint32_t x, uint32_t y, uint32_t z)
{
	return z ^ (x & (y ^ z));
}

static uint32_t majority(uint32_t x, uint32_t y, uint32_t z)
{
	return (x & y) + ((x ^ y) & z);
}

static uint32_t parity(uint32_t x, uint32_t y, uint32_t z)
{
	return x ^ y ^ z;
}

/* MD4 with half of its steps: three rounds of eight over eight words. */
static void half_md4(uint32_t *state, const uint32_t *in)
{
	static const struct {
		uint32_t (*mix)(uint32_t x, uint32_t y, uint32_t z);
		uint32_t add;
		uint8_t word[8], shift[4];
	} rounds[3] = {
		{choose, 0, {0, 1, 2, 3, 4, 5, 6, 7}, {3, 7, 11, 19}},
		{majority, 0x5a827999, {1, 3, 5, 7, 0, 2, 4, 6}, {3, 5, 9, 13}},
		{parity, 0x6ed9eba1, {3, 7, 2, 6, 1, 5, 0, 4}, {3, 9, 11, 15}},
	};
	uint32_t s[4];

	memcpy(s, state, sizeof(s));
	for (unsigned r = 0; r < 3; r++) {
		for (unsigned i = 0; i < 8; i++) {
			/* The four words take turns: a, d, c, b. */
			uint32_t *a = &s[(4 - i % 4) % 4];
			uint32_t b = s[(5 - i % 4) % 4], c = s[(6 - i % 4) % 4];
			uint32_t d = s[(7 - i % 4) % 4];

			*a += rounds[r].mix(b, c, d) + in[rounds[r].word[i]] + rounds[r].add;
			*a = rotate(*a, rounds[r].shift[i % 4]);
		}
	}
	for (unsigned i = 0; i < 4; i++)
		state[i] += s[i];
}

static void tea(uint32_t *state, const uint32_t *key)
{
	uint32_t sum = 0, x = state[0], y = state[1];

	for (unsigned i = 0; i < 16; i++) {
		sum += 0x9e3779b9;
		x += ((y << 4) + key[0]) ^ (y + sum) ^ ((y >> 5) + key[1]);
		y += ((x << 4) + key[2]) ^ (x + sum) ^ ((x >> 5) + key[3]);
	}
	state[0] += x;
	state[1] += y;
}

/* The byte as the machine that made the index saw a char. */
static uint32_t char_value(char c, bool is_signed)
{
	return is_signed ? (uint32_t)(int32_t)(signed char)c : (uint32_t)(unsigned char)c;
}

static uint32_t legacy(const char *name, size_t len, bool is_signed)
{
	uint32_t now, last = 0x12a3fe2d, before = 0x37abe8f9;

	for (size_t i = 0; i < len; i++) {
		now = before + (last ^ (char_value(name[i], is_signed) * 7152373));
		if (now & 0x80000000)
			now -= 0x7fffffff;
		before = last;
		last = now;
	}
	return last << 1;
}

/* Up to 4 * words bytes of the name as words, filled up with its length. */
static void words_of(const char *name, size_t len, uint32_t *out, unsigned words, bool is_signed)
{
	uint32_t pad = (uint32_t)len | (uint32_t)len << 8, value;

	pad |= pad << 16;
	len = MIN(len, (size_t)words * 4);
	for (unsigned w = 0; w < words; w++) {
		value = pad;
		for (size_t i = w * 4; i < MIN(len, (size_t)w * 4 + 4); i++)
			value = char_value(name[i], is_signed) + (value << 8);
		out[w] = value;
	}
}

bool ext2_hash(const struct ext2_super *es, unsigned version, const char *name, size_t len,
	       uint32_t *hash)
{
	uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}, in[8];
	bool is_signed = version < EXT2_HASH_UNSIGNED;
	size_t step = 32;

	if (version >= 2 * EXT2_HASH_UNSIGNED)
		return false;
	version %= EXT2_HASH_UNSIGNED;
	if (version == EXT2_HASH_LEGACY) {
		*hash = legacy(name, len, is_signed);
	} else {
		if (es->hash_seed[0] | es->hash_seed[1] | es->hash_seed[2] | es->hash_seed[3])
			memcpy(state, es->hash_seed, sizeof(state));
		if (version == EXT2_HASH_TEA)
			step = 16;
		for (size_t at = 0; at < len; at += step) {
			words_of(name + at, len - at, in, (unsigned)step / 4, is_signed);
			if (version == EXT2_HASH_TEA)
				tea(state, in);
			else
				half_md4(state, in);
		}
		*hash = version == EXT2_HASH_TEA ? state[0] : state[1];
	}
	*hash &= ~1U;
	if (*hash == HASH_END)
		*hash -= 2;
	return true;
}

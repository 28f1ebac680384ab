/*
 * A block is a row of sequences: a token (how many literals, how long the copy is), the literals,
 * how far behind the copy's source lies. The last one has literals only. Lengths that do not fit
 * into four bits go on in bytes, of which 255 says that another one follows.
 */
#include "lib/lz4.h"

#include "lib/bits.h"
#include "lib/endian.h"
#include "lib/string.h"

#define MATCH_MIN   4
#define LENGTH_LONG 15u /* in a token: more follows */
#define TAIL	    5  /* bytes that are literals in any block */
#define MATCH_LAST  12 /* no copy begins so close to the end */
#define PATIENCE    5  /* 2^n places without a match, and the steps grow */

struct sink {
	uint8_t *to;
	size_t used, max;
};

static size_t length_bytes(size_t length)
{
	return length < LENGTH_LONG ? 0 : (length - LENGTH_LONG) / 255 + 1;
}

static void put_length(struct sink *s, size_t length)
{
	if (length < LENGTH_LONG)
		return;
	for (length -= LENGTH_LONG; length >= 255; length -= 255)
		s->to[s->used++] = 255;
	s->to[s->used++] = (uint8_t)length;
}

/* A sequence; without a match it is the last. False: it does not fit. */
static bool put_sequence(struct sink *s, const uint8_t *literals, size_t n, size_t distance,
			 size_t match)
{
	size_t more = match ? match - MATCH_MIN : 0;
	size_t bytes = 1 + length_bytes(n) + n + (match ? 2 + length_bytes(more) : 0);

	if (bytes > s->max - s->used)
		return false;
	s->to[s->used++] = (uint8_t)(MIN(n, LENGTH_LONG) << 4 | MIN(more, LENGTH_LONG));
	put_length(s, n);
	memcpy(s->to + s->used, literals, n);
	s->used += n;
	if (match) {
		s->to[s->used++] = (uint8_t)distance;
		s->to[s->used++] = (uint8_t)(distance >> 8);
		put_length(s, more);
	}
	return true;
}

/* How many bytes before `end` are the same at a and b, which is the later one. */
static size_t same_bytes(const uint8_t *a, const uint8_t *b, const uint8_t *end)
{
	const uint8_t *start = b;

	if (((uintptr_t)a - (uintptr_t)b) % sizeof(uint64_t) == 0) {
		while (b < end && (uintptr_t)b % sizeof(uint64_t) && *a == *b)
			a++, b++;
		if ((uintptr_t)b % sizeof(uint64_t) == 0)
			while ((size_t)(end - b) >= sizeof(uint64_t) &&
			       *(const uint64_t *)(const void *)a ==
				       *(const uint64_t *)(const void *)b)
				a += sizeof(uint64_t), b += sizeof(uint64_t);
	}
	while (b < end && *a == *b)
		a++, b++;
	return (size_t)(b - start);
}

/* Where the four bytes at `at` were seen last, which is here from now on. */
static size_t seen(struct lz4_table *table, uint32_t bytes, size_t at)
{
	uint16_t *entry = &table->at[bytes * 2654435761u >> 22];
	size_t was = *entry;

	*entry = (uint16_t)at;
	return was;
}

size_t lz4_compress(const void *src, size_t n, void *dst, size_t max, struct lz4_table *table)
{
	struct sink out = {.to = dst, .max = max};
	const uint8_t *in = src;
	size_t at = 1, anchor = 0, misses = 0;

	/* What was never seen is at 0, where it may be. */
	memset(table, 0, sizeof(*table));
	while (at + MATCH_LAST <= n) {
		uint32_t bytes = load_le32(in + at);
		size_t was = seen(table, bytes, at), length;

		if (load_le32(in + was) != bytes) {
			if (out.used + at - anchor >= max)
				return 0;
			at += 1 + (misses++ >> PATIENCE);
			continue;
		}
		/* Forwards first: so `at` never comes back to where it was, whatever changes. */
		length = MATCH_MIN + same_bytes(in + was + MATCH_MIN, in + at + MATCH_MIN,
						in + n - TAIL);
		for (; at > anchor && was && in[at - 1] == in[was - 1]; length++)
			at--, was--;
		if (!put_sequence(&out, in + anchor, at - anchor, at - was, length))
			return 0;
		at += length;
		anchor = at;
		misses = 0;
	}
	return put_sequence(&out, in + anchor, n - anchor, 0, 0) ? out.used : 0;
}

struct source {
	const uint8_t *at, *end;
};

/* The rest of a length whose beginning is in the token. False: it does not end. */
static bool get_length(struct source *s, size_t *length)
{
	uint8_t byte = 255;

	if (*length < LENGTH_LONG)
		return true;
	while (byte == 255) {
		if (s->at == s->end)
			return false;
		byte = *s->at++;
		*length += byte;
	}
	return true;
}

/* The copy's source may reach into what it makes: what is there already is repeated. */
static void copy_match(uint8_t *to, size_t distance, size_t length)
{
	const uint8_t *from = to - distance;

	while (length) {
		size_t n = MIN(length, (size_t)(to - from));

		memcpy(to, from, n);
		to += n;
		length -= n;
	}
}

size_t lz4_decompress(const void *src, size_t n, void *dst, size_t max)
{
	struct source in = {src, (const uint8_t *)src + n};
	uint8_t *to = dst;
	size_t made = 0;

	while (in.at < in.end) {
		size_t literals = *in.at >> 4, length = *in.at & LENGTH_LONG, distance;

		in.at++;
		if (!get_length(&in, &literals) || literals > (size_t)(in.end - in.at) ||
		    literals > max - made)
			return LZ4_DAMAGED;
		memcpy(to + made, in.at, literals);
		in.at += literals;
		made += literals;
		if (in.at == in.end)
			return made;
		if (in.end - in.at < 2)
			return LZ4_DAMAGED;
		distance = load_le16(in.at);
		in.at += 2;
		if (!get_length(&in, &length) || !distance || distance > made ||
		    length + MATCH_MIN > max - made)
			return LZ4_DAMAGED;
		copy_match(to + made, distance, length + MATCH_MIN);
		made += length + MATCH_MIN;
	}
	return LZ4_DAMAGED;
}

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
#define PATIENCE    64u /* places without a match, and only aligned ones are looked at */
#define MORE	    16u /* so many more, and the steps grow */

typedef uint32_t __attribute__((may_alias)) half;
typedef uint64_t __attribute__((may_alias)) word;

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

/*
 * The same for b aligned, in words: those of a, where it is not, are put together from two, none of
 * which lies behind b's.
 */
static size_t same_words(const uint8_t *a, const uint8_t *b, const uint8_t *end)
{
	unsigned skip = (uintptr_t)a % sizeof(word) * 8;
	const word *from = (const word *)(const void *)(a - skip / 8);
	const word *at = (const word *)(const void *)b;
	const word *last = at + (size_t)(end - b) / sizeof(word);
	word low;

	if (!skip) {
		for (; at < last && *at == *from; at++)
			from++;
		return (size_t)((const uint8_t *)at - b);
	}
	for (low = *from++; at < last; at++) {
		word high = *from++;

		if (*at != (low >> skip | high << (64 - skip)))
			break;
		low = high;
	}
	return (size_t)((const uint8_t *)at - b);
}

/* How many bytes before `end` are the same at a and b, which is the later one. */
static size_t same_bytes(const uint8_t *a, const uint8_t *b, const uint8_t *end)
{
	const uint8_t *start = b;
	size_t n = 0;

	while (b < end && (uintptr_t)b % sizeof(word) && *a == *b)
		a++, b++;
	if (b < end && (uintptr_t)b % sizeof(word) == 0)
		n = same_words(a, b, end);
	a += n;
	b += n;
	while (b < end && *a == *b)
		a++, b++;
	return (size_t)(b - start);
}

/* The four bytes at `at`, out of the aligned ones that they are part of. */
static uint32_t four_bytes(const uint8_t *in, size_t at)
{
	const half *h = (const half *)(const void *)(in + ALIGN_DOWN(at, sizeof(half)));

	if (at % sizeof(half) == 0)
		return *h;
	return (uint32_t)(((uint64_t)h[1] << 32 | h[0]) >> at % sizeof(half) * 8);
}

/*
 * Were the four bytes before `at` seen, where they are from now on? The table need not be cleared:
 * what is left there of other contents is at worst a place where they are not.
 */
static bool seen(struct lz4_table *table, uint32_t bytes, size_t at, size_t *was)
{
	uint32_t hash = bytes * 2654435761u;
	uint32_t *entry = &table->at[hash >> 22], before = *entry;

	*entry = (hash << 10 & ~LZ4_INPUT_MAX) | (uint32_t)at;
	*was = before & LZ4_INPUT_MAX;
	return !((before ^ *entry) & ~LZ4_INPUT_MAX) && *was < at;
}

/* Where to look next: byte by byte first; then only aligned ones, and ever fewer. */
static size_t next_place(size_t at, size_t misses)
{
	if (misses < PATIENCE)
		return at + 1;
	return ALIGN_DOWN(at, sizeof(half)) + ((misses - PATIENCE) / MORE + 1) * sizeof(half);
}

/*
 * Of how many misses the search goes on, behind a match that begins at `at`: where words are alike
 * there are more of these, and where there was a long row without any another one follows.
 */
static size_t misses_then(size_t misses, size_t at, size_t distance)
{
	size_t left = misses > PATIENCE * 3 / 4 ? misses - misses / 3 : 0;

	return (at | distance) % sizeof(word) ? left : MAX(left, PATIENCE);
}

/*
 * Where the next match may begin at latest, with all behind `anchor` literals: so that they fit
 * into what is left.
 */
static size_t search_end(const struct sink *s, size_t anchor, size_t n)
{
	size_t last = n < MATCH_LAST ? 0 : n - MATCH_LAST + 1;

	return MIN(last, anchor + s->max - s->used);
}

size_t lz4_compress(const void *src, size_t n, void *dst, size_t max, struct lz4_table *table)
{
	struct sink out = {.to = dst, .max = max};
	const uint8_t *in = src;
	size_t at = 0, anchor = 0, misses = 0, end = search_end(&out, 0, n);

	while (at < end) {
		uint32_t bytes = four_bytes(in, at);
		size_t was, length;

		if (!seen(table, bytes, at, &was) || four_bytes(in, was) != bytes) {
			at = next_place(at, misses++);
			continue;
		}
		/* Forwards first: so `at` never comes back to where it was, whatever changes. */
		length = MATCH_MIN + same_bytes(in + was + MATCH_MIN, in + at + MATCH_MIN,
						in + n - TAIL);
		for (; at > anchor && was && in[at - 1] == in[was - 1]; length++)
			at--, was--;
		if (!put_sequence(&out, in + anchor, at - anchor, at - was, length))
			return 0;
		misses = misses_then(misses, at, at - was);
		at += length;
		anchor = at;
		end = search_end(&out, anchor, n);
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

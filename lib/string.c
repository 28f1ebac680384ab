#include "lib/string.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The kernel spends a good part of its time in the first three functions, so they move aligned
 * 8-byte words, 64 bytes a turn.  Misaligned words are never used: on the boards they trap.
 */

typedef uint64_t __attribute__((may_alias)) word;

#define WORD	  sizeof(word)
#define TURN	  (8 * WORD)
#define SHORT_MAX 16 /* below this, bytes are not slower */

static inline bool is_word_aligned(const void *p)
{
	return ((uintptr_t)p & (WORD - 1)) == 0;
}

/* Copies whole words between aligned places, in ascending order; returns the bytes done. */
static size_t copy_words(uint8_t *dst, const uint8_t *src, size_t n)
{
	word *d = (word *)dst;
	const word *s = (const word *)src;
	size_t left = n;

	for (; left >= TURN; left -= TURN, d += 8, s += 8) {
		d[0] = s[0];
		d[1] = s[1];
		d[2] = s[2];
		d[3] = s[3];
		d[4] = s[4];
		d[5] = s[5];
		d[6] = s[6];
		d[7] = s[7];
	}
	for (; left >= WORD; left -= WORD)
		*d++ = *s++;
	return n - left;
}

/*
 * The same from a source that is not aligned: each word is put together from two aligned ones.
 * Those hold bytes outside of the source too, but in words, hence pages, of which it has a part;
 * the address sanitizer has to be told so.
 */
__attribute__((no_sanitize_address)) static size_t copy_shifted(uint8_t *dst, const uint8_t *src,
								 size_t n)
{
	unsigned skip = ((uintptr_t)src & (WORD - 1)) * 8;
	word *d = (word *)dst;
	const word *s = (const word *)(src - skip / 8);
	word low = *s++;
	size_t left = n;

	for (; left >= WORD; left -= WORD) {
		word high = *s++;

		*d++ = low >> skip | high << (64 - skip);
		low = high;
	}
	return n - left;
}

static void copy_down(uint8_t *d, const uint8_t *s, size_t n)
{
	d += n;
	s += n;
	if (n >= SHORT_MAX && (((uintptr_t)d ^ (uintptr_t)s) & (WORD - 1)) == 0) {
		for (; !is_word_aligned(d); n--)
			*--d = *--s;
		for (; n >= WORD; n -= WORD) {
			d -= WORD;
			s -= WORD;
			*(word *)d = *(const word *)s;
		}
	}
	while (n--)
		*--d = *--s;
}

void *memcpy(void *dst, const void *src, size_t n)
{
	const uint8_t *s = src;
	uint8_t *d = dst;

	if (n >= SHORT_MAX) {
		size_t done;

		for (; !is_word_aligned(d); n--)
			*d++ = *s++;
		done = is_word_aligned(s) ? copy_words(d, s, n) : copy_shifted(d, s, n);
		d += done;
		s += done;
		n -= done;
	}
	while (n--)
		*d++ = *s++;
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	/* Our memcpy reads every byte before it stores to its place, so dst below src is fine. */
	if ((uintptr_t)dst - (uintptr_t)src >= n)
		return memcpy(dst, src, n);
	copy_down(dst, src, n);
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	uint8_t *d = dst;

	if (n >= SHORT_MAX) {
		word w = (uint8_t)c * UINT64_C(0x0101010101010101);

		for (; !is_word_aligned(d); n--)
			*d++ = (uint8_t)c;
		for (; n >= TURN; n -= TURN, d += TURN) {
			word *p = (word *)d;

			p[0] = w;
			p[1] = w;
			p[2] = w;
			p[3] = w;
			p[4] = w;
			p[5] = w;
			p[6] = w;
			p[7] = w;
		}
		for (; n >= WORD; n -= WORD, d += WORD)
			*(word *)d = w;
	}
	while (n--)
		*d++ = (uint8_t)c;
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *p = a, *q = b;

	if (is_word_aligned(p) && is_word_aligned(q)) {
		for (; n >= WORD && *(const word *)p == *(const word *)q; n -= WORD) {
			p += WORD;
			q += WORD;
		}
	}
	for (; n; n--, p++, q++) {
		if (*p != *q)
			return *p - *q;
	}
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	const uint8_t *p = s;

	for (; n; n--, p++) {
		if (*p == (uint8_t)c)
			return (void *)(uintptr_t)p;
	}
	return NULL;
}

size_t strlen(const char *s)
{
	const char *p = s;

	while (*p)
		p++;
	return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	for (; *a && *a == *b; a++)
		b++;
	return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n && *a && *a == *b; n--, a++)
		b++;
	return n ? (unsigned char)*a - (unsigned char)*b : 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)(uintptr_t)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c)
			last = s;
		if (!*s)
			return (char *)(uintptr_t)last;
	}
}

char *strstr(const char *hay, const char *needle)
{
	size_t n = strlen(needle);

	for (;; hay++) {
		if (strncmp(hay, needle, n) == 0)
			return (char *)(uintptr_t)hay;
		if (!*hay)
			return NULL;
	}
}

size_t strlcpy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src);

	if (size) {
		size_t n = len < size ? len : size - 1;

		memcpy(dst, src, n);
		dst[n] = '\0';
	}
	return len;
}

size_t strlcat(char *dst, const char *src, size_t size)
{
	size_t at = strnlen(dst, size);

	return at + strlcpy(dst + at, src, size - at);
}

/*
 * Strings and memory. The compiler may call memcpy, memmove, memset and memcmp by itself, so this
 * file is built with -fno-tree-loop-distribute-patterns: it must not turn a loop into a call of
 * the very function that holds it.
 */
#include "user/user.h"

char *strcpy(char *to, const char *from)
{
	char *start = to;

	while ((*to++ = *from++) != 0)
		;
	return start;
}

/* Not for c == 0: as in xv6 the terminator is never found. */
char *strchr(const char *s, char c)
{
	for (; *s; s++) {
		if (*s == c)
			return (char *)s;
	}
	return 0;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (uchar)*a - (uchar)*b;
}

uint strlen(const char *s)
{
	const char *end = s;

	while (*end)
		end++;
	return (uint)(end - s);
}

void *memset(void *to, int c, uint n)
{
	uchar *p = to;

	while (n-- > 0)
		*p++ = (uchar)c;
	return to;
}

void *memmove(void *to, const void *from, int n)
{
	const uchar *s = from;
	uchar *d = to;

	if (d <= s) {
		while (n-- > 0)
			*d++ = *s++;
		return to;
	}
	while (n-- > 0)
		d[n] = s[n];
	return to;
}

void *memcpy(void *to, const void *from, uint n)
{
	const uchar *s = from;
	uchar *d = to;

	while (n-- > 0)
		*d++ = *s++;
	return to;
}

int memcmp(const void *a, const void *b, uint n)
{
	const uchar *p = a, *q = b;

	for (; n > 0; n--, p++, q++) {
		if (*p != *q)
			return *p - *q;
	}
	return 0;
}

/* Digits only, no sign, as xv6 programs expect. */
int atoi(const char *s)
{
	uint n = 0;

	while (*s >= '0' && *s <= '9')
		n = n * 10 + (uint)(*s++ - '0');
	return (int)n;
}

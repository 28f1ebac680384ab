/*
 * Numbers, sizes and durations on command lines.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "user/lib/tool.h"

static uint64_t digits_parse(const char *s, char **end)
{
	unsigned long long n;

	errno = 0;
	n = strtoull(s, end, 10);
	if (!isdigit((unsigned char)*s) || errno)
		errx(1, "invalid number: '%s'", s);
	return n;
}

uint64_t number_parse(const char *s)
{
	char *end;
	uint64_t n = digits_parse(s, &end);

	if (*end)
		errx(1, "invalid number: '%s'", s);
	return n;
}

uint64_t size_parse(const char *s)
{
	static const char powers[] = "KMGT";
	char *end;
	uint64_t n = digits_parse(s, &end);
	uint64_t unit = 1, base = 1024;
	const char *p;

	if (*end == 'k' || (*end && strchr(powers, *end))) {
		if (end[1] == 'B' && !end[2])
			base = 1000;
		else if (end[1] && strcmp(end + 1, "iB") != 0)
			errx(1, "invalid number: '%s'", s);
		for (p = powers; unit *= base, *p != *end && *end != 'k'; p++)
			;
	} else if (*end == 'b' && !end[1]) {
		unit = 512;
	} else if (*end == 'w' && !end[1]) {
		unit = 2;
	} else if (*end && !(*end == 'c' && !end[1])) {
		errx(1, "invalid number: '%s'", s);
	}
	if (__builtin_mul_overflow(n, unit, &n))
		errx(1, "number too large: '%s'", s);
	return n;
}

uint64_t offset_parse(const char *s)
{
	uint64_t n;
	char *end;

	if (s[0] != '0' || (s[1] | 0x20) != 'x')
		return size_parse(s);
	errno = 0;
	n = strtoull(s, &end, 16);
	if (*end || errno)
		errx(1, "invalid number: '%s'", s);
	return n;
}

double duration_parse(const char *s)
{
	char *end;
	double n = strtod(s, &end);
	double unit = 1;

	if (end == s || !(n >= 0))
		errx(1, "invalid time interval '%s'", s);
	if (*end == 'm')
		unit = 60;
	else if (*end == 'h')
		unit = 3600;
	else if (*end == 'd')
		unit = 86400;
	else if (*end && *end != 's')
		errx(1, "invalid time interval '%s'", s);
	if (*end && end[1])
		errx(1, "invalid time interval '%s'", s);
	return n * unit;
}

void duration_sleep(double seconds)
{
	struct timespec t;

	if (seconds > 1e9)
		seconds = 1e9;
	t.tv_sec = (time_t)seconds;
	t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

char *size_human(char buf[SIZE_TEXT], uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	uint64_t whole = bytes, unit = 1;
	int i = -1;

	if (bytes < 1024) {
		snprintf(buf, SIZE_TEXT, "%llu", (unsigned long long)bytes);
		return buf;
	}
	do {
		unit <<= 10;
		i++;
		whole = bytes / unit + (bytes % unit != 0);
	} while (whole >= 1024 && units[i + 1]);
	/* Tenths, rounded up, as long as that leaves one digit before the point. */
	if (bytes / unit < 10) {
		uint64_t rest = (unsigned __int128)(bytes % unit) * 10 / unit;
		uint64_t tenths = bytes / unit * 10 + rest +
				  ((unsigned __int128)(bytes % unit) * 10 % unit != 0);

		if (tenths < 100) {
			snprintf(buf, SIZE_TEXT, "%llu.%llu%c", (unsigned long long)tenths / 10,
				 (unsigned long long)tenths % 10, units[i]);
			return buf;
		}
	}
	snprintf(buf, SIZE_TEXT, "%llu%c", (unsigned long long)whole, units[i]);
	return buf;
}

/*
 * Dates as people write them on command lines.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/lib/dates.h"

#define DAY	86400

static long fraction_parse(const char **s)
{
	long n = 0, unit = 100000000;

	if (**s != '.' && **s != ',')
		return 0;
	for ((*s)++; isdigit((unsigned char)**s); (*s)++, unit /= 10)
		n += (**s - '0') * unit;
	return n;
}

static bool word_parse(const char *text, struct timespec *t)
{
	static const struct {
		const char *word;
		int days;
	} words[] = { { "now", 0 }, { "today", 0 }, { "yesterday", -1 }, { "tomorrow", 1 } };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i].word) != 0)
			continue;
		clock_gettime(CLOCK_REALTIME, t);
		t->tv_sec += (time_t)words[i].days * DAY;
		return true;
	}
	return false;
}

/* Z, UTC, +HH:MM or nothing; offset in seconds, *zone says whether there was one. */
static bool zone_parse(const char *s, long *offset, bool *zone)
{
	int hours, minutes = 0, used = 0;
	char sign = *s;

	while (*s == ' ')
		s++;
	*offset = 0;
	*zone = *s != 0;
	if (!*s || strcmp(s, "Z") == 0 || strcmp(s, "UTC") == 0)
		return true;
	sign = *s++;
	if ((sign != '+' && sign != '-') ||
	    (sscanf(s, "%2d:%2d%n", &hours, &minutes, &used) < 2 &&
	     sscanf(s, "%2d%2d%n", &hours, &minutes, &used) < 2) || s[used])
		return false;
	*offset = (hours * 3600L + minutes * 60L) * (sign == '-' ? -1 : 1);
	return true;
}

bool date_parse(const char *text, struct timespec *t)
{
	struct tm tm, given;
	time_t now = time(NULL);
	const char *s = text;
	int n = 0, year, month, day;
	long offset;
	bool zone, date;

	if (word_parse(text, t))
		return true;
	t->tv_nsec = 0;
	if (*text == '@') {
		char *end;

		t->tv_sec = strtoll(text + 1, &end, 10);
		s = end;
		t->tv_nsec = fraction_parse(&s);
		return end != text + 1 && !*s;
	}
	localtime_r(&now, &tm);
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	date = sscanf(s, "%4d-%2d-%2d%n", &year, &month, &day, &n) == 3;
	if (date) {
		tm.tm_year = year - 1900;
		tm.tm_mon = month - 1;
		tm.tm_mday = day;
		s += n;
		s += *s == 'T' || *s == ' ';
	}
	if (sscanf(s, "%2d:%2d%n", &tm.tm_hour, &tm.tm_min, &n) == 2) {
		s += n;
		if (sscanf(s, ":%2d%n", &tm.tm_sec, &n) == 1)
			s += n;
		t->tv_nsec = fraction_parse(&s);
	} else if (!date) {
		return false;
	}
	if (!zone_parse(s, &offset, &zone))
		return false;
	given = tm;
	t->tv_sec = zone ? timegm(&tm) - offset : mktime(&tm);
	return given.tm_mon == tm.tm_mon && given.tm_mday == tm.tm_mday &&
	       given.tm_min == tm.tm_min && given.tm_hour >= 0 && given.tm_hour < 24;
}

static int two_digits(const char *s)
{
	return (s[0] - '0') * 10 + s[1] - '0';
}

bool date_parse_digits(const char *text, time_t *t)
{
	size_t len = strspn(text, "0123456789");
	const char *rest = text + len;
	time_t now = time(NULL);
	struct tm tm;

	if (len != 8 && len != 10 && len != 12)
		return false;
	localtime_r(&now, &tm);
	if (len == 12)
		tm.tm_year = two_digits(text) * 100 + two_digits(text + 2) - 1900;
	if (len == 10)		/* POSIX: 69 to 99 are of the 20th century */
		tm.tm_year = two_digits(text) + (two_digits(text) < 69 ? 100 : 0);
	text += len - 8;
	tm.tm_mon = two_digits(text) - 1;
	tm.tm_mday = two_digits(text + 2);
	tm.tm_hour = two_digits(text + 4);
	tm.tm_min = two_digits(text + 6);
	tm.tm_sec = 0;
	tm.tm_isdst = -1;
	if (*rest == '.' && isdigit((unsigned char)rest[1]) && isdigit((unsigned char)rest[2])) {
		tm.tm_sec = two_digits(rest + 1);
		rest += 3;
	}
	if (*rest || tm.tm_mon > 11 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
	    tm.tm_min > 59 || tm.tm_sec > 60)
		return false;
	*t = mktime(&tm);
	return true;
}

/*
 * Locales, wide and multibyte characters, number parsing, calendar time.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>
#include <wctype.h>

int main(void)
{
	static const char text[] = "gruess dich, world";
	wchar_t wide[32];
	char back[64], date[64];
	time_t when = 951782400;	/* a 29th of February */
	struct tm tm;
	size_t n;

	/* The root image holds no locale files: "C" is the one that is always there. */
	printf("locale %s, missing one: %d\n", setlocale(LC_ALL, "C"),
	       setlocale(LC_ALL, "xx_YY.UTF-8") == NULL);
	n = mbstowcs(wide, text, 32);
	printf("%zu bytes, %zu characters, U+%04X\n", strlen(text), n, (unsigned int)wide[n - 1]);
	wide[0] = (wchar_t)towupper((wint_t)wide[0]);
	wcstombs(back, wide, sizeof(back));
	printf("%s %d %d\n", back, iswalpha((wint_t)wide[2]) != 0, iswspace((wint_t)wide[6]) != 0);
	printf("decimal point %s\n", localeconv()->decimal_point);
	gmtime_r(&when, &tm);
	strftime(date, sizeof(date), "%A %d %B %Y %H:%M:%S, day %j", &tm);
	puts(date);
	tm.tm_mday += 366;
	setenv("TZ", "UTC0", 1);
	printf("%ld\n", (long)mktime(&tm));
	printf("%ld %lu %.3f\n", strtol("-0x7f", NULL, 0), strtoul("777", NULL, 8),
	       strtod("1e-2tail", NULL));
	return 0;
}

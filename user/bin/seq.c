/* seq: numbers from one to another. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

static double number(const char *s, int *places, int *width)
{
	const char *point = strchr(s, '.');
	int digits = point ? (int)strlen(point + 1) : 0;
	char *end;
	double v = strtod(s, &end);
	int len = (int)strlen(s) - digits;

	if (end == s || *end)
		errx(1, "invalid floating point argument: '%s'", s);
	if (strpbrk(s, "eExX"))
		digits = 6;
	if (digits > *places)
		*places = digits;
	if (len - (point != NULL) > *width)
		*width = len - (point != NULL);
	return v;
}

/* An option, not a negative number. */
static bool is_option(const char *s)
{
	return s[0] == '-' && s[1] && !strchr(".0123456789", s[1]);
}

static int seq_main(int argc, char **argv)
{
	const char *gap = "\n", *format = NULL;
	double first = 1, step = 1, last, v;
	int places = 0, width = 0, ignored = 0;
	bool equal = false;
	long i;

	for (argv++, argc--; *argv && is_option(*argv); argv++, argc--) {
		if (strcmp(*argv, "-w") == 0)
			equal = true;
		else if (strcmp(*argv, "-s") == 0 && argv[1])
			gap = *++argv, argc--;
		else if (strcmp(*argv, "-f") == 0 && argv[1])
			format = *++argv, argc--;
		else
			usage(1);
	}
	if (argc < 1 || argc > 3)
		usage(1);
	last = number(argv[argc - 1], argc == 1 ? &ignored : &places, &width);
	if (argc > 1)
		first = number(argv[0], &places, &width);
	if (argc > 2)
		step = number(argv[1], &places, &ignored);
	if (step == 0)
		errx(1, "invalid Zero increment value: '%s'", argv[1]);
	if (places && equal)
		width += 1 + places;
	for (i = 0; v = first + step * (double)i, step > 0 ? v <= last + step * 1e-9 :
	     v >= last + step * 1e-9; i++) {
		if (i)
			fputs(gap, stdout);
		if (format)
			printf(format, v);
		else
			printf("%0*.*f", equal ? width : 0, places, v);
		if (ferror(stdout))
			break;
	}
	if (i)
		putchar('\n');
	return 0;
}

TOOL("seq", seq_main, "[-w] [-s SEPARATOR] [-f FORMAT] [FIRST [STEP]] LAST");

/* uniq: equal lines that follow one another, once. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "user/lib/tool.h"

static struct {
	bool count, repeated, unique, fold;
	uint64_t skip_fields, skip_chars, width;
} u;

/* The part of the line that is compared. */
static const char *part(const char *s)
{
	uint64_t i;

	for (i = 0; i < u.skip_fields && *s; i++) {
		while (isblank((unsigned char)*s))
			s++;
		while (*s && !isblank((unsigned char)*s))
			s++;
	}
	for (i = 0; i < u.skip_chars && *s; i++)
		s++;
	return s;
}

static bool same(const char *a, const char *b)
{
	a = part(a);
	b = part(b);
	return (u.fold ? strncasecmp(a, b, u.width) : strncmp(a, b, u.width)) == 0;
}

static void group_print(const char *line, uint64_t n)
{
	if ((u.repeated && n < 2) || (u.unique && n > 1))
		return;
	if (u.count)
		printf("%7llu ", (unsigned long long)n);
	puts(line);
}

static void filter(FILE *f)
{
	char *line = NULL, *last = NULL;
	size_t size = 0;
	uint64_t n = 0;
	ssize_t len;

	while ((len = getline(&line, &size, f)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = 0;
		if (last && same(last, line)) {
			n++;
			continue;
		}
		if (last)
			group_print(last, n);
		free(last);
		last = xstrdup(line);
		n = 1;
	}
	if (last)
		group_print(last, n);
	free(last);
	free(line);
}

static int uniq_main(int argc, char **argv)
{
	FILE *f;
	int c;

	u.width = SIZE_MAX;
	while ((c = getopt(argc, argv, "cduif:s:w:")) != -1) {
		if (c == 'c')
			u.count = true;
		else if (c == 'd')
			u.repeated = true;
		else if (c == 'u')
			u.unique = true;
		else if (c == 'i')
			u.fold = true;
		else if (c == 'f')
			u.skip_fields = number_parse(optarg);
		else if (c == 's')
			u.skip_chars = number_parse(optarg);
		else if (c == 'w')
			u.width = number_parse(optarg);
		else
			usage(1);
	}
	argv += optind;
	f = input_open(*argv);
	if (!f)
		return 1;
	if (*argv && argv[1] && !freopen(argv[1], "w", stdout))
		err(1, "%s", argv[1]);
	filter(f);
	return input_failed(f, *argv);
}

TOOL("uniq", uniq_main, "[-cdiu] [-f FIELDS] [-s CHARS] [-w CHARS] [INPUT [OUTPUT]]");

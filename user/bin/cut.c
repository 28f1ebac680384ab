/* cut: parts of each line. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

struct range {
	size_t from, to;	/* counted from 1, both included */
};

static struct {
	struct range *ranges;
	size_t n;
	bool fields, suppress, complement;
	char delimiter;
} cu;

static void ranges_parse(const char *s)
{
	const char *text = s;
	char *end;

	for (;;) {
		struct range r = { 1, SIZE_MAX };
		bool low = isdigit((unsigned char)*s), high = false;

		if (low) {
			r.from = r.to = strtoul(s, &end, 10);
			s = end;
		}
		if (*s == '-') {
			high = isdigit((unsigned char)*++s);
			r.to = SIZE_MAX;
			if (high) {
				r.to = strtoul(s, &end, 10);
				s = end;
			}
		}
		if ((!low && !high) || !r.from || r.to < r.from || (*s && *s != ','))
			errx(1, "invalid list of ranges: '%s'", text);
		cu.ranges = xrealloc(cu.ranges, (cu.n + 1) * sizeof(*cu.ranges));
		cu.ranges[cu.n++] = r;
		if (!*s++)
			return;
	}
}

static bool selected(size_t i)
{
	size_t r;

	for (r = 0; r < cu.n; r++) {
		if (i >= cu.ranges[r].from && i <= cu.ranges[r].to)
			return !cu.complement;
	}
	return cu.complement;
}

static void cut_bytes(const char *line, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (selected(i + 1))
			putchar(line[i]);
	}
	putchar('\n');
}

static void cut_fields(const char *line, size_t len)
{
	const char *end = line + len, *stop;
	bool first = true;
	size_t i;

	if (!memchr(line, cu.delimiter, len)) {
		if (!cu.suppress) {
			fwrite(line, 1, len, stdout);
			putchar('\n');
		}
		return;
	}
	for (i = 1; line <= end; i++, line = stop + 1) {
		stop = memchr(line, cu.delimiter, (size_t)(end - line));
		if (!stop)
			stop = end;
		if (!selected(i))
			continue;
		if (!first)
			putchar(cu.delimiter);
		fwrite(line, 1, (size_t)(stop - line), stdout);
		first = false;
	}
	putchar('\n');
}

static int cut_file(const char *path)
{
	FILE *f = input_open(path);
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int status;

	if (!f)
		return 1;
	while ((n = getline(&line, &size, f)) > 0) {
		size_t len = (size_t)n - (line[n - 1] == '\n');

		if (cu.fields)
			cut_fields(line, len);
		else
			cut_bytes(line, len);
	}
	free(line);
	status = input_failed(f, path);
	input_close(f);
	return status;
}

static int cut_main(int argc, char **argv)
{
	bool delimiter = false;
	int c, status = 0, kinds = 0;

	cu.delimiter = '\t';
	while ((c = getopt(argc, argv, "b:c:f:d:snC")) != -1) {
		if (c == 'b' || c == 'c' || c == 'f') {
			kinds++;
			cu.fields = c == 'f';
			ranges_parse(optarg);
		} else if (c == 'd') {
			if (optarg[0] && optarg[1])
				errx(1, "the delimiter must be a single character");
			cu.delimiter = *optarg;
			delimiter = true;
		} else if (c == 's') {
			cu.suppress = true;
		} else if (c == 'C') {
			cu.complement = true;
		} else if (c != 'n') {
			usage(1);
		}
	}
	if (kinds != 1)
		errx(1, "you must specify one list of bytes, characters, or fields");
	if (!cu.fields && (delimiter || cu.suppress))
		errx(1, "a delimiter or -s is of use only with fields");
	argv += optind;
	do {
		status |= cut_file(*argv);
	} while (*argv && *++argv);
	return status;
}

TOOL("cut", cut_main, "-b LIST | -c LIST | -f LIST [-d CHAR] [-s] [-C] [FILE]...");

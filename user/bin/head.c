/* head: the beginning of files. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

struct head_options {
	uint64_t count;
	bool bytes, all_but;	/* all_but: leave out that many at the end instead */
	bool quiet, verbose;
};

static void copy_first(FILE *f, const struct head_options *o)
{
	uint64_t left = o->count;
	int c;

	while (left > 0 && (c = getc(f)) != EOF) {
		putchar(c);
		left -= o->bytes || c == '\n';
	}
}

/* Holds back the last count bytes or lines while the rest passes: read all, then cut. */
static void copy_all_but(FILE *f, const struct head_options *o)
{
	size_t used = 0, size = 0, end;
	uint64_t left = o->count;
	char *text = NULL;
	int c;

	while ((c = getc(f)) != EOF) {
		if (used == size)
			text = xrealloc(text, size = size ? size * 2 : 4096);
		text[used++] = (char)c;
	}
	end = used;
	if (o->bytes)
		end = left < used ? used - (size_t)left : 0;
	/* An unfinished last line counts as one. */
	for (; !o->bytes && left > 0 && end > 0; left--) {
		end--;
		while (end > 0 && text[end - 1] != '\n')
			end--;
	}
	if (end)
		fwrite(text, 1, end, stdout);
	free(text);
}

static int head_file(const char *path, bool title, bool first, const struct head_options *o)
{
	FILE *f = input_open(path);
	int status;

	if (!f)
		return 1;
	if (title)
		printf("%s==> %s <==\n", first ? "" : "\n",
		       !path || strcmp(path, "-") == 0 ? "standard input" : path);
	if (o->all_but)
		copy_all_but(f, o);
	else
		copy_first(f, o);
	status = input_failed(f, path);
	input_close(f);
	return status;
}

static void set_count(struct head_options *o, const char *s, bool bytes)
{
	o->bytes = bytes;
	o->all_but = *s == '-';
	o->count = size_parse(s + (*s == '-' || *s == '+'));
}

static int head_main(int argc, char **argv)
{
	struct head_options o = { .count = 10 };
	bool title, first = true;
	int c, status = 0;

	if (argc > 1 && argv[1][0] == '-' && isdigit((unsigned char)argv[1][1])) {	/* -5 */
		set_count(&o, argv[1] + 1, false);
		argv++;
		argc--;
	}
	while ((c = getopt(argc, argv, "n:c:qv")) != -1) {
		if (c == 'n' || c == 'c')
			set_count(&o, optarg, c == 'c');
		else if (c == 'q')
			o.quiet = true;
		else if (c == 'v')
			o.verbose = true;
		else
			usage(1);
	}
	argv += optind;
	title = o.verbose || (argv[0] && argv[1] && !o.quiet);
	do {
		int failed = head_file(*argv, title, first, &o);

		status |= failed;
		first &= failed;
	} while (*argv && *++argv);
	return status;
}

TOOL("head", head_main, "[-qv] [-n LINES | -c BYTES] [FILE]...");

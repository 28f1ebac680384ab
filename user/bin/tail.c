/* tail: the end of files, and what is added to them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

#define FOLLOW_SECONDS	0.25	/* how often a followed file is looked at */

struct tail_options {
	uint64_t count;
	bool bytes, from_start;	/* from_start: begin with the count-th instead */
	bool follow, quiet, verbose;
	bool by_name;		/* follow whatever file has the name */
};

static void copy_rest(FILE *f)
{
	char buf[8192];
	size_t n;

	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		fwrite(buf, 1, n, stdout);
}

static void copy_from(FILE *f, const struct tail_options *o)
{
	uint64_t skip = o->count ? o->count - 1 : 0;
	int c;

	while (skip > 0 && (c = getc(f)) != EOF)
		skip -= o->bytes || c == '\n';
	copy_rest(f);
}

/* Where the last count bytes or lines of a text begin. */
static size_t tail_start(const char *text, size_t used, const struct tail_options *o)
{
	uint64_t left = o->count;
	size_t at = used;

	if (o->bytes)
		return left < used ? used - (size_t)left : 0;
	for (; left > 0 && at > 0; left--) {
		at--;
		while (at > 0 && text[at - 1] != '\n')
			at--;
	}
	return at;
}

/* Reads all there is, but never holds much more than twice what the answer needs. */
static void copy_last(FILE *f, const struct tail_options *o)
{
	size_t used = 0, size = 65536, start, n;
	char *text = xmalloc(size);

	while ((n = fread(text + used, 1, size - used, f)) > 0) {
		used += n;
		if (used < size)
			continue;
		start = tail_start(text, used, o);
		if (start < size / 2)
			text = xrealloc(text, size *= 2);
		memmove(text, text + start, used -= start);
	}
	start = tail_start(text, used, o);
	fwrite(text + start, 1, used - start, stdout);
	free(text);
}

/* A pipe has no tail to seek for; of a large file the last part is enough for a few bytes. */
static void seek_near_end(FILE *f, const struct tail_options *o)
{
	struct stat st;

	if (o->bytes && fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size > o->count)
		fseeko(f, st.st_size - (off_t)o->count, SEEK_SET);
}

static int tail_file(const char *path, bool title, bool first, const struct tail_options *o,
		     FILE **keep)
{
	FILE *f = input_open(path);
	int status;

	*keep = NULL;
	if (!f)
		return 1;
	if (title)
		printf("%s==> %s <==\n", first ? "" : "\n",
		       !path || strcmp(path, "-") == 0 ? "standard input" : path);
	if (o->from_start) {
		copy_from(f, o);
	} else {
		seek_near_end(f, o);
		copy_last(f, o);
	}
	status = input_failed(f, path);
	if (o->follow)
		*keep = f;
	else
		input_close(f);
	return status;
}

/*
 * The file to go on with: one that became shorter from its start and, by name, the one that has the
 * name now.
 */
static FILE *file_renew(FILE *f, const char *name, bool by_name)
{
	struct stat now, st;

	if (f && fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) && st.st_size < ftello(f))
		rewind(f);
	if (!by_name || stat(name, &now) < 0 ||
	    (f && st.st_dev == now.st_dev && st.st_ino == now.st_ino))
		return f;
	if (f)
		fclose(f);
	return fopen(name, "re");
}

_Noreturn static void follow_all(FILE **files, char **names, int n, const struct tail_options *o,
				 bool title)
{
	int i, last = n - 1;

	for (;;) {
		fflush(stdout);
		if (ferror(stdout))
			exit(1);
		duration_sleep(FOLLOW_SECONDS);
		for (i = 0; i < n; i++) {
			int c;

			files[i] = file_renew(files[i], names[i], o->by_name && names[i]);
			c = files[i] ? getc(files[i]) : EOF;

			if (c != EOF) {
				ungetc(c, files[i]);
				if (title && last != i)
					printf("\n==> %s <==\n", names[i]);
				last = i;
				copy_rest(files[i]);
			}
			if (files[i])
				clearerr(files[i]);
		}
	}
}

static void set_count(struct tail_options *o, const char *s, bool bytes)
{
	o->bytes = bytes;
	o->from_start = *s == '+';
	o->count = size_parse(s + (*s == '-' || *s == '+'));
}

static void parse_options(struct tail_options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "n:c:fFqv")) != -1) {
		if (c == 'n' || c == 'c')
			set_count(o, optarg, c == 'c');
		else if (c == 'f' || c == 'F') {
			o->follow = true;
			o->by_name |= c == 'F';
		}
		else if (c == 'q')
			o->quiet = true;
		else if (c == 'v')
			o->verbose = true;
		else
			usage(1);
	}
}

static int tail_main(int argc, char **argv)
{
	struct tail_options o = { .count = 10 };
	bool title, first = true;
	int i = 0, failed, status = 0;
	FILE **files;

	if (argc > 1 && strchr("-+", argv[1][0]) && isdigit((unsigned char)argv[1][1])) {
		set_count(&o, argv[1][0] == '-' ? argv[1] + 1 : argv[1], false);
		argv++;
		argc--;
	}
	parse_options(&o, argc, argv);
	argv += optind;
	title = o.verbose || (argv[0] && argv[1] && !o.quiet);
	files = xmalloc((size_t)argc * sizeof(*files));
	do {
		failed = tail_file(argv[i], title, first, &o, &files[i]);
		status |= failed;
		first &= failed;
	} while (argv[i] && argv[++i]);
	if (o.follow)
		follow_all(files, argv, i ? i : 1, &o, title);
	return status;
}

TOOL("tail", tail_main, "[-fFqv] [-n [+]LINES | -c [+]BYTES] [FILE]...");

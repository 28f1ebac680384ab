/* hexdump: bytes in hexadecimal; with -C also as text. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

#define ROW	16

static struct {
	bool canonical, all;
	uint64_t skip, limit;
} h;

static void row_canonical(uint64_t at, const unsigned char *row, size_t n)
{
	size_t i;

	printf("%08llx ", (unsigned long long)at);
	for (i = 0; i < ROW; i++) {
		if (i == ROW / 2)
			putchar(' ');
		if (i < n)
			printf(" %02x", row[i]);
		else
			fputs("   ", stdout);
	}
	fputs("  |", stdout);
	for (i = 0; i < n; i++)
		putchar(isprint(row[i]) ? row[i] : '.');
	puts("|");
}

/* Words of two bytes, as the machine reads them. */
static void row_words(uint64_t at, const unsigned char *row, size_t n)
{
	size_t i;

	printf("%07llx", (unsigned long long)at);
	for (i = 0; i < ROW; i += 2) {
		if (i < n)
			printf(" %04x", row[i] | (i + 1 < n ? row[i + 1] << 8 : 0));
		else
			fputs("     ", stdout);
	}
	putchar('\n');
}

/* All files are one stream. */
struct stream {
	char **paths;
	FILE *f;
	int status;
};

static int next_byte(struct stream *s)
{
	int c;

	for (;;) {
		c = s->f ? getc(s->f) : EOF;
		if (c != EOF)
			return c;
		if (s->f) {
			s->status |= input_failed(s->f, s->paths[-1]);
			input_close(s->f);
			s->f = NULL;
		}
		if (!*s->paths)
			return EOF;
		s->f = input_open(*s->paths++);
		s->status |= !s->f;
	}
}

static void dump(struct stream *s)
{
	unsigned char row[ROW], last[ROW];
	uint64_t at = 0, left = h.limit;
	bool starred = false, have_last = false;
	size_t n;
	int c = 0;

	for (; at < h.skip && next_byte(s) != EOF; at++)
		;
	while (c != EOF && left) {
		for (n = 0; n < ROW && left && (c = next_byte(s)) != EOF; left--)
			row[n++] = (unsigned char)c;
		if (!n)
			break;
		if (n == ROW && have_last && !h.all && memcmp(row, last, ROW) == 0) {
			if (!starred)
				puts("*");
			starred = true;
		} else {
			(h.canonical ? row_canonical : row_words)(at, row, n);
			starred = false;
		}
		have_last = true;
		memcpy(last, row, ROW);
		at += n;
	}
	if (at)
		printf(h.canonical ? "%08llx\n" : "%07llx\n", (unsigned long long)at);
}

static int hexdump_main(int argc, char **argv)
{
	static char *only_stdin[] = { "-", NULL };
	struct stream s = { 0 };
	int c;

	h.limit = UINT64_MAX;
	while ((c = getopt(argc, argv, "Cvn:s:")) != -1) {
		if (c == 'C')
			h.canonical = true;
		else if (c == 'v')
			h.all = true;
		else if (c == 'n')
			h.limit = offset_parse(optarg);
		else if (c == 's')
			h.skip = offset_parse(optarg);
		else
			usage(1);
	}
	s.paths = argv[optind] ? argv + optind : only_stdin;
	dump(&s);
	return s.status;
}

TOOL("hexdump", hexdump_main, "[-Cv] [-n LENGTH] [-s SKIP] [FILE]...");

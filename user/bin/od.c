/* od: bytes as numbers or characters. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

#define ROW		16
#define FORMATS_MAX	8

struct format {
	char kind;		/* o, x, d, u, c, a */
	int size;		/* bytes of one number */
};

static struct {
	struct format formats[FORMATS_MAX];
	int n;
	char radix;		/* of the offset: o, d, x, n */
	bool all;
	uint64_t skip, limit;
} od;

static void format_add(char kind, int size)
{
	if (od.n == FORMATS_MAX)
		errx(1, "too many formats");
	od.formats[od.n++] = (struct format){ kind, size };
}

/* -t's argument: letters, each with a size behind it. */
static void formats_parse(const char *s)
{
	while (*s) {
		char kind = *s++;
		int size = kind == 'c' || kind == 'a' ? 1 : 4;

		if (!strchr("oxduca", kind))
			errx(1, "invalid type string '%c'", kind);
		if (isdigit((unsigned char)*s))
			size = *s++ - '0';
		else if (*s && strchr("CSIL", *s))
			size = *s == 'C' ? 1 : *s == 'S' ? 2 : *s == 'I' ? 4 : 8, s++;
		if (size != 1 && size != 2 && size != 4 && size != 8)
			errx(1, "invalid type size %d", size);
		format_add(kind, size);
	}
}

static int width_of(const struct format *f)
{
	static const int octal[] = { 0, 3, 6, 0, 11, 0, 0, 0, 22 };
	static const int decimal[] = { 0, 4, 6, 0, 11, 0, 0, 0, 20 };

	switch (f->kind) {
	case 'o':
		return octal[f->size];
	case 'x':
		return f->size * 2;
	case 'u':
		return decimal[f->size] - (f->size < 8);
	case 'd':
		return decimal[f->size];
	default:
		return 3;
	}
}

static const char *char_text(unsigned char c, char buf[8])
{
	static const char escapes[] = "\0\a\b\t\n\v\f\r", letters[] = "0abtnvfr";
	const char *e = memchr(escapes, c, 8);

	if (e)
		snprintf(buf, 8, "\\%c", letters[e - escapes]);
	else
		snprintf(buf, 8, isprint(c) ? "%c" : "%03o", c);
	return buf;
}

static const char *name_text(unsigned char c, char buf[8])
{
	static const char names[33][4] = {
		"nul", "soh", "stx", "etx", "eot", "enq", "ack", "bel", "bs", "ht", "nl", "vt",
		"ff", "cr", "so", "si", "dle", "dc1", "dc2", "dc3", "dc4", "nak", "syn", "etb",
		"can", "em", "sub", "esc", "fs", "gs", "rs", "us", "sp",
	};

	c &= 127;
	snprintf(buf, 8, "%.1s", (const char *)&c);
	return c < 33 ? names[c] : c == 127 ? "del" : buf;
}

static void number_print(const struct format *f, const unsigned char *p, int width)
{
	uint64_t v = 0;
	int shift = 64 - 8 * f->size;

	memcpy(&v, p, (size_t)f->size);
	if (f->kind == 'd')
		printf(" %*lld", width, (long long)(v << shift) >> shift);
	else if (f->kind == 'u')
		printf(" %*llu", width, (unsigned long long)v);
	else
		printf(f->kind == 'x' ? " %0*llx" : " %0*llo", width, (unsigned long long)v);
}

static void offset_print(uint64_t at, const char *end)
{
	if (od.radix != 'n')
		printf(od.radix == 'x' ? "%06llx" : od.radix == 'd' ? "%07llu" : "%07llo",
		       (unsigned long long)at);
	fputs(end, stdout);
}

/* One line a format; all but the first stand under the offset. Columns line up by bytes. */
static void row_print(uint64_t at, const unsigned char *row, size_t n)
{
	int i, per_byte = 0;
	char buf[8];

	for (i = 0; i < od.n; i++) {
		const struct format *f = &od.formats[i];
		int need = (width_of(f) + 1 + f->size - 1) / f->size;

		per_byte = need > per_byte ? need : per_byte;
	}
	for (i = 0; i < od.n; i++) {
		const struct format *f = &od.formats[i];
		int width = width_of(f), pad = od.n > 1 ? per_byte * f->size - width - 1 : 0;
		size_t at_byte;

		if (i == 0)
			offset_print(at, "");
		else
			printf("%*s", od.radix == 'n' ? 0 : od.radix == 'x' ? 6 : 7, "");
		for (at_byte = 0; at_byte < n; at_byte += (size_t)f->size) {
			printf("%*s", pad, "");
			if (f->kind == 'c')
				printf(" %*s", width, char_text(row[at_byte], buf));
			else if (f->kind == 'a')
				printf(" %*s", width, name_text(row[at_byte], buf));
			else
				number_print(f, row + at_byte, width);
		}
		putchar('\n');
	}
}

static int dump(char **paths)
{
	unsigned char row[ROW], last[ROW];
	uint64_t at = 0, left = od.limit;
	bool starred = false, have_last = false;
	FILE *f = NULL;
	int c, status = 0;
	size_t n = 0;

	for (;;) {
		c = f && left ? getc(f) : EOF;
		if (c == EOF) {
			if (f)
				input_close(f);
			if (*paths && left) {
				f = input_open(*paths++);
				status |= !f;
				continue;
			}
			break;
		}
		if (at + n < od.skip) {
			at++;
			continue;
		}
		row[n++] = (unsigned char)c;
		left--;
		if (n < ROW)
			continue;
		if (have_last && !od.all && memcmp(row, last, ROW) == 0) {
			if (!starred)
				puts("*");
			starred = true;
		} else {
			row_print(at, row, n);
			starred = false;
		}
		have_last = true;
		memcpy(last, row, ROW);
		at += n;
		n = 0;
	}
	if (n) {
		memset(row + n, 0, ROW - n);
		row_print(at, row, n);
	}
	offset_print(at + n, od.radix == 'n' ? "" : "\n");
	return status;
}

static int od_main(int argc, char **argv)
{
	static char *only_stdin[] = { "-", NULL };
	int c;

	od.radix = 'o';
	od.limit = UINT64_MAX;
	while ((c = getopt(argc, argv, "A:t:N:j:vabcdox")) != -1) {
		if (c == 'A' && strchr("odxn", *optarg))
			od.radix = *optarg;
		else if (c == 't')
			formats_parse(optarg);
		else if (c == 'N')
			od.limit = offset_parse(optarg);
		else if (c == 'j')
			od.skip = offset_parse(optarg);
		else if (c == 'v')
			od.all = true;
		else if (c == 'b')
			format_add('o', 1);
		else if (c == 'a' || c == 'c')
			format_add((char)c, 1);
		else if (c == 'd' || c == 'o' || c == 'x')
			format_add(c == 'd' ? 'u' : (char)c, 2);
		else
			usage(1);
	}
	if (!od.n)
		format_add('o', 2);
	return dump(argv[optind] ? argv + optind : only_stdin);
}

TOOL("od", od_main, "[-abcdovx] [-A odxn] [-j SKIP] [-N BYTES] [-t TYPE] [FILE]...");

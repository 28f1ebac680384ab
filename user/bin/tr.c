/* tr: replaces, deletes or squeezes characters. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/escape.h"
#include "user/lib/tool.h"

#define SET_MAX		8192

struct set {
	unsigned char c[SET_MAX];
	size_t n;
	size_t fill_at;		/* where [c*] stands, that fills up; SIZE_MAX: nowhere */
	unsigned char fill;
};

static const struct {
	const char *name;
	int (*test)(int);
} classes[] = {
	{ "alnum", isalnum }, { "alpha", isalpha }, { "blank", isblank }, { "cntrl", iscntrl },
	{ "digit", isdigit }, { "graph", isgraph }, { "lower", islower }, { "print", isprint },
	{ "punct", ispunct }, { "space", isspace }, { "upper", isupper }, { "xdigit", isxdigit },
};

static void set_add(struct set *s, int c)
{
	if (s->n < SET_MAX)
		s->c[s->n++] = (unsigned char)c;
}

static int char_read(const char **p)
{
	int c = (unsigned char)*(*p)++;
	const char *letter = *p;

	if (c != '\\' || !*letter)
		return c;
	c = escape_read(p, ESCAPE_PRINTF);
	if (c == ESCAPE_STOP || *p == letter) {	/* any other character stands for itself */
		*p = letter + 1;
		c = (unsigned char)*letter;
	}
	return c;
}

/* [:name:]; false if it is none. */
static bool class_read(struct set *s, const char **p)
{
	const char *end = strstr(*p + 2, ":]");
	size_t i;
	int c;

	if (!end)
		return false;
	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		size_t len = strlen(classes[i].name);

		if (len != (size_t)(end - *p - 2) || memcmp(classes[i].name, *p + 2, len) != 0)
			continue;
		for (c = 0; c < 256; c++) {
			if (classes[i].test(c))
				set_add(s, c);
		}
		*p = end + 2;
		return true;
	}
	errx(1, "invalid character class '%.*s'", (int)(end - *p - 2), *p + 2);
}

/* [c*n] and [c*]; false if it is none. */
static bool repeat_read(struct set *s, const char **p)
{
	const char *q = *p + 1;
	unsigned long n;
	char *end;
	int c;

	if (!*q)
		return false;
	c = char_read(&q);
	if (*q != '*')
		return false;
	n = strtoul(q + 1, &end, q[1] == '0' ? 8 : 10);
	if (*end != ']')
		return false;
	if (n == 0) {
		s->fill_at = s->n;
		s->fill = (unsigned char)c;
	}
	while (n-- > 0 && s->n < SET_MAX)
		set_add(s, c);
	*p = end + 1;
	return true;
}

static void set_parse(struct set *s, const char *p)
{
	s->fill_at = SIZE_MAX;
	while (*p) {
		int low, high;

		if (p[0] == '[' && p[1] == ':' && class_read(s, &p))
			continue;
		if (p[0] == '[' && p[1] == '=' && p[2] && p[3] == '=' && p[4] == ']') {
			set_add(s, (unsigned char)p[2]);
			p += 5;
			continue;
		}
		if (p[0] == '[' && repeat_read(s, &p))
			continue;
		low = high = char_read(&p);
		if (p[0] == '-' && p[1]) {
			p++;
			high = char_read(&p);
			if (high < low)
				errx(1, "range '%c-%c' is in reverse order", low, high);
		}
		for (; low <= high; low++)
			set_add(s, low);
	}
}

static void set_complement(struct set *s)
{
	bool in[256] = { false };
	size_t i;

	for (i = 0; i < s->n; i++)
		in[s->c[i]] = true;
	s->n = 0;
	for (i = 0; i < 256; i++) {
		if (!in[i])
			set_add(s, (int)i);
	}
}

/* Makes the second set as long as the first: by [c*], else by its last character. */
static void set_extend(struct set *s, size_t n)
{
	size_t grow = n > s->n ? n - s->n : 0;

	if (s->fill_at != SIZE_MAX) {
		memmove(s->c + s->fill_at + grow, s->c + s->fill_at, s->n - s->fill_at);
		memset(s->c + s->fill_at, s->fill, grow);
		s->n += grow;
	}
	if (!s->n)
		errx(1, "when not truncating set1, string2 must be non-empty");
	while (s->n < n)
		set_add(s, s->c[s->n - 1]);
}

static void translate(const unsigned char *map, const bool *del, const bool *squeeze)
{
	int c, last = -1;

	while ((c = getchar()) != EOF) {
		if (del[c])
			continue;
		c = map[c];
		if (c == last && squeeze[c])
			continue;
		putchar(c);
		last = c;
	}
}

static int tr_main(int argc, char **argv)
{
	static struct set one, two;
	bool complement = false, del = false, squeeze = false, truncate = false;
	bool deleted[256] = { false }, squeezed[256] = { false };
	unsigned char map[256];
	const struct set *last;
	size_t i;
	int c;

	while ((c = getopt(argc, argv, "+cCdst")) != -1) {
		if (c == '?')
			usage(1);
		complement |= c == 'c' || c == 'C';
		del |= c == 'd';
		squeeze |= c == 's';
		truncate |= c == 't';
	}
	argv += optind;
	argc -= optind;
	if (argc < 1 || argc > 2 || (argc == 1 && !del && !squeeze) ||
	    (argc == 2 && del && !squeeze) || (argc == 1 && del && squeeze))
		usage(1);
	set_parse(&one, argv[0]);
	if (complement)
		set_complement(&one);
	if (argc == 2)
		set_parse(&two, argv[1]);
	for (i = 0; i < 256; i++)
		map[i] = (unsigned char)i;
	if (argc == 2 && !del) {
		if (!truncate)
			set_extend(&two, one.n);
		for (i = 0; i < one.n && i < two.n; i++)
			map[one.c[i]] = two.c[i];
	}
	for (i = 0; del && i < one.n; i++)
		deleted[one.c[i]] = true;
	last = argc == 2 ? &two : &one;
	for (i = 0; squeeze && i < last->n; i++)
		squeezed[last->c[i]] = true;
	translate(map, deleted, squeezed);
	if (ferror(stdin))
		err(1, "read error");
	return 0;
}

TOOL("tr", tr_main, "[-cdst] SET1 [SET2]");

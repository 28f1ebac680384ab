/* sort: lines in order. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

#define KEYS_MAX	16

struct order {
	bool numeric, reverse, fold, blanks, end_blanks, dictionary, printable, human, general;
};

struct key {
	size_t from_field, from_char;	/* counted from 1 */
	size_t to_field, to_char;	/* 0: the end of the line, of the field */
	struct order order;
	bool own_order;			/* has letters of its own */
};

struct line {
	char *text;
	size_t len;
};

static struct {
	struct key keys[KEYS_MAX];
	size_t n_keys;
	struct order order;
	bool unique, stable, check, check_quietly;
	int separator;			/* -1: blanks */
	const char *output;
	struct line *lines;
	size_t n, size;
} so;

/* Where a field begins: with a separator after it, else at the blanks before the field. */
static const char *field_start(const char *s, const char *end, size_t field)
{
	while (--field > 0 && s < end) {
		if (so.separator >= 0) {
			while (s < end && *s != so.separator)
				s++;
			if (s < end)
				s++;
			continue;
		}
		while (s < end && isblank((unsigned char)*s))
			s++;
		while (s < end && !isblank((unsigned char)*s))
			s++;
	}
	return s;
}

static const char *field_end(const char *s, const char *end)
{
	if (so.separator >= 0) {
		while (s < end && *s != so.separator)
			s++;
		return s;
	}
	while (s < end && isblank((unsigned char)*s))
		s++;
	while (s < end && !isblank((unsigned char)*s))
		s++;
	return s;
}

static const char *skip_blanks(const char *s, const char *end)
{
	while (s < end && isblank((unsigned char)*s))
		s++;
	return s;
}

static struct line key_of(const struct line *l, const struct key *k, const struct order *o)
{
	const char *end = l->text + l->len;
	const char *from = field_start(l->text, end, k->from_field), *to = end;

	if (o->blanks)
		from = skip_blanks(from, end);
	from = (size_t)(end - from) < k->from_char - 1 ? end : from + k->from_char - 1;
	if (k->to_field) {
		to = field_start(l->text, end, k->to_field);
		if (k->to_char) {
			if (k->own_order ? k->order.end_blanks : so.order.blanks)
				to = skip_blanks(to, end);
			to = (size_t)(end - to) < k->to_char ? end : to + k->to_char;
		} else {
			to = field_end(to, end);
		}
	}
	return (struct line){ (char *)from, to > from ? (size_t)(to - from) : 0 };
}

/* A number's parts: sign, digits before the point without zeros in front, digits behind it. */
struct decimal {
	bool negative;
	const char *whole, *part;
	size_t whole_len, part_len;
};

static struct decimal decimal_read(struct line l)
{
	const char *s = skip_blanks(l.text, l.text + l.len), *end = l.text + l.len;
	struct decimal d = { 0 };

	if (s < end && *s == '-') {
		d.negative = true;
		s++;
	}
	while (s < end && *s == '0')
		s++;
	d.whole = s;
	while (s < end && isdigit((unsigned char)*s))
		s++;
	d.whole_len = (size_t)(s - d.whole);
	if (s < end && *s == '.')
		s++;
	d.part = s;
	while (s < end && isdigit((unsigned char)*s))
		s++;
	while (s > d.part && s[-1] == '0')
		s--;
	d.part_len = s > d.part && (d.part[-1] == '.') ? (size_t)(s - d.part) : 0;
	if (!d.whole_len && !d.part_len)
		d.negative = false;
	return d;
}

static int bytes_compare(const char *a, size_t na, const char *b, size_t nb)
{
	int r = memcmp(a, b, na < nb ? na : nb);

	return r ? r : (na > nb) - (na < nb);
}

/* By digits, so that numbers of any length compare right. */
static int numeric_compare(struct line a, struct line b)
{
	struct decimal x = decimal_read(a), y = decimal_read(b);
	int r;

	if (x.negative != y.negative)
		return x.negative ? -1 : 1;
	if (x.whole_len != y.whole_len)
		r = x.whole_len > y.whole_len ? 1 : -1;
	else
		r = memcmp(x.whole, y.whole, x.whole_len);
	if (!r)
		r = bytes_compare(x.part, x.part_len, y.part, y.part_len);
	return x.negative ? -r : r;
}

static int unit_rank(struct line l)
{
	static const char units[] = "KMGTPEZY";
	const char *s = l.text, *end = s + l.len, *u;
	int sign = 1;

	s = skip_blanks(s, end);
	if (s < end && *s == '-') {
		sign = -1;
		s++;
	}
	while (s < end && (isdigit((unsigned char)*s) || *s == '.'))
		s++;
	u = s < end && *s ? strchr(units, toupper((unsigned char)*s)) : NULL;
	return u ? sign * (int)(u - units + 1) : 0;
}

static double general_value(struct line l)
{
	char text[64];
	size_t n = l.len < sizeof(text) - 1 ? l.len : sizeof(text) - 1;

	memcpy(text, l.text, n);
	text[n] = 0;
	return strtod(text, NULL);
}

/* Whether -d and -i leave the byte in. */
static bool counts(int c, const struct order *o)
{
	if (o->dictionary && !isalnum(c) && !isblank(c))
		return false;
	return !o->printable || isprint(c);
}

static int text_compare(struct line a, struct line b, const struct order *o)
{
	const unsigned char *p = (unsigned char *)a.text, *pe = p + a.len;
	const unsigned char *q = (unsigned char *)b.text, *qe = q + b.len;
	int x, y;

	if (!o->fold && !o->dictionary && !o->printable)
		return bytes_compare(a.text, a.len, b.text, b.len);
	for (;; p++, q++) {
		while (p < pe && !counts(*p, o))
			p++;
		while (q < qe && !counts(*q, o))
			q++;
		if (p == pe || q == qe)
			return (p < pe) - (q < qe);
		x = o->fold ? toupper(*p) : *p;
		y = o->fold ? toupper(*q) : *q;
		if (x != y)
			return x - y;
	}
}

static int key_compare(struct line a, struct line b, const struct order *o)
{
	int r;

	if (o->human) {
		r = unit_rank(a) - unit_rank(b);
		r = r ? r : numeric_compare(a, b);
	} else if (o->numeric) {
		r = numeric_compare(a, b);
	} else if (o->general) {
		double x = general_value(a), y = general_value(b);

		r = (x > y) - (x < y);
	} else {
		r = text_compare(a, b, o);
	}
	return o->reverse ? -r : r;
}

static int keys_compare(const struct line *a, const struct line *b)
{
	static const struct key whole = { .from_field = 1, .from_char = 1 };
	size_t i;
	int r;

	if (!so.n_keys)
		return key_compare(key_of(a, &whole, &so.order), key_of(b, &whole, &so.order),
				   &so.order);
	for (i = 0; i < so.n_keys; i++) {
		const struct key *k = &so.keys[i];
		const struct order *o = k->own_order ? &k->order : &so.order;

		r = key_compare(key_of(a, k, o), key_of(b, k, o), o);
		if (r)
			return r;
	}
	return 0;
}

/* Lines with equal keys: by all their bytes, or with -s and -u as they came. */
static int lines_compare(const void *pa, const void *pb)
{
	const struct line *a = pa, *b = pb;
	int r = keys_compare(a, b);

	if (r)
		return r;
	if (so.stable || so.unique)
		return (a->text > b->text) - (a->text < b->text);
	r = bytes_compare(a->text, a->len, b->text, b->len);
	return so.order.reverse ? -r : r;
}

static void order_letter(struct order *o, char c)
{
	switch (c) {
	case 'n':
		o->numeric = true;
		break;
	case 'r':
		o->reverse = true;
		break;
	case 'f':
		o->fold = true;
		break;
	case 'b':
		o->blanks = true;
		break;
	case 'd':
		o->dictionary = true;
		break;
	case 'i':
		o->printable = true;
		break;
	case 'h':
		o->human = true;
		break;
	case 'g':
		o->general = true;
		break;
	default:
		usage(2);
	}
}

/* One end of a key: FIELD[.CHAR][LETTERS]. */
static char *key_end_parse(char *s, size_t *field, size_t *character, struct key *k, bool is_end)
{
	*field = strtoul(s, &s, 10);
	if (*s == '.')
		*character = strtoul(s + 1, &s, 10);
	for (; *s && *s != ','; s++) {
		k->own_order = true;
		if (*s == 'b' && is_end)
			k->order.end_blanks = true;
		else
			order_letter(&k->order, *s);
	}
	return s;
}

static void key_parse(char *s)
{
	struct key *k = &so.keys[so.n_keys++];
	const char *text = s;

	if (so.n_keys > KEYS_MAX)
		errx(2, "too many keys");
	k->from_char = 1;
	s = key_end_parse(s, &k->from_field, &k->from_char, k, false);
	if (*s == ',') {
		s = key_end_parse(s + 1, &k->to_field, &k->to_char, k, true);
		if (!k->to_field)
			errx(2, "invalid key: '%s'", text);
	}
	if (*s || !k->from_field || !k->from_char)
		errx(2, "invalid key: '%s'", text);
}

/* All lines of a file in one piece of memory; their order there is the order they came in. */
static void text_add(char *text, size_t len)
{
	char *end = text + len, *s = text, *newline;

	while (s < end) {
		newline = memchr(s, '\n', (size_t)(end - s));
		if (!newline)
			newline = end;
		if (so.n == so.size) {
			so.size = so.size ? so.size * 2 : 1024;
			so.lines = xrealloc(so.lines, so.size * sizeof(*so.lines));
		}
		so.lines[so.n++] = (struct line){ s, (size_t)(newline - s) };
		s = newline + 1;
	}
}

static void inputs_read(char **paths)
{
	size_t used = 0, size = 65536, n;
	char *text = xmalloc(size);

	do {
		FILE *f = input_open(*paths);

		if (!f)
			exit(2);
		while ((n = fread(text + used, 1, size - used - 1, f)) > 0) {
			used += n;
			if (size - used < 2)
				text = xrealloc(text, size *= 2);
		}
		if (input_failed(f, *paths))
			exit(2);
		input_close(f);
		/* The last line of a file may lack its end. */
		if (used && text[used - 1] != '\n')
			text[used++] = '\n';
		if (size - used < 2)
			text = xrealloc(text, size *= 2);
	} while (*paths && *++paths);
	text_add(text, used);
}

static int check_order(const char *path)
{
	size_t i;

	for (i = 1; i < so.n; i++) {
		int r = so.unique || so.stable ? keys_compare(&so.lines[i - 1], &so.lines[i]) :
			lines_compare(&so.lines[i - 1], &so.lines[i]);

		if (r < 0 || (r == 0 && !so.unique))
			continue;
		if (!so.check_quietly)
			fprintf(stderr, "sort: %s:%zu: disorder: %.*s\n", path ? path : "-", i + 1,
				(int)so.lines[i].len, so.lines[i].text);
		return 1;
	}
	return 0;
}

static void lines_write(void)
{
	size_t i;

	if (so.output && !freopen(so.output, "w", stdout))
		err(2, "%s", so.output);
	for (i = 0; i < so.n; i++) {
		if (so.unique && i && keys_compare(&so.lines[i - 1], &so.lines[i]) == 0)
			continue;
		fwrite(so.lines[i].text, 1, so.lines[i].len, stdout);
		putchar('\n');
	}
}

static void set_option(int c)
{
	switch (c) {
	case 'u':
		so.unique = true;
		break;
	case 's':
		so.stable = true;
		break;
	case 'c':
	case 'C':
		so.check = true;
		so.check_quietly = c == 'C';
		break;
	case 'm':	/* files in order already are sorted as fast */
		break;
	case 'k':
		key_parse(optarg);
		break;
	case 't':
		if (strcmp(optarg, "\\0") == 0)
			so.separator = 0;
		else if (strlen(optarg) == 1)
			so.separator = *optarg;
		else
			errx(2, "multi-character tab '%s'", optarg);
		break;
	case 'o':
		so.output = optarg;
		break;
	default:
		order_letter(&so.order, (char)c);
	}
}

static int sort_main(int argc, char **argv)
{
	int c;

	so.separator = -1;
	while ((c = getopt(argc, argv, "nrufbdihgscCmk:t:o:")) != -1)
		set_option(c);
	argv += optind;
	inputs_read(argv);
	if (so.check)
		return check_order(*argv);
	if (so.n)
		qsort(so.lines, so.n, sizeof(*so.lines), lines_compare);
	lines_write();
	return 0;
}

TOOL("sort", sort_main, "[-bcCdfghimnrsu] [-k FROM[,TO]] [-o FILE] [-t CHAR] [FILE]...");

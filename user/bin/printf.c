/* printf: formatted text; the format is used again until the arguments are used up. */
#include <stdlib.h>
#include <string.h>

#include "user/lib/escape.h"
#include "user/lib/tool.h"

struct run {
	char **args;		/* what is left */
	int status;
	bool stop;		/* \c was seen */
};

static const char *next_arg(struct run *r)
{
	return *r->args ? *r->args++ : "";
}

/* A number argument; 'c is the code of c. Text after the number is an error, but it is used. */
static const char *number_head(struct run *r, const char **text, long long *code)
{
	*text = next_arg(r);
	*code = (*text)[0] == '\'' || (*text)[0] == '"' ? (unsigned char)(*text)[1] : -1;
	return *text;
}

static void number_check(struct run *r, const char *text, const char *end)
{
	if (*end == 0 && (end != text || !*text))
		return;
	warnx(end == text ? "'%s': expected a numeric value" :
	      "'%s': value not completely converted", text);
	r->status = 1;
}

static void put_integer(struct run *r, char *spec, size_t len, char conv)
{
	const char *text;
	long long code;
	char *end = NULL;

	memcpy(spec + len, "ll", 2);
	spec[len + 2] = conv;
	spec[len + 3] = 0;
	number_head(r, &text, &code);
	if (code < 0) {
		code = conv == 'd' || conv == 'i' ? strtoll(text, &end, 0) :
		       (long long)strtoull(text, &end, 0);
		number_check(r, text, end);
	}
	printf(spec, code);
}

static void put_float(struct run *r, char *spec, size_t len, char conv)
{
	const char *text = next_arg(r);
	char *end;
	double v = strtod(text, &end);

	number_check(r, text, end);
	spec[len] = conv;
	spec[len + 1] = 0;
	printf(spec, v);
}

/* %b: a string with escapes. */
static void put_escaped(struct run *r)
{
	const char *s = next_arg(r);

	while (*s && !r->stop) {
		int c = (unsigned char)*s++;

		if (c == '\\')
			c = escape_read(&s, ESCAPE_ECHO);
		if (c == ESCAPE_STOP)
			r->stop = true;
		else
			putchar(c);
	}
}

/* Copies flags, width and precision, asking for a * from the arguments; returns the length. */
static size_t spec_read(struct run *r, const char **f, char *spec, size_t size)
{
	size_t n = 0;

	spec[n++] = '%';
	for (; **f && strchr("-+ #0123456789.*", **f) && n + 16 < size; (*f)++) {
		if (**f == '*')
			n += (size_t)sprintf(spec + n, "%d", atoi(next_arg(r)));
		else
			spec[n++] = **f;
	}
	return n;
}

static void convert(struct run *r, const char **f)
{
	char spec[80];
	size_t n = spec_read(r, f, spec, sizeof(spec));
	char conv = **f;

	if (conv)
		(*f)++;
	if (conv && strchr("diouxX", conv)) {
		put_integer(r, spec, n, conv);
	} else if (conv && strchr("eEfFgGaA", conv)) {
		put_float(r, spec, n, conv);
	} else if (conv == 's' || conv == 'c') {
		spec[n] = conv;
		spec[n + 1] = 0;
		if (conv == 's')
			printf(spec, next_arg(r));
		else
			printf(spec, *next_arg(r));
	} else if (conv == 'b') {
		put_escaped(r);
	} else if (conv == '%') {
		putchar('%');
	} else {
		spec[n] = 0;
		errx(1, "%s%c: invalid conversion specification", spec, conv);
	}
}

static void format_once(struct run *r, const char *f)
{
	while (*f && !r->stop) {
		int c = (unsigned char)*f++;

		if (c == '%') {
			convert(r, &f);
			continue;
		}
		if (c == '\\')
			c = escape_read(&f, ESCAPE_PRINTF);
		if (c == ESCAPE_STOP)
			r->stop = true;
		else
			putchar(c);
	}
}

static int printf_main(int argc, char **argv)
{
	int first = argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1;
	struct run r = { .args = argv + first + 1 };
	char **before;

	if (first >= argc)
		usage(1);
	do {
		before = r.args;
		format_once(&r, argv[first]);
	} while (*r.args && r.args != before && !r.stop);
	return r.status;
}

TOOL("printf", printf_main, "FORMAT [ARGUMENT]...");

/* echo and printf */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builtin.h"
#include "mem.h"
#include "shell.h"

/*
 * Decode one escape after a backslash at *p and move past it. Returns the character, -1
 * for \c (stop all output) and -2 if it is no escape. An octal number has up to three
 * digits, after a 0 that counts as none of them in the form of echo and %b (`zero`).
 */
static int escape_decode(const char **p, bool zero)
{
	static const char from[] = "abefnrtv\\", to[] = "\a\b\033\f\n\r\t\v\\";
	const char *found = **p ? strchr(from, **p) : NULL;
	int value = 0, digits = 0;

	if (found) {
		(*p)++;
		return (unsigned char)to[found - from];
	}
	if (**p == 'c') {
		(*p)++;
		return -1;
	}
	if (**p == 'x' && isxdigit((unsigned char)(*p)[1])) {
		for ((*p)++; digits < 2 && isxdigit((unsigned char)**p); digits++, (*p)++)
			value = value * 16 + (isdigit((unsigned char)**p) ? **p - '0'
						: tolower((unsigned char)**p) - 'a' + 10);
		return value;
	}
	if (**p < '0' || **p > '7')
		return -2;
	if (zero && **p == '0')
		(*p)++;
	for (; digits < 3 && **p >= '0' && **p <= '7'; digits++, (*p)++)
		value = value * 8 + **p - '0';
	return value & 0xff;
}

/* Append text with its escapes decoded; false if a \c ended it. */
static bool escapes_append(struct text *out, const char *text)
{
	while (*text) {
		int c = (unsigned char)*text++;

		if (c == '\\') {
			c = escape_decode(&text, true);
			if (c == -1)
				return false;
			if (c == -2)
				c = '\\';
		}
		text_char(out, c);
	}
	return true;
}

int builtin_echo(int argc, char **argv)
{
	bool newline = true, escapes = false;
	struct text out;
	int i;

	text_init(&out, &scratch);
	for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		if (strspn(argv[i] + 1, "neE") != strlen(argv[i] + 1))
			break;
		for (const char *p = argv[i] + 1; *p; p++) {
			newline &= *p != 'n';
			escapes = *p == 'n' ? escapes : *p == 'e';
		}
	}
	for (; i < argc; i++) {
		if (!escapes) {
			text_string(&out, argv[i]);
		} else if (!escapes_append(&out, argv[i])) {
			newline = false;
			break;
		}
		if (i + 1 < argc)
			text_char(&out, ' ');
	}
	if (newline)
		text_char(&out, '\n');
	fwrite(text_finish(&out), 1, out.len, stdout);
	return 0;
}

/* The state of one printf. */
struct printf_run {
	char **arguments;	/* those not used up yet */
	int status;
	bool stop;		/* a \c was printed */
};

static const char *argument_next(struct printf_run *run)
{
	return *run->arguments ? *run->arguments++ : NULL;
}

static void number_complain(struct printf_run *run, const char *text)
{
	shell_error("printf: %s: %s", text, errno == ERANGE ? strerror(errno) : "not a number");
	run->status = 1;
}

/* A number as printf takes it: C syntax, or a quote and a character for its code. */
static long long integer_next(struct printf_run *run, bool is_signed)
{
	const char *text = argument_next(run);
	long long value;
	char *end;

	if (!text)
		return 0;
	if (*text == '"' || *text == '\'')
		return (unsigned char)text[1];
	errno = 0;
	value = is_signed ? strtoll(text, &end, 0) : (long long)strtoull(text, &end, 0);
	if (*end || errno || end == text)
		number_complain(run, text);
	return value;
}

static double double_next(struct printf_run *run)
{
	const char *text = argument_next(run);
	double value;
	char *end;

	if (!text)
		return 0;
	errno = 0;
	value = strtod(text, &end);
	if (*end || end == text)
		number_complain(run, text);
	return value;
}

/* Print one conversion; `format` is its specification up to where `letter` belongs. */
static void conversion_print(struct printf_run *run, struct text *format, char letter)
{
	struct text decoded;
	const char *text;

	switch (letter) {
	case 'd':
	case 'i':
		text_string(format, "lld");
		printf(format->data, integer_next(run, true));
		return;
	case 'u':
	case 'o':
	case 'x':
	case 'X':
		text_string(format, "ll");
		text_char(format, letter);
		printf(format->data, integer_next(run, false));
		return;
	case 'c':
		text = argument_next(run);
		text_char(format, 's');
		printf(format->data, text && *text ? arena_copy(&scratch, text, 1) : "");
		return;
	case 's':
	case 'b':
		text = argument_next(run);
		text_init(&decoded, &scratch);
		if (letter == 'b' && text)
			run->stop = !escapes_append(&decoded, text);
		text_char(format, 's');
		if (letter == 'b')
			text = text_finish(&decoded);
		printf(format->data, text ? text : "");
		return;
	default:
		text_char(format, letter);
		printf(format->data, double_next(run));
	}
}

/* A width or a precision, * included. */
static void size_copy(struct printf_run *run, const char **p, struct text *format)
{
	char digits[24];

	if (**p == '*') {
		snprintf(digits, sizeof(digits), "%d", (int)integer_next(run, true));
		text_string(format, digits);
		(*p)++;
		return;
	}
	while (isdigit((unsigned char)**p))
		text_char(format, *(*p)++);
}

/* One % specification; *p is after the percent sign. */
static void specification_print(struct printf_run *run, const char **p)
{
	struct text format;

	text_init(&format, &scratch);
	text_char(&format, '%');
	while (**p && strchr("-+ #0", **p))
		text_char(&format, *(*p)++);
	size_copy(run, p, &format);
	if (**p == '.') {
		text_char(&format, *(*p)++);
		size_copy(run, p, &format);
	}
	if (!**p || !strchr("diuoxXcsbeEfFgGaA", **p)) {
		shell_error("printf: %%%c: bad conversion", **p ? **p : ' ');
		run->status = 1;
		run->stop = true;
		return;
	}
	conversion_print(run, &format, *(*p)++);
}

static void format_print(struct printf_run *run, const char *p)
{
	while (*p && !run->stop) {
		int c = (unsigned char)*p++;

		if (c == '%' && *p == '%') {
			putchar(*p++);
		} else if (c == '%') {
			specification_print(run, &p);
		} else if (c == '\\') {
			c = escape_decode(&p, false);
			if (c == -1)
				run->stop = true;
			else
				putchar(c == -2 ? '\\' : c);
		} else {
			putchar(c);
		}
	}
}

int builtin_printf(int argc, char **argv)
{
	int first = argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1;
	struct printf_run run = { .arguments = argv + first + 1 };
	char **before;

	if (first >= argc) {
		shell_error("printf: usage: printf format [arguments]");
		return 2;
	}
	/* The format is used again as long as it uses up arguments. */
	do {
		before = run.arguments;
		format_print(&run, argv[first]);
	} while (*run.arguments && run.arguments != before && !run.stop);
	return run.status;
}

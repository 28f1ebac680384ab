/* expr: calculates, compares, matches. */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "user/lib/tool.h"

/* The words not read yet; every function returns its value in fresh memory. */
static char **w;

static char *expression(int level);

static bool integer(const char *s, long long *n)
{
	char *end;

	errno = 0;
	*n = strtoll(s, &end, 10);
	return *s && *s != ' ' && !*end && !errno;
}

static bool is_null(const char *s)
{
	long long n;

	return !*s || (integer(s, &n) && n == 0);
}

static char *number_text(long long n)
{
	char *s;

	if (asprintf(&s, "%lld", n) < 0)
		err(3, "malloc");
	return s;
}

/* The part of the match in \(...\), or its length. The pattern is tied to the beginning. */
static char *match(const char *s, const char *pattern)
{
	regmatch_t m[2];
	char message[256], *tied, *out;
	regex_t re;
	int r;

	if (asprintf(&tied, "^%s", pattern) < 0)
		err(3, "malloc");
	r = regcomp(&re, pattern[0] == '^' ? pattern : tied, 0);
	if (r) {
		regerror(r, &re, message, sizeof(message));
		errx(2, "%s", message);
	}
	r = regexec(&re, s, 2, m, 0);
	if (re.re_nsub > 0)
		out = r == 0 && m[1].rm_so >= 0 ?
		      strndup(s + m[1].rm_so, (size_t)(m[1].rm_eo - m[1].rm_so)) : xstrdup("");
	else
		out = number_text(r == 0 ? m[0].rm_eo : 0);
	regfree(&re);
	free(tied);
	return out;
}

static char *operand(void)
{
	char *s, *t;

	if (!*w)
		errx(2, "syntax error: missing argument");
	if (strcmp(*w, "(") == 0) {
		w++;
		s = expression(0);
		if (!*w || strcmp(*w, ")") != 0)
			errx(2, "syntax error: expecting ')'");
		w++;
		return s;
	}
	if (strcmp(*w, ")") == 0)
		errx(2, "syntax error: unexpected ')'");
	if (strcmp(*w, "+") == 0 && w[1])
		w++;
	else if (strcmp(*w, "length") == 0 && w[1]) {
		w++;
		s = operand();
		return number_text((long long)strlen(s));
	} else if (strcmp(*w, "match") == 0 && w[1] && w[2]) {
		w++;
		s = operand();
		return match(s, operand());
	} else if (strcmp(*w, "index") == 0 && w[1] && w[2]) {
		w++;
		s = operand();
		t = operand();
		t = strpbrk(s, t);
		return number_text(t ? t - s + 1 : 0);
	} else if (strcmp(*w, "substr") == 0 && w[1] && w[2] && w[3]) {
		long long at, len;

		w++;
		s = operand();
		if (!integer(operand(), &at) || !integer(operand(), &len) || at < 1 || len < 1 ||
		    at > (long long)strlen(s))
			return xstrdup("");
		return strndup(s + at - 1, (size_t)len);
	}
	return xstrdup(*w++);
}

static char *calculate(const char *a, char op, const char *b)
{
	long long x, y, r = 0;
	bool over = false;

	if (!integer(a, &x) || !integer(b, &y))
		errx(2, "non-integer argument");
	if ((op == '/' || op == '%') && y == 0)
		errx(2, "division by zero");
	if (op == '+')
		over = __builtin_add_overflow(x, y, &r);
	else if (op == '-')
		over = __builtin_sub_overflow(x, y, &r);
	else if (op == '*')
		over = __builtin_mul_overflow(x, y, &r);
	else if (y == -1)	/* the only quotient that may not fit */
		over = op == '/' && __builtin_sub_overflow(0LL, x, &r);
	else
		r = op == '/' ? x / y : x % y;
	if (over)
		errx(2, "result too large");
	return number_text(r);
}

static char *compare(const char *a, const char *op, const char *b)
{
	long long x, y;
	int r = integer(a, &x) && integer(b, &y) ? (x > y) - (x < y) : strcmp(a, b);
	bool yes;

	if (op[0] == '=')
		yes = r == 0;
	else if (op[0] == '!')
		yes = r != 0;
	else if (op[0] == '<')
		yes = op[1] ? r <= 0 : r < 0;
	else
		yes = op[1] ? r >= 0 : r > 0;
	return xstrdup(yes ? "1" : "0");
}

/* Operators by level, weakest first. */
static bool operator_at(int level, const char *word)
{
	static const char *const levels[][8] = {
		{ "|" }, { "&" }, { "=", "==", "!=", "<", "<=", ">", ">=" }, { "+", "-" },
		{ "*", "/", "%" }, { ":" },
	};
	int i;

	for (i = 0; i < 8 && levels[level][i]; i++) {
		if (strcmp(levels[level][i], word) == 0)
			return true;
	}
	return false;
}

static char *expression(int level)
{
	char *a, *b, *r;
	const char *op;

	if (level == 6)
		return operand();
	a = expression(level + 1);
	while (*w && operator_at(level, *w)) {
		op = *w++;
		b = expression(level + 1);
		if (level == 0)
			r = xstrdup(!is_null(a) ? a : !is_null(b) ? b : "0");
		else if (level == 1)
			r = xstrdup(!is_null(a) && !is_null(b) ? a : "0");
		else if (level == 2)
			r = compare(a, op, b);
		else if (level == 5)
			r = match(a, b);
		else
			r = calculate(a, *op, b);
		free(a);
		free(b);
		a = r;
	}
	return a;
}

static int expr_main(int argc, char **argv)
{
	char *value;

	w = argv + 1;
	if (argc > 1 && strcmp(*w, "--") == 0)
		w++;
	if (!*w)
		usage(2);
	value = expression(0);
	if (*w)
		errx(2, "syntax error: unexpected argument '%s'", *w);
	puts(value);
	return is_null(value);
}

TOOL("expr", expr_main, "EXPRESSION");

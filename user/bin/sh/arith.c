#include "arith.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lexword.h"
#include "mem.h"
#include "shell.h"
#include "var.h"

enum { DEPTH_MAX = 500 };

struct arith {
	const char *at;
	const char *whole;	/* for messages */
	int depth;
	int skipping;		/* > 0: parsed for its syntax, without effects */
	bool failed;
};

/* Binary operators; longer ones first among those that begin alike. */
static const struct operator {
	char text[3];
	int level;		/* higher binds tighter */
} operators[] = {
	{ "||", 1 }, { "&&", 2 }, { "==", 6 }, { "!=", 6 }, { "<<", 8 }, { ">>", 8 },
	{ "<=", 7 }, { ">=", 7 }, { "|", 3 },  { "^", 4 },  { "&", 5 },  { "<", 7 },
	{ ">", 7 },  { "+", 9 },  { "-", 9 },  { "*", 10 }, { "/", 10 }, { "%", 10 },
};

static long comma_parse(struct arith *a);
static long assign_parse(struct arith *a);

static void arith_fail(struct arith *a, const char *reason)
{
	if (!a->failed)
		shell_error("arithmetic expression: %s: \"%s\"", reason, a->whole);
	a->failed = true;
	a->at = "";
}

static void space_skip(struct arith *a)
{
	while (isspace((unsigned char)*a->at))
		a->at++;
}

static bool accept(struct arith *a, const char *text)
{
	size_t len = strlen(text);

	space_skip(a);
	if (strncmp(a->at, text, len) != 0)
		return false;
	a->at += len;
	return true;
}

static long number_parse(struct arith *a)
{
	char *end;
	long value;

	errno = 0;
	value = strtoul(a->at, &end, 0);
	if (end == a->at || name_char((unsigned char)*end))
		arith_fail(a, "bad number");
	else
		a->at = end;
	return value;
}

/* The value of a variable: an integer constant, maybe with a sign; unset is 0. */
static long variable_value(struct arith *a, const char *name)
{
	const char *value = var_get(name);
	char *end;
	long number;

	if (!value && option_on(OPTION_NOUNSET) && !a->skipping) {
		shell_error("%s: parameter not set", name);
		a->failed = true;
		a->at = "";
	}
	if (!value || a->skipping)
		return 0;
	number = strtol(value, &end, 0);
	while (isspace((unsigned char)*end))
		end++;
	if (*end)
		arith_fail(a, "bad number in variable");
	return number;
}

static char *name_parse(struct arith *a)
{
	const char *start = a->at;

	while (name_char((unsigned char)*a->at))
		a->at++;
	return arena_copy(&scratch, start, a->at - start);
}

static long primary_parse(struct arith *a)
{
	long value;

	space_skip(a);
	if (accept(a, "(")) {
		value = comma_parse(a);
		if (!accept(a, ")"))
			arith_fail(a, "expecting )");
		return value;
	}
	if (name_start((unsigned char)*a->at))
		return variable_value(a, name_parse(a));
	if (isdigit((unsigned char)*a->at))
		return number_parse(a);
	arith_fail(a, "expecting a number or a name");
	return 0;
}

static long unary_parse(struct arith *a)
{
	long value;

	if (a->depth++ >= DEPTH_MAX)
		arith_fail(a, "nested too deeply");
	if (accept(a, "!"))
		value = !unary_parse(a);
	else if (accept(a, "~"))
		value = ~unary_parse(a);
	else if (accept(a, "-"))
		value = (long)(0UL - (unsigned long)unary_parse(a));
	else if (accept(a, "+"))
		value = unary_parse(a);
	else
		value = primary_parse(a);
	a->depth--;
	return value;
}

static long divide(struct arith *a, long x, long y, bool remainder)
{
	if (a->skipping)
		return 0;
	if (!y) {
		arith_fail(a, "division by zero");
		return 0;
	}
	if (y == -1)
		return remainder ? 0 : (long)(0UL - (unsigned long)x);
	return remainder ? x % y : x / y;
}

/* `op` is the text of the operator; = after it was taken off. */
static long operate(struct arith *a, const char *op, long x, long y)
{
	unsigned long u = x, v = y;

	switch (op[0]) {
	case '|':
		return op[1] == '|' ? x || y : x | y;
	case '&':
		return op[1] == '&' ? x && y : x & y;
	case '^':
		return x ^ y;
	case '=':
		return x == y;
	case '!':
		return x != y;
	case '<':
		return op[1] == '<' ? (long)(u << (v & 63)) : op[1] == '=' ? x <= y : x < y;
	case '>':
		return op[1] == '>' ? x >> (v & 63) : op[1] == '=' ? x >= y : x > y;
	case '+':
		return u + v;
	case '-':
		return u - v;
	case '*':
		return u * v;
	default:
		return divide(a, x, y, op[0] == '%');
	}
}

static const struct operator *operator_find(struct arith *a)
{
	space_skip(a);
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (strncmp(a->at, operators[i].text, strlen(operators[i].text)) == 0)
			return &operators[i];
	return NULL;
}

static long binary_parse(struct arith *a, int level)
{
	long left = unary_parse(a);
	const struct operator *op;

	while ((op = operator_find(a)) && op->level >= level) {
		bool skip = (op->level == 1 && left) || (op->level == 2 && !left);
		long right;

		a->at += strlen(op->text);
		a->skipping += skip;
		right = binary_parse(a, op->level + 1);
		a->skipping -= skip;
		left = operate(a, op->text, left, right);
	}
	return left;
}

static long ternary_parse(struct arith *a)
{
	long condition = binary_parse(a, 1);
	long yes, no;

	if (!accept(a, "?"))
		return condition;
	a->skipping += !condition;
	yes = assign_parse(a);
	a->skipping -= !condition;
	if (!accept(a, ":"))
		arith_fail(a, "expecting :");
	a->skipping += !!condition;
	no = assign_parse(a);
	a->skipping -= !!condition;
	return condition ? yes : no;
}

/* The operator of an assignment at this place, with its =; NULL if there is none. */
static const char *assignment_find(struct arith *a)
{
	static const char *const assignments[] = {
		"=", "+=", "-=", "*=", "/=", "%=", "<<=", ">>=", "&=", "^=", "|=",
	};

	space_skip(a);
	if (a->at[0] == '=' && a->at[1] == '=')
		return NULL;
	for (size_t i = 0; i < sizeof(assignments) / sizeof(assignments[0]); i++)
		if (strncmp(a->at, assignments[i], strlen(assignments[i])) == 0)
			return assignments[i];
	return NULL;
}

static long assign_parse(struct arith *a)
{
	const char *start, *op = NULL;
	char *name = NULL;
	long value;

	if (a->depth++ >= DEPTH_MAX)
		arith_fail(a, "nested too deeply");
	space_skip(a);
	start = a->at;
	if (name_start((unsigned char)*a->at)) {
		name = name_parse(a);
		op = assignment_find(a);
	}
	if (!op) {
		a->at = start;
		value = ternary_parse(a);
	} else {
		a->at += strlen(op);
		value = assign_parse(a);
		if (*op != '=' && !a->failed)
			value = operate(a, op, variable_value(a, name), value);
		if (!a->skipping && !a->failed && !var_set_number(name, value))
			a->failed = true;
	}
	a->depth--;
	return value;
}

static long comma_parse(struct arith *a)
{
	long value = assign_parse(a);

	while (accept(a, ","))
		value = assign_parse(a);
	return value;
}

bool arith_evaluate(const char *expression, long *result)
{
	struct arith a = { .at = expression, .whole = expression };

	space_skip(&a);
	/* $(( )) is 0. */
	*result = *a.at ? comma_parse(&a) : 0;
	space_skip(&a);
	if (*a.at)
		arith_fail(&a, "unexpected text");
	return !a.failed;
}

/* test and [ */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builtin.h"
#include "shell.h"

enum { DEPTH_MAX = 500 };

/* The words of an expression, from left to right. */
struct test {
	char **at;
	char **end;
	int depth;
	bool failed;
};

static bool or_parse(struct test *test);

static long left_count(const struct test *test)
{
	return test->end - test->at;
}

static void test_fail(struct test *test, const char *reason, const char *word)
{
	if (!test->failed)
		shell_error("test: %s%s%s", word ? word : "", word ? ": " : "", reason);
	test->failed = true;
	test->at = test->end;
}

static bool is_unary(const char *word)
{
	return word[0] == '-' && word[1] && !word[2] && strchr("bcdefghLknoprsStuwxzOG", word[1]);
}

static bool is_binary(const char *word)
{
	static const char *const operators[] = {
		"=", "==", "!=", "<", ">", "-eq", "-ne", "-gt", "-ge", "-lt", "-le", "-nt", "-ot",
		"-ef",
	};

	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (strcmp(operators[i], word) == 0)
			return true;
	return false;
}

static long integer_parse(struct test *test, const char *word)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(word, &end, 10);
	while (*end == ' ' || *end == '\t' || *end == '\n')
		end++;
	if (end == word || *end || errno)
		test_fail(test, "bad number", word);
	return value;
}

static bool mode_test(const struct stat *st, char op)
{
	switch (op) {
	case 'b':
		return S_ISBLK(st->st_mode);
	case 'c':
		return S_ISCHR(st->st_mode);
	case 'd':
		return S_ISDIR(st->st_mode);
	case 'f':
		return S_ISREG(st->st_mode);
	case 'g':
		return st->st_mode & S_ISGID;
	case 'h':
	case 'L':
		return S_ISLNK(st->st_mode);
	case 'k':
		return st->st_mode & S_ISVTX;
	case 'p':
		return S_ISFIFO(st->st_mode);
	case 's':
		return st->st_size > 0;
	case 'S':
		return S_ISSOCK(st->st_mode);
	case 'u':
		return st->st_mode & S_ISUID;
	case 'O':
		return st->st_uid == geteuid();
	case 'G':
		return st->st_gid == getegid();
	default:
		return true;
	}
}

static bool unary_test(struct test *test, char op, const char *word)
{
	struct stat st;

	switch (op) {
	case 'n':
		return *word;
	case 'z':
		return !*word;
	case 't':
		return isatty(integer_parse(test, word));
	case 'r':
		return faccessat(AT_FDCWD, word, R_OK, AT_EACCESS) == 0;
	case 'w':
		return faccessat(AT_FDCWD, word, W_OK, AT_EACCESS) == 0;
	case 'x':
		return faccessat(AT_FDCWD, word, X_OK, AT_EACCESS) == 0;
	case 'h':
	case 'L':
		return lstat(word, &st) == 0 && mode_test(&st, op);
	default:
		return stat(word, &st) == 0 && mode_test(&st, op);
	}
}

/* -nt, -ot and -ef; a file that is not there is older than any that is. */
static bool files_test(char op, const char *left, const char *right)
{
	struct stat a, b;
	bool left_there = stat(left, &a) == 0, right_there = stat(right, &b) == 0;
	long long order;

	if (op == 'e')
		return left_there && right_there && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
	if (!left_there || !right_there)
		return op == 'n' ? left_there && !right_there : right_there && !left_there;
	order = a.st_mtim.tv_sec - b.st_mtim.tv_sec;
	if (!order)
		order = a.st_mtim.tv_nsec - b.st_mtim.tv_nsec;
	return op == 'n' ? order > 0 : order < 0;
}

static bool binary_test(struct test *test, const char *left, const char *op, const char *right)
{
	long a, b;

	if (op[0] == '=')
		return strcmp(left, right) == 0;
	if (op[0] == '!')
		return strcmp(left, right) != 0;
	if (op[0] == '<')
		return strcmp(left, right) < 0;
	if (op[0] == '>')
		return strcmp(left, right) > 0;
	if (strcmp(op, "-nt") == 0 || strcmp(op, "-ot") == 0 || strcmp(op, "-ef") == 0)
		return files_test(op[1], left, right);
	a = integer_parse(test, left);
	b = integer_parse(test, right);
	if (strcmp(op, "-eq") == 0)
		return a == b;
	if (strcmp(op, "-ne") == 0)
		return a != b;
	if (op[1] == 'g')
		return op[2] == 'e' ? a >= b : a > b;
	return op[2] == 'e' ? a <= b : a < b;
}

static bool primary_parse(struct test *test)
{
	char **words = test->at;
	bool value;

	if (!left_count(test)) {
		test_fail(test, "argument expected", NULL);
		return false;
	}
	if (left_count(test) >= 3 && is_binary(words[1])) {
		test->at += 3;
		return binary_test(test, words[0], words[1], words[2]);
	}
	if (left_count(test) >= 2 && is_unary(words[0])) {
		test->at += 2;
		return unary_test(test, words[0][1], words[1]);
	}
	if (strcmp(words[0], "(") == 0 && left_count(test) > 1) {
		test->at++;
		value = or_parse(test);
		if (!left_count(test) || strcmp(*test->at, ")") != 0)
			test_fail(test, "closing parenthesis expected", NULL);
		else
			test->at++;
		return value;
	}
	test->at++;
	return *words[0];
}

static bool not_parse(struct test *test)
{
	bool negate = false;

	/* "! = x" compares; a lone "!" is a string. */
	while (left_count(test) > 1 && strcmp(*test->at, "!") == 0 &&
	       !(left_count(test) == 3 && is_binary(test->at[1]))) {
		negate = !negate;
		test->at++;
	}
	return primary_parse(test) != negate;
}

static bool and_parse(struct test *test)
{
	bool value = not_parse(test);

	while (left_count(test) && strcmp(*test->at, "-a") == 0) {
		test->at++;
		value &= not_parse(test);
	}
	return value;
}

static bool or_parse(struct test *test)
{
	bool value;

	if (test->depth++ >= DEPTH_MAX)
		test_fail(test, "nested too deeply", NULL);
	value = and_parse(test);
	while (left_count(test) && strcmp(*test->at, "-o") == 0) {
		test->at++;
		value |= and_parse(test);
	}
	test->depth--;
	return value;
}

int builtin_test(int argc, char **argv)
{
	struct test test = { .at = argv + 1, .end = argv + argc };
	bool value;

	if (strcmp(argv[0], "[") == 0) {
		if (strcmp(argv[argc - 1], "]") != 0) {
			shell_error("[: missing ]");
			return 2;
		}
		test.end--;
	}
	if (test.at >= test.end)
		return 1;
	value = or_parse(&test);
	if (left_count(&test))
		test_fail(&test, "unexpected word", *test.at);
	return test.failed ? 2 : !value;
}

/* test, [: conditions for scripts. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

/* What is left of the words; the grammar follows POSIX's rules by the number of arguments. */
static char **w;
static int left;

static bool expression_or(void);

static long long integer(const char *s)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(s, &end, 10);
	while (*end == ' ' || *end == '\t')
		end++;
	if (end == s || *end || errno)
		errx(2, "%s: integer expression expected", s);
	return n;
}

static bool is_binary(const char *s)
{
	static const char *const names[] = {
		"=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot",
		"-ef",
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(s, names[i]) == 0)
			return true;
	}
	return false;
}

static bool is_unary(const char *s)
{
	return s[0] == '-' && s[1] && !s[2] && strchr("bcdefghknpGLNOrsStuwxz", s[1]);
}

static int newer(const struct timespec *a, const struct timespec *b)
{
	if (a->tv_sec != b->tv_sec)
		return a->tv_sec > b->tv_sec ? 1 : -1;
	return (a->tv_nsec > b->tv_nsec) - (a->tv_nsec < b->tv_nsec);
}

static bool binary_files(const char *a, const char *op, const char *b)
{
	struct stat sa, sb;
	bool ok_a = stat(a, &sa) == 0, ok_b = stat(b, &sb) == 0;

	if (op[1] == 'e')
		return ok_a && ok_b && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
	if (op[1] == 'n')
		return ok_a && (!ok_b || newer(&sa.st_mtim, &sb.st_mtim) > 0);
	return ok_b && (!ok_a || newer(&sa.st_mtim, &sb.st_mtim) < 0);
}

static bool binary(const char *a, const char *op, const char *b)
{
	long long x, y;

	if (op[0] != '-') {
		int r = strcmp(a, b);

		return op[0] == '=' ? r == 0 : op[0] == '!' ? r != 0 : op[0] == '<' ? r < 0 : r > 0;
	}
	if (strcmp(op, "-nt") == 0 || strcmp(op, "-ot") == 0 || strcmp(op, "-ef") == 0)
		return binary_files(a, op, b);
	x = integer(a);
	y = integer(b);
	if (op[1] == 'e')
		return x == y;
	if (op[1] == 'n')
		return x != y;
	if (op[1] == 'l')
		return op[2] == 't' ? x < y : x <= y;
	return op[2] == 't' ? x > y : x >= y;
}

static bool unary_file(char op, const char *path)
{
	struct stat st;

	if (op == 'L' || op == 'h')
		return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
	if (stat(path, &st) < 0)
		return false;
	switch (op) {
	case 'b':
		return S_ISBLK(st.st_mode);
	case 'c':
		return S_ISCHR(st.st_mode);
	case 'd':
		return S_ISDIR(st.st_mode);
	case 'f':
		return S_ISREG(st.st_mode);
	case 'p':
		return S_ISFIFO(st.st_mode);
	case 'S':
		return S_ISSOCK(st.st_mode);
	case 'g':
		return st.st_mode & S_ISGID;
	case 'u':
		return st.st_mode & S_ISUID;
	case 'k':
		return st.st_mode & S_ISVTX;
	case 's':
		return st.st_size > 0;
	case 'G':
		return st.st_gid == getegid();
	case 'O':
		return st.st_uid == geteuid();
	case 'N':
		return newer(&st.st_mtim, &st.st_atim) > 0;
	default:
		return true;
	}
}

static bool unary(char op, const char *s)
{
	switch (op) {
	case 'n':
		return *s;
	case 'z':
		return !*s;
	case 't':
		return isatty((int)integer(s));
	case 'r':
		return euidaccess(s, R_OK) == 0;
	case 'w':
		return euidaccess(s, W_OK) == 0;
	case 'x':
		return euidaccess(s, X_OK) == 0;
	default:
		return unary_file(op, s);
	}
}

static void advance(int n)
{
	w += n;
	left -= n;
}

static bool primary(void)
{
	bool value;

	if (left < 1)
		errx(2, "argument expected");
	if (left >= 3 && is_binary(w[1])) {
		value = binary(w[0], w[1], w[2]);
		advance(3);
		return value;
	}
	if (left >= 2 && strcmp(w[0], "!") == 0) {
		advance(1);
		return !primary();
	}
	if (left >= 2 && strcmp(w[0], "(") == 0) {
		advance(1);
		value = expression_or();
		if (left < 1 || strcmp(w[0], ")") != 0)
			errx(2, "')' expected");
		advance(1);
		return value;
	}
	if (left >= 2 && is_unary(w[0])) {
		value = unary(w[0][1], w[1]);
		advance(2);
		return value;
	}
	value = *w[0];
	advance(1);
	return value;
}

static bool expression_and(void)
{
	bool value = primary();

	while (left > 0 && strcmp(w[0], "-a") == 0) {
		advance(1);
		value &= primary();
	}
	return value;
}

static bool expression_or(void)
{
	bool value = expression_and();

	while (left > 0 && strcmp(w[0], "-o") == 0) {
		advance(1);
		value |= expression_and();
	}
	return value;
}

static int test_words(int argc, char **argv)
{
	bool value;

	if (argc == 0)
		return 1;
	w = argv;
	left = argc;
	/* With few words POSIX decides before any operator is looked for. */
	if (argc == 1)
		return !*w[0];
	if (argc == 2 && strcmp(w[0], "!") == 0)
		return *w[1] != 0;
	if (argc == 3 && strcmp(w[0], "(") == 0 && strcmp(w[2], ")") == 0 && !is_binary(w[1]))
		return !*w[1];
	value = expression_or();
	if (left > 0)
		errx(2, "extra argument '%s'", w[0]);
	return !value;
}

static int test_main(int argc, char **argv)
{
	return test_words(argc - 1, argv + 1);
}

static int bracket_main(int argc, char **argv)
{
	if (strcmp(argv[argc - 1], "]") != 0)
		errx(2, "missing ']'");
	return test_words(argc - 2, argv + 1);
}

TOOL("test", test_main, "");
TOOL("[", bracket_main, "");

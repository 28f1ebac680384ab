/* Builtins about what a process has: its directory, limits, mask and times. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/times.h>
#include <unistd.h>

#include "builtin.h"
#include "directory.h"
#include "mem.h"
#include "shell.h"
#include "var.h"

/* Take -L and -P; returns the index of the first operand, -1 after a message. */
static int path_options(int argc, char **argv, bool *physical)
{
	int i;

	*physical = false;
	for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		if (strcmp(argv[i], "--") == 0)
			return i + 1;
		if (strspn(argv[i] + 1, "LP") != strlen(argv[i] + 1)) {
			shell_error("%s: illegal option %s", argv[0], argv[i]);
			return -1;
		}
		*physical = argv[i][strlen(argv[i]) - 1] == 'P';
	}
	return i;
}

/* Try the entries of CDPATH; true if one of them has the directory. */
static bool cdpath_change(const char *name, bool physical)
{
	const char *path = var_get_or("CDPATH", "");

	if (name[0] == '/' || name[0] == '.')
		return false;
	while (*path) {
		size_t len = strcspn(path, ":");
		struct text text;

		text_init(&text, &scratch);
		text_bytes(&text, path, len);
		text_string(&text, len ? "/" : "");
		text_string(&text, name);
		if (directory_change(text_finish(&text), physical)) {
			if (len)
				printf("%s\n", directory_current());
			return true;
		}
		path += len + (path[len] == ':');
	}
	return false;
}

int builtin_cd(int argc, char **argv)
{
	bool physical;
	int i = path_options(argc, argv, &physical);
	const char *target;
	bool back;

	if (i < 0)
		return 2;
	back = i < argc && strcmp(argv[i], "-") == 0;
	if (i == argc)
		target = var_get("HOME");
	else
		target = back ? var_get("OLDPWD") : argv[i];
	if (!target) {
		shell_error("cd: %s not set", back ? "OLDPWD" : "HOME");
		return 2;
	}
	target = arena_string(&scratch, target);
	if (cdpath_change(target, physical))
		return 0;
	if (!*target && i < argc)
		return 0;
	if (!directory_change(target, physical)) {
		shell_error("cd: can't cd to %s: %s", target, strerror(errno));
		return 2;
	}
	if (back)
		printf("%s\n", directory_current());
	return 0;
}

int builtin_pwd(int argc, char **argv)
{
	bool physical;
	char path[PATH_MAX];

	if (path_options(argc, argv, &physical) < 0)
		return 2;
	if (!physical) {
		printf("%s\n", directory_current());
		return 0;
	}
	if (!getcwd(path, sizeof(path))) {
		shell_error("pwd: %s", strerror(errno));
		return 1;
	}
	printf("%s\n", path);
	return 0;
}

/* Change *mode by one clause [ugoa]*[+-=][rwx]* of a symbolic mode. */
static bool mode_clause(const char **text, unsigned *mode)
{
	const char *p = *text;
	unsigned who = 0, bits = 0;
	char op;

	for (; *p && strchr("ugoa", *p); p++)
		who |= *p == 'u' ? 0700 : *p == 'g' ? 070 : *p == 'o' ? 07 : 0777;
	if (!who)
		who = 0777;
	op = *p;
	if (!op || !strchr("+-=", op))
		return false;
	for (p++; *p && strchr("rwx", *p); p++)
		bits |= *p == 'r' ? 0444 : *p == 'w' ? 0222 : 0111;
	if (op == '+')
		*mode |= who & bits;
	else if (op == '-')
		*mode &= ~(who & bits);
	else
		*mode = (*mode & ~who) | (who & bits);
	if (*p == ',')
		p++;
	else if (*p)
		return false;
	*text = p;
	return true;
}

static void umask_print(unsigned mask, bool symbolic)
{
	static const char letters[] = "ugo";
	unsigned mode = ~mask & 0777;

	if (!symbolic) {
		printf("%04o\n", mask);
		return;
	}
	for (int i = 0; i < 3; i++) {
		unsigned bits = mode >> (6 - 3 * i) & 7;

		printf("%c=%s%s%s%c", letters[i], bits & 4 ? "r" : "", bits & 2 ? "w" : "",
		       bits & 1 ? "x" : "", i < 2 ? ',' : '\n');
	}
}

int builtin_umask(int argc, char **argv)
{
	bool symbolic = argc > 1 && strcmp(argv[1], "-S") == 0;
	const char *text = argv[1 + symbolic];
	unsigned mask = umask(0);
	unsigned mode = ~mask & 0777;
	char *end;

	umask(mask);
	if (!text) {
		umask_print(mask, symbolic);
		return 0;
	}
	if (*text >= '0' && *text <= '7') {
		mask = strtoul(text, &end, 8);
		if (*end || mask > 0777)
			goto bad;
		umask(mask);
		return 0;
	}
	for (end = (char *)text; *end;)
		if (!mode_clause((const char **)&end, &mode))
			goto bad;
	umask(~mode & 0777);
	return 0;
bad:
	shell_error("umask: %s: bad mode", text);
	return 2;
}

static const struct limit {
	char letter;
	int resource;
	unsigned unit;		/* bytes or pieces per unit shown */
	const char *name;
} limits[] = {
	{ 'c', RLIMIT_CORE, 512, "core file size (blocks)" },
	{ 'd', RLIMIT_DATA, 1024, "data segment (kbytes)" },
	{ 'f', RLIMIT_FSIZE, 512, "file size (blocks)" },
	{ 'l', RLIMIT_MEMLOCK, 1024, "locked memory (kbytes)" },
	{ 'm', RLIMIT_RSS, 1024, "resident set (kbytes)" },
	{ 'n', RLIMIT_NOFILE, 1, "open files" },
	{ 'p', RLIMIT_NPROC, 1, "processes" },
	{ 's', RLIMIT_STACK, 1024, "stack size (kbytes)" },
	{ 't', RLIMIT_CPU, 1, "cpu time (seconds)" },
	{ 'v', RLIMIT_AS, 1024, "address space (kbytes)" },
};

enum { LIMITS = sizeof(limits) / sizeof(limits[0]) };

static int limit_print(const struct limit *limit, bool hard, bool named)
{
	struct rlimit value;
	rlim_t number;

	if (getrlimit(limit->resource, &value) < 0) {
		shell_error("ulimit: %s: %s", limit->name, strerror(errno));
		return 1;
	}
	number = hard ? value.rlim_max : value.rlim_cur;
	if (named)
		printf("-%c  %-26s", limit->letter, limit->name);
	if (number == RLIM_INFINITY)
		printf("unlimited\n");
	else
		printf("%llu\n", (unsigned long long)number / limit->unit);
	return 0;
}

static int limit_change(const struct limit *limit, bool hard, bool soft, const char *text)
{
	struct rlimit value;
	rlim_t number = RLIM_INFINITY;

	if (strcmp(text, "unlimited") != 0) {
		long units = builtin_number("ulimit", text, LONG_MAX / limit->unit);

		if (units < 0)
			return 2;
		number = (rlim_t)units * limit->unit;
	}
	if (getrlimit(limit->resource, &value) == 0) {
		if (hard)
			value.rlim_max = number;
		if (soft)
			value.rlim_cur = number;
		if (setrlimit(limit->resource, &value) == 0)
			return 0;
	}
	shell_error("ulimit: %s: %s", limit->name, strerror(errno));
	return 1;
}

int builtin_ulimit(int argc, char **argv)
{
	const struct limit *limit = NULL;
	bool hard = false, soft = false, all = false;
	int status = 0;
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		for (const char *p = argv[i] + 1; *p; p++) {
			int n = 0;

			while (n < LIMITS && limits[n].letter != *p)
				n++;
			hard |= *p == 'H';
			soft |= *p == 'S';
			all |= *p == 'a';
			if (n < LIMITS)
				limit = &limits[n];
			else if (!strchr("HSa", *p)) {
				shell_error("ulimit: illegal option -%c", *p);
				return 2;
			}
		}
	}
	for (int n = 0; all && n < LIMITS; n++)
		status |= limit_print(&limits[n], hard, true);
	if (all)
		return status;
	if (!limit)
		limit = &limits[2];
	if (i == argc)
		return limit_print(limit, hard && !soft, false);
	return limit_change(limit, hard || !soft, soft || !hard, argv[i]);
}

static void time_print(clock_t ticks, char end)
{
	long rate = sysconf(_SC_CLK_TCK);

	printf("%ldm%ld.%02lds%c", ticks / rate / 60, ticks / rate % 60,
	       ticks % rate * 100 / rate, end);
}

int builtin_times(int argc, char **argv)
{
	struct tms tms;

	(void)argc;
	(void)argv;
	times(&tms);
	time_print(tms.tms_utime, ' ');
	time_print(tms.tms_stime, '\n');
	time_print(tms.tms_cutime, ' ');
	time_print(tms.tms_cstime, '\n');
	return 0;
}

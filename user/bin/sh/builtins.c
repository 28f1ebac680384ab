#include "builtin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history.h"
#include "shell.h"

static int builtin_true(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

static int builtin_false(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 1;
}

/* Sorted by name. */
static const struct builtin builtins[] = {
	{ ".", builtin_dot, BUILTIN_SPECIAL },
	{ ":", builtin_true, BUILTIN_SPECIAL },
	{ "[", builtin_test, 0 },
	{ "alias", builtin_alias, 0 },
	{ "bg", builtin_bg, 0 },
	{ "break", builtin_break, BUILTIN_SPECIAL },
	{ "cd", builtin_cd, 0 },
	{ "command", builtin_command, 0 },
	{ "continue", builtin_break, BUILTIN_SPECIAL },
	{ "echo", builtin_echo, 0 },
	{ "eval", builtin_eval, BUILTIN_SPECIAL },
	{ "exec", builtin_exec, BUILTIN_SPECIAL | BUILTIN_KEEP },
	{ "exit", builtin_exit, BUILTIN_SPECIAL },
	{ "export", builtin_export, BUILTIN_SPECIAL },
	{ "false", builtin_false, 0 },
	{ "fg", builtin_fg, 0 },
	{ "getopts", builtin_getopts, 0 },
	{ "hash", builtin_hash, 0 },
	{ "history", builtin_history, 0 },
	{ "jobs", builtin_jobs, 0 },
	{ "kill", builtin_kill, 0 },
	{ "local", builtin_local, 0 },
	{ "printf", builtin_printf, 0 },
	{ "pwd", builtin_pwd, 0 },
	{ "read", builtin_read, 0 },
	{ "readonly", builtin_export, BUILTIN_SPECIAL },
	{ "return", builtin_return, BUILTIN_SPECIAL },
	{ "set", builtin_set, BUILTIN_SPECIAL },
	{ "shift", builtin_shift, BUILTIN_SPECIAL },
	{ "source", builtin_dot, BUILTIN_SPECIAL },
	{ "test", builtin_test, 0 },
	{ "times", builtin_times, BUILTIN_SPECIAL },
	{ "trap", builtin_trap, BUILTIN_SPECIAL },
	{ "true", builtin_true, 0 },
	{ "type", builtin_type, 0 },
	{ "ulimit", builtin_ulimit, 0 },
	{ "umask", builtin_umask, 0 },
	{ "unalias", builtin_unalias, 0 },
	{ "unset", builtin_unset, BUILTIN_SPECIAL },
	{ "wait", builtin_wait, 0 },
};

enum { BUILTINS = sizeof(builtins) / sizeof(builtins[0]) };

static int builtin_compare(const void *name, const void *builtin)
{
	return strcmp(name, ((const struct builtin *)builtin)->name);
}

const struct builtin *builtin_find(const char *name)
{
	return bsearch(name, builtins, BUILTINS, sizeof(builtins[0]), builtin_compare);
}

const struct builtin *builtin_nth(unsigned n)
{
	return n < BUILTINS ? &builtins[n] : NULL;
}

long builtin_number(const char *who, const char *text, long most)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (end == text || *end || errno || value < 0 || value > most) {
		shell_error("%s: %s: bad number", who, text);
		return -1;
	}
	return value;
}

int builtin_history(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	for (int i = 0; i < history_count(); i++)
		printf("%5d  %s\n", i + 1, history_line(i));
	return 0;
}

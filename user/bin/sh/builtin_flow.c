/* Builtins that change which command comes next. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "alias.h"
#include "builtin.h"
#include "command.h"
#include "function.h"
#include "jobs.h"
#include "parser.h"
#include "quote.h"
#include "run.h"
#include "shell.h"
#include "trap.h"
#include "var.h"

/* break and continue */
int builtin_break(int argc, char **argv)
{
	long levels = argc > 1 ? builtin_number(argv[0], argv[1], INT_MAX) : 1;

	if (levels <= 0) {
		if (!levels)
			shell_error("%s: %s: bad number", argv[0], argv[1]);
		shell_abort(2);
		return 2;
	}
	if (levels > shell.loops)
		levels = shell.loops;
	if (!levels)
		return 0;
	shell.unwind_levels = levels;
	shell.unwind = argv[0][0] == 'b' ? UNWIND_BREAK : UNWIND_CONTINUE;
	shell.status = 0;
	return 0;
}

int builtin_return(int argc, char **argv)
{
	long status = argc > 1 ? builtin_number(argv[0], argv[1], INT_MAX) : shell.status;

	if (status < 0) {
		shell_abort(2);
		return 2;
	}
	if (!shell.returnable)
		shell_exit(status);
	shell.status = status & 0xff;
	shell.unwind = UNWIND_RETURN;
	return shell.status;
}

int builtin_exit(int argc, char **argv)
{
	static bool warned;
	long status = argc > 1 ? builtin_number(argv[0], argv[1], INT_MAX) : shell.status;

	if (status < 0)
		status = 2;
	if (shell.interactive && !warned && jobs_stopped()) {
		warned = true;
		fprintf(stderr, "There are stopped jobs.\n");
		return 1;
	}
	shell_exit(status);
}

int builtin_eval(int argc, char **argv)
{
	struct text text;

	text_init(&text, &scratch);
	for (int i = 1; i < argc; i++) {
		text_string(&text, argv[i]);
		if (i + 1 < argc)
			text_char(&text, ' ');
	}
	shell.status = 0;
	run_string(text_finish(&text));
	return shell.status;
}

int builtin_exec(int argc, char **argv)
{
	if (argc < 2)
		return 0;
	command_exec(argv + 1);
}

/* The file for "." is looked for in PATH, and need not be executable. */
static const char *dot_path(const char *name)
{
	const char *path = var_get_or("PATH", "");

	if (strchr(name, '/'))
		return name;
	while (*path) {
		size_t len = strcspn(path, ":");
		struct text text;

		text_init(&text, &scratch);
		text_bytes(&text, path, len);
		text_string(&text, len ? "/" : "");
		text_string(&text, name);
		if (access(text_finish(&text), R_OK) == 0)
			return text_finish(&text);
		path += len + (path[len] == ':');
	}
	return name;
}

int builtin_dot(int argc, char **argv)
{
	if (argc < 2) {
		shell_error(".: usage: . file");
		shell_abort(2);
		return 2;
	}
	shell.status = 0;
	if (!run_file(dot_path(argv[1])))
		shell_abort(2);
	return shell.status;
}

/* What a name means as a command. `brief`: as command -v prints it. */
static bool describe(const char *name, bool brief)
{
	const struct alias *alias = alias_find(name);
	const struct builtin *builtin = builtin_find(name);
	const char *path;

	if (parser_reserved(name)) {
		printf(brief ? "%s\n" : "%s is a reserved word\n", name);
	} else if (alias && brief) {
		printf("alias %s=%s\n", name, quote_word(alias->value));
	} else if (alias) {
		printf("%s is an alias for %s\n", name, alias->value);
	} else if (builtin && (brief || !function_find(name))) {
		printf(brief ? "%s\n" : "%s is a shell builtin\n", name);
	} else if (function_find(name)) {
		printf(brief ? "%s\n" : "%s is a function\n", name);
	} else {
		path = command_path(name);
		if (!path)
			return false;
		if (brief)
			printf("%s\n", path);
		else
			printf("%s is %s\n", name, path);
	}
	return true;
}

int builtin_type(int argc, char **argv)
{
	int status = 0;

	for (int i = 1; i < argc; i++) {
		if (describe(argv[i], false))
			continue;
		printf("%s: not found\n", argv[i]);
		status = 127;
	}
	return status;
}

/* Nothing is remembered, so that there is nothing to list or (-r) to forget. */
int builtin_hash(int argc, char **argv)
{
	int status = 0;

	for (int i = argc > 1 && strcmp(argv[1], "-r") == 0 ? 2 : 1; i < argc; i++) {
		if (command_path(argv[i]) || builtin_find(argv[i]) || function_find(argv[i]))
			continue;
		shell_error("hash: %s: not found", argv[i]);
		status = 1;
	}
	return status;
}

int builtin_command(int argc, char **argv)
{
	bool look = false, brief = true;
	int i;

	for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (strcmp(argv[i], "-v") != 0 && strcmp(argv[i], "-V") != 0 &&
		    strcmp(argv[i], "-p") != 0) {
			shell_error("command: illegal option %s", argv[i]);
			return 2;
		}
		look |= argv[i][1] != 'p';
		brief = argv[i][1] != 'V';
	}
	if (i == argc)
		return 0;
	if (!look)
		return command_words(argv + i);
	if (describe(argv[i], brief))
		return 0;
	if (!brief)
		shell_error("%s: not found", argv[i]);
	return 127;
}

int builtin_trap(int argc, char **argv)
{
	int first = argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1;
	const char *action;
	int status = 0;

	if (first == argc || strcmp(argv[first], "-p") == 0) {
		trap_print();
		return 0;
	}
	/* Without an action, or with a number as the first word, all words are signals. */
	action = argv[first];
	if (strcmp(action, "-") == 0) {
		action = NULL;
		first++;
	} else if ((*action >= '0' && *action <= '9') || argc == first + 1) {
		action = NULL;
	} else {
		first++;
	}
	for (int i = first; i < argc; i++) {
		int signal = trap_signal_number(argv[i]);

		if (signal < 0) {
			shell_error("trap: %s: bad signal", argv[i]);
			status = 1;
		} else {
			trap_set(signal, action);
		}
	}
	return status;
}

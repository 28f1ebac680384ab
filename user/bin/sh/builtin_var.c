/* Builtins about variables, parameters, options and aliases. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alias.h"
#include "builtin.h"
#include "function.h"
#include "mem.h"
#include "options.h"
#include "quote.h"
#include "shell.h"
#include "var.h"

/* Split NAME or NAME=VALUE; false, with a message, if the name is none. */
static bool assignment_split(const char *who, const char *word, char **name, const char **value)
{
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);

	*name = arena_copy(&scratch, word, len);
	*value = equals ? equals + 1 : NULL;
	if (var_name_valid(*name))
		return true;
	shell_error("%s: %s: bad variable name", who, *name);
	return false;
}

static void flagged_print(const struct var *var, void *context)
{
	unsigned flag = *(unsigned *)context;

	if (!(var->flags & flag))
		return;
	printf("%s %s", flag == VAR_EXPORT ? "export" : "readonly", var->name);
	if (var->value)
		printf("=%s", quote_word(var->value));
	putchar('\n');
}

/* export and readonly */
int builtin_export(int argc, char **argv)
{
	unsigned flag = argv[0][0] == 'e' ? VAR_EXPORT : VAR_READONLY;
	int first = argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1;

	if (first == argc || strcmp(argv[first], "-p") == 0) {
		var_each(flagged_print, &flag);
		return 0;
	}
	for (int i = first; i < argc; i++) {
		const char *value;
		char *name;

		if (!assignment_split(argv[0], argv[i], &name, &value) ||
		    (value && !var_set(name, value))) {
			shell_abort(2);
			return 2;
		}
		var_flag(name, flag);
	}
	return 0;
}

int builtin_local(int argc, char **argv)
{
	if (!shell.returnable) {
		shell_error("local: not in a function");
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		const char *value;
		char *name;

		if (!assignment_split(argv[0], argv[i], &name, &value))
			return 2;
		var_scope_save(name);
		if (value && !var_set(name, value)) {
			shell_abort(2);
			return 2;
		}
	}
	return 0;
}

int builtin_unset(int argc, char **argv)
{
	bool functions = false;
	int i = 1;

	if (i < argc && (strcmp(argv[i], "-f") == 0 || strcmp(argv[i], "-v") == 0))
		functions = argv[i++][1] == 'f';
	for (; i < argc; i++) {
		if (functions) {
			function_remove(argv[i]);
			continue;
		}
		if (!var_name_valid(argv[i])) {
			shell_error("unset: %s: bad variable name", argv[i]);
			shell_abort(2);
			return 2;
		}
		if (!var_unset(argv[i])) {
			shell_abort(2);
			return 2;
		}
	}
	return 0;
}

static void variable_print(const struct var *var, void *context)
{
	(void)context;
	if (var->value)
		printf("%s=%s\n", var->name, quote_word(var->value));
}

int builtin_set(int argc, char **argv)
{
	bool end;
	int first;

	if (argc == 1) {
		var_each(variable_print, NULL);
		return 0;
	}
	first = options_parse(argv, "", NULL, &end);
	if (first < 0) {
		shell_abort(2);
		return 2;
	}
	/* "set -" and "set --" empty the parameters, "set -x" leaves them. */
	if (first < argc || end)
		params_set(&shell.params, argv + first);
	return 0;
}

int builtin_shift(int argc, char **argv)
{
	long n = argc > 1 ? builtin_number("shift", argv[1], INT_MAX) : 1;

	if (n < 0 || n > shell.params.count) {
		if (n > 0)
			shell_error("shift: can't shift that many");
		shell_abort(2);
		return 2;
	}
	params_shift(&shell.params, n);
	return 0;
}

static void alias_print(const struct alias *alias)
{
	printf("%s=%s\n", alias->name, quote_word(alias->value));
}

int builtin_alias(int argc, char **argv)
{
	int status = 0;

	if (argc == 1)
		alias_each(alias_print);
	for (int i = 1; i < argc; i++) {
		const char *equals = strchr(argv[i] + (argv[i][0] == '='), '=');
		const struct alias *alias;

		if (equals) {
			alias_set(arena_copy(&scratch, argv[i], equals - argv[i]), equals + 1);
			continue;
		}
		alias = alias_find(argv[i]);
		if (alias) {
			alias_print(alias);
		} else {
			shell_error("alias: %s: not found", argv[i]);
			status = 1;
		}
	}
	return status;
}

int builtin_unalias(int argc, char **argv)
{
	int status = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-a") == 0) {
			alias_remove_all();
		} else if (!alias_remove(argv[i])) {
			shell_error("unalias: %s: not found", argv[i]);
			status = 1;
		}
	}
	return status;
}

/* Where getopts is within a cluster of options such as -abc. */
static struct {
	long index;		/* the OPTIND this belongs to */
	size_t offset;		/* of the next letter; 0: a new word begins */
} getopts_at;

static int getopts_finish(const char *variable, long index, char letter, const char *argument)
{
	char text[2] = { letter, '\0' };
	bool ok = var_set(variable, text) && var_set_number("OPTIND", index);

	getopts_at.index = index;
	if (argument)
		ok = ok && var_set("OPTARG", argument);
	else
		var_unset("OPTARG");
	return ok ? 0 : 2;
}

/* An unknown letter (`reason` '?') or one without its argument (':'). */
static int getopts_error(char **argv, long index, char letter, char reason)
{
	bool silent = argv[1][0] == ':';
	char text[2] = { letter, '\0' };

	if (silent)
		return getopts_finish(argv[2], index, reason, text);
	shell_error(reason == '?' ? "illegal option -%c" : "no argument for -%c", letter);
	return getopts_finish(argv[2], index, '?', NULL);
}

static int getopts_next(char **argv, char *const *words, int count, long index)
{
	const char *word = index <= count ? words[index - 1] : NULL;
	const char *found;
	char letter;

	if (!getopts_at.offset) {
		if (!word || word[0] != '-' || !word[1] || strcmp(word, "--") == 0) {
			if (word && strcmp(word, "--") == 0)
				index++;
			getopts_finish(argv[2], index, '?', NULL);
			return 1;
		}
		getopts_at.offset = 1;
	}
	letter = word[getopts_at.offset++];
	if (!word[getopts_at.offset]) {
		getopts_at.offset = 0;
		index++;
	}
	found = letter == ':' ? NULL : strchr(argv[1], letter);
	if (!found)
		return getopts_error(argv, index, letter, '?');
	if (found[1] != ':')
		return getopts_finish(argv[2], index, letter, NULL);
	if (getopts_at.offset) {
		const char *argument = word + getopts_at.offset;

		getopts_at.offset = 0;
		return getopts_finish(argv[2], index + 1, letter, argument);
	}
	if (index > count)
		return getopts_error(argv, index, letter, ':');
	return getopts_finish(argv[2], index + 1, letter, words[index - 1]);
}

int builtin_getopts(int argc, char **argv)
{
	long index = atol(var_get_or("OPTIND", "1"));
	char *const *words = argc > 3 ? argv + 3 : shell.params.list;
	int count = argc > 3 ? argc - 3 : shell.params.count;

	if (argc < 3 || !var_name_valid(argv[2])) {
		shell_error("getopts: usage: getopts optstring name [args]");
		return 2;
	}
	if (index < 1)
		index = 1;
	/* A script starts over by setting OPTIND; the words may have changed as well. */
	if (index != getopts_at.index || index > count ||
	    getopts_at.offset >= strlen(words[index - 1]))
		getopts_at.offset = 0;
	return getopts_next(argv, words, count, index);
}

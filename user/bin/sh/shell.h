/* The state every part of the shell shares, and the ways to end a command or the shell. */
#ifndef SH_SHELL_H
#define SH_SHELL_H

#include <stdbool.h>
#include <sys/types.h>

/* Why running commands is being left before their end. */
enum unwind {
	UNWIND_NONE,
	UNWIND_BREAK,		/* unwind_levels loops are to be left */
	UNWIND_CONTINUE,	/* same, the last one goes on with its next round */
	UNWIND_RETURN,		/* to the end of the function or the sourced file */
	UNWIND_ABORT,		/* to the prompt: an error or ctrl-C in an interactive shell */
};

/* Options of set(1), in the order of option_letters[]. */
enum option {
	OPTION_ALLEXPORT = 1 << 0,
	OPTION_ERREXIT = 1 << 1,
	OPTION_NOGLOB = 1 << 2,
	OPTION_MONITOR = 1 << 3,
	OPTION_NOEXEC = 1 << 4,
	OPTION_NOUNSET = 1 << 5,
	OPTION_VERBOSE = 1 << 6,
	OPTION_XTRACE = 1 << 7,
	OPTION_NOCLOBBER = 1 << 8,
	OPTION_IGNOREEOF = 1 << 9,
	OPTION_PIPEFAIL = 1 << 10,
	OPTION_INTERACTIVE = 1 << 11,
	OPTION_STDIN = 1 << 12,
};

struct params {
	int count;
	char **list;		/* heap, each string on the heap too; NULL when count is 0 */
};

struct shell {
	const char *name;	/* $0 */
	struct params params;	/* $1 ... */
	int status;		/* $? */
	pid_t pid;		/* $$, the same in all subshells */
	pid_t background;	/* $!, 0 before the first & */
	unsigned options;	/* OPTION_* */
	bool interactive;	/* prompts; never true in a forked child */
	bool forked;		/* a subshell: EXIT traps and history belong to the parent */
	int line;		/* of the command being run */
	enum unwind unwind;
	int unwind_levels;
	int loops;		/* loops around the command being run, in this function */
	int calls;		/* functions, evals and sourced files being run */
	int returnable;		/* functions and sourced files being run */
	int tested;		/* > 0: a failing command does not trigger errexit */
	int substitution;	/* status of the last command substitution */
};

extern struct shell shell;

static inline bool option_on(enum option option)
{
	return shell.options & option;
}

/* Print "name: line: message" to standard error. */
void shell_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * An error that ends a script. A shell that is not interactive exits with `status`;
 * an interactive one is set to unwind to its prompt and this returns.
 */
void shell_abort(int status);

/* Run the EXIT trap and leave with `status`. */
void shell_exit(int status) __attribute__((noreturn));

/* Replace $1... by copies of the strings of a NULL-terminated vector. */
void params_set(struct params *params, char *const *list);
void params_free(struct params *params);
void params_shift(struct params *params, int n);

#endif

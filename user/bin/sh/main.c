#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "directory.h"
#include "exec.h"
#include "expand.h"
#include "history.h"
#include "input.h"
#include "jobs.h"
#include "options.h"
#include "parser.h"
#include "run.h"
#include "shell.h"
#include "trap.h"
#include "var.h"

extern char **environ;

/* The words of the command line that say where commands come from. */
struct invocation {
	char letters[8];	/* of -c, -l and the like, as found */
	char **operands;	/* what follows the options */
	bool login;
};

/* Read and run one command of a person; false at the end of the input. */
static bool interactive_step(struct lexer *lex, struct input *input)
{
	struct arena_mark mark = arena_mark(&scratch);
	struct program *program = program_new();
	enum parse_result result;

	shell.unwind = UNWIND_NONE;
	shell.loops = 0;
	shell.tested = 0;
	trap_run();
	/* A ctrl-C that reached us along with the command before has done its work. */
	trap_interrupted();
	jobs_notify();
	input_begin(input);
	result = parser_next(lex, program);
	if (result == PARSE_OK)
		exec_program(program, false);
	if (result == PARSE_ERROR) {
		if (shell.status != 130)
			shell.status = 2;
		lexer_reset(lex);
	}
	program_drop(program);
	arena_release(&scratch, mark);
	return result != PARSE_END;
}

static void interactive_run(void)
{
	static bool warned;
	struct lexer lex;
	struct input *input = input_stdin(&lex);

	lexer_init(&lex, NULL, 0, input_refill, input);
	for (;;) {
		if (interactive_step(&lex, input)) {
			continue;
		} else if (option_on(OPTION_IGNOREEOF)) {
			fprintf(stderr, "Use \"exit\" to leave the shell.\n");
		} else if (!warned && jobs_stopped()) {
			warned = true;
			fprintf(stderr, "There are stopped jobs.\n");
		} else {
			break;
		}
	}
	input_close(input);
}

/* Run a start-up file if it is there. What goes wrong in it does not end the shell. */
static void profile_run(const char *path)
{
	if (access(path, R_OK) == 0)
		run_file(path);
	shell.unwind = UNWIND_NONE;
}

static void profiles_run(bool login)
{
	const char *file;
	struct text text;

	if (login) {
		profile_run("/etc/profile");
		text_init(&text, &scratch);
		text_string(&text, var_get_or("HOME", ""));
		text_string(&text, "/.profile");
		profile_run(text_finish(&text));
	}
	file = shell.interactive ? var_get("ENV") : NULL;
	if (file && *file)
		profile_run(expand_prompt(file));
}

static void variables_init(void)
{
	var_import(environ);
	directory_init();
	var_set("IFS", " \t\n");
	var_set("OPTIND", "1");
	if (!var_get("PATH"))
		var_set("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
	if (!var_get("PS1"))
		var_set("PS1", geteuid() == 0 ? "$PWD# " : "$PWD$ ");
	if (!var_get("PS2"))
		var_set("PS2", "> ");
	if (!var_get("PS4"))
		var_set("PS4", "+ ");
	var_set_number("PPID", getppid());
}

static void invocation_parse(char **argv, struct invocation *invocation)
{
	bool end;
	int first = options_parse(argv, "cl", invocation->letters, &end);

	if (first < 0)
		_exit(2);
	invocation->operands = argv + first;
	invocation->login = argv[0][0] == '-' || strchr(invocation->letters, 'l');
}

static void interactive_init(bool wanted)
{
	bool person = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);

	if (!wanted && !person)
		return;
	shell.interactive = true;
	shell.options |= OPTION_INTERACTIVE;
	trap_refresh();
	jobs_monitor(true);
	history_load();
}

static void __attribute__((noreturn)) command_string_run(char **operands)
{
	struct lexer lex;

	if (!operands[0]) {
		shell_error("-c needs a command");
		_exit(2);
	}
	if (operands[1]) {
		shell.name = operands[1];
		params_set(&shell.params, operands + 2);
	}
	lexer_init(&lex, operands[0], strlen(operands[0]), NULL, NULL);
	run_lexer(&lex, true);
	shell_exit(shell.status);
}

static void __attribute__((noreturn)) script_run(char **operands)
{
	struct lexer lex;
	struct input *input;

	shell.name = operands[0];
	params_set(&shell.params, operands + 1);
	input = input_open(operands[0]);
	if (!input)
		_exit(errno == ENOENT ? 127 : 126);
	lexer_init(&lex, NULL, 0, input_refill, input);
	run_lexer(&lex, false);
	shell_exit(shell.status);
}

int main(int argc, char **argv)
{
	struct invocation invocation = { 0 };
	struct lexer lex;

	(void)argc;
	shell.name = argv[0];
	shell.pid = getpid();
	shell.line = 1;
	trap_init();
	variables_init();
	invocation_parse(argv, &invocation);
	if (!strchr(invocation.letters, 'c') &&
	    (!invocation.operands[0] || option_on(OPTION_STDIN)))
		interactive_init(option_on(OPTION_INTERACTIVE));
	profiles_run(invocation.login);
	if (strchr(invocation.letters, 'c'))
		command_string_run(invocation.operands);
	if (invocation.operands[0] && !option_on(OPTION_STDIN))
		script_run(invocation.operands);
	shell.options |= OPTION_STDIN;
	params_set(&shell.params, invocation.operands);
	if (shell.interactive) {
		interactive_run();
	} else {
		lexer_init(&lex, NULL, 0, input_refill, input_stdin(NULL));
		run_lexer(&lex, false);
	}
	shell_exit(shell.status);
}

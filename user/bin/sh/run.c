#include "run.h"

#include <string.h>

#include "exec.h"
#include "input.h"
#include "lexer.h"
#include "parser.h"
#include "shell.h"

enum { CALLS_MAX = 1000 };

bool run_enter(void)
{
	if (shell.calls >= CALLS_MAX) {
		shell_error("functions or evals nested too deeply");
		shell_abort(2);
		return false;
	}
	shell.calls++;
	return true;
}

void run_leave(void)
{
	shell.calls--;
}

/* Run one program; false if the reading is to stop. */
static bool program_run(struct lexer *lex, struct program *program, bool tail)
{
	switch (parser_next(lex, program)) {
	case PARSE_END:
		return false;
	case PARSE_ERROR:
		lexer_reset(lex);
		shell_abort(2);
		return false;
	case PARSE_OK:
		break;
	}
	if (!option_on(OPTION_NOEXEC)) {
		bool last = tail && !lex->base.refill && lex->base.at == lex->base.end;

		exec_program(program, last);
	}
	return shell.unwind == UNWIND_NONE;
}

void run_lexer(struct lexer *lex, bool tail)
{
	bool more = true;

	while (more) {
		struct arena_mark mark = arena_mark(&scratch);
		struct program *program = program_new();

		more = program_run(lex, program, tail);
		program_drop(program);
		arena_release(&scratch, mark);
	}
	lexer_reset(lex);
}

void run_string(const char *string)
{
	struct lexer lex;
	int line = shell.line;

	if (!run_enter())
		return;
	lexer_init(&lex, string, strlen(string), NULL, NULL);
	if (line > 0)
		lex.line = line;
	run_lexer(&lex, false);
	run_leave();
}

bool run_file(const char *path)
{
	struct lexer lex;
	struct input *input = input_open(path);

	if (!input)
		return false;
	if (run_enter()) {
		lexer_init(&lex, NULL, 0, input_refill, input);
		shell.returnable++;
		run_lexer(&lex, false);
		shell.returnable--;
		if (shell.unwind == UNWIND_RETURN)
			shell.unwind = UNWIND_NONE;
		run_leave();
	}
	input_close(input);
	return true;
}

#include "function.h"

#include <stdlib.h>
#include <string.h>

#include "exec.h"
#include "run.h"
#include "shell.h"
#include "var.h"

static struct function *functions;

static struct function **function_link(const char *name)
{
	struct function **link = &functions;

	while (*link && strcmp((*link)->name, name) != 0)
		link = &(*link)->next;
	return link;
}

const struct function *function_find(const char *name)
{
	return *function_link(name);
}

bool function_remove(const char *name)
{
	struct function **link = function_link(name);
	struct function *function = *link;

	if (!function)
		return false;
	*link = function->next;
	program_drop(function->program);
	free(function->name);
	free(function);
	return true;
}

void function_define(const char *name, struct program *program, const struct node *body)
{
	struct function *function = heap_alloc(sizeof(*function));

	program_hold(program);
	function_remove(name);
	function->name = heap_string(name);
	function->program = program;
	function->body = body;
	function->next = functions;
	functions = function;
}

int function_call(const struct function *function, char **argv)
{
	struct params outer = shell.params;
	struct program *program = function->program;
	struct program *caller = exec_current();
	int loops = shell.loops;
	int line = shell.line;

	if (!run_enter())
		return shell.status;
	/* The function may redefine itself while it runs. */
	program_hold(program);
	exec_current_set(program);
	memset(&shell.params, 0, sizeof(shell.params));
	params_set(&shell.params, argv + 1);
	var_scope_push();
	shell.loops = 0;
	shell.returnable++;
	exec_node(function->body, false);
	shell.returnable--;
	shell.loops = loops;
	if (shell.unwind == UNWIND_RETURN)
		shell.unwind = UNWIND_NONE;
	var_scope_pop();
	params_free(&shell.params);
	shell.params = outer;
	shell.line = line;
	exec_current_set(caller);
	program_drop(program);
	run_leave();
	return shell.status;
}

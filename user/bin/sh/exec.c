#include "exec.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "expand.h"
#include "function.h"
#include "glob.h"
#include "jobs.h"
#include "redirect.h"
#include "shell.h"
#include "trap.h"
#include "var.h"

static struct program *current;

struct program *exec_current(void)
{
	return current;
}

void exec_current_set(struct program *program)
{
	current = program;
}

char *exec_text(const struct node *node)
{
	struct text text;
	size_t to = node->to;

	text_init(&text, &scratch);
	while (to > node->from && strchr(" \t\n;&", current->text[to - 1]))
		to--;
	for (size_t i = node->from; i < to; i++)
		text_char(&text, current->text[i] == '\n' ? ' ' : current->text[i]);
	return text_finish(&text);
}

void exec_program(struct program *program, bool tail)
{
	struct program *outer = current;

	program_hold(program);
	current = program;
	if (program->root)
		exec_node(program->root, tail);
	current = outer;
	program_drop(program);
}

/* Under errexit a failing command that nobody tests is the end. */
static int exec_checked(int status)
{
	if (status && option_on(OPTION_ERREXIT) && !shell.tested &&
	    shell.unwind == UNWIND_NONE)
		shell_exit(status);
	return status;
}

/* Run a node whose status is looked at, so that errexit does not apply to it. */
static int exec_tested(const struct node *node)
{
	int status;

	shell.tested++;
	status = exec_node(node, false);
	shell.tested--;
	return status;
}

static int exec_list(const struct node *node, bool tail)
{
	int status = 0;

	for (const struct node *child = node->first; child; child = child->next) {
		status = exec_node(child, tail && !child->next);
		if (shell.unwind != UNWIND_NONE)
			break;
	}
	return status;
}

static int exec_and_or(const struct node *node, bool tail)
{
	int status = 0;

	for (const struct node *child = node->first; child; child = child->next) {
		if (child != node->first && child->alternative != (status != 0))
			continue;
		if (child->next)
			status = exec_tested(child);
		else
			status = exec_node(child, tail);
		if (shell.unwind != UNWIND_NONE)
			break;
	}
	return status;
}

/* Count one loop off a pending break or continue; true if this loop ends. */
static bool loop_left(void)
{
	bool leaves;

	if (shell.unwind == UNWIND_NONE)
		return false;
	if (shell.unwind != UNWIND_BREAK && shell.unwind != UNWIND_CONTINUE)
		return true;
	if (--shell.unwind_levels > 0)
		return true;
	leaves = shell.unwind == UNWIND_BREAK;
	shell.unwind = UNWIND_NONE;
	return leaves;
}

static int exec_while(const struct node *node)
{
	bool until = node->kind == NODE_UNTIL;
	int status = 0;

	shell.loops++;
	for (;;) {
		bool failed = exec_tested(node->first) != 0;

		if (shell.unwind == UNWIND_NONE) {
			if (failed != until)
				break;
			status = exec_node(node->second, false);
		}
		if (loop_left())
			break;
	}
	shell.loops--;
	return shell.unwind == UNWIND_NONE ? status : shell.status;
}

static int exec_for(const struct node *node)
{
	struct list words;
	int status = 0;

	list_init(&words, &scratch);
	if (node->implicit) {
		for (int i = 0; i < shell.params.count; i++)
			list_add(&words, arena_string(&scratch, shell.params.list[i]));
	} else if (!expand_words(node->words, &words)) {
		return shell.status;
	}
	shell.loops++;
	for (size_t i = 0; i < words.count; i++) {
		if (!var_set(node->name, words.items[i])) {
			shell_abort(2);
			status = 2;
			break;
		}
		status = exec_node(node->first, false);
		if (loop_left())
			break;
	}
	shell.loops--;
	return shell.unwind == UNWIND_NONE ? status : shell.status;
}

static int exec_case(const struct node *node, bool tail)
{
	char *subject = expand_string(node->words);

	if (!subject)
		return shell.status;
	for (const struct case_item *item = node->items; item; item = item->next) {
		for (const struct word *word = item->patterns; word; word = word->next) {
			char *pattern = expand_pattern(word);

			if (!pattern)
				return shell.status;
			if (glob_match(pattern, subject))
				return item->body ? exec_node(item->body, tail) : 0;
		}
	}
	return 0;
}

static int exec_if(const struct node *node, bool tail)
{
	int status = exec_tested(node->first);

	if (shell.unwind != UNWIND_NONE)
		return status;
	if (status == 0)
		return exec_node(node->second, tail);
	return node->third ? exec_node(node->third, tail) : 0;
}

/* Become a subshell of this process, which was just forked, and end with the node's status. */
static void __attribute__((noreturn)) subshell_run(const struct node *node)
{
	exec_node(node, true);
	shell_exit(shell.status);
}

static int exec_subshell(const struct node *node, bool tail)
{
	struct job *job;

	if (tail && !trap_exit_set())
		return exec_node(node->first, true);
	job = job_new(exec_text(node), 1);
	if (job_fork(job, JOB_FOREGROUND) == 0)
		subshell_run(node->first);
	return job_wait(job);
}

static int exec_background(const struct node *node)
{
	struct job *job = job_new(exec_text(node), 1);
	pid_t pid = job_fork(job, JOB_BACKGROUND);

	if (pid == 0)
		subshell_run(node->first);
	if (pid > 0)
		shell.background = pid;
	job_announce(job);
	return pid < 0;
}

static void pipeline_child(const struct node *node, int input, const int output[2])
{
	if (input >= 0)
		redirect_move(input, STDIN_FILENO);
	if (output[1] >= 0) {
		close(output[0]);
		redirect_move(output[1], STDOUT_FILENO);
	}
	subshell_run(node);
}

static int exec_pipeline(const struct node *node)
{
	struct job *job;
	int count = 0;
	int input = -1;

	for (const struct node *child = node->first; child; child = child->next)
		count++;
	job = job_new(exec_text(node), count);
	for (const struct node *child = node->first; child; child = child->next) {
		int output[2] = { -1, -1 };
		pid_t pid;

		if (child->next && pipe2(output, O_CLOEXEC) < 0) {
			shell_error("pipe: %s", strerror(errno));
			break;
		}
		pid = job_fork(job, JOB_FOREGROUND);
		if (pid == 0)
			pipeline_child(child, input, output);
		if (input >= 0)
			close(input);
		if (output[1] >= 0)
			close(output[1]);
		input = output[0];
		if (pid < 0)
			break;
	}
	if (input >= 0)
		close(input);
	return job_wait(job);
}

static int exec_pipe(const struct node *node)
{
	int status;

	shell.tested += node->negate;
	if (node->first->next)
		status = exec_pipeline(node);
	else
		status = exec_node(node->first, false);
	shell.tested -= node->negate;
	if (node->negate && shell.unwind == UNWIND_NONE)
		return !status;
	return node->negate ? status : exec_checked(status);
}

static int exec_compound(const struct node *node, bool tail)
{
	switch (node->kind) {
	case NODE_SIMPLE:
		return exec_checked(command_run(node, tail));
	case NODE_PIPE:
		return exec_pipe(node);
	case NODE_AND_OR:
		return exec_and_or(node, tail);
	case NODE_LIST:
		return exec_list(node, tail);
	case NODE_BACKGROUND:
		return exec_background(node);
	case NODE_SUBSHELL:
		return exec_checked(exec_subshell(node, tail));
	case NODE_GROUP:
		return exec_node(node->first, tail);
	case NODE_IF:
		return exec_if(node, tail);
	case NODE_WHILE:
	case NODE_UNTIL:
		return exec_while(node);
	case NODE_FOR:
		return exec_for(node);
	case NODE_CASE:
		return exec_case(node, tail);
	default:
		function_define(node->name, current, node->first);
		return 0;
	}
}

/* Run a compound command with redirections, which end with it. */
static int exec_redirected(const struct node *node)
{
	struct redirect_undo undo = { 0 };
	int status;

	if (!redirect_apply(node->redirects, &undo))
		return exec_checked(shell.unwind == UNWIND_NONE ? 1 : shell.status);
	status = exec_compound(node, false);
	redirect_restore(&undo);
	return status;
}

int exec_node(const struct node *node, bool tail)
{
	struct arena_mark mark = arena_mark(&scratch);
	int status;

	if (!node)
		return shell.status = 0;
	trap_run();
	if (shell.interactive && trap_interrupted())
		shell_abort(130);
	if (shell.unwind != UNWIND_NONE)
		return shell.status;
	shell.line = node->line;
	if (node->redirects && node->kind != NODE_SIMPLE)
		status = exec_redirected(node);
	else
		status = exec_compound(node, tail);
	/* What unwinds has set the status itself: exit codes of return, errors. */
	if (shell.unwind == UNWIND_NONE)
		shell.status = status;
	trap_run();
	arena_release(&scratch, mark);
	return shell.status;
}

static bool output_collect(int fd, struct text *output)
{
	char block[4096];
	ssize_t len;

	while ((len = read(fd, block, sizeof(block))) != 0) {
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return false;
		for (ssize_t i = 0; i < len; i++)
			if (block[i])
				text_char(output, block[i]);
	}
	return true;
}

bool exec_capture(const struct node *node, struct text *output)
{
	struct job *job;
	int fds[2];
	pid_t pid;

	if (!node) {
		shell.substitution = 0;
		return true;
	}
	if (pipe2(fds, O_CLOEXEC) < 0) {
		shell_error("pipe: %s", strerror(errno));
		return false;
	}
	job = job_new("", 1);
	pid = job_fork(job, JOB_INTERNAL);
	if (pid == 0) {
		close(fds[0]);
		redirect_move(fds[1], STDOUT_FILENO);
		subshell_run(node);
	}
	close(fds[1]);
	if (pid > 0)
		output_collect(fds[0], output);
	close(fds[0]);
	shell.substitution = job_wait(job);
	return pid > 0;
}

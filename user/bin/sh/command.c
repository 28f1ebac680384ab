#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builtin.h"
#include "exec.h"
#include "expand.h"
#include "function.h"
#include "jobs.h"
#include "redirect.h"
#include "shell.h"
#include "trap.h"
#include "var.h"

static const char default_path[] = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

/* One entry of a PATH with the name after it; *path moves to the next one or NULL. */
static char *path_candidate(const char **path, const char *name)
{
	size_t len = strcspn(*path, ":");
	struct text text;

	text_init(&text, &scratch);
	text_bytes(&text, *path, len);
	if (len)
		text_char(&text, '/');
	text_string(&text, name);
	*path = (*path)[len] ? *path + len + 1 : NULL;
	return text_finish(&text);
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

char *command_path(const char *name)
{
	const char *path = var_get("PATH");

	if (strchr(name, '/'))
		return is_program(name) ? arena_string(&scratch, name) : NULL;
	if (!path)
		path = default_path;
	while (path) {
		char *candidate = path_candidate(&path, name);

		if (is_program(candidate))
			return candidate;
	}
	return NULL;
}

/* A text file without #! is a script for /bin/sh; anything with a null byte is not text. */
static bool is_text(const char *path)
{
	char head[128];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return false;
	len = read(fd, head, sizeof(head));
	close(fd);
	return len >= 0 && !memchr(head, 0, len);
}

static void script_exec(char *path, char **argv, char **environment)
{
	struct list args;

	if (!is_text(path)) {
		errno = ENOEXEC;
		return;
	}
	list_init(&args, &scratch);
	list_add(&args, "sh");
	list_add(&args, path);
	for (argv++; *argv; argv++)
		list_add(&args, *argv);
	execve("/bin/sh", args.items, environment);
}

/* Returns only if it failed, with errno set. */
static void file_exec(char *path, char **argv, char **environment)
{
	execve(path, argv, environment);
	if (errno == ENOEXEC)
		script_exec(path, argv, environment);
}

void command_exec(char **argv)
{
	char **environment = var_environment();
	const char *path = var_get("PATH");
	int error = ENOENT;

	if (!path)
		path = default_path;
	if (strchr(argv[0], '/')) {
		file_exec(argv[0], argv, environment);
		error = errno;
		path = NULL;
	}
	while (path && argv[0][0]) {
		file_exec(path_candidate(&path, argv[0]), argv, environment);
		if (errno == ENOENT || errno == ENOTDIR)
			continue;
		error = errno;
		/* A file that may not be run does not hide one further down the path. */
		if (error != EACCES)
			break;
	}
	if (error == ENOENT || error == ENOTDIR) {
		shell_error("%s: not found", argv[0]);
		shell_exit(127);
	}
	shell_error("%s: %s", argv[0], strerror(error));
	shell_exit(126);
}

static void trace(char *const *words)
{
	struct text text;

	if (!option_on(OPTION_XTRACE))
		return;
	text_init(&text, &scratch);
	text_string(&text, expand_prompt(var_get("PS4") ? var_get("PS4") : "+ "));
	for (; *words; words++) {
		text_string(&text, *words);
		if (words[1])
			text_char(&text, ' ');
	}
	text_char(&text, '\n');
	fflush(stdout);
	fputs(text_finish(&text), stderr);
}

/*
 * Perform assignments. `save`: the variables are exported and put into the innermost
 * scope, so that they end with it. False after an error that aborts.
 */
static bool assign(const struct word *words, bool save)
{
	for (; words; words = words->next) {
		char *name;
		char *value = expand_assignment(words, &name);

		if (!value)
			return false;
		if (!save && option_on(OPTION_XTRACE)) {
			struct text text;
			char *line[2] = { NULL, NULL };

			text_init(&text, &scratch);
			text_string(&text, name);
			text_char(&text, '=');
			text_string(&text, value);
			line[0] = text_finish(&text);
			trace(line);
		}
		if (save)
			var_scope_save(name);
		if (!var_set(name, value)) {
			shell_abort(2);
			return false;
		}
		if (save)
			var_flag(name, VAR_EXPORT);
	}
	return true;
}

static int assignments_run(const struct node *node)
{
	struct redirect_undo undo = { 0 };
	int status;

	if (!redirect_apply(node->redirects, &undo))
		return shell.unwind == UNWIND_NONE ? 1 : shell.status;
	status = assign(node->assigns, false) ? shell.substitution : shell.status;
	redirect_restore(&undo);
	return status;
}

/* Write out what a builtin printed; that it could not is an error of the builtin. */
static int output_finish(const char *name, int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	shell_error("%s: write error: %s", name, strerror(errno));
	__fpurge(stdout);
	clearerr(stdout);
	return status ? status : 1;
}

static int builtin_call(const struct builtin *builtin, const struct list *args)
{
	int status = builtin->run((int)args->count, args->items);

	return output_finish(args->items[0], status);
}

static int special_run(const struct node *node, const struct builtin *builtin,
		       const struct list *args)
{
	struct redirect_undo undo = { 0 };
	bool keep = builtin->flags & BUILTIN_KEEP;
	int status;

	if (!redirect_apply(node->redirects, keep ? NULL : &undo)) {
		shell_abort(2);
		return shell.status;
	}
	if (assign(node->assigns, false))
		status = builtin_call(builtin, args);
	else
		status = shell.status;
	redirect_restore(&undo);
	return status;
}

/* A builtin that is not special, or a function: assignments last as long as it runs. */
static int scoped_run(const struct node *node, const struct builtin *builtin,
		      const struct function *function, const struct list *args)
{
	struct redirect_undo undo = { 0 };
	int status;

	if (!redirect_apply(node->redirects, &undo))
		return shell.unwind == UNWIND_NONE ? 1 : shell.status;
	if (node->assigns)
		var_scope_push();
	if (node->assigns && !assign(node->assigns, true))
		status = shell.status;
	else if (function)
		status = function_call(function, args->items);
	else
		status = builtin_call(builtin, args);
	if (node->assigns)
		var_scope_pop();
	redirect_restore(&undo);
	return status;
}

static void __attribute__((noreturn)) program_exec(const struct node *node,
						   const struct list *args)
{
	if (!redirect_apply(node->redirects, NULL))
		shell_exit(1);
	var_scope_push();
	if (!assign(node->assigns, true))
		shell_exit(2);
	command_exec(args->items);
}

static int program_run(const struct node *node, const struct list *args, bool tail)
{
	struct job *job;

	if (tail && !trap_exit_set() && !shell.interactive)
		program_exec(node, args);
	job = job_new(shell.interactive ? exec_text(node) : "", 1);
	if (job_fork(job, JOB_FOREGROUND) == 0)
		program_exec(node, args);
	return job_wait(job);
}

int command_run(const struct node *node, bool tail)
{
	const struct builtin *builtin;
	const struct function *function;
	struct list args;

	list_init(&args, &scratch);
	shell.substitution = 0;
	if (!expand_words(node->words, &args))
		return shell.status;
	if (!args.count)
		return assignments_run(node);
	trace(args.items);
	builtin = builtin_find(args.items[0]);
	if (builtin && (builtin->flags & BUILTIN_SPECIAL))
		return special_run(node, builtin, &args);
	function = function_find(args.items[0]);
	if (builtin || function)
		return scoped_run(node, builtin, function, &args);
	return program_run(node, &args, tail);
}

int command_words(char **argv)
{
	static const struct node plain = { .kind = NODE_SIMPLE };
	const struct builtin *builtin = builtin_find(argv[0]);
	struct list args;
	struct job *job;

	list_init(&args, &scratch);
	for (char **word = argv; *word; word++)
		list_add(&args, *word);
	if (builtin)
		return builtin_call(builtin, &args);
	job = job_new(argv[0], 1);
	if (job_fork(job, JOB_FOREGROUND) == 0)
		program_exec(&plain, &args);
	return job_wait(job);
}

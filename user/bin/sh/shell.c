#include "shell.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"
#include "trap.h"

struct shell shell;

void shell_error(const char *format, ...)
{
	char message[1024];
	size_t room = sizeof(message) - 1;
	va_list args;
	int len;
	ssize_t ignored;

	fflush(stdout);
	if (shell.interactive)
		len = snprintf(message, room, "%.200s: ", shell.name);
	else
		len = snprintf(message, room, "%.200s: %d: ", shell.name, shell.line);
	va_start(args, format);
	len += vsnprintf(message + len, room - len, format, args);
	va_end(args);
	if ((size_t)len >= room)
		len = room - 1;
	message[len++] = '\n';
	/* One write, so that the messages of several processes do not mix. */
	ignored = write(STDERR_FILENO, message, len);
	(void)ignored;
}

void shell_abort(int status)
{
	if (!shell.interactive)
		shell_exit(status);
	shell.status = status;
	shell.unwind = UNWIND_ABORT;
}

void shell_exit(int status)
{
	shell.status = status;
	trap_exit();
	status = shell.status;
	fflush(stdout);
	_exit(status & 0xff);
}

void params_free(struct params *params)
{
	for (int i = 0; i < params->count; i++)
		free(params->list[i]);
	free(params->list);
	params->list = NULL;
	params->count = 0;
}

void params_set(struct params *params, char *const *list)
{
	struct params old = *params;

	params->count = 0;
	while (list[params->count])
		params->count++;
	params->list = heap_alloc((params->count + 1) * sizeof(char *));
	for (int i = 0; i < params->count; i++)
		params->list[i] = heap_string(list[i]);
	params->list[params->count] = NULL;
	/* Only now: the new strings may be those of the old list. */
	params_free(&old);
}

void params_shift(struct params *params, int n)
{
	for (int i = 0; i < n; i++)
		free(params->list[i]);
	params->count -= n;
	if (n)
		memmove(params->list, params->list + n, (params->count + 1) * sizeof(char *));
}

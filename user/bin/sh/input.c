#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expand.h"
#include "history.h"
#include "lexer.h"
#include "lineedit.h"
#include "redirect.h"
#include "shell.h"
#include "trap.h"
#include "var.h"

struct input {
	int fd;
	struct lexer *lex;	/* of a person; NULL for files */
	bool first;		/* the next line begins a command */
	bool ended;		/* ctrl-D: no more lines for this command */
	char *line;
	size_t len, room;
	char block[4096];	/* of a file, read ahead */
	size_t at, filled;
};

static struct input *input_new(int fd)
{
	struct input *input = heap_alloc(sizeof(*input));

	memset(input, 0, sizeof(*input));
	input->fd = fd;
	return input;
}

struct input *input_open(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		close(fd);
		fd = -1;
		errno = EISDIR;
	}
	if (fd >= 0)
		fd = redirect_private(fd);
	if (fd < 0) {
		shell_error("cannot open %s: %s", path, strerror(errno));
		return NULL;
	}
	return input_new(fd);
}

struct input *input_stdin(struct lexer *lex)
{
	struct input *input = input_new(STDIN_FILENO);

	input->lex = lex;
	return input;
}

void input_close(struct input *input)
{
	if (input->fd != STDIN_FILENO)
		close(input->fd);
	free(input->line);
	free(input);
}

void input_begin(struct input *input)
{
	input->first = true;
	input->ended = false;
}

static void line_add(struct input *input, char c)
{
	if (input->len == input->room) {
		input->room = input->room ? 2 * input->room : 128;
		input->line = heap_grow(input->line, input->room);
	}
	input->line[input->len++] = c;
}

/* The next byte, -1 at the end, -2 when ctrl-C came. */
static int byte_read(struct input *input)
{
	/* Standard input is shared with the commands: no reading ahead. */
	size_t want = input->fd == STDIN_FILENO ? 1 : sizeof(input->block);
	ssize_t len;

	while (input->at == input->filled) {
		if (input->lex && !trap_wait(input->fd, false))
			return -2;
		len = read(input->fd, input->block, want);
		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)
			return -1;
		input->at = 0;
		input->filled = len;
	}
	return (unsigned char)input->block[input->at++];
}

static int line_read(struct input *input)
{
	int c;

	input->len = 0;
	while ((c = byte_read(input)) >= 0) {
		line_add(input, c);
		if (c == '\n')
			break;
	}
	return c;
}

/* A line from a person, with or without line editing; as line_read(). */
static int line_ask(struct input *input)
{
	const char *prompt = input->first ? var_get("PS1") : var_get_or("PS2", "> ");
	char *line;
	int result;

	prompt = expand_prompt(prompt ? prompt : "");
	fflush(stdout);
	if (!lineedit_usable()) {
		fputs(prompt, stderr);
		result = line_read(input);
		if (result == -2)
			fputc('\n', stderr);
		return result;
	}
	result = lineedit_read(prompt, &line);
	input->len = 0;
	if (result < 0)
		return result;
	history_add(line);
	for (char *p = line; *p; p++)
		line_add(input, *p);
	line_add(input, '\n');
	free(line);
	return '\n';
}

bool input_refill(struct source *source)
{
	struct input *input = source->context;
	struct arena_mark mark;
	int result;

	/* The parser asks again at the end; a person has said so once and is not asked twice. */
	if (input->ended)
		return false;
	mark = arena_mark(&scratch);
	result = input->lex ? line_ask(input) : line_read(input);
	arena_release(&scratch, mark);
	input->first = false;
	if (result == -2) {
		trap_interrupted();
		shell.status = 130;
		input->lex->failed = true;
		return false;
	}
	if (option_on(OPTION_VERBOSE) && input->len)
		fwrite(input->line, 1, input->len, stderr);
	source->at = input->line;
	source->end = input->line + input->len;
	input->ended = input->lex && input->len == 0;
	return input->len > 0;
}

/* read */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "builtin.h"
#include "mem.h"
#include "shell.h"
#include "trap.h"
#include "var.h"

/* A line with a mark for each character: was it protected by a backslash? */
struct line {
	struct text text;
	struct text escaped;
};

static bool line_ifs(const struct line *line, size_t at, const char *ifs)
{
	return !line->escaped.data[at] && strchr(ifs, line->text.data[at]);
}

static bool line_space(const struct line *line, size_t at, const char *ifs)
{
	return line_ifs(line, at, ifs) && strchr(" \t\n", line->text.data[at]);
}

/* Read one byte; 0 at the end, < 0 on an error or when a signal with a trap came. */
static int byte_read(char *byte)
{
	for (;;) {
		ssize_t len;

		/* Scripts need not be told of a ctrl-C at once, and read many bytes. */
		if (shell.interactive && !trap_wait(STDIN_FILENO, true))
			return -1;
		len = read(STDIN_FILENO, byte, 1);
		if (len >= 0 || errno != EINTR || trap_pending() || trap_interrupt_seen())
			return (int)len;
	}
}

static void line_add(struct line *line, char c, bool escaped)
{
	if (!c)
		return;
	text_char(&line->text, c);
	text_char(&line->escaped, escaped);
}

/*
 * Byte by byte, so that what follows the line is left for the next command. Returns the
 * status of read: 1 at the end of the file.
 */
static int line_read(struct line *line, bool raw)
{
	bool backslash = false;
	char c;

	for (;;) {
		int len = byte_read(&c);

		if (len < 0 && errno == EINTR)
			return 128 + (trap_pending() ? trap_pending() : 2);
		if (len <= 0)
			return 1;
		if (backslash) {
			backslash = false;
			if (c != '\n')
				line_add(line, c, true);
		} else if (c == '\n') {
			return 0;
		} else if (c == '\\' && !raw) {
			backslash = true;
		} else {
			line_add(line, c, false);
		}
	}
}

/* The end of the field that begins at `at`; *next is where the one after it begins. */
static size_t field_end(const struct line *line, size_t at, const char *ifs, size_t *next)
{
	size_t len = line->text.len;
	size_t end = at;

	while (end < len && !line_ifs(line, end, ifs))
		end++;
	*next = end;
	while (*next < len && line_space(line, *next, ifs))
		++*next;
	if (*next < len && line_ifs(line, *next, ifs) && !line_space(line, *next, ifs)) {
		++*next;
		while (*next < len && line_space(line, *next, ifs))
			++*next;
	}
	return end;
}

static bool fields_assign(const struct line *line, char **names)
{
	const char *ifs = var_get("IFS");
	size_t len = line->text.len, at = 0, next, end;

	ifs = arena_string(&scratch, ifs ? ifs : " \t\n");
	while (at < len && line_space(line, at, ifs))
		at++;
	for (; *names; names++, at = next) {
		end = field_end(line, at, ifs, &next);
		/* The last name gets all that is left, unless that is but one field. */
		if (!names[1] && next < len) {
			end = len;
			while (end > at && line_space(line, end - 1, ifs))
				end--;
		}
		if (!var_set(*names, arena_copy(&scratch, line->text.data + at, end - at)))
			return false;
	}
	return true;
}

int builtin_read(int argc, char **argv)
{
	static char *reply[] = { "REPLY", NULL };
	const char *prompt = NULL;
	bool raw = false;
	struct line line;
	int status;
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "-r") == 0) {
			raw = true;
		} else if (strcmp(argv[i], "-p") == 0 && i + 1 < argc) {
			prompt = argv[++i];
		} else {
			shell_error("read: illegal option %s", argv[i]);
			return 2;
		}
	}
	for (int n = i; n < argc; n++) {
		if (!var_name_valid(argv[n])) {
			shell_error("read: %s: bad variable name", argv[n]);
			return 2;
		}
	}
	if (prompt && isatty(STDIN_FILENO))
		fprintf(stderr, "%s", prompt);
	text_init(&line.text, &scratch);
	text_init(&line.escaped, &scratch);
	status = line_read(&line, raw);
	text_finish(&line.text);
	if (!fields_assign(&line, i < argc ? argv + i : reply))
		return 2;
	return status;
}

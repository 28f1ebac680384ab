#include "history.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"
#include "shell.h"
#include "var.h"

enum { LINES_MAX = 500 };

static char *lines[LINES_MAX];
static int count;
static char *path;	/* of the file; NULL: none */

int history_count(void)
{
	return count;
}

const char *history_line(int index)
{
	return lines[index];
}

static void line_store(const char *line)
{
	if (count == LINES_MAX) {
		free(lines[0]);
		memmove(lines, lines + 1, (LINES_MAX - 1) * sizeof(lines[0]));
		count--;
	}
	lines[count++] = heap_string(line);
}

/* The file only ever grows while shells run; cut it when it got long. */
static void file_rewrite(void)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return;
	for (int i = 0; i < count; i++)
		fprintf(file, "%s\n", lines[i]);
	fclose(file);
}

void history_load(void)
{
	const char *home = var_get("HOME");
	const char *name = var_get("HISTFILE");
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	int total = 0;
	FILE *file;

	if (name) {
		path = *name ? heap_string(name) : NULL;
	} else if (home && *home) {
		path = heap_alloc(strlen(home) + sizeof("/.sh_history"));
		sprintf(path, "%s/.sh_history", home);
	}
	file = path ? fopen(path, "re") : NULL;
	if (!file)
		return;
	while ((len = getline(&line, &room, file)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		if (*line)
			line_store(line);
		total++;
	}
	free(line);
	fclose(file);
	if (total > 2 * LINES_MAX)
		file_rewrite();
}

void history_add(const char *line)
{
	struct text text;
	int fd;

	if (!line[strspn(line, " \t")] || (count && strcmp(lines[count - 1], line) == 0))
		return;
	line_store(line);
	fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (fd < 0)
		return;
	text_init(&text, &scratch);
	text_string(&text, line);
	text_char(&text, '\n');
	/* A history that cannot be written is no reason to bother anyone. */
	if (write(fd, text.data, text.len) < 0)
		path = NULL;
	close(fd);
}

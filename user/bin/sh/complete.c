#include "complete.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builtin.h"
#include "editline.h"
#include "mem.h"
#include "user/lib/term.h"
#include "var.h"

static const char special[] = " \t\n\\'\"`$&|;<>()*?[]#~!{}";

/* The word before the cursor, with backslashes and quotes taken off. */
struct completion {
	char *word;
	bool command;		/* it stands where a command does */
	char quote;		/* it is within this kind of quotes, else 0 */
	size_t base;		/* of word: where the last part of the path begins */
	struct list names;	/* candidates for that last part */
};

/* Find the word that ends at the cursor by reading the line from the left. */
static void word_find(const struct editline *line, struct completion *completion)
{
	struct text word;
	bool expect_command = true, in_word = false;

	text_init(&word, &scratch);
	for (size_t i = 0; i < line->at; i++) {
		char c = line->text[i];

		if (completion->quote) {
			if (c == completion->quote)
				completion->quote = 0;
			else
				text_char(&word, c);
		} else if (c == '\'' || c == '"') {
			completion->quote = c;
			in_word = true;
		} else if (c == '\\' && i + 1 < line->at) {
			text_char(&word, line->text[++i]);
			in_word = true;
		} else if (strchr(" \t|&;()<>", c)) {
			if (in_word)
				expect_command = false;
			if (strchr("|&;(", c))
				expect_command = true;
			else if (strchr("<>", c))
				expect_command = false;
			text_init(&word, &scratch);
			in_word = false;
		} else {
			text_char(&word, c);
			in_word = true;
		}
	}
	completion->word = text_finish(&word);
	completion->command = expect_command && !strchr(completion->word, '/');
}

/* The folder part of the word, its ~ expanded, as a path to open. */
static char *word_folder(const struct completion *completion)
{
	char *folder = arena_copy(&scratch, completion->word, completion->base);
	struct text text;

	if (!*folder)
		return ".";
	if (folder[0] != '~' || folder[1] != '/')
		return folder;
	text_init(&text, &scratch);
	text_string(&text, var_get_or("HOME", ""));
	text_string(&text, folder + 1);
	return text_finish(&text);
}

static char *path_join(const char *folder, const char *name)
{
	struct text text;

	text_init(&text, &scratch);
	text_string(&text, folder);
	text_char(&text, '/');
	text_string(&text, name);
	return text_finish(&text);
}

/* Add the names in a folder that begin with `prefix`; directories get a slash. */
static void folder_add(struct list *names, const char *folder, const char *prefix, bool programs)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		const char *name = entry->d_name;
		struct text text;
		struct stat st;

		if (strncmp(name, prefix, strlen(prefix)) != 0 || (*name == '.' && *prefix != '.'))
			continue;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		if (stat(path_join(folder, name), &st) < 0)
			st.st_mode = 0;
		if (programs && (!S_ISREG(st.st_mode) || !(st.st_mode & 0111)))
			continue;
		text_init(&text, &scratch);
		text_string(&text, name);
		if (S_ISDIR(st.st_mode))
			text_char(&text, '/');
		list_add(names, text_finish(&text));
	}
	closedir(dir);
}

static void commands_add(struct list *names, const char *prefix)
{
	const char *path = var_get_or("PATH", "");
	const struct builtin *builtin;

	for (unsigned n = 0; (builtin = builtin_nth(n)); n++)
		if (strncmp(builtin->name, prefix, strlen(prefix)) == 0)
			list_add(names, (char *)builtin->name);
	while (*path) {
		size_t len = strcspn(path, ":");

		folder_add(names, len ? arena_copy(&scratch, path, len) : ".", prefix, true);
		path += len + (path[len] == ':');
	}
}

static int name_compare(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static void names_sort(struct list *names)
{
	size_t kept = 0;

	qsort(names->items, names->count, sizeof(char *), name_compare);
	for (size_t i = 0; i < names->count; i++)
		if (!kept || strcmp(names->items[kept - 1], names->items[i]) != 0)
			names->items[kept++] = names->items[i];
	names->count = kept;
}

/* How many bytes all names have in common. */
static size_t names_common(const struct list *names)
{
	size_t common = strlen(names->items[0]);

	for (size_t i = 1; i < names->count; i++) {
		size_t same = 0;

		while (same < common && names->items[i][same] == names->items[0][same])
			same++;
		common = same;
	}
	return common;
}

static void text_insert(struct editline *line, const char *text, size_t len, char quote)
{
	for (size_t i = 0; i < len; i++) {
		if (!quote && strchr(special, text[i]))
			editline_insert(line, "\\", 1);
		editline_insert(line, text + i, 1);
	}
}

/* Show the choices in columns below the line. */
static void names_show(struct editline *line, const struct list *names)
{
	size_t widest = 0, columns, rows, at;
	struct text out;

	for (size_t i = 0; i < names->count; i++)
		if (strlen(names->items[i]) > widest)
			widest = strlen(names->items[i]);
	columns = (size_t)line->columns / (widest + 2);
	if (!columns)
		columns = 1;
	rows = (names->count + columns - 1) / columns;
	text_init(&out, &scratch);
	for (size_t row = 0; row < rows; row++) {
		for (size_t i = row; i < names->count; i += rows) {
			text_string(&out, names->items[i]);
			if (i + rows >= names->count)
				break;
			for (size_t pad = strlen(names->items[i]); pad < widest + 2; pad++)
				text_char(&out, ' ');
		}
		text_string(&out, "\r\n");
	}
	at = line->at;
	editline_leave(line);
	line->at = at;
	term_write(STDOUT_FILENO, out.data, out.len);
}

static void complete(struct editline *line, bool list)
{
	struct completion completion = { 0 };
	const char *prefix, *slash;
	size_t typed, common;

	word_find(line, &completion);
	slash = strrchr(completion.word, '/');
	completion.base = slash ? (size_t)(slash + 1 - completion.word) : 0;
	prefix = completion.word + completion.base;
	typed = strlen(prefix);
	list_init(&completion.names, &scratch);
	if (completion.command)
		commands_add(&completion.names, prefix);
	else
		folder_add(&completion.names, word_folder(&completion), prefix, false);
	if (!completion.names.count)
		return;
	names_sort(&completion.names);
	common = names_common(&completion.names);
	text_insert(line, completion.names.items[0] + typed, common - typed, completion.quote);
	if (completion.names.count > 1) {
		if (list && common == typed)
			names_show(line, &completion.names);
	} else if (common && completion.names.items[0][common - 1] != '/') {
		if (completion.quote)
			editline_insert(line, &completion.quote, 1);
		editline_insert(line, " ", 1);
	}
	editline_paint(line);
}

void complete_line(struct editline *line, bool list)
{
	struct arena_mark mark = arena_mark(&scratch);

	complete(line, list);
	arena_release(&scratch, mark);
}

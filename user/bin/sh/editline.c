#include "editline.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"
#include "user/lib/term.h"
#include "user/lib/utf8.h"

enum { COLUMNS_DEFAULT = 80 };

void editline_init(struct editline *line, const char *prompt)
{
	int rows;

	memset(line, 0, sizeof(*line));
	line->prompt = prompt;
	/*
	 * Without a known size we break lines ourselves after 80 columns, which looks
	 * right on every terminal that is at least that wide.
	 */
	if (!term_size(STDIN_FILENO, &rows, &line->columns))
		line->columns = COLUMNS_DEFAULT;
	editline_set(line, "");
}

void editline_free(struct editline *line)
{
	free(line->text);
}

static void editline_reserve(struct editline *line, size_t len)
{
	if (len < line->room)
		return;
	line->room = 2 * len + 64;
	line->text = heap_grow(line->text, line->room);
}

void editline_set(struct editline *line, const char *text)
{
	line->len = line->at = strlen(text);
	editline_reserve(line, line->len);
	memcpy(line->text, text, line->len + 1);
}

void editline_insert(struct editline *line, const char *bytes, size_t len)
{
	editline_reserve(line, line->len + len);
	memmove(line->text + line->at + len, line->text + line->at, line->len - line->at + 1);
	memcpy(line->text + line->at, bytes, len);
	line->len += len;
	line->at += len;
}

void editline_delete(struct editline *line, size_t from, size_t to)
{
	memmove(line->text + from, line->text + to, line->len - to + 1);
	line->len -= to - from;
	line->at = from;
}

size_t editline_left(const struct editline *line)
{
	return line->at ? line->at - utf8_back(line->text, line->at) : 0;
}

size_t editline_right(const struct editline *line)
{
	int width;

	if (line->at == line->len)
		return line->at;
	return line->at + utf8_step(line->text + line->at, line->len - line->at, &width);
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || (c & 0x80);
}

size_t editline_word_left(const struct editline *line)
{
	size_t at = line->at;

	while (at && !is_word(line->text[at - 1]))
		at--;
	while (at && is_word(line->text[at - 1]))
		at--;
	return at;
}

size_t editline_word_right(const struct editline *line)
{
	size_t at = line->at;

	while (at < line->len && !is_word(line->text[at]))
		at++;
	while (at < line->len && is_word(line->text[at]))
		at++;
	return at;
}

/* What is being painted, and where that leaves the cursor. */
struct picture {
	struct text out;
	int columns;
	int row, column;
};

/* One character; a line that is full is continued on the next row by ourselves. */
static void picture_char(struct picture *picture, const char *bytes, size_t len, int width)
{
	if (picture->column + width > picture->columns) {
		text_string(&picture->out, "\r\n");
		picture->row++;
		picture->column = 0;
	}
	if (len == 1 && ((unsigned char)*bytes < 0x20 || *bytes == 0x7f)) {
		text_char(&picture->out, '^');
		text_char(&picture->out, *bytes ^ 0x40);
	} else {
		text_bytes(&picture->out, bytes, len);
	}
	picture->column += width;
}

/* The prompt may hold newlines, and escape sequences for colours that take no room. */
static void picture_prompt(struct picture *picture, const char *prompt)
{
	while (*prompt) {
		size_t len = 1;
		int width;

		if (*prompt == '\033' && prompt[1] == '[') {
			len = 2 + strcspn(prompt + 2, "mKHJABCD");
			len += prompt[len] != '\0';
			text_bytes(&picture->out, prompt, len);
		} else if (*prompt == '\n') {
			text_string(&picture->out, "\r\n");
			picture->row++;
			picture->column = 0;
		} else {
			len = utf8_step(prompt, strlen(prompt), &width);
			picture_char(picture, prompt, len, width);
		}
		prompt += len;
	}
}

/* A cursor right of the last column belongs to the start of the next row. */
static void picture_wrap(struct picture *picture)
{
	if (picture->column < picture->columns)
		return;
	text_string(&picture->out, "\r\n");
	picture->row++;
	picture->column = 0;
}

static void picture_move(struct picture *picture, int count, char direction)
{
	char sequence[16];

	if (count <= 0)
		return;
	snprintf(sequence, sizeof(sequence), "\033[%d%c", count, direction);
	text_string(&picture->out, sequence);
}

void editline_paint(struct editline *line)
{
	struct arena_mark mark = arena_mark(&scratch);
	struct picture picture = { .columns = line->columns };
	int row = 0, column = 0;

	text_init(&picture.out, &scratch);
	/* At first there is nothing to wipe out: just the prompt is sent. */
	if (line->painted) {
		picture_move(&picture, line->row, 'A');
		text_char(&picture.out, '\r');
	}
	picture_prompt(&picture, line->prompt);
	for (size_t at = 0; at < line->len;) {
		int width;
		size_t len = utf8_step(line->text + at, line->len - at, &width);

		if (at == line->at) {
			picture_wrap(&picture);
			row = picture.row;
			column = picture.column;
		}
		picture_char(&picture, line->text + at, len, width);
		at += len;
	}
	picture_wrap(&picture);
	if (line->painted)
		text_string(&picture.out, "\033[J");
	line->painted = true;
	if (line->at < line->len) {
		picture_move(&picture, picture.row - row, 'A');
		text_char(&picture.out, '\r');
		picture_move(&picture, column, 'C');
	} else {
		row = picture.row;
		column = picture.column;
	}
	line->row = row;
	line->column = column;
	term_write(STDOUT_FILENO, text_finish(&picture.out), picture.out.len);
	arena_release(&scratch, mark);
}

void editline_type(struct editline *line, const char *bytes, size_t len)
{
	bool at_end = line->at == line->len;
	int width;

	utf8_step(bytes, len, &width);
	editline_insert(line, bytes, len);
	if (!at_end || width != 1 || line->column + 1 >= line->columns) {
		editline_paint(line);
		return;
	}
	term_write(STDOUT_FILENO, bytes, len);
	line->column++;
}

void editline_leave(struct editline *line)
{
	if (line->at < line->len) {
		line->at = line->len;
		editline_paint(line);
	}
	/* The terminal's output processing is on: it adds the carriage return. */
	term_write(STDOUT_FILENO, "\n", 1);
	line->row = 0;
	line->painted = false;
}

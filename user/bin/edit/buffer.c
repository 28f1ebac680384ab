#include "buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emergency.h"
#include "user/lib/utf8.h"

void *memory_grow(void *old, size_t size)
{
	void *memory = realloc(old, size ? size : 1);

	if (!memory)
		emergency_exit("out of memory");
	return memory;
}

void buffer_init(struct buffer *buffer)
{
	memset(buffer, 0, sizeof(*buffer));
	buffer->room = 64;
	buffer->lines = memory_grow(NULL, buffer->room * sizeof(struct line));
	buffer->count = 1;
	memset(&buffer->lines[0], 0, sizeof(struct line));
}

static void line_insert(struct line *line, size_t column, const char *text, size_t len)
{
	if (line->len + len > line->room) {
		line->room = line->len + len + line->len / 2 + 16;
		line->text = memory_grow(line->text, line->room);
	}
	if (!len)
		return;
	memmove(line->text + column + len, line->text + column, line->len - column);
	memcpy(line->text + column, text, len);
	line->len += len;
}

/* Make room for `count` empty lines before `row`. */
static void lines_open(struct buffer *buffer, size_t row, size_t count)
{
	if (buffer->count + count > buffer->room) {
		buffer->room = buffer->count + count + buffer->count / 2;
		buffer->lines = memory_grow(buffer->lines, buffer->room * sizeof(struct line));
	}
	memmove(buffer->lines + row + count, buffer->lines + row,
		(buffer->count - row) * sizeof(struct line));
	memset(buffer->lines + row, 0, count * sizeof(struct line));
	buffer->count += count;
}

static size_t newlines_count(const char *text, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += text[i] == '\n';
	return count;
}

struct place buffer_insert(struct buffer *buffer, struct place at, const char *text, size_t len)
{
	size_t added = newlines_count(text, len);
	const char *end = text + len;
	struct line *line;
	struct place place = at;

	if (added) {
		lines_open(buffer, at.row + 1, added);
		/* What stood after the place goes to the end of the last new line. */
		line = &buffer->lines[at.row];
		line_insert(&buffer->lines[at.row + added], 0, line->text + at.column,
			    line->len - at.column);
		line->len = at.column;
	}
	while (text < end) {
		const char *newline = memchr(text, '\n', end - text);
		size_t part = newline ? (size_t)(newline - text) : (size_t)(end - text);

		line_insert(&buffer->lines[place.row], place.column, text, part);
		place.column += part;
		text += part;
		if (newline) {
			place.row++;
			place.column = 0;
			text++;
		}
	}
	return place;
}

void buffer_delete(struct buffer *buffer, struct place from, struct place to)
{
	struct line *first = &buffer->lines[from.row];
	struct line *last = &buffer->lines[to.row];
	size_t removed = to.row - from.row;

	if (!removed) {
		if (to.column > from.column)
			memmove(first->text + from.column, first->text + to.column,
				first->len - to.column);
		first->len -= to.column - from.column;
		return;
	}
	first->len = from.column;
	line_insert(first, from.column, last->text + to.column, last->len - to.column);
	for (size_t row = from.row + 1; row <= to.row; row++)
		free(buffer->lines[row].text);
	memmove(buffer->lines + from.row + 1, buffer->lines + to.row + 1,
		(buffer->count - to.row - 1) * sizeof(struct line));
	buffer->count -= removed;
}

char *buffer_copy(const struct buffer *buffer, struct place from, struct place to, size_t *len)
{
	size_t total = 0, room = 256;
	char *copy = memory_grow(NULL, room);

	for (size_t row = from.row; row <= to.row; row++) {
		const struct line *line = &buffer->lines[row];
		size_t start = row == from.row ? from.column : 0;
		size_t end = row == to.row ? to.column : line->len;

		if (total + (end - start) + 1 > room) {
			room = 2 * room + (end - start);
			copy = memory_grow(copy, room);
		}
		if (end > start)
			memcpy(copy + total, line->text + start, end - start);
		total += end - start;
		if (row < to.row)
			copy[total++] = '\n';
	}
	*len = total;
	return copy;
}

struct place buffer_left(const struct buffer *buffer, struct place at)
{
	if (at.column) {
		at.column -= utf8_back(buffer->lines[at.row].text, at.column);
	} else if (at.row) {
		at.row--;
		at.column = buffer->lines[at.row].len;
	}
	return at;
}

struct place buffer_right(const struct buffer *buffer, struct place at)
{
	const struct line *line = &buffer->lines[at.row];
	int width;

	if (at.column < line->len) {
		at.column += utf8_step(line->text + at.column, line->len - at.column, &width);
	} else if (at.row + 1 < buffer->count) {
		at.row++;
		at.column = 0;
	}
	return at;
}

struct place buffer_end(const struct buffer *buffer)
{
	struct place end = { buffer->count - 1, buffer->lines[buffer->count - 1].len };

	return end;
}

bool buffer_find(const struct buffer *buffer, const char *text, struct place from,
		 struct place *found)
{
	size_t len = strlen(text);
	size_t column = from.column + 1;

	/* The line it begins in is looked at twice: after the place, and at last before it. */
	for (size_t i = 0; i <= buffer->count; i++) {
		size_t row = (from.row + i) % buffer->count;
		const struct line *line = &buffer->lines[row];
		const char *hit = NULL;

		if (column + len <= line->len)
			hit = memmem(line->text + column, line->len - column, text, len);
		if (hit) {
			found->row = row;
			found->column = hit - line->text;
			return true;
		}
		column = 0;
	}
	return false;
}

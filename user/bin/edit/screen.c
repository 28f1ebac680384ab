#include "screen.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/term.h"
#include "user/lib/utf8.h"

enum { TAB = 8, ROWS_MIN = 4, COLUMNS_MIN = 16 };

static const char help[] =
	"^S Save ^O As ^X Quit ^W Find ^N Next ^T Line ^K Cut ^U Paste ^Z Undo ^Y Redo";

/* A string that grows. */
struct row {
	char *text;
	size_t len, room;
};

static struct termios before;
static bool opened;
static int rows, columns;
static struct row *shown;	/* what each row of the terminal shows; len 0: unknown */
static int shown_rows;
static struct row output;	/* what is on its way to the terminal */
static struct place top;	/* the view: its column is one of the screen */
static char message[160];

static void row_add(struct row *row, const char *bytes, size_t len)
{
	if (!row->text || row->len + len > row->room) {
		row->room = 2 * (row->len + len) + 64;
		row->text = memory_grow(row->text, row->room);
	}
	if (len)
		memcpy(row->text + row->len, bytes, len);
	row->len += len;
}

static void row_string(struct row *row, const char *string)
{
	row_add(row, string, strlen(string));
}

static void output_flush(void)
{
	term_write(STDOUT_FILENO, output.text, output.len);
	output.len = 0;
}

bool screen_open(void)
{
	if (!term_raw(STDIN_FILENO, false, &before))
		return false;
	opened = true;
	/* The other screen, so that what was there before comes back. */
	row_string(&output, "\033[?1049h");
	output_flush();
	screen_resize();
	return true;
}

void screen_close(void)
{
	char sequence[48];

	if (!opened)
		return;
	opened = false;
	snprintf(sequence, sizeof(sequence), "\033[%d;1H\033[K\033[?1049l", rows);
	term_write(STDOUT_FILENO, sequence, strlen(sequence));
	term_restore(STDIN_FILENO, &before);
}

void screen_resize(void)
{
	if (!term_size(STDOUT_FILENO, &rows, &columns) &&
	    !term_measure(STDIN_FILENO, STDOUT_FILENO, &rows, &columns)) {
		rows = 24;
		columns = 80;
	}
	if (rows < ROWS_MIN)
		rows = ROWS_MIN;
	if (columns < COLUMNS_MIN)
		columns = COLUMNS_MIN;
	for (int i = 0; i < shown_rows; i++)
		free(shown[i].text);
	shown = memory_grow(shown, rows * sizeof(*shown));
	memset(shown, 0, rows * sizeof(*shown));
	shown_rows = rows;
	row_string(&output, "\033[H\033[2J");
	output_flush();
}

size_t screen_text_rows(void)
{
	return rows - 2;
}

/* The bytes of the character at `offset`, and its width at a screen column. */
static size_t char_step(const struct line *line, size_t offset, size_t column, int *width)
{
	size_t len = utf8_step(line->text + offset, line->len - offset, width);

	if (line->text[offset] == '\t')
		*width = TAB - column % TAB;
	return len;
}

size_t screen_column(const struct line *line, size_t offset)
{
	size_t column = 0;
	int width;

	for (size_t at = 0; at < offset && at < line->len; column += width)
		at += char_step(line, at, column, &width);
	return column;
}

size_t screen_offset(const struct line *line, size_t wanted)
{
	size_t column = 0, at = 0;
	int width;

	while (at < line->len) {
		size_t len = char_step(line, at, column, &width);

		if (column + width > wanted)
			break;
		column += width;
		at += len;
	}
	return at;
}

/* Send a row if it is not what the terminal shows; takes over its memory. */
static void row_show(int index, struct row *row)
{
	char sequence[24];

	if (shown[index].text && shown[index].len == row->len &&
	    memcmp(shown[index].text, row->text, row->len) == 0) {
		free(row->text);
		return;
	}
	snprintf(sequence, sizeof(sequence), "\033[%d;1H\033[K", index + 1);
	row_string(&output, sequence);
	row_add(&output, row->text, row->len);
	free(shown[index].text);
	shown[index] = *row;
}

/* A character as it can be shown: no controls, no broken UTF-8. */
static void char_show(struct row *row, const char *bytes, size_t len, int width)
{
	unsigned char c = *bytes;

	if (c == '\t') {
		while (width-- > 0)
			row_string(row, " ");
	} else if (c < 0x20 || c == 0x7f) {
		char caret[2] = { '^', c ^ 0x40 };

		row_add(row, caret, 2);
	} else if (len == 1 && c >= 0x80) {
		row_string(row, "?");
	} else {
		row_add(row, bytes, len);
	}
}

/* The part of a line within the view; > marks what goes on to the right. */
static void line_show(int index, const struct line *line)
{
	struct row row = { 0 };
	size_t column = 0, end = top.column + columns;
	int width;

	row_string(&row, "");
	for (size_t at = 0; at < line->len && column < end;) {
		size_t len = char_step(line, at, column, &width);
		bool more = at + len < line->len;

		if (column + width > end || (column + width == end && more)) {
			/* Characters that the edge cuts leave blanks up to it. */
			for (; column + 1 < end; column++)
				row_string(&row, " ");
			row_string(&row, ">");
			break;
		}
		if (column >= top.column)
			char_show(&row, line->text + at, len, width);
		else if (column + width > top.column)
			for (size_t i = top.column; i < column + width; i++)
				row_string(&row, " ");
		column += width;
		at += len;
	}
	row_show(index, &row);
}

/* A line of the frame in reverse video, cut or padded to the width. */
static void bar_show(int index, const char *text)
{
	struct row row = { 0 };
	size_t len = strlen(text);
	int column = 0, width;

	row_string(&row, "\033[7m");
	for (size_t at = 0; at < len;) {
		size_t step = utf8_step(text + at, len - at, &width);

		if (column + width > columns - 1)
			break;
		char_show(&row, text + at, step, width);
		column += width;
		at += step;
	}
	for (; column < columns - 1; column++)
		row_string(&row, " ");
	row_string(&row, "\033[m");
	row_show(index, &row);
}

/* Move the view so that the cursor is in it. */
static void view_follow(const struct buffer *buffer, struct place cursor)
{
	size_t height = screen_text_rows();
	size_t column = screen_column(&buffer->lines[cursor.row], cursor.column);
	size_t step = columns / 2;

	if (cursor.row < top.row)
		top.row = cursor.row + 1 == top.row ? cursor.row
						    : cursor.row - (cursor.row > height / 2
								    ? height / 2 : cursor.row);
	else if (cursor.row >= top.row + height)
		top.row = cursor.row == top.row + height ? top.row + 1 : cursor.row - height / 2;
	while (column < top.column)
		top.column -= top.column > step ? step : top.column;
	while (column >= top.column + columns - 1)
		top.column += step;
}

static void status_show(const struct buffer *buffer, struct place cursor, const char *name,
			bool modified)
{
	char text[512];

	if (*message)
		snprintf(text, sizeof(text), "%s", message);
	else
		snprintf(text, sizeof(text), "%.200s%s  line %zu of %zu, column %zu",
			 name ? name : "(new file)", modified ? " *" : "", cursor.row + 1,
			 buffer->count, screen_column(&buffer->lines[cursor.row],
						      cursor.column) + 1);
	bar_show(rows - 2, text);
}

void screen_show(const struct buffer *buffer, struct place cursor, const char *name,
		 bool modified)
{
	static const struct line nothing;
	char sequence[32];
	size_t column;

	view_follow(buffer, cursor);
	row_string(&output, "\033[?25l");
	for (size_t i = 0; i < screen_text_rows(); i++) {
		size_t row = top.row + i;

		line_show(i, row < buffer->count ? &buffer->lines[row] : &nothing);
	}
	status_show(buffer, cursor, name, modified);
	bar_show(rows - 1, help);
	column = screen_column(&buffer->lines[cursor.row], cursor.column) - top.column;
	snprintf(sequence, sizeof(sequence), "\033[%zu;%zuH\033[?25h", cursor.row - top.row + 1,
		 column + 1);
	row_string(&output, sequence);
	output_flush();
}

void screen_message(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
}

void screen_message_clear(void)
{
	message[0] = '\0';
}

void screen_question(const char *question, const char *answer)
{
	struct line line = { .text = (char *)answer, .len = strlen(answer) };
	size_t label = strlen(question);
	size_t room = (size_t)columns > label + 4 ? columns - label - 4 : 1;
	size_t column = screen_column(&line, line.len);
	size_t skip = column > room ? screen_offset(&line, column - room) : 0;
	char text[512], sequence[32];

	snprintf(text, sizeof(text), "%s%s", question, answer + skip);
	bar_show(rows - 2, text);
	column = label + (column > room ? room : column);
	snprintf(sequence, sizeof(sequence), "\033[%d;%zuH\033[?25h", rows - 1, column + 1);
	row_string(&output, sequence);
	output_flush();
}

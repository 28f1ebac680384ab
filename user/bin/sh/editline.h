/* The line being edited and its picture on the screen; private to the line editor. */
#ifndef SH_EDITLINE_H
#define SH_EDITLINE_H

#include <stdbool.h>
#include <stddef.h>

struct editline {
	char *text;		/* heap, terminated */
	size_t len, room;
	size_t at;		/* the cursor, a byte offset */
	const char *prompt;
	int columns;		/* of the screen */
	int row;		/* of the cursor on the screen, from the prompt's first row */
	int column;
	bool painted;		/* something of it is on the screen */
};

void editline_init(struct editline *line, const char *prompt);
void editline_free(struct editline *line);

/* Change the text; none of these paints. */
void editline_set(struct editline *line, const char *text);
void editline_insert(struct editline *line, const char *bytes, size_t len);
void editline_delete(struct editline *line, size_t from, size_t to);

/* The offset one character, or one word, to the left or right of the cursor. */
size_t editline_left(const struct editline *line);
size_t editline_right(const struct editline *line);
size_t editline_word_left(const struct editline *line);
size_t editline_word_right(const struct editline *line);

/* Bring the screen up to date. */
void editline_paint(struct editline *line);

/* Insert at the cursor and paint, cheaply if that is at the end. */
void editline_type(struct editline *line, const char *bytes, size_t len);

/* Move the cursor to a new row below the text. */
void editline_leave(struct editline *line);

#endif

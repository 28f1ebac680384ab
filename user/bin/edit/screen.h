/* The picture on the terminal. Only rows that changed are sent. */
#ifndef EDIT_SCREEN_H
#define EDIT_SCREEN_H

#include "buffer.h"

/* Switch the terminal to raw mode and the other screen; false if there is none. */
bool screen_open(void);

/* Leave the terminal as it was. May be called at any time, also twice. */
void screen_close(void);

/* Find out the size again and forget what is shown. */
void screen_resize(void);

/* Rows that show text. */
size_t screen_text_rows(void);

/*
 * Show the text around the cursor, which the view follows, and the two lines below it.
 * `modified` marks the name.
 */
void screen_show(const struct buffer *buffer, struct place cursor, const char *name,
		 bool modified);

/* A message in the status line until the next key. */
void screen_message(const char *format, ...) __attribute__((format(printf, 1, 2)));
void screen_message_clear(void);

/* Show a question with what was typed so far instead of the status line. */
void screen_question(const char *question, const char *answer);

/* The screen column of a place in a line, and the place at a column. */
size_t screen_column(const struct line *line, size_t offset);
size_t screen_offset(const struct line *line, size_t column);

#endif

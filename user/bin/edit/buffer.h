/* The text being edited: lines of bytes, changed by insertions and deletions only. */
#ifndef EDIT_BUFFER_H
#define EDIT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct line {
	char *text;		/* heap, not terminated; NULL when room is 0 */
	size_t len, room;
};

/* A place between two bytes of a line. */
struct place {
	size_t row, column;	/* column is a byte offset */
};

struct buffer {
	struct line *lines;
	size_t count;		/* at least 1 */
	size_t room;
};

void buffer_init(struct buffer *buffer);

/* Insert bytes, newlines among them; returns the place after them. */
struct place buffer_insert(struct buffer *buffer, struct place at, const char *text, size_t len);

/* Delete what lies between two places, from <= to. */
void buffer_delete(struct buffer *buffer, struct place from, struct place to);

/* What lies between two places, from <= to, on the heap; stores its length. */
char *buffer_copy(const struct buffer *buffer, struct place from, struct place to, size_t *len);

/* The place one character to the left or right; stays at the ends of the text. */
struct place buffer_left(const struct buffer *buffer, struct place at);
struct place buffer_right(const struct buffer *buffer, struct place at);

/* The last place of the text. */
struct place buffer_end(const struct buffer *buffer);

/* Find text after `from`, going on at the start after the end; false if there is none. */
bool buffer_find(const struct buffer *buffer, const char *text, struct place from,
		 struct place *found);

/* malloc and realloc that end the program with a message when there is no memory. */
void *memory_grow(void *old, size_t size);

#endif

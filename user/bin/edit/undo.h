/* Changes of the text that can be taken back, and made again. */
#ifndef EDIT_UNDO_H
#define EDIT_UNDO_H

#include "buffer.h"

struct change;

/* All zero is an empty history. */
struct undo {
	struct change *done;	/* the latest first */
	struct change *undone;
	size_t serial;		/* names the present state of the text; 0 is the first */
	size_t next_serial;
};

/* Change the text and remember it. Typing on goes into the change before. */
struct place undo_insert(struct undo *undo, struct buffer *buffer, struct place at,
			 const char *text, size_t len);
void undo_delete(struct undo *undo, struct buffer *buffer, struct place from, struct place to);

/* The next change is one of its own, also if it continues the one before. */
void undo_break(struct undo *undo);

/* Take back the latest change, or make it again; false if there is none. */
bool undo_back(struct undo *undo, struct buffer *buffer, struct place *cursor);
bool undo_again(struct undo *undo, struct buffer *buffer, struct place *cursor);

#endif

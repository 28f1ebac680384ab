#include "undo.h"

#include <stdlib.h>
#include <string.h>

struct change {
	struct change *below;
	bool inserted;		/* else deleted */
	bool open;		/* typing may go on in it */
	struct place from, to;	/* where the text is, or was */
	char *text;
	size_t len;
	size_t before, after;	/* serials of the states around it */
};

static void changes_free(struct change **stack)
{
	while (*stack) {
		struct change *change = *stack;

		*stack = change->below;
		free(change->text);
		free(change);
	}
}

static struct change *change_push(struct undo *undo, bool inserted, struct place from,
				  struct place to)
{
	struct change *change = memory_grow(NULL, sizeof(*change));

	changes_free(&undo->undone);
	memset(change, 0, sizeof(*change));
	change->inserted = inserted;
	change->from = from;
	change->to = to;
	change->before = undo->serial;
	change->after = undo->serial = ++undo->next_serial;
	change->below = undo->done;
	undo->done = change;
	return change;
}

void undo_break(struct undo *undo)
{
	if (undo->done)
		undo->done->open = false;
}

static bool same_place(struct place a, struct place b)
{
	return a.row == b.row && a.column == b.column;
}

struct place undo_insert(struct undo *undo, struct buffer *buffer, struct place at,
			 const char *text, size_t len)
{
	struct place end = buffer_insert(buffer, at, text, len);
	struct change *last = undo->done;
	bool typing = len <= 4 && end.row == at.row;

	if (!last || !last->inserted || !last->open || !typing || !same_place(last->to, at)) {
		last = change_push(undo, true, at, end);
		last->open = typing;
	}
	last->text = memory_grow(last->text, last->len + len);
	memcpy(last->text + last->len, text, len);
	last->len += len;
	last->to = end;
	changes_free(&undo->undone);
	last->after = undo->serial = ++undo->next_serial;
	return end;
}

void undo_delete(struct undo *undo, struct buffer *buffer, struct place from, struct place to)
{
	struct change *change;

	if (same_place(from, to))
		return;
	change = change_push(undo, false, from, to);
	change->text = buffer_copy(buffer, from, to, &change->len);
	buffer_delete(buffer, from, to);
}

static struct place change_apply(struct change *change, struct buffer *buffer, bool insert)
{
	if (insert)
		return buffer_insert(buffer, change->from, change->text, change->len);
	buffer_delete(buffer, change->from, change->to);
	return change->from;
}

bool undo_back(struct undo *undo, struct buffer *buffer, struct place *cursor)
{
	struct change *change = undo->done;

	if (!change)
		return false;
	undo->done = change->below;
	*cursor = change_apply(change, buffer, !change->inserted);
	change->open = false;
	change->below = undo->undone;
	undo->undone = change;
	undo->serial = change->before;
	return true;
}

bool undo_again(struct undo *undo, struct buffer *buffer, struct place *cursor)
{
	struct change *change = undo->undone;

	if (!change)
		return false;
	undo->undone = change->below;
	*cursor = change_apply(change, buffer, change->inserted);
	change->below = undo->done;
	undo->done = change;
	undo->serial = change->after;
	return true;
}

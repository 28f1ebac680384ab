/* An expanded word with the origin of each character, and how it falls into fields. */
#ifndef SH_FIELDS_H
#define SH_FIELDS_H

#include "mem.h"

enum mark {
	MARK_QUOTED = 1 << 0,	/* stands for itself */
	MARK_SPLIT = 1 << 1,	/* came from an unquoted expansion: IFS splits here */
	MARK_BREAK = 1 << 2,	/* no character: a field ends, as between two of "$@" */
	MARK_NULL = 1 << 3,	/* no character: an empty pair of quotes */
};

struct expansion {
	char *data;
	unsigned char *marks;
	size_t len;
	size_t room;
	bool failed;		/* an error was reported */
};

void expansion_char(struct expansion *x, char c, unsigned mark);
void expansion_string(struct expansion *x, const char *string, unsigned mark);

/* The characters as one string; fields joined by a space. */
char *expansion_join(const struct expansion *x);

/* The same as a pattern: what was quoted is protected by backslashes. */
char *expansion_pattern(const struct expansion *x);

/* Split into fields, replace those that are patterns by the files that match, add to list. */
void expansion_fields(const struct expansion *x, struct list *list);

#endif

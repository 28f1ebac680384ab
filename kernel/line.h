/*
 * Lines of text that the kernel keeps and others set: who reads one sees all of it as it was set.
 */
#pragma once

#include <stddef.h>

struct spinlock;

struct line {
	char *text;	       /* (lock) ends with NUL */
	size_t size;	       /* of text */
	struct spinlock *lock; /* RANK_FILES */
};

/* The line into out, which has room for l->size bytes. */
void line_get(const struct line *l, char *out);
/* It is the first n bytes of s from now on; what does not fit is cut off. */
void line_set(const struct line *l, const char *s, size_t n);

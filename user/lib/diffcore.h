/*
 * The shortest edit script between two sequences of numbers.
 */
#ifndef LIB_DIFFCORE_H
#define LIB_DIFFCORE_H

#include <stdbool.h>

struct sequence {
	const int *item;	/* equal numbers are equal lines */
	long n;
	bool *changed;		/* n + 1 of them, false at first: not in the other one */
};

/*
 * Marks what must be deleted from a and inserted from b, as little as possible. Time grows with
 * the length times the number of changes, memory only with the length.
 */
void sequences_compare(struct sequence *a, struct sequence *b);

#endif

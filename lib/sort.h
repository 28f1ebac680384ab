#pragma once

#include <stddef.h>

/*
 * Sorts count elements of size bytes at base in place, ascending by cmp (negative, zero,
 * positive; arg is handed through).  Heap sort: O(count log count) in the worst case as well, no
 * recursion, no allocation; equal elements may change places.  Sleeps only if cmp does.
 */
void sort(void *base, size_t count, size_t size,
	  int (*cmp)(const void *a, const void *b, void *arg), void *arg);

/* UTF-8 as terminals show it. */
#ifndef USER_LIB_UTF8_H
#define USER_LIB_UTF8_H

#include <stddef.h>

/*
 * The number of bytes of the character at `text`, of which `left` (> 0) bytes remain, and
 * the columns it takes on a terminal. A byte that does not begin a valid character counts
 * as one byte and one column; control characters as two columns, the way ^X is shown.
 */
size_t utf8_step(const char *text, size_t left, int *width);

/* The number of bytes of the character that ends right before text[at], at > 0. */
size_t utf8_back(const char *text, size_t at);

/* How many bytes a character has that begins with this byte; 1 if none does. */
int utf8_length(unsigned char first);

#endif

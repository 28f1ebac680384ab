/* Patterns (* ? [...], backslash quotes) against strings and against the names of files. */
#ifndef SH_GLOB_H
#define SH_GLOB_H

#include <stdbool.h>

#include "mem.h"

/* Does the whole string match? Slashes and leading dots are ordinary characters. */
bool glob_match(const char *pattern, const char *string);

/* Add the names of all files that match, sorted, to `list`; false if there are none. */
bool glob_files(const char *pattern, struct list *list);

#endif

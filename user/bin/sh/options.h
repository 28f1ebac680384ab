/* The options of set and of the command line. */
#ifndef SH_OPTIONS_H
#define SH_OPTIONS_H

#include <stdbool.h>

/* The letters of the options that are on, in scratch memory. */
char *options_string(void);

/*
 * Take the options off the front of argv[1...], "-o NAME" included. Returns the index
 * of the first argument that is none, or -1 after an error message. `*end` tells whether
 * "--" (or "-") ended them. `extra` holds letters the caller handles: they are set in
 * `found`, a string with room for them.
 */
int options_parse(char **argv, const char *extra, char *found, bool *end);

/* The forms of set without arguments of its own: -o and +o. */
void options_print(bool commands);

#endif

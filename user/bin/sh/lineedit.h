/* Editing a line on the terminal. */
#ifndef SH_LINEEDIT_H
#define SH_LINEEDIT_H

#include <stdbool.h>

/* Is standard input a terminal that understands cursor movement? */
bool lineedit_usable(void);

/*
 * Let a person edit a line. Returns 0 and the line, without newline, for the caller to
 * free; -1 for ctrl-D on an empty line or the end of the input; -2 for ctrl-C.
 */
int lineedit_read(const char *prompt, char **line);

#endif

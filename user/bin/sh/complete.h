/* Completion of commands and file names with the tab key. */
#ifndef SH_COMPLETE_H
#define SH_COMPLETE_H

#include <stdbool.h>

struct editline;

/* Complete the word before the cursor; `list`: show the choices if there are several. */
void complete_line(struct editline *line, bool list);

#endif

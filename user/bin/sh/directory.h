/* The current directory by the name the user reached it by (PWD and OLDPWD). */
#ifndef SH_DIRECTORY_H
#define SH_DIRECTORY_H

#include <stdbool.h>

/* Set PWD at the start: the inherited one if it is right, else the real path. */
void directory_init(void);

/*
 * Change the directory, and PWD and OLDPWD with it. `physical`: symbolic links are
 * resolved before ".." is; otherwise the name is taken apart as written. False with errno.
 */
bool directory_change(const char *path, bool physical);

/* The name of the current directory. */
const char *directory_current(void);

#endif

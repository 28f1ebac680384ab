/* Simple commands: functions, builtins and programs. */
#ifndef SH_COMMAND_H
#define SH_COMMAND_H

#include <stdbool.h>

#include "ast.h"

/* Run a NODE_SIMPLE; returns its status. `tail`: the shell may turn into the program. */
int command_run(const struct node *node, bool tail);

/* Run expanded words, passing over functions (the builtin `command`). */
int command_words(char **argv);

/* Turn into a program with the exported variables; exits 126 or 127 if that fails. */
void command_exec(char **argv) __attribute__((noreturn));

/* The file that a command name stands for, in scratch memory; NULL if there is none. */
char *command_path(const char *name);

#endif

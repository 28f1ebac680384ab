/* Reading commands and running them, one after the other. */
#ifndef SH_RUN_H
#define SH_RUN_H

#include <stdbool.h>

struct lexer;

/*
 * Read and run up to the end of the input or until the commands are to be left
 * (shell.unwind). A syntax error ends a script as shell_abort() does. `tail`: the shell
 * exits after this anyway, so the last command need not be forked.
 */
void run_lexer(struct lexer *lex, bool tail);

/* The same for a string (eval, trap); it must not change meanwhile. */
void run_string(const char *string);

/* Run a file in this shell; false, with a message, if it cannot be read. */
bool run_file(const char *path);

/* Is there room for one more nested eval, function or file? Else a message and abort. */
bool run_enter(void);
void run_leave(void);

#endif

/* Running the tree: lists, pipelines, loops, subshells. */
#ifndef SH_EXEC_H
#define SH_EXEC_H

#include "ast.h"

/* Run a program; `tail`: the shell has nothing to do after it but to exit with its status. */
void exec_program(struct program *program, bool tail);

/* Run a node (NULL does nothing, successfully) and return $?. `tail` as above. */
int exec_node(const struct node *node, bool tail);

/* Run a node in a subshell and collect what it prints. False, with a message, on an error. */
bool exec_capture(const struct node *node, struct text *output);

/* The source text of a node of the program being run, on one line, in scratch memory. */
char *exec_text(const struct node *node);

/* The program being run; a function that is called runs another one. */
struct program *exec_current(void);
void exec_current_set(struct program *program);

#endif

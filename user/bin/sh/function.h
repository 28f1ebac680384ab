/* Shell functions by name. */
#ifndef SH_FUNCTION_H
#define SH_FUNCTION_H

#include "ast.h"

struct function {
	struct function *next;
	char *name;
	struct program *program;	/* holds the body; a reference is ours */
	const struct node *body;
};

void function_define(const char *name, struct program *program, const struct node *body);
const struct function *function_find(const char *name);
/* False if there is none of this name. */
bool function_remove(const char *name);

/* Call a function with argv[1]... as its arguments; returns its status. */
int function_call(const struct function *function, char **argv);

#endif

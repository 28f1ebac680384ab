/* Shell variables, what of them is exported, and the scopes of functions. */
#ifndef SH_VAR_H
#define SH_VAR_H

#include <stdbool.h>

enum {
	VAR_EXPORT = 1 << 0,
	VAR_READONLY = 1 << 1,
};

struct var {
	struct var *next;
	char *name;
	char *value;		/* NULL: known by its flags only, counts as unset */
	unsigned flags;		/* VAR_* */
};

/* Take over the environment of the process. */
void var_import(char **environment);

/* The value, or NULL if unset. It is valid until the variable changes. */
const char *var_get(const char *name);

/* The value, or `fallback` if unset or empty. */
const char *var_get_or(const char *name, const char *fallback);

/* Set a variable; false, with a message, if it is read-only. */
bool var_set(const char *name, const char *value);
bool var_set_number(const char *name, long value);

/* Forget a variable; false, with a message, if it is read-only. */
bool var_unset(const char *name);

/* Add flags, making an unset variable known if need be. */
void var_flag(const char *name, unsigned flags);

/* The environment for a program, in scratch memory. */
char **var_environment(void);

/* Call `each` for every variable, sorted by name. */
void var_each(void (*each)(const struct var *var, void *context), void *context);

/*
 * A scope remembers what variables were, and brings that back when it is popped.
 * Scopes nest; var_scope_save() works on the innermost one.
 */
void var_scope_push(void);
void var_scope_save(const char *name);
void var_scope_pop(void);

/* Is `name` a valid variable name? */
bool var_name_valid(const char *name);

#endif

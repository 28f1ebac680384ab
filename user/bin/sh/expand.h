/* From words as written to the strings a command gets. Results live in scratch memory. */
#ifndef SH_EXPAND_H
#define SH_EXPAND_H

#include "ast.h"

/*
 * All of these expand tildes, parameters, commands and arithmetic. On an error the
 * message is printed, shell_abort() has been called, and false or NULL returned.
 */

/* Expand a chain of words with field splitting and file names, adding the fields to `list`. */
bool expand_words(const struct word *words, struct list *list);

/* Expand one word to one string, without splitting and file names. */
char *expand_string(const struct word *word);

/* The same, with what was quoted protected by backslashes, for glob_match(). */
char *expand_pattern(const struct word *word);

/* Expand an assignment word NAME=value; stores the name. */
char *expand_assignment(const struct word *word, char **name);

/* Expand the parameters of a prompt. Never fails: text with a syntax error stays as it is. */
char *expand_prompt(const char *text);

/* The value of a parameter by its name, special ones and $1... included; NULL if unset. */
const char *expand_parameter(const char *name);

#endif

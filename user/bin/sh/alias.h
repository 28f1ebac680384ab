/* Aliases: names that stand for text in front of a command. */
#ifndef SH_ALIAS_H
#define SH_ALIAS_H

#include <stdbool.h>

struct alias {
	struct alias *next;
	char *name;
	char *value;
	bool busy;		/* being read: it does not expand within itself */
	bool dead;		/* removed while busy: freed by alias_release() */
};

void alias_set(const char *name, const char *value);
/* NULL if there is none. */
const struct alias *alias_find(const char *name);
/* False if there is none of this name. */
bool alias_remove(const char *name);
void alias_remove_all(void);
/* Call `each` for every alias, sorted by name. */
void alias_each(void (*each)(const struct alias *));

/* The alias to read from, now busy; NULL if there is none or it is busy. */
struct alias *alias_take(const char *name);
void alias_release(struct alias *alias);

#endif

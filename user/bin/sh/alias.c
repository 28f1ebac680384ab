#include "alias.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

static struct alias *aliases;

/* The link that points at the alias, or at where it belongs in the sorted list. */
static struct alias **alias_link(const char *name)
{
	struct alias **link = &aliases;

	while (*link && strcmp((*link)->name, name) < 0)
		link = &(*link)->next;
	return link;
}

const struct alias *alias_find(const char *name)
{
	struct alias *alias = *alias_link(name);

	return alias && strcmp(alias->name, name) == 0 ? alias : NULL;
}

static void alias_free(struct alias *alias)
{
	free(alias->name);
	free(alias->value);
	free(alias);
}

bool alias_remove(const char *name)
{
	struct alias **link = alias_link(name);
	struct alias *alias = *link;

	if (!alias || strcmp(alias->name, name) != 0)
		return false;
	*link = alias->next;
	alias->dead = true;
	if (!alias->busy)
		alias_free(alias);
	return true;
}

void alias_remove_all(void)
{
	while (aliases)
		alias_remove(aliases->name);
}

void alias_set(const char *name, const char *value)
{
	struct alias *alias = heap_alloc(sizeof(*alias));
	struct alias **link;

	memset(alias, 0, sizeof(*alias));
	alias->name = heap_string(name);
	alias->value = heap_string(value);
	alias_remove(name);
	link = alias_link(name);
	alias->next = *link;
	*link = alias;
}

void alias_each(void (*each)(const struct alias *))
{
	for (struct alias *alias = aliases; alias; alias = alias->next)
		each(alias);
}

struct alias *alias_take(const char *name)
{
	struct alias *alias = (struct alias *)alias_find(name);

	if (!alias || alias->busy)
		return NULL;
	alias->busy = true;
	return alias;
}

void alias_release(struct alias *alias)
{
	alias->busy = false;
	if (alias->dead)
		alias_free(alias);
}

#include "var.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lexword.h"
#include "mem.h"
#include "shell.h"

enum { BUCKETS = 64 };

/* What a variable was when a scope first touched it. */
struct saved {
	struct saved *next;
	char *name;
	char *value;
	unsigned flags;
};

struct scope {
	struct scope *outer;
	struct saved *saved;
};

static struct var *buckets[BUCKETS];
static struct scope *scopes;

static struct var **var_link(const char *name)
{
	unsigned hash = 5381;
	struct var **link;

	for (const char *p = name; *p; p++)
		hash = hash * 33 + (unsigned char)*p;
	link = &buckets[hash % BUCKETS];
	while (*link && strcmp((*link)->name, name) != 0)
		link = &(*link)->next;
	return link;
}

static struct var *var_make(const char *name)
{
	struct var **link = var_link(name);
	struct var *var = *link;

	if (var)
		return var;
	var = heap_alloc(sizeof(*var));
	memset(var, 0, sizeof(*var));
	var->name = heap_string(name);
	*link = var;
	return var;
}

bool var_name_valid(const char *name)
{
	if (!name_start((unsigned char)*name))
		return false;
	while (name_char((unsigned char)*name))
		name++;
	return !*name;
}

const char *var_get(const char *name)
{
	const struct var *var = *var_link(name);

	return var ? var->value : NULL;
}

const char *var_get_or(const char *name, const char *fallback)
{
	const char *value = var_get(name);

	return value && *value ? value : fallback;
}

bool var_set(const char *name, const char *value)
{
	struct var *var = var_make(name);
	char *copy;

	if (var->flags & VAR_READONLY) {
		shell_error("%s: is read only", name);
		return false;
	}
	/* The new value may be part of the old one. */
	copy = heap_string(value);
	free(var->value);
	var->value = copy;
	if (option_on(OPTION_ALLEXPORT))
		var->flags |= VAR_EXPORT;
	return true;
}

bool var_set_number(const char *name, long value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%ld", value);
	return var_set(name, digits);
}

static void var_remove(struct var **link)
{
	struct var *var = *link;

	*link = var->next;
	free(var->name);
	free(var->value);
	free(var);
}

bool var_unset(const char *name)
{
	struct var **link = var_link(name);

	if (!*link)
		return true;
	if ((*link)->flags & VAR_READONLY) {
		shell_error("%s: is read only", name);
		return false;
	}
	var_remove(link);
	return true;
}

void var_flag(const char *name, unsigned flags)
{
	var_make(name)->flags |= flags;
}

void var_import(char **environment)
{
	for (; *environment; environment++) {
		const char *equals = strchr(*environment, '=');
		char *name;

		if (!equals)
			continue;
		name = arena_copy(&scratch, *environment, equals - *environment);
		if (!var_name_valid(name))
			continue;
		var_set(name, equals + 1);
		var_flag(name, VAR_EXPORT);
	}
}

char **var_environment(void)
{
	struct list list;

	list_init(&list, &scratch);
	for (int i = 0; i < BUCKETS; i++) {
		for (struct var *var = buckets[i]; var; var = var->next) {
			struct text text;

			if (!(var->flags & VAR_EXPORT) || !var->value)
				continue;
			text_init(&text, &scratch);
			text_string(&text, var->name);
			text_char(&text, '=');
			text_string(&text, var->value);
			list_add(&list, text_finish(&text));
		}
	}
	return list.items;
}

static int var_compare(const void *a, const void *b)
{
	const struct var *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

void var_each(void (*each)(const struct var *var, void *context), void *context)
{
	struct list list;

	list_init(&list, &scratch);
	for (int i = 0; i < BUCKETS; i++)
		for (struct var *var = buckets[i]; var; var = var->next)
			list_add(&list, (char *)var);
	qsort(list.items, list.count, sizeof(char *), var_compare);
	for (size_t i = 0; i < list.count; i++)
		each((const struct var *)list.items[i], context);
}

void var_scope_push(void)
{
	struct scope *scope = heap_alloc(sizeof(*scope));

	scope->outer = scopes;
	scope->saved = NULL;
	scopes = scope;
}

void var_scope_save(const char *name)
{
	const struct var *var = *var_link(name);
	struct saved *saved;

	for (saved = scopes->saved; saved; saved = saved->next)
		if (strcmp(saved->name, name) == 0)
			return;
	saved = heap_alloc(sizeof(*saved));
	saved->name = heap_string(name);
	saved->value = var && var->value ? heap_string(var->value) : NULL;
	saved->flags = var ? var->flags : 0;
	saved->next = scopes->saved;
	scopes->saved = saved;
}

/* A variable made read-only within the scope goes all the same: it was local to it. */
static void saved_restore(struct saved *saved)
{
	struct var *var = var_make(saved->name);

	free(var->value);
	var->value = saved->value;
	var->flags = saved->flags;
	if (!var->value && !var->flags)
		var_remove(var_link(saved->name));
	free(saved->name);
	free(saved);
}

void var_scope_pop(void)
{
	struct scope *scope = scopes;

	while (scope->saved) {
		struct saved *saved = scope->saved;

		scope->saved = saved->next;
		saved_restore(saved);
	}
	scopes = scope->outer;
	free(scope);
}

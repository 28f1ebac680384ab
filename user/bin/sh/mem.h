/* Memory of the shell: arenas for what dies together, heap helpers that cannot fail. */
#ifndef SH_MEM_H
#define SH_MEM_H

#include <stdbool.h>
#include <stddef.h>

struct arena_block;

/* A bag of allocations that are freed together; all zero is an empty arena. */
struct arena {
	struct arena_block *top;
};

/* A point to fall back to: everything allocated later is freed by arena_release(). */
struct arena_mark {
	struct arena_block *block;
	size_t used;
};

/*
 * What the command being run needs: expanded words, file names, patterns. Whoever
 * runs a command takes a mark before and releases it after.
 */
extern struct arena scratch;

void *arena_alloc(struct arena *arena, size_t size);
char *arena_copy(struct arena *arena, const char *bytes, size_t len);
char *arena_string(struct arena *arena, const char *string);
struct arena_mark arena_mark(struct arena *arena);
void arena_release(struct arena *arena, struct arena_mark mark);
void arena_free(struct arena *arena);

/* A string that grows, in an arena; data is always terminated once anything was added. */
struct text {
	struct arena *arena;
	char *data;
	size_t len;
	size_t room;
};

void text_init(struct text *text, struct arena *arena);
void text_char(struct text *text, char c);
void text_bytes(struct text *text, const char *bytes, size_t len);
void text_string(struct text *text, const char *string);
/* The finished string; "" if nothing was added. */
char *text_finish(struct text *text);

/* A NULL-terminated vector of strings that grows, in an arena. */
struct list {
	struct arena *arena;
	char **items;
	size_t count;
	size_t room;
};

void list_init(struct list *list, struct arena *arena);
void list_add(struct list *list, char *item);

/* Heap allocation; the shell ends with status 2 when there is no memory. */
void *heap_alloc(size_t size);
void *heap_grow(void *old, size_t size);
char *heap_string(const char *string);

#endif

#include "mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_ROOM = 4096 - 32, ALIGNMENT = 16 };

struct arena_block {
	struct arena_block *below;
	size_t used;
	size_t room;
	size_t pad;	/* keeps data on a 16-byte boundary */
	char data[];
};

struct arena scratch;

static void out_of_memory(void)
{
	static const char message[] = "sh: out of memory\n";
	ssize_t ignored = write(STDERR_FILENO, message, sizeof(message) - 1);

	(void)ignored;
	_exit(2);
}

void *heap_alloc(size_t size)
{
	void *memory = malloc(size ? size : 1);

	if (!memory)
		out_of_memory();
	return memory;
}

void *heap_grow(void *old, size_t size)
{
	void *memory = realloc(old, size);

	if (!memory)
		out_of_memory();
	return memory;
}

char *heap_string(const char *string)
{
	size_t size = strlen(string) + 1;

	return memcpy(heap_alloc(size), string, size);
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_block *block = arena->top;
	void *memory;

	if (size > SIZE_MAX / 2)
		out_of_memory();
	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (!block || block->room - block->used < size) {
		size_t room = size > BLOCK_ROOM ? size : BLOCK_ROOM;

		block = heap_alloc(sizeof(*block) + room);
		block->below = arena->top;
		block->used = 0;
		block->room = room;
		arena->top = block;
	}
	memory = block->data + block->used;
	block->used += size;
	return memory;
}

char *arena_copy(struct arena *arena, const char *bytes, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	if (len)
		memcpy(copy, bytes, len);
	copy[len] = '\0';
	return copy;
}

char *arena_string(struct arena *arena, const char *string)
{
	return arena_copy(arena, string, strlen(string));
}

struct arena_mark arena_mark(struct arena *arena)
{
	struct arena_mark mark = { arena->top, arena->top ? arena->top->used : 0 };

	return mark;
}

void arena_release(struct arena *arena, struct arena_mark mark)
{
	while (arena->top != mark.block) {
		struct arena_block *block = arena->top;

		arena->top = block->below;
		free(block);
	}
	if (arena->top)
		arena->top->used = mark.used;
}

void arena_free(struct arena *arena)
{
	struct arena_mark empty = { NULL, 0 };

	arena_release(arena, empty);
}

void text_init(struct text *text, struct arena *arena)
{
	memset(text, 0, sizeof(*text));
	text->arena = arena;
}

static void text_reserve(struct text *text, size_t more)
{
	size_t room = text->room ? text->room : 32;
	char *data;

	if (text->room - text->len > more)
		return;
	while (room - text->len <= more)
		room *= 2;
	data = arena_alloc(text->arena, room);
	if (text->len)
		memcpy(data, text->data, text->len);
	text->data = data;
	text->room = room;
}

void text_char(struct text *text, char c)
{
	text_reserve(text, 1);
	text->data[text->len++] = c;
	text->data[text->len] = '\0';
}

void text_bytes(struct text *text, const char *bytes, size_t len)
{
	if (!len)
		return;
	text_reserve(text, len);
	memcpy(text->data + text->len, bytes, len);
	text->len += len;
	text->data[text->len] = '\0';
}

void text_string(struct text *text, const char *string)
{
	text_bytes(text, string, strlen(string));
}

char *text_finish(struct text *text)
{
	return text->data ? text->data : arena_string(text->arena, "");
}

void list_init(struct list *list, struct arena *arena)
{
	memset(list, 0, sizeof(*list));
	list->arena = arena;
	list->room = 8;
	list->items = arena_alloc(arena, list->room * sizeof(char *));
	list->items[0] = NULL;
}

void list_add(struct list *list, char *item)
{
	if (list->count + 1 == list->room) {
		char **items = arena_alloc(list->arena, 2 * list->room * sizeof(char *));

		memcpy(items, list->items, list->count * sizeof(char *));
		list->items = items;
		list->room *= 2;
	}
	list->items[list->count++] = item;
	list->items[list->count] = NULL;
}

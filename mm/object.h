/*
 * Memory objects: something that has pages by index - a file, a block device, shared anonymous
 * memory - and the areas of address spaces that map them.
 */
#pragma once

#include "mm/types.h"

/* An object may have pages of index 0 .. OBJECT_INDEX_MAX: 16 TiB. */
#define OBJECT_INDEX_MAX UINT32_MAX

/* One reference, the owner's. */
void object_init(struct object *o, const struct object_ops *ops, void *owner, uint64_t size);
/*
 * The owner ends it: all frames leave, dirty ones unwritten; there must be no mapping left.
 * Waits for whoever still holds a reference (the flusher). May sleep.
 */
void object_destroy(struct object *o);
struct object *object_get(struct object *o);
/* False if the last reference is gone already. */
bool object_try_get(struct object *o);
void object_put(struct object *o); /* may sleep where the kind has a release op */
/* The kind's op, if it has one: see struct object_ops. */
static inline int object_make_writable(struct object *o, uint64_t index, uint32_t from, uint32_t to)
{
	return o->ops->make_writable ? o->ops->make_writable(o, index, from, to) : 0;
}
/*
 * Memory that is nowhere but in the object counts as promised (commit.h) page by page, unless so
 * many pages are from the start, before it has any: until object_destroy.
 */
void object_promise(struct object *o, uint64_t pages);
static inline bool object_counts_pages(const struct object *o)
{
	return !o->ops->write_pages && !o->promised;
}
/* Shared anonymous memory of size bytes: one reference, released by itself. NULL: no memory. */
struct object *shm_object_create(uint64_t size, bool promised);

/*
 * The areas that map an object, as intervals of page indices: which of them cover a range?
 */
#pragma once

#include "mm/types.h"

/* Enter an area into the object's set, or take it out. (lock) */
void object_add_area(struct object *o, struct vma *v);
void object_remove_area(struct object *o, struct vma *v);
/* Tell the kind, if it asks, that there is one area more (1) or less (-1). (lock) */
static inline void object_count_area(struct object *o, int change)
{
	if (o->ops->areas)
		o->ops->areas(o, change);
}
/* First area that maps any page of [first, last], and the next one behind prev. (lock) */
struct vma *object_area_first(struct object *o, uint64_t first, uint64_t last);
struct vma *object_area_next(struct vma *prev, uint64_t first, uint64_t last);

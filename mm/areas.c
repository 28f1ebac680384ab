#include "mm/areas.h"

#include "kernel/panic.h"
#include "kernel/uapi/mman.h"

static inline struct vma *area(struct interval *i)
{
	return i ? container_of(i, struct vma, in_object) : NULL;
}

static bool writes_object(const struct vma *v)
{
	return (v->flags & VMA_SHARED) && (v->prot & PROT_WRITE);
}

void object_add_area(struct object *o, struct vma *v)
{
	assert(mutex_held(&o->lock));
	v->in_object.first = v->index;
	v->in_object.last = v->index + vma_pages(v) - 1;
	interval_add(&o->areas, &v->in_object);
	o->nr_writable_shared += writes_object(v);
}

void object_remove_area(struct object *o, struct vma *v)
{
	assert(mutex_held(&o->lock));
	interval_remove(&o->areas, &v->in_object);
	o->nr_writable_shared -= writes_object(v);
}

struct vma *object_area_first(struct object *o, uint64_t first, uint64_t last)
{
	return area(interval_first(&o->areas, first, last));
}

struct vma *object_area_next(struct vma *prev, uint64_t first, uint64_t last)
{
	return area(interval_next(&prev->object->areas, &prev->in_object, first, last));
}

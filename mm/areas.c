#include "mm/areas.h"

#include "kernel/panic.h"
#include "kernel/uapi/mman.h"

static inline struct vma *area(struct rb_node *n)
{
	return rb_entry_or_null(n, struct vma, object_node);
}

static inline uint64_t area_last(const struct vma *v)
{
	return v->index + vma_pages(v) - 1;
}

/* The largest last index below a node: what makes overlap queries skip whole subtrees. */
static bool area_update(struct rb_node *n)
{
	struct vma *v = area(n);
	uint64_t last = area_last(v);

	if (n->left)
		last = MAX(last, area(n->left)->sub_last);
	if (n->right)
		last = MAX(last, area(n->right)->sub_last);
	if (v->sub_last == last)
		return false;
	v->sub_last = last;
	return true;
}

static const struct rb_augment area_augment = {.update = area_update};

static bool writes_object(const struct vma *v)
{
	return (v->flags & VMA_SHARED) && (v->prot & PROT_WRITE);
}

void object_add_area(struct object *o, struct vma *v)
{
	struct rb_node **link = &o->areas.node, *parent = NULL;

	assert(mutex_held(&o->lock));
	while (*link) {
		parent = *link;
		link = v->index < area(parent)->index ? &parent->left : &parent->right;
	}
	rb_insert(&o->areas, &v->object_node, parent, link, &area_augment);
	o->nr_writable_shared += writes_object(v);
}

void object_remove_area(struct object *o, struct vma *v)
{
	assert(mutex_held(&o->lock));
	rb_erase(&o->areas, &v->object_node, &area_augment);
	o->nr_writable_shared -= writes_object(v);
}

struct vma *object_area_first(struct object *o, uint64_t first, uint64_t last)
{
	struct rb_node *n = o->areas.node;
	struct vma *best = NULL;

	/* Leftmost that overlaps: go left whenever something there reaches `first`. */
	while (n) {
		struct vma *v = area(n);

		if (n->left && area(n->left)->sub_last >= first) {
			if (area_last(v) >= first && v->index <= last)
				best = v;
			n = n->left;
		} else if (area_last(v) >= first) {
			return v->index <= last ? v : best;
		} else {
			n = n->right;
		}
	}
	return best;
}

struct vma *object_area_next(struct vma *prev, uint64_t first, uint64_t last)
{
	struct rb_node *n = &prev->object_node;

	while ((n = rb_next(n)) && area(n)->index <= last)
		if (area_last(area(n)) >= first)
			return area(n);
	return NULL;
}

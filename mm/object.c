#include "mm/object.h"

#include "kernel/panic.h"
#include "mm/aspace.h"
#include "mm/frame.h"
#include "mm/page.h"
#include "mm/pagecache.h"
#include "mm/slab.h"
#include "mm/writeback.h"

/* Owners that wait for the last other reference to an object of theirs. */
static struct waitqueue object_wait = WAITQUEUE_INIT(object_wait);

static struct radix_node *node_alloc(void)
{
	return kmalloc(sizeof(struct radix_node));
}

static void node_free(struct radix_node *n)
{
	kfree(n);
}

static const struct radix_ops radix_ops = {.node_alloc = node_alloc, .node_free = node_free};

void object_init(struct object *o, const struct object_ops *ops, void *owner, uint64_t size)
{
	*o = (struct object){.ops = ops, .owner = owner, .refs = 1, .size = size};
	mutex_init(&o->lock, "object", RANK_OBJECT);
	spin_init(&o->tree_lock, "object tree", RANK_TREE);
	radix_init(&o->frames, &radix_ops);
	list_init(&o->dirty_link);
}

struct object *object_get(struct object *o)
{
	o->refs++;
	return o;
}

bool object_try_get(struct object *o)
{
	int refs = o->refs;

	while (refs > 0)
		if (__atomic_compare_exchange_n((int *)&o->refs, &refs, refs + 1, false,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return true;
	return false;
}

void object_put(struct object *o)
{
	/* Read first: the owner may free it as soon as the count is down. */
	bool ending = o->ending;
	const struct object_ops *ops = o->ops;

	if (--o->refs == 0 && ops->release)
		ops->release(o);
	else if (ending)
		wake_all(&object_wait);
}

void object_destroy(struct object *o)
{
	assert(rb_empty(&o->areas));
	writeback_forget(o);
	pagecache_invalidate(o, 0, OBJECT_INDEX_MAX);
	assert(o->nr_frames == 0);
	o->ending = true;
	wait_event(&object_wait, o->refs <= 1, WAIT_UNINTERRUPTIBLE);
}

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

/* --- shared anonymous memory --- */

static int shm_read(struct object *o, uint64_t index, struct frame **frames, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		page_zero(frame_data(frames[i]));
	return 0;
}

static void shm_release(struct object *o)
{
	object_destroy(o);
	kfree(o);
}

static const struct object_ops shm_ops = {
	.name = "shm", .read_pages = shm_read, .release = shm_release};

struct object *shm_object_create(uint64_t size)
{
	struct object *o = kmalloc(sizeof(*o));

	if (o)
		object_init(o, &shm_ops, NULL, size);
	return o;
}

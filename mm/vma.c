#include "mm/vma.h"

#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "mm/init.h"

static struct kmem_cache *vma_cache;

static inline struct vma *entry(struct rb_node *n)
{
	return rb_entry_or_null(n, struct vma, node);
}

/* The largest hole above an area of the subtree, from the node and its children. */
static inline __attribute__((always_inline)) bool update(struct rb_node *n)
{
	struct vma *v = entry(n);
	uint64_t gap = vma_hole_above(v);

	if (n->left)
		gap = MAX(gap, entry(n->left)->sub_gap);
	if (n->right)
		gap = MAX(gap, entry(n->right)->sub_gap);
	if (v->sub_gap == gap)
		return false;
	v->sub_gap = gap;
	return true;
}

static const struct rb_augment augment = {.update = update};

/* Is v what vma_find answers for va? */
static inline bool is_found(const struct vma *v, uaddr_t va)
{
	return v && va < v->end && (!v->prev || va >= v->prev->end);
}

struct vma *vma_find(struct vma_tree *t, uaddr_t va)
{
	struct rb_node *n = t->root.node;
	struct vma *best = NULL, *hint = t->hint, *near;

	if (is_found(hint, va))
		return hint;
	near = !hint ? NULL : va < hint->end ? hint->prev : hint->next;
	if (is_found(near, va))
		return t->hint = near;
	if (!n)
		for (best = hint && va >= hint->end ? hint : t->first; best && va >= best->end;)
			best = best->next;
	while (n) {
		struct vma *v = entry(n);

		if (va < v->end) {
			best = v;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	if (best)
		t->hint = best;
	return best;
}

struct vma *vma_at(struct vma_tree *t, uaddr_t va)
{
	struct vma *v = vma_find(t, va);

	return v && v->start <= va ? v : NULL;
}

static struct rb_node *next_node(struct rb_node *n)
{
	return &entry(n)->next->node;
}

void vma_build(struct vma_tree *t, struct vma *first, struct vma *last, uint32_t n)
{
	t->first = first;
	t->last = last;
	t->count = n;
	if (n > VMA_FEW)
		rb_build(&t->root, &first->node, n, next_node, &augment);
}

/* The hole above v, which may be NULL, is another one. */
static inline void hole_changed(struct vma_tree *t, struct vma *v)
{
	if (v && t->root.node)
		rb_update(&v->node, &augment);
}

/* v has come to the list: to the tree, too, or there are too many to be without one. */
static void index_add(struct vma_tree *t, struct vma *v)
{
	struct rb_node *parent;

	if (!t->root.node) {
		vma_build(t, t->first, t->last, t->count);
		return;
	}
	/* Of two neighbours, one has nothing on the side of the other. */
	if (v->prev && !v->prev->node.right) {
		parent = &v->prev->node;
		rb_insert(&t->root, &v->node, parent, &parent->right, &augment);
	} else {
		parent = &v->next->node;
		hole_changed(t, v->prev);
		rb_insert(&t->root, &v->node, parent, &parent->left, &augment);
	}
}

void vma_insert_below(struct vma_tree *t, struct vma *next, struct vma *v)
{
	struct vma *prev = vma_below(t, next);

	assert((!next || v->end <= next->start) && (!prev || prev->end <= v->start));
	v->next = next;
	v->prev = prev;
	*(next ? &next->prev : &t->last) = v;
	*(prev ? &prev->next : &t->first) = v;
	t->hint = v;
	if (t->top && t->top == next && v->end == next->start)
		t->top = v;
	t->count++;
	index_add(t, v);
}

/* A hole has opened next to v. */
static void hole_opened(struct vma_tree *t, struct vma *v)
{
	if (t->top && v->start >= t->top->start)
		t->top = v->next;
}

/* Out of the list, and out of the tree; the last few need none. */
static void take_out(struct vma_tree *t, struct vma *v)
{
	*(v->next ? &v->next->prev : &t->last) = v->prev;
	*(v->prev ? &v->prev->next : &t->first) = v->next;
	if (--t->count < VMA_FEW / 2)
		t->root.node = NULL;
	if (!t->root.node)
		return;
	hole_changed(t, v->prev);
	rb_erase(&t->root, &v->node, &augment);
}

void vma_remove(struct vma_tree *t, struct vma *v)
{
	if (t->hint == v)
		t->hint = v->prev ? v->prev : v->next;
	hole_opened(t, v);
	take_out(t, v);
}

void vma_split(struct vma_tree *t, struct vma *v, struct vma *upper)
{
	v->end = upper->start;
	vma_insert_below(t, v->next, upper);
}

void vma_join(struct vma_tree *t, struct vma *v, struct vma *upper)
{
	v->end = upper->end;
	if (t->top == upper)
		t->top = v;
	t->hint = v;
	take_out(t, upper);
}

void vma_resize(struct vma_tree *t, struct vma *v, uaddr_t start, uaddr_t end)
{
	if (start > v->start || end < v->end)
		hole_opened(t, v);
	v->start = start;
	v->end = end;
	hole_changed(t, v);
	hole_changed(t, v->prev);
}

/* The nearest area below v with a hole of len above it, or NULL. */
static struct vma *hole_before(const struct vma_tree *t, struct vma *v, uint64_t len)
{
	struct rb_node *n = &v->node, *up;

	if (!t->root.node) {
		while ((v = v->prev) && vma_hole_above(v) < len)
			;
		return v;
	}
	for (;;) {
		if (n->left && entry(n->left)->sub_gap >= len)
			break;
		while ((up = rb_parent(n)) && n == up->left)
			n = up;
		if (!up || vma_hole_above(entry(up)) >= len)
			return entry(up);
		n = up;
	}
	/* It is in this subtree: the rightmost. */
	for (n = n->left;;) {
		if (n->right && entry(n->right)->sub_gap >= len)
			n = n->right;
		else if (vma_hole_above(entry(n)) >= len)
			return entry(n);
		else
			n = n->left;
	}
}

uaddr_t vma_hole(struct vma_tree *t, uaddr_t low, uaddr_t high, size_t len, size_t align)
{
	bool known = t->top && len >= t->top_len && high == t->top_high;
	struct vma *above = known ? t->top : vma_find(t, high), *below;

	below = vma_below(t, above);
	for (;;) {
		uaddr_t lo = below ? MAX(low, below->end) : low, hi = high, at;

		if (above)
			hi = MIN(hi, above->start);
		at = ALIGN_DOWN(hi - len, align);
		if (hi >= len && at >= lo) {
			if (align == PAGE_SIZE) {
				t->hint = t->top = above;
				t->top_len = len;
				t->top_high = high;
			}
			return at;
		}
		if (!below || below->end <= low)
			return 0;
		below = hole_before(t, below, MIN(len, VMA_VAST));
		above = below ? below->next : t->first;
	}
}

struct vma *vma_alloc(void)
{
	return kmem_cache_alloc(vma_cache);
}

void vma_free(struct vma *v)
{
	kmem_cache_free(vma_cache, v);
}

void vma_init(void)
{
	vma_cache = kmem_cache_create("vma", sizeof(struct vma), 8);
}

#include "mm/vma.h"

#include "kernel/layout.h"
#include "kernel/panic.h"
#include "mm/init.h"
#include "mm/slab.h"

static struct kmem_cache *vma_cache;

static inline struct vma *entry(struct rb_node *n)
{
	return rb_entry_or_null(n, struct vma, node);
}

/* What a subtree spans and its largest hole, from the node and its children. */
static bool update(struct rb_node *n)
{
	struct vma *v = entry(n), *l = entry(n->left), *r = entry(n->right);
	uaddr_t start = v->start, end = v->end;
	uint64_t gap = 0;

	if (l) {
		start = l->sub_start;
		gap = MAX(l->sub_gap, v->start - l->sub_end);
	}
	if (r) {
		end = r->sub_end;
		gap = MAX(gap, r->sub_gap);
		gap = MAX(gap, r->sub_start - v->end);
	}
	if (v->sub_start == start && v->sub_end == end && v->sub_gap == gap)
		return false;
	v->sub_start = start;
	v->sub_end = end;
	v->sub_gap = gap;
	return true;
}

static const struct rb_augment augment = {.update = update};

struct vma *vma_find(struct vma_tree *t, uaddr_t va)
{
	struct rb_node *n = t->root.node;
	struct vma *best = NULL, *hint = t->hint;

	if (hint && va - hint->start < hint->end - hint->start)
		return hint;
	while (n) {
		struct vma *v = entry(n);

		if (va < v->end) {
			best = v;
			if (va >= v->start) {
				t->hint = v;
				break;
			}
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

struct vma *vma_at(struct vma_tree *t, uaddr_t va)
{
	struct vma *v = vma_find(t, va);

	return v && v->start <= va ? v : NULL;
}

struct vma *vma_next(const struct vma *v)
{
	return entry(rb_next(&v->node));
}

struct vma *vma_prev(const struct vma *v)
{
	return entry(rb_prev(&v->node));
}

struct vma *vma_first(struct vma_tree *t)
{
	return entry(rb_first(&t->root));
}

void vma_insert(struct vma_tree *t, struct vma *v)
{
	struct rb_node **link = &t->root.node, *parent = NULL;

	while (*link) {
		struct vma *at = entry(*link);

		parent = *link;
		assert(v->end <= at->start || v->start >= at->end);
		link = v->start < at->start ? &parent->left : &parent->right;
	}
	rb_insert(&t->root, &v->node, parent, link, &augment);
	t->count++;
}

void vma_remove(struct vma_tree *t, struct vma *v)
{
	if (t->hint == v)
		t->hint = NULL;
	rb_erase(&t->root, &v->node, &augment);
	t->count--;
}

void vma_resize(struct vma_tree *t, struct vma *v, uaddr_t start, uaddr_t end)
{
	(void)t;
	v->start = start;
	v->end = end;
	rb_update(&v->node, &augment);
}

struct hole {
	size_t len, align;
};

static uaddr_t hole_in(struct vma *v, uaddr_t lo, uaddr_t hi, const struct hole *h);

/*
 * Search the subtree v, whose areas lie between free space from lo and up to hi (both clamped to
 * the wanted window). Without a large enough hole inside or at its edges it is not entered, so only
 * the two edges of the window cost extra steps.
 *
 * Inlined into hole_in(), so that a subtree that is not entered costs no call.
 */
static inline __attribute__((always_inline))
uaddr_t hole_below(struct vma *v, uaddr_t lo, uaddr_t hi, const struct hole *h)
{
	uaddr_t at;

	if (hi <= lo || hi - lo < h->len)
		return 0;
	if (!v) {
		at = ALIGN_DOWN(hi - h->len, h->align);
		return at >= lo ? at : 0;
	}
	if (v->sub_gap < h->len && v->sub_start < lo + h->len && hi < v->sub_end + h->len)
		return 0;
	return hole_in(v, lo, hi, h);
}

/* Right before left: the highest hole counts. */
static uaddr_t hole_in(struct vma *v, uaddr_t lo, uaddr_t hi, const struct hole *h)
{
	uaddr_t at = hole_below(entry(v->node.right), MAX(lo, v->end), hi, h);

	return at ? at : hole_below(entry(v->node.left), lo, MIN(hi, v->start), h);
}

uaddr_t vma_hole(struct vma_tree *t, uaddr_t low, uaddr_t high, size_t len, size_t align)
{
	const struct hole h = {len, align};

	return hole_below(entry(t->root.node), low, high, &h);
}

bool vma_mergeable(const struct vma *a, const struct vma *b)
{
	return a->end == b->start && a->prot == b->prot && a->object == b->object &&
	       a->file == b->file && !((a->flags ^ b->flags) & ~VMA_DIRTIED) &&
	       !(a->flags & VMA_STACK) && (!a->object || a->index + vma_pages(a) == b->index);
}

struct vma *vma_alloc(void)
{
	struct vma *v = kmem_cache_zalloc(vma_cache);

	if (v)
		rb_node_init(&v->object_node);
	return v;
}

void vma_free(struct vma *v)
{
	kmem_cache_free(vma_cache, v);
}

void vma_tree_check(struct vma_tree *t)
{
	uaddr_t end = 0;
	uint32_t n = 0;

	for (struct vma *v = vma_first(t); v; v = vma_next(v), n++) {
		assert_always(v->start >= end && v->end > v->start && v->end <= USER_TOP);
		assert_always(IS_ALIGNED(v->start | v->end, PAGE_SIZE));
		assert_always(!update(&v->node));
		end = v->end;
	}
	assert_always(n == t->count);
}

void vma_init(void)
{
	vma_cache = kmem_cache_create("vma", sizeof(struct vma), 8);
}

/*
 * The audit of the areas of a space: a list in order, and a tree that knows the holes. Host tests
 * have it too.
 */
#include "kernel/layout.h"
#include "mm/vma.h"
#include "tests/kernel/audit.h"

static uint64_t gap_of(const struct rb_node *n)
{
	return n ? rb_entry(n, struct vma, node)->sub_gap : 0;
}

void vma_tree_check(struct vma_tree *t)
{
	struct rb_node *node = rb_first(&t->root);
	const bool tree = node != NULL;
	struct vma *prev = NULL;
	uaddr_t end = 0;
	uint32_t n = 0;

	for (struct vma *v = vma_first(t); v; v = v->next, n++) {
		uint64_t gap = tree ? MAX(gap_of(v->node.left), gap_of(v->node.right)) : 0;

		if (v->prev != prev || v->start < end || v->start >= v->end || v->end > USER_TOP ||
		    !IS_ALIGNED(v->start | v->end, PAGE_SIZE))
			audit_complain("area %lx-%lx behind %lx", v->start, v->end, end);
		if (tree && node != &v->node)
			audit_complain("area %lx-%lx is not the next in the tree", v->start,
				       v->end);
		if (tree && v->sub_gap != MAX(gap, vma_hole_above(v)))
			audit_complain("area %lx-%lx: the largest hole is not %lx", v->start,
				       v->end, v->sub_gap);
		node = node ? rb_next(node) : NULL;
		end = v->end;
		prev = v;
	}
	if (t->last != prev || node)
		audit_complain("the list of areas ends with %lx, too early", end);
	if (n > VMA_FEW && !tree)
		audit_complain("%u areas without a tree", n);
	if (n != t->count)
		audit_complain("%u areas, counted %u", n, t->count);
}

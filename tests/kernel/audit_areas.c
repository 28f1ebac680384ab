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
	struct vma *prev = NULL;
	uaddr_t end = 0;
	uint32_t n = 0;

	for (struct vma *v = vma_first(t); v; v = v->next, n++) {
		uint64_t gap = MAX(gap_of(v->node.left), gap_of(v->node.right));

		if (v->prev != prev || v->start < end || v->start >= v->end || v->end > USER_TOP ||
		    !IS_ALIGNED(v->start | v->end, PAGE_SIZE))
			audit_complain("area %lx-%lx behind %lx", v->start, v->end, end);
		if (v->sub_gap != MAX(gap, vma_hole_above(v)))
			audit_complain("area %lx-%lx: the largest hole is not %lx", v->start,
				       v->end, v->sub_gap);
		end = v->end;
		prev = v;
	}
	if (n != t->count)
		audit_complain("%u areas, counted %u", n, t->count);
}

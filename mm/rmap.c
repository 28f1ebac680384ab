#include "mm/rmap.h"

#include "kernel/wait.h"
#include "mm/areas.h"
#include "mm/frame.h"
#include "mm/pagetable.h"
#include "mm/tlb.h"

/* What of [first, last] the area maps: addresses [*start, *end). */
static void overlap(const struct vma *v, uint64_t first, uint64_t last, uaddr_t *start,
		    uaddr_t *end)
{
	*start = first <= v->index ? v->start : v->start + ((first - v->index) << PAGE_SHIFT);
	*end = last >= v->index + vma_pages(v) - 1
		       ? v->end
		       : v->start + ((last - v->index + 1) << PAGE_SHIFT);
}

enum change { UNMAP_OBJECT, UNMAP_ALL, WRPROTECT };

/* (pt_lock) One entry that is not empty. Private copies go only with all. */
static void change_entry(struct frame *leaf, pte_t *e, uaddr_t va, enum change how,
			 struct tlb_batch *b)
{
	pte_t p = *e;

	if (how == WRPROTECT) {
		if (!pte_writable(p))
			return;
		*e = pte_wrprotect(p);
		tlb_batch_add(b, va, NULL);
	} else if (how == UNMAP_ALL || (pte_resident(p) && !pte_special(p) &&
					frame_type(pte_frame(p)) != FRAME_ANON)) {
		pt_clear(leaf, e, va, b);
	}
}

static void change_area(struct vma *v, uaddr_t start, uaddr_t end, enum change how)
{
	struct tlb_batch batch;
	struct frame *leaf;

	tlb_batch_begin(&batch, v->as, false);
	while ((leaf = pt_lock_next(v->as, &start, end))) {
		uaddr_t stop = pt_span_end(start, end);
		pte_t *e = pt_entry(leaf, start);

		for (; start < stop; start += PAGE_SIZE, e++)
			if (*e)
				change_entry(leaf, e, start, how, &batch);
		pt_unlock(leaf);
	}
	tlb_batch_end(&batch);
}

static void change_all(struct object *o, uint64_t first, uint64_t last, enum change how)
{
	mutex_lock(&o->lock);
	for (struct vma *v = object_area_first(o, first, last); v;
	     v = object_area_next(v, first, last)) {
		uaddr_t start, end;

		if (how == WRPROTECT && vma_private(v))
			continue;
		overlap(v, first, last, &start, &end);
		change_area(v, start, end, how);
	}
	mutex_unlock(&o->lock);
}

void rmap_unmap(struct object *o, uint64_t first, uint64_t last, bool private)
{
	change_all(o, first, last, private ? UNMAP_ALL : UNMAP_OBJECT);
}

void rmap_wrprotect(struct object *o, uint64_t first, uint64_t last)
{
	change_all(o, first, last, WRPROTECT);
}

/* Calls func on the locked table of every area of f until it returns true. (object's lock) */
static bool each_entry(struct frame *f, struct object *o, uint64_t index,
		       bool (*func)(struct frame *f, struct vma *v, struct frame *leaf, uaddr_t va))
{
	for (struct vma *v = object_area_first(o, index, index); v;
	     v = object_area_next(v, index, index)) {
		uaddr_t va = v->start + ((index - v->index) << PAGE_SHIFT);
		struct frame *leaf = pt_lock_leaf(v->as, va);
		bool stop = leaf && func(f, v, leaf, va);

		if (leaf)
			pt_unlock(leaf);
		if (stop)
			return true;
	}
	return false;
}

/* No fence: a hart that still has the entry cached merely looks idle for a while. */
static bool test_accessed(struct frame *f, struct vma *v, struct frame *leaf, uaddr_t va)
{
	pte_t *e = pt_entry(leaf, va);
	bool used = v->flags & VMA_LOCKED;

	if (pte_maps(*e, f) && pte_present(*e) && (*e & PTE_A)) {
		*e &= ~PTE_A;
		used = true;
	}
	return used;
}

static bool unmap_entry(struct frame *f, struct vma *v, struct frame *leaf, uaddr_t va)
{
	struct tlb_batch batch;
	pte_t *e = pt_entry(leaf, va);

	tlb_batch_begin(&batch, v->as, false);
	if (pte_maps(*e, f))
		pt_clear(leaf, e, va, &batch);
	tlb_batch_end(&batch);
	return false;
}

bool rmap_try_unmap(struct frame *f)
{
	struct object *o = f->object;
	bool used;

	if (!f->maps)
		return true;
	if (!o || mutex_held(&o->lock))
		return false;
	/*
	 * Out of order, our callers may hold more: but nobody waits for memory, frames or another
	 * lock with this one. Were it only tried, most tries would fail where several reclaim.
	 */
	wait_event(&o->lock.wait, mutex_trylock(&o->lock), WAIT_UNINTERRUPTIBLE);
	used = each_entry(f, o, f->index, test_accessed);
	if (!used)
		each_entry(f, o, f->index, unmap_entry);
	mutex_unlock(&o->lock);
	return !used && !f->maps;
}

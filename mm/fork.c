#include "kernel/swap/slot.h"
#include "kernel/thread.h"
#include "kernel/trap.h"
#include "lib/page.h"
#include "mm/aspace.h"
#include "mm/commit.h"
#include "mm/pagetable.h"
#include "mm/share.h"
#include "mm/thp.h"

/*
 * Fork: areas are copied, leaf tables are shared. A table with little in it, and one that both
 * sides are about to touch, is copied at once instead: that costs less than the fault to come.
 */

uint32_t fork_sparse = 32; /* copying twice as many entries costs about as much as a fault */

#define FORK_GUESSES 16

struct fork {
	struct aspace *src, *dst;
	uaddr_t soon[4];	/* will be touched on return; the first two written to */
	bool exclusive;		/* nobody else writes to src meanwhile */
	uint32_t guesses;	/* how many pages more may be copied because a child did */
	uint32_t tested;	/* the guess that is shared after all: does the child copy it? */
	uaddr_t out, out_end;	/* tables were taken out of src's L1 in there */
	struct tlb_batch *batch;
};

/* Copy the areas' records into dst. 0 or -ENOMEM, with those that were copied in place. */
static int fork_areas(struct aspace *dst, struct vma *v)
{
	struct vma *first = NULL, *last = NULL, *copy;
	uint32_t n = 0;

	for (; v; v = v->next) {
		if (v->flags & VMA_DONTFORK)
			continue;
		if ((v->flags & VMA_ACCOUNT) && commit_allowed(vma_pages(v)))
			break;
		copy = aspace_area_copy(v, v->start, v->end);
		if (!copy)
			break;
		copy->flags &= ~(VMA_LOCKED | VMA_LOCKONFAULT | VMA_UFFD);
		if ((v->flags & (VMA_DIRTIED | VMA_WIPEONFORK)) == VMA_DIRTIED)
			copy->flags |= VMA_FORKED;
		/* In the object's set before its entries are copied, and behind its parent's:
		 * whoever changes entries there finds in it what it missed here. */
		aspace_adopt(dst, copy);
		copy->prev = last;
		copy->next = NULL;
		*(last ? &last->next : &first) = copy;
		last = copy;
		n++;
	}
	vma_build(&dst->areas, first, last, n);
	return v ? -ENOMEM : 0;
}

/* How far entries of v may be copied: truncate may have looked at dst for those beyond already. */
static uaddr_t copy_end(const struct vma *v, uaddr_t end)
{
	uint64_t pages;

	if (!v->object)
		return end;
	pages = DIV_ROUND_UP(v->object->size, PAGE_SIZE);
	if (pages <= v->index)
		return v->start;
	return pages - v->index < vma_pages(v) ? MIN(end, v->start + (pages - v->index) * PAGE_SIZE)
					       : end;
}

/* Will the child write to src, which an earlier one had to copy? */
static bool guess(struct fork *f, struct frame *src)
{
	if (!frame_has(src, FRAME_FORK_COPIED) || !f->guesses)
		return false;
	if (--f->guesses != f->tested)
		return true;
	/* Guesses that are no longer right end here, one after the other. */
	frame_clear(src, FRAME_FORK_COPIED);
	return false;
}

/*
 * A page that both sides are about to write to, or that the child is likely to: give the child its
 * copy now and leave the parent's as it is. That is the copy a fault would make, without that fault
 * and the other side's.
 */
static bool copy_page_now(struct fork *f, struct frame *to, const struct vma *v, pte_t *e,
			  struct frame *src)
{
	const uaddr_t va = pt_entry_va(to, e);
	struct frame *copy;

	if (!f->exclusive || (v->prot & (PROT_WRITE | PROT_EXEC)) != PROT_WRITE)
		return false;
	if (f->soon[0] - va >= PAGE_SIZE && f->soon[1] - va >= PAGE_SIZE && !guess(f, src))
		return false;
	copy = frame_alloc(0, 0);
	if (!copy)
		return false;
	page_copy(frame_data(copy), frame_data(src));
	frame_make_anon(copy);
	pt_set_anon(to, e, copy, pte_user(frame_pa(copy), v->prot, true));
	return true;
}

/* (both tables) Write-protects in both. A frame on its way out of the object is left out. */
static void copy_entries(struct fork *f, struct frame *to, struct frame *from, const struct vma *v,
			 uaddr_t va, uaddr_t stop)
{
	/* Nothing if stop comes before va. */
	pte_t *s = pt_entry(from, va), *end = s + ((int64_t)(stop - va) >> PAGE_SHIFT);
	const int64_t other = pt_entry(to, va) - s;
	uint32_t counts = 0;

	for (; s < end; s++) {
		pte_t p = *s;
		struct frame *frame;

		if (!p)
			continue;
		if (likely(pte_counted(p)) || (pte_is_none(p) && !pte_special(p))) {
			frame = pte_frame(p);
			if (frame_type(frame) == FRAME_ANON) {
				if (copy_page_now(f, to, v, s + other, frame))
					continue;
				counts += PT_COUNT_ANON;
			} else {
				/* What fault-around mapped and nobody used is found again. */
				if (!(p & PTE_A) || frame->object != v->object)
					continue;
				counts += PT_COUNT_OBJECT;
			}
			frame_map(frame);
		} else if (pte_is_swap(p)) {
			swap_dup(pte_slot(p));
			counts += PT_COUNT_SWAP;
		} else if (!pte_resident(p)) {
			continue;
		}
		if (pte_writable(p)) {
			*s = p = pte_wrprotect(p);
			tlb_batch_add(f->batch, pt_entry_va(from, s), NULL);
		}
		s[other] = p;
	}
	to->entries += counts;
}

/* Copy what private areas, from v on, have in the table at base. 0 or -ENOMEM. */
static int copy_table(struct fork *f, struct frame *from, struct vma *v, uaddr_t base)
{
	/* Shared pages are found again through the object. */
	const uint32_t skip = VMA_DONTFORK | VMA_WIPEONFORK | VMA_SHARED;
	struct frame *to;

	while (v && (v->flags & skip))
		v = v->next;
	/* A table over which the child has no area would never be freed. */
	if (!from->entries || !v || v->start >= base + L1_SIZE)
		return 0;
	to = pt_leaf_create(f->dst, base);
	if (!to)
		return -ENOMEM;
	thp_split(from, f->batch);
	spin_lock(pt_ring_lock(from));
	leaf_lock_two(from, to);
	pt_ring_join(from, to);
	for (; v && v->start < base + L1_SIZE; v = v->next)
		if (!(v->flags & skip))
			copy_entries(f, to, from, v, MAX(base, v->start),
				     copy_end(v, MIN(base + L1_SIZE, v->end)));
	leaf_unlock_two(from, to);
	spin_unlock(pt_ring_lock(from));
	return 0;
}

/* From base on, the first table that will be touched. */
static uaddr_t touched_next(const struct fork *f, uaddr_t base)
{
	uaddr_t next = USER_TOP;

	for (unsigned i = 0; i < ARRAY_SIZE(f->soon); i++)
		if (f->soon[i] >= base)
			next = MIN(next, ALIGN_DOWN(f->soon[i], L1_SIZE));
	return next;
}

/* Is the attached table at base, in which v is the first area, better copied than shared? */
static bool want_copy(const struct frame *leaf, struct vma *v, uaddr_t base)
{
	uaddr_t end = base + L1_SIZE;

	/* Tables that are shared have areas of the same kind over them everywhere. */
	for (; v && v->start < end; v = v->end < end ? v->next : NULL)
		if (v->flags & (VMA_DONTFORK | VMA_WIPEONFORK | VMA_LOCKED | VMA_UFFD))
			return true;
	return pt_resident(leaf) + pt_count(leaf, PT_COUNT_SWAP) <= fork_sparse;
}

/* Copy tables, share those that are detached, take the others out of the source's L1. */
static int fork_tables(struct fork *f)
{
	struct vma *v = vma_first(&f->src->areas);
	uaddr_t va = 0, touched;
	const pte_t *l1;

	while ((l1 = pt_l1_area(f->src, &v, &va))) {
		struct frame *leaf = pt_leaf_at(f->src, l1);

		va = ALIGN_DOWN(va, L1_SIZE);
		touched = touched_next(f, va);
		if (!leaf->owner && va != touched) {
			va = pt_share_run(f->src, f->dst, va, MIN(v->end, touched));
			if (!va)
				return -ENOMEM;
			continue;
		}
		if (va == touched || want_copy(leaf, v, va)) {
			if (!leaf->owner)
				leaf = pt_attach(f->src, va, 0);
			if (!leaf || copy_table(f, leaf, v, va))
				return -ENOMEM;
		} else {
			if (!pt_l1_create(f->dst, va))
				return -ENOMEM;
			pt_detach(f->src, va, f->batch);
			f->out = f->out_end ? f->out : va;
			f->out_end = va + L1_SIZE;
		}
		va += L1_SIZE;
	}
	return 0;
}

/* After the fence, even if something failed: what was taken out becomes detached, and shared. */
static void share_tables(struct fork *f)
{
	struct frame *leaf;
	uaddr_t va = f->out;

	for (; (leaf = pt_leaf_next(f->src, &va, f->out_end)); va += L1_SIZE)
		if (leaf->owner && pte_is_detached(*pt_l1_entry(f->src, va)))
			pt_share(f->dst, pt_l1_entry(f->dst, va), leaf);
}

int aspace_fork(struct aspace *src, uaddr_t written, struct aspace **dst)
{
	const struct trapframe *tf = thread_trapframe(current());
	struct tlb_batch batch;
	struct fork f = {.src = src, .dst = aspace_create(), .exclusive = aspace_exclusive(src),
			 .soon = {tf->sp, written, tf->tp, tf->pc}, .batch = &batch};
	int err;

	if (!f.dst)
		return -ENOMEM;
	rwlock_write(&src->lock);
	f.guesses = frames_short() ? 0 : FORK_GUESSES;
	f.tested = src->forks++ % FORK_GUESSES;
	f.dst->brk = src->brk;
	f.dst->mmap_top = src->mmap_top;
	f.dst->layout = src->layout;
	f.dst->no_thp = src->no_thp;
	f.dst->mdwe = f.dst->mdwe_inherited = src->mdwe_inherited;
	tlb_batch_begin(&batch, src, false);
	err = fork_areas(f.dst, vma_first(&src->areas));
	if (!err) {
		err = fork_tables(&f);
		/* No hart may write to what is read-only now, or use a table that is out. */
		tlb_batch_end(&batch);
		share_tables(&f);
	}
	rwlock_write_unlock(&src->lock);
	if (err) {
		aspace_put(f.dst);
		return err;
	}
	*dst = f.dst;
	return 0;
}

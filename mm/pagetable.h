/*
 * Page tables of address spaces: walk, map, unmap, protect. No policy.
 *
 * Leaf tables are attached to one space or detached and shared by several (share.h). Upper tables
 * and leaf tables appear under the aspace lock as reader (and l1_lock) and go under it as writer,
 * after their areas have left the objects. So upper tables are stable for whoever holds the
 * aspace lock, or the object lock of an area it found through the object; attached leaf tables
 * for who holds the aspace lock, all of them for a writer. Others use pt_lock_leaf, pt_lock_next.
 * Entries of a leaf table are changed under its leaf_lock only.
 */
#pragma once

#include "mm/frame.h"
#include "mm/share.h"

#include "mm/types.h"

struct tlb_batch;

static inline pte_t *pt_table_of(pte_t e)
{
	return frame_data(pte_frame(e));
}
/* The L1 entry for va, or NULL if there is no L1 table; the same, created: NULL without memory. */
static inline pte_t *pt_l1_entry(struct aspace *as, uaddr_t va)
{
	pte_t e = __atomic_load_n(&as->root[pt_index(va, 2)], __ATOMIC_RELAXED);

	return pte_present(e) ? pt_table_of(e) + pt_index(va, 1) : NULL;
}
pte_t *pt_l1_create(struct aspace *as, uaddr_t va);
/*
 * An upper table's record has a bit for each 8 entries that may not be all empty, so that walking
 * a sparse space does not look at every entry.
 */
#define PT_GROUP 8
static inline uint64_t pt_group_bit(const pte_t *e)
{
	return BIT(((uintptr_t)e & (PAGE_SIZE - 1)) / (PT_GROUP * sizeof(*e)));
}
/* (l1_lock) Store an L1 entry, not an empty one; empty those of [e, end), which were not. */
static inline void pt_l1_set(struct aspace *as, pte_t *e, pte_t p)
{
	as->nr_tables += !*e;
	frame_of(e)->groups |= pt_group_bit(e);
	/* The table's contents before the pointer to it, for walks by other harts. */
	__atomic_store_n(e, p, __ATOMIC_RELEASE);
}
void pt_l1_clear(struct aspace *as, pte_t *e, pte_t *end);

/* (l1_lock) The leaf table that an L1 entry names; that of a megapage by its first page. */
static inline struct frame *pt_named(pte_t e)
{
	return unlikely(pte_is_mega(e)) ? frame_of(pte_frame(e)->pte) : pte_frame(e);
}
/* (l1_lock) Make *l1 that of an attached table. */
static inline void pt_l1_attach(struct aspace *as, pte_t *l1, const struct frame *leaf)
{
	bool huge = leaf->word & FRAME_HUGE;

	as->nr_mega += huge;
	pt_l1_set(as, l1, huge ? *(pte_t *)frame_data(leaf) : pte_table(frame_pa(leaf)));
}
/* The table that *l1, in use, names. Takes l1_lock for a megapage, which may be split just now. */
struct frame *pt_named_locked(struct aspace *as, const pte_t *l1);
static inline struct frame *pt_leaf_at(struct aspace *as, const pte_t *l1)
{
	pte_t e = __atomic_load_n(l1, __ATOMIC_RELAXED);

	return unlikely(pte_is_mega(e)) ? pt_named_locked(as, l1) : pte_frame(e);
}

/* The attached leaf table for va, as the hardware sees it, or NULL. */
static inline struct frame *pt_leaf(struct aspace *as, uaddr_t va)
{
	const pte_t *l1 = pt_l1_entry(as, va);
	pte_t e = l1 ? __atomic_load_n(l1, __ATOMIC_RELAXED) : 0;

	if (likely(pte_is_table(e)))
		return pte_frame(e);
	return pte_present(e) ? pt_named_locked(as, l1) : NULL;
}
/* One where there is none, created or attached. NULL: no memory (does not reclaim). */
struct frame *pt_leaf_make(struct aspace *as, uaddr_t va);
static inline struct frame *pt_leaf_create(struct aspace *as, uaddr_t va)
{
	struct frame *leaf = pt_leaf(as, va);

	return likely(leaf) ? leaf : pt_leaf_make(as, va);
}
/*
 * The first L1 entry in use that covers any of [*va, end): *va is moved up to the first address it
 * covers. NULL: none. And the leaf table, attached or detached, that it names. (a writer; others
 * only look whether there is one)
 */
pte_t *pt_l1_search(struct aspace *as, uaddr_t *va, uaddr_t end);
static inline pte_t *pt_l1_next(struct aspace *as, uaddr_t *va, uaddr_t end)
{
	pte_t *l1;

	if (*va >= end)
		return NULL;
	/* The usual in a walk: the next span has one. */
	l1 = pt_l1_entry(as, *va);
	if (likely(l1 && __atomic_load_n(l1, __ATOMIC_RELAXED)))
		return l1;
	return (*va | (L1_SIZE - 1)) >= end - 1 ? NULL : pt_l1_search(as, va, end);
}
static inline struct frame *pt_leaf_next(struct aspace *as, uaddr_t *va, uaddr_t end)
{
	const pte_t *l1 = pt_l1_next(as, va, end);

	return l1 ? pt_leaf_at(as, l1) : NULL;
}
/*
 * The same for the areas from *v on: *v, *va become the first area that has a part in it and the
 * first address, from *va on, of that part.
 */
static inline pte_t *pt_l1_area(struct aspace *as, struct vma **v, uaddr_t *va)
{
	pte_t *l1;

	for (; *v; *v = (*v)->next) {
		*va = MAX(*va, (*v)->start);
		l1 = pt_l1_next(as, va, (*v)->end);
		if (l1)
			return l1;
	}
	return NULL;
}
/* A table for va that is as's and in no ring. flags: for frame_alloc. NULL: no memory. */
struct frame *pt_table_alloc(struct aspace *as, uaddr_t va, unsigned flags);
static inline pte_t *pt_entry(const struct frame *leaf, uaddr_t va)
{
	return (pte_t *)frame_data(leaf) + pt_index(va, 0);
}
static inline uaddr_t pt_entry_va(const struct frame *leaf, const pte_t *e)
{
	return ((uaddr_t)leaf->base << L1_SHIFT) +
	       ((uintptr_t)e & (PAGE_SIZE - 1)) / sizeof(*e) * PAGE_SIZE;
}
/* End of the span of the leaf table for va, or end if that comes first. */
static inline uaddr_t pt_span_end(uaddr_t va, uaddr_t end)
{
	uaddr_t next = (va | (L1_SIZE - 1)) + 1;

	return next < end ? next : end;
}
/* Store an entry p that maps f, private, which was not mapped here; the table's counts. */
static inline void pt_set_anon(struct frame *leaf, pte_t *e, struct frame *f, pte_t p)
{
	f->pte = e;
	leaf->entries += PT_COUNT_ANON;
	/* Contents before the entry that makes them reachable. */
	__atomic_store_n(e, p, __ATOMIC_RELEASE);
}
/*
 * (leaf lock) May f, an object's, be mapped writable in a shared area without telling anybody?
 * Write-back clears DIRTY first and write-protects under this lock then: it finds our entry, or we
 * see it. Who swaps it out takes it out of all tables first, and then sees all references.
 */
static inline bool pt_writable_now(const struct frame *f)
{
	return (f->word & (FRAME_DIRTY | FRAME_WRITEBACK)) == FRAME_DIRTY;
}
/* (pt_lock) The entry e stops mapping f, which is counted: the table's counts. */
static inline void pt_leave(struct frame *leaf, const pte_t *e, struct frame *f)
{
	uint32_t count = pt_count_of(f);

	leaf->entries -= count;
	if (count == PT_COUNT_ANON)
		pt_anon_leave(leaf, e, f);
}
/* (pt_lock) Clear one entry into the batch. */
void pt_clear(struct frame *leaf, pte_t *e, uaddr_t va, struct tlb_batch *b);

/*
 * Clear all entries of [start, end). Shares in detached tables are given up: those that serve
 * anything else were attached before (pt_unshare). (a writer)
 */
void pt_unmap(struct aspace *as, uaddr_t start, uaddr_t end, struct tlb_batch *b);
/* Free leaf tables that lie wholly in [floor, ceiling), which is empty. (a writer) */
void pt_free_leaves(struct aspace *as, uaddr_t floor, uaddr_t ceiling, struct tlb_batch *b);
/*
 * The end of a space that no hart runs: clear what the areas from v on have, free all leaf tables.
 * How many pages were resident.
 */
uint64_t pt_unmap_all(struct aspace *as, struct vma *v);
/*
 * Give all entries of [start, end), which lie in v, the protection prot. Entries become writable
 * only if nobody would have to be told: private frames mapped once. (a writer)
 */
void pt_protect(struct vma *v, uint32_t prot, uaddr_t start, uaddr_t end, struct tlb_batch *b);
/*
 * Move the entries of [from, from + len), all attached, to `to`; nothing is mapped there. Pages
 * that others map too are copied first. 0, -ENOMEM; -EAGAIN: some that others have too are swapped
 * out. (a writer)
 */
int pt_move(struct aspace *as, uaddr_t from, uaddr_t to, uint64_t len, struct tlb_batch *b);
/*
 * Counts of the leaf tables of the areas from v on: private and object pages resident, private ones
 * swapped.
 */
void pt_count_pages(struct vma *v, uint64_t *anon, uint64_t *object, uint64_t *swapped);
/* A new root with the kernel half filled in, and its end with everything below (no entry left). */
int pt_create(struct aspace *as);
void pt_destroy(struct aspace *as);

/*
 * Page tables of address spaces: walk, map, unmap, protect, copy. No policy.
 *
 * Upper tables and leaf tables appear under the aspace lock as reader (and l1_lock) and go under it
 * as writer, after their areas have left the objects' trees. So tables are stable for whoever holds
 * the aspace lock, or the object lock of an area it found in the object's tree. Entries of a leaf
 * table are changed under its leaf_lock only.
 */
#pragma once

#include "mm/frame.h"

struct aspace;
struct tlb_batch;
struct vma;

/* The leaf table for va, or NULL. */
struct frame *pt_leaf(struct aspace *as, uaddr_t va);
/* The same, created if need be. NULL: no memory (does not reclaim). */
struct frame *pt_leaf_create(struct aspace *as, uaddr_t va);
/*
 * The first leaf table that covers any of [*va, end): *va is moved up to the first address it
 * covers. NULL: none.
 */
struct frame *pt_leaf_next(struct aspace *as, uaddr_t *va, uaddr_t end);
static inline pte_t *pt_entry(const struct frame *leaf, uaddr_t va)
{
	return (pte_t *)frame_data(leaf) + pt_index(va, 0);
}
/* End of the span of the leaf table for va, or end if that comes first. */
static inline uaddr_t pt_span_end(uaddr_t va, uaddr_t end)
{
	uaddr_t next = (va | (L1_SIZE - 1)) + 1;

	return next < end ? next : end;
}
/* Store an entry that maps f, which was not mapped here; the counts become f's and the table's. */
void pt_set_anon(struct frame *leaf, pte_t *e, struct frame *f, pte_t p);
void pt_set_object(struct frame *leaf, pte_t *e, struct frame *f, pte_t p);
/* (leaf) Clear one entry into the batch. */
void pt_clear(struct frame *leaf, pte_t *e, uaddr_t va, struct tlb_batch *b);

/* Clear all entries of [start, end). (a writer, or the object lock) */
void pt_unmap(struct aspace *as, uaddr_t start, uaddr_t end, struct tlb_batch *b);
/* Free leaf tables that lie wholly in [floor, ceiling), which is empty. (a writer) */
void pt_free_leaves(struct aspace *as, uaddr_t floor, uaddr_t ceiling, struct tlb_batch *b);
/*
 * Give all entries of [start, end), which lie in v, the protection prot. Entries become writable
 * only if nobody would have to be told: private frames mapped once. (a writer)
 */
void pt_protect(struct vma *v, uint32_t prot, uaddr_t start, uaddr_t end, struct tlb_batch *b);
/* Copy the entries of v to the same addresses of dst, write-protecting private ones in both. */
int pt_copy(struct aspace *dst, struct vma *v, struct tlb_batch *b);
/*
 * Move the entries of [from, from + len) to `to`; nothing is mapped there. 0 or -ENOMEM. (a writer)
 */
int pt_move(struct aspace *as, uaddr_t from, uaddr_t to, uint64_t len, struct tlb_batch *b);
/* Counts of all leaf tables summed: anonymous and object pages resident. */
void pt_count_resident(struct aspace *as, uint64_t *anon, uint64_t *object);
/* A new root with the kernel half filled in, and its end with everything below (no entry left). */
int pt_create(struct aspace *as);
void pt_destroy(struct aspace *as);

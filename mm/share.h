/*
 * Leaf tables that address spaces share after a fork, and the rings of copies.
 *
 * A leaf table is attached or detached. Attached: it belongs to one space (owner), whose L1 entry
 * is valid. Detached: owner is NULL, every space that shares it (refs of them) names it in an
 * invalid L1 entry, and no TLB holds anything of it, so its entries may change without a fence.
 * The first touch attaches it again, or a copy if others have it too.
 *
 * Copies of one table form a ring, so that all entries that map one ANON frame lie at the same
 * index in the tables of one ring. frame->pte names one of them.
 */
#pragma once

#include "mm/frame.h"
#include "mm/types.h"

struct tlb_batch;

/*
 * The lock of a leaf table and, if it has copies, of their ring: for whoever takes away entries
 * that map ANON frames. The table is stable: see pagetable.h, or use pt_lock_leaf.
 */
void pt_lock(struct frame *leaf);
void pt_unlock(struct frame *leaf);
/*
 * The leaf table for va, attached or detached, locked as by pt_lock; NULL: none. For holders of the
 * object lock, or of the aspace lock as reader: takes l1_lock.
 */
struct frame *pt_lock_leaf(struct aspace *as, uaddr_t va);
/* The first one that covers any of [*va, end), as pt_leaf_next; locked. */
struct frame *pt_lock_next(struct aspace *as, uaddr_t *va, uaddr_t end);
/* (pt_lock) Make f->pte another entry than e that maps f. */
void pt_hand_over(struct frame *leaf, const pte_t *e, struct frame *f);
/* (pt_lock) The entry e stops mapping f, an ANON frame. */
static inline void pt_anon_leave(struct frame *leaf, const pte_t *e, struct frame *f)
{
	if (unlikely(f->pte == e && f->maps != 1))
		pt_hand_over(leaf, e, f);
}
/* (ring, both leaves) `copy`, alone in its ring and with nothing in it, joins that of leaf. */
void pt_ring_join(struct frame *leaf, struct frame *copy);
/*
 * leaf, all empty, is going to be freed: out of its ring, and pt_lock_anon finds it no more. Locked
 * as by pt_lock, and unlocked.
 */
void pt_retire(struct frame *leaf);
/*
 * The table of an entry that maps f, ANON, locked with its ring whether it has one or not; the
 * caller unlocks both. For who knows nothing of spaces, just holds f. NULL: not to be had now.
 */
struct frame *pt_lock_anon(struct frame *f);
struct spinlock *pt_ring_lock(const struct frame *leaf);

/*
 * The detached table for va becomes as's own: itself if nobody else has it, else a copy. The table
 * that is attached now; NULL: no memory. flags: for the allocation. (a reader)
 */
struct frame *pt_attach(struct aspace *as, uaddr_t va, unsigned flags) __must_check;
/*
 * Attach what is detached of [start, end), except tables that lie wholly in [floor, ceiling).
 * 0, -ENOMEM (nothing that anyone could see has changed). (a writer)
 */
int pt_unshare_some(struct aspace *as, uaddr_t start, uaddr_t end, uaddr_t floor,
		    uaddr_t ceiling) __must_check;
static inline __must_check int pt_unshare(struct aspace *as, uaddr_t start, uaddr_t end,
					  uaddr_t floor, uaddr_t ceiling)
{
	return as->nr_detached ? pt_unshare_some(as, start, end, floor, ceiling) : 0;
}
/*
 * Give up the shares in the detached tables that follow one another from va on, up to end or that
 * of the L1 table. Where it stopped: a table whose last share it was is attached now. *pages grows
 * by those that are resident in the others. (a writer)
 */
uaddr_t pt_drop(struct aspace *as, uaddr_t va, uaddr_t end, uint64_t *pages);
/*
 * Fork, in two steps, with the batch's fence in between: take the table for va out of src's L1,
 * then declare it detached and let dst (L1 table in place) have a share. (a writer)
 */
void pt_detach(struct aspace *src, uaddr_t va, struct tlb_batch *b);
/* l1: dst's entry for it; nobody runs dst yet. */
void pt_share(struct aspace *dst, pte_t *l1, struct frame *leaf);
/*
 * Shares for dst in the detached tables of src that follow one another from va on, as pt_drop.
 * Where it stopped; 0: no memory. (a writer of src)
 */
uaddr_t pt_share_run(struct aspace *src, struct aspace *dst, uaddr_t va, uaddr_t end);

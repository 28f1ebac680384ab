#include "mm/share.h"

#include "kernel/panic.h"
#include "kernel/swap/slot.h"
#include "mm/pagetable.h"
#include "mm/thp.h"
#include "mm/tlb.h"
#include "mm/types.h"

/* All tables of a ring lie at one address, which chooses the lock. */
#define RING_LOCKS 64
static struct spinlock ring_locks[RING_LOCKS] = {
	[0 ... RING_LOCKS - 1] = SPINLOCK_INIT("ring of tables", RANK_RING),
};

struct spinlock *pt_ring_lock(const struct frame *leaf)
{
	return &ring_locks[leaf->base % RING_LOCKS];
}

static bool alone(const struct frame *leaf)
{
	return leaf->next == frame_pfn(leaf);
}

/*
 * A table joins a ring under the locks of the ring and of the table it was copied from, and leaves
 * it under the ring's: so what `alone` says holds as long as we hold the one or both.
 */
static __slow void lock_again(struct frame *leaf, bool ring)
{
	leaf_unlock(leaf);
	if (ring)
		spin_unlock(pt_ring_lock(leaf));
	pt_lock(leaf);
}

void pt_lock(struct frame *leaf)
{
	bool ring = !alone(leaf);

	if (ring)
		spin_lock(pt_ring_lock(leaf));
	leaf_lock(leaf);
	if (unlikely(alone(leaf) == ring))
		lock_again(leaf, ring);
}

void pt_unlock(struct frame *leaf)
{
	if (!alone(leaf))
		spin_unlock(pt_ring_lock(leaf));
	leaf_unlock(leaf);
}

struct frame *pt_lock_leaf(struct aspace *as, uaddr_t va)
{
	pte_t *l1 = pt_l1_entry(as, va);
	struct frame *leaf = NULL;

	if (!l1)
		return NULL;
	/* What the entry names cannot go, nor be copied for this space, while we have l1_lock. */
	spin_lock(&as->l1_lock);
	if (*l1) {
		leaf = pt_named(*l1);
		pt_lock(leaf);
	}
	spin_unlock(&as->l1_lock);
	return leaf;
}

struct frame *pt_lock_next(struct aspace *as, uaddr_t *va, uaddr_t end)
{
	struct frame *leaf;

	for (; pt_leaf_next(as, va, end); *va = pt_span_end(*va, end)) {
		leaf = pt_lock_leaf(as, *va);
		if (leaf)
			return leaf;
	}
	return NULL;
}

void pt_hand_over(struct frame *leaf, const pte_t *e, struct frame *f)
{
	unsigned i = ((uintptr_t)e & (PAGE_SIZE - 1)) / sizeof(*e);

	for (struct frame *t = FRAMES + leaf->next; t != leaf; t = FRAMES + t->next) {
		pte_t *other = (pte_t *)frame_data(t) + i;

		/* It can be neither filled with f nor lose it while we hold the ring. */
		if (pte_resident(*other) && pte_frame(*other) == f) {
			f->pte = other;
			return;
		}
	}
	/* The others are gone too, and wait for their fence: nobody maps it any more. */
}

void pt_ring_join(struct frame *leaf, struct frame *copy)
{
	copy->prev = frame_pfn(leaf);
	copy->next = leaf->next;
	FRAMES[leaf->next].prev = frame_pfn(copy);
	leaf->next = frame_pfn(copy);
}

void pt_retire(struct frame *leaf)
{
	if (!alone(leaf)) {
		FRAMES[leaf->prev].next = leaf->next;
		FRAMES[leaf->next].prev = leaf->prev;
		leaf->next = leaf->prev = frame_pfn(leaf);
		spin_unlock(pt_ring_lock(leaf));
	}
	frame_set(leaf, FRAME_BUSY);
	leaf_unlock(leaf);
}

struct frame *pt_lock_anon(struct frame *f)
{
	pte_t *e = f->pte;
	struct frame *t = frame_of(e);
	struct spinlock *ring;

	/* By now t may be anything: only a leaf table that nobody has locked becomes ours. */
	if (!e || frame_type(t) != FRAME_PAGETABLE)
		return NULL;
	ring = pt_ring_lock(t);
	spin_lock(ring);
	if (leaf_trylock(t)) {
		if (pt_ring_lock(t) == ring && f->pte == e && pte_maps(*e, f))
			return t;
		leaf_unlock(t);
	}
	spin_unlock(ring);
	return NULL;
}

/* (both tables) Nobody's TLB has anything of `from`, so write-protecting it takes no fence. */
static void copy_table(struct frame *to, struct frame *from)
{
	pte_t *s = frame_data(from), *d = frame_data(to);

	thp_forget(from);
	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		pte_t p = s[i];

		if (pte_resident(p) && !pte_special(p)) {
			struct frame *f = pte_frame(p);

			if (pte_writable(p) && frame_type(f) == FRAME_ANON)
				s[i] = p = pte_wrprotect(p);
			frame_map(f);
		} else if (pte_is_swap(p)) {
			swap_dup(pte_slot(p));
		}
		d[i] = p;
	}
	to->entries = from->entries;
}

struct frame *pt_attach(struct aspace *as, uaddr_t va, unsigned flags)
{
	pte_t *l1 = pt_l1_entry(as, va);
	struct frame *copy = NULL, *t;

	for (;;) {
		spin_lock(&as->l1_lock);
		t = pt_named(*l1);
		/* One share stays one: who could give another is us, by a fork, as a writer. */
		if (pte_present(*l1) || t->refs == 1 || copy)
			break;
		spin_unlock(&as->l1_lock);
		copy = pt_table_alloc(as, va, flags);
		if (!copy)
			return NULL;
	}
	if (pte_is_detached(*l1)) {
		spin_lock(pt_ring_lock(t));
		leaf_lock(t);
		if (t->refs == 1) {
			t->owner = as;
			leaf_unlock(t);
			spin_unlock(pt_ring_lock(t));
		} else {
			copy_table(copy, t);
			pt_ring_join(t, copy);
			__atomic_fetch_sub(&t->refs, 1, __ATOMIC_RELAXED);
			leaf_unlock(t);
			spin_unlock(pt_ring_lock(t));
			t = copy;
			copy = NULL;
		}
		as->nr_detached--;
		pt_l1_attach(as, l1, t);
	}
	spin_unlock(&as->l1_lock);
	if (copy) {
		pt_lock(copy);
		pt_retire(copy);
		frame_free(copy, 0);
	}
	return t;
}

int pt_unshare_some(struct aspace *as, uaddr_t start, uaddr_t end, uaddr_t floor, uaddr_t ceiling)
{
	while (pt_leaf_next(as, &start, end)) {
		uaddr_t base = ALIGN_DOWN(start, L1_SIZE), next = base + L1_SIZE;

		if (base >= floor && next <= ceiling)
			next = ALIGN_DOWN(ceiling, L1_SIZE);
		else if (pte_is_detached(*pt_l1_entry(as, start)) &&
			 !pt_attach(as, start, FRAME_RESERVE))
			return -ENOMEM;
		start = next;
	}
	return 0;
}

uaddr_t pt_drop(struct aspace *as, uaddr_t va, uaddr_t end, uint64_t *pages)
{
	pte_t *l1 = pt_l1_entry(as, va), *first = l1;
	bool last = false;

	end = MIN(end, (va | (L2_SIZE - 1)) + 1);
	spin_lock(&as->l1_lock);
	for (; va < end && pte_is_detached(*l1); va = (va | (L1_SIZE - 1)) + 1, l1++) {
		struct frame *t = pte_frame(*l1);

		leaf_lock(t);
		last = t->refs == 1;
		if (last) {
			t->owner = as;
		} else {
			*pages += pt_resident(t);
			__atomic_fetch_sub(&t->refs, 1, __ATOMIC_RELAXED);
		}
		leaf_unlock(t);
		as->nr_detached--;
		if (last) {
			pt_l1_attach(as, l1, t);
			break;
		}
	}
	pt_l1_clear(as, first, l1);
	spin_unlock(&as->l1_lock);
	return va;
}

void pt_detach(struct aspace *src, uaddr_t va, struct tlb_batch *b)
{
	pte_t *l1 = pt_l1_entry(src, va);

	spin_lock(&src->l1_lock);
	src->nr_mega -= pte_is_mega(*l1);
	pt_l1_set(src, l1, pte_detached(frame_pa(pt_named(*l1))));
	src->nr_detached++;
	spin_unlock(&src->l1_lock);
	/* Walks may have remembered the table: a range this long drops all of the space. */
	tlb_batch_range(b, va, va + L1_SIZE);
}

void pt_share(struct aspace *dst, pte_t *l1, struct frame *leaf)
{
	leaf->owner = NULL;
	frame_get(leaf);
	/* Without l1_lock: others only look, through objects, and find all of it or nothing. */
	dst->nr_detached++;
	pt_l1_set(dst, l1, pte_detached(frame_pa(leaf)));
}

uaddr_t pt_share_run(struct aspace *src, struct aspace *dst, uaddr_t va, uaddr_t end)
{
	pte_t *s = pt_l1_entry(src, va), *d = pt_l1_create(dst, va);

	if (!d)
		return 0;
	end = MIN(end, (va | (L2_SIZE - 1)) + 1);
	for (; va < end && pte_is_detached(*s); va += L1_SIZE)
		pt_share(dst, d++, pte_frame(*s++));
	return va;
}

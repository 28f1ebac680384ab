#include "kernel/panic.h"
#include "kernel/swap/object.h"
#include "kernel/swap/slot.h"
#include "kernel/swap/zswap.h"
#include "lib/page.h"
#include "mm/aspace.h"
#include "mm/pagecache.h"
#include "mm/pagetable.h"
#include "mm/policy.h"
#include "mm/reclaim.h"
#include "mm/stat.h"
#include "mm/thp.h"

/*
 * Private pages on their way out: all entries that map one are found through its table's ring, and
 * name a slot from then on. The frame stays the slot's until it is written.
 */

/*
 * 0, or why the page that t maps at va stays: -EPERM locked, -EBUSY. t's lock keeps its owner from
 * going.
 */
static int locked_in(struct frame *t, uaddr_t va)
{
	struct aspace *as = t->owner;
	struct vma *v;
	int err;

	/* Detached tables have nothing to do with locked areas. */
	if (!as)
		return 0;
	if (!rwlock_tryread(&as->lock))
		return -EBUSY;
	v = vma_at(&as->areas, va);
	err = !v || (v->flags & VMA_LOCKED) ? -EPERM : 0;
	rwlock_read_unlock(&as->lock);
	return err;
}

/* (pt_lock_anon) Entry i of t, the only one that maps f, shows the zero page if f is all zeros. */
static bool evict_zero(struct frame *t, unsigned i, struct frame *f)
{
	pte_t *e = (pte_t *)frame_data(t) + i, was = *e;
	uaddr_t va = ((uaddr_t)t->base << L1_SHIFT) + i * PAGE_SIZE;

	if (f->maps != 1 || f->slot || !page_is_zero(frame_data(f)))
		return false;
	/* Nobody can write to it any more when we look again. */
	*e = 0;
	if (t->owner)
		tlb_flush(t->owner, va, va + PAGE_SIZE);
	if (!page_is_zero(frame_data(f))) {
		*e = was;
		return false;
	}
	*e = (was & ~(PTE_PPN_MASK | PTE_W | PTE_D)) | pte_ppn(zero_page_pa) | PTE_SPECIAL;
	t->entries -= PT_COUNT_ANON;
	frame_unmap(f);
	return true;
}

/* (pt_lock_anon; unlocked here) All entries that map f name its slot. */
static void evict_ring(struct frame *t, unsigned i, struct frame *f)
{
	struct spinlock *ring = pt_ring_lock(t);
	struct frame *s = t, *next;

	do {
		pte_t *e = (pte_t *)frame_data(s) + i;

		if (s != t)
			leaf_lock(s);
		if (!pte_special(*e) && pte_maps(*e, f)) {
			*e = pte_swap(f->slot) | (*e & PTE_UFFD_WP);
			s->entries += PT_COUNT_SWAP - PT_COUNT_ANON;
			/*
			 * Before the map count falls: who finds himself alone looks at the slot.
			 * Of t, swap_attach has counted.
			 */
			if (s != t)
				swap_dup(f->slot);
			frame_unmap(f);
		}
		next = FRAMES + s->next;
		leaf_unlock(s);
		s = next;
	} while (s != t);
	spin_unlock(ring);
}

/* (pt_lock_anon) */
static int ring_locked_in(struct frame *t, unsigned i, const struct frame *f)
{
	uaddr_t va = ((uaddr_t)t->base << L1_SHIFT) + i * PAGE_SIZE;
	struct frame *s = t;
	int err;

	do {
		pte_t *e = (pte_t *)frame_data(s) + i, was = *e;

		err = pte_maps(was, f) ? locked_in(s, va) : 0;
		/* For the first harvest after munlock(2). Of s the lock is not held. */
		if (err == -EPERM)
			__atomic_compare_exchange_n(e, &was, was | PTE_A, false, __ATOMIC_RELAXED,
						    __ATOMIC_RELAXED);
		s = FRAMES + s->next;
	} while (!err && s != t);
	return err;
}

/* Take f out of all tables. 0: BUSY; 1: it is nobody's; -errno: it stays. */
static int unmap(struct frame *f)
{
	bool still = f->maps && !frame_has(f, FRAME_BUSY | FRAME_WRITEBACK), dirty;
	struct frame *t = still ? pt_lock_anon(f) : NULL;
	struct spinlock *ring;
	unsigned i;
	int ret;

	if (!t)
		return -EBUSY;
	ring = pt_ring_lock(t);
	i = ((uintptr_t)f->pte & (PAGE_SIZE - 1)) / sizeof(pte_t);
	ret = ring_locked_in(t, i, f);
	if (!ret && !thp_try_split(t))
		ret = -EBUSY;
	if (ret)
		goto out;
	ret = 1;
	if (evict_zero(t, i, f)) {
		policy_forget(policy_shadow(f));
		vm_event(VM_SWAP_ZERO);
		goto out;
	}
	ret = -ENOSPC;
	if (!swap_attach(f, policy_shadow(f)))
		goto out;
	/* Who finds it in its slot waits until no hart can write to it by an entry it remembers. */
	dirty = frame_clear(f, FRAME_DIRTY) & FRAME_DIRTY;
	frame_set(f, dirty ? FRAME_BUSY | FRAME_WRITEBACK : FRAME_BUSY);
	evict_ring(t, i, f);
	return 0;
out:
	leaf_unlock(t);
	spin_unlock(ring);
	return ret;
}

void evict_some(struct swap_batch *b)
{
	uint32_t n = 0;

	if (!b->n)
		return;
	/* All harts forget the entries: from here on nobody changes what is in the frames. */
	tlb_flush_all();
	for (uint32_t i = 0; i < b->n; i++) {
		frame_done(b->frames[i], FRAME_BUSY);
		if (!frame_has(b->frames[i], FRAME_WRITEBACK)) {
			frame_put(b->frames[i]);
			continue;
		}
		b->slots[n] = b->slots[i];
		b->frames[n++] = b->frames[i];
	}
	b->n = n;
	swap_write(b);
}

void evict_flush(struct swap_batch *b)
{
	evict_some(b);
	swap_write_left(b);
}

bool evict(struct frame *f, struct swap_batch *b)
{
	int ret = b ? unmap(f) : -EBUSY;

	vm_event_add(VM_PGSCAN_ANON, b != NULL);
	/* What is locked stands in no queue any more. */
	if (ret == -EPERM)
		policy_forget(policy_shadow(f));
	else if (ret < 0)
		policy_return(f);
	vm_event_add(VM_PGSTEAL_ANON, ret >= 0);
	if (ret) {
		frame_put(f);
		return ret > 0;
	}
	b->slots[b->n] = f->slot;
	b->frames[b->n++] = f;
	if (b->n == ARRAY_SIZE(b->frames))
		evict_some(b);
	return true;
}

/* Private pages that the table maps in [*va, end), with references. (its lock) */
static uint32_t gather(struct frame *leaf, uaddr_t *va, uaddr_t end, struct frame **frames,
		       uint32_t max)
{
	uint32_t n = 0;

	for (; *va < end && n < max; *va += PAGE_SIZE) {
		pte_t p = *pt_entry(leaf, *va);

		if (pte_resident(p) && !pte_special(p) && frame_type(pte_frame(p)) == FRAME_ANON)
			frames[n++] = frame_get(pte_frame(p));
	}
	return n;
}

void evict_range(struct aspace *as, uaddr_t start, uaddr_t end)
{
	struct swap_batch batch = {0};
	struct frame *frames[32], *leaf;

	while (start < end) {
		uint32_t n = 0;

		rwlock_read(&as->lock);
		leaf = pt_lock_next(as, &start, end);
		if (leaf) {
			n = gather(leaf, &start, pt_span_end(start, end), frames,
				   ARRAY_SIZE(frames));
			pt_unlock(leaf);
		} else {
			start = end;
		}
		rwlock_read_unlock(&as->lock);
		for (uint32_t i = 0; i < n; i++) {
			policy_take(frames[i]);
			evict(frames[i], &batch);
		}
	}
	evict_flush(&batch);
}

/* Clear the accessed bits of a table in [va, stop), and tell the policy. (its lock) */
static void harvest_table(struct frame *leaf, pte_t *l1, uaddr_t va, uaddr_t stop)
{
	pte_t *e = pt_entry(leaf, va), *end = e + ((stop - va) >> PAGE_SHIFT);
	struct frame *used[32];
	uint32_t n = 0;
	/* A megapage's bit stands for all of it. */
	bool mega = leaf->word & FRAME_HUGE &&
		    __atomic_fetch_and(l1, ~PTE_A, __ATOMIC_RELAXED) & PTE_A;

	for (; e < end; e++) {
		/* Mostly nobody has used any of eight. */
		if (!mega && end - e >= 8 && IS_ALIGNED((uintptr_t)e, 8 * sizeof(*e)) &&
		    !((e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7]) & PTE_A)) {
			e += 7;
		} else if (pte_present(*e) && ((*e & PTE_A) || mega) && !pte_special(*e)) {
			__atomic_fetch_and(e, ~PTE_A, __ATOMIC_RELAXED);
			used[n++] = pte_frame(*e);
			if (n == ARRAY_SIZE(used)) {
				policy_used(used, n);
				n = 0;
			}
		}
	}
	policy_used(used, n);
}

/* (leaf lock) */
static void cool(pte_t p)
{
	struct frame *f = pte_present(p) && !pte_special(p) ? pte_frame(p) : NULL;

	if (f && f->maps == 1)
		policy_cold(f);
}

/* (as->lock) Pages in [va, end), which, cold, are wanted no more if nobody shares them. */
static void harvest_range(struct aspace *as, uaddr_t va, uaddr_t end, bool cold)
{
	struct frame *leaf;

	while ((leaf = pt_lock_next(as, &va, end))) {
		uaddr_t stop = pt_span_end(va, end);

		harvest_table(leaf, pt_l1_entry(as, va), va, stop);
		for (; cold && va < stop; va += PAGE_SIZE)
			cool(*pt_entry(leaf, va));
		pt_unlock(leaf);
		va = stop;
	}
}

void cool_range(struct aspace *as, uaddr_t start, uaddr_t end)
{
	rwlock_read(&as->lock);
	harvest_range(as, start, end, true);
	rwlock_read_unlock(&as->lock);
	tlb_flush(as, start, end);
}

void harvest(void)
{
	for (struct aspace *as = aspace_next(NULL); as; as = aspace_next(as)) {
		/* A writer is busy with it: the next time. */
		if (!rwlock_tryread(&as->lock))
			continue;
		/* Locked pages cannot go: the choice is between others. */
		for (struct vma *v = vma_first(&as->areas); v; v = v->next)
			if (!(v->flags & VMA_LOCKED))
				harvest_range(as, v->start, v->end, false);
		rwlock_read_unlock(&as->lock);
	}
	/* Entries that are cached would not be marked again. */
	tlb_flush_all();
	policy_epoch();
}

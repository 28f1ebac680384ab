#include "mm/thp.h"

#include "kernel/cmdline.h"
#include "kernel/uapi/mman.h"
#include "lib/page.h"
#include "lib/string.h"
#include "mm/init.h"
#include "mm/pagetable.h"
#include "mm/stat.h"
#include "mm/tlb.h"
#include "mm/types.h"

_Atomic uint32_t thp_mode = THP_ALWAYS;

static uaddr_t base_of(const struct frame *leaf)
{
	return (uaddr_t)leaf->base << L1_SHIFT;
}

/* --- the shortcut --- */

/* The order of locks: L1, leaf. A reclaimer has the leaf's only. */
static void lock_both(struct frame *leaf)
{
	spin_lock(&leaf->owner->l1_lock);
	leaf_lock(leaf);
}

static void unlock_both(struct frame *leaf)
{
	leaf_unlock(leaf);
	spin_unlock(&leaf->owner->l1_lock);
}

/* (l1_lock, leaf lock) The table, whose entries are gone, maps the block, and so does its L1. */
static void fill(struct vma *v, struct frame *leaf, struct frame *block)
{
	struct aspace *as = leaf->owner;
	pte_t *e = frame_data(leaf), p = pte_user(frame_pa(block), v->prot, true);

	v->flags |= VMA_DIRTIED; /* as fault.c does */
	/* Contents before the entries that make them reachable. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	for (unsigned i = 0; i < PT_ENTRIES; i++, p += pte_ppn(PAGE_SIZE)) {
		frame_make_anon(block + i);
		block[i].pte = e + i;
		e[i] = p;
	}
	leaf->entries = PT_ENTRIES * PT_COUNT_ANON;
	frame_set(leaf, FRAME_HUGE);
	/*
	 * A hart that remembers the table may go on through it: it says the same, and it stays
	 * (privileged specification 4.2.1, a page made a superpage without a fence).
	 */
	pt_l1_attach(as, pt_l1_entry(as, base_of(leaf)), leaf);
}

bool thp_unmap_huge(struct frame *leaf, uint64_t len, struct tlb_batch *b)
{
	struct aspace *as = leaf->owner;
	struct frame *block = NULL;
	pte_t *e = frame_data(leaf);
	bool huge;

	lock_both(leaf);
	huge = frame_clear(leaf, FRAME_HUGE) & FRAME_HUGE;
	as->nr_mega -= huge;
	pt_l1_attach(as, pt_l1_entry(as, base_of(leaf)), leaf);
	if (huge && len == L1_SIZE) {
		/* Every page is mapped once, by us: no copy of the table has to hear of it. */
		block = pte_frame(*e);
		page_zero(e);
		leaf->entries = 0;
	}
	unlock_both(leaf);
	/* Even where all pages go: a megapage may stand in a TLB entry of its own. */
	tlb_batch_range(b, base_of(leaf), base_of(leaf) + L1_SIZE);
	if (block)
		tlb_batch_block(b, base_of(leaf), block);
	else
		vm_event(VM_THP_SPLIT);
	return block;
}

void thp_forget(struct frame *leaf)
{
	if (frame_clear(leaf, FRAME_HUGE) & FRAME_HUGE)
		vm_event(VM_THP_SPLIT);
}

bool thp_try_split(struct frame *leaf)
{
	struct aspace *as = leaf->owner;

	if (as && (leaf->word & FRAME_HUGE)) {
		if (!spin_trylock(&as->l1_lock))
			return false;
		/* Detached by a fork under way: the L1 entry names it already. */
		if (pte_is_mega(*pt_l1_entry(as, base_of(leaf)))) {
			as->nr_mega--;
			frame_clear(leaf, FRAME_HUGE);
			pt_l1_attach(as, pt_l1_entry(as, base_of(leaf)), leaf);
			vm_event(VM_THP_SPLIT);
		}
		spin_unlock(&as->l1_lock);
	}
	thp_forget(leaf);
	return true;
}

/* --- at a fault --- */

/* Has every page of the 2 MiB at base been touched? A guess, without a lock. */
static bool filled(const struct vma *v, uaddr_t base)
{
	const pte_t *l1 = pt_l1_entry(v->as, base);
	pte_t e = l1 && base >= v->start && base + L1_SIZE <= v->end
			  ? __atomic_load_n(l1, __ATOMIC_RELAXED)
			  : 0;

	return pte_is_mega(e) || (e && pt_count(pte_frame(e), PT_COUNT_ANON) == PT_ENTRIES);
}

/* May there be a megapage at base? */
static bool may(const struct vma *v, uaddr_t base)
{
	return base >= v->start && v->end - base >= L1_SIZE && !v->object && !v->as->no_thp &&
	       !(v->flags & (VMA_NOHUGEPAGE | VMA_UFFD));
}

/*
 * Does the area want a megapage at base? One that nobody asked for is given where the area's 2 MiB
 * below or above are full, so that it is likely to become full too, and while memory is plenty.
 */
static bool wanted(const struct vma *v, uaddr_t base)
{
	if (!may(v, base) || (v->prot & PROT_EXEC) || (v->flags & VMA_GROWSDOWN))
		return false;
	if (v->flags & VMA_HUGEPAGE)
		return thp_mode != THP_NEVER;
	return thp_mode == THP_ALWAYS && frames_free() > frames_total / 4 &&
	       (filled(v, base - L1_SIZE) || filled(v, base + L1_SIZE));
}

/* (leaf lock) Take out what shows the page of zeros; false if there is anything else. */
static bool clear_zero_pages(struct frame *leaf)
{
	pte_t *e = frame_data(leaf);
	bool any = false;

	if (leaf->entries)
		return false;
	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		if (e[i] && !pte_special(e[i]))
			return false;
		any |= e[i];
	}
	if (any) {
		page_zero(e);
		/* Nobody may see zeros once somebody has written to the new pages. */
		tlb_flush(leaf->owner, base_of(leaf), base_of(leaf) + L1_SIZE);
	}
	return true;
}

bool thp_fault_empty(struct vma *v, uaddr_t va, struct frame *leaf)
{
	struct frame *block = NULL;
	bool empty;

	if (!wanted(v, ALIGN_DOWN(va, L1_SIZE)))
		return false;
	/* Not the memory that those live on who cannot wait for more. */
	if (frames_free() > frames_low + PT_ENTRIES)
		block = frame_alloc(FRAME_ORDER_HUGE, FRAME_ZEROED);
	vm_event(block ? VM_THP_FAULT_ALLOC : VM_THP_FAULT_FALLBACK);
	if (!block)
		return false;
	lock_both(leaf);
	empty = clear_zero_pages(leaf);
	if (empty)
		fill(v, leaf, block);
	unlock_both(leaf);
	if (!empty)
		frame_free(block, FRAME_ORDER_HUGE);
	return empty;
}

/* --- by request --- */

/* (pt_lock) Copy what the table shows into the block. False: something is not in memory. */
static bool copy_pages(const struct frame *leaf, struct frame *block)
{
	const pte_t *e = frame_data(leaf);

	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		if (e[i] && !pte_resident(e[i]))
			return false;
		if (!e[i] || pte_special(e[i]))
			page_zero(frame_data(block + i));
		else
			page_copy(frame_data(block + i), frame_data(pte_frame(e[i])));
	}
	return true;
}

/* Move the pages of an attached table into the block. 0 or -EAGAIN with nothing changed. */
static int move_pages(struct vma *v, uaddr_t base, struct frame *leaf, struct frame *block)
{
	pte_t *l1 = pt_l1_entry(v->as, base), *e = frame_data(leaf);
	struct tlb_batch batch;
	bool moved;

	/* Nobody writes while we copy: no way through L1, and faults wait for us. */
	spin_lock(&v->as->l1_lock);
	pt_l1_clear(v->as, l1, l1 + 1);
	tlb_flush(v->as, base, base + L1_SIZE);
	pt_lock(leaf);
	moved = copy_pages(leaf, block);
	tlb_batch_begin(&batch, v->as, false);
	for (unsigned i = 0; moved && i < PT_ENTRIES; i++)
		if (e[i])
			pt_clear(leaf, e + i, base + i * PAGE_SIZE, &batch);
	/* Other threads run what is there as soon as they can. */
	if (moved && (v->prot & PROT_EXEC))
		icache_flush();
	if (moved)
		fill(v, leaf, block);
	else
		pt_l1_attach(v->as, l1, leaf);
	pt_unlock(leaf);
	spin_unlock(&v->as->l1_lock);
	tlb_batch_end(&batch);
	return moved ? 0 : -EAGAIN;
}

int thp_collapse(struct vma *v, uaddr_t base)
{
	struct frame *leaf = pt_leaf(v->as, base), *block;
	const pte_t *l1 = pt_l1_entry(v->as, base);
	int err;

	if (!may(v, base) || !(v->prot & (PROT_READ | PROT_WRITE)) || !l1 || !*l1)
		return -EINVAL;
	if (!leaf)
		leaf = pt_attach(v->as, base, 0);
	if (!leaf)
		return -ENOMEM;
	if (leaf->word & FRAME_HUGE)
		return 0;
	block = frame_alloc(FRAME_ORDER_HUGE, 0);
	vm_event(block ? VM_THP_COLLAPSE_ALLOC : VM_THP_COLLAPSE_FAILED);
	if (!block)
		return -ENOMEM;
	err = move_pages(v, base, leaf, block);
	if (err)
		frame_free(block, FRAME_ORDER_HUGE);
	return err;
}

void thp_init(void)
{
	char word[16];

	if (cmdline_get("transparent_hugepage", word, sizeof(word)) < 0)
		return;
	if (!strcmp(word, "never"))
		thp_mode = THP_NEVER;
	if (!strcmp(word, "madvise"))
		thp_mode = THP_MADVISE;
}

#include "mm/pagetable.h"

#include "kernel/mem/kmap.h"
#include "kernel/panic.h"
#include "kernel/riscv.h"
#include "kernel/swap/slot.h"
#include "lib/page.h"
#include "lib/string.h"
#include "mm/share.h"
#include "mm/thp.h"
#include "mm/tlb.h"
#include "mm/types.h"

struct frame *pt_named_locked(struct aspace *as, const pte_t *l1)
{
	struct frame *leaf;

	spin_lock(&as->l1_lock);
	leaf = pt_named(*l1);
	spin_unlock(&as->l1_lock);
	return leaf;
}

struct frame *pt_table_alloc(struct aspace *as, uaddr_t va, unsigned flags)
{
	struct frame *t = frame_alloc(0, flags);

	if (!t)
		return NULL;
	frame_set_type(t, FRAME_PAGETABLE);
	t->entries = 0;
	t->base = (uint32_t)(va >> L1_SHIFT);
	t->owner = as;
	t->next = t->prev = frame_pfn(t); /* a ring of one copy */
	return t;
}

/* (l1_lock) Entries of e's group were cleared: is it empty now? */
static void group_update(pte_t *e)
{
	const pte_t *first = (pte_t *)ALIGN_DOWN((uintptr_t)e, PT_GROUP * sizeof(*e));

	for (size_t i = 0; i < PT_GROUP; i++)
		if (first[i])
			return;
	frame_of(e)->groups &= ~pt_group_bit(e);
}

void pt_l1_clear(struct aspace *as, pte_t *e, pte_t *end)
{
	as->nr_tables -= end - e;
	while (e < end) {
		__atomic_store_n(e++, 0, __ATOMIC_RELAXED);
		if (e == end || IS_ALIGNED((uintptr_t)e, PT_GROUP * sizeof(*e)))
			group_update(e - 1);
	}
}

/* Index of the first entry in use from i on; PT_ENTRIES if there is none. */
static uint64_t used_next(const pte_t *table, uint64_t i)
{
	uint64_t groups = frame_of(table)->groups;

	while (i < PT_ENTRIES) {
		uint64_t bits = groups >> i / PT_GROUP;

		if (!bits)
			break;
		if (!(bits & 1))
			i = (i / PT_GROUP + ctz64(bits)) * PT_GROUP;
		do {
			if (table[i])
				return i;
		} while (++i % PT_GROUP);
	}
	return PT_ENTRIES;
}

/* Make *e point to table t unless somebody was faster. Returns the table that is there. */
static struct frame *attach(struct aspace *as, pte_t *e, struct frame *t)
{
	struct frame *there = t;

	spin_lock(&as->l1_lock);
	if (pte_present(*e))
		there = pt_named(*e);
	else
		pt_l1_set(as, e, pte_table(frame_pa(t)));
	spin_unlock(&as->l1_lock);
	if (there != t) {
		if (!frame_has(t, FRAME_BUSY)) {
			pt_lock(t);
			pt_retire(t);
		}
		frame_free_zeroed(t);
	}
	return there;
}

pte_t *pt_l1_create(struct aspace *as, uaddr_t va)
{
	pte_t *l1 = pt_l1_entry(as, va);
	struct frame *t;

	if (likely(l1))
		return l1;
	t = pt_table_alloc(as, va, FRAME_ZEROED);
	if (!t)
		return NULL;
	t->groups = 0;
	frame_set(t, FRAME_BUSY);
	attach(as, &as->root[pt_index(va, 2)], t);
	return pt_l1_entry(as, va);
}

struct frame *pt_leaf_make(struct aspace *as, uaddr_t va)
{
	pte_t *l1 = pt_l1_create(as, va);
	struct frame *t;

	if (!l1)
		return NULL;
	if (*l1)
		return pt_attach(as, va, 0);
	t = pt_table_alloc(as, va, FRAME_ZEROED);
	return t ? attach(as, l1, t) : NULL;
}

pte_t *pt_l1_search(struct aspace *as, uaddr_t *va, uaddr_t end)
{
	while (*va < end) {
		uint64_t i = used_next(as->root, pt_index(*va, 2)), j;
		pte_t *l1;

		if (i == PT_ENTRIES)
			break;
		*va = MAX(*va, i << L2_SHIFT);
		l1 = pt_table_of(as->root[i]);
		j = used_next(l1, pt_index(*va, 1));
		if (j < PT_ENTRIES) {
			*va = MAX(*va, (i << L2_SHIFT) + (j << L1_SHIFT));
			return *va < end ? l1 + j : NULL;
		}
		*va = (i + 1) << L2_SHIFT;
	}
	return NULL;
}

void pt_clear(struct frame *leaf, pte_t *e, uaddr_t va, struct tlb_batch *b)
{
	pte_t p = *e;
	struct frame *f = NULL;

	if (pte_resident(p) && !pte_special(p)) {
		f = pte_frame(p);
		pt_leave(leaf, e, f);
	} else if (pte_is_swap(p)) {
		leaf->entries -= PT_COUNT_SWAP;
		swap_drop(pte_slot(p));
	}
	*e = 0;
	tlb_batch_add(b, va, f);
}

/* The first entry in use of [e, end), or end. What is empty stays so for a writer of the aspace. */
static inline pte_t *skip_empty(pte_t *e, const pte_t *end)
{
	while (e < end && !*e)
		e++;
	return e;
}

/* Clear [e, end), up to address stop, in a locked table. */
static void clear_entries(struct frame *leaf, pte_t *e, pte_t *end, uaddr_t stop,
			  struct tlb_batch *b)
{
	uint32_t counts = 0, count;
	const bool direct = b->direct;

	e = skip_empty(e, end);
	if (e == end)
		return;
	/* Before the first frame is in the batch, which may become full and fence. */
	tlb_batch_range(b, stop - (end - e) * PAGE_SIZE, stop);
	for (; e < end; e++) {
		pte_t p = *e;
		struct frame *f;

		if (!p)
			continue;
		*e = 0;
		if (unlikely(!pte_counted(p))) {
			if (pte_is_swap(p)) {
				counts += PT_COUNT_SWAP;
				swap_drop(pte_slot(p));
			}
			if (!pte_is_none(p) || pte_special(p))
				continue;
		}
		f = pte_frame(p);
		count = pt_count_of(f);
		counts += count;
		if (count == PT_COUNT_ANON)
			pt_anon_leave(leaf, e, f);
		direct ? frame_unmap(f) : tlb_batch_push(b, f);
	}
	leaf->entries -= counts;
}

void pt_unmap(struct aspace *as, uaddr_t start, uaddr_t end, struct tlb_batch *b)
{
	struct frame *leaf;
	uint64_t pages = 0;

	while ((leaf = pt_leaf_next(as, &start, end))) {
		uaddr_t stop = pt_span_end(start, end);
		pte_t *e = pt_entry(leaf, start), *last = e + ((stop - start) >> PAGE_SHIFT);

		if (!leaf->owner) {
			start = pt_drop(as, start, end, &pages);
			continue;
		}
		e = skip_empty(e, last);
		if (e < last && !thp_unmap(leaf, stop - start, b)) {
			pt_lock(leaf);
			clear_entries(leaf, e, last, stop, b);
			pt_unlock(leaf);
		}
		start = stop;
	}
}

/* A leaf table in which nothing is left. */
static void free_leaf(struct aspace *as, uaddr_t va, struct frame *leaf, struct tlb_batch *b)
{
	pte_t *l1 = pt_l1_entry(as, va);

	assert(leaf->owner == as && leaf->entries == 0);
	spin_lock(&as->l1_lock);
	pt_l1_clear(as, l1, l1 + 1);
	spin_unlock(&as->l1_lock);
	pt_lock(leaf);
	pt_retire(leaf);
	/*
	 * A walk may have remembered the table itself: fence more than 16 pages, so that all of the
	 * ASID goes. The table may not be reused before, whoever runs.
	 */
	tlb_batch_range(b, va, va + L1_SIZE);
	tlb_batch_push(b, leaf);
}

void pt_free_leaves(struct aspace *as, uaddr_t floor, uaddr_t ceiling, struct tlb_batch *b)
{
	uaddr_t va = ALIGN_UP(floor, L1_SIZE);
	struct frame *leaf;

	ceiling = ALIGN_DOWN(ceiling, L1_SIZE);
	for (; (leaf = pt_leaf_next(as, &va, ceiling)); va += L1_SIZE)
		free_leaf(as, va, leaf, b);
}

/* Clear what the areas from v on have in a leaf table whose span ends at `end`, and free it. */
static void end_leaf(struct frame *leaf, struct vma *v, uaddr_t end, struct tlb_batch *b)
{
	bool empty = thp_unmap(leaf, L1_SIZE, b);

	pt_lock(leaf);
	for (; !empty && v && v->start < end; v = v->next) {
		uaddr_t va = MAX(end - L1_SIZE, v->start), stop = MIN(end, v->end);
		pte_t *e = pt_entry(leaf, va);

		clear_entries(leaf, e, e + ((stop - va) >> PAGE_SHIFT), stop, b);
	}
	pt_retire(leaf);
	frame_free_zeroed(leaf);
}

uint64_t pt_unmap_all(struct aspace *as, struct vma *v)
{
	struct tlb_batch batch;
	uint64_t pages = 0;
	uaddr_t va = 0;
	pte_t *l1;

	tlb_batch_begin(&batch, as, true);
	while ((l1 = pt_l1_area(as, &v, &va))) {
		struct frame *leaf = pt_leaf_at(as, l1);

		if (!leaf->owner) {
			va = pt_drop(as, va, v->end, &pages);
			continue;
		}
		pages += pt_resident(leaf);
		va = (va | (L1_SIZE - 1)) + 1;
		end_leaf(leaf, v, va, &batch);
		*l1 = 0;
	}
	/* No fence: no hart runs it, and its ASID is not used again before all have dropped it. */
	return pages;
}

/* May the entry for f in area v be writable at once, without telling anybody? */
static bool write_at_once(const struct vma *v, struct frame *f)
{
	if (!vma_private(v))
		return pt_writable_now(f);
	return frame_type(f) == FRAME_ANON && f->maps == 1 && swap_may_write(f, true);
}

/* (leaf lock) Entries from e on, for [va, stop), become `read` or `write`. What access any lost. */
static pte_t protect_entries(const struct vma *v, pte_t *e, uaddr_t va, uaddr_t stop, pte_t read,
			     pte_t write)
{
	pte_t lost = 0;

	for (; va < stop; va += PAGE_SIZE, e++) {
		pte_t p = *e, now = read, less = ~read & PTE_KIND_MASK;

		if (!pte_resident(p))
			continue;
		if (write != read && !(p & (PTE_SPECIAL | PTE_UFFD_WP)) &&
		    write_at_once(v, pte_frame(p))) {
			now = write;
			less = ~write & PTE_KIND_MASK;
		}
		*e = now | (p & (PTE_PPN_MASK | PTE_SPECIAL | PTE_UFFD_WP));
		if (!pte_present(p))
			continue;
		lost |= p & less;
		/* More access than before needs no fence elsewhere: a fault sees it. */
		if (!lost)
			tlb_flush_local(va);
	}
	return lost;
}

void pt_protect(struct vma *v, uint32_t prot, uaddr_t start, uaddr_t end, struct tlb_batch *b)
{
	const pte_t read = pte_user(0, prot, false), write = pte_user(0, prot, true);
	struct frame *leaf;

	while ((leaf = pt_leaf_next(v->as, &start, end))) {
		uaddr_t stop = pt_span_end(start, end);

		thp_split(leaf, b);
		leaf_lock(leaf);
		if (protect_entries(v, pt_entry(leaf, start), start, stop, read, write))
			tlb_batch_range(b, start, stop);
		leaf_unlock(leaf);
		start = stop;
	}
}

/*
 * Pages of [va, stop) that tables elsewhere map too are copied: such a page has one index in all
 * tables of a ring, and is about to change its own. (aspace writer: nobody makes copies meanwhile)
 */
static int copy_shared(struct frame *leaf, uaddr_t va, uaddr_t stop, struct tlb_batch *b)
{
	pte_t *e = pt_entry(leaf, va);

	for (; va < stop; va += PAGE_SIZE, e++) {
		pte_t p = *e;
		struct frame *f, *copy;

		if (pte_is_swap(p) && !swap_exclusive(pte_slot(p)))
			return -EAGAIN;
		if (!pte_resident(p) || pte_special(p))
			continue;
		f = pte_frame(p);
		if (frame_type(f) != FRAME_ANON || (f->maps == 1 && swap_take_over(f)))
			continue;
		copy = frame_alloc(0, 0);
		if (!copy)
			return -ENOMEM;
		/* It is read-only everywhere: nobody writes while we read. */
		page_copy(frame_data(copy), frame_data(f));
		frame_make_anon(copy);
		if (p & PTE_X) {
			frame_clear(copy, FRAME_ICACHE_STALE);
			icache_flush();
		}
		copy->pte = e;
		pt_anon_leave(leaf, e, f);
		*e = (p & ~PTE_PPN_MASK) | pte_ppn(frame_pa(copy));
		tlb_batch_add(b, va, f);
	}
	return 0;
}

/* Make ready to move [from, end) by shift: the tables that will be needed, pages of our own. */
static int prepare_move(struct aspace *as, uaddr_t from, uaddr_t end, uint64_t shift,
			struct tlb_batch *b)
{
	struct frame *leaf;
	int err = 0;

	for (; !err && (leaf = pt_leaf_next(as, &from, end)); from = pt_span_end(from, end)) {
		uaddr_t stop = pt_span_end(from, end);

		if (!pt_leaf_create(as, from + shift) || !pt_leaf_create(as, stop - 1 + shift))
			return -ENOMEM;
		pt_lock(leaf);
		err = copy_shared(leaf, from, stop, b);
		pt_unlock(leaf);
	}
	return err;
}

int pt_move(struct aspace *as, uaddr_t from, uaddr_t to, uint64_t len, struct tlb_batch *b)
{
	uaddr_t end = from + len;
	struct frame *src;
	uint64_t shift = to - from;
	int err = prepare_move(as, from, end, shift, b);

	if (err)
		return err;
	for (uaddr_t va = from; (src = pt_leaf_next(as, &va, end));) {
		uaddr_t stop = MIN(pt_span_end(va, end), pt_span_end(va + shift, to + len) - shift);
		struct frame *dst = pt_leaf(as, va + shift);
		pte_t *s = pt_entry(src, va), *d = pt_entry(dst, va + shift);

		thp_split(src, b);
		leaf_lock_two(src, dst);
		for (; va < stop; va += PAGE_SIZE, s++, d++) {
			uint32_t count;

			if (!*s)
				continue;
			*d = *s;
			*s = 0;
			tlb_batch_add(b, va, NULL);
			if (pte_special(*d) || (!pte_resident(*d) && !pte_is_swap(*d)))
				continue;
			count = pte_is_swap(*d) ? PT_COUNT_SWAP : pt_count_of(pte_frame(*d));
			src->entries -= count;
			dst->entries += count;
			if (count == PT_COUNT_ANON)
				pte_frame(*d)->pte = d;
		}
		leaf_unlock_two(src, dst);
	}
	return 0;
}

void pt_count_pages(struct vma *v, uint64_t *anon, uint64_t *object, uint64_t *swapped)
{
	uaddr_t va = 0;
	const pte_t *l1;

	*anon = *object = *swapped = 0;
	/* Without l1_lock, which comes before some that callers hold. */
	while (v && (l1 = pt_l1_area(v->as, &v, &va))) {
		/* After a large fork there are many of them side by side. */
		do {
			pte_t e = *l1++;
			bool mega = pte_is_mega(e);

			*anon += mega ? PT_ENTRIES : pt_count(pte_frame(e), PT_COUNT_ANON);
			*object += mega ? 0 : pt_count(pte_frame(e), PT_COUNT_OBJECT);
			*swapped += mega ? 0 : pt_count(pte_frame(e), PT_COUNT_SWAP);
			va = (va | (L1_SIZE - 1)) + 1;
		} while (va % L2_SIZE && *l1);
	}
}

/* Roots of spaces that are gone, kernel half in place, user half empty. */
static struct frame *roots[8];
static unsigned nr_roots; /* (roots_lock) */
static struct spinlock roots_lock = SPINLOCK_INIT("root tables", RANK_L1);

static struct frame *root_alloc(struct aspace *as)
{
	struct frame *t = NULL;
	pte_t *half;

	spin_lock(&roots_lock);
	if (nr_roots)
		t = roots[--nr_roots];
	spin_unlock(&roots_lock);
	if (t) {
		frame_set_type(t, FRAME_PAGETABLE);
		frame_set(t, FRAME_BUSY);
		t->owner = as;
		return t;
	}
	t = pt_table_alloc(as, 0, FRAME_ZEROED);
	if (!t)
		return NULL;
	t->groups = 0;
	frame_set(t, FRAME_BUSY);
	half = (pte_t *)frame_data(t) + PT_ENTRIES / 2;
	memcpy(half, kernel_root + PT_ENTRIES / 2, PAGE_SIZE / 2);
	return t;
}

int pt_create(struct aspace *as)
{
	struct frame *t = root_alloc(as);

	if (!t)
		return -ENOMEM;
	as->root = frame_data(t);
	as->satp = SATP_SV39 | frame_pfn(t);
	as->nr_tables = 1;
	return 0;
}

void pt_destroy(struct aspace *as)
{
	struct frame *t = frame_of(as->root);

	for (uint64_t i = 0; (i = used_next(as->root, i)) < PT_ENTRIES; i++) {
		assert(pte_frame(as->root[i])->entries == 0);
		frame_free_zeroed(pte_frame(as->root[i]));
		as->root[i] = 0;
	}
	t->groups = 0;
	frame_set_type(t, FRAME_KERNEL); /* nobody's table now */
	spin_lock(&roots_lock);
	if (nr_roots < ARRAY_SIZE(roots)) {
		roots[nr_roots++] = t;
		t = NULL;
	}
	spin_unlock(&roots_lock);
	if (t)
		frame_free(t, 0);
}

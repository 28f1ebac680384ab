#include "mm/pagetable.h"

#include "kernel/panic.h"
#include "kernel/riscv.h"
#include "kernel/uapi/mman.h"
#include "lib/string.h"
#include "mm/kmap.h"
#include "mm/tlb.h"
#include "mm/types.h"

static inline pte_t *table_of(pte_t e)
{
	return phys_to_virt(pte_pa(e));
}

/* The L1 entry for va, or NULL if there is no L1 table. */
static inline pte_t *l1_entry(struct aspace *as, uaddr_t va)
{
	pte_t e = __atomic_load_n(&as->root[pt_index(va, 2)], __ATOMIC_RELAXED);

	return pte_present(e) ? table_of(e) + pt_index(va, 1) : NULL;
}

struct frame *pt_leaf(struct aspace *as, uaddr_t va)
{
	pte_t *l1 = l1_entry(as, va), e;

	if (!l1)
		return NULL;
	e = __atomic_load_n(l1, __ATOMIC_RELAXED);
	return pte_present(e) ? pte_frame(e) : NULL;
}

static struct frame *table_alloc(struct aspace *as, uaddr_t va)
{
	struct frame *t = frame_alloc(0, FRAME_ZEROED);

	if (!t)
		return NULL;
	frame_set_type(t, FRAME_PAGETABLE);
	t->entries = 0;
	t->base = (uint32_t)(va >> L1_SHIFT);
	t->owner = as;
	t->next = t->prev = frame_pfn(t); /* a ring of one copy */
	return t;
}

/*
 * An upper table's record has a bit for each 16 entries that may not be all empty (user half), so
 * that walking a sparse space does not look at every entry.
 */
#define GROUP 16

static inline uint32_t group_bit(const pte_t *e)
{
	return 1u << (((uintptr_t)e & (PAGE_SIZE - 1)) / (GROUP * sizeof(*e)));
}

/* (l1_lock) *e was cleared: is its group empty now? */
static void group_update(pte_t *e)
{
	const pte_t *first = (pte_t *)ALIGN_DOWN((uintptr_t)e, GROUP * sizeof(*e));

	for (unsigned i = 0; i < GROUP; i++)
		if (first[i])
			return;
	frame_of(e)->entries &= ~group_bit(e);
}

/* The first entry from `from` on whose group may not be empty; the table's end if none. */
static inline pte_t *group_next(pte_t *from)
{
	uint32_t bits = frame_of(from)->entries & -group_bit(from);
	pte_t *table = (pte_t *)ALIGN_DOWN((uintptr_t)from, PAGE_SIZE), *first;

	if (!bits)
		return table + PT_ENTRIES;
	first = table + ctz64(bits) * GROUP;
	return first > from ? first : from;
}

/* Make *e point to table t unless somebody was faster. Returns the table that is there. */
static struct frame *attach(struct aspace *as, pte_t *e, struct frame *t)
{
	struct frame *there = t;

	spin_lock(&as->l1_lock);
	if (pte_present(*e)) {
		there = pte_frame(*e);
	} else {
		frame_of(e)->entries |= group_bit(e);
		/* The zeros before the pointer to them, for walks by other harts. */
		__atomic_store_n(e, pte_table(frame_pa(t)), __ATOMIC_RELEASE);
		as->nr_tables++;
	}
	spin_unlock(&as->l1_lock);
	if (there != t)
		frame_free_zeroed(t);
	return there;
}

struct frame *pt_leaf_create(struct aspace *as, uaddr_t va)
{
	struct frame *t = pt_leaf(as, va);

	if (likely(t))
		return t;
	if (!l1_entry(as, va)) {
		t = table_alloc(as, va);
		if (!t)
			return NULL;
		attach(as, &as->root[pt_index(va, 2)], t);
	}
	t = table_alloc(as, va);
	return t ? attach(as, l1_entry(as, va), t) : NULL;
}

struct frame *pt_leaf_next(struct aspace *as, uaddr_t *va, uaddr_t end)
{
	while (*va < end) {
		pte_t *root = as->root + pt_index(*va, 2), *l2 = group_next(root), *l1, *e;

		*va = l2 == root ? *va : (uaddr_t)(l2 - as->root) << L2_SHIFT;
		if (*va >= end)
			return NULL;
		if (pte_present(*l2)) {
			l1 = table_of(*l2);
			for (e = group_next(l1 + pt_index(*va, 1)); e < l1 + PT_ENTRIES;
			     e = group_next(e + 1)) {
				pte_t p = __atomic_load_n(e, __ATOMIC_RELAXED);
				uaddr_t at = ALIGN_DOWN(*va, L2_SIZE) +
					     ((uaddr_t)(e - l1) << L1_SHIFT);

				if (at >= end)
					return NULL;
				if (pte_present(p)) {
					*va = MAX(*va, at);
					return pte_frame(p);
				}
				if (e == l1 + PT_ENTRIES - 1)
					break;
			}
		}
		*va = ALIGN_DOWN(*va, L2_SIZE) + L2_SIZE;
	}
	return NULL;
}

void pt_set_anon(struct frame *leaf, pte_t *e, struct frame *f, pte_t p)
{
	f->pte = e;
	leaf->entries += PT_COUNT_ANON;
	/* Contents before the entry that makes them reachable. */
	__atomic_store_n(e, p, __ATOMIC_RELEASE);
}

void pt_set_object(struct frame *leaf, pte_t *e, struct frame *f, pte_t p)
{
	(void)f;
	leaf->entries += PT_COUNT_OBJECT;
	__atomic_store_n(e, p, __ATOMIC_RELEASE);
}

static inline uint32_t count_of(const struct frame *f)
{
	return frame_type(f) == FRAME_ANON ? PT_COUNT_ANON : PT_COUNT_OBJECT;
}

void pt_clear(struct frame *leaf, pte_t *e, uaddr_t va, struct tlb_batch *b)
{
	pte_t p = *e;
	struct frame *f = NULL;

	*e = 0;
	if (pte_resident(p) && !pte_special(p)) {
		f = pte_frame(p);
		leaf->entries -= count_of(f);
	}
	tlb_batch_add(b, va, f);
}

/* Clear [e, end), at va on, in a locked table. */
static void clear_entries(struct frame *leaf, pte_t *e, pte_t *end, uaddr_t va,
			  struct tlb_batch *b)
{
	uint32_t counts = 0;

	for (; e < end; e++, va += PAGE_SIZE) {
		pte_t p = *e;
		struct frame *f;

		if (!p)
			continue;
		*e = 0;
		if (pte_special(p) || !pte_resident(p)) {
			tlb_batch_add(b, va, NULL);
			continue;
		}
		f = pte_frame(p);
		counts += count_of(f);
		tlb_batch_add(b, va, f);
	}
	leaf->entries -= counts;
}

void pt_unmap(struct aspace *as, uaddr_t start, uaddr_t end, struct tlb_batch *b)
{
	struct frame *leaf;

	while ((leaf = pt_leaf_next(as, &start, end))) {
		uaddr_t stop = pt_span_end(start, end);
		pte_t *e = pt_entry(leaf, start);

		leaf_lock(leaf);
		clear_entries(leaf, e, e + ((stop - start) >> PAGE_SHIFT), start, b);
		leaf_unlock(leaf);
		start = stop;
	}
}

void pt_free_leaves(struct aspace *as, uaddr_t floor, uaddr_t ceiling, struct tlb_batch *b)
{
	uaddr_t va = ALIGN_UP(floor, L1_SIZE);
	struct frame *leaf;

	ceiling = ALIGN_DOWN(ceiling, L1_SIZE);
	for (; (leaf = pt_leaf_next(as, &va, ceiling)); va += L1_SIZE) {
		pte_t *e = l1_entry(as, va);

		assert(leaf->entries == 0);
		spin_lock(&as->l1_lock);
		*e = 0;
		group_update(e);
		as->nr_tables--;
		spin_unlock(&as->l1_lock);
		tlb_batch_table(b, va, leaf);
	}
}

/* May the entry for f in area v be writable at once, without telling anybody? */
static bool write_at_once(const struct vma *v, const struct frame *f)
{
	if (vma_private(v))
		return frame_type(f) == FRAME_ANON && f->maps == 1;
	return !v->object->ops->write_pages ||
	       (f->word & (FRAME_DIRTY | FRAME_WRITEBACK)) == FRAME_DIRTY;
}

void pt_protect(struct vma *v, uint32_t prot, uaddr_t start, uaddr_t end, struct tlb_batch *b)
{
	const pte_t access = PTE_V | PTE_R | PTE_W | PTE_X;
	struct frame *leaf;

	while ((leaf = pt_leaf_next(v->as, &start, end))) {
		uaddr_t stop = pt_span_end(start, end);
		pte_t *e = pt_entry(leaf, start);

		leaf_lock(leaf);
		for (; start < stop; start += PAGE_SIZE, e++) {
			pte_t p = *e, now;

			if (!pte_resident(p))
				continue;
			now = pte_user(pte_pa(p), prot,
				       !pte_special(p) && (prot & PROT_WRITE) &&
					       write_at_once(v, pte_frame(p)));
			now |= p & PTE_SPECIAL;
			*e = now;
			if (!pte_present(p))
				continue;
			/* More access than before needs no fence elsewhere: a fault sees it. */
			if (p & ~now & access)
				tlb_batch_add(b, start, NULL);
			else
				tlb_flush_local(v->as, start);
		}
		leaf_unlock(leaf);
	}
}

static void lock_two(struct frame *a, struct frame *b)
{
	leaf_lock(a < b ? a : b);
	leaf_lock(a < b ? b : a);
}

/*
 * Both tables are locked. A frame that is on its way out of the object, or a page beyond its end,
 * is not copied: truncate may have looked at dst already.
 */
static void copy_entries(struct frame *to, struct frame *from, struct vma *v, uaddr_t va,
			 uaddr_t stop, struct tlb_batch *b)
{
	pte_t *s = pt_entry(from, va), *d = pt_entry(to, va);
	bool private = vma_private(v);
	uint32_t counts = 0;

	for (; va < stop; va += PAGE_SIZE, s++, d++) {
		pte_t p = *s;
		struct frame *f;

		if (!pte_resident(p))
			continue;
		if (private && pte_writable(p)) {
			p &= ~PTE_W;
			*s = p;
			tlb_batch_add(b, va, NULL);
		}
		if (!pte_special(p)) {
			f = pte_frame(p);
			if (frame_type(f) == FRAME_OBJECT && f->object != v->object)
				continue;
			__atomic_fetch_add((uint64_t *)&f->counts, FRAME_MAP_ONE, __ATOMIC_RELAXED);
			counts += count_of(f);
		}
		*d = p;
	}
	to->entries += counts;
}

int pt_copy(struct aspace *dst, struct vma *v, struct tlb_batch *b)
{
	uaddr_t va = v->start;
	struct frame *from;

	while ((from = pt_leaf_next(v->as, &va, v->end))) {
		uaddr_t stop = pt_span_end(va, v->end), last = stop;
		struct frame *to;

		if (!from->entries) {
			va = stop;
			continue;
		}
		to = pt_leaf_create(dst, va);
		if (!to)
			return -ENOMEM;
		lock_two(from, to);
		if (v->object) {
			uint64_t pages = DIV_ROUND_UP(v->object->size, PAGE_SIZE);

			if (pages < v->index + vma_pages(v))
				last = pages <= v->index
					       ? v->start
					       : v->start + (pages - v->index) * PAGE_SIZE;
		}
		copy_entries(to, from, v, va, MIN(stop, last), b);
		leaf_unlock(to);
		leaf_unlock(from);
		va = stop;
	}
	return 0;
}

int pt_move(struct aspace *as, uaddr_t from, uaddr_t to, uint64_t len, struct tlb_batch *b)
{
	uaddr_t end = from + len;
	struct frame *src;
	uint64_t shift = to - from;

	/* Every table that will be needed, before anything changes. */
	for (uaddr_t va = from; pt_leaf_next(as, &va, end); va = pt_span_end(va, end)) {
		uaddr_t stop = pt_span_end(va, end) - 1 + shift;

		if (!pt_leaf_create(as, va + shift) || !pt_leaf_create(as, stop))
			return -ENOMEM;
	}
	for (uaddr_t va = from; (src = pt_leaf_next(as, &va, end));) {
		uaddr_t stop = MIN(pt_span_end(va, end), pt_span_end(va + shift, to + len) - shift);
		struct frame *dst = pt_leaf(as, va + shift);
		pte_t *s = pt_entry(src, va), *d = pt_entry(dst, va + shift);

		leaf_lock(src < dst ? src : dst);
		if (src != dst)
			leaf_lock(src < dst ? dst : src);
		for (; va < stop; va += PAGE_SIZE, s++, d++) {
			uint32_t count;

			if (!*s)
				continue;
			*d = *s;
			*s = 0;
			tlb_batch_add(b, va, NULL);
			if (!pte_resident(*d) || pte_special(*d))
				continue;
			count = count_of(pte_frame(*d));
			src->entries -= count;
			dst->entries += count;
			if (count == PT_COUNT_ANON)
				pte_frame(*d)->pte = d;
		}
		leaf_unlock(src);
		if (src != dst)
			leaf_unlock(dst);
	}
	return 0;
}

void pt_count_resident(struct aspace *as, uint64_t *anon, uint64_t *object)
{
	uaddr_t va = 0;
	struct frame *leaf;

	*anon = *object = 0;
	for (; (leaf = pt_leaf_next(as, &va, USER_TOP)); va += L1_SIZE) {
		*anon += pt_count(leaf, PT_COUNT_ANON);
		*object += pt_count(leaf, PT_COUNT_OBJECT);
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
		t->owner = as;
		return t;
	}
	t = table_alloc(as, 0);
	if (!t)
		return NULL;
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

	for (pte_t *e = group_next(as->root); e < as->root + PT_ENTRIES / 2;
	     e = group_next(e + 1)) {
		if (!*e)
			continue;
		assert(pte_frame(*e)->entries == 0);
		frame_free_zeroed(pte_frame(*e));
		*e = 0;
	}
	t->entries = 0;
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

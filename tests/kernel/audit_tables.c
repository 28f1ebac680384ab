/*
 * The audit of page tables: from the roots of all address spaces down, each table once. What the
 * entries map is summed up for the verdict on the frames.
 */
#include "kernel/layout.h"
#include "kernel/mem/kmap.h"
#include "lib/string.h"
#include "mm/aspace.h"
#include "mm/object.h"
#include "mm/pagetable.h"
#include "tests/kernel/audit.h"

static const pte_t *table_of(pte_t e)
{
	return phys_to_virt(pte_pa(e));
}

/* An entry above the leaves: nothing but the page number and V (privileged specification 4.3.1). */
static bool points_to_table(pte_t e)
{
	return e == pte_table(pte_pa(e));
}

/* Is t in the ring of leaf? */
static bool in_ring(const struct frame *leaf, const struct frame *t)
{
	const struct frame *at = leaf;

	/* A damaged ring may never come round; as many copies there cannot be. */
	for (uint64_t n = 0; n < frames_total; n++) {
		if (at == t)
			return true;
		at = FRAMES + at->next;
		if (at == leaf || !audit_found(at, "ring"))
			return false;
	}
	return false;
}

/* Entry i of leaf maps f: f names it, or the same one of a copy of leaf, which maps f as well. */
static void audit_anon_pte(const struct frame *leaf, unsigned i, const struct frame *f)
{
	const struct frame *t = frame_of(f->pte);

	if (f->pte == (const pte_t *)frame_data(leaf) + i)
		return;
	if (!audit_found(t, "named entry"))
		return;
	if (((uintptr_t)f->pte & (PAGE_SIZE - 1)) != i * sizeof(*f->pte) || !in_ring(leaf, t))
		audit_complain("entry %u of table %u maps frame %u, which names %p in no copy", i,
			       frame_pfn(leaf), frame_pfn(f), f->pte);
	else if (!pte_resident(*f->pte) || pte_frame(*f->pte) != f)
		audit_complain("frame %u names entry %p, which is %lx", frame_pfn(f), f->pte,
			       *f->pte);
}

/* The neighbours of a leaf table in its ring: tables for the same addresses, linked both ways. */
static bool audit_ring(const struct frame *leaf)
{
	const struct frame *next = FRAMES + leaf->next, *prev = FRAMES + leaf->prev;

	if (!audit_found(next, "ring") || !audit_found(prev, "ring"))
		return false;
	if (frame_type(next) == FRAME_PAGETABLE && next->prev == frame_pfn(leaf) &&
	    frame_type(prev) == FRAME_PAGETABLE && prev->next == frame_pfn(leaf) &&
	    next->base == leaf->base)
		return true;
	audit_complain("table %u stands between %u and %u, which do not say so", frame_pfn(leaf),
		       leaf->prev, leaf->next);
	return false;
}

/* An entry that maps a frame which is counted. */
static void audit_mapping(const struct frame *leaf, unsigned i, pte_t p)
{
	const struct frame *f = pte_frame(p);
	struct audit_found *is = audit_found(f, "entry");
	bool anon;

	if (!is)
		return;
	is->refs++;
	is->maps++;
	anon = frame_type(f) == FRAME_ANON;
	if (!anon && frame_type(f) != FRAME_OBJECT)
		audit_complain("entry %u of table %u maps frame %u of type %u", i, frame_pfn(leaf),
			       frame_pfn(f), frame_type(f));
	/* Who may write without a fault has the page alone, or write-back has been told. */
	if (pte_writable(p) && anon && (f->maps != 1 || f->slot))
		audit_complain("entry %u of table %u can write to frame %u: %u maps, or swap", i,
			       frame_pfn(leaf), frame_pfn(f), f->maps);
	if (anon)
		audit_anon_pte(leaf, i, f);
	if (pte_writable(p) && !anon && f->object && !frame_has(f, FRAME_DIRTY))
		audit_complain("entry %u of table %u can write to frame %u, which is clean", i,
			       frame_pfn(leaf), frame_pfn(f));
}

static void audit_leaf(const struct frame *leaf)
{
	const pte_t *e = frame_data(leaf);

	/* The rings first: what entries name is looked up through them. */
	if (!audit_ring(leaf))
		return;
	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		pte_t p = e[i];

		if (!p)
			continue;
		if (pte_present(p) && (!(p & PTE_U) || (p & PTE_G) || pte_is_table(p) ||
				       (p & (PTE_R | PTE_W)) == PTE_W))
			audit_complain("entry %u of table %u is %lx", i, frame_pfn(leaf), p);
		if (pte_is_swap(p)) {
			audit_swapped(pte_slot(p));
		}
		if (!pte_resident(p))
			continue;
		if (!pte_special(p))
			audit_mapping(leaf, i, p);
		else if (pte_pa(p) != zero_page_pa || pte_writable(p))
			audit_complain("entry %u of table %u shows no zero page: %lx", i,
				       frame_pfn(leaf), p);
	}
}

/*
 * A table for va that an entry points to, of the space `owner`, or detached (NULL). False: look no
 * further, as it is no table or was looked at before.
 */
static bool audit_table(const struct aspace *owner, const struct frame *t, uaddr_t va)
{
	struct audit_found *is = audit_found(t, "table");

	if (!is)
		return false;
	is->refs++;
	if (frame_type(t) != FRAME_PAGETABLE) {
		audit_complain("frame %u is used as a table, type %u", frame_pfn(t), frame_type(t));
		return false;
	}
	if (t->owner != owner)
		audit_complain("table %u for %lx belongs to %p, not %p", frame_pfn(t), va, t->owner,
			       owner);
	return is->refs == 1;
}

/* Upper tables have a bit for each 8 entries of which one is in use. */
static void audit_group(const struct frame *t, unsigned i)
{
	if (!(t->groups >> i / 8 & 1))
		audit_complain("entry %u of table %u is in a group said to be empty", i,
			       frame_pfn(t));
}

/*
 * A table that says its pages are one block, in order, and the L1 entry above it: a megapage's if
 * it is attached. Of another table the entry is a pointer.
 */
static void audit_huge(const struct frame *leaf, pte_t l1, uaddr_t va)
{
	const pte_t *e = frame_data(leaf);
	bool huge = frame_has(leaf, FRAME_HUGE);

	if (pte_is_mega(l1) != (huge && pte_present(l1)) ||
	    (pte_is_mega(l1) && ((l1 ^ e[0]) & ~PTE_A)))
		audit_complain("L1 entry at %lx is %lx over table %u%s", va, l1, frame_pfn(leaf),
			       huge ? ", of a megapage" : "");
	if (huge && pte_pa(e[0]) % L1_SIZE)
		audit_complain("megapage at %lx begins with %lx", va, e[0]);
	for (unsigned i = 1; huge && i < PT_ENTRIES; i++) {
		if (e[i] == e[0] + i * pte_ppn(PAGE_SIZE))
			continue;
		audit_complain("megapage at %lx: entry %u is %lx after %lx", va, i, e[i], e[0]);
		return;
	}
}

/* The leaf table that an L1 entry names; NULL: it is none. */
static const struct frame *leaf_named(pte_t e, uaddr_t va)
{
	const struct frame *f = pte_frame(e), *leaf = f;

	if (pte_is_mega(e) && audit_found(f, "megapage") && frame_type(f) == FRAME_ANON)
		leaf = frame_of(f->pte);
	else if (!points_to_table(e) && e != pte_detached(pte_pa(e)))
		audit_complain("L1 entry at %lx is %lx", va, e);
	return audit_found(leaf, "L1 entry") ? leaf : NULL;
}

/* The leaf tables below an L1 table. Returns how many tables there are. */
static uint32_t audit_l1(const struct aspace *as, const struct frame *t, uaddr_t va,
			 uint32_t *detached, uint32_t *mega)
{
	const pte_t *e = frame_data(t);
	uint32_t n = 0;

	for (unsigned i = 0; i < PT_ENTRIES; i++, va += L1_SIZE) {
		const struct frame *leaf = e[i] ? leaf_named(e[i], va) : NULL;

		if (!e[i])
			continue;
		audit_group(t, i);
		n++;
		*detached += pte_is_detached(e[i]);
		*mega += pte_is_mega(e[i]);
		if (leaf && audit_table(pte_present(e[i]) ? as : NULL, leaf, va))
			audit_leaf(leaf);
		if (leaf)
			audit_huge(leaf, e[i], va);
	}
	return n;
}

static void audit_root(const struct aspace *as)
{
	const struct frame *root = frame_of(as->root);
	uint32_t tables = 1, detached = 0, mega = 0;

	if (!audit_table(as, root, 0))
		return;
	if (memcmp(as->root + PT_ENTRIES / 2, kernel_root + PT_ENTRIES / 2, PAGE_SIZE / 2))
		audit_complain("table %u has another kernel half", frame_pfn(root));
	for (unsigned i = 0; i < PT_ENTRIES / 2; i++) {
		pte_t e = as->root[i];
		uaddr_t va = (uaddr_t)i << L2_SHIFT;

		if (!e)
			continue;
		audit_group(root, i);
		tables++;
		if (!points_to_table(e))
			audit_complain("root entry at %lx is %lx", va, e);
		else if (audit_table(as, pte_frame(e), va))
			tables += audit_l1(as, pte_frame(e), va, &detached, &mega);
	}
	if (tables != as->nr_tables || detached != as->nr_detached || mega != as->nr_mega)
		audit_complain("space of table %u: %u tables counted, %u detached, %u megapages; "
			       "found %u, %u, %u", frame_pfn(root), as->nr_tables, as->nr_detached,
			       as->nr_mega, tables, detached, mega);
}

void audit_tables(void)
{
	struct aspace *as;

	list_for_each_entry(as, &aspaces, link)
		audit_root(as);
	for (unsigned i = 0; i < PT_ENTRIES / 2; i++)
		if (kernel_root[i])
			audit_complain("the kernel's table has %lx in its lower half",
				       kernel_root[i]);
}

/* --- the kernel's own areas --- */

static uint64_t audit_kernel_leaf(const pte_t *e)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		struct audit_found *is;

		if (!pte_present(e[i]))
			continue;
		pages++;
		is = audit_found(pte_frame(e[i]), "vmalloc");
		if (is)
			is->refs++;
		if (frame_type(pte_frame(e[i])) != FRAME_KERNEL)
			audit_complain("vmalloc maps frame %u of type %u",
				       frame_pfn(pte_frame(e[i])), frame_type(pte_frame(e[i])));
	}
	return pages;
}

uint64_t audit_vmalloc_pages(void)
{
	uint64_t pages = 0;

	for (vaddr_t va = VMALLOC_BASE; va < VMALLOC_END; va += L1_SIZE) {
		pte_t l2 = kernel_root[pt_index(va, 2)], l1;

		if (!pte_present(l2))
			continue;
		l1 = table_of(l2)[pt_index(va, 1)];
		if (pte_present(l1))
			pages += audit_kernel_leaf(table_of(l1));
	}
	return pages;
}

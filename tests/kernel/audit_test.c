/*
 * Does the audit see what is wrong? Each test breaks one thing, looks, and mends it.
 */
#include "kernel/mem/slab.h"
#include "kernel/riscv.h"
#include "kernel/selftest.h"
#include "kernel/thread.h"
#include "mm/aspace.h"
#include "mm/pagetable.h"
#include "mm/usercopy.h"
#include "tests/kernel/audit.h"
#include "tests/kernel/wear.h"

#define BASE 0x10000000UL

/* A space with three touched pages of four, and the second page's entry. */
static struct aspace *space_make(struct frame **leaf, pte_t **entry)
{
	struct aspace *as = aspace_create();
	uint32_t value;

	wear(as);
	selftest_check(aspace_map(as, BASE, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, NULL, NULL, 0) == (long)BASE);
	selftest_check(!put_user_u32(BASE, 1) && !put_user_u32(BASE + PAGE_SIZE, 1));
	selftest_check(!get_user_u32(&value, BASE + 2 * PAGE_SIZE));
	*leaf = pt_leaf(as, BASE);
	*entry = pt_entry(*leaf, BASE + PAGE_SIZE);
	selftest_check(!memory_audit());
	return as;
}

static void space_end(struct aspace *as)
{
	wear(NULL);
	aspace_put(as);
	selftest_check(!memory_audit());
}

/* Other harts may be busy just then; what is wrong stays wrong. */
bool audit_sees(void)
{
	int wrong;

	do {
		wrong = audit_once();
	} while (wrong == -EAGAIN);
	return wrong > 0;
}

SELFTEST(audit_sees_wrong_counts_of_a_frame)
{
	struct frame *leaf;
	pte_t *e;
	struct aspace *as = space_make(&leaf, &e);

	frame_get(pte_frame(*e));
	selftest_check(audit_sees());
	frame_put(pte_frame(*e));
	pte_frame(*e)->maps++;
	selftest_check(audit_sees());
	pte_frame(*e)->maps--;
	space_end(as);
}

SELFTEST(audit_sees_wrong_entries)
{
	struct frame *leaf;
	pte_t *e, was;
	struct aspace *as = space_make(&leaf, &e);

	was = *e;
	*e = 0; /* a frame that nobody maps */
	selftest_check(audit_sees());
	*e = was & ~PTE_U;
	selftest_check(audit_sees());
	*e = was | PTE_X; /* more than the area gives */
	selftest_check(audit_sees());
	*e = e[-1]; /* two can write to one page */
	selftest_check(audit_sees());
	*e = was;
	e[3] = pte_user(zero_page_pa, PROT_READ, false) | PTE_SPECIAL; /* where no area is */
	selftest_check(audit_sees());
	e[3] = 0;
	leaf->entries++;
	selftest_check(audit_sees());
	leaf->entries--;
	space_end(as);
}

SELFTEST(audit_sees_wrong_accounts)
{
	struct frame *leaf;
	pte_t *e;
	struct aspace *as = space_make(&leaf, &e);

	as->pages++;
	selftest_check(audit_sees());
	as->pages--;
	as->data_pages++;
	selftest_check(audit_sees());
	as->data_pages--;
	as->nr_tables++;
	selftest_check(audit_sees());
	as->nr_tables--;
	as->root[0] |= PTE_A; /* an upper entry must have no A (section 4.3.1) */
	selftest_check(audit_sees());
	as->root[0] &= ~PTE_A;
	space_end(as);
}

SELFTEST(audit_sees_a_damaged_slab)
{
	void *p = kmalloc(1500), *q = kmalloc(1500);
	struct frame *f;

	selftest_check(p && q);
	f = frame_of(p);
	f->slab_used++;
	selftest_check(audit_sees());
	f->slab_used--;
	kfree(p);
	kfree(q);
	((char *)p)[100]++; /* used after it was freed */
	selftest_check(audit_sees());
	((char *)p)[100]--;
	selftest_check(!memory_audit());
}

/* A space and its fork, which has a copy of the table: broken rings and names are seen. */
SELFTEST(audit_sees_damaged_rings)
{
	struct frame *leaf, *f;
	pte_t *e, *named;
	struct aspace *as = space_make(&leaf, &e), *child;
	uint32_t next;

	selftest_check(!aspace_fork(as, 0, &child));
	selftest_check(!memory_audit());
	leaf = pt_leaf(as, BASE);
	next = leaf->next;
	selftest_check(next != frame_pfn(leaf));
	leaf->next = frame_pfn(leaf);
	selftest_check(audit_sees());
	leaf->next = next;
	f = pte_frame(*e);
	named = f->pte;
	f->pte = named + 1; /* another frame's entry */
	selftest_check(audit_sees());
	f->pte = named;
	aspace_put(child);
	space_end(as);
}

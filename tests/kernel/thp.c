/*
 * Large pages from inside: when each mode makes one, and does the audit see what is wrong with one?
 */
#include "mm/thp.h"

#include "kernel/riscv.h"
#include "kernel/selftest.h"
#include "kernel/thread.h"
#include "mm/aspace.h"
#include "mm/pagetable.h"
#include "mm/usercopy.h"
#include "tests/kernel/audit.h"

#define BASE  0x10000000UL
#define SPANS 4

static void wear(struct aspace *as)
{
	uint64_t irq = irq_save();

	current()->aspace = as;
	aspace_activate(as);
	irq_restore(irq);
}

/* How many megapages a space gets that writes to every page of SPANS * 2 MiB. */
static uint32_t megapages(uint32_t mode, uint32_t flags)
{
	struct aspace *as = aspace_create();
	uint32_t was = thp_mode, got;

	thp_mode = mode;
	wear(as);
	selftest_check(aspace_map(as, BASE, SPANS * L1_SIZE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, NULL, NULL, 0) == (long)BASE);
	vma_at(&as->areas, BASE)->flags |= flags;
	for (uaddr_t va = BASE; va < BASE + SPANS * L1_SIZE; va += PAGE_SIZE)
		selftest_check(!put_user_u32(va, 1));
	got = as->nr_mega;
	selftest_check(!memory_audit());
	wear(NULL);
	aspace_put(as);
	thp_mode = was;
	return got;
}

SELFTEST(thp_modes)
{
	/* Right after the start memory is neither short nor in pieces, if there is enough of it. */
	bool plenty = frames_free() > frames_total / 2 && frames_free() > 8 * SPANS * PT_ENTRIES;

	if (!plenty)
		return;
	selftest_check(megapages(THP_NEVER, 0) == 0);
	selftest_check(megapages(THP_NEVER, VMA_HUGEPAGE) == 0);
	selftest_check(megapages(THP_MADVISE, 0) == 0);
	selftest_check(megapages(THP_MADVISE, VMA_HUGEPAGE) == SPANS);
	/* The first 2 MiB, page by page, show that the area is one that fills. */
	selftest_check(megapages(THP_ALWAYS, 0) == SPANS - 1);
	selftest_check(megapages(THP_ALWAYS, VMA_HUGEPAGE) == SPANS);
	selftest_check(megapages(THP_ALWAYS, VMA_NOHUGEPAGE) == 0);
}

SELFTEST(thp_audit_sees_damage)
{
	struct aspace *as = aspace_create();
	struct frame *leaf;
	pte_t *l1, was;

	wear(as);
	selftest_check(aspace_map(as, BASE, L1_SIZE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, NULL, NULL, 0) == (long)BASE);
	vma_at(&as->areas, BASE)->flags |= VMA_HUGEPAGE;
	selftest_check(!put_user_u32(BASE + 5 * PAGE_SIZE, 1));
	leaf = pt_leaf(as, BASE);
	l1 = pt_l1_entry(as, BASE);
	was = *l1;
	if (pte_is_mega(was)) {
		*l1 = pte_table(frame_pa(leaf));
		selftest_check(audit_sees());
		*l1 = was & ~PTE_W;
		selftest_check(audit_sees());
		*l1 = was;
		frame_clear(leaf, FRAME_HUGE);
		selftest_check(audit_sees());
		frame_set(leaf, FRAME_HUGE);
		*pt_entry(leaf, BASE + PAGE_SIZE) ^= PTE_A;
		selftest_check(audit_sees());
		*pt_entry(leaf, BASE + PAGE_SIZE) ^= PTE_A;
		as->nr_mega++;
		selftest_check(audit_sees());
		as->nr_mega--;
	}
	wear(NULL);
	aspace_put(as);
	selftest_check(!memory_audit());
}

/*
 * A and D bits that were cleared behind the program's back, as reclaim and write-back do. Hardware
 * sets them again, or faults and leaves that to us (Svade); a program sees no difference.
 */
#include "kernel/riscv.h"
#include "kernel/selftest.h"
#include "kernel/thread.h"
#include "lib/string.h"
#include "mm/aspace.h"
#include "mm/pagetable.h"
#include "mm/usercopy.h"
#include "tests/kernel/audit.h"

#define BASE 0x10000000UL
#define AD   (PTE_A | PTE_D)

static struct aspace *space;
static struct frame *leaf;

static void wear(struct aspace *as)
{
	uint64_t irq = irq_save();

	current()->aspace = as;
	aspace_activate(as);
	irq_restore(irq);
}

/* Two touched pages whose bits are then cleared. */
static void forget(void)
{
	leaf_lock(leaf);
	for (unsigned i = 0; i < 2; i++)
		*pt_entry(leaf, BASE + i * PAGE_SIZE) &= ~AD;
	leaf_unlock(leaf);
	tlb_flush(space, BASE, BASE + 2 * PAGE_SIZE);
}

static uint64_t bits(unsigned page)
{
	return *pt_entry(leaf, BASE + page * PAGE_SIZE) & AD;
}

static void begin(void)
{
	space = aspace_create();
	wear(space);
	selftest_check(aspace_map(space, BASE, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, NULL, NULL, 0) == (long)BASE);
	selftest_check(!put_user_u32(BASE, 11) && !put_user_u32(BASE + PAGE_SIZE, 22));
	leaf = pt_leaf(space, BASE);
	forget();
	selftest_check(!bits(0) && !bits(1));
}

static void end(void)
{
	wear(NULL);
	aspace_put(space);
	selftest_check(!memory_audit());
}

SELFTEST(mm_accessed_and_dirty_come_back)
{
	uint32_t value = 0;

	begin();
	selftest_check(!get_user_u32(&value, BASE) && value == 11);
	selftest_check(bits(0) == PTE_A && !bits(1));
	selftest_check(!put_user_u32(BASE, 12) && bits(0) == AD);
	forget();
	selftest_check(!put_user_u32(BASE, 13) && bits(0) == AD);
	forget();
	selftest_check(!cmpxchg_user_u32(BASE + PAGE_SIZE, 22, 23, &value) && value == 22);
	selftest_check(bits(1) == AD && !bits(0));
	end();
}

SELFTEST(mm_copies_cross_pages_not_accessed)
{
	char from[64], to[64];

	begin();
	memset(from, 0x5a, sizeof(from));
	selftest_check(!copy_to_user(BASE + PAGE_SIZE - 30, from, sizeof(from)));
	selftest_check(bits(0) == AD && bits(1) == AD);
	forget();
	selftest_check(!copy_from_user(to, BASE + PAGE_SIZE - 30, sizeof(to)));
	selftest_check(bits(0) == PTE_A && bits(1) == PTE_A && !memcmp(from, to, sizeof(to)));
	end();
}

/* The no-fault form may fall short where hardware leaves the bits to us; faulted in, it may not. */
SELFTEST(mm_nofault_copies_of_pages_not_accessed)
{
	char buf[64];

	begin();
	if (copy_from_user_nofault(buf, BASE, sizeof(buf)))
		selftest_check(!user_fault_in(BASE, sizeof(buf), false));
	selftest_check(!copy_from_user_nofault(buf, BASE, sizeof(buf)) && bits(0) == PTE_A);
	if (copy_to_user_nofault(BASE, buf, sizeof(buf)))
		selftest_check(!user_fault_in(BASE, sizeof(buf), true));
	selftest_check(!copy_to_user_nofault(BASE, buf, sizeof(buf)) && bits(0) == AD);
	end();
}

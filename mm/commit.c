#include "mm/commit.h"

#include "kernel/swap/slot.h"
#include "kernel/thread.h"
#include "mm/aspace.h"
#include "mm/init.h"
#include "mm/pagetable.h"
#include "mm/reclaim.h"
#include "mm/stat.h"

uint64_t overcommit_memory = OVERCOMMIT_GUESS, overcommit_ratio = 50, overcommit_kbytes;
uint64_t admin_reserve_kbytes, user_reserve_kbytes;

uint64_t commit_sum(void)
{
	int64_t sum = 0;

	for (uint32_t i = 0; i < nharts; i++) {
		const struct mm_hart *h = harts[i].percpu_mm;

		if (h)
			sum += __atomic_load_n(&h->committed, __ATOMIC_RELAXED);
	}
	return sum > 0 ? (uint64_t)sum : 0;
}

uint64_t commit_limit(void)
{
	return swap_total + (overcommit_kbytes ? overcommit_kbytes / (PAGE_SIZE / KiB)
					       : frames_total * overcommit_ratio / 100);
}

int commit_check(uint64_t pages)
{
	const struct aspace *as = current()->aspace;
	int64_t allowed = (int64_t)commit_limit();

	if (overcommit_memory == OVERCOMMIT_ALWAYS)
		return 0;
	if (overcommit_memory == OVERCOMMIT_GUESS)
		return pages > frames_total + swap_total ? -ENOMEM : 0;
	if (!cred_capable(CAP_SYS_ADMIN))
		allowed -= (int64_t)(admin_reserve_kbytes / (PAGE_SIZE / KiB));
	/* So that one process cannot take all: others are needed to end it. */
	if (as)
		allowed -= (int64_t)MIN(as->pages / 32, user_reserve_kbytes / (PAGE_SIZE / KiB));
	return (int64_t)(commit_sum() + pages) < allowed ? 0 : -ENOMEM;
}

void commit_init(void)
{
	uint64_t part = frames_free() * (PAGE_SIZE / KiB) / 32;

	admin_reserve_kbytes = MIN(part, 8 * MiB / KiB);
	user_reserve_kbytes = MIN(part, 128 * MiB / KiB);
}

#include "kernel/swap/swappiness.h"

#include <stdatomic.h>

#include "mm/frame.h"
#include "mm/pagecache.h"
#include "mm/policy.h"
#include "mm/stat.h"

#define AT_ONCE 64 /* pages that go when those of files cannot */

uint64_t swappiness = SWAPPINESS_EVEN;

/* What a hart has seen; who is moved to another in between spoils no more than a guess. */
static struct sight {
	uint64_t stolen; /* files' pages that had gone */
	uint64_t kept;	 /* others that were chosen since, and stayed */
} sights[MAX_HARTS];

/* All that is queued was chosen, more or less, and no page of a file has gone. */
static bool files_are_stuck(void)
{
	struct sight *s = &sights[this_hart()->index];
	uint64_t stolen = mm_hart()->events[VM_PGSTEAL];

	if (s->stolen != stolen || s->kept > policy_pages() + AT_ONCE)
		*s = (struct sight){.stolen = stolen};
	return s->kept++ > policy_pages();
}

bool swap_wanted_slow(void)
{
	static _Atomic uint32_t chosen;

	if (pagecache_nr_file <= pagecache_nr_dirty + pagecache_nr_writeback + frames_high)
		return true;
	return atomic_fetch_add(&chosen, 1) % SWAPPINESS_EVEN < swappiness || files_are_stuck();
}

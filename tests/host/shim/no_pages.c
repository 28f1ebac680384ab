/* What mm/policy.c asks of reclaim, where there is none. */
#include "kernel/swap/zswap.h"
#include "mm/policy.h"

_Atomic bool zswap_enabled; /* it never is */
_Atomic uint64_t swap_nr_writing;

bool page_accessed(struct frame *f)
{
	(void)f;
	return false;
}

bool page_hold(struct frame *f, void **with)
{
	(void)f;
	(void)with;
	return false;
}

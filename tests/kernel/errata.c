/*
 * Self test of what processors are taken for.
 */
#include "kernel/errata.h"

#include "kernel/selftest.h"

/* Those of SiFive's announcement, and the first that do not have it. */
SELFTEST(errata_cip_1200)
{
	const uint64_t series_7 = 0x8000000000000007;

	selftest_check(errata_fence_whole(0x489, 1, 0x20180331));
	selftest_check(errata_fence_whole(0x489, series_7, 0x20190531));
	selftest_check(errata_fence_whole(0x489, series_7, 0x00200630));
	selftest_check(!errata_fence_whole(0x489, series_7, 0x00200631));
	selftest_check(!errata_fence_whole(0x489, series_7, 0x01200626));
	/* JH7110, another maker's core, QEMU. */
	selftest_check(!errata_fence_whole(0x489, series_7, 0x04210427));
	selftest_check(!errata_fence_whole(0x5b7, 1, 0));
	selftest_check(!errata_fence_whole(0, 0, 0));
}

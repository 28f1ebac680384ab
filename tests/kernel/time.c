/*
 * Self tests of the clocks.
 */
#include "kernel/time.h"

#include "kernel/machine.h"
#include "kernel/selftest.h"

/* A timer is set to a moment in ticks: never before the nanosecond it is due, and hardly later. */
SELFTEST(time_ticks_are_not_early)
{
	uint64_t hz = machine.timebase_hz, base = time_ns_to_ticks(0);

	/* From a second to some thirty years. */
	for (uint64_t ns = NSEC_PER_SEC; ns < 1UL << 60; ns += ns / 3) {
		unsigned __int128 due = (unsigned __int128)ns * hz;
		unsigned __int128 set = (unsigned __int128)(time_ns_to_ticks(ns) - base + 1) *
					NSEC_PER_SEC;

		selftest_check(set >= due);
		selftest_check(set - due < (unsigned __int128)NSEC_PER_SEC * 1000);
	}
}

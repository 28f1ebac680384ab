/*
 * Reference counts of things that others may look up while the last reference is being dropped.
 */
#pragma once

#include <stdbool.h>

/* One reference more; false if the last one is gone: what is counted is on its way out. */
static inline bool ref_try_get(_Atomic int *refs)
{
	int was = *refs;

	while (was > 0)
		if (__atomic_compare_exchange_n((int *)refs, &was, was + 1, false, __ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

/* The last reference is gone; false, and nothing happens, if there are others. */
static inline bool ref_put_last(_Atomic int *refs)
{
	int one = 1;

	return __atomic_compare_exchange_n((int *)refs, &one, 0, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

/* One reference less; false, and nothing happens, if it is the last. */
static inline bool ref_put_unless_last(_Atomic int *refs)
{
	int was = *refs;

	while (was > 1)
		if (__atomic_compare_exchange_n((int *)refs, &was, was - 1, false, __ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

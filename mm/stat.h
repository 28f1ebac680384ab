/*
 * Counting for all harts: one add to a counter of the running hart.
 */
#pragma once

#include "mm/event.h"
#include "mm/percpu.h"

static inline void vm_event_add(enum vm_event e, uint64_t n)
{
	/* Moving to another hart in between loses nothing worth a critical section. */
	mm_hart()->events[e] += n;
}
static inline void vm_event(enum vm_event e)
{
	vm_event_add(e, 1);
}
/* Pages are promised (n > 0) or given back: see commit.h. */
static inline void commit_add(int64_t n)
{
	/* Atomic: what is lost here by moving to another hart would be lost for good. */
	__atomic_fetch_add(&mm_hart()->committed, n, __ATOMIC_RELAXED);
}

/*
 * Counting events, for /proc/vmstat: one add to a counter of the running hart.
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

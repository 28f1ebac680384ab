/*
 * What mm/ keeps for each hart. Touched by that hart only, with interrupts off, except where a
 * field says otherwise.
 */
#pragma once

#include "kernel/riscv.h"
#include "kernel/thread.h"
#include "mm/event.h"

#define FRAME_CACHE_MAX 64
#define SLAB_CACHES_MAX 64

struct mm_hart {
	uint32_t nr_frames, nr_zeroed; /* read by reports from elsewhere */
	int64_t committed; /* atomic: pages promised here, less those given back here */
	uint64_t events[VM_EVENTS]; /* enum vm_event; near the start, as counted most often */
	struct frame *frames[FRAME_CACHE_MAX];
	struct frame *zeroed[FRAME_CACHE_MAX];
	struct slab_hart {
		void *free; /* objects, linked through their first word */
		uint32_t count;
	} slab[SLAB_CACHES_MAX];
	uint64_t asid_active;	      /* generation, ASID in use; 0: a rollover takes it. Atomics */
	uint64_t asid_reserved;	      /* (tlb lock) what it used when the generation ended */
	bool asid_flush;	      /* (tlb lock) drop everything before using a new ASID */
};

/* Only with interrupts or preemption off: otherwise the thread may move to another hart. */
static inline struct mm_hart *mm_hart(void)
{
	return this_hart()->percpu_mm;
}

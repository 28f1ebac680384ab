/*
 * What memory is used for, in numbers.
 */
#pragma once

#include "kernel/types.h"
#include "mm/event.h"

/* All in KiB, named as in proc_meminfo(5). Takes a walk over the core map: for reports only. */
struct meminfo {
	uint64_t total, free, available, buffers, cached, swap_cached, active, inactive;
	uint64_t active_anon, inactive_anon, active_file, inactive_file, unevictable, mlocked;
	uint64_t swap_total, swap_free, dirty, writeback, anon_pages, mapped, shmem;
	uint64_t anon_huge, zswap, zswapped;
	uint64_t kreclaimable, slab, sreclaimable, sunreclaim, kernel_stack, page_tables;
	uint64_t commit_limit, committed_as, vmalloc_total, vmalloc_used;
};
void meminfo_get(struct meminfo *out);
/*
 * Events counted since the start, named as in /proc/vmstat where Linux has them. Harts that are
 * counting meanwhile are a moment ahead.
 */
uint64_t vm_event_sum(enum vm_event e);
extern const char *const vm_event_names[VM_EVENTS];

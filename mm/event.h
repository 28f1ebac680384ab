/*
 * What is counted in mm/.
 */
#pragma once

#include <stdint.h>

/* Counters of events since boot; their names are in fs/procfs/meminfo.c. */
enum vm_event {
	VM_PGFAULT, VM_PGMAJFAULT, VM_PGALLOC, VM_PGFREE, VM_PGSCAN, VM_PGSTEAL, VM_OOM_KILL,
	VM_COW, VM_COW_REUSE, VM_ZERO_FAULT, VM_ANON_FAULT, VM_FILE_FAULT, VM_FAULT_AROUND,
	VM_TLB_LOCAL, VM_TLB_REMOTE, VM_PGPGIN, VM_PGPGOUT,
	VM_THP_FAULT_ALLOC, VM_THP_FAULT_FALLBACK, VM_THP_COLLAPSE_ALLOC, VM_THP_COLLAPSE_FAILED,
	VM_THP_SPLIT,
	VM_EVENTS,
};

/*
 * How much memory may be promised: each page of private memory that may be written to, and of
 * shared memory without a file, counts from the call that makes it, touched or not (Linux:
 * Documentation/mm/overcommit-accounting.rst).
 */
#pragma once

#include "kernel/uapi/mman.h"
#include "mm/frame.h"
#include "mm/stat.h"
#include "mm/types.h"

enum {
	OVERCOMMIT_GUESS,  /* refuse only what could not be had if all else were gone */
	OVERCOMMIT_ALWAYS, /* refuse nothing */
	OVERCOMMIT_NEVER,  /* refuse what goes beyond commit_limit() */
};
/* /proc/sys/vm: one of these; percent of memory that may be promised, or KiB if not 0. */
extern uint64_t overcommit_memory, overcommit_ratio, overcommit_kbytes;
/* KiB kept back from who is not root, and from each process, in mode NEVER. */
extern uint64_t admin_reserve_kbytes, user_reserve_kbytes;

/* The slow part of commit_allowed. */
int commit_check(uint64_t pages) __must_check;
/* May so many pages more be promised to the running process? 0 or -ENOMEM. Any context. */
static inline int __must_check commit_allowed(uint64_t pages)
{
	if (likely(overcommit_memory == OVERCOMMIT_GUESS && pages <= frames_total))
		return 0;
	return commit_check(pages);
}
/* An area of this protection and these flags is promised: VMA_ACCOUNT or 0. */
static inline uint32_t commit_flag(uint32_t prot, uint32_t flags)
{
	return (prot & PROT_WRITE) && !(flags & (VMA_NORESERVE | VMA_SHARED)) ? VMA_ACCOUNT : 0;
}
/* Pages promised, and how many may be in mode NEVER: /proc/meminfo. */
uint64_t commit_sum(void);
uint64_t commit_limit(void);

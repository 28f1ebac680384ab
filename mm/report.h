/*
 * What memory is used for: numbers behind /proc/meminfo, vmstat, and the views of a process.
 */
#pragma once

#include "kernel/types.h"

struct aspace;

/* All in KiB, named as in proc_meminfo(5). Takes a walk over the core map: for reports only. */
struct meminfo {
	uint64_t total, free, available, buffers, cached, swap_cached, active, inactive;
	uint64_t active_anon, inactive_anon, active_file, inactive_file, unevictable, mlocked;
	uint64_t swap_total, swap_free, dirty, writeback, anon_pages, mapped, shmem;
	uint64_t kreclaimable, slab, sreclaimable, sunreclaim, kernel_stack, page_tables;
	uint64_t commit_limit, committed_as, vmalloc_total, vmalloc_used;
};
void meminfo_get(struct meminfo *out);

/* An iterator over the areas of a space, for /proc/PID/maps and smaps. */
struct vma_info {
	uint64_t start, end, offset;
	uint32_t prot;		/* PROT_* */
	bool shared, stack, heap, vdso, growsdown, locked;
	struct file *file;	/* referenced (file_put), or NULL */
	/* pages, only filled when asked for */
	uint64_t rss, anon, dirty, shared_clean, shared_dirty, private_clean, private_dirty,
		referenced;
	uint64_t pss; /* KiB */
};
/*
 * The first area that ends above addr: true, or false when there is none. with_pages counts its
 * pages as smaps does. Takes the aspace lock as reader; may sleep.
 */
bool aspace_area_info(struct aspace *as, uint64_t addr, bool with_pages, struct vma_info *out);
/* Entries as /proc/PID/pagemap has them, for n pages from addr. Takes the aspace lock. */
void aspace_pagemap(struct aspace *as, uint64_t addr, uint64_t *entries, size_t n);
/* /proc/kpageflags and kpagecount of a page frame number. */
uint64_t frame_report_flags(uint64_t pfn);
uint64_t frame_report_count(uint64_t pfn);

/*
 * The memory of a process as /proc shows it: its areas, its pages.
 */
#pragma once

#include "kernel/types.h"

struct aspace;

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

/*
 * The memory of a process as /proc shows it: its areas, its pages.
 */
#pragma once

#include "mm/types.h"

/* An area, for /proc/PID/maps and smaps. */
struct vma_info {
	struct vma area;	/* a copy, with a reference to its file */
	const char *name;	/* as "[heap]", of one that is no file's */
	/* Pages, only filled when asked for. */
	uint64_t rss, anon, anon_huge, referenced, swapped, locked;
	uint64_t by_kind[2][2]; /* mapped by one or several; clean, dirty */
	uint64_t pss;		/* KiB */
};
/*
 * The first area that ends above addr: true, or false when there is none. with_pages counts its
 * pages as smaps does. Takes the aspace lock as reader; may sleep.
 */
bool aspace_area_info(struct aspace *as, uint64_t addr, bool with_pages, struct vma_info *out);
/* Entries as /proc/PID/pagemap has them, for n pages from addr. Takes the aspace lock. */
void aspace_pagemap(struct aspace *as, uint64_t addr, uint64_t *entries, size_t n);

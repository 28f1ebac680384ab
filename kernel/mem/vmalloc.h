/*
 * Virtually contiguous kernel memory with an unmapped guard page on each side, and kernel stacks.
 */
#pragma once

#include "kernel/types.h"

/* n bytes rounded up to pages, zeroed; NULL when there is no memory. May sleep. */
void *vmalloc(size_t n) __must_check;
void vfree(void *p); /* may sleep */
/*
 * A kernel stack: KSTACK_SIZE bytes, aligned to twice that, the half below it unmapped, so that
 * an overflow faults and one bit of sp tells it. Returns its lowest address. Cached per hart.
 */
void *kstack_alloc(void) __must_check;
void kstack_free(void *stack);

/* Pages in use by either, for reports. */
extern _Atomic uint64_t vmalloc_pages, kstack_pages;

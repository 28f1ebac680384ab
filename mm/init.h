/*
 * Start-up of the parts of mm/, in this order, on the boot hart.
 */
#pragma once

void slab_init(void);
void vmalloc_init(void);
void vma_init(void);
void tlb_init(void);
void aspace_init(void);
void pagecache_init(void);
void reclaim_init(void);
void thp_init(void);
void commit_init(void);

/*
 * Memory that devices read and write. Every address given to a device comes from here, so that a
 * board whose devices are not coherent with the caches (JH7100) needs no change in a driver. On a
 * coherent board all of it is the identity, and costs the look at one flag.
 *
 * A driver maps a buffer before it tells the device about it, and unmaps it before it looks at
 * what the device left there. Between the two the buffer is the device's; dma_sync hands one that
 * stays mapped over to one side.
 */
#pragma once

#include "kernel/mem/kmap.h"
#include "kernel/mem/slab.h"
#include "kernel/types.h"
#include "mm/frame.h"

typedef uint64_t dma_addr_t; /* as the device sees it */

enum dma_dir { DMA_TO_DEVICE = 1, DMA_FROM_DEVICE = 2, DMA_BOTH = 3 };

/*
 * Set by dma.c before other drivers probe: devices see memory without what the caches hold of it.
 * Then the lines of a buffer are written back and dropped on the way to the device, and dropped
 * again before the processor looks (it may have fetched some in between, unasked).
 */
extern bool dma_incoherent;
void dma_flush(paddr_t pa, size_t len);

/* [pa, pa+len), physically contiguous. Any context; cannot fail. */
static inline dma_addr_t dma_map(paddr_t pa, size_t len, enum dma_dir dir)
{
	(void)dir;
	if (unlikely(dma_incoherent))
		dma_flush(pa, len);
	return pa;
}

static inline void dma_unmap(dma_addr_t addr, size_t len, enum dma_dir dir)
{
	if (unlikely(dma_incoherent) && dir & DMA_FROM_DEVICE)
		dma_flush(addr, len);
}

/* Before the device (for_device) or the processor looks at a buffer that stays mapped. */
static inline void dma_sync(dma_addr_t addr, size_t len, enum dma_dir dir, bool for_device)
{
	if (unlikely(dma_incoherent) && (for_device || dir & DMA_FROM_DEVICE))
		dma_flush(addr, len);
}

/*
 * Zeroed memory shared with a device for long: rings, descriptors (dma_sync where the device may
 * not be coherent). len is rounded up to pages, so
 * that it is page-aligned. NULL when there is no memory. *addr is what the device is told.
 */
static inline void *dma_alloc(size_t len, dma_addr_t *addr)
{
	void *p = kzalloc(roundup_pow2(ALIGN_UP(len, PAGE_SIZE)));

	if (p)
		*addr = virt_to_phys(p);
	return p;
}

static inline void dma_free(void *p)
{
	kfree(p);
}

/*
 * 2^order pages for a device that can address 32 bits; given back by frame_free. NULL when there
 * are none. Both sides use dma_sync.
 */
static inline void *dma_alloc_32(unsigned order, dma_addr_t *addr)
{
	struct frame *f = frame_alloc(order, FRAME_ZEROED | FRAME_DMA32);

	if (!f)
		return NULL;
	*addr = frame_pa(f);
	return frame_data(f);
}

/*
 * The kernel's own page table: the upper half that every address space shares.
 */
#pragma once

#include "kernel/types.h"
#include "kernel/layout.h"

/*
 * The direct map: RAM is always mapped, readable and writable, never executable (the kernel's own
 * text and rodata read-only there too).
 */
static inline void *phys_to_virt(paddr_t pa)
{
	return (void *)(pa + DIRECT_BASE);
}
/* Of an address in the direct map. */
static inline paddr_t virt_to_phys(const void *va)
{
	return (paddr_t)(uintptr_t)va - DIRECT_BASE;
}
/* Of an address in the kernel image (static data). */
paddr_t image_to_phys(const void *va);

/*
 * Map device registers [pa, pa+len) uncached, read/write; any alignment. NULL when the window area
 * is full or the range lies in RAM. Never unmapped. May sleep.
 */
volatile void *mmio_map(paddr_t pa, size_t len);

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

/*
 * Map or unmap one page of the kernel half. perm: PTE_R, PTE_W, PTE_X. 0 or -ENOMEM; unmapping
 * returns the physical address that was there (0: none) and leaves the fence to the caller, see
 * kmap_flush. Any context where a spin lock may be taken.
 */
int kmap_page(vaddr_t va, paddr_t pa, uint64_t perm);
paddr_t kunmap_page(vaddr_t va);
/* All harts forget what they cached of [va, va + len). */
void kmap_flush(vaddr_t va, size_t len);
/*
 * A fault at a kernel address: true if the kernel's table allows the access by now, so that the
 * instruction can run again (harts may remember that an entry was invalid). Does the sfence.
 */
bool kmap_fault_spurious(vaddr_t va, bool write, bool exec);

/* The kernel's own root table, and what satp holds when no address space is in use. */
extern uint64_t *kernel_root;
uint64_t kmap_satp(void);

/* Boot. Early memory comes from kmap_early_alloc until kmap_finish hands the rest to frame.c. */
void kmap_init(void);
void kmap_finish(void);

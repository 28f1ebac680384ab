/*
 * The page table of the first moments. boot_map runs with translation off, wherever the image was
 * loaded: it may use no pointer from static data, only addresses relative to the program counter.
 */
#include "kernel/boot.h"

#include "kernel/layout.h"
#include "kernel/riscv.h"
#include "mm/pte.h"

uint64_t kernel_pa_offset;

static pte_t boot_root[PT_ENTRIES] __section(".bss.page_aligned") __aligned(PAGE_SIZE);
static pte_t boot_image[PT_ENTRIES] __section(".bss.page_aligned") __aligned(PAGE_SIZE);

uint64_t boot_map(paddr_t start, paddr_t end, paddr_t fdt);

static void map_gigabyte(paddr_t pa)
{
	if (pa < DIRECT_SIZE)
		boot_root[pt_index(DIRECT_BASE + pa, 2)] =
			pte_kernel(ALIGN_DOWN(pa, GiB), PTE_R | PTE_W);
}

/*
 * Map the image at KERNEL_BASE and, in the direct map, the gigabytes it lies in, the one after
 * them and the device tree's. Returns the satp value. mm_init builds the final table on this one.
 */
uint64_t boot_map(paddr_t start, paddr_t end, paddr_t fdt)
{
	for (paddr_t pa = start; pa < end; pa += L1_SIZE)
		boot_image[(pa - start) >> L1_SHIFT] = pte_kernel(pa, PTE_R | PTE_W | PTE_X);
	boot_root[pt_index(KERNEL_BASE, 2)] = pte_table((paddr_t)boot_image);
	for (paddr_t pa = ALIGN_DOWN(start, GiB); pa < end + GiB; pa += GiB)
		map_gigabyte(pa);
	map_gigabyte(fdt);
	map_gigabyte(fdt + 2 * MiB);
	return SATP_SV39 | (paddr_t)boot_root >> PAGE_SHIFT;
}

/*
 * Processors are told apart by the three registers that only firmware may read (SBI, chapter 4).
 */
#include "kernel/errata.h"

#include "kernel/cmdline.h"
#include "kernel/printk.h"
#include "kernel/riscv.h"
#include "kernel/sbi.h"

#define BASE_MVENDORID 4
#define BASE_MARCHID   5
#define BASE_MIMPID    6

#define VENDOR_SIFIVE 0x489
#define ARCH_SERIES_5 0x1
#define ARCH_SERIES_7 0x8000000000000007

bool sfence_whole_only;

bool errata_fence_whole(uint64_t vendor, uint64_t arch, uint64_t implementation)
{
	if (vendor != VENDOR_SIFIVE || (arch != ARCH_SERIES_5 && arch != ARCH_SERIES_7))
		return false;
	return (implementation & 0xffffff) <= 0x200630 && implementation != 0x1200626;
}

static uint64_t ask(uint64_t function)
{
	return (uint64_t)sbi_call(SBI_BASE, function, 0, 0, 0, 0, 0).value;
}

void errata_init(void)
{
	sfence_whole_only = errata_fence_whole(ask(BASE_MVENDORID), ask(BASE_MARCHID),
					       ask(BASE_MIMPID));
#if DEBUG
	/* For tests, on harts that do not need it. */
	sfence_whole_only |= cmdline_has("errata=fence");
#endif
	if (sfence_whole_only)
		pr_info("errata: page tables are fenced as a whole (CIP-1200)\n");
}

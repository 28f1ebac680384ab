#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/cmdline.h"
#include "kernel/fdt.h"
#include "kernel/isa.h"

/*
 * The facts about the machine that the kernel needs before it has drivers, drawn from the device
 * tree once, on the boot hart, before any allocator exists.  Nothing is written afterwards, so
 * readers need no lock.
 */

#define MACHINE_HARTS_MAX    64
#define MACHINE_RAM_MAX	     16
#define MACHINE_RESERVED_MAX 32
#define MACHINE_NOTES_MAX    1024

/* Physical addresses base to base + size - 1; never wraps, size is not 0. */
struct phys_range {
	uint64_t base;
	uint64_t size; /* bytes */
};

enum mmu_type { MMU_SV39 = 8, MMU_SV48 = 9, MMU_SV57 = 10 }; /* as in satp.MODE */

struct machine_hart {
	uint64_t hartid;
	uint64_t isa;	     /* BIT(ISA_...) */
	enum mmu_type mmu;   /* the largest mode it has */
	uint32_t cbom_block; /* bytes of a cache block for cbo.clean, flush, inval; 0: unknown */
	uint32_t cboz_block; /* the same for cbo.zero */
	int node;	     /* /cpus/cpu@... */
};

struct machine {
	struct fdt fdt;
	struct phys_range ram[MACHINE_RAM_MAX]; /* page-aligned, ascending, apart */
	unsigned ram_count;
	/*
	 * Ascending, merged, grown to whole pages: what the allocator must not hand out.  Ranges
	 * may lie outside of RAM.
	 */
	struct phys_range reserved[MACHINE_RESERVED_MAX];
	unsigned reserved_count;
	struct machine_hart harts[MACHINE_HARTS_MAX]; /* usable in S-mode, in the tree's order */
	unsigned hart_count;
	uint64_t isa;		/* what all of them have */
	uint64_t timebase_hz;	/* ticks of the time CSR a second; not 0 */
	struct phys_range initrd;	/* size 0: none; it is reserved as well */
	const uint8_t *rng_seed;	/* in the tree; NULL: none */
	uint32_t rng_seed_len;
	const char *model;	      /* in the tree; "unknown" if it does not say */
	const char *cmdline;	      /* /chosen/bootargs, in the tree; "" without them */
	/*
	 * What was ignored and why, one line each, for the log once there is a console; "" if
	 * nothing was.
	 */
	char notes[MACHINE_NOTES_MAX];
};

extern struct machine machine;

/* Is pa an address in RAM? */
static inline bool machine_is_ram(uint64_t pa)
{
	for (unsigned i = 0; i < machine.ram_count; i++)
		if (pa - machine.ram[i].base < machine.ram[i].size)
			return true;
	return false;
}
/* RAM is below this address. */
static inline uint64_t machine_ram_end(void)
{
	const struct phys_range *last = &machine.ram[machine.ram_count - 1];

	return last->base + last->size;
}

/*
 * Fills `machine` from the tree at blob (mapped, at physical address blob_phys, at most max bytes
 * of it readable).  The kernel image occupies [image_start, image_end) physically; it, all RAM
 * below it that is in the same RAM range (firmware lives there, said or not), the tree, the
 * initrd and all that the tree reserves become reserved.
 *
 * 0, or -EINVAL with *why pointing at a static message: a damaged tree, no RAM or RAM that wraps,
 * an image outside of RAM, no usable hart, a hart id twice, no timebase.  More ranges or harts
 * than fit are ignored with a note (too many reserved ranges are refused: memory that must not be
 * touched cannot be forgotten).
 */
int machine_init(const void *blob, uint64_t blob_phys, size_t max, uint64_t image_start,
		 uint64_t image_end, const char **why);

/* The index in machine.harts of the hart, or -1. */
int machine_hart_find(uint64_t hartid);

static inline bool machine_has(enum isa_extension ext)
{
	return machine.isa >> ext & 1;
}

#pragma once

#include <stdint.h>

struct fdt;

/* Extensions that the tree announces, as bits of an isa mask. */
enum isa_extension {
	ISA_I,
	ISA_M,
	ISA_A,
	ISA_F,
	ISA_D,
	ISA_C,
	ISA_V,
	ISA_SSTC,
	ISA_SVADE,
	ISA_SVADU,
	ISA_SVINVAL,
	ISA_SVNAPOT,
	ISA_SVPBMT,
	ISA_ZBA,
	ISA_ZBB,
	ISA_ZBS,
	ISA_ZICBOM,
	ISA_ZICBOZ,
	ISA_ZICNTR,
	ISA_ZIHINTPAUSE,
	ISA_ZKR,
	ISA_COUNT
};

/*
 * The mask of extensions of the hart whose node under /cpus is given: from riscv,isa-extensions,
 * or else from the string riscv,isa; 0 if there is neither.  Unknown extensions are left out.
 */
uint64_t isa_read(const struct fdt *fdt, int node);

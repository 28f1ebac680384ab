/*
 * What the first instructions leave for the rest.
 */
#pragma once

#include "kernel/asm.h"
#include "kernel/types.h"

/* Virtual address of the kernel image minus its physical one. */
extern uint64_t kernel_pa_offset;
/* Symbols of kernel.ld. */
extern char _kernel_start[], _kernel_end[], _text_start[], _text_end[], _rodata_start[],
	_rodata_end[], _data_start[], _data_end[], _bss_start[], _bss_end[], _vdso_start[],
	_vdso_end[];

/* What a secondary hart reads, with translation off, at its first instructions (head.S). */
struct secondary_boot {
	uint64_t satp, pa_offset;
	struct thread *idle;
	uint64_t hartid_plus_1; /* 0: nobody's; stored last */
};
_Static_assert(offsetof(struct secondary_boot, hartid_plus_1) == SECONDARY_BOOT_HART, "asm.h");
_Static_assert(sizeof(struct secondary_boot) == SECONDARY_BOOT_SIZE, "asm.h");
/* By hart index. In .data, for harts that come before .bss is cleared. */
extern struct secondary_boot secondary_boots[];
void secondary_start(void);
void _start(void);

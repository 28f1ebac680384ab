/*
 * What the first instructions leave for the rest.
 */
#pragma once

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
};
void secondary_start(void);

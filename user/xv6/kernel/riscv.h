/* Page sizes and the end of the user's half of an Sv39 address space. */
#ifndef XV6_KERNEL_RISCV_H
#define XV6_KERNEL_RISCV_H

#include "kernel/types.h"

#define PGSIZE		4096
#define PGSHIFT		12
#define PGROUNDUP(sz)	(((sz) + PGSIZE - 1) & ~(uint64)(PGSIZE - 1))
#define PGROUNDDOWN(a)	((a) & ~(uint64)(PGSIZE - 1))

#define MAXVA		(1L << (9 + 9 + 9 + 12 - 1))

typedef uint64 pte_t;
typedef uint64 *pagetable_t;

static inline uint64 r_sp(void)
{
	uint64 x;

	__asm__ volatile("mv %0, sp" : "=r"(x));
	return x;
}

static inline uint64 r_time(void)
{
	uint64 x;

	__asm__ volatile("rdtime %0" : "=r"(x));
	return x;
}

#endif

/* For self tests: kernel threads have no user half of their own, but can wear one. */
#pragma once

#include "kernel/riscv.h"
#include "kernel/thread.h"
#include "mm/aspace.h"

/* The running kernel thread's user half becomes as, or none (NULL); it takes no reference. */
static inline void wear(struct aspace *as)
{
	uint64_t irq = irq_save();

	current()->aspace = as;
	aspace_activate(as);
	irq_restore(irq);
}

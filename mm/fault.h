/*
 * The page fault.
 */
#pragma once

#include "kernel/types.h"

struct aspace;

/*
 * VM_KERNEL_ACCESS, with others: for a system call, not by the program itself. VM_SWAP_ACCESS:
 * bring the page in if it is swapped out, whatever the protection; a fault tests for it and for
 * VMA_UFFD_MISSING at once.
 */
enum vm_access {
	VM_READ_ACCESS = 1,
	VM_WRITE_ACCESS = 2,
	VM_EXEC_ACCESS = 4,
	VM_KERNEL_ACCESS = 8,
	VM_SWAP_ACCESS = 128,
};

/*
 * Make the page at va usable for access. Called with interrupts on and no lock held; may sleep.
 * 0; -EFAULT with *signal and *code what the program gets (SIGSEGV MAPERR/ACCERR, SIGBUS ADRERR);
 * -ENOMEM when out of memory and killed; -ERESTARTNOINTR when a fatal signal ended the wait.
 */
int vm_fault(struct aspace *as, uaddr_t va, enum vm_access access, int *signal, int *code);

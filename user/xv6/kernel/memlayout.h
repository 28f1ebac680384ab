/*
 * Addresses that tests poke at, expecting a fault: the start of RAM as xv6 maps its kernel there,
 * and the top of the address space. Neither is ever mapped for a user program here.
 */
#ifndef XV6_KERNEL_MEMLAYOUT_H
#define XV6_KERNEL_MEMLAYOUT_H

#include "kernel/riscv.h"

#define KERNBASE	0x80000000L
#define PHYSTOP		(KERNBASE + 128 * 1024 * 1024)
#define TRAMPOLINE	(MAXVA - PGSIZE)
#define TRAPFRAME	(TRAMPOLINE - PGSIZE)
#define USYSCALL	(TRAPFRAME - PGSIZE)

#endif

/*
 * Order of start-up (kernel/main.c), for those who hook into it:
 *
 *  entry.S      boot hart: own page table for the first moments, jump to the upper half
 *  early_main   machine_init (device tree), printk over SBI, mm_init_early: core map, kernel map
 *  main_thread  the first kernel thread: interrupts, harts, drivers, vfs_init, mount root, init
 *
 * What each folder gives:
 */
#pragma once

#include "kernel/types.h"

struct machine;

/* mm/init.c: frames, direct map, kmap; boot hart only, single-threaded. Then slab, vmalloc. */
void mm_init(const struct machine *m);
void mm_init_hart(void);   /* on each hart, before it schedules */
void mm_start(void);	   /* threads of mm: reclaim, zeroing */
/* fs/vfs_init.c: caches, file systems registered, devfs and procfs. */
void vfs_init(void);
/* Mount root= (or the first disk) at /, /dev on it. 0 or -errno with a message. */
int vfs_mount_root(void);
/* For the last moments: write everything back, mark volumes clean. */
void vfs_shutdown(void);

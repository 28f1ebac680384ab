/*
 * The kernel half of every address space (Sv39: 512 root slots of 1 GiB; the upper 256 are ours).
 * Usable from assembly: numbers only.
 *
 *   0x0000000000001000 .. 0x0000003ffffff000   user
 *   0xffffffc000000000   128 GiB   direct map: physical address p at DIRECT_BASE + p
 *   0xffffffe000000000     1 GiB   core map: struct frame per physical page, backed where RAM is
 *   0xffffffe040000000    16 GiB   vmalloc area and kernel stacks, guard pages between
 *   0xffffffe440000000     1 GiB   windows onto device registers
 *   0xffffffff80000000   kernel image (its physical place is where the firmware loaded it)
 */
#pragma once

#define USER_TOP     0x0000004000000000 /* first address past the user half (Linux TASK_SIZE) */
#define DIRECT_BASE  0xffffffc000000000
#define DIRECT_SIZE  0x0000002000000000
#define FRAMES_BASE  0xffffffe000000000
#define VMALLOC_BASE 0xffffffe040000000
#define VMALLOC_END  0xffffffe440000000
#define MMIO_BASE    0xffffffe440000000
#define MMIO_END     0xffffffe480000000
#define KERNEL_BASE  0xffffffff80000000

/* A kernel stack: its size is its alignment's half, so bit 14 of sp tells an overflow. */
#define KSTACK_SHIFT 14
#define KSTACK_SIZE  (1 << KSTACK_SHIFT)

/*
 * The first instructions. The image begins with the header of a Linux riscv64 Image, which is
 * what QEMU, U-Boot's booti and extlinux know how to load; it runs wherever they put it, as long
 * as that is 2 MiB aligned.
 *
 * Firmware enters with a0 = hart id, a1 = physical address of the device tree, satp = 0.
 */
#include "kernel/asm.h"
#include "kernel/layout.h"

	.section .head.text, "ax"
	.globl _start
_start:
	j	boot_hart_start
	.balign	8
	.dword	0x200000		/* text_offset: load at RAM base + this */
	.dword	_kernel_end - _start	/* image_size, bss included */
	.dword	0			/* flags: little endian */
	.word	2			/* header version 0.2 */
	.word	0
	.dword	0
	.ascii	"RISCV\0\0\0"
	.ascii	"RSC\x05"
	.word	0

	/*
	 * One hart comes here. It clears bss, has boot_map build a page table on which the kernel
	 * can run in the upper half, and goes there.
	 */
	.balign	4
boot_hart_start:
	csrw	sie, zero
	csrw	sscratch, zero
	la	t0, boot_begun
	li	t1, 1
	amoswap.w.aqrl t1, t1, (t0)
	bnez	t1, lost_hart_start
	mv	s0, a0
	mv	s1, a1
	la	t0, _bss_start
	la	t1, _bss_end
1:	sd	zero, (t0)
	addi	t0, t0, 8
	bltu	t0, t1, 1b
	la	sp, boot_stack_top
	la	a0, _kernel_start
	la	a1, _kernel_end
	mv	a2, s1
	call	boot_map		/* a0 = satp */
	la	t0, _kernel_start
	li	t1, KERNEL_BASE
	sub	s2, t1, t0		/* virtual minus physical */
	la	t0, 1f
	add	t0, t0, s2
	/*
	 * Nothing maps the physical address we run at: the fetch after satp changes faults, and
	 * stvec already names the next instruction's upper address.
	 */
	csrw	stvec, t0
	sfence.vma
	csrw	satp, a0
	.balign	4
1:	la	t0, kernel_pa_offset
	sd	s2, (t0)
	la	t0, trap_entry
	csrw	stvec, t0
	la	sp, boot_stack_top - TF_SIZE
	la	tp, boot_thread
	sd	sp, THREAD_KSTACK_FRAME(tp)
	mv	a0, s0
	mv	a1, s1
	li	s0, 0			/* end of the frame pointer chain */
	li	ra, 0
	tail	kernel_main

	/*
	 * A hart comes to the image's entry after the first one did. OpenSBI 1.1 lets a hart that
	 * it starts go before it has noted where to (the state changes first, in
	 * sbi_hsm_hart_start). It is in the table, or will be: a0 = hart id.
	 */
lost_hart_start:
	addi	t2, a0, 1
1:	la	a1, secondary_boots
	li	t1, MAX_HARTS
2:	ld	t0, SECONDARY_BOOT_HART(a1)
	beq	t0, t2, 3f
	addi	a1, a1, SECONDARY_BOOT_SIZE
	addi	t1, t1, -1
	bnez	t1, 2b
	j	1b
3:	fence	r, rw
	j	secondary_start

	/*
	 * Other harts: a0 = hart id, a1 = physical address of { satp, virtual minus physical,
	 * idle thread }, as hart.c filled it in.
	 */
	.globl	secondary_start
	.balign	4
secondary_start:
	csrw	sie, zero
	csrw	sscratch, zero
	ld	t0, 0(a1)
	ld	t1, 8(a1)
	ld	tp, 16(a1)
	la	t2, 1f
	add	t2, t2, t1
	csrw	stvec, t2
	sfence.vma
	csrw	satp, t0
	.balign	4
1:	la	t0, trap_entry
	csrw	stvec, t0
	ld	sp, THREAD_KSTACK_FRAME(tp)
	li	s0, 0
	li	ra, 0
	tail	secondary_main

	.data
	.balign	4
boot_begun:
	.word	0

	/* The boot hart's stack: as kstack_alloc's, so that an overflow is caught alike. */
	.section .bss.page_aligned, "aw", @nobits
	.balign	2 * KSTACK_SIZE
	.globl	boot_stack
boot_stack:
	.space	KSTACK_SIZE
boot_stack_top:

/*
 * Zero and copy a page: 256 bytes and 1 KiB a turn, so that the loop costs next to nothing.
 */
	/* Move 64 bytes, from off on, between memory and registers. */
	.macro eight insn, base
	.set	at, off
	.irp	reg, a3, a4, a5, a6, a7, t0, t1, t2
	\insn	\reg, at(\base)
	.set	at, at + 8
	.endr
	.endm

	.text

	.globl page_zero
	.type page_zero, @function
page_zero:
	li	a1, 4096
	add	a1, a0, a1
1:
	.set	off, 0
	.rept	32
	sd	zero, off(a0)
	.set	off, off + 8
	.endr
	addi	a0, a0, 256
	bne	a0, a1, 1b
	ret
	.size page_zero, . - page_zero

	.globl page_copy
	.type page_copy, @function
page_copy:
	li	a2, 4096
	add	a2, a0, a2
1:
	.set	off, 0
	.rept	16
	eight	ld, a1
	eight	sd, a0
	.set	off, off + 64
	.endr
	addi	a0, a0, 1024
	addi	a1, a1, 1024
	bne	a0, a2, 1b
	ret
	.size page_copy, . - page_copy

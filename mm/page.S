/*
 * Zero and copy a page: 256 bytes a turn, so that the loop costs next to nothing.
 */
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
	.rept	4
	ld	a3, off(a1)
	ld	a4, off + 8(a1)
	ld	a5, off + 16(a1)
	ld	a6, off + 24(a1)
	ld	a7, off + 32(a1)
	ld	t0, off + 40(a1)
	ld	t1, off + 48(a1)
	ld	t2, off + 56(a1)
	sd	a3, off(a0)
	sd	a4, off + 8(a0)
	sd	a5, off + 16(a0)
	sd	a6, off + 24(a0)
	sd	a7, off + 32(a0)
	sd	t0, off + 40(a0)
	sd	t1, off + 48(a0)
	sd	t2, off + 56(a0)
	.set	off, off + 64
	.endr
	addi	a0, a0, 256
	addi	a1, a1, 256
	bne	a0, a2, 1b
	ret
	.size page_copy, . - page_copy

/*
 * Zero and copy a page: 256 bytes and 1 KiB a turn, so that the loop costs next to nothing.
 */
#include "lib/asmfunc.h"

	.text

	func	page_zero
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
	endfunc	page_zero

	func	page_copy
	li	a2, 4096
	add	a2, a0, a2
1:	.irp	at, 0, 64, 128, 192, 256, 320, 384, 448, 512, 576, 640, 704, 768, 832, 896, 960
	eight	ld, a1, \at
	eight	sd, a0, \at
	.endr
	addi	a0, a0, 1024
	addi	a1, a1, 1024
	bne	a0, a2, 1b
	ret
	endfunc	page_copy

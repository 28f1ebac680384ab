/*
 * For assembly files: what a function begins and ends with, 64 bytes at once, and where to go on
 * when user memory faults.
 */
#pragma once

	.macro func name
	.globl	\name
	.type	\name, @function
\name:
	.endm

	.macro endfunc name
	.size	\name, . - \name
	.endm

	/* Load or store 64 bytes, from at(base) on, in a4-a7 and t0-t3. */
	.macro eight insn, base, at=0
	.set	off, \at
	.irp	reg, a4, a5, a6, a7, t0, t1, t2, t3
	\insn	\reg, off(\base)
	.set	off, off + 8
	.endr
	.endm

	/* A fault in [from, to) that cannot be mended goes on at `at` (usercopy_fixup). */
	.macro landing from, to, at
	.pushsection .fixup, "a"
	.dword	\from, \to, \at
	.popsection
	.endm

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

	/* Load or store these registers, from at(base) on. */
	.macro words insn, base, at, regs:vararg
	.set	off, \at
	.irp	reg, \regs
	\insn	\reg, off(\base)
	.set	off, off + 8
	.endr
	.endm
	/* The same for 64 bytes, in a4-a7 and t0-t3. */
	.macro eight insn, base, at=0
	words	\insn, \base, \at, a4, a5, a6, a7, t0, t1, t2, t3
	.endm

	/* A fault in [from, to) that cannot be mended goes on at `at` (usercopy_fixup). */
	.macro landing from, to, at
	.pushsection .fixup, "a"
	.dword	\from, \to, \at
	.popsection
	.endm

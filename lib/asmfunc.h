/*
 * For assembly files: what a function begins and ends with, 64 bytes at once, access to user memory
 * and where to go on when that faults.
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

	/* From here on the kernel may reach user memory: sstatus.SUM, which t6 holds, is set. */
	.macro user_access
	li	t6, 1 << 18
	csrs	sstatus, t6
	.endm
	/* The end of a function whose first access is at 1: returns a0, or -1 after a fault. */
	.macro copied
2:	csrc	sstatus, t6
	ret
3:	li	a0, -1
	j	2b
	landing	1b, 2b, 3b
	.endm

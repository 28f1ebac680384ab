/*
 * Code mapped into every program, in a page of its own of rodata.
 */
	.section .vdso, "a"
	.globl	vdso_rt_sigreturn
	.balign	4
	nop		/* unwinders look at the instruction before the return address */
vdso_rt_sigreturn:
	li	a7, 139
	ecall

/*
 * Where a program begins. The kernel enters with the stack that Linux defines (System V ABI,
 * "process initialization"), and nothing in the registers:
 *
 *	sp ->	argc			8 bytes
 *		argv[0] .. argv[argc-1]
 *		0
 *		envp[0] ..
 *		0
 *		auxiliary vector
 */
	.section .text.start, "ax", @progbits
	.globl	_start
	.type	_start, @function
_start:
	/* The linker shortens accesses to data near gp; this first load must not be shortened. */
	.option	push
	.option	norelax
	la	gp, __global_pointer$
	.option	pop

	ld	a0, 0(sp)		/* argc */
	addi	a1, sp, 8		/* argv */
	addi	a2, a0, 1
	slli	a2, a2, 3
	add	a2, a1, a2		/* envp begins after argv's closing 0 */
	la	t0, environ
	sd	a2, 0(t0)

	li	fp, 0			/* the outermost frame */
	andi	sp, sp, -16		/* already so by the ABI; a debugger may have started us */
	call	main
	call	exit
	.size	_start, . - _start
	.section .note.GNU-stack, "", @progbits

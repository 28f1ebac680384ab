/*
 * long syscall(long number, long a, long b, long c, long d, long e, long f)
 *
 * The whole way into the kernel: the number in a7, arguments in a0 to a5, and an ecall. C passes
 * the number first, so every argument moves one register down. The kernel gives its answer in a0,
 * a negative errno if it failed, and leaves every other register as it was.
 */
	.text
	.globl	syscall
	.type	syscall, @function
syscall:
	mv	a7, a0
	mv	a0, a1
	mv	a1, a2
	mv	a2, a3
	mv	a3, a4
	mv	a4, a5
	mv	a5, a6
	ecall
	ret
	.size	syscall, . - syscall
	.section .note.GNU-stack, "", @progbits

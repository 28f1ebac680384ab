/*
 * The vDSO: code that the kernel maps into every program, as a shared library in one page. The
 * functions are those that Linux names in vdso(7) for riscv; those that are missing are called
 * through the kernel.
 */
#include "kernel/vdso/layout.h"

	.macro	function name
	.globl	\name
	.type	\name, @function
	.balign	4
\name:
	.cfi_startproc
	.endm

	.macro	end name
	.cfi_endproc
	.size	\name, . - \name
	.endm

	.text
	nop		/* unwinders look at the instruction before the return address */
function __vdso_rt_sigreturn
	.cfi_signal_frame
	li	a7, 139
	ecall
end __vdso_rt_sigreturn

/* As the call: pairs, their count, size of a set of harts and the set, flags. */
function __vdso_riscv_hwprobe
	or	t0, a2, a3
	or	t0, t0, a4
	bnez	t0, 4f		/* what some harts have is the kernel's to say */
	lla	t1, vdso_hwprobe
	li	t2, VDSO_HWPROBE_KEYS
1:	beqz	a1, 3f
	ld	t0, 0(a0)
	bltu	t0, t2, 2f
	li	t0, VDSO_HWPROBE_KEYS	/* the last pair: not known */
2:	slli	t0, t0, 4
	add	t0, t0, t1
	ld	t3, 0(t0)
	ld	t4, 8(t0)
	sd	t3, 0(a0)
	sd	t4, 8(a0)
	addi	a0, a0, 16
	addi	a1, a1, -1
	j	1b
3:	li	a0, 0
	ret
4:	li	a7, 258
	ecall
	ret
end __vdso_riscv_hwprobe

function __vdso_flush_icache
	li	a7, 259
	ecall
	ret
end __vdso_flush_icache

	/* The kernel fills it in where it has copied the page to: what all harts have. */
	.section .rodata, "a"
	.balign	8
	.globl	vdso_hwprobe
	.hidden	vdso_hwprobe
vdso_hwprobe:
	.zero	16 * (VDSO_HWPROBE_KEYS + 1)

/*
 * The frame of a signal handler to and from the user stack, all its parts at once: sstatus.SUM is
 * set and cleared once, and no length is looked at. at: aligned, all of the frame below USER_TOP.
 */
#include "kernel/sigframe.h"
#include "lib/asmfunc.h"

	.text

	/* Words in the order of the frame: 8 at once, those of the head, and the 8 bits of fcsr. */
	.macro	move_eights dst, dst_at, src, src_at, offsets:vararg
	.irp	at, \offsets
	eight	ld, \src, (\src_at + \at)
	eight	sd, \dst, (\dst_at + \at)
	.endr
	.endm

	.macro	move_head dst, dst_at, src, src_at
	words	ld, \src, \src_at, a4, a5, a6, a7, t0, t1
	words	sd, \dst, \dst_at, a4, a5, a6, a7, t0, t1
	.endm

	.macro	move_fpu dst, dst_at, dst_fcsr, src, src_at, src_fcsr
	move_eights \dst, \dst_at, \src, \src_at, 0, 64, 128, 192
	lbu	a4, \src_fcsr(\src)
	sw	a4, \dst_fcsr(\dst)
	.endm

/*
 * long sigframe_write(uaddr_t at, const struct siginfo *info, const struct ucontext_head *head,
 *                     const struct trapframe *tf, const struct fpu_state *fpu): 0, -1 on a fault
 */
	func	sigframe_write
	mv	t5, a4
	user_access
1:	move_eights a0, SIGFRAME_INFO, a1, 0, 0, 64
	move_head a0, SIGFRAME_HEAD, a2, 0
	move_eights a0, SIGFRAME_REGS, a3, 0, 0, 64, 128, 192
	move_fpu a0, SIGFRAME_FPU, SIGFRAME_FCSR, t5, 0, FPU_FCSR
	sw	zero, SIGFRAME_RESERVED(a0)
	sd	zero, SIGFRAME_END(a0)
	mv	a0, zero
	copied
	endfunc	sigframe_write

/*
 * long sigframe_read(uaddr_t at, struct ucontext_head *head, struct trapframe *tf): 0, 1 if
 * extensions follow, -1 on a fault: what lies at both ends is read before a register is replaced
 */
	func	sigframe_read
	user_access
1:	move_head a1, 0, a0, SIGFRAME_HEAD
	lwu	t4, SIGFRAME_RESERVED(a0)
	ld	t5, SIGFRAME_END(a0)
	move_eights a2, 0, a0, SIGFRAME_REGS, 0, 64, 128, 192
	or	a0, t4, t5
	snez	a0, a0
	copied
	endfunc	sigframe_read

/* long sigframe_read_fpu(uaddr_t at, struct fpu_state *fpu): 0, -1 on a fault */
	func	sigframe_read_fpu
	user_access
1:	move_fpu a1, 0, FPU_FCSR, a0, SIGFRAME_FPU, SIGFRAME_FCSR
	mv	a0, zero
	copied
	endfunc	sigframe_read_fpu

/* long sigframe_has_fpu(uaddr_t at): is anything but 0 in a register or fcsr? -1 on a fault */
	func	sigframe_has_fpu
	user_access
1:	lbu	a1, SIGFRAME_FCSR(a0)
	.irp	at, 0, 64, 128, 192
	eight	ld, a0, (SIGFRAME_FPU + \at)
	.irp	reg, a4, a5, a6, a7, t0, t1, t2, t3
	or	a1, a1, \reg
	.endr
	.endr
	snez	a0, a1
	copied
	endfunc	sigframe_has_fpu

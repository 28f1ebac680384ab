/*
 * Changing threads and keeping floating-point registers.
 */
#include "kernel/asm.h"

	.text

	/*
	 * struct thread *context_switch(struct thread *prev, struct thread *next): save the
	 * registers that a function call preserves in prev, load next's and go on there. Returns,
	 * in next, the thread that ran before it. Interrupts off, run queue locked.
	 */
	.globl	context_switch
	.balign	4
context_switch:
	addi	t0, a0, THREAD_CONTEXT
	addi	t1, a1, THREAD_CONTEXT
	sd	ra, CONTEXT_RA(t0)
	sd	sp, CONTEXT_SP(t0)
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11
	sd	s\n, CONTEXT_S0 + 8 * \n(t0)
	.endr
	sd	gp, CONTEXT_GP(t0)
	ld	ra, CONTEXT_RA(t1)
	ld	sp, CONTEXT_SP(t1)
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11
	ld	s\n, CONTEXT_S0 + 8 * \n(t1)
	.endr
	ld	gp, CONTEXT_GP(t1)
	mv	tp, a1
	/* entry.S relies on SPP = 0 and SPIE = 1 outside nested traps; prev may be inside one. */
	li	t0, 1 << 8
	csrc	sstatus, t0
	li	t0, 1 << 5
	csrs	sstatus, t0
	/* Drop a load reservation of prev, so that next's sc cannot succeed on it. */
	addi	t0, sp, -8
	sc.d	zero, zero, (t0)
	ret

	/*
	 * Where a new thread begins: a0 = the thread that ran before it; s0 = body, s1 = argument.
	 */
	.globl	thread_trampoline
	.balign	4
thread_trampoline:
	call	sched_finish_switch
	beqz	s0, 1f
	mv	a0, s0
	mv	a1, s1
	li	s0, 0
	tail	kthread_main
1:	call	user_thread_begin	/* returns with interrupts off and no work left */
	tail	user_return_full

	/* void fpu_save(struct fpu_state *), fpu_restore: FS must not be Off. */
	.globl	fpu_save
fpu_save:
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,\
		29,30,31
	fsd	f\n, 8 * \n(a0)
	.endr
	frcsr	t0
	sw	t0, 256(a0)
	ret

	.globl	fpu_restore
fpu_restore:
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,\
		29,30,31
	fld	f\n, 8 * \n(a0)
	.endr
	lwu	t0, 256(a0)
	fscsr	t0
	ret

	/* void kthread_to_user(void): the first process leaves its start-up code behind. */
	.globl	kthread_to_user
kthread_to_user:
	ld	sp, THREAD_KSTACK_FRAME(tp)
	call	user_thread_begin
	tail	user_return_full

/*
 * System calls that a debugger watches (kernel/ptrace.h).
 */
#include "kernel/asm.h"
#include "kernel/entry.h"
#include "kernel/layout.h"

	.section .entry.text, "ax"

	/*
	 * The trap entry for a user thread whose system calls are traced (WORK_TRACE):
	 * trap_user_work points stvec here just before the thread goes to user mode, and the next
	 * trap turns it back, so that the way of all others is none the longer. Its tracer sees the
	 * registers before a call is made, and may change them.
	 */
	.globl	trap_entry_traced
	.balign	4
trap_entry_traced:
	csrrw	tp, sscratch, tp
	sd	t0, THREAD_USER_SP(tp)
	la	t0, trap_entry
	csrw	stvec, t0
	csrr	t0, scause
	addi	t0, t0, -8		/* environment call from U-mode */
	beqz	t0, 1f
	ld	t0, THREAD_USER_SP(tp)
	csrrw	tp, sscratch, tp
	j	trap_entry

1:	ld	t0, THREAD_USER_SP(tp)
	sd	sp, THREAD_USER_SP(tp)
	ld	sp, THREAD_KSTACK_FRAME(tp)
	save_caller_saved
	save_callee_saved_to sp
	ld	t1, THREAD_USER_SP(tp)
	csrrw	t2, sscratch, zero
	csrr	t3, sepc
	li	t0, 8
	sd	t1, TF_SP(sp)
	sd	t2, TF_TP(sp)
	sd	t0, TF_CAUSE(sp)
	addi	t3, t3, 4
	sd	t3, TF_PC(sp)
	sd	a0, TF_ORIG_A0(sp)
	csrsi	sstatus, 2
	mv	a0, sp
	call	trace_syscall_enter
	restore_callee_saved
	bnez	a0, 2f
	ld	a0, TF_A0(sp)
	j	syscall_done		/* no call: a0 is what the tracer says */
2:	restore_caller_saved
	ld	a0, TF_ORIG_A0(sp)
	j	make_call

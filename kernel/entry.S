/*
 * From a trap into C and back.
 *
 * In user mode sscratch holds the running thread; in the kernel it holds 0, and tp the thread.
 * The kernel never touches gp, so it stays the user's all the way.
 *
 * A system call saves what C functions may overwrite (ra, t*, a*), nothing else: s0-s11 survive
 * the call by the calling convention. Whoever needs them in the trap frame - clone, signals -
 * comes through save_callee_saved. On the way out, thread->work != 0 leads to the long way, which
 * saves and restores all.
 *
 * sstatus while a user thread is in the kernel: SPP = 0 and SPIE = 1 hold except inside a nested
 * trap, which restores them (switch.S too), so the short way out need not set them.
 */
#include "kernel/asm.h"
#include "kernel/entry.h"
#include "kernel/layout.h"

	.section .entry.text, "ax"

	/* All of it, of a trap taken in the kernel; the sp it had is in THREAD_USER_SP. */
	.macro save_kernel_frame
	save_caller_saved
	save_callee_saved_to sp
	ld	t0, THREAD_USER_SP(tp)
	csrr	t1, sepc
	csrr	t2, sstatus
	csrr	t3, scause
	csrr	t4, stval
	sd	t0, TF_SP(sp)
	sd	tp, TF_TP(sp)
	sd	t1, TF_PC(sp)
	sd	t2, TF_STATUS(sp)
	sd	t3, TF_CAUSE(sp)
	sd	t4, TF_BADADDR(sp)
	.endm

	.globl	trap_entry
	.balign	4
trap_entry:
	csrrw	tp, sscratch, tp
	beqz	tp, from_kernel

	sd	sp, THREAD_USER_SP(tp)
	ld	sp, THREAD_KSTACK_FRAME(tp)
	save_caller_saved
	ld	t1, THREAD_USER_SP(tp)
	csrrw	t2, sscratch, zero
	csrr	t3, sepc
	csrr	t0, scause
	sd	t1, TF_SP(sp)
	sd	t2, TF_TP(sp)
	sd	t0, TF_CAUSE(sp)
	li	t4, 8			/* environment call from U-mode */
	bne	t0, t4, user_fault

	addi	t3, t3, 4		/* go on behind the ecall */
	sd	t3, TF_PC(sp)
	sd	a0, TF_ORIG_A0(sp)
	csrsi	sstatus, 2		/* interrupts on */
	.globl	make_call
make_call:
	li	t0, SYSCALL_COUNT
	bgeu	a7, t0, unknown_call
	la	t1, syscall_table
	slli	t0, a7, 3
	add	t1, t1, t0
	ld	t1, (t1)
	jalr	t1
	.globl	syscall_done
syscall_done:
	sd	a0, TF_A0(sp)
call_done:
	csrci	sstatus, 2		/* interrupts off: work must not change behind our back */
	lwu	t0, THREAD_WORK(tp)
	bnez	t0, user_work
user_return:
	ld	t0, TF_PC(sp)
	csrw	sepc, t0
	csrw	sscratch, tp
	restore_caller_saved
	ld	tp, TF_TP(sp)
	ld	sp, TF_SP(sp)
	sret

unknown_call:
	call	syscall_unknown
	j	syscall_done

	/* Page faults, interrupts, everything else from user mode. */
user_fault:
	csrr	t1, stval
	csrr	t2, sstatus
	sd	t3, TF_PC(sp)
	sd	t1, TF_BADADDR(sp)
	sd	t2, TF_STATUS(sp)
	mv	a0, sp
	call	trap_user		/* returns with interrupts off */
	lwu	t0, THREAD_WORK(tp)
	beqz	t0, user_return

	/*
	 * The long way out. With WORK_FULLFRAME (execve, a tracer that wrote registers) the trap
	 * frame is already the whole truth; else the callee-saved registers hold the user's values.
	 */
user_work:
	andi	t0, t0, WORK_FULLFRAME_BIT
	bnez	t0, 1f
	save_callee_saved_to sp
1:	mv	a0, sp
	call	trap_user_work		/* returns with interrupts off and no work left */

	/* A new thread's first way to user mode ends here as well. */
	.globl	user_return_full
user_return_full:
	restore_callee_saved
	j	user_return

	/* A trap taken in the kernel: on the same stack, everything saved. */
from_kernel:
	csrr	tp, sscratch
	csrw	sscratch, zero
	sd	sp, THREAD_USER_SP(tp)	/* scratch: no user sp is kept here now */
	addi	sp, sp, -TF_SIZE
	srli	sp, sp, KSTACK_SHIFT	/* stacks lie where this bit is 0, guards where it is 1 */
	andi	sp, sp, 1
	bnez	sp, stack_overflow
	ld	sp, THREAD_USER_SP(tp)
	addi	sp, sp, -TF_SIZE
kernel_trap:
	save_kernel_frame
	li	t0, 1 << 18		/* SUM: off again if the trap came from a user copy */
	csrc	sstatus, t0
	mv	a0, sp
	call	trap_kernel		/* returns with interrupts off */
	ld	t0, TF_PC(sp)
	ld	t1, TF_STATUS(sp)
	csrw	sepc, t0
	csrw	sstatus, t1
	restore_caller_saved
	restore_callee_saved
	ld	sp, TF_SP(sp)
	sret

	/* The kernel stack ran into its guard page: report on the hart's emergency stack. */
stack_overflow:
	ld	sp, THREAD_HART(tp)
	ld	sp, HART_EMERGENCY_STACK(sp)
	addi	sp, sp, -TF_SIZE
	save_kernel_frame
	mv	a0, sp
	call	trap_stack_overflow	/* does not return */

	/*
	 * System calls that read or replace all registers: put the callee-saved ones in the trap
	 * frame first, then go on to the C function.
	 */
	.macro full_frame_call name
	.globl	sys_\name\()_full
sys_\name\()_full:
	ld	t0, THREAD_KSTACK_FRAME(tp)
	save_callee_saved_to t0
	tail	sys_\name
	.endm

	full_frame_call clone
	full_frame_call clone3
	full_frame_call execve
	full_frame_call execveat

	/*
	 * All registers are new: those that the way out leaves alone are loaded here. Or (0) none
	 * is but a0, and the trap frame has no callee-saved ones.
	 */
	.globl	sys_rt_sigreturn_full
sys_rt_sigreturn_full:
	call	sys_rt_sigreturn
	beqz	a0, syscall_done
	restore_callee_saved
	j	call_done

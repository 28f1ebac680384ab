/*
 * A lab's alarm handler ends in sigreturn(), a call somewhere on its own stack. Linux's
 * rt_sigreturn wants the stack pointer where the signal's frame is, which is where it stands when
 * the handler begins: kept then, put back before the call. A handler that just returns comes to
 * the vDSO, which does the same. The signal is blocked while its handler runs, so there is never
 * more than one frame.
 */
#define RT_SIGRETURN	139

	.text
	.globl	alarm_entry
	.type	alarm_entry, @function
alarm_entry:
	la	t0, alarm_frame
	sd	sp, 0(t0)
	la	t0, alarm_handler
	ld	t0, 0(t0)
	jr	t0
	.size	alarm_entry, . - alarm_entry

/* int sigreturn(void): goes back to what the alarm interrupted, all its registers as they were. */
	.globl	sigreturn
	.type	sigreturn, @function
sigreturn:
	la	t0, alarm_frame
	ld	sp, 0(t0)
	li	a7, RT_SIGRETURN
	ecall
	unimp				/* there is no coming back */
	.size	sigreturn, . - sigreturn
	.section .note.GNU-stack, "", @progbits

/*
 * What a trap means. entry.S brings everything here but system calls.
 */
#include "kernel/trap.h"

#include "kernel/mem/kmap.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/ptrace.h"
#include "kernel/riscv.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "mm/fault.h"
#include "mm/usercopy.h"

void trap_entry(void);
void trap_entry_traced(void);
void trap_stack_overflow(struct trapframe *tf) __noreturn;

void trap_init_hart(void)
{
	csr_write(stvec, trap_entry);
	csr_write(sscratch, 0);
	csr_clear(sstatus, SSTATUS_SUM | SSTATUS_MXR | SSTATUS_FS | SSTATUS_VS);
	/* cycle, time and instret may be read by programs (scounteren, section 4.1.5) */
	csr_write(scounteren, 7);
}

/* Interrupts are off, as the trap left them. user: it came from user mode. */
static void interrupt(uint64_t cause, bool user)
{
#if DEBUG
	struct thread *t = current();
	int base = t->held_base;

	t->held_base = t->nheld;
#endif
	current()->hart->irq_count++;
	switch (cause) {
	case CAUSE_IRQ_TIMER:
		timer_interrupt(user);
		break;
	case CAUSE_IRQ_SOFT:
		ipi_interrupt();
		break;
	case CAUSE_IRQ_EXT:
		irq_handle();
		break;
	default:
		pr_warn("unexpected interrupt %lu\n", cause);
	}
#if DEBUG
	t->held_base = base;
#endif
}

static enum vm_access fault_access(uint64_t cause)
{
	switch (cause) {
	case CAUSE_INSN_PAGE:
		return VM_EXEC_ACCESS;
	case CAUSE_STORE_PAGE:
		return VM_WRITE_ACCESS;
	default:
		return VM_READ_ACCESS;
	}
}

static void user_page_fault(struct trapframe *tf, uint64_t cause)
{
	struct thread *t = current();
	int signal, code;

	irq_enable();
	if (unlikely(tf->badaddr >= USER_TOP))
		signal_fault(SIGSEGV, SEGV_MAPERR, tf->badaddr);
	else if (vm_fault(t->aspace, tf->badaddr, fault_access(cause), &signal, &code) == -EFAULT)
		signal_fault(signal, code, tf->badaddr);
	irq_disable();
}

/* Could this be an instruction of the F or D extension, or an access to their CSRs? */
static bool fpu_off(void)
{
	return (csr_read(sstatus) & SSTATUS_FS) == SSTATUS_FS_OFF;
}

static __slow void user_exception(struct trapframe *tf)
{
	switch (tf->cause) {
	case CAUSE_ILLEGAL:
		/* With the FPU off, let it try again with the FPU on; a second trap is real. */
		if (fpu_off()) {
			thread_fpu_on();
			return;
		}
		signal_fault(SIGILL, ILL_ILLOPC, tf->pc);
		return;
	case CAUSE_BREAKPOINT:
		signal_fault(SIGTRAP, TRAP_BRKPT, tf->pc);
		return;
	case CAUSE_INSN_MISALIGNED:
	case CAUSE_LOAD_MISALIGNED:
	case CAUSE_STORE_MISALIGNED:
		signal_fault(SIGBUS, BUS_ADRALN, tf->badaddr);
		return;
	default:
		signal_fault(SIGSEGV, SEGV_ACCERR, tf->badaddr);
	}
}

void trap_user(struct trapframe *tf)
{
	uint64_t cause = tf->cause;

	if (cause & CAUSE_INTERRUPT) {
		interrupt(cause & ~CAUSE_INTERRUPT, true);
		return;
	}
	switch (cause) {
	case CAUSE_INSN_PAGE:
	case CAUSE_LOAD_PAGE:
	case CAUSE_STORE_PAGE:
		user_page_fault(tf, cause);
		return;
	default:
		irq_enable();
		user_exception(tf);
		irq_disable();
	}
}

void trap_user_work(struct trapframe *tf)
{
	struct thread *t = current();
	uint32_t work;

	/* entry.S has saved the callee-saved registers, or exec replaced all. */
	if (unlikely(t->tracee)) {
		irq_enable();
		trace_syscall_exit();
		irq_disable();
	}
	while ((work = __atomic_load_n(&t->work, __ATOMIC_ACQUIRE) & ~(uint32_t)WORK_TRACE)) {
		__atomic_and_fetch(&t->work, ~(uint32_t)WORK_FULLFRAME, __ATOMIC_RELAXED);
		irq_enable();
		if (work & (WORK_RESCHED | WORK_RSEQ))
			sched_work(tf, work);
		if (work & WORK_SIGNAL)
			signal_deliver(tf);
		irq_disable();
	}
	/* Its next trap goes another way, so that those of others are no longer for it. */
	if (unlikely(t->work & WORK_TRACE))
		csr_write(stvec, trap_entry_traced);
}

/* A fault on a user address in a user copy, or a bug. */
static void kernel_fault(struct trapframe *tf)
{
	struct thread *t = current();
	int signal, code;

	if (!(tf->status & SSTATUS_SUM) || tf->badaddr >= USER_TOP)
		goto fixup;
	/* A copy in its no-fault form, or with locks held, must not sleep: it gets a short copy. */
	if (!t->aspace || t->preempt_count || !(tf->status & SSTATUS_SPIE) || t->nofault)
		goto fixup;
	irq_enable();
	if (!vm_fault(t->aspace, tf->badaddr, VM_KERNEL_ACCESS | fault_access(tf->cause), &signal,
		      &code)) {
		irq_disable();
		return;
	}
	irq_disable();
fixup:
	if (usercopy_fixup(tf))
		return;
	panic_trap(tf, "page fault in the kernel at %lx", tf->badaddr);
}

static void kernel_trap(struct trapframe *tf)
{
	struct thread *t = current();

	if (tf->cause & CAUSE_INTERRUPT) {
		interrupt(tf->cause & ~CAUSE_INTERRUPT, false);
		if (unlikely(t->work & WORK_RESCHED) && !t->preempt_count && t != t->hart->idle) {
			sched_preempt();
			irq_disable();
		}
		return;
	}
	switch (tf->cause) {
	case CAUSE_INSN_PAGE:
	case CAUSE_LOAD_PAGE:
	case CAUSE_STORE_PAGE:
		if (tf->badaddr >= USER_TOP &&
		    kmap_fault_spurious(tf->badaddr, tf->cause == CAUSE_STORE_PAGE,
					tf->cause == CAUSE_INSN_PAGE))
			return;
		kernel_fault(tf);
		return;
	case CAUSE_LOAD_ACCESS:
	case CAUSE_STORE_ACCESS:
		kernel_fault(tf);
		return;
	default:
		panic_trap(tf, "unexpected trap in the kernel");
	}
}

void trap_kernel(struct trapframe *tf)
{
	kernel_trap(tf);
	/* Whether the FPU is on may have changed, if others ran meanwhile. */
	tf->status = (tf->status & ~SSTATUS_FS) | (csr_read(sstatus) & SSTATUS_FS);
}

void trap_stack_overflow(struct trapframe *tf)
{
	panic_trap(tf, "kernel stack overflow");
}

/* From thread_trampoline: the first way to user mode of a new thread. */
void user_thread_begin(void);
void user_thread_begin(void)
{
	struct thread *t = current();
	struct trapframe *tf = thread_trapframe(t);

	if (t->set_child_tid && put_user_u32(t->set_child_tid, t->tid)) {
		/* as Linux: a bad address here is nobody's error */
	}
	irq_disable();
	trap_user_work(tf);
}

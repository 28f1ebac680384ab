/*
 * Syscall user dispatch: programs of another system run here, and somebody makes their calls.
 */
#include "kernel/dispatch.h"

#include "kernel/ptrace.h"
#include "kernel/trap.h"
#include "kernel/uapi/prctl.h"
#include "mm/aspace.h"
#include "mm/usercopy.h"

/* Its calls take the way that looks (entry_traced.S), or no more. siglock held. */
static void way_set(struct thread *t)
{
	if (t->dispatch.on || (t->tracee && t->tracee->syscalls))
		__atomic_or_fetch(&t->work, WORK_TRACE, __ATOMIC_RELAXED);
	else
		__atomic_and_fetch(&t->work, ~(uint32_t)WORK_TRACE, __ATOMIC_RELAXED);
}

long dispatch_set(struct thread *t, const struct ptrace_sud_config *c)
{
	uint64_t irq;

	if (c->mode == PR_SYS_DISPATCH_OFF) {
		if (c->offset || c->len || c->selector)
			return -EINVAL;
	} else if (c->mode != PR_SYS_DISPATCH_ON ||
		   (c->offset && c->offset + c->len <= c->offset)) {
		return -EINVAL;
	}
	if (c->selector >= USER_TOP)
		return -EFAULT;
	irq = spin_lock_irq(&t->process->siglock);
	t->dispatch.on = c->mode == PR_SYS_DISPATCH_ON;
	t->dispatch.selector = c->selector;
	t->dispatch.start = c->offset;
	t->dispatch.len = c->len;
	way_set(t);
	spin_unlock_irq(&t->process->siglock, irq);
	return 0;
}

void dispatch_get(const struct thread *t, struct ptrace_sud_config *c)
{
	c->mode = t->dispatch.on ? PR_SYS_DISPATCH_ON : PR_SYS_DISPATCH_OFF;
	c->selector = t->dispatch.selector;
	c->offset = t->dispatch.start;
	c->len = t->dispatch.len;
}

void dispatch_end(void)
{
	static const struct ptrace_sud_config off = {.mode = PR_SYS_DISPATCH_OFF};

	if (current()->dispatch.on)
		dispatch_set(current(), &off);
}

bool dispatch_take(struct trapframe *tf)
{
	struct thread *t = current();
	uint8_t selector = PR_SYS_DISPATCH_BLOCK;
	int fatal = 0;

	if (!t->dispatch.on || tf->pc - t->dispatch.start < t->dispatch.len)
		return false;
	if (t->dispatch.selector && copy_from_user(&selector, t->dispatch.selector, 1))
		fatal = SIGSEGV;
	else if (selector == PR_SYS_DISPATCH_ALLOW)
		return false;
	else if (selector != PR_SYS_DISPATCH_BLOCK)
		fatal = SIGSYS;
	tf->a0 = tf->orig_a0;
	tf->cause = ~0UL; /* a0 is no result: nothing is made again */
	if (fatal)
		signal_force_default(fatal);
	signal_fault(fatal ? fatal : SIGSYS, fatal ? SI_KERNEL : SYS_USER_DISPATCH, tf->pc);
	return true;
}

/*
 * membarrier(2): memory barriers of other threads, at the cost of who calls.
 */
#include "kernel/hart.h"
#include "kernel/riscv.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/membarrier.h"
#include "mm/aspace.h"

#define COMMANDS                                                                                   \
	(MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |                                 \
	 MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED |             \
	 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |  \
	 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE | MEMBARRIER_CMD_GET_REGISTRATIONS)

static void order_memory(void *unused)
{
	(void)unused;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void order_instructions(void *unused)
{
	order_memory(unused);
	fence_i();
}

/*
 * A full barrier here and on the harts of mask. Others need none: a hart that leaves a space, and
 * one that comes to it, orders its accesses against its bit in aspace->harts (mm/tlb.c), which was
 * read after our fence.
 */
static void barrier_on(hartmask_t mask, void (*func)(void *))
{
	preempt_disable(); /* "here" is one hart */
	func(NULL);
	if (nharts > 1)
		hart_call(mask, func, NULL);
	order_memory(NULL);
	preempt_enable();
}

static long barrier_private(struct aspace *as)
{
	order_memory(NULL);
	barrier_on(as->harts, order_memory);
	return 0;
}

/*
 * Every hart, as a thread that does not run now may go on anywhere, without another fence.i.
 */
static long barrier_instructions(void)
{
	barrier_on(~0UL, order_instructions);
	return 0;
}

static long barrier_global(void)
{
	barrier_on(~0UL, order_memory);
	return 0;
}

static long enroll(struct aspace *as, uint32_t commands)
{
	__atomic_fetch_or(&as->membarrier, commands, __ATOMIC_RELAXED);
	return 0;
}

/* Who asks for instructions is on Linux's list of those who ask for memory, without being let. */
static long registrations(uint32_t commands)
{
	if (commands & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)
		commands |= MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
	return commands;
}

SYSCALL3(membarrier, int, command, uint32_t, flags, int, cpu)
{
	struct aspace *as = current()->aspace;

	(void)cpu; /* only with a flag that goes with restartable sequences */
	if (flags)
		return -EINVAL;
	switch (command) {
	case MEMBARRIER_CMD_QUERY:
		return COMMANDS;
	case MEMBARRIER_CMD_GLOBAL:
	case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
		return barrier_global();
	case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
		return enroll(as, (uint32_t)command);
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
		return as->membarrier & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED
			       ? barrier_private(as)
			       : -EPERM;
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
		return as->membarrier & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE
			       ? barrier_instructions()
			       : -EPERM;
	case MEMBARRIER_CMD_GET_REGISTRATIONS:
		return registrations(as->membarrier);
	default:
		return -EINVAL;
	}
}

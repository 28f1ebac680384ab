/*
 * Harts: starting them and calling across them.
 */
#include "kernel/hart.h"

#include "kernel/boot.h"
#include "kernel/cmdline.h"
#include "kernel/machine.h"
#include "kernel/main.h"
#include "kernel/mem/kmap.h"
#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/riscv.h"
#include "kernel/sbi.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "kernel/trap.h"

#define EMERGENCY_STACK_SIZE (8 * KiB)
#define HART_START_NS	     (10 * NSEC_PER_SEC)

struct hart harts[MAX_HARTS];
uint32_t nharts;

void secondary_main(void) __noreturn;

int hart_index(uint32_t hartid)
{
	for (uint32_t i = 0; i < nharts; i++)
		if (harts[i].hartid == hartid)
			return i;
	return -1;
}

void ipi_send(struct hart *h, uint32_t what)
{
	/* A bit that was set already has its interrupt under way. */
	if (!(__atomic_fetch_or(&h->ipi_pending, what, __ATOMIC_ACQ_REL) & what))
		sbi_send_ipi(1UL << h->index);
}

/* One cross-hart call at a time; call_lock is spun for with interrupts on. */
static struct spinlock call_lock = SPINLOCK_INIT("hart_call", RANK_NONE);
static void (*call_func)(void *);
static void *call_arg;
static _Atomic uint64_t call_pending;

void hart_call(hartmask_t mask, void (*func)(void *), void *arg)
{
	assert(irq_enabled());
	preempt_disable();
	mask &= ~(1UL << this_hart()->index);
	for (uint32_t i = 0; i < MAX_HARTS; i++)
		if (!harts[i].online)
			mask &= ~(1UL << i);
	if (mask) {
		while (!spin_trylock(&call_lock))
			cpu_relax();
		call_func = func;
		call_arg = arg;
		__atomic_store_n(&call_pending, mask, __ATOMIC_RELEASE);
		for (uint64_t m = mask; m; m &= m - 1)
			ipi_send(&harts[ctz64(m)], IPI_CALL);
		while (__atomic_load_n(&call_pending, __ATOMIC_ACQUIRE))
			cpu_relax();
		spin_unlock(&call_lock);
	}
	preempt_enable();
}

void ipi_interrupt(void)
{
	struct hart *h = current()->hart;
	uint32_t what;

	csr_clear(sip, SIE_SSIE);
	what = __atomic_exchange_n(&h->ipi_pending, 0, __ATOMIC_ACQ_REL);
	if (what & IPI_STOP) {
		irq_disable();
		for (;;)
			wait_for_interrupt();
	}
	if (what & IPI_CALL) {
		call_func(call_arg);
		__atomic_and_fetch(&call_pending, ~(1UL << h->index), __ATOMIC_ACQ_REL);
	}
	/* IPI_RESCHED: the sender set WORK_RESCHED, which the way out of the trap looks at. */
}

static void *emergency_stack(void)
{
	char *s = kmalloc(EMERGENCY_STACK_SIZE);

	if (!s)
		panic("no memory for an emergency stack");
	return s + EMERGENCY_STACK_SIZE;
}

void harts_init(uint32_t boot_hartid)
{
	/* The boot hart gets index 0, the others follow in the tree's order. */
	harts[nharts++].hartid = boot_hartid;
	for (unsigned i = 0; i < machine.hart_count && nharts < MAX_HARTS; i++)
		if (machine.harts[i].hartid != boot_hartid)
			harts[nharts++].hartid = machine.harts[i].hartid;
	for (uint32_t i = 0; i < nharts; i++)
		harts[i].index = i;
	harts[0].online = true;
}

void hart_init_this(void)
{
	struct hart *h = current()->hart;

	h->emergency_stack_top = (uint64_t)emergency_stack();
	mm_init_hart();
	timer_init_hart();
	csr_set(sie, SIE_SSIE | SIE_SEIE);
}

void secondary_main(void)
{
	struct hart *h = current()->hart;

	trap_init_hart();
	hart_init_this();
	irq_init_hart();
	__atomic_store_n(&h->online, true, __ATOMIC_RELEASE);
	irq_enable();
	idle_loop();
}

struct secondary_boot secondary_boots[MAX_HARTS] __attribute__((section(".data")));

static bool start_one(struct hart *h)
{
	struct secondary_boot *boot = &secondary_boots[h->index];
	void *entry = secondary_start;
	struct thread *idle = thread_create_idle(h);
	uint64_t give_up = time_ns() + HART_START_NS;
	long err;

	if (!idle)
		return false;
	sched_init_hart(h, idle);
	*boot = (struct secondary_boot){csr_read(satp), kernel_pa_offset, idle, 0};
	__atomic_store_n(&boot->hartid_plus_1, h->hartid + 1UL, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#if DEBUG
	/* As firmware may do by mistake: see head.S. */
	if (cmdline_has("harts=lost"))
		entry = _start;
#endif
	err = sbi_hart_start(h->hartid, image_to_phys(entry), image_to_phys(boot));
	if (err) {
		pr_warn("hart %u: the firmware does not start it (%ld)\n", h->hartid, err);
		return false;
	}
	/* One after the other: all of them at once is slow where they share few host cores. */
	while (!__atomic_load_n(&h->online, __ATOMIC_ACQUIRE)) {
		if (time_ns() > give_up) {
			pr_warn("hart %u is not up yet; it joins when it is\n", h->hartid);
			return false;
		}
		cpu_relax();
	}
	return true;
}

void harts_start(void)
{
	uint32_t online = 1;

	for (uint32_t i = 1; i < nharts; i++)
		online += start_one(&harts[i]);
	pr_info("%u of %u harts online\n", online, nharts);
}

uint64_t hart_idle_time(const struct hart *h)
{
	uint64_t sum, since;
	bool idle;

	/* No lock; an accounting in between is seen by the sum. */
	do {
		sum = __atomic_load_n(&h->idle_time, __ATOMIC_ACQUIRE);
		idle = h->idle && __atomic_load_n(&h->current, __ATOMIC_RELAXED) == h->idle;
		since = idle ? __atomic_load_n(&h->idle->ran_since, __ATOMIC_ACQUIRE) : 0;
	} while (sum != __atomic_load_n(&h->idle_time, __ATOMIC_RELAXED));
	return idle ? sum + time_ns() - since : sum;
}

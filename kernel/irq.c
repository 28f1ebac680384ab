/*
 * Interrupts of devices: which handler belongs to which source of the interrupt controller.
 */
#include "kernel/trap.h"

#include "kernel/printk.h"
#include "kernel/spinlock.h"

#define IRQ_MAX 1024

struct irq_action {
	irq_handler_t handler;
	void *arg;
	const char *name;
	_Atomic uint64_t count;
};

static struct irq_action actions[IRQ_MAX]; /* (irq_lock) to change; handlers read freely */
static struct spinlock irq_lock = SPINLOCK_INIT("irq", RANK_DRIVER);
static const struct irq_chip *irq_chip;

void irq_chip_register(const struct irq_chip *chip)
{
	irq_chip = chip;
}

int irq_register(uint32_t irq, const char *name, irq_handler_t handler, void *arg)
{
	uint64_t was;

	if (irq == 0 || irq >= IRQ_MAX)
		return -EINVAL;
	if (!irq_chip)
		return -ENODEV;
	was = spin_lock_irq(&irq_lock);
	if (actions[irq].handler) {
		spin_unlock_irq(&irq_lock, was);
		return -EBUSY;
	}
	actions[irq].arg = arg;
	actions[irq].name = name;
	__atomic_store_n(&actions[irq].handler, handler, __ATOMIC_RELEASE);
	spin_unlock_irq(&irq_lock, was);
	return irq_chip->enable(irq, true);
}

void irq_unregister(uint32_t irq)
{
	uint64_t was;

	if (irq == 0 || irq >= IRQ_MAX)
		return;
	irq_chip->enable(irq, false);
	was = spin_lock_irq(&irq_lock);
	__atomic_store_n(&actions[irq].handler, NULL, __ATOMIC_RELEASE);
	spin_unlock_irq(&irq_lock, was);
}

void irq_dispatch(uint32_t irq)
{
	irq_handler_t handler = NULL;

	if (irq < IRQ_MAX)
		handler = __atomic_load_n(&actions[irq].handler, __ATOMIC_ACQUIRE);
	if (!handler) {
		pr_warn("irq %u: nobody handles it, masked\n", irq);
		irq_chip->enable(irq, false);
		return;
	}
	actions[irq].count++;
	handler(actions[irq].arg);
}

void irq_handle(void)
{
	if (irq_chip)
		irq_chip->handle();
}

void irq_init_hart(void)
{
	if (irq_chip && irq_chip->init_hart)
		irq_chip->init_hart();
}

const char *irq_info(uint32_t irq, uint64_t *count)
{
	if (irq >= IRQ_MAX || !actions[irq].handler)
		return NULL;
	*count = actions[irq].count;
	return actions[irq].name;
}

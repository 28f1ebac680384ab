/*
 * The platform-level interrupt controller (RISC-V PLIC specification 1.0.0). Each hart has one
 * context for each privilege mode it can take interrupts in; which context is whose supervisor
 * mode is said by the order of interrupts-extended alone.
 *
 * A source is enabled in one context only, so that one hart wakes up for it; sources are spread
 * over the harts that run when they are enabled.
 */
#include "drivers/driver.h"
#include "drivers/mmio.h"

#include "kernel/hart.h"
#include "kernel/machine.h"
#include "kernel/mem/kmap.h"
#include "kernel/printk.h"
#include "kernel/riscv.h"
#include "kernel/thread.h"
#include "kernel/trap.h"

#define PLICS_MAX	 2
#define PLIC_SOURCES_MAX 1024
#define PLIC_CONTEXTS_MAX 15872U

#define PLIC_PRIORITY(irq)  (4UL * (irq))
#define PLIC_ENABLE(ctx)    (0x2000UL + 0x80UL * (ctx))
#define PLIC_THRESHOLD(ctx) (0x200000UL + 0x1000UL * (ctx))
#define PLIC_CLAIM(ctx)	    (PLIC_THRESHOLD(ctx) + 4)

#define NO_CONTEXT (-1)

static struct plic {
	volatile uint8_t *regs;
	uint32_t base;	  /* number of source 0 in irq_register */
	uint32_t sources; /* source numbers are below this */
	int32_t context[MAX_HARTS]; /* by hart index; NO_CONTEXT: none in supervisor mode */
	struct spinlock lock;	    /* RANK_DRIVER: enable bits, target */
	uint8_t target[PLIC_SOURCES_MAX]; /* (lock) hart index a source is enabled on */
} plics[PLICS_MAX];
static uint32_t plic_count;

static struct plic *plic_of(uint32_t irq)
{
	for (uint32_t i = 0; i < plic_count; i++)
		if (irq > plics[i].base && irq - plics[i].base < plics[i].sources)
			return &plics[i];
	return NULL;
}

/* The next running hart in turn that has a context; the boot hart if nothing else fits. */
static int plic_choose_hart(const struct plic *p, uint32_t source)
{
	uint32_t usable[MAX_HARTS], n = 0;

	for (uint32_t i = 0; i < nharts && i < MAX_HARTS; i++)
		if (p->context[i] != NO_CONTEXT && (harts[i].online || &harts[i] == this_hart()))
			usable[n++] = i;
	return n ? (int)usable[source % n] : -1;
}

static int plic_enable(uint32_t irq, bool on)
{
	struct plic *p = plic_of(irq);

	if (!p)
		return -EINVAL;
	uint32_t source = irq - p->base;
	uint64_t was = spin_lock_irq(&p->lock);
	int hart = on ? plic_choose_hart(p, source) : p->target[source];

	if (hart < 0) {
		spin_unlock_irq(&p->lock, was);
		return -ENODEV;
	}
	volatile uint8_t *word =
		p->regs + PLIC_ENABLE((uint32_t)p->context[hart]) + source / 32 * 4;
	uint32_t bits = mmio_read32(word), bit = 1u << source % 32;

	p->target[source] = (uint8_t)hart;
	mmio_write32(p->regs + PLIC_PRIORITY(source), on ? 1 : 0);
	mmio_write32(word, on ? bits | bit : bits & ~bit);
	spin_unlock_irq(&p->lock, was);
	return 0;
}

static void plic_handle(void)
{
	uint32_t hart = this_hart()->index;

	for (uint32_t i = 0; i < plic_count; i++) {
		struct plic *p = &plics[i];

		if (p->context[hart] == NO_CONTEXT)
			continue;
		volatile uint8_t *claim = p->regs + PLIC_CLAIM((uint32_t)p->context[hart]);
		uint32_t source;

		/* Reading claims the most urgent source, or gives 0; writing it back ends it. */
		while ((source = mmio_read32(claim)) != 0) {
			if (source < p->sources)
				irq_dispatch(p->base + source);
			mmio_write32(claim, source);
		}
	}
}

/* Firmware masks all sources of a hart (threshold 7) when it starts it: undo that. */
static void plic_init_hart(void)
{
	uint32_t hart = this_hart()->index;

	for (uint32_t i = 0; i < plic_count; i++) {
		if (plics[i].context[hart] != NO_CONTEXT)
			mmio_write32(plics[i].regs +
					     PLIC_THRESHOLD((uint32_t)plics[i].context[hart]), 0);
	}
	csr_set(sie, SIE_SEIE);
}

static const struct irq_chip plic_chip = {
	.name = "plic",
	.enable = plic_enable,
	.handle = plic_handle,
	.init_hart = plic_init_hart,
};

/* The hart whose interrupt controller node this is: its parent is the cpu node. -1: not ours. */
static int plic_hart_of(const struct fdt *fdt, int intc)
{
	uint64_t hartid;

	if (fdt_reg_raw(fdt, fdt_parent(fdt, intc), 0, &hartid, NULL) < 0)
		return -1;
	return hart_index((uint32_t)hartid);
}

/* Fill p->context and quiet every context, so that harts may take interrupts at any time. */
static uint32_t plic_find_contexts(struct plic *p, const struct fdt_device *d, uint64_t len)
{
	uint32_t found = 0, cells = 0, phandle, cause;

	for (uint32_t i = 0; i < MAX_HARTS; i++)
		p->context[i] = NO_CONTEXT;
	/* Pairs of (cpu's interrupt controller, cause): those have #interrupt-cells = 1. */
	fdt_prop(d->fdt, d->node, "interrupts-extended", &cells);
	for (uint32_t ctx = 0; ctx < cells / 8 && ctx < PLIC_CONTEXTS_MAX; ctx++) {
		if (PLIC_CLAIM(ctx) + 4 > len)
			break;
		if (!fdt_prop_cell(d->fdt, d->node, "interrupts-extended", 2 * ctx, &phandle) ||
		    !fdt_prop_cell(d->fdt, d->node, "interrupts-extended", 2 * ctx + 1, &cause) ||
		    cause != CAUSE_IRQ_EXT)
			continue;
		int hart = plic_hart_of(d->fdt, fdt_find_phandle(d->fdt, phandle));

		if (hart < 0)
			continue;
		p->context[hart] = (int32_t)ctx;
		for (uint32_t word = 0; word < DIV_ROUND_UP(p->sources, 32u); word++)
			mmio_write32(p->regs + PLIC_ENABLE(ctx) + 4 * word, 0);
		mmio_write32(p->regs + PLIC_THRESHOLD(ctx), 0);
		found++;
	}
	return found;
}

/* Boards reserve 64 MiB: map only as far as the last context's registers. */
static volatile uint8_t *plic_map(const struct fdt_device *d, uint64_t *len)
{
	uint64_t addr, size;
	uint32_t bytes = 0;

	if (fdt_reg(d->fdt, d->node, 0, &addr, &size) < 0)
		return NULL;
	fdt_prop(d->fdt, d->node, "interrupts-extended", &bytes);
	uint64_t contexts = MIN(bytes / 8, PLIC_CONTEXTS_MAX), end = PLIC_THRESHOLD(contexts);

	*len = MIN(size, end);
	if (*len < PLIC_CLAIM(0) + 4)
		return NULL;
	return mmio_map(addr, *len);
}

static int plic_probe(struct fdt_device *d)
{
	if (plic_count == PLICS_MAX)
		return -ENOMEM;
	struct plic *p = &plics[plic_count];
	uint64_t len;
	uint32_t ndev = device_u32(d, "riscv,ndev", 0);

	if (!ndev || ndev >= PLIC_SOURCES_MAX)
		return -EINVAL;
	p->regs = plic_map(d, &len);
	if (!p->regs)
		return -ENOMEM;
	p->sources = ndev + 1;
	p->base = plic_count * PLIC_SOURCES_MAX;
	spin_init(&p->lock, "plic", RANK_DRIVER);
	uint32_t contexts = plic_find_contexts(p, d, len);

	if (!contexts)
		return -EINVAL;
	int err = device_irq_domain_add(d->node, p->base, p->sources);

	if (err)
		return err;
	if (plic_count++ == 0)
		irq_chip_register(&plic_chip);
	plic_init_hart();
	pr_info("plic: %u sources, %u harts\n", ndev, contexts);
	return 0;
}

static const char *const plic_compatible[] = {
	"sifive,plic-1.0.0",   "riscv,plic0",	   "starfive,jh7110-plic",
	"starfive,jh7100-plic", "sifive,fu540-c000-plic", "microchip,mpfs-plic", NULL,
};

DRIVER(plic) = {
	.name = "plic",
	.compatible = plic_compatible,
	.phase = DRIVER_IRQCHIP,
	.probe = plic_probe,
};

#include "drivers/driver.h"

#include "kernel/machine.h"
#include "kernel/mem/kmap.h"
#include "kernel/printk.h"
#include "lib/string.h"

extern const struct driver _drivers_start[], _drivers_end[];

/* Which irq_register number a controller's sources begin at; written in the first phase only. */
#define IRQ_DOMAINS_MAX 4
static struct irq_domain {
	int node;
	uint32_t base, count;
} irq_domains[IRQ_DOMAINS_MAX];
static uint32_t irq_domain_count;

int device_irq_domain_add(int node, uint32_t base, uint32_t count)
{
	if (irq_domain_count == IRQ_DOMAINS_MAX)
		return -ENOMEM;
	irq_domains[irq_domain_count++] = (struct irq_domain){node, base, count};
	return 0;
}

volatile void *device_map(const struct fdt_device *d, uint32_t index, uint64_t min, uint64_t *len,
			  paddr_t *pa)
{
	uint64_t addr, size;

	if (fdt_reg(d->fdt, d->node, index, &addr, &size) < 0 || size < min || !size)
		return NULL;
	if (len)
		*len = size;
	if (pa)
		*pa = addr;
	return mmio_map(addr, size);
}

int device_irq(const struct fdt_device *d, uint32_t index)
{
	struct fdt_irq irq;
	int err = fdt_irq(d->fdt, d->node, index, &irq);

	if (err < 0)
		return err;
	for (uint32_t i = 0; i < irq_domain_count; i++) {
		const struct irq_domain *dom = &irq_domains[i];

		if (dom->node != irq.controller)
			continue;
		/* A second cell, if any, is the trigger type: ours are all level. */
		if (!irq.cells[0] || irq.cells[0] >= dom->count)
			return -EINVAL;
		return (int)(dom->base + irq.cells[0]);
	}
	return -ENOENT;
}

uint32_t device_u32(const struct fdt_device *d, const char *property, uint32_t fallback)
{
	uint32_t value;

	return fdt_prop_u32(d->fdt, d->node, property, &value) ? value : fallback;
}

bool device_has(const struct fdt_device *d, const char *property)
{
	return fdt_prop_present(d->fdt, d->node, property);
}

/*
 * The driver of this phase whose string comes first in the node's list: compatible goes from the
 * most to the least specific (Devicetree Specification 2.3.1).
 */
static const struct driver *driver_find(struct fdt_device *d, int phase)
{
	for (uint32_t i = 0;; i++) {
		const char *name = fdt_prop_string(d->fdt, d->node, "compatible", i);

		if (!name)
			return NULL;
		for (const struct driver *drv = _drivers_start; drv < _drivers_end; drv++) {
			if ((int)drv->phase != phase)
				continue;
			for (const char *const *c = drv->compatible; *c; c++) {
				if (strcmp(*c, name) == 0) {
					d->compatible = *c;
					return drv;
				}
			}
		}
	}
}

/* A device below a disabled bus is disabled too. */
static bool node_reachable(const struct fdt *fdt, int node)
{
	for (; node != FDT_NONE; node = fdt_parent(fdt, node))
		if (!fdt_enabled(fdt, node))
			return false;
	return true;
}

void drivers_probe(int phase)
{
	const struct fdt *fdt = &machine.fdt;

	for (int node = fdt_root(fdt); node != FDT_NONE; node = fdt_next(fdt, node)) {
		struct fdt_device d = {.fdt = fdt, .node = node, .name = fdt_name(fdt, node)};
		const struct driver *drv = driver_find(&d, phase);

		if (!drv || !node_reachable(fdt, node))
			continue;
		int err = drv->probe(&d);

		if (err < 0 && err != -ENODEV)
			pr_warn("%s: %s: probe failed with error %d\n", d.name, drv->name, -err);
	}
}

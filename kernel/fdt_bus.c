/*
 * What properties say about buses: addresses (Devicetree Specification section 2.3) and
 * interrupts (section 2.4).
 */
#include "kernel/fdt.h"

#include "kernel/uapi/errno.h"
#include "lib/endian.h"

#define CELL		  4u
#define ADDRESS_CELLS_MAX 4

/* How many cells addresses and sizes of a node's children have. */
struct format {
	uint32_t address;
	uint32_t size;
};

static int format_read(const struct fdt *fdt, int bus, struct format *format)
{
	/* What holds without the properties, section 2.3.5. */
	format->address = 2;
	format->size = 1;
	fdt_prop_u32(fdt, bus, "#address-cells", &format->address);
	fdt_prop_u32(fdt, bus, "#size-cells", &format->size);
	if (format->address > ADDRESS_CELLS_MAX || format->size > ADDRESS_CELLS_MAX)
		return -EINVAL;
	return 0;
}

/* Reads a number of `cells` cells; false if it has more than 64 bits. */
static bool number_read(const uint8_t *data, uint32_t cells, uint64_t *value)
{
	*value = 0;
	for (; cells; cells--, data += CELL) {
		if (*value >> 32)
			return false;
		*value = *value << 32 | load_be32(data);
	}
	return true;
}

/* Whether [addr, addr + size) fits 64 bits; it may end at the very top. */
static bool range_fits(uint64_t addr, uint64_t size)
{
	return !size || addr + (size - 1) >= addr;
}

static int reg_read(const struct fdt *fdt, int node, int bus, uint32_t index, uint64_t *addr,
		    uint64_t *size)
{
	struct format format;
	uint32_t len, entry;
	const uint8_t *data = fdt_prop(fdt, node, "reg", &len);

	if (!data)
		return -ENOENT;
	if (format_read(fdt, bus, &format))
		return -EINVAL;
	entry = (format.address + format.size) * CELL;
	if (!entry || len % entry)
		return -EINVAL;
	if (index >= len / entry)
		return -ENOENT;
	data += index * entry;
	if (!number_read(data, format.address, addr) ||
	    !number_read(data + format.address * CELL, format.size, size) ||
	    !range_fits(*addr, *size))
		return -EINVAL;
	return 0;
}

/*
 * Turns the address of a range on `bus` into one on its parent bus by the ranges property: child
 * address, parent address, size.
 */
static int translate(const struct fdt *fdt, int bus, int parent, uint64_t *addr, uint64_t size)
{
	struct format from, to;
	uint32_t len, entry;
	const uint8_t *data = fdt_prop(fdt, bus, "ranges", &len);

	if (!data || format_read(fdt, bus, &from) || format_read(fdt, parent, &to))
		return -EINVAL;
	if (!len)
		return 0;
	entry = (from.address + to.address + from.size) * CELL;
	if (!entry || len % entry)
		return -EINVAL;
	for (; len; len -= entry, data += entry) {
		uint64_t child, base, extent;

		if (!number_read(data, from.address, &child) ||
		    !number_read(data + from.address * CELL, to.address, &base) ||
		    !number_read(data + (from.address + to.address) * CELL, from.size, &extent))
			continue; /* a PCI window, which has flags on top */
		if (*addr < child || *addr - child >= extent || size > extent - (*addr - child))
			continue;
		if (!range_fits(base, *addr - child + (size ? size : 1)))
			return -EINVAL;
		*addr = base + (*addr - child);
		return 0;
	}
	return -EINVAL;
}

int fdt_reg_raw(const struct fdt *fdt, int node, uint32_t index, uint64_t *addr, uint64_t *size)
{
	uint64_t unused;

	return reg_read(fdt, node, fdt_parent(fdt, node), index, addr, size ? size : &unused);
}

int fdt_reg(const struct fdt *fdt, int node, uint32_t index, uint64_t *addr, uint64_t *size)
{
	int bus = fdt_parent(fdt, node);
	uint64_t unused;
	int err;

	if (!size)
		size = &unused;
	err = reg_read(fdt, node, bus, index, addr, size);
	while (!err && bus != FDT_NONE) {
		int parent = fdt_parent(fdt, bus);

		if (parent == FDT_NONE)
			break;
		err = translate(fdt, bus, parent, addr, *size);
		bus = parent;
	}
	return err;
}

/*
 * The node that gets the interrupts of `node`: whatever interrupt-parent or the parent leads to
 * that has #interrupt-cells.  The properties could form a ring, hence the bound.
 */
static int irq_parent(const struct fdt *fdt, int node)
{
	for (unsigned steps = 0; node != FDT_NONE && steps < 2 * FDT_DEPTH_MAX; steps++) {
		uint32_t phandle;

		if (fdt_prop_u32(fdt, node, "interrupt-parent", &phandle))
			node = fdt_find_phandle(fdt, phandle);
		else
			node = fdt_parent(fdt, node);
		if (fdt_prop_present(fdt, node, "#interrupt-cells"))
			return node;
	}
	return FDT_NONE;
}

/* Fills irq with the specifier at data, of which `left` bytes are there.  Returns its bytes or
 * -EINVAL. */
static int irq_read(const struct fdt *fdt, int controller, const uint8_t *data, uint32_t left,
		    struct fdt_irq *irq)
{
	if (!fdt_prop_present(fdt, controller, "interrupt-controller") ||
	    !fdt_prop_u32(fdt, controller, "#interrupt-cells", &irq->count) || !irq->count ||
	    irq->count > FDT_IRQ_CELLS || irq->count > left / CELL)
		return -EINVAL;
	irq->controller = controller;
	for (uint32_t i = 0; i < irq->count; i++)
		irq->cells[i] = load_be32(data + i * CELL);
	return (int)(irq->count * CELL);
}

int fdt_irq_next(const struct fdt *fdt, int node, uint32_t *cursor, struct fdt_irq *irq)
{
	uint32_t len, phandle;
	const uint8_t *data = fdt_prop(fdt, node, "interrupts-extended", &len);
	bool extended = data != NULL;
	int controller, used;

	if (!extended)
		data = fdt_prop(fdt, node, "interrupts", &len);
	if (!data || *cursor >= len)
		return -ENOENT;
	if (!extended) {
		controller = irq_parent(fdt, node);
	} else {
		if (len - *cursor < CELL) {
			*cursor = len;
			return -EINVAL;
		}
		phandle = load_be32(data + *cursor);
		*cursor += CELL;
		if (!phandle)
			return -EINVAL;
		controller = fdt_find_phandle(fdt, phandle);
	}
	used = irq_read(fdt, controller, data + *cursor, len - *cursor, irq);
	if (used < 0) {
		*cursor = len;
		return used;
	}
	*cursor += (uint32_t)used;
	return 0;
}

int fdt_irq(const struct fdt *fdt, int node, uint32_t index, struct fdt_irq *irq)
{
	uint32_t cursor = 0;
	int err = fdt_irq_next(fdt, node, &cursor, irq);

	for (; index && err != -ENOENT; index--)
		err = fdt_irq_next(fdt, node, &cursor, irq);
	return err;
}

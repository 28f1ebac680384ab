#include "tests/host/fdt_visit.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/fdt.h"
#include "kernel/machine.h"

static volatile uint64_t sink; /* so that nothing is optimised away */

static void expect(bool condition)
{
	if (!condition)
		abort();
}

static void visit_strings(const struct fdt *fdt, int node)
{
	static const char *const names[] = {"compatible", "status", "reg", "riscv,isa", "model"};
	const char *s;

	for (unsigned n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		for (uint32_t i = 0; i < 8 && (s = fdt_prop_string(fdt, node, names[n], i)); i++) {
			sink += strlen(s);
			expect(fdt_prop_has_string(fdt, node, names[n], s));
		}
	}
	sink += fdt_enabled(fdt, node);
}

static void visit_node(const struct fdt *fdt, int node)
{
	uint64_t addr, size;
	uint32_t len, cell, cursor = 0;
	struct fdt_irq irq;
	const uint8_t *data;
	int err;

	sink += strlen(fdt_name(fdt, node));
	visit_strings(fdt, node);
	data = fdt_prop(fdt, node, "reg", &len);
	for (uint32_t i = 0; data && i < len; i++)
		sink += data[i];
	sink += fdt_prop_cell(fdt, node, "reg", 1, &cell);
	sink += fdt_prop_u64(fdt, node, "reg", &addr);
	for (uint32_t i = 0; i < 4; i++) {
		if (fdt_reg(fdt, node, i, &addr, &size) == 0)
			expect(!size || addr + size - 1 >= addr);
		sink += (uint64_t)fdt_reg_raw(fdt, node, i, &addr, NULL);
	}
	for (unsigned i = 0; i < 40; i++) {
		uint32_t before = cursor;

		err = fdt_irq_next(fdt, node, &cursor, &irq);
		if (err == -2)
			break;
		expect(cursor > before);
		if (err)
			continue;
		expect(irq.count && irq.count <= FDT_IRQ_CELLS);
		expect(fdt_prop_present(fdt, irq.controller, "interrupt-controller"));
	}
	sink += (uint64_t)fdt_irq(fdt, node, 1, &irq);
}

static void visit_machine(const uint8_t *blob, size_t size)
{
	const char *why = NULL;
	uint64_t number;
	char buf[64];

	if (machine_init(blob, 0x87000000, size, 0x80200000, 0x80400000, &why)) {
		expect(why != NULL);
		return;
	}
	expect(machine.ram_count && machine.hart_count && machine.timebase_hz);
	for (unsigned i = 1; i < machine.ram_count; i++)
		expect(machine.ram[i - 1].base + machine.ram[i - 1].size < machine.ram[i].base);
	for (unsigned i = 1; i < machine.reserved_count; i++)
		expect(machine.reserved[i - 1].base + machine.reserved[i - 1].size <
		       machine.reserved[i].base);
	sink += strlen(machine.model) + strlen(machine.cmdline) + strlen(machine.notes);
	sink += (uint64_t)cmdline_get("root", buf, sizeof(buf)) + cmdline_number("mem", &number);
}

int fdt_visit(const uint8_t *data, size_t size)
{
	/* An exact block, so that the sanitizer sees one byte too many. */
	uint8_t *blob = aligned_alloc(8, (size + 7) & ~(size_t)7);
	struct fdt fdt;
	int count = 0;

	if (!size) {
		free(blob);
		return fdt_check(NULL, 0, NULL) ? -1 : 0;
	}
	memcpy(blob, data, size);
	if (fdt_open(&fdt, blob, size, NULL)) {
		free(blob);
		return -1;
	}
	expect(fdt_check(blob, size, NULL) == 0);
	for (int node = fdt_root(&fdt); node != FDT_NONE && count < 300;
	     node = fdt_next(&fdt, node)) {
		int parent = fdt_parent(&fdt, node), child;

		visit_node(&fdt, node);
		if (parent != FDT_NONE) {
			fdt_for_each_child(&fdt, child, parent)
			{
				if (child == node)
					break;
			}
			expect(child == node);
		} else {
			expect(count == 0);
		}
		count++;
	}
	for (uint32_t i = 0; i < fdt.reserve_count; i++) {
		uint64_t addr, bytes;

		expect(fdt_reserve(&fdt, i, &addr, &bytes));
	}
	sink += (uint64_t)fdt_stdout(&fdt, NULL) + (uint64_t)fdt_find_path(&fdt, "/cpus/cpu@0");
	visit_machine(blob, size);
	free(blob);
	return count;
}

#include "kernel/machine.h"

#include <stdarg.h>

#include "kernel/types.h"
#include "lib/printf.h"
#include "lib/string.h"

#define PHYS_TOP (UINT64_C(1) << 56) /* Sv39's entries hold 56 bits of physical address */

struct machine machine = {.cmdline = ""};

/* Adds a line to the notes; what does not fit is lost. */
static void note(const char *fmt, ...) __printf(1, 2);
static void note(const char *fmt, ...)
{
	size_t used = strlen(machine.notes);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(machine.notes + used, sizeof(machine.notes) - used, fmt, ap);
	va_end(ap);
	strlcat(machine.notes, "\n", sizeof(machine.notes));
}

static uint64_t range_end(const struct phys_range *range)
{
	return range->base + range->size;
}

/*
 * Adds [base, end) to an ascending list of ranges that are apart, merging it with those it
 * overlaps or touches.  False if the list is full.
 */
static bool range_add(struct phys_range *list, unsigned *count, unsigned max, uint64_t base,
		      uint64_t end)
{
	unsigned first = 0, last;

	while (first < *count && range_end(&list[first]) < base)
		first++;
	for (last = first; last < *count && list[last].base <= end; last++) {
		base = MIN(base, list[last].base);
		end = MAX(end, range_end(&list[last]));
	}
	if (first == last && *count == max)
		return false;
	/* One range takes the place of first to last - 1. */
	memmove(&list[first + 1], &list[last], (*count - last) * sizeof(*list));
	*count = *count - (last - first) + 1;
	list[first] = (struct phys_range){.base = base, .size = end - base};
	return true;
}

static const char *ram_add_node(int node)
{
	uint64_t base, size, end;
	int err;

	for (uint32_t i = 0; (err = fdt_reg(&machine.fdt, node, i, &base, &size)) == 0; i++) {
		if (size > PHYS_TOP || base > PHYS_TOP - size)
			return "RAM beyond the physical address space";
		end = ALIGN_DOWN(base + size, PAGE_SIZE);
		base = ALIGN_UP(base, PAGE_SIZE);
		if (base >= end)
			continue;
		if (!range_add(machine.ram, &machine.ram_count, MACHINE_RAM_MAX, base, end))
			note("RAM at %#lx ignored: more than %d ranges", (unsigned long)base,
			     MACHINE_RAM_MAX);
	}
	return err == -ENOENT ? NULL : "malformed RAM range";
}

static const char *ram_init(void)
{
	const struct fdt *fdt = &machine.fdt;
	int node;

	fdt_for_each_child(fdt, node, fdt_root(fdt))
	{
		const char *wrong;

		if (!fdt_prop_has_string(fdt, node, "device_type", "memory") ||
		    !fdt_enabled(fdt, node))
			continue;
		wrong = ram_add_node(node);
		if (wrong)
			return wrong;
	}
	return machine.ram_count ? NULL : "no RAM";
}

/* Reserves all pages that [base, base + size) touches. */
static const char *reserve(uint64_t base, uint64_t size)
{
	uint64_t end;

	if (!size || base >= PHYS_TOP)
		return NULL;
	end = ALIGN_UP(base + MIN(size, PHYS_TOP - base), PAGE_SIZE);
	base = ALIGN_DOWN(base, PAGE_SIZE);
	if (!range_add(machine.reserved, &machine.reserved_count, MACHINE_RESERVED_MAX, base, end))
		return "too many reserved ranges";
	return NULL;
}

/* The children of /reserved-memory.  One without reg only asks for memory; nobody here will. */
static const char *reserve_nodes(void)
{
	const struct fdt *fdt = &machine.fdt;
	int node;

	fdt_for_each_child(fdt, node, fdt_find_path(fdt, "/reserved-memory"))
	{
		uint64_t base, size;
		const char *wrong;
		int err;

		if (!fdt_enabled(fdt, node))
			continue;
		for (uint32_t i = 0; (err = fdt_reg_raw(fdt, node, i, &base, &size)) == 0; i++) {
			wrong = reserve(base, size);
			if (wrong)
				return wrong;
		}
		if (err != -ENOENT)
			return "malformed reserved range";
	}
	return NULL;
}

/*
 * The kernel image, and what lies below it in the same RAM: firmware is there, but not every
 * firmware says so in the tree.
 */
static const char *reserve_image(uint64_t start, uint64_t end)
{
	for (unsigned i = 0; i < machine.ram_count; i++) {
		const struct phys_range *ram = &machine.ram[i];

		if (start >= ram->base && start < end && end <= range_end(ram))
			return reserve(ram->base, end - ram->base);
	}
	return "the kernel lies outside of RAM";
}

static const char *reserved_init(uint64_t blob_phys, uint64_t image_start, uint64_t image_end)
{
	const char *wrong;
	uint64_t base, size;

	for (uint32_t i = 0; fdt_reserve(&machine.fdt, i, &base, &size); i++) {
		wrong = reserve(base, size);
		if (wrong)
			return wrong;
	}
	wrong = reserve_nodes();
	if (!wrong)
		wrong = reserve_image(image_start, image_end);
	if (!wrong)
		wrong = reserve(blob_phys, machine.fdt.size);
	if (!wrong)
		wrong = reserve(machine.initrd.base, machine.initrd.size);
	return wrong;
}

/* What the firmware or a boot loader tells us in /chosen. */
static void chosen_init(void)
{
	const struct fdt *fdt = &machine.fdt;
	int chosen = fdt_find_path(fdt, "/chosen");
	const char *bootargs = fdt_prop_string(fdt, chosen, "bootargs", 0);
	uint64_t start = 0, end = 0;

	if (bootargs)
		machine.cmdline = bootargs;
	if (fdt_prop_u64(fdt, chosen, "linux,initrd-start", &start) &&
	    fdt_prop_u64(fdt, chosen, "linux,initrd-end", &end)) {
		if (start < end && end <= PHYS_TOP)
			machine.initrd = (struct phys_range){.base = start, .size = end - start};
		else
			note("initrd ignored: it ends before it starts, or too high");
	}
	machine.rng_seed = fdt_prop(fdt, chosen, "rng-seed", &machine.rng_seed_len);
}

static bool mmu_type_read(int node, enum mmu_type *mmu)
{
	const char *type = fdt_prop_string(&machine.fdt, node, "mmu-type", 0);

	if (!type)
		return false;
	if (strcmp(type, "riscv,sv39") == 0)
		*mmu = MMU_SV39;
	else if (strcmp(type, "riscv,sv48") == 0)
		*mmu = MMU_SV48;
	else if (strcmp(type, "riscv,sv57") == 0)
		*mmu = MMU_SV57;
	else
		return false;
	return true;
}

/*
 * One of /cpus' children.  A core without an MMU, or one that is disabled, is there for other
 * purposes and left alone.
 */
static const char *hart_add(int node)
{
	const struct fdt *fdt = &machine.fdt;
	struct machine_hart hart = {.node = node};

	if (!fdt_prop_has_string(fdt, node, "device_type", "cpu") || !fdt_enabled(fdt, node) ||
	    !mmu_type_read(node, &hart.mmu))
		return NULL;
	if (fdt_reg_raw(fdt, node, 0, &hart.hartid, NULL))
		return "hart without an id";
	if (machine_hart_find(hart.hartid) >= 0)
		return "two harts with one id";
	if (machine.hart_count == MACHINE_HARTS_MAX) {
		note("hart %lu ignored: more than %d harts", (unsigned long)hart.hartid,
		     MACHINE_HARTS_MAX);
		return NULL;
	}
	hart.isa = isa_read(fdt, node);
	fdt_prop_u32(fdt, node, "riscv,cbom-block-size", &hart.cbom_block);
	fdt_prop_u32(fdt, node, "riscv,cboz-block-size", &hart.cboz_block);
	machine.harts[machine.hart_count++] = hart;
	return NULL;
}

static const char *harts_init(void)
{
	const struct fdt *fdt = &machine.fdt;
	int cpus = fdt_find_path(fdt, "/cpus");
	int node;

	fdt_for_each_child(fdt, node, cpus)
	{
		const char *wrong = hart_add(node);

		if (wrong)
			return wrong;
	}
	if (!machine.hart_count)
		return "no usable hart";
	machine.isa = ~UINT64_C(0);
	for (unsigned i = 0; i < machine.hart_count; i++)
		machine.isa &= machine.harts[i].isa;

	/* Old trees say it for each hart. */
	if (!fdt_prop_u64(fdt, cpus, "timebase-frequency", &machine.timebase_hz))
		fdt_prop_u64(fdt, machine.harts[0].node, "timebase-frequency",
			     &machine.timebase_hz);
	return machine.timebase_hz ? NULL : "no timebase-frequency";
}

int machine_init(const void *blob, uint64_t blob_phys, size_t max, uint64_t image_start,
		 uint64_t image_end, const char **why)
{
	const char *wrong = NULL;

	machine = (struct machine){.cmdline = ""};
	if (fdt_open(&machine.fdt, blob, max, &wrong) == 0) {
		machine.model = fdt_prop_string(&machine.fdt, fdt_root(&machine.fdt), "model", 0);
		if (!machine.model)
			machine.model = "unknown";
		chosen_init();
		wrong = ram_init();
	}
	if (!wrong)
		wrong = reserved_init(blob_phys, image_start, image_end);
	if (!wrong)
		wrong = harts_init();
	if (wrong && why)
		*why = wrong;
	return wrong ? -EINVAL : 0;
}

int machine_hart_find(uint64_t hartid)
{
	for (unsigned i = 0; i < machine.hart_count; i++) {
		if (machine.harts[i].hartid == hartid)
			return (int)i;
	}
	return -1;
}

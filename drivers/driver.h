/*
 * Drivers find their devices in the device tree: each registers the compatible strings it knows
 * in a linker section, and drivers_probe calls its probe for every enabled node that matches.
 */
#pragma once

#include "kernel/types.h"
#include "kernel/fdt.h"

#define DEVICE_IRQS_MAX 4

/* One node of the tree while a driver probes it; drivers keep what they need, not this. */
struct fdt_device {
	const struct fdt *fdt;
	int node;
	const char *name;	/* "serial@10000000": lives as long as the tree */
	const char *compatible; /* the driver's string that matched */
};

struct driver {
	const char *name;
	const char *const *compatible; /* NULL-terminated */
	/* Phase: interrupt controllers and consoles come up before the rest. */
	enum { DRIVER_IRQCHIP, DRIVER_CONSOLE, DRIVER_EARLY, DRIVER_NORMAL } phase;
	/* 0, -ENODEV (nothing there: no message), or another -errno, which is logged. May sleep. */
	int (*probe)(struct fdt_device *d);
};

#define DRIVER(driver_name)                                                                        \
	static const struct driver driver_##driver_name                                            \
		__attribute__((used, section(".drivers"), aligned(8)))

/* Probe all drivers of one phase, in the tree's order. Kernel thread context: may sleep. */
void drivers_probe(int phase);

/*
 * Register range `index`, translated and mapped; at least min bytes long. Its length in *len and
 * physical address in *pa (either may be NULL). NULL if there is none, it is shorter, or the
 * window area is full. May sleep.
 */
volatile void *device_map(const struct fdt_device *d, uint32_t index, uint64_t min, uint64_t *len,
			  paddr_t *pa);
/* Interrupt `index` as a number for irq_register, or -ENOENT, -EINVAL. */
int device_irq(const struct fdt_device *d, uint32_t index);

/* A property of one cell, or fallback when it is absent or malformed. */
uint32_t device_u32(const struct fdt_device *d, const char *property, uint32_t fallback);
bool device_has(const struct fdt_device *d, const char *property);

/*
 * Interrupt controllers tell which numbers their sources have in irq_register: source n of the
 * controller at node is base + n, for n in 1..count-1.
 */
int device_irq_domain_add(int node, uint32_t base, uint32_t count);

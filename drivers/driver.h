/*
 * Drivers find their devices in the device tree: each registers the compatible strings it knows
 * in a linker section, and drivers_probe calls its probe for every enabled node that matches.
 */
#pragma once

#include "kernel/types.h"

struct fdt_device; /* drivers/probe.c: node, registers, interrupt of one device */

struct driver {
	const char *name;
	const char *const *compatible; /* NULL-terminated */
	/* Phase: interrupt controllers and consoles come up before the rest. */
	enum { DRIVER_IRQCHIP, DRIVER_CONSOLE, DRIVER_EARLY, DRIVER_NORMAL } phase;
	int (*probe)(struct fdt_device *d);
};

#define DRIVER(driver_name)                                                                        \
	static const struct driver driver_##driver_name                                            \
		__attribute__((used, section(".drivers")))

/* Probe all drivers of one phase. Kernel thread context for the later ones: may sleep. */
void drivers_probe(int phase);

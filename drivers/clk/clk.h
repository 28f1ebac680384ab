/*
 * Clocks and resets: a board's clock controller registers what it does; drivers of devices ask
 * for all that their nodes name. What no driver controls stays as firmware left it.
 */
#pragma once

#include "drivers/driver.h"
#include "lib/list.h"

struct clk_controller {
	int node;
	/* Let the clock with this number run. 0 or -errno. NULL: it stays as it is. */
	int (*enable)(struct clk_controller *c, uint32_t id);
	/* Let what hangs on the reset line with this number work. 0, -EINVAL or -ETIMEDOUT. */
	int (*release)(struct clk_controller *c, uint32_t id);
	/* Whether they are so already; false for a number that there is not. */
	bool (*enabled)(struct clk_controller *c, uint32_t id);
	bool (*released)(struct clk_controller *c, uint32_t id);
	struct list_head link; /* of all; written while drivers probe, by one thread */
};

void clk_controller_register(struct clk_controller *c);

/* All that "clocks" and "resets" of the node name. 0 or the first error. May sleep. */
int device_power_up(const struct fdt_device *d);
/*
 * Whether all of these let the device work; what no driver controls counts as doing so. A device
 * for which it is false may not answer accesses.
 */
bool device_powered(const struct fdt_device *d);
/*
 * The rate of the clock called `name`, Hz, from clock-frequency or what assigned-clock-rates says
 * of it; fallback if the tree does not tell.
 */
uint32_t device_clock_rate(const struct fdt_device *d, const char *name, uint32_t fallback);

/*
 * The watchdogs of StarFive's JH7110, which is like Arm's SP805 (technical reference manual DDI
 * 0270, chapter 3), and JH7100, of its own kind. Firmware may leave one running, and there is
 * nobody here who would keep it quiet.
 */
#include "drivers/clk/clk.h"
#include "drivers/driver.h"
#include "drivers/mmio.h"
#include "kernel/printk.h"

struct watchdog_layout {
	uint32_t enable; /* this register's bit 0: it counts */
	uint32_t lock;	 /* the others take writes after this one took the key, until it is 0 */
	uint32_t key;
};

#define ENABLE_COUNT 1U

static int watchdog_stop(struct fdt_device *d, const struct watchdog_layout *l)
{
	volatile uint8_t *regs;
	bool running;

	/* Without its clocks it neither counts nor answers. */
	if (!device_powered(d))
		return -ENODEV;
	regs = device_map(d, 0, l->lock + 4, NULL, NULL);
	if (!regs)
		return -EINVAL;
	mmio_write32(regs + l->lock, l->key);
	running = mmio_read32(regs + l->enable) & ENABLE_COUNT;
	if (running)
		mmio_write32(regs + l->enable, 0);
	mmio_write32(regs + l->lock, 0);
	if (running)
		pr_info("%s: the watchdog was running, and is stopped\n", d->name);
	return 0;
}

static int jh7110_wdt_probe(struct fdt_device *d)
{
	return watchdog_stop(d, &(struct watchdog_layout){0x008, 0xc00, 0x1acce551});
}

static int jh7100_wdt_probe(struct fdt_device *d)
{
	return watchdog_stop(d, &(struct watchdog_layout){0x110, 0x13c, 0x378f0765});
}

static const char *const jh7110_wdt_compatible[] = {"starfive,jh7110-wdt", NULL};
static const char *const jh7100_wdt_compatible[] = {"starfive,jh7100-wdt", NULL};

DRIVER(jh7110_wdt) = {
	.name = "jh7110-wdt",
	.compatible = jh7110_wdt_compatible,
	.phase = DRIVER_EARLY,
	.probe = jh7110_wdt_probe,
};
DRIVER(jh7100_wdt) = {
	.name = "jh7100-wdt",
	.compatible = jh7100_wdt_compatible,
	.phase = DRIVER_EARLY,
	.probe = jh7100_wdt_probe,
};

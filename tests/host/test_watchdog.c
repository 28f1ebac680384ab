/*
 * drivers/watchdog/ over models of StarFive's two watchdogs: locked, running or not, and without
 * their clocks, when an access would hang the bus.
 */
#include "tests/host/shim/kernel.h"

#include "drivers/driver.h"
#include "drivers/mmio.h"
#include "kernel/machine.h"
#include "kernel/mem/kmap.h"
#include "kernel/time.h"
#include "tests/host/files.h"

extern const struct driver driver_jh7110_crg, driver_jh7100_clkgen, driver_jh7100_reset,
	driver_jh7110_wdt, driver_jh7100_wdt;

#define CLOCK_ON (1U << 31)

static struct chip {
	const char *watchdog; /* its node */
	const struct driver *driver;
	uint64_t base;
	uint32_t enable, lock, key; /* offsets, and what unlocks */
	uint64_t clocks[2], resets; /* addresses */
	uint32_t released[2];	    /* bits in the status of the resets */
} chips[] = {
	{"/soc/watchdog@13070000", &driver_jh7110_wdt, 0x13070000, 0x008, 0xc00, 0x1acce551,
	 {0x130201e8, 0x130201ec}, 0x13020314, {1 << 13, 1 << 14}},
	{"/soc/watchdog@12480000", &driver_jh7100_wdt, 0x12480000, 0x110, 0x13c, 0x378f0765,
	 {0x118002ac, 0x118002b0}, 0x1184001c, {1 << 3, 1 << 4}},
};

static struct fdt fdt;
static const struct chip *chip;
static uint32_t clocks[2], resets, enable;
static bool unlocked;
static unsigned accesses;

/* For drivers/probe.c, which is not asked to look for drivers here. */
const struct driver _drivers_start[1], _drivers_end[1];

volatile void *mmio_map(paddr_t pa, size_t len)
{
	(void)len;
	return (volatile void *)pa;
}

uint64_t time_ns(void)
{
	return 0;
}

static bool in_watchdog(uint64_t pa)
{
	if (pa < chip->base || pa - chip->base >= 0x1000)
		return false;
	accesses++;
	if (!(clocks[0] & clocks[1] & CLOCK_ON) || ~resets & chip->released[0] ||
	    ~resets & chip->released[1])
		fail_msg("an access to a watchdog without clocks, or in reset");
	return true;
}

uint64_t host_mmio_read(const volatile void *reg, unsigned size)
{
	uint64_t pa = (uintptr_t)reg;

	assert_int_equal(size, 4);
	for (int i = 0; i < 2; i++)
		if (pa == chip->clocks[i])
			return clocks[i];
	if (pa == chip->resets)
		return resets;
	return in_watchdog(pa) && pa == chip->base + chip->enable ? enable : 0;
}

void host_mmio_write(volatile void *reg, unsigned size, uint64_t v)
{
	uint64_t pa = (uintptr_t)reg;

	assert_int_equal(size, 4);
	if (!in_watchdog(pa))
		fail_msg("a write to %#lx", pa);
	if (pa == chip->base + chip->lock)
		unlocked = v == chip->key;
	else if (unlocked && pa == chip->base + chip->enable)
		enable = (uint32_t)v;
}

static int probe(const char *path, const struct driver *drv)
{
	struct fdt_device d = {.fdt = &fdt, .node = fdt_find_path(&fdt, path)};

	assert_int_not_equal(d.node, FDT_NONE);
	d.name = fdt_name(&fdt, d.node);
	return drv->probe(&d);
}

/* A watchdog as firmware left it; what the driver says. */
static int found(const struct chip *c, uint32_t on)
{
	chip = c;
	clocks[0] = clocks[1] = CLOCK_ON;
	resets = UINT32_MAX;
	enable = on;
	unlocked = false;
	accesses = 0;
	return probe(c->watchdog, c->driver);
}

static void test_running(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(chips); i++) {
		assert_int_equal(found(&chips[i], 3), 0);
		assert_int_equal(enable, 0);
		assert_false(unlocked);
		assert_int_equal(found(&chips[i], 0), 0);
		assert_int_equal(enable, 0);
		assert_false(unlocked);
	}
}

/* Without one of its clocks, or with one of its resets, it is left alone. */
static void test_unpowered(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(chips); i++) {
		for (int missing = 0; missing < 4; missing++) {
			found(&chips[i], 1);
			accesses = 0;
			if (missing < 2)
				clocks[missing] = 0;
			else
				resets = ~chip->released[missing - 2];
			assert_int_equal(probe(chip->watchdog, chip->driver), -ENODEV);
			assert_int_equal(accesses, 0);
		}
	}
}

static int start(void **state)
{
	static const struct host_ram ram[] = {{.base = 0x40000000, .size = 4 * MiB}};
	const char *why;
	size_t size;
	uint8_t *blob = file_load(file_beside("dtb/starfive.dtb"), &size);

	(void)state;
	host_kernel_start();
	host_ram_start(ram, ARRAY_SIZE(ram));
	assert_non_null(blob);
	if (fdt_open(&fdt, blob, size, &why))
		fail_msg("%s", why);
	assert_int_equal(probe("/soc/clock-controller@13020000", &driver_jh7110_crg), 0);
	assert_int_equal(probe("/soc/clock-controller@11800000", &driver_jh7100_clkgen), 0);
	assert_int_equal(probe("/soc/reset-controller@11840000", &driver_jh7100_reset), 0);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_running),
		cmocka_unit_test(test_unpowered),
	};

	return cmocka_run_group_tests_name("watchdog", tests, start, NULL);
}

/*
 * google,goldfish-rtc: the date, in nanoseconds since 1970, as the host has it. Reading the low
 * word latches the high one.
 */
#include "drivers/driver.h"
#include "drivers/mmio.h"

#include "kernel/printk.h"
#include "kernel/time.h"

#define RTC_TIME_LOW  0x00
#define RTC_TIME_HIGH 0x04

static int goldfish_rtc_probe(struct fdt_device *d)
{
	volatile uint8_t *regs = device_map(d, 0, 8, NULL, NULL);

	if (!regs)
		return -ENOMEM;
	uint64_t low = mmio_read32(regs + RTC_TIME_LOW);
	uint64_t ns = (uint64_t)mmio_read32(regs + RTC_TIME_HIGH) << 32 | low;

	/* A clock that lost its battery counts from 1970: no better than having none. */
	if (!ns)
		return -EIO;
	time_set_realtime(ns);
	pr_info("rtc: %lu seconds since 1970\n", (unsigned long)(ns / NSEC_PER_SEC));
	return 0;
}

static const char *const goldfish_rtc_compatible[] = {"google,goldfish-rtc", NULL};

DRIVER(goldfish_rtc) = {
	.name = "goldfish-rtc",
	.compatible = goldfish_rtc_compatible,
	.phase = DRIVER_EARLY,
	.probe = goldfish_rtc_probe,
};

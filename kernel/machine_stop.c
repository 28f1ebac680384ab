#include "kernel/machine_stop.h"

#include "drivers/driver.h"
#include "drivers/mmio.h"
#include "kernel/machine.h"
#include "kernel/printk.h"
#include "kernel/riscv.h"
#include "kernel/sbi.h"

/* sifive,test1: one register, written with what to do and, above it, an exit status. */
#define TEST_FAIL  0x3333U
#define TEST_PASS  0x5555U
#define TEST_RESET 0x7777U

/* Reset types of SBI's system reset extension (SBI specification, chapter 10). */
#define SRST_SHUTDOWN	 0
#define SRST_COLD_REBOOT 1

/* Set by the probes, once, before anything can ask for a stop but a panic. */
static volatile uint8_t *test_regs;

/* syscon-poweroff and syscon-reboot: write `value` under `mask` to a register of another node. */
struct syscon_action {
	volatile uint8_t *reg;
	uint32_t value, mask;
};
static struct syscon_action syscon_poweroff, syscon_reboot;

static void syscon_do(const struct syscon_action *a)
{
	if (!a->reg)
		return;
	uint32_t old = a->mask == UINT32_MAX ? 0 : mmio_read32(a->reg);

	mmio_write32(a->reg, (old & ~a->mask) | (a->value & a->mask));
}

static void halt_message(void)
{
	printk(LOG_EMERG, "halted: it is safe to switch the machine off\n");
}

static void __noreturn stop_here(void)
{
	irq_disable();
	csr_write(sie, 0);
	for (;;)
		wait_for_interrupt();
}

void machine_poweroff(int status)
{
	uint32_t code = (uint32_t)status & 0xffff;

	if (test_regs)
		mmio_write32(test_regs, code ? code << 16 | TEST_FAIL : TEST_PASS);
	/* The node is often the same register, where it would lose the status: only after it. */
	syscon_do(&syscon_poweroff);
	if (sbi_has(SBI_SRST))
		sbi_call(SBI_SRST, 0, SRST_SHUTDOWN, status != 0, 0, 0, 0);
	/* It came back. The older call may hang instead, so the message comes first. */
	halt_message();
	sbi_call(SBI_LEGACY_SHUTDOWN, 0, 0, 0, 0, 0, 0);
	stop_here();
}

void machine_restart(void)
{
	/* Firmware first: it knows how to reset what a bare register would leave on. */
	if (sbi_has(SBI_SRST))
		sbi_call(SBI_SRST, 0, SRST_COLD_REBOOT, 0, 0, 0, 0);
	if (test_regs)
		mmio_write32(test_regs, TEST_RESET);
	syscon_do(&syscon_reboot);
	machine_halt();
}

void machine_halt(void)
{
	halt_message();
	stop_here();
}

void machine_refuse(const char *why)
{
	printk(LOG_EMERG, "xv39 cannot start: %s\n", why);
	machine_halt();
}

static int test_probe(struct fdt_device *d)
{
	volatile uint8_t *regs = device_map(d, 0, 4, NULL, NULL);

	if (!regs)
		return -ENOMEM;
	test_regs = regs;
	return 0;
}

static int syscon_probe(struct fdt_device *d, struct syscon_action *a)
{
	uint64_t len, base;
	uint32_t phandle = device_u32(d, "regmap", 0);
	uint32_t offset = device_u32(d, "offset", UINT32_MAX);
	uint32_t mask = device_u32(d, "mask", UINT32_MAX);
	uint32_t value = device_u32(d, "value", mask);
	int regmap = phandle ? fdt_find_phandle(d->fdt, phandle) : fdt_parent(d->fdt, d->node);
	struct fdt_device target = {.fdt = d->fdt, .node = regmap, .name = d->name};

	/* Older trees have only a mask, which then is the value too. */
	if (!device_has(d, "value") && !device_has(d, "mask"))
		return -EINVAL;
	/* A register of another width or far behind the range is not ours to guess. */
	if (offset % 4 || fdt_reg(d->fdt, regmap, 0, &base, &len) < 0 || len < 4 ||
	    offset > len - 4)
		return -EINVAL;
	volatile uint8_t *regs = device_map(&target, 0, offset + 4UL, NULL, NULL);

	if (!regs)
		return -ENOMEM;
	*a = (struct syscon_action){regs + offset, value, mask};
	return 0;
}

static int syscon_poweroff_probe(struct fdt_device *d)
{
	return syscon_probe(d, &syscon_poweroff);
}

static int syscon_reboot_probe(struct fdt_device *d)
{
	return syscon_probe(d, &syscon_reboot);
}

static const char *const test_compatible[] = {"sifive,test1", "sifive,test0", NULL};
static const char *const poweroff_compatible[] = {"syscon-poweroff", NULL};
static const char *const reboot_compatible[] = {"syscon-reboot", NULL};

DRIVER(sifive_test) = {
	.name = "sifive-test",
	.compatible = test_compatible,
	.phase = DRIVER_IRQCHIP, /* before anything else: a panic must find it */
	.probe = test_probe,
};
DRIVER(syscon_poweroff) = {
	.name = "syscon-poweroff",
	.compatible = poweroff_compatible,
	.phase = DRIVER_EARLY,
	.probe = syscon_poweroff_probe,
};
DRIVER(syscon_reboot) = {
	.name = "syscon-reboot",
	.compatible = reboot_compatible,
	.phase = DRIVER_EARLY,
	.probe = syscon_reboot_probe,
};

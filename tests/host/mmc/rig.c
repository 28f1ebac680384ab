#include "tests/host/mmc/rig.h"

#include "drivers/block/bio.h"
#include "drivers/driver.h"
#include "drivers/mmc/dw_mmc.h"
#include "drivers/mmc/sdhci.h"
#include "kernel/machine.h"
#include "kernel/time.h"
#include "kernel/trap.h"
#include "lib/string.h"
#include "tests/host/files.h"
#include "tests/host/shim/sleep.h"

extern const struct driver driver_dw_mmc, driver_sdhci, driver_sifive_spi, driver_spi_slot;

#define SOC "/soc/"
#define DW  SOC "mmc@16020000"
#define HC  SOC "mmc@20008000"
#define CAPS (CAPS_HIGH_SPEED | 50 << 8)

const struct rig_config rig_configs[] = {
	{"dw, by hand", DW, &dw_model, &driver_dw_mmc, 3 << 16, NULL},
	{"dw, IDMAC of 32 bits", DW, &dw_model, &driver_dw_mmc, 0, &dw_descriptors},
	{"dw, IDMAC of 64 bits", DW, &dw_model, &driver_dw_mmc, HCON_64BIT, &dw_descriptors},
	{"dw, polled", SOC "mmc@16030000", &dw_polled_model, &driver_dw_mmc, 0, &dw_descriptors},
	{"sdhci, by hand", HC, &sdhci_model, &driver_sdhci, CAPS, NULL},
	{"sdhci, SDMA", HC, &sdhci_model, &driver_sdhci, CAPS | CAPS_SDMA, NULL},
	{"sdhci, ADMA2 of 32 bits", HC, &sdhci_model, &driver_sdhci, CAPS | CAPS_ADMA2,
	 &sdhci_descriptors},
	{"sdhci, ADMA2 of 64 bits", HC, &sdhci_model, &driver_sdhci,
	 CAPS | CAPS_ADMA2 | CAPS_64BIT, &sdhci_descriptors},
	{"spi", SOC "spi@10050000/mmc@0", &spi_model, &driver_spi_slot, 0, NULL},
};
const unsigned rig_config_count = ARRAY_SIZE(rig_configs);

struct mmc_disk *rig_disk;
unsigned rig_flushed;

static const struct model_regs *const models[] = {&dw_model, &dw_polled_model, &sdhci_model,
						  &spi_model};
static const struct model_regs *active;
static struct fdt fdt;
static irq_handler_t handler;
static void *handler_arg;
static struct thread worker;
static uint32_t plain_regs[0x400];
static bool in_worker;

/* For drivers/probe.c, which is not asked to look for drivers here. */
const struct driver _drivers_start[1], _drivers_end[1];

uint32_t *rig_register(uint64_t pa)
{
	return &plain_regs[pa / 4 % ARRAY_SIZE(plain_regs)];
}

uint64_t host_mmio_read(const volatile void *reg, unsigned size)
{
	uint64_t pa = (uintptr_t)reg;

	for (unsigned i = 0; i < ARRAY_SIZE(models); i++)
		if (pa >= models[i]->base && pa - models[i]->base < models[i]->size)
			return models[i]->read((uint32_t)(pa - models[i]->base), size);
	return *rig_register(pa);
}

void host_mmio_write(volatile void *reg, unsigned size, uint64_t v)
{
	uint64_t pa = (uintptr_t)reg;

	for (unsigned i = 0; i < ARRAY_SIZE(models); i++)
		if (pa >= models[i]->base && pa - models[i]->base < models[i]->size)
			return models[i]->write((uint32_t)(pa - models[i]->base), size, v);
	rig_flushed += pa == 0x2010200;
	*rig_register(pa) = (uint32_t)v;
}

volatile void *mmio_map(paddr_t pa, size_t len)
{
	(void)len;
	return (volatile void *)pa;
}

int irq_register(uint32_t irq, const char *name, irq_handler_t func, void *arg)
{
	(void)name;
	assert_int_equal(irq, active->irq);
	handler = func;
	handler_arg = arg;
	return 0;
}

void irq_unregister(uint32_t irq)
{
	assert_int_equal(irq, active->irq);
	handler = NULL;
}

void sleep_ns(uint64_t ns)
{
	lockrank_assert_may_sleep();
	host_time += ns;
}

/* The thread of a disk runs when everybody else sleeps. */
struct thread *kthread_create(const char *name, void (*func)(void *), void *arg)
{
	(void)name;
	(void)func;
	rig_disk = arg;
	return &worker;
}

void thread_start(struct thread *t)
{
	assert_ptr_equal(t, &worker);
}

int blockdev_register(struct blockdev *d, const char *prefix)
{
	snprintf(d->name, sizeof(d->name), "%s0", prefix);
	d->queue = block_queue_create(d);
	return d->queue ? 0 : -ENOMEM;
}

static bool idle(void)
{
	if (active && active->interrupt && handler && active->interrupt()) {
		host_irqs_on = false;
		handler(handler_arg);
		host_irqs_on = true;
		return true;
	}
	if (in_worker || !rig_disk || !rig_disk->request)
		return false;
	in_worker = true;
	host_current = &worker;
	assert_true(mmc_disk_work(rig_disk));
	host_current = &host_thread;
	in_worker = false;
	return true;
}

void rig_start(void)
{
	static const struct host_ram ram[] = {
		{.base = 0x40000000, .size = 32 * MiB},
		{.base = 0x100000000, .size = 16 * MiB},
	};
	const char *why;
	size_t size;
	uint8_t *blob = file_load(file_beside("dtb/mmc.dtb"), &size);

	host_kernel_start();
	host_ram_start(ram, ARRAY_SIZE(ram));
	bio_init_waits();
	assert_non_null(blob);
	if (fdt_open(&fdt, blob, size, &why))
		fail_msg("%s", why);
	assert_int_equal(device_irq_domain_add(
		fdt_find_path(&fdt, "/soc/interrupt-controller@c000000"), 0, 137), 0);
}

void rig_reset(void)
{
	memset(&fault, 0, sizeof(fault));
	memset(&card, 0, sizeof(card));
	worker = (struct thread){.hart = &harts[0], .comm = "mmc"};
	host_idle = idle;
	host_current = &host_thread;
	in_worker = false;
	rig_disk = NULL;
	handler = NULL;
	active = NULL;
}

int rig_probe_node(const char *path, const struct driver *drv)
{
	struct fdt_device d = {.fdt = &fdt, .node = fdt_find_path(&fdt, path)};

	assert_int_not_equal(d.node, FDT_NONE);
	d.name = fdt_name(&fdt, d.node);
	return drv->probe(&d);
}

int rig_probe(const struct rig_config *c)
{
	static bool spi_known;

	active = c->model;
	active->reset();
	dw_hcon = sdhci_caps = c->feature;
	card.spi = c->model == &spi_model;
	if (card.spi && !spi_known)
		assert_int_equal(rig_probe_node("/soc/spi@10050000", &driver_sifive_spi), 0);
	spi_known |= card.spi;
	return rig_probe_node(c->path, c->driver);
}

/*
 * Devices that are not coherent with the caches: JH7100, whose second-level cache (SiFive's
 * "composable cache": FU540-C000 manual, chapter 10) writes back and drops a line whose address
 * is written to a register. It holds all that the harts' own caches hold.
 */
#include "drivers/dma.h"

#include "drivers/driver.h"
#include "drivers/mmio.h"
#include "kernel/printk.h"

#define REG_FLUSH64 0x200 /* 64 bits: the address of any byte of the line */
#define LINE	    64U

bool dma_incoherent;
static volatile uint8_t *cache_regs;

void dma_flush(paddr_t pa, size_t len)
{
	/* Stores of the data come first, and what is read or started next comes after. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (paddr_t at = ALIGN_DOWN(pa, (paddr_t)LINE); at < pa + len; at += LINE)
		mmio_write64(cache_regs + REG_FLUSH64, at);
	io_fence();
}

static int cache_probe(struct fdt_device *d)
{
	/* The tree says it of the bus. Without it devices snoop, and the cache is left alone. */
	if (!fdt_prop_present(d->fdt, fdt_parent(d->fdt, d->node), "dma-noncoherent"))
		return -ENODEV;
	cache_regs = device_map(d, 0, REG_FLUSH64 + 8, NULL, NULL);
	if (!cache_regs)
		return -EINVAL;
	dma_incoherent = true;
	pr_info("%s: devices are not coherent: their buffers are flushed\n", d->name);
	return 0;
}

static const char *const cache_compatible[] = {"sifive,ccache0", NULL};

DRIVER(ccache) = {
	.name = "ccache",
	.compatible = cache_compatible,
	.phase = DRIVER_EARLY,
	.probe = cache_probe,
};

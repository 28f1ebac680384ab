/*
 * SiFive's SPI controller (FU540-C000 manual, chapter 19), polled: eight bytes fit each way, which
 * at 20 MHz is less time than an interrupt takes.
 */
#include "drivers/driver.h"
#include "drivers/mmio.h"
#include "drivers/spi/spi.h"
#include "kernel/mem/slab.h"
#include "kernel/printk.h"
#include "kernel/time.h"

#define REG_SCKDIV  0x00 /* clock / (2 * (divisor + 1)) */
#define REG_SCKMODE 0x04
#define REG_CSID    0x10
#define REG_CSDEF   0x14
#define REG_CSMODE  0x18
#define REG_FMT	    0x40
#define REG_TXDATA  0x48 /* bit 31: full */
#define REG_RXDATA  0x4c /* bit 31: empty; reading takes the byte */
#define REG_FCTRL   0x60 /* bit 0: memory-mapped flash */
#define REG_IE	    0x70

#define DATA_BLOCKED 0x80000000U
#define CSMODE_HOLD  2U
#define CSMODE_OFF   3U
#define FMT_8BIT     (8U << 16) /* single wire, high bit first */
#define DIVISOR_MAX  0xfffU

#define FIFO	 8U
/* Half the cores' clock, and firmware sets that to 1 GHz at most: slower is safe. */
#define INPUT_HZ 500000000U
#define BYTES_NS (100 * NSEC_PER_MSEC) /* for a FIFO full; at 100 kHz it takes 0.7 ms */

struct sifive_spi {
	struct spi_bus bus;
	volatile uint8_t *regs;
};

static int sifive_spi_receive(struct sifive_spi *s, uint8_t *rx, size_t n)
{
	uint64_t deadline = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t v;

		while ((v = mmio_read32(s->regs + REG_RXDATA)) & DATA_BLOCKED) {
			uint64_t now = time_ns();

			if (!deadline)
				deadline = now + BYTES_NS;
			else if (now > deadline)
				return -ETIMEDOUT;
		}
		if (rx)
			rx[i] = (uint8_t)v;
	}
	return 0;
}

static int sifive_spi_transfer(struct spi_bus *b, const uint8_t *tx, uint8_t *rx, size_t len)
{
	struct sifive_spi *s = b->driver;

	for (size_t at = 0; at < len;) {
		size_t n = MIN(len - at, (size_t)FIFO);
		int err;

		/* All eight were received, so there is room for eight. */
		for (size_t i = 0; i < n; i++)
			mmio_write32(s->regs + REG_TXDATA, tx ? tx[at + i] : 0xff);
		err = sifive_spi_receive(s, rx ? rx + at : NULL, n);
		if (err)
			return err;
		at += n;
	}
	return 0;
}

static void sifive_spi_select(struct spi_bus *b, uint32_t cs, bool active)
{
	struct sifive_spi *s = b->driver;

	mmio_write32(s->regs + REG_CSID, cs);
	mmio_write32(s->regs + REG_CSMODE, active ? CSMODE_HOLD : CSMODE_OFF);
}

static uint32_t sifive_spi_set_clock(struct spi_bus *b, uint32_t hz)
{
	struct sifive_spi *s = b->driver;
	uint32_t divisor = (INPUT_HZ + 2 * hz - 1) / (2 * hz) - 1;

	divisor = MIN(divisor, DIVISOR_MAX);
	mmio_write32(s->regs + REG_SCKDIV, divisor);
	return INPUT_HZ / (2 * (divisor + 1));
}

static const struct spi_ops sifive_spi_ops = {
	.transfer = sifive_spi_transfer,
	.select = sifive_spi_select,
	.set_clock = sifive_spi_set_clock,
};

static int sifive_spi_probe(struct fdt_device *d)
{
	struct sifive_spi *s;

	/* With a second range it maps flash into memory, and the board may run from that. */
	if (!fdt_reg(d->fdt, d->node, 1, &(uint64_t){0}, NULL))
		return -ENODEV;
	s = kzalloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->regs = device_map(d, 0, REG_IE + 4, NULL, NULL);
	if (!s->regs) {
		kfree(s);
		return -EINVAL;
	}
	mmio_write32(s->regs + REG_IE, 0);
	mmio_write32(s->regs + REG_FCTRL, 0);
	mmio_write32(s->regs + REG_SCKMODE, 0);
	mmio_write32(s->regs + REG_CSDEF, UINT32_MAX);
	mmio_write32(s->regs + REG_CSMODE, CSMODE_OFF);
	mmio_write32(s->regs + REG_FMT, FMT_8BIT);
	/* What firmware left half read. */
	for (uint32_t i = 0; i < FIFO; i++)
		mmio_read32(s->regs + REG_RXDATA);
	s->bus = (struct spi_bus){.ops = &sifive_spi_ops, .node = d->node, .driver = s};
	spi_bus_register(&s->bus);
	return 0;
}

static const char *const sifive_spi_compatible[] = {"sifive,spi0", NULL};

DRIVER(sifive_spi) = {
	.name = "sifive-spi",
	.compatible = sifive_spi_compatible,
	.phase = DRIVER_EARLY, /* before what is connected to it */
	.probe = sifive_spi_probe,
};

/*
 * Controllers of the SD Host Controller specification (4.20), as Cadence makes it: cdns,sd4hc,
 * where the standard's registers stand behind a few of its own. By ADMA2 with addresses of 64 or
 * 32 bits, by SDMA, or without DMA: whatever the controller says that it has.
 */
#include "drivers/mmc/sdhci.h"

#include "drivers/mmio.h"
#include "kernel/mem/slab.h"
#include "kernel/printk.h"
#include "kernel/time.h"
#include "kernel/trap.h"
#include "lib/bits.h"

#define POLL_NS	   (10 * NSEC_PER_USEC)
#define RESET_NS   (100 * NSEC_PER_MSEC)
#define INHIBIT_NS (100 * NSEC_PER_MSEC)
#define COMMAND_NS NSEC_PER_SEC

static uint32_t reg_read32(const struct sdhci *s, uint32_t reg)
{
	return mmio_read32(s->regs + reg);
}

static void reg_write32(const struct sdhci *s, uint32_t reg, uint32_t v)
{
	mmio_write32(s->regs + reg, v);
}

/* Until the bits of an 8-bit or wider register are `value`. */
static int wait_bits(const struct sdhci *s, uint32_t reg, uint32_t mask, uint32_t value,
		     uint64_t ns)
{
	uint64_t deadline = time_ns() + ns;

	while ((reg_read32(s, reg) & mask) != value) {
		if (time_ns() > deadline)
			return -ETIMEDOUT;
		sleep_ns(POLL_NS);
	}
	return 0;
}

static int soft_reset(struct sdhci *s, uint32_t what)
{
	mmio_write8(s->regs + SDHCI_RESET, (uint8_t)what);
	return wait_bits(s, SDHCI_CLOCK, what << 24, 0, RESET_NS);
}

/* Both halves: what happened, and errors. */
static void sdhci_interrupt(void *arg)
{
	struct sdhci *s = arg;
	uint64_t was = spin_lock_irq(&s->lock);
	uint32_t status = reg_read32(s, SDHCI_INT_STATUS);

	reg_write32(s, SDHCI_INT_STATUS, status);
	s->seen |= status;
	spin_unlock_irq(&s->lock, was);
	wake_all(&s->wait);
}

static uint32_t take(struct sdhci *s, uint32_t bits)
{
	uint64_t was = spin_lock_irq(&s->lock);
	uint32_t seen = s->seen & (bits | SDHCI_INT_ERRORS);

	s->seen &= ~seen;
	spin_unlock_irq(&s->lock, was);
	return seen;
}

static int error_of(uint32_t seen)
{
	if (seen & SDHCI_ERR_TIMEOUTS)
		return -ETIMEDOUT;
	return seen & SDHCI_ERR_CRCS ? -EILSEQ : -EIO;
}

/* Until one of the bits, which is taken, or an error. */
static int wait_for(struct sdhci *s, uint32_t bits, uint64_t ns, uint32_t *got)
{
	uint64_t deadline = time_ns() + ns;

	for (;;) {
		uint32_t seen = 0;
		int err = 0;

		if (s->irq >= 0) {
			err = wait_event_deadline(&s->wait, (seen = take(s, bits)) != 0,
						  WAIT_UNINTERRUPTIBLE, deadline);
		} else {
			sdhci_interrupt(s);
			seen = take(s, bits);
			if (!seen && time_ns() > deadline)
				err = -ETIMEDOUT;
			else if (!seen)
				sleep_ns(POLL_NS);
		}
		if (err)
			return err;
		if (seen & SDHCI_INT_ERRORS)
			return error_of(seen);
		if (got)
			*got = seen;
		if (seen)
			return 0;
	}
}

static uint32_t fill_adma(struct sdhci *s)
{
	uint8_t *at = s->table;
	uint32_t n = s->dma.nvec, size = s->mode == SDHCI_ADMA64 ? 12 : 8;

	for (uint32_t i = 0; i < n; i++, at += size) {
		const struct bio_vec *v = &s->dma.vecs[i];

		/* 65536 is written as 0. */
		store_le16(at, ADMA_VALID | ADMA_TRANSFER | (i == n - 1 ? ADMA_END : 0));
		store_le16(at + 2, (uint16_t)v->len);
		store_le32(at + 4, (uint32_t)v->pa);
		if (size == 12)
			store_le32(at + 8, (uint32_t)(v->pa >> 32));
	}
	dma_sync(s->table_addr, n * size, DMA_TO_DEVICE, true);
	reg_write32(s, SDHCI_ADMA_ADDR, (uint32_t)s->table_addr);
	if (size == 12)
		reg_write32(s, SDHCI_ADMA_ADDR + 4, (uint32_t)(s->table_addr >> 32));
	return size == 12 ? CONTROL_ADMA64 : CONTROL_ADMA32;
}

/* What a data phase needs to know before the command; returns the transfer mode. */
static uint32_t prepare_data(struct sdhci *s, struct mmc_data *data)
{
	uint32_t mode = MODE_BLOCK_COUNT | (data->write ? 0 : MODE_READ) |
			(data->blocks > 1 ? MODE_MULTIPLE : 0);
	uint8_t control = mmio_read8(s->regs + SDHCI_CONTROL) & (uint8_t)~CONTROL_DMA;

	s->by_dma = s->mode != SDHCI_PIO && mmc_dma_begin(&s->dma, data);
	if (s->by_dma) {
		mode |= MODE_DMA;
		if (s->mode == SDHCI_SDMA)
			reg_write32(s, SDHCI_SDMA_ADDR, (uint32_t)s->dma.vecs[0].pa);
		else
			control |= (uint8_t)fill_adma(s);
	}
	mmio_write8(s->regs + SDHCI_CONTROL, control);
	mmio_write8(s->regs + SDHCI_TIMEOUT, TIMEOUT_MAX);
	reg_write32(s, SDHCI_BLOCK_SIZE, data->blocks << 16 | SDMA_BOUNDARY | data->block_size);
	return mode;
}

static void copy_block(struct sdhci *s, uint8_t *p, uint32_t size, bool write)
{
	for (uint32_t i = 0; i < size; i += 4) {
		if (write)
			reg_write32(s, SDHCI_BUFFER, load_le32(p + i));
		else
			store_le32(p + i, reg_read32(s, SDHCI_BUFFER));
	}
}

static int move_by_hand(struct sdhci *s, const struct mmc_data *data, uint64_t ns)
{
	for (uint32_t i = 0; i < data->nvec; i++) {
		uint8_t *p = phys_to_virt(data->vecs[i].pa);

		for (uint32_t at = 0; at < data->vecs[i].len; at += data->block_size) {
			int err = wait_for(s, data->write ? SDHCI_INT_WRITE_READY
							  : SDHCI_INT_READ_READY, ns, NULL);

			if (err)
				return err;
			copy_block(s, p + at, data->block_size, data->write);
		}
	}
	return 0;
}

/* SDMA stops wherever its address crosses a boundary, to be told where to go on. */
static int wait_sdma(struct sdhci *s, uint64_t ns)
{
	uint32_t got;

	for (;;) {
		int err = wait_for(s, SDHCI_INT_TRANSFER | SDHCI_INT_DMA, ns, &got);

		if (err || got & SDHCI_INT_TRANSFER)
			return err;
		reg_write32(s, SDHCI_SDMA_ADDR, reg_read32(s, SDHCI_SDMA_ADDR));
	}
}

static int move_data(struct sdhci *s, const struct mmc_data *data)
{
	uint64_t ns = mmc_data_timeout(&s->host, data);
	int err = 0;

	if (s->by_dma && s->mode == SDHCI_SDMA)
		return wait_sdma(s, ns);
	if (!s->by_dma)
		err = move_by_hand(s, data, ns);
	return err ? err : wait_for(s, SDHCI_INT_TRANSFER, ns, NULL);
}

static uint32_t command_bits(const struct mmc_command *cmd)
{
	static const uint8_t bits[] = {
		[MMC_RESP_NONE] = 0,
		[MMC_RESP_R1] = COMMAND_48 | COMMAND_CRC | COMMAND_INDEX,
		[MMC_RESP_R1B] = COMMAND_48_BUSY | COMMAND_CRC | COMMAND_INDEX,
		[MMC_RESP_R2] = COMMAND_136 | COMMAND_CRC,
		[MMC_RESP_R3] = COMMAND_48,
		[MMC_RESP_R6] = COMMAND_48 | COMMAND_CRC | COMMAND_INDEX,
		[MMC_RESP_R7] = COMMAND_48 | COMMAND_CRC | COMMAND_INDEX,
	};

	return cmd->index << 8 | bits[cmd->type] | (cmd->data ? COMMAND_DATA : 0) |
	       (cmd->index == SD_STOP ? COMMAND_ABORT : 0);
}

static void read_response(struct sdhci *s, struct mmc_command *cmd)
{
	uint32_t r[4];

	for (uint32_t i = 0; i < 4; i++)
		r[i] = reg_read32(s, SDHCI_RESPONSE + 4 * i);
	if (cmd->type != MMC_RESP_R2) {
		cmd->response[0] = r[0];
		return;
	}
	/* 120 bits: the check sum at the low end was taken off. */
	for (uint32_t i = 0; i < 4; i++)
		cmd->response[i] = r[3 - i] << 8 | (i < 3 ? r[2 - i] >> 24 : 0);
}

static int exchange(struct sdhci *s, struct mmc_command *cmd)
{
	bool busy = cmd->type == MMC_RESP_R1B;
	uint32_t inhibit = PRESENT_CMD_INHIBIT, mode = 0;
	int err;

	if (cmd->data || (busy && cmd->index != SD_STOP))
		inhibit |= PRESENT_DATA_INHIBIT;
	err = wait_bits(s, SDHCI_PRESENT, inhibit, 0, INHIBIT_NS);
	if (err)
		return err;
	sdhci_interrupt(s);
	take(s, UINT32_MAX);
	if (cmd->data)
		mode = prepare_data(s, cmd->data);
	reg_write32(s, SDHCI_ARGUMENT, cmd->arg);
	reg_write32(s, SDHCI_MODE, command_bits(cmd) << 16 | mode);
	err = wait_for(s, SDHCI_INT_COMMAND, COMMAND_NS, NULL);
	if (!err)
		read_response(s, cmd);
	if (!err && cmd->data)
		err = move_data(s, cmd->data);
	else if (!err && busy)
		err = wait_for(s, SDHCI_INT_TRANSFER, COMMAND_NS, NULL);
	return err;
}

static int sdhci_request(struct mmc_host *h, struct mmc_command *cmd)
{
	struct sdhci *s = h->driver;
	int err;

	s->by_dma = false;
	err = exchange(s, cmd);
	/* Only a reset of its two halves ends what may still be under way. */
	if (err)
		soft_reset(s, RESET_CMD | RESET_DATA);
	if (s->by_dma)
		mmc_dma_end(&s->dma);
	return err;
}

static int sdhci_set_clock(struct mmc_host *h, uint32_t hz)
{
	struct sdhci *s = h->driver;
	uint32_t divisor, clock;
	int err;

	mmio_write16(s->regs + SDHCI_CLOCK, 0);
	h->hz = 0;
	if (!hz)
		return 0;
	/* 0: the base clock; n: a 2n-th of it. */
	divisor = hz >= s->base_hz ? 0 : (s->base_hz + 2 * hz - 1) / (2 * hz);
	divisor = MIN(divisor, 1023U);
	clock = (divisor & 0xff) << 8 | divisor >> 8 << 6 | CLOCK_INTERNAL;
	mmio_write16(s->regs + SDHCI_CLOCK, (uint16_t)clock);
	err = wait_bits(s, SDHCI_CLOCK, CLOCK_STABLE, CLOCK_STABLE, RESET_NS);
	if (err)
		return err;
	mmio_write16(s->regs + SDHCI_CLOCK, (uint16_t)(clock | CLOCK_CARD));
	h->hz = divisor ? s->base_hz / (2 * divisor) : s->base_hz;
	return 0;
}

static void set_control(struct sdhci *s, uint8_t bit, bool on)
{
	uint8_t control = mmio_read8(s->regs + SDHCI_CONTROL);

	mmio_write8(s->regs + SDHCI_CONTROL, (uint8_t)(on ? control | bit : control & ~bit));
}

static void sdhci_set_width(struct mmc_host *h, uint32_t bits)
{
	set_control(h->driver, CONTROL_4BIT, bits == 4);
}

static void sdhci_set_timing(struct mmc_host *h, bool high_speed)
{
	set_control(h->driver, CONTROL_HIGH_SPEED, high_speed);
}

static int sdhci_reset(struct mmc_host *h)
{
	struct sdhci *s = h->driver;
	int err = soft_reset(s, RESET_ALL);

	if (err)
		return err;
	mmio_write8(s->regs + SDHCI_POWER, POWER_3V3 | POWER_ON);
	reg_write32(s, SDHCI_INT_ENABLE, SDHCI_INT_USED | SDHCI_INT_ERRORS);
	reg_write32(s, SDHCI_INT_SIGNAL, s->irq >= 0 ? SDHCI_INT_USED | SDHCI_INT_ERRORS : 0);
	/* Card detection begins anew; a bouncing contact is said to be no card, later. */
	wait_bits(s, SDHCI_PRESENT, PRESENT_STABLE, PRESENT_STABLE, RESET_NS);
	return 0;
}

static bool sdhci_present(struct mmc_host *h)
{
	struct sdhci *s = h->driver;

	return s->always_there || reg_read32(s, SDHCI_PRESENT) & PRESENT_CARD;
}

static const struct mmc_host_ops sdhci_ops = {
	.request = sdhci_request,
	.set_clock = sdhci_set_clock,
	.set_width = sdhci_set_width,
	.set_timing = sdhci_set_timing,
	.reset = sdhci_reset,
	.present = sdhci_present,
};

/* The best that the capabilities have and there is memory for. */
static void choose_mode(struct sdhci *s, uint32_t caps)
{
	bool adma = caps & CAPS_ADMA2;

	s->mode = adma && caps & CAPS_64BIT ? SDHCI_ADMA64
		  : adma		    ? SDHCI_ADMA32
		  : caps & CAPS_SDMA	    ? SDHCI_SDMA
					    : SDHCI_PIO;
	if (s->mode == SDHCI_PIO)
		return;
	s->dma.reaches_all = s->mode == SDHCI_ADMA64;
	s->dma.one_piece = s->mode == SDHCI_SDMA;
	s->table = dma_alloc_32(0, &s->table_addr);
	if (!s->table || mmc_dma_init(&s->dma, &s->host))
		s->mode = SDHCI_PIO;
}

int sdhci_init(struct sdhci *s, struct fdt_device *d)
{
	uint32_t caps = reg_read32(s, SDHCI_CAPS);

	s->base_hz = (caps >> 8 & 0xff) * 1000000;
	if (!s->base_hz)
		s->base_hz = device_u32(d, "clock-frequency", 0);
	if (!s->base_hz)
		return -EINVAL;
	spin_init(&s->lock, "sdhci", RANK_DRIVER);
	waitqueue_init(&s->wait);
	s->always_there = device_has(d, "non-removable") || device_has(d, "broken-cd");
	s->host = (struct mmc_host){
		.ops = &sdhci_ops,
		.driver = s,
		.can_4bit = true,
		.can_high_speed = caps & CAPS_HIGH_SPEED,
		.max_hz = s->base_hz,
	};
	mmc_host_read_tree(&s->host, d);
	choose_mode(s, caps);
	s->irq = device_irq(d, 0);
	reg_write32(s, SDHCI_INT_SIGNAL, 0);
	if (s->irq >= 0 && irq_register((uint32_t)s->irq, "sdhci", sdhci_interrupt, s))
		s->irq = -1;
	return 0;
}

void sdhci_stop(struct sdhci *s)
{
	reg_write32(s, SDHCI_INT_SIGNAL, 0);
	if (s->irq >= 0)
		irq_unregister((uint32_t)s->irq);
	mmc_dma_free(&s->dma);
	if (s->table)
		frame_free(frame_of(s->table), 0);
}

static int sdhci_probe(struct fdt_device *d)
{
	struct sdhci *s = kzalloc(sizeof(*s));
	volatile uint8_t *regs;
	int err = -EINVAL;

	if (!s)
		return -ENOMEM;
	regs = device_map(d, 0, CDNS_STANDARD + SDHCI_SIZE, NULL, NULL);
	if (!regs)
		goto failed;
	/* Cadence's own: a card for SD, not one of the modes of eMMC. */
	mmio_write32(regs + CDNS_EMMC, mmio_read32(regs + CDNS_EMMC) & ~CDNS_EMMC_MODE);
	s->regs = regs + CDNS_STANDARD;
	err = sdhci_init(s, d);
	if (err)
		goto failed;
	err = mmc_host_add(&s->host);
	if (!err)
		return 0;
	sdhci_stop(s);
failed:
	kfree(s);
	return err;
}

static const char *const sdhci_compatible[] = {"cdns,sd4hc", NULL};

DRIVER(sdhci) = {
	.name = "sdhci",
	.compatible = sdhci_compatible,
	.phase = DRIVER_NORMAL,
	.probe = sdhci_probe,
};

/*
 * Synopsys' DesignWare mobile storage host, as on StarFive's chips: data by its internal DMA
 * (IDMAC), or by hand through the FIFO.
 *
 * Interrupts only wake the thread: the handler masks them all, and the status stays until the
 * thread has looked.
 */
#include "drivers/mmc/dw_mmc.h"

#include "drivers/clk/clk.h"
#include "drivers/mmio.h"
#include "kernel/mem/slab.h"
#include "kernel/printk.h"
#include "kernel/time.h"
#include "kernel/trap.h"
#include "lib/endian.h"

#define POLL_NS	   (10 * NSEC_PER_USEC)
#define RESET_NS   (100 * NSEC_PER_MSEC)
#define TAKEN_NS   NSEC_PER_SEC /* a card may be busy for so long */
#define COMMAND_NS NSEC_PER_SEC
#define DEFAULT_HZ 50000000U

static uint32_t reg_read(const struct dw_mmc *s, uint32_t reg)
{
	return mmio_read32(s->regs + reg);
}

static void reg_write(const struct dw_mmc *s, uint32_t reg, uint32_t v)
{
	mmio_write32(s->regs + reg, v);
}

static int wait_clear(const struct dw_mmc *s, uint32_t reg, uint32_t mask, uint64_t ns)
{
	uint64_t deadline = time_ns() + ns;

	while (reg_read(s, reg) & mask) {
		if (time_ns() > deadline)
			return -ETIMEDOUT;
		sleep_ns(POLL_NS);
	}
	return 0;
}

/* What happened, and above it what the DMA says. */
static uint32_t status_read(const struct dw_mmc *s)
{
	uint32_t status = reg_read(s, DW_RINTSTS) & INT_ALL;

	if (s->by_dma)
		status |= (reg_read(s, s->wide ? DW_IDSTS64 : DW_IDSTS) & DMA_ALL) << DMA_SHIFT;
	return status;
}

static void status_clear(const struct dw_mmc *s, uint32_t bits)
{
	reg_write(s, DW_RINTSTS, bits & INT_ALL);
	if (s->idmac && bits >> DMA_SHIFT)
		reg_write(s, s->wide ? DW_IDSTS64 : DW_IDSTS, bits >> DMA_SHIFT);
}

static void interrupts_mask(const struct dw_mmc *s, uint32_t bits)
{
	uint32_t dma = bits >> DMA_SHIFT;

	reg_write(s, DW_INTMASK, bits & INT_ALL);
	if (s->idmac)
		reg_write(s, s->wide ? DW_IDINTEN64 : DW_IDINTEN, dma ? dma | DMA_SUMMARIES : 0);
}

static void dw_interrupt(void *arg)
{
	struct dw_mmc *s = arg;

	interrupts_mask(s, 0);
	__atomic_store_n(&s->fired, true, __ATOMIC_RELEASE);
	wake_all(&s->wait);
}

static int error_of(uint32_t status)
{
	if (status & (INT_RTO | INT_DRTO))
		return -ETIMEDOUT;
	return status & (INT_RCRC | INT_DCRC | INT_EBE | INT_SBE) ? -EILSEQ : -EIO;
}

/* Until one of `any` or all of `all` happened, or one of the errors; the status in *got. */
static int wait_for(struct dw_mmc *s, uint32_t any, uint32_t all, uint32_t errors, uint64_t ns,
		    uint32_t *got)
{
	uint64_t deadline = time_ns() + ns;

	for (;;) {
		uint32_t v = status_read(s);

		*got = v;
		if (v & errors)
			return error_of(v);
		if (v & any || (all && (v & all) == all))
			return 0;
		if (time_ns() > deadline)
			return -ETIMEDOUT;
		if (s->irq < 0) {
			sleep_ns(POLL_NS);
			continue;
		}
		/* The mask cannot say "all of them", but it leaves out what has come already. */
		s->fired = false;
		interrupts_mask(s, any | errors | (all & ~v));
		wait_event_deadline(&s->wait, __atomic_load_n(&s->fired, __ATOMIC_ACQUIRE),
				    WAIT_UNINTERRUPTIBLE, deadline);
	}
}

/* Have the clock registers take effect: a command that goes to no card. */
static int update_clock(struct dw_mmc *s)
{
	reg_write(s, DW_CMD, CMD_START | CMD_UPD_CLK | CMD_PRV_WAIT);
	return wait_clear(s, DW_CMD, CMD_START, TAKEN_NS);
}

static void fill_descriptor(struct dw_mmc *s, uint32_t i, paddr_t pa, uint32_t bytes,
			    uint32_t flags)
{
	uint32_t words = s->wide ? 8 : 4, *d = s->table + i * words;
	dma_addr_t next = s->table_addr + (i + 1) * words * 4;

	d[0] = DES_OWN | DES_CHAIN | flags;
	if (s->wide) {
		d[1] = 0;
		d[2] = bytes;
		d[3] = 0;
		d[4] = (uint32_t)pa;
		d[5] = (uint32_t)(pa >> 32);
		d[6] = (uint32_t)next;
		d[7] = (uint32_t)(next >> 32);
	} else {
		d[1] = bytes;
		d[2] = (uint32_t)pa;
		d[3] = (uint32_t)next;
	}
}

static void fill_table(struct dw_mmc *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->dma.nvec; i++) {
		const struct bio_vec *v = &s->dma.vecs[i];

		for (uint32_t at = 0; at < v->len; at += DES_BYTES, n++) {
			uint32_t bytes = MIN(v->len - at, DES_BYTES);
			bool last = i == s->dma.nvec - 1 && at + bytes == v->len;

			fill_descriptor(s, n, v->pa + at, bytes,
					(n ? 0 : DES_FIRST) | (last ? DES_LAST : 0));
		}
	}
	dma_sync(s->table_addr, PAGE_SIZE << DES_ORDER, DMA_BOTH, true);
}

/* What a data phase needs to know before the command. */
static int prepare_data(struct dw_mmc *s, struct mmc_data *data)
{
	uint32_t ctrl = CTRL_INT;
	int err;

	s->by_dma = s->idmac && mmc_dma_begin(&s->dma, data);
	reg_write(s, DW_CTRL, CTRL_INT | CTRL_FIFO);
	err = wait_clear(s, DW_CTRL, CTRL_FIFO, RESET_NS);
	if (err)
		return err;
	reg_write(s, DW_BLKSIZ, data->block_size);
	reg_write(s, DW_BYTCNT, data->block_size * data->blocks);
	if (s->by_dma) {
		fill_table(s);
		status_clear(s, DMA_ALL << DMA_SHIFT);
		reg_write(s, DW_DBADDR, (uint32_t)s->table_addr);
		if (s->wide)
			reg_write(s, DW_DBADDRU, (uint32_t)(s->table_addr >> 32));
		ctrl |= CTRL_IDMAC | CTRL_DMA;
	}
	reg_write(s, DW_CTRL, ctrl);
	reg_write(s, DW_BMOD, s->by_dma ? BMOD_ENABLE | BMOD_FIXED : 0);
	if (s->by_dma)
		reg_write(s, DW_PLDMND, 1);
	return 0;
}

/* Move what the FIFO has, or has room for; p and *left are of the piece at hand. */
static void fifo_move(struct dw_mmc *s, uint8_t *p, uint32_t *at, uint32_t len, bool write)
{
	uint32_t count = STATUS_COUNT(reg_read(s, DW_STATUS));
	uint32_t n = write ? s->fifo - MIN(count, s->fifo) : count;

	for (; n && *at < len; n--, *at += 4) {
		if (write)
			reg_write(s, DW_FIFO, load_le32(p + *at));
		else
			store_le32(p + *at, reg_read(s, DW_FIFO));
	}
}

static int move_by_hand(struct dw_mmc *s, const struct mmc_data *data, uint64_t ns)
{
	uint32_t request = data->write ? INT_TXDR : INT_RXDR, got = 0;

	for (uint32_t i = 0; i < data->nvec; i++) {
		uint8_t *p = phys_to_virt(data->vecs[i].pa);

		for (uint32_t at = 0, before; at < data->vecs[i].len;) {
			before = at;
			fifo_move(s, p, &at, data->vecs[i].len, data->write);
			if (at > before)
				continue;
			/* The card is done, nothing is left in the FIFO, and it was too little. */
			if (got & INT_DTO)
				return -EIO;
			status_clear(s, request);
			int err = wait_for(s, request | INT_DTO, 0, INT_DATA_ERRORS, ns, &got);

			if (err)
				return err;
		}
	}
	return wait_for(s, INT_DTO, 0, INT_DATA_ERRORS, ns, &got);
}

static int move_data(struct dw_mmc *s, const struct mmc_data *data)
{
	uint32_t done = data->write ? DMA_SENT : DMA_RECEIVED, got;
	uint64_t ns = mmc_data_timeout(&s->host, data);

	if (!s->by_dma)
		return move_by_hand(s, data, ns);
	/* The card is done when it is, the DMA when memory has what it brought. */
	return wait_for(s, 0, INT_DTO | done << DMA_SHIFT,
			INT_DATA_ERRORS | DMA_ERRORS << DMA_SHIFT, ns, &got);
}

static uint32_t command_bits(struct dw_mmc *s, const struct mmc_command *cmd)
{
	uint32_t bits = CMD_START | CMD_USE_HOLD | cmd->index;

	if (cmd->type != MMC_RESP_NONE)
		bits |= CMD_RESP;
	if (cmd->type != MMC_RESP_NONE && cmd->type != MMC_RESP_R3)
		bits |= CMD_CRC;
	if (cmd->type == MMC_RESP_R2)
		bits |= CMD_LONG;
	if (cmd->data)
		bits |= CMD_DATA | CMD_PRV_WAIT | (cmd->data->write ? CMD_WRITE : 0);
	/* Both must be able to come while data moves. */
	if (cmd->index == SD_STOP)
		bits |= CMD_STOP;
	if (s->first)
		bits |= CMD_INIT;
	return bits;
}

static int exchange(struct dw_mmc *s, struct mmc_command *cmd)
{
	uint32_t got;
	int err;

	status_clear(s, INT_ALL);
	if (cmd->data) {
		err = prepare_data(s, cmd->data);
		if (err)
			return err;
	}
	reg_write(s, DW_CMDARG, cmd->arg);
	reg_write(s, DW_CMD, command_bits(s, cmd));
	s->first = false;
	err = wait_clear(s, DW_CMD, CMD_START, TAKEN_NS);
	if (!err)
		err = wait_for(s, INT_CDONE, 0, INT_COMMAND_ERRORS, COMMAND_NS, &got);
	if (err)
		return err;
	for (uint32_t i = 0; i < 4; i++)
		cmd->response[i] = reg_read(s, DW_RESP0 +
					       4 * (cmd->type == MMC_RESP_R2 ? 3 - i : i));
	if (cmd->data)
		return move_data(s, cmd->data);
	return cmd->type == MMC_RESP_R1B ? wait_clear(s, DW_STATUS, STATUS_BUSY, COMMAND_NS) : 0;
}

/* All three resets; the clock registers must be announced again after them. */
static int stop_all(struct dw_mmc *s)
{
	int err;

	reg_write(s, DW_BMOD, BMOD_RESET);
	reg_write(s, DW_CTRL, CTRL_RESETS);
	err = wait_clear(s, DW_CTRL, CTRL_RESETS, RESET_NS);
	reg_write(s, DW_CTRL, CTRL_INT);
	status_clear(s, INT_ALL | DMA_ALL << DMA_SHIFT);
	return err ? err : update_clock(s);
}

static int dw_request(struct mmc_host *h, struct mmc_command *cmd)
{
	struct dw_mmc *s = h->driver;
	int err;

	s->by_dma = false;
	err = exchange(s, cmd);
	interrupts_mask(s, 0);
	if (err)
		stop_all(s);
	if (s->by_dma)
		mmc_dma_end(&s->dma);
	s->by_dma = false;
	return err;
}

static int dw_set_clock(struct mmc_host *h, uint32_t hz)
{
	struct dw_mmc *s = h->driver;
	uint32_t divisor = 0;
	int err;

	reg_write(s, DW_CLKENA, 0);
	err = update_clock(s);
	h->hz = 0;
	if (err || !hz)
		return err;
	/* 0: the clock itself; n: a 2n-th of it. */
	if (hz < s->clock_hz)
		divisor = MIN((s->clock_hz + 2 * hz - 1) / (2 * hz), 255U);
	reg_write(s, DW_CLKSRC, 0);
	reg_write(s, DW_CLKDIV, divisor);
	err = update_clock(s);
	if (err)
		return err;
	reg_write(s, DW_CLKENA, 1);
	h->hz = divisor ? s->clock_hz / (2 * divisor) : s->clock_hz;
	return update_clock(s);
}

static void dw_set_width(struct mmc_host *h, uint32_t bits)
{
	reg_write(h->driver, DW_CTYPE, bits == 4);
}

static int dw_reset(struct mmc_host *h)
{
	struct dw_mmc *s = h->driver;
	int err;

	reg_write(s, DW_PWREN, 1);
	interrupts_mask(s, 0);
	err = stop_all(s);
	if (err)
		return err;
	reg_write(s, DW_TMOUT, UINT32_MAX);
	/* Bursts of eight; ask when it is half full, or half empty. */
	reg_write(s, DW_FIFOTH, 2U << 28 | (s->fifo / 2 - 1) << 16 | s->fifo / 2);
	reg_write(s, DW_CTYPE, 0);
	s->first = true;
	return 0;
}

static const struct mmc_host_ops dw_ops = {
	.request = dw_request,
	.set_clock = dw_set_clock,
	.set_width = dw_set_width,
	.reset = dw_reset,
};

/* Without memory for its tables, or without a DMA of its own, data goes by hand. */
static void dma_setup(struct dw_mmc *s)
{
	uint32_t hcon = reg_read(s, DW_HCON);

	if (HCON_DMA(hcon))
		return;
	s->wide = hcon & HCON_64BIT;
	s->dma.reaches_all = s->wide;
	s->table = dma_alloc_32(DES_ORDER, &s->table_addr);
	s->idmac = s->table && !mmc_dma_init(&s->dma, &s->host);
}

int dw_mmc_init(struct dw_mmc *s, struct fdt_device *d)
{
	waitqueue_init(&s->wait);
	s->fifo = device_u32(d, "fifo-depth", 32);
	if (s->fifo < 4 || s->fifo > 4096)
		return -EINVAL;
	s->host = (struct mmc_host){
		.ops = &dw_ops,
		.driver = s,
		.can_4bit = true,
		.can_high_speed = true,
		.max_hz = s->clock_hz,
	};
	mmc_host_read_tree(&s->host, d);
	dma_setup(s);
	interrupts_mask(s, 0);
	s->irq = device_irq(d, 0);
	if (s->irq >= 0 && irq_register((uint32_t)s->irq, "dw-mmc", dw_interrupt, s))
		s->irq = -1;
	return 0;
}

void dw_mmc_stop(struct dw_mmc *s)
{
	interrupts_mask(s, 0);
	if (s->irq >= 0)
		irq_unregister((uint32_t)s->irq);
	mmc_dma_free(&s->dma);
	if (s->table)
		frame_free(frame_of(s->table), DES_ORDER);
}

static int dw_probe(struct fdt_device *d)
{
	struct dw_mmc *s;
	int err;

	/* Radio modules sit on such controllers, too. */
	if (device_has(d, "no-sd"))
		return -ENODEV;
	s = kzalloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	err = device_power_up(d);
	if (err)
		goto failed;
	err = -EINVAL;
	s->clock_hz = device_clock_rate(d, "ciu", DEFAULT_HZ);
	s->regs = device_map(d, 0, DW_SIZE, NULL, NULL);
	if (!s->regs)
		goto failed;
	err = dw_mmc_init(s, d);
	if (err)
		goto failed;
	err = mmc_host_add(&s->host);
	if (!err)
		return 0;
	dw_mmc_stop(s);
failed:
	kfree(s);
	return err;
}

static const char *const dw_compatible[] = {"starfive,jh7110-mmc", "snps,dw-mshc", NULL};

DRIVER(dw_mmc) = {
	.name = "dw-mmc",
	.compatible = dw_compatible,
	.phase = DRIVER_NORMAL,
	.probe = dw_probe,
};

/* The DesignWare mobile storage host: one with an interrupt, and one without. */
#include "tests/host/mmc/model.h"

#include "drivers/mmc/dw_mmc.h"
#include "lib/endian.h"

uint32_t dw_hcon;
unsigned dw_descriptors;

static uint32_t regs[DW_SIZE / 4];
static uint32_t fifo[32], fifo_count;
static uint8_t block[512];
static uint32_t block_at, left; /* bytes: of the block at hand, of the transfer */
static bool writing, ended;

#define R(reg) regs[(reg) / 4]

static uint32_t idsts(void)
{
	return dw_hcon & HCON_64BIT ? DW_IDSTS64 : DW_IDSTS;
}

static void raise(uint32_t bits)
{
	R(DW_RINTSTS) |= bits;
}

/* One block between the card and `block`; false: an error was raised. */
static bool move_block(bool write)
{
	uint32_t size = R(DW_BLKSIZ);

	if (!(write ? card_write(block, size) : card_read(block, size))) {
		/* The host itself has no limit for how long a card may not take data. */
		raise(write ? 0 : INT_DRTO | INT_DTO);
		ended = true;
		return false;
	}
	if (size == 512 && fault_strikes(FAULT_DATA_CRC)) {
		raise(INT_DCRC | INT_DTO);
		ended = true;
		return false;
	}
	return true;
}

static void memory(uint64_t addr, uint32_t len)
{
	for (uint32_t at = 0; at < len && left; at++) {
		uint8_t *p = (uint8_t *)phys_to_virt(addr) + at;

		if (!writing && block_at == 0 && !move_block(false))
			return;
		if (writing)
			block[block_at] = *p;
		else
			*p = block[block_at];
		left--;
		block_at = (block_at + 1) % R(DW_BLKSIZ);
		if (writing && block_at == 0 && !move_block(true))
			return;
	}
}

static void run_dma(void)
{
	bool wide = dw_hcon & HCON_64BIT;
	uint64_t addr = R(DW_DBADDR) | (wide ? (uint64_t)R(DW_DBADDRU) << 32 : 0);

	for (bool first = true; left && !ended; first = false) {
		uint32_t d[8];

		memcpy(d, phys_to_virt(addr), wide ? 32 : 16);
		assert_int_equal(!!(d[0] & DES_FIRST), first);
		assert_true(d[0] & DES_CHAIN);
		if (!(d[0] & DES_OWN) || fault_strikes(FAULT_DESCRIPTOR)) {
			regs[idsts() / 4] |= 0x210;
			return;
		}
		dw_descriptors++;
		assert_in_range(d[wide ? 2 : 1], 1, 4096);
		memory(wide ? d[4] | (uint64_t)d[5] << 32 : d[2], d[wide ? 2 : 1]);
		if (d[0] & DES_LAST)
			assert_true(left == 0 || ended);
		addr = wide ? d[6] | (uint64_t)d[7] << 32 : d[3];
	}
	if (ended)
		return;
	raise(INT_DTO);
	regs[idsts() / 4] |= 0x100 | (writing ? DMA_SENT : DMA_RECEIVED);
}

/* The FIFO side of a read by hand: the card fills it up. */
static void fill_fifo(void)
{
	while (!ended && left && fifo_count < 32) {
		if (block_at == 0 && !move_block(false))
			return;
		if (R(DW_BLKSIZ) == 512 && fault_strikes(FAULT_SHORT)) {
			ended = true;
			raise(INT_DTO);
			return;
		}
		fifo[fifo_count++] = load_le32(block + block_at);
		block_at = (block_at + 4) % R(DW_BLKSIZ);
		left -= 4;
		if (!left)
			raise(INT_DTO);
	}
	if (fifo_count > (R(DW_FIFOTH) >> 16 & 0xfff))
		raise(INT_RXDR);
}

static void fifo_write(uint32_t v)
{
	/* The rest of a burst, after the error. */
	if (ended)
		return;
	assert_true(writing && left >= 4);
	store_le32(block + block_at, v);
	block_at = (block_at + 4) % R(DW_BLKSIZ);
	left -= 4;
	if (block_at == 0 && move_block(true) && !left)
		raise(INT_DTO);
	if (left && !ended)
		raise(INT_TXDR);
}

static void start_data(uint32_t cmd)
{
	writing = cmd & CMD_WRITE;
	left = R(DW_BYTCNT);
	block_at = fifo_count = 0;
	ended = false;
	if (R(DW_CTRL) & CTRL_IDMAC) {
		assert_true(R(DW_BMOD) & BMOD_ENABLE);
		run_dma();
	} else if (writing) {
		raise(INT_TXDR);
	} else {
		fill_fifo();
	}
}

static void command(uint32_t cmd)
{
	uint32_t index = cmd & 63, r[4];
	bool transfers = cmd & CMD_DATA && R(DW_BLKSIZ) == 512;

	R(DW_CMD) &= ~CMD_START;
	if (cmd & CMD_UPD_CLK)
		return;
	assert_true(R(DW_CLKENA) & 1);
	if ((transfers && fault_strikes(FAULT_NO_RESPONSE)) ||
	    !card_command(index, R(DW_CMDARG), r)) {
		raise(cmd & CMD_RESP ? INT_RTO | INT_CDONE : INT_CDONE);
		return;
	}
	if (transfers && fault_strikes(FAULT_RESPONSE_CRC)) {
		raise(INT_RCRC | INT_CDONE);
		return;
	}
	for (int i = 0; i < 4; i++)
		regs[DW_RESP0 / 4 + i] = cmd & CMD_LONG ? r[3 - i] : i ? 0 : r[0];
	raise(INT_CDONE);
	if (!(cmd & CMD_DATA))
		return;
	writing = cmd & CMD_WRITE;
	ended = true;
	if (transfers && fault_strikes(FAULT_SILENT))
		return;
	/* Otherwise it complained, and moves nothing. */
	if (card.state == CARD_DATA || card.state == CARD_RCV)
		start_data(cmd);
}

static uint64_t dw_read(uint32_t reg, unsigned size)
{
	uint32_t v;

	assert_int_equal(size, 4);
	if (reg == DW_HCON)
		return dw_hcon;
	/* A card that takes nothing leaves the FIFO full. */
	if (reg == DW_STATUS)
		return (writing && ended ? 32 : fifo_count) << 17 | (card.busy ? STATUS_BUSY : 0);
	if (reg != DW_FIFO)
		return R(reg);
	assert_true(fifo_count);
	v = fifo[0];
	memmove(fifo, fifo + 1, --fifo_count * 4);
	fill_fifo();
	return v;
}

static void dw_write(uint32_t reg, unsigned size, uint64_t v)
{
	assert_int_equal(size, 4);
	if (reg == DW_FIFO) {
		fifo_write((uint32_t)v);
	} else if (reg == DW_RINTSTS || reg == idsts()) {
		R(reg) &= ~(uint32_t)v;
		/* What asks for data is a level. */
		if (reg == DW_RINTSTS && writing && left && !ended && !(R(DW_CTRL) & CTRL_IDMAC))
			raise(INT_TXDR);
	} else if (reg == DW_CTRL) {
		if (v & CTRL_FIFO)
			fifo_count = 0;
		if (v & 1)
			left = 0;
		R(reg) = (uint32_t)v & ~CTRL_RESETS;
	} else if (reg == DW_BMOD) {
		R(reg) = (uint32_t)v & ~BMOD_RESET;
	} else {
		R(reg) = (uint32_t)v;
		if (reg == DW_CMD && v & CMD_START)
			command((uint32_t)v);
	}
}

static bool dw_interrupt(void)
{
	uint32_t dma = regs[idsts() / 4] & R(idsts() + 4) & 0x37;
	uint32_t summary = R(idsts() + 4) & 0x300;

	return R(DW_CTRL) & CTRL_INT && (R(DW_RINTSTS) & R(DW_INTMASK) || (dma && summary));
}

static void dw_reset(void)
{
	memset(regs, 0, sizeof(regs));
	left = fifo_count = 0;
	dw_descriptors = 0;
}

const struct model_regs dw_model = {
	.base = 0x16020000, .size = 0x10000, .read = dw_read, .write = dw_write,
	.interrupt = dw_interrupt, .irq = 75, .reset = dw_reset,
};
const struct model_regs dw_polled_model = {
	.base = 0x16030000, .size = 0x10000, .read = dw_read, .write = dw_write, .reset = dw_reset,
};

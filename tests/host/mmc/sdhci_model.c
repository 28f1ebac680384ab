/* A host controller of the SD specification behind Cadence's own registers. */
#include "tests/host/mmc/model.h"

#include "drivers/mmc/sdhci.h"

uint32_t sdhci_caps;
unsigned sdhci_descriptors;

static uint8_t regs[0x400];
static uint8_t block[512];
static uint32_t block_at, blocks;
static uint64_t sdma;
static bool writing, filled;

#define STD(reg) (CDNS_STANDARD + (reg))

static uint32_t get(uint32_t reg)
{
	return load_le32(regs + STD(reg));
}

static void set(uint32_t reg, uint32_t v)
{
	store_le32(regs + STD(reg), v);
}

static void raise(uint32_t bits)
{
	set(SDHCI_INT_STATUS, (get(SDHCI_INT_STATUS) | bits) & get(SDHCI_INT_ENABLE));
}

static uint32_t block_size(void)
{
	return get(SDHCI_BLOCK_SIZE) & 0xfff;
}

static bool move_block(bool write)
{
	if (!(write ? card_write(block, block_size()) : card_read(block, block_size()))) {
		raise(0x00100000);
		blocks = 0;
		return false;
	}
	if (block_size() == 512 && fault_strikes(FAULT_DATA_CRC)) {
		raise(0x00200000);
		blocks = 0;
		return false;
	}
	return true;
}

static void memory(uint64_t addr, uint32_t len)
{
	for (uint32_t at = 0; at < len && blocks; at++) {
		uint8_t *p = (uint8_t *)phys_to_virt(addr) + at;

		if (!writing && block_at == 0 && !move_block(false))
			return;
		if (writing)
			block[block_at] = *p;
		else
			*p = block[block_at];
		block_at = (block_at + 1) % block_size();
		if (block_at)
			continue;
		if (writing && !move_block(true))
			return;
		blocks--;
	}
}

static void run_adma(bool wide)
{
	uint64_t at = get(SDHCI_ADMA_ADDR);

	if (wide)
		at |= (uint64_t)get(SDHCI_ADMA_ADDR + 4) << 32;
	for (;; at += wide ? 12 : 8) {
		const uint8_t *d = phys_to_virt(at);
		uint32_t len = load_le16(d + 2);

		if (!(d[0] & ADMA_VALID) || fault_strikes(FAULT_DESCRIPTOR)) {
			raise(0x02000000);
			return;
		}
		sdhci_descriptors++;
		memory(wide ? load_le64(d + 4) : load_le32(d + 4), len ? len : 65536);
		if (d[0] & ADMA_END || !blocks)
			break;
	}
	if (!(get(SDHCI_INT_STATUS) & SDHCI_INT_ERRORS)) {
		assert_int_equal(blocks, 0);
		raise(SDHCI_INT_TRANSFER);
	}
}

/* To the next boundary, or the end. */
static void run_sdma(void)
{
	uint64_t boundary = 4096UL << (get(SDHCI_BLOCK_SIZE) >> 12 & 7);
	uint64_t len = MIN(boundary - sdma % boundary, (uint64_t)blocks * block_size());

	memory(sdma, (uint32_t)len);
	sdma += len;
	if (get(SDHCI_INT_STATUS) & SDHCI_INT_ERRORS)
		return;
	set(SDHCI_SDMA_ADDR, (uint32_t)sdma);
	raise(blocks ? SDHCI_INT_DMA : SDHCI_INT_TRANSFER);
}

static void ready(void)
{
	if (block_size() == 512 && fault_strikes(FAULT_SHORT)) {
		raise(SDHCI_INT_TRANSFER);
		return;
	}
	filled = writing || move_block(false);
	if (filled)
		raise(writing ? SDHCI_INT_WRITE_READY : SDHCI_INT_READ_READY);
}

static void start_data(uint32_t mode)
{
	uint32_t select = regs[STD(SDHCI_CONTROL)] & CONTROL_DMA;

	writing = !(mode & MODE_READ);
	blocks = get(SDHCI_BLOCK_SIZE) >> 16;
	block_at = 0;
	if (!(mode & MODE_DMA)) {
		ready();
	} else if (select == CONTROL_ADMA32 || select == CONTROL_ADMA64) {
		run_adma(select == CONTROL_ADMA64);
	} else {
		sdma = get(SDHCI_SDMA_ADDR);
		run_sdma();
	}
}

static void command(uint32_t v)
{
	uint32_t bits = v >> 16, r[4];
	bool transfers = bits & COMMAND_DATA && block_size() == 512;

	assert_true(load_le16(regs + STD(SDHCI_CLOCK)) & CLOCK_CARD);
	if ((transfers && fault_strikes(FAULT_NO_RESPONSE)) ||
	    !card_command(bits >> 8 & 63, get(SDHCI_ARGUMENT), r)) {
		raise(bits & 3 ? 0x00010000 : SDHCI_INT_COMMAND);
		return;
	}
	if (transfers && fault_strikes(FAULT_RESPONSE_CRC)) {
		raise(0x00020000);
		return;
	}
	if ((bits & 3) == COMMAND_136) {
		for (int i = 0; i < 4; i++)
			set(SDHCI_RESPONSE + 4 * i, r[3 - i] >> 8 | (i < 3 ? r[2 - i] << 24 : 0));
	} else {
		set(SDHCI_RESPONSE, r[0]);
	}
	raise(SDHCI_INT_COMMAND);
	if ((bits & 3) == COMMAND_48_BUSY && !card.busy)
		raise(SDHCI_INT_TRANSFER);
	if (transfers && fault_strikes(FAULT_SILENT))
		return;
	if (bits & COMMAND_DATA && (card.state == CARD_DATA || card.state == CARD_RCV))
		start_data(v);
}

static void buffer_next(void)
{
	block_at += 4;
	if (block_at < block_size())
		return;
	block_at = 0;
	filled = false;
	if (writing && !move_block(true))
		return;
	if (--blocks)
		ready();
	else
		raise(SDHCI_INT_TRANSFER);
}

static uint64_t sdhci_read(uint32_t reg, unsigned size)
{
	uint32_t v = 0;

	if (reg == STD(SDHCI_CAPS))
		return sdhci_caps;
	if (reg == STD(SDHCI_PRESENT))
		return card.present ? PRESENT_CARD | PRESENT_STABLE : PRESENT_STABLE;
	if (reg == STD(SDHCI_BUFFER)) {
		assert_true(filled && !writing);
		v = load_le32(block + block_at);
		buffer_next();
		return v;
	}
	for (unsigned i = 0; i < size; i++)
		v |= (uint32_t)regs[reg + i] << 8 * i;
	return v;
}

static void sdhci_write(uint32_t reg, unsigned size, uint64_t v)
{
	if (reg == STD(SDHCI_BUFFER)) {
		assert_true(filled && writing);
		store_le32(block + block_at, (uint32_t)v);
		buffer_next();
		return;
	}
	if (reg == STD(SDHCI_INT_STATUS)) {
		set(SDHCI_INT_STATUS, get(SDHCI_INT_STATUS) & ~(uint32_t)v);
		return;
	}
	if (reg == STD(SDHCI_RESET)) {
		if (v & RESET_ALL)
			memset(regs + CDNS_STANDARD, 0, SDHCI_SIZE);
		set(SDHCI_INT_STATUS, 0);
		blocks = 0;
		filled = false;
		return;
	}
	for (unsigned i = 0; i < size; i++)
		regs[reg + i] = (uint8_t)(v >> 8 * i);
	if (reg == STD(SDHCI_CLOCK) && v & CLOCK_INTERNAL)
		regs[reg] |= CLOCK_STABLE;
	if (reg == STD(SDHCI_MODE))
		command((uint32_t)v);
	if (reg == STD(SDHCI_SDMA_ADDR) && blocks && sdma)
		run_sdma();
}

static bool sdhci_interrupt(void)
{
	return get(SDHCI_INT_STATUS) & get(SDHCI_INT_SIGNAL);
}

static void sdhci_reset(void)
{
	memset(regs, 0xff, CDNS_STANDARD);
	memset(regs + CDNS_STANDARD, 0, sizeof(regs) - CDNS_STANDARD);
	sdhci_descriptors = 0;
	sdma = 0;
	blocks = 0;
}

const struct model_regs sdhci_model = {
	.base = 0x20008000, .size = 0x1000, .read = sdhci_read, .write = sdhci_write,
	.interrupt = sdhci_interrupt, .irq = 88, .reset = sdhci_reset,
};

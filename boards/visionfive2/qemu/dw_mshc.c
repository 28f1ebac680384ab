/*
 * Synopsys' DesignWare mobile storage host, as in the JH7110: 32-bit FIFO of 32 words, internal DMA
 * (IDMAC) with 32-bit descriptors. Registers are those of the JH7110's technical reference manual,
 * chapter SDIO.
 *
 * A command happens at once, and its data does where the DMA moves it; by hand it moves as fast as
 * the FIFO is read or filled.
 *
 * Errors come to order, by properties that may be set while the machine runs: `fault` says which,
 * `fault-after` how many commands with data still succeed before, `fault-count` how many fail.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"

#include "hw/irq.h"
#include "hw/qdev-properties.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/fifo32.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "system/dma.h"

#include "jh7110.h"

#define FIFO_WORDS  32
#define FIFO_OFFSET 0x200
#define MMIO_SIZE   0x1000

enum {
	CTRL = 0x00, PWREN = 0x04, CLKDIV = 0x08, CLKENA = 0x10, TMOUT = 0x14, CTYPE = 0x18,
	BLKSIZ = 0x1c, BYTCNT = 0x20, INTMASK = 0x24, CMDARG = 0x28, CMD = 0x2c, RESP0 = 0x30,
	MINTSTS = 0x40, RINTSTS = 0x44, STATUS = 0x48, FIFOTH = 0x4c, CDETECT = 0x50, WRTPRT = 0x54,
	TCBCNT = 0x5c, TBBCNT = 0x60, VERID = 0x6c, HCON = 0x70, BMOD = 0x80, PLDMND = 0x84,
	DBADDR = 0x88, IDSTS = 0x8c, IDINTEN = 0x90, DSCADDR = 0x94, BUFADDR = 0x98,
	REGS_END = 0x200,
};

#define CTRL_RESET      (1U << 0)
#define CTRL_FIFO_RESET (1U << 1)
#define CTRL_DMA_RESET  (1U << 2)
#define CTRL_INT        (1U << 4)
#define CTRL_IDMAC      (1U << 25)

#define CMD_INDEX       0x3f
#define CMD_RESPONSE    (1U << 6)
#define CMD_LONG        (1U << 7)
#define CMD_DATA        (1U << 9)
#define CMD_WRITE       (1U << 10)
#define CMD_AUTO_STOP   (1U << 12)
#define CMD_UPDATE      (1U << 21)
#define CMD_START       (1U << 31)

#define INT_RESPONSE    (1U << 1)
#define INT_DONE        (1U << 2)
#define INT_DATA_OVER   (1U << 3)
#define INT_TX          (1U << 4)
#define INT_RX          (1U << 5)
#define INT_RESP_CRC    (1U << 6)
#define INT_DATA_CRC    (1U << 7)
#define INT_RESP_TIME   (1U << 8)
#define INT_DATA_TIME   (1U << 9)
#define INT_AUTO_DONE   (1U << 14)
#define INT_END_BIT     (1U << 15)

#define STATUS_RX_MARK  (1U << 0)
#define STATUS_TX_MARK  (1U << 1)
#define STATUS_EMPTY    (1U << 2)
#define STATUS_FULL     (1U << 3)
#define STATUS_CARD     (1U << 8)
#define STATUS_BUSY     (1U << 9)

#define BMOD_RESET      (1U << 0)
#define BMOD_ENABLE     (1U << 7)

#define DMA_SENT        (1U << 0)
#define DMA_RECEIVED    (1U << 1)
#define DMA_BUS_ERROR   (1U << 2)
#define DMA_NO_DESC     (1U << 4)
#define DMA_NORMAL      (1U << 8)
#define DMA_ABNORMAL    (1U << 9)

#define DES_SILENT      (1U << 1)
#define DES_LAST        (1U << 2)
#define DES_CHAIN       (1U << 4)
#define DES_OWN         (1U << 31)
#define DES_SIZE        0x1fff

#define VERID_VALUE     0x5342290a
#define HCON_VALUE      0x000000c1 /* SD, 1 card, AHB, 32 bits, internal DMA */
#define HCON_NO_DMA     (3U << 16)
#define FIFOTH_INITIAL  ((FIFO_WORDS - 1) << 16)

/* What happens to a command with data instead of success. */
typedef struct {
	const char *name;
	uint32_t command; /* instead of the command */
	uint32_t data;    /* with half of the data moved */
	uint32_t dma;     /* instead of the DMA's work */
	bool busy;        /* afterwards, until the controller is reset */
	bool removed;     /* no command is answered any more */
} Fault;

static const Fault faults[] = {
	{ "none" },
	{ "response-timeout", .command = INT_RESP_TIME },
	{ "response-crc", .command = INT_RESP_CRC },
	{ "response-error", .command = INT_RESPONSE },
	{ "data-crc", .data = INT_DATA_CRC },
	{ "data-timeout", .data = INT_DATA_TIME },
	{ "end-bit", .data = INT_END_BIT },
	{ "bus-error", .dma = DMA_BUS_ERROR },
	{ "no-descriptor", .dma = DMA_NO_DESC },
	{ "busy", .busy = true },
	{ "removed", .removed = true },
};

OBJECT_DECLARE_SIMPLE_TYPE(DWMshc, DW_MSHC)

struct DWMshc {
	SysBusDevice parent;
	MemoryRegion mmio;
	qemu_irq irq;
	SDBus bus;
	Fifo32 fifo;
	uint32_t regs[REGS_END / 4];
	uint32_t left;     /* bytes between card and FIFO or memory */
	uint32_t descriptor;
	uint32_t data_error; /* what the data under way ends with */
	bool write;
	bool busy;
	bool dma;          /* property: there is an IDMAC */
	const Fault *fault;
	uint32_t fault_after;
	uint32_t fault_count;
};

static uint32_t *reg(DWMshc *s, hwaddr offset)
{
	return &s->regs[offset / 4];
}

static void update_irq(DWMshc *s)
{
	uint32_t on = *reg(s, RINTSTS) & *reg(s, INTMASK);
	uint32_t dma = *reg(s, IDSTS) & *reg(s, IDINTEN);

	qemu_set_irq(s->irq, (on || dma) && *reg(s, CTRL) & CTRL_INT);
}

static void raise_dma(DWMshc *s, uint32_t bits)
{
	bool bad = bits & (DMA_BUS_ERROR | DMA_NO_DESC);

	*reg(s, IDSTS) |= bits | (bad ? DMA_ABNORMAL : DMA_NORMAL);
}

static bool by_dma(DWMshc *s)
{
	return s->dma && *reg(s, CTRL) & CTRL_IDMAC && *reg(s, BMOD) & BMOD_ENABLE;
}

/* The fault that this command with data shall have; NULL: none. */
static const Fault *fault_take(DWMshc *s)
{
	if (s->fault == &faults[0] || !s->fault_count) {
		return NULL;
	}
	if (s->fault_after) {
		s->fault_after--;
		return NULL;
	}
	s->fault_count--;
	return s->fault;
}

static bool card_answers(DWMshc *s)
{
	return sdbus_get_inserted(&s->bus) && !(s->fault->removed && !s->fault_after);
}

static void store_response(DWMshc *s, const uint8_t *bytes, int length)
{
	for (int i = 0; i < length / 4; i++) {
		*reg(s, RESP0 + 4 * i) = ldl_be_p(bytes + length - 4 - 4 * i);
	}
}

/* False: nobody answered, and an answer was expected. */
static bool card_command(DWMshc *s, uint32_t index, uint32_t arg, bool expected)
{
	SDRequest request = { .cmd = index, .arg = arg };
	uint8_t response[16];
	int length = card_answers(s) ? sdbus_do_command(&s->bus, &request, response) : 0;

	if (expected && !length) {
		return false;
	}
	store_response(s, response, length);
	return true;
}

/* All data has passed between the controller and the card. */
static void data_over(DWMshc *s)
{
	uint32_t cmd = *reg(s, CMD);

	*reg(s, RINTSTS) |= INT_DATA_OVER | s->data_error;
	s->data_error = 0;
	s->left = 0;
	if (cmd & CMD_AUTO_STOP) {
		card_command(s, 12, 0, true);
		*reg(s, RINTSTS) |= INT_AUTO_DONE;
	}
}

/* One piece of memory; false: there is no memory there. */
static bool dma_piece(DWMshc *s, uint32_t address, uint32_t bytes)
{
	g_autofree uint8_t *buffer = g_malloc(bytes);
	MemTxResult result;

	if (s->write) {
		result = dma_memory_read(&address_space_memory, address, buffer, bytes,
					 MEMTXATTRS_UNSPECIFIED);
		if (result == MEMTX_OK) {
			sdbus_write_data(&s->bus, buffer, bytes);
		}
		return result == MEMTX_OK;
	}
	sdbus_read_data(&s->bus, buffer, bytes);
	return dma_memory_write(&address_space_memory, address, buffer, bytes,
				MEMTXATTRS_UNSPECIFIED) == MEMTX_OK;
}

/* Follows the descriptors to the end of the data, or to one that is not ours yet. */
static void dma_run(DWMshc *s)
{
	uint32_t d[4], bytes;
	AddressSpace *as = &address_space_memory;

	while (s->left) {
		*reg(s, DSCADDR) = s->descriptor;
		if (dma_memory_read(as, s->descriptor, d, sizeof(d), MEMTXATTRS_UNSPECIFIED)) {
			raise_dma(s, DMA_BUS_ERROR);
			return;
		}
		for (int i = 0; i < 4; i++) {
			d[i] = le32_to_cpu(d[i]);
		}
		if (!(d[0] & DES_OWN)) {
			raise_dma(s, DMA_NO_DESC);
			return;
		}
		bytes = MIN(d[1] & DES_SIZE, s->left);
		*reg(s, BUFADDR) = d[2];
		if (!dma_piece(s, d[2], bytes)) {
			raise_dma(s, DMA_BUS_ERROR);
			return;
		}
		s->left -= bytes;
		stl_le_dma(as, s->descriptor, d[0] & ~DES_OWN, MEMTXATTRS_UNSPECIFIED);
		if (!(d[0] & DES_SILENT)) {
			raise_dma(s, s->write ? DMA_SENT : DMA_RECEIVED);
		}
		s->descriptor = d[0] & DES_CHAIN ? d[3] : s->descriptor + sizeof(d);
		if (d[0] & DES_LAST) {
			break;
		}
	}
	if (!s->left) {
		data_over(s);
	}
}

/* Data between the card and the FIFO, as far as the FIFO goes. */
static void fifo_run(DWMshc *s)
{
	uint32_t rx_mark = extract32(*reg(s, FIFOTH), 16, 12);
	uint32_t tx_mark = extract32(*reg(s, FIFOTH), 0, 12);
	uint32_t word;

	if (!s->left) {
		return;
	}
	while (s->left && !(s->write ? fifo32_is_empty(&s->fifo) : fifo32_is_full(&s->fifo))) {
		uint32_t bytes = MIN(s->left, 4);

		if (s->write) {
			word = cpu_to_le32(fifo32_pop(&s->fifo));
			sdbus_write_data(&s->bus, &word, bytes);
		} else {
			word = 0;
			sdbus_read_data(&s->bus, &word, bytes);
			fifo32_push(&s->fifo, le32_to_cpu(word));
		}
		s->left -= bytes;
	}
	if (s->write && s->left && fifo32_num_used(&s->fifo) <= tx_mark) {
		*reg(s, RINTSTS) |= INT_TX;
	}
	if (!s->write && fifo32_num_used(&s->fifo) > rx_mark) {
		*reg(s, RINTSTS) |= INT_RX;
	}
	if (!s->left) {
		data_over(s);
	}
}

static void data_run(DWMshc *s)
{
	if (by_dma(s)) {
		dma_run(s);
	} else {
		fifo_run(s);
	}
}

static void data_start(DWMshc *s, const Fault *fault)
{
	s->write = *reg(s, CMD) & CMD_WRITE;
	s->left = *reg(s, BYTCNT);
	s->descriptor = *reg(s, DBADDR);
	s->data_error = 0;
	if (fault) {
		s->busy = fault->busy;
		s->data_error = fault->data;
		s->left = fault->data ? s->left / 8 * 4 : s->left;
		if (fault->dma && by_dma(s)) {
			raise_dma(s, fault->dma);
			return;
		}
	}
	data_run(s);
}

static void start_command(DWMshc *s)
{
	uint32_t cmd = *reg(s, CMD);
	const Fault *fault;

	*reg(s, CMD) = cmd & ~CMD_START;
	if (cmd & CMD_UPDATE) {
		return;
	}
	fault = cmd & CMD_DATA ? fault_take(s) : NULL;
	if (fault && fault->command) {
		*reg(s, RINTSTS) |= INT_DONE | fault->command;
		return;
	}
	*reg(s, RINTSTS) |= INT_DONE;
	if (!card_command(s, cmd & CMD_INDEX, *reg(s, CMDARG), cmd & CMD_RESPONSE)) {
		*reg(s, RINTSTS) |= INT_RESP_TIME;
	} else if (cmd & CMD_DATA) {
		data_start(s, fault);
	}
}

static uint32_t status_read(DWMshc *s)
{
	uint32_t used = fifo32_num_used(&s->fifo), fifoth = *reg(s, FIFOTH), status = used << 17;

	status |= used > extract32(fifoth, 16, 12) ? STATUS_RX_MARK : 0;
	status |= used <= extract32(fifoth, 0, 12) ? STATUS_TX_MARK : 0;
	status |= used ? 0 : STATUS_EMPTY;
	status |= used == FIFO_WORDS ? STATUS_FULL : 0;
	status |= sdbus_get_inserted(&s->bus) ? STATUS_CARD : 0;
	return status | (s->busy ? STATUS_BUSY : 0);
}

static uint64_t mshc_read(void *opaque, hwaddr offset, unsigned size)
{
	DWMshc *s = opaque;
	uint32_t word = 0;

	if (offset >= FIFO_OFFSET) {
		if (!fifo32_is_empty(&s->fifo)) {
			word = fifo32_pop(&s->fifo);
			fifo_run(s);
			update_irq(s);
		}
		return word;
	}
	switch (offset) {
	case MINTSTS:
		return *reg(s, RINTSTS) & *reg(s, INTMASK);
	case STATUS:
		return status_read(s);
	case CDETECT:
		return !sdbus_get_inserted(&s->bus);
	case WRTPRT:
		return sdbus_get_readonly(&s->bus);
	case TCBCNT:
	case TBBCNT:
		return *reg(s, BYTCNT) - s->left;
	case VERID:
		return VERID_VALUE;
	case HCON:
		return HCON_VALUE | (s->dma ? 0 : HCON_NO_DMA);
	default:
		return *reg(s, offset);
	}
}

static void control_write(DWMshc *s, uint32_t value)
{
	if (value & CTRL_RESET) {
		s->busy = false;
	}
	if (value & (CTRL_RESET | CTRL_FIFO_RESET)) {
		fifo32_reset(&s->fifo);
		s->left = 0;
		*reg(s, RINTSTS) &= ~(INT_TX | INT_RX);
	}
	*reg(s, CTRL) = value & ~(CTRL_RESET | CTRL_FIFO_RESET | CTRL_DMA_RESET);
}

static void mshc_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
	DWMshc *s = opaque;

	if (offset >= FIFO_OFFSET) {
		if (!fifo32_is_full(&s->fifo)) {
			fifo32_push(&s->fifo, value);
		}
		fifo_run(s);
		update_irq(s);
		return;
	}
	switch (offset) {
	case CTRL:
		control_write(s, value);
		break;
	case RINTSTS:
	case IDSTS:
		*reg(s, offset) &= ~value;
		break;
	case CMD:
		*reg(s, CMD) = value;
		if (value & CMD_START) {
			start_command(s);
		}
		break;
	case BMOD:
		*reg(s, BMOD) = value & ~BMOD_RESET;
		break;
	case PLDMND:
		if (s->left && by_dma(s)) {
			dma_run(s);
		}
		break;
	case RESP0 ... MINTSTS:
	case STATUS:
	case CDETECT ... HCON:
	case DSCADDR ... BUFADDR:
		break; /* read only */
	default:
		*reg(s, offset) = value;
	}
	update_irq(s);
}

static const MemoryRegionOps mshc_ops = {
	.read = mshc_read,
	.write = mshc_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid.min_access_size = 4,
	.valid.max_access_size = 4,
};

static void mshc_reset(DeviceState *dev)
{
	DWMshc *s = DW_MSHC(dev);

	memset(s->regs, 0, sizeof(s->regs));
	*reg(s, FIFOTH) = FIFOTH_INITIAL;
	fifo32_reset(&s->fifo);
	s->left = 0;
	s->busy = false;
	update_irq(s);
}

static char *fault_get(Object *obj, Error **errp)
{
	return g_strdup(DW_MSHC(obj)->fault->name);
}

static void fault_set(Object *obj, const char *value, Error **errp)
{
	for (int i = 0; i < ARRAY_SIZE(faults); i++) {
		if (!strcmp(value, faults[i].name)) {
			DW_MSHC(obj)->fault = &faults[i];
			return;
		}
	}
	error_setg(errp, "dw-mshc: no fault is named '%s'", value);
}

static void mshc_init(Object *obj)
{
	DWMshc *s = DW_MSHC(obj);

	memory_region_init_io(&s->mmio, obj, &mshc_ops, s, TYPE_DW_MSHC, MMIO_SIZE);
	sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->mmio);
	sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq);
	qbus_init(&s->bus, sizeof(s->bus), TYPE_SD_BUS, DEVICE(obj), "sd-bus");
	fifo32_create(&s->fifo, FIFO_WORDS);
	s->fault = &faults[0];
	s->fault_count = UINT32_MAX;
	object_property_add_str(obj, "fault", fault_get, fault_set);
	object_property_add_uint32_ptr(obj, "fault-after", &s->fault_after,
				       OBJ_PROP_FLAG_READWRITE);
	object_property_add_uint32_ptr(obj, "fault-count", &s->fault_count,
				       OBJ_PROP_FLAG_READWRITE);
}

static const Property mshc_properties[] = {
	DEFINE_PROP_BOOL("dma", DWMshc, dma, true),
};

static void mshc_class_init(ObjectClass *oc, void *data)
{
	device_class_set_legacy_reset(DEVICE_CLASS(oc), mshc_reset);
	device_class_set_props(DEVICE_CLASS(oc), mshc_properties);
}

static const TypeInfo mshc_types[] = {
	{
		.name = TYPE_DW_MSHC,
		.parent = TYPE_SYS_BUS_DEVICE,
		.instance_size = sizeof(DWMshc),
		.instance_init = mshc_init,
		.class_init = mshc_class_init,
	},
};

DEFINE_TYPES(mshc_types)

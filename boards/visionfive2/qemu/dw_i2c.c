/*
 * Synopsys' DesignWare I2C host, as a master. A byte is on the bus when it is written to DATA_CMD;
 * what is read waits in the FIFO.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"

#include "hw/irq.h"
#include "qemu/fifo8.h"
#include "qemu/module.h"

#include "jh7110.h"

#define FIFO_BYTES 16
#define MMIO_SIZE  0x100

enum {
	TAR = 0x04, DATA_CMD = 0x10, INTR_STAT = 0x2c, INTR_MASK = 0x30, RAW_INTR_STAT = 0x34,
	RX_TL = 0x38, CLR_INTR = 0x40, CLR_TX_ABRT = 0x54, CLR_STOP_DET = 0x60, ENABLE = 0x6c,
	STATUS = 0x70, TXFLR = 0x74, RXFLR = 0x78, TX_ABRT_SOURCE = 0x80, ENABLE_STATUS = 0x9c,
	COMP_PARAM_1 = 0xf4, COMP_VERSION = 0xf8, COMP_TYPE = 0xfc,
};

#define DATA_READ    (1U << 8)
#define DATA_STOP    (1U << 9)
#define DATA_RESTART (1U << 10)

#define INT_RX_FULL  (1U << 2)
#define INT_TX_EMPTY (1U << 4)
#define INT_TX_ABRT  (1U << 6)
#define INT_STOP     (1U << 9)

#define STATUS_TX_ROOM  (1U << 1)
#define STATUS_TX_EMPTY (1U << 2)
#define STATUS_RX_SOME  (1U << 3)
#define STATUS_RX_FULL  (1U << 4)

#define ABRT_NO_ACK   (1U << 0)
#define VERSION_VALUE 0x3132302a
#define TYPE_VALUE    0x44570140

OBJECT_DECLARE_SIMPLE_TYPE(DWI2C, DW_I2C)

struct DWI2C {
	SysBusDevice parent;
	MemoryRegion mmio;
	qemu_irq irq;
	I2CBus *bus;
	Fifo8 fifo;
	uint32_t regs[MMIO_SIZE / 4];
	uint32_t events; /* INT_TX_ABRT and INT_STOP, until they are cleared */
	bool active;     /* between a start and a stop */
	bool receiving;
};

static uint32_t raw_status(DWI2C *s)
{
	uint32_t status = s->events;

	if (s->regs[ENABLE / 4] & 1) {
		status |= INT_TX_EMPTY;
	}
	if (fifo8_num_used(&s->fifo) > s->regs[RX_TL / 4]) {
		status |= INT_RX_FULL;
	}
	return status;
}

static void update_irq(DWI2C *s)
{
	qemu_set_irq(s->irq, !!(raw_status(s) & s->regs[INTR_MASK / 4]));
}

static void bus_stop(DWI2C *s)
{
	if (s->active) {
		i2c_end_transfer(s->bus);
		s->active = false;
	}
	s->events |= INT_STOP;
}

static void data_write(DWI2C *s, uint32_t value)
{
	bool receive = value & DATA_READ;
	bool bad = false;

	if (!s->active || receive != s->receiving || value & DATA_RESTART) {
		bad = i2c_start_transfer(s->bus, s->regs[TAR / 4] & 0x7f, receive);
		s->active = !bad;
		s->receiving = receive;
	}
	if (!bad && receive && !fifo8_is_full(&s->fifo)) {
		fifo8_push(&s->fifo, i2c_recv(s->bus));
	} else if (!bad && !receive) {
		bad = i2c_send(s->bus, value);
	}
	if (bad) {
		s->events |= INT_TX_ABRT;
		s->regs[TX_ABRT_SOURCE / 4] = ABRT_NO_ACK;
	}
	if (bad || value & DATA_STOP) {
		bus_stop(s);
	}
}

static uint32_t status_read(DWI2C *s)
{
	return STATUS_TX_ROOM | STATUS_TX_EMPTY | (fifo8_is_empty(&s->fifo) ? 0 : STATUS_RX_SOME) |
		   (fifo8_is_full(&s->fifo) ? STATUS_RX_FULL : 0);
}

static uint64_t dw_i2c_read(void *opaque, hwaddr offset, unsigned size)
{
	DWI2C *s = opaque;
	uint32_t value = 0;

	switch (offset) {
	case DATA_CMD:
		value = fifo8_is_empty(&s->fifo) ? 0 : fifo8_pop(&s->fifo);
		break;
	case INTR_STAT:
		value = raw_status(s) & s->regs[INTR_MASK / 4];
		break;
	case RAW_INTR_STAT:
		value = raw_status(s);
		break;
	case CLR_INTR:
		s->events = 0;
		break;
	case CLR_TX_ABRT:
		s->events &= ~INT_TX_ABRT;
		break;
	case CLR_STOP_DET:
		s->events &= ~INT_STOP;
		break;
	case STATUS:
		value = status_read(s);
		break;
	case TXFLR:
		break;
	case RXFLR:
		value = fifo8_num_used(&s->fifo);
		break;
	case ENABLE_STATUS:
		value = s->regs[ENABLE / 4] & 1;
		break;
	case COMP_PARAM_1:
		value = (FIFO_BYTES - 1) << 16 | (FIFO_BYTES - 1) << 8;
		break;
	case COMP_VERSION:
		value = VERSION_VALUE;
		break;
	case COMP_TYPE:
		value = TYPE_VALUE;
		break;
	default:
		value = s->regs[offset / 4];
	}
	update_irq(s);
	return value;
}

static void dw_i2c_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
	DWI2C *s = opaque;

	s->regs[offset / 4] = value;
	if (offset == DATA_CMD) {
		data_write(s, value);
	} else if (offset == ENABLE && !(value & 1)) {
		bus_stop(s);
		s->events = 0;
		fifo8_reset(&s->fifo);
	}
	update_irq(s);
}

static const MemoryRegionOps dw_i2c_ops = {
	.read = dw_i2c_read,
	.write = dw_i2c_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.impl.min_access_size = 4,
	.impl.max_access_size = 4,
};

static void dw_i2c_reset(DeviceState *dev)
{
	DWI2C *s = DW_I2C(dev);

	bus_stop(s);
	memset(s->regs, 0, sizeof(s->regs));
	fifo8_reset(&s->fifo);
	s->events = 0;
}

static void dw_i2c_init(Object *obj)
{
	DWI2C *s = DW_I2C(obj);

	memory_region_init_io(&s->mmio, obj, &dw_i2c_ops, s, TYPE_DW_I2C, MMIO_SIZE);
	sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->mmio);
	sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq);
	s->bus = i2c_init_bus(DEVICE(obj), "i2c");
	fifo8_create(&s->fifo, FIFO_BYTES);
}

static void dw_i2c_class_init(ObjectClass *oc, void *data)
{
	device_class_set_legacy_reset(DEVICE_CLASS(oc), dw_i2c_reset);
}

static const TypeInfo dw_i2c_types[] = {
	{
		.name = TYPE_DW_I2C,
		.parent = TYPE_SYS_BUS_DEVICE,
		.instance_size = sizeof(DWI2C),
		.instance_init = dw_i2c_init,
		.class_init = dw_i2c_class_init,
	},
};

DEFINE_TYPES(dw_i2c_types)

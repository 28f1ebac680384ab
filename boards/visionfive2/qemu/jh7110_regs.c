/*
 * Clocks, resets, pins, power domains and the memory controller of the JH7110.
 *
 * Software sets them up and waits until they say that it is so; nothing else depends on them here.
 * A bank remembers what was written. The kinds below add what answers by itself.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"

#include "hw/qdev-properties.h"
#include "qemu/module.h"

#include "jh7110.h"

#define WORD(offset) ((offset) / 4)

typedef struct {
	uint16_t offset;
	uint32_t value;
} Initial;

typedef struct {
	uint32_t (*read)(JH7110Regs *s, hwaddr offset);
	void (*written)(JH7110Regs *s, hwaddr offset);
	const Initial *initial; /* up to one whose value is 0 */
	uint16_t resets;        /* clock generators: where resets are asserted, */
	uint16_t released;      /* and where one sees that they are not */
	uint16_t reset_words;
} Kind;

struct JH7110RegsClass {
	SysBusDeviceClass parent;
	const Kind *kind;
};

static const Kind *kind_of(JH7110Regs *s)
{
	return JH7110_REGS_GET_CLASS(s)->kind;
}

static uint32_t crg_read(JH7110Regs *s, hwaddr offset)
{
	const Kind *kind = kind_of(s);
	hwaddr n = offset - kind->released;

	if (offset >= kind->released && n < 4 * kind->reset_words) {
		return ~s->words[WORD(kind->resets + n)];
	}
	return s->words[WORD(offset)];
}

#define CLOCK(id) (4 * (id)) /* numbered as in the device tree */

/* Dividers, for the rates that the board has. */
static const Initial syscrg_initial[] = {
	{ CLOCK(1), 1 }, { CLOCK(2), 2 },    /* a core, its bus */
	{ CLOCK(4), 2 }, { CLOCK(7), 3 },    /* peripherals; axi_cfg0: 396 MHz, */
	{ CLOCK(8), 2 }, { CLOCK(11), 4 },   /* by 2, by 4: apb_bus, 49.5 MHz */
	{ CLOCK(13), 2 }, { CLOCK(14), 2 }, { CLOCK(15), 2 },   /* halves of the PLLs */
	{ CLOCK(40), 2 }, { CLOCK(41), 2 }, { CLOCK(42), 2 },   /* for the memory controller */
	{ CLOCK(89), 10 },                                      /* QSPI: 100 MHz */
	{ CLOCK(93), 8 }, { CLOCK(94), 8 },                     /* cards: 49.5 MHz */
	{ }
};

/* The three PLLs as firmware leaves them. */
static const Initial sys_syscon_initial[] = {
	{ 0x18, 3 << 24 }, { 0x1c, 125 },    /* 1000 MHz: 125 times 24 MHz, */
	{ 0x24, 3 | 3 << 15 | 533 << 17 },   /* by 3; 1066 MHz: 533 times, */
	{ 0x2c, 12 | 3 << 15 | 99 << 17 },   /* by 12; 1188 MHz: 99 times, */
	{ 0x34, 2 },                         /* by 2 */
	{ }
};

#define PINS_HIGH   0x11c /* levels of GPIO 32 to 63 */
#define PIN_NO_CARD (1U << 9)

static uint32_t sys_pinctrl_read(JH7110Regs *s, hwaddr offset)
{
	if (offset == PINS_HIGH) {
		return s->slot && sdbus_get_inserted(s->slot) ? 0 : PIN_NO_CARD;
	}
	return s->words[WORD(offset)];
}

#define AON_PINS 0x2c

static uint32_t aon_pinctrl_read(JH7110Regs *s, hwaddr offset)
{
	return offset == AON_PINS ? s->boot_mode : s->words[WORD(offset)];
}

#define PMU_TURN_ON   0x0c
#define PMU_TURN_OFF  0x10
#define PMU_ENCOURAGE 0x44
#define PMU_ON_HIGH   0x50
#define PMU_OFF_HIGH  0xa0
#define PMU_POWERED   0x80

static const Initial pmu_initial[] = { { PMU_POWERED, 3 }, { } };

/* A request takes effect with the second half of a password. */
static void pmu_written(JH7110Regs *s, hwaddr offset)
{
	if (offset != PMU_ENCOURAGE) {
		return;
	}
	if (s->words[WORD(offset)] == PMU_ON_HIGH) {
		s->words[WORD(PMU_POWERED)] |= s->words[WORD(PMU_TURN_ON)];
	} else if (s->words[WORD(offset)] == PMU_OFF_HIGH) {
		s->words[WORD(PMU_POWERED)] &= ~s->words[WORD(PMU_TURN_OFF)];
	}
}

#define QSPI_CONFIG  0
#define QSPI_IDLE    (1U << 31)
#define QSPI_COMMAND 0x90
#define QSPI_EXECUTE (1U << 0)

/* There is no flash memory behind it, but software asks. */
static uint32_t qspi_read(JH7110Regs *s, hwaddr offset)
{
	return s->words[WORD(offset)] | (offset == QSPI_CONFIG ? QSPI_IDLE : 0);
}

static void qspi_written(JH7110Regs *s, hwaddr offset)
{
	if (offset == QSPI_COMMAND) {
		s->words[WORD(offset)] &= ~QSPI_EXECUTE;
	}
}

#define DMC_RESET_DONE 0x504
#define DMC_START      0x514
#define DMC_TRAINING   0x518

/* Training of the memory begins with a write, and is over when it has been seen once. */
static uint32_t dmc_read(JH7110Regs *s, hwaddr offset)
{
	uint32_t value = s->words[WORD(offset)];

	if (offset == DMC_RESET_DONE) {
		value |= 1U << 31;
	} else if (offset == DMC_TRAINING) {
		s->words[WORD(offset)] = 0;
	}
	return value;
}

static void dmc_written(JH7110Regs *s, hwaddr offset)
{
	if (offset == DMC_START && !s->words[WORD(offset)]) {
		s->words[WORD(DMC_TRAINING)] = 1U << 1;
	}
}

static uint64_t regs_read(void *opaque, hwaddr offset, unsigned size)
{
	JH7110Regs *s = opaque;
	const Kind *kind = kind_of(s);

	return kind->read ? kind->read(s, offset) : s->words[WORD(offset)];
}

static void regs_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
	JH7110Regs *s = opaque;
	const Kind *kind = kind_of(s);

	s->words[WORD(offset)] = value;
	if (kind->written) {
		kind->written(s, offset);
	}
}

static const MemoryRegionOps regs_ops = {
	.read = regs_read,
	.write = regs_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid.min_access_size = 4,
	.valid.max_access_size = 4,
};

static void regs_reset(DeviceState *dev)
{
	JH7110Regs *s = JH7110_REGS(dev);
	const Initial *i = kind_of(s)->initial;

	memset(s->words, 0, sizeof(s->words));
	for (; i && i->value; i++) {
		s->words[WORD(i->offset)] = i->value;
	}
}

static void regs_init(Object *obj)
{
	JH7110Regs *s = JH7110_REGS(obj);

	memory_region_init_io(&s->mmio, obj, &regs_ops, s, object_get_typename(obj),
			      sizeof(s->words));
	sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->mmio);
}

static void regs_class_init(ObjectClass *oc, void *data)
{
	device_class_set_legacy_reset(DEVICE_CLASS(oc), regs_reset);
	JH7110_REGS_CLASS(oc)->kind = data;
}

#define KIND(type, ...) {                    \
		.name = type,                        \
		.parent = TYPE_JH7110_REGS,          \
		.class_init = regs_class_init,       \
		.class_data = &(Kind){ __VA_ARGS__ } \
	}

static const TypeInfo jh7110_regs_types[] = {
	{
		.name = TYPE_JH7110_REGS,
		.parent = TYPE_SYS_BUS_DEVICE,
		.instance_size = sizeof(JH7110Regs),
		.instance_init = regs_init,
		.class_size = sizeof(JH7110RegsClass),
		.class_init = regs_class_init,
		.class_data = &(Kind){ },
	},
	KIND(TYPE_JH7110_SYSCRG, .initial = syscrg_initial, .read = crg_read, .resets = 0x2f8,
	     .released = 0x308, .reset_words = 4),
	KIND(TYPE_JH7110_STGCRG, .read = crg_read, .resets = 0x74, .released = 0x78,
	     .reset_words = 1),
	KIND(TYPE_JH7110_AONCRG, .read = crg_read, .resets = 0x38, .released = 0x3c,
	     .reset_words = 1),
	KIND(TYPE_JH7110_SYS_SYSCON, .initial = sys_syscon_initial),
	KIND(TYPE_JH7110_SYS_PINCTRL, .read = sys_pinctrl_read),
	KIND(TYPE_JH7110_AON_PINCTRL, .read = aon_pinctrl_read),
	KIND(TYPE_JH7110_PMU, .initial = pmu_initial, .written = pmu_written),
	KIND(TYPE_JH7110_QSPI, .read = qspi_read, .written = qspi_written),
	KIND(TYPE_JH7110_DMC, .read = dmc_read, .written = dmc_written),
};

DEFINE_TYPES(jh7110_regs_types)

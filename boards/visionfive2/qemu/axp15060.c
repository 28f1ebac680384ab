/*
 * X-Powers' AXP15060, the board's power controller: registers that hold what was written, and the
 * one that switches the board off or restarts it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"

#include "qemu/module.h"
#include "system/runstate.h"

#include "jh7110.h"

#define CHIP_ID       0x03
#define CHIP_ID_VALUE 0x50
#define POWER         0x32
#define POWER_OFF     (1U << 7)
#define POWER_RESTART (1U << 6)

OBJECT_DECLARE_SIMPLE_TYPE(AXPState, AXP15060)

struct AXPState {
	I2CSlave parent;
	uint8_t regs[256];
	uint8_t at;
	bool addressed; /* the first byte written names the register */
};

static int axp_event(I2CSlave *i2c, enum i2c_event event)
{
	if (event == I2C_START_SEND) {
		AXP15060(i2c)->addressed = false;
	}
	return 0;
}

static uint8_t axp_recv(I2CSlave *i2c)
{
	AXPState *s = AXP15060(i2c);

	return s->regs[s->at++];
}

static int axp_send(I2CSlave *i2c, uint8_t data)
{
	AXPState *s = AXP15060(i2c);

	if (!s->addressed) {
		s->at = data;
		s->addressed = true;
		return 0;
	}
	if (s->at == POWER && data & POWER_RESTART) {
		qemu_system_reset_request(SHUTDOWN_CAUSE_GUEST_RESET);
	} else if (s->at == POWER && data & POWER_OFF) {
		qemu_system_shutdown_request(SHUTDOWN_CAUSE_GUEST_SHUTDOWN);
	} else {
		s->regs[s->at] = data;
	}
	s->at++;
	return 0;
}

static void axp_reset(DeviceState *dev)
{
	AXPState *s = AXP15060(dev);

	memset(s->regs, 0, sizeof(s->regs));
	s->regs[CHIP_ID] = CHIP_ID_VALUE;
}

static void axp_class_init(ObjectClass *oc, void *data)
{
	I2CSlaveClass *c = I2C_SLAVE_CLASS(oc);

	device_class_set_legacy_reset(DEVICE_CLASS(oc), axp_reset);
	c->event = axp_event;
	c->recv = axp_recv;
	c->send = axp_send;
}

static const TypeInfo axp_types[] = {
	{
		.name = TYPE_AXP15060,
		.parent = TYPE_I2C_SLAVE,
		.instance_size = sizeof(AXPState),
		.class_init = axp_class_init,
	},
};

DEFINE_TYPES(axp_types)

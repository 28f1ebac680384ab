/*
 * The parts of the JH7110 that QEMU has not.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef JH7110_H
#define JH7110_H

#include "cpu.h"
#include "hw/i2c/i2c.h"
#include "hw/sd/sd.h"
#include "hw/sysbus.h"

/* jh7110_cpu.c: call jh7110_csrs_init before harts run, jh7110_core_complete for each realized. */
#define TYPE_JH7110_S7  RISCV_CPU_TYPE_NAME("jh7110-s7")
#define TYPE_JH7110_U74 RISCV_CPU_TYPE_NAME("jh7110-u74")

void jh7110_csrs_init(void);
void jh7110_core_complete(RISCVCPU *cpu);

/* jh7110_regs.c: banks of registers, most of which only remember what was written. */
#define TYPE_JH7110_REGS "jh7110-regs"
OBJECT_DECLARE_TYPE(JH7110Regs, JH7110RegsClass, JH7110_REGS)

#define JH7110_BANK_WORDS 1024

struct JH7110Regs {
	SysBusDevice parent;
	MemoryRegion mmio;
	uint32_t words[JH7110_BANK_WORDS];
	SDBus *slot;        /* sys-pinctrl: whose card the detect pin tells of */
	uint32_t boot_mode; /* aon-pinctrl: the two switches */
};

#define TYPE_JH7110_SYSCRG      "jh7110-syscrg"
#define TYPE_JH7110_STGCRG      "jh7110-stgcrg"
#define TYPE_JH7110_AONCRG      "jh7110-aoncrg"
#define TYPE_JH7110_SYS_SYSCON  "jh7110-sys-syscon"
#define TYPE_JH7110_SYS_PINCTRL "jh7110-sys-pinctrl"
#define TYPE_JH7110_AON_PINCTRL "jh7110-aon-pinctrl"
#define TYPE_JH7110_PMU         "jh7110-pmu"
#define TYPE_JH7110_QSPI        "jh7110-qspi"
#define TYPE_JH7110_DMC         "jh7110-dmc"

/* dw_mshc.c: MMIO region 0, interrupt 0, a card on its SD bus. */
#define TYPE_DW_MSHC "dw-mshc"

/* dw_i2c.c: MMIO region 0, interrupt 0, devices on the I2C bus named "i2c". */
#define TYPE_DW_I2C "dw-i2c"

/* axp15060.c: the power controller, on the I2C bus. */
#define TYPE_AXP15060 "axp15060"

#endif

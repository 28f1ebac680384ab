/*
 * The JH7110's cores: one S7 (no supervisor mode, no MMU) and four U74.
 *
 * They are QEMU's older SiFive cores with what is new in these. What software must not rely on is
 * not there: A and D bits are for software to set, ASIDs read as zero, `time` traps.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"

#include "qemu/module.h"

#include "jh7110.h"

#define SIFIVE_VENDOR     0x489
#define SERIES7_ARCH      0x8000000000000007
#define JH7110_IMPL       0x4210427
#define CSR_FEATURE       0x7c1 /* SiFive's feature disable CSR, machine mode only */

static riscv_csr_operations satp_ops;

static RISCVException satp_write(CPURISCVState *env, int csrno, target_ulong value)
{
	return satp_ops.write(env, csrno, value & ~(target_ulong)SATP64_ASID);
}

static RISCVException feature_exists(CPURISCVState *env, int csrno)
{
	return RISCV_EXCP_NONE;
}

static RISCVException feature_read(CPURISCVState *env, int csrno, target_ulong *value)
{
    *value = 0;
	return RISCV_EXCP_NONE;
}

static RISCVException feature_write(CPURISCVState *env, int csrno, target_ulong value)
{
	return RISCV_EXCP_NONE;
}

void jh7110_csrs_init(void)
{
	riscv_csr_operations satp, feature = {
		.name = "sifive_feature_disable",
		.predicate = feature_exists,
		.read = feature_read,
		.write = feature_write,
	};

	riscv_get_csr_ops(CSR_SATP, &satp_ops);
	satp = satp_ops;
	satp.write = satp_write;
	riscv_set_csr_ops(CSR_SATP, &satp);
	riscv_set_csr_ops(CSR_FEATURE, &feature);
}

/* QEMU would take them away from a core whose privileged specification is so old. */
void jh7110_core_complete(RISCVCPU *cpu)
{
	cpu->cfg.ext_zba = true;
	cpu->cfg.ext_zbb = true;
}

static void series7_init(Object *obj)
{
	RISCVCPU *cpu = RISCV_CPU(obj);

	cpu->env.priv_ver = PRIV_VERSION_1_11_0;
	cpu->cfg.mvendorid = SIFIVE_VENDOR;
	cpu->cfg.marchid = SERIES7_ARCH;
	cpu->cfg.mimpid = JH7110_IMPL;
}

static void u74_init(Object *obj)
{
	series7_init(obj);
	RISCV_CPU(obj)->cfg.ext_svade = true;
}

static const TypeInfo jh7110_cpus[] = {
	{
		.name = TYPE_JH7110_S7,
		.parent = TYPE_RISCV_CPU_SIFIVE_E51,
		.instance_init = series7_init,
	}, {
		.name = TYPE_JH7110_U74,
		.parent = TYPE_RISCV_CPU_SIFIVE_U54,
		.instance_init = u74_init,
	},
};

DEFINE_TYPES(jh7110_cpus)

/*
 * Calls into the firmware (RISC-V SBI specification 1.0 and 2.0).
 */
#pragma once

#include "kernel/types.h"

struct sbiret {
	long error, value;
};
struct sbiret sbi_call(uint64_t ext, uint64_t fid, uint64_t a0, uint64_t a1, uint64_t a2,
		       uint64_t a3, uint64_t a4);

enum sbi_ext {
	SBI_BASE = 0x10,
	SBI_TIME = 0x54494d45,
	SBI_IPI = 0x735049,
	SBI_RFENCE = 0x52464e43,
	SBI_HSM = 0x48534d,
	SBI_SRST = 0x53525354,
	SBI_DBCN = 0x4442434e,
	SBI_LEGACY_PUTCHAR = 0x1,
	SBI_LEGACY_GETCHAR = 0x2,
	SBI_LEGACY_SHUTDOWN = 0x8,
};

/* Probe what there is; must run before the others. Message for what we need and is missing. */
void sbi_init(void);
bool sbi_has(enum sbi_ext ext);
void sbi_set_timer(uint64_t time);
/* Harts by index mask (kernel/hart.h); translated to hart ids and windows of 64. */
void sbi_send_ipi(uint64_t hartmask);
/* Other harts: drop translations of [va, va+len) (len UINT64_MAX: all) / of one ASID; fence.i. */
void sbi_remote_sfence(uint64_t hartmask, uint64_t va, uint64_t len);
void sbi_remote_sfence_asid(uint64_t hartmask, uint64_t va, uint64_t len, uint64_t asid);
void sbi_remote_fence_i(uint64_t hartmask);
long sbi_hart_start(uint32_t hartid, paddr_t entry, uint64_t opaque);
void sbi_putchar(char c);
void sbi_console_write(const char *s, size_t n);
/* Power off or restart by SRST; returns when there is none. */
void sbi_system_reset(bool restart, bool failure);

/*
 * In place of kernel/riscv.h: the same names, without instructions the host does not have.
 * Interrupts are a flag that tests can look at; fences and control registers are functions that a
 * test may bring (weak ones in shim/kernel.c do nothing).
 */
#pragma once

#define irq_save	   riscv_irq_save
#define irq_restore	   riscv_irq_restore
#define irq_enable	   riscv_irq_enable
#define irq_disable	   riscv_irq_disable
#define irq_enabled	   riscv_irq_enabled
#define sfence_all	   riscv_sfence_all
#define sfence_page	   riscv_sfence_page
#define sfence_asid	   riscv_sfence_asid
#define sfence_page_asid   riscv_sfence_page_asid
#define fence_i		   riscv_fence_i
#define io_fence	   riscv_io_fence
#define cpu_relax	   riscv_cpu_relax
#define wait_for_interrupt riscv_wait_for_interrupt
#define time_read	   riscv_time_read
#include "../../../../kernel/riscv.h"
#undef irq_save
#undef irq_restore
#undef irq_enable
#undef irq_disable
#undef irq_enabled
#undef sfence_all
#undef sfence_page
#undef sfence_asid
#undef sfence_page_asid
#undef fence_i
#undef io_fence
#undef cpu_relax
#undef wait_for_interrupt
#undef time_read

#undef csr_read
#undef csr_write
#undef csr_set
#undef csr_clear
#define csr_read(csr)	       host_csr_read(#csr)
#define csr_write(csr, value)  host_csr_write(#csr, value)
#define csr_set(csr, bits)     host_csr_write(#csr, csr_read(csr) | (bits))
#define csr_clear(csr, bits)   host_csr_write(#csr, csr_read(csr) & ~(uint64_t)(bits))

#define HOST_ALL UINT64_MAX /* of addresses or address-space identifiers */

extern bool host_irqs_on;
uint64_t host_csr_read(const char *csr);
void host_csr_write(const char *csr, uint64_t value);
void host_sfence(uint64_t va, uint64_t asid);
void host_fence_i(void);
uint64_t time_read(void); /* shim/sleep.c */

static inline uint64_t irq_save(void)
{
	bool was = host_irqs_on;

	host_irqs_on = false;
	return was ? SSTATUS_SIE : 0;
}
static inline void irq_restore(uint64_t was)
{
	host_irqs_on = host_irqs_on || was;
}
static inline void irq_enable(void)
{
	host_irqs_on = true;
}
static inline void irq_disable(void)
{
	host_irqs_on = false;
}
static inline bool irq_enabled(void)
{
	return host_irqs_on;
}
static inline void sfence_all(void)
{
	host_sfence(HOST_ALL, HOST_ALL);
}
static inline void sfence_page(uint64_t va)
{
	host_sfence(va, HOST_ALL);
}
static inline void sfence_asid(uint64_t asid)
{
	host_sfence(HOST_ALL, asid);
}
static inline void sfence_page_asid(uint64_t va, uint64_t asid)
{
	host_sfence(va, asid);
}
static inline void fence_i(void)
{
	host_fence_i();
}
static inline void io_fence(void)
{
}
static inline void cpu_relax(void)
{
}

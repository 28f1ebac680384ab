/*
 * The processor: control and status registers, fences. Sections cited are of the RISC-V
 * privileged specification, version 20211203.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SSTATUS_SIE  (1UL << 1)
#define SSTATUS_SPIE (1UL << 5)
#define SSTATUS_SPP  (1UL << 8)
#define SSTATUS_FS   (3UL << 13)
#define SSTATUS_FS_OFF	   (0UL << 13)
#define SSTATUS_FS_INITIAL (1UL << 13)
#define SSTATUS_FS_CLEAN   (2UL << 13)
#define SSTATUS_FS_DIRTY   (3UL << 13)
#define SSTATUS_VS   (3UL << 9)
#define SSTATUS_SUM  (1UL << 18)
#define SSTATUS_MXR  (1UL << 19)
#define SSTATUS_UXL_64 (2UL << 32)

#define SIE_SSIE (1UL << 1)
#define SIE_STIE (1UL << 5)
#define SIE_SEIE (1UL << 9)

#define SATP_SV39	(8UL << 60)
#define SATP_ASID_SHIFT 44
#define SATP_ASID_MASK	0xffffUL

/* scause (section 4.1.8): the top bit tells an interrupt. */
#define CAUSE_INTERRUPT	  (1UL << 63)
#define CAUSE_IRQ_SOFT	  1
#define CAUSE_IRQ_TIMER	  5
#define CAUSE_IRQ_EXT	  9
#define CAUSE_INSN_MISALIGNED 0
#define CAUSE_INSN_ACCESS 1
#define CAUSE_ILLEGAL	  2
#define CAUSE_BREAKPOINT  3
#define CAUSE_LOAD_MISALIGNED 4
#define CAUSE_LOAD_ACCESS 5
#define CAUSE_STORE_MISALIGNED 6
#define CAUSE_STORE_ACCESS 7
#define CAUSE_ECALL_U	  8
#define CAUSE_INSN_PAGE	  12
#define CAUSE_LOAD_PAGE	  13
#define CAUSE_STORE_PAGE  15

#define csr_read(csr)                                                                              \
	({                                                                                         \
		uint64_t csr_value_;                                                               \
		__asm__ volatile("csrr %0, " #csr : "=r"(csr_value_)::"memory");                   \
		csr_value_;                                                                        \
	})
#define csr_write(csr, value)                                                                      \
	__asm__ volatile("csrw " #csr ", %0" ::"rK"((uint64_t)(value)) : "memory")
#define csr_set(csr, bits) __asm__ volatile("csrs " #csr ", %0" ::"rK"((uint64_t)(bits)) : "memory")
#define csr_clear(csr, bits)                                                                       \
	__asm__ volatile("csrc " #csr ", %0" ::"rK"((uint64_t)(bits)) : "memory")

/* Interrupts of this hart off; returns whether they were on, for irq_restore. */
static inline uint64_t irq_save(void)
{
	uint64_t was;
	__asm__ volatile("csrrci %0, sstatus, 2" : "=r"(was)::"memory");
	return was & SSTATUS_SIE;
}
static inline void irq_restore(uint64_t was)
{
	__asm__ volatile("csrs sstatus, %0" ::"r"(was) : "memory");
}
static inline void irq_enable(void)
{
	__asm__ volatile("csrsi sstatus, 2" ::: "memory");
}
static inline void irq_disable(void)
{
	__asm__ volatile("csrci sstatus, 2" ::: "memory");
}
static inline bool irq_enabled(void)
{
	return csr_read(sstatus) & SSTATUS_SIE;
}

/*
 * Make earlier stores to page tables visible to this hart's walks, and drop what it cached (4.2.1).
 */
static inline void sfence_all(void)
{
	__asm__ volatile("sfence.vma x0, x0" ::: "memory");
}
/* Set at boot (errata.c): these harts get any narrower fence wrong (CIP-1200). */
extern bool sfence_whole_only;
static inline void sfence_page(uint64_t va)
{
	if (__builtin_expect(sfence_whole_only, 0))
		sfence_all();
	else
		__asm__ volatile("sfence.vma %0, x0" ::"r"(va) : "memory");
}
static inline void sfence_asid(uint64_t asid)
{
	if (__builtin_expect(sfence_whole_only, 0))
		sfence_all();
	else
		__asm__ volatile("sfence.vma x0, %0" ::"r"(asid) : "memory");
}
static inline void sfence_page_asid(uint64_t va, uint64_t asid)
{
	if (__builtin_expect(sfence_whole_only, 0))
		sfence_all();
	else
		__asm__ volatile("sfence.vma %0, %1" ::"r"(va), "r"(asid) : "memory");
}
static inline void fence_i(void)
{
	__asm__ volatile("fence.i" ::: "memory");
}
/* Order device register accesses against memory (device input/output and memory, both ways). */
static inline void io_fence(void)
{
	__asm__ volatile("fence iorw, iorw" ::: "memory");
}
static inline void cpu_relax(void)
{
	/* The pause hint of Zihintpause; a plain fence to a hart that does not know it. */
	__asm__ volatile(".4byte 0x0100000f" ::: "memory");
}
static inline void wait_for_interrupt(void)
{
	__asm__ volatile("wfi" ::: "memory");
}
static inline uint64_t time_read(void)
{
	uint64_t t;
	__asm__ volatile("rdtime %0" : "=r"(t));
	return t;
}

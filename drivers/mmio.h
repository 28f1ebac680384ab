/*
 * Accesses to device registers: of exactly the width named, in program order among themselves and
 * (by the fences) against ordinary memory. A driver that fills a buffer and then writes a doorbell
 * register needs nothing else; so does one that reads a status register and then the buffer.
 */
#pragma once

#include "kernel/riscv.h"

static inline uint8_t mmio_read8(const volatile void *reg)
{
	uint8_t v = *(const volatile uint8_t *)reg;

	__asm__ volatile("fence i, ir" ::: "memory");
	return v;
}

static inline uint16_t mmio_read16(const volatile void *reg)
{
	uint16_t v = *(const volatile uint16_t *)reg;

	__asm__ volatile("fence i, ir" ::: "memory");
	return v;
}

static inline uint32_t mmio_read32(const volatile void *reg)
{
	uint32_t v = *(const volatile uint32_t *)reg;

	__asm__ volatile("fence i, ir" ::: "memory");
	return v;
}

static inline void mmio_write8(volatile void *reg, uint8_t v)
{
	__asm__ volatile("fence w, o" ::: "memory");
	*(volatile uint8_t *)reg = v;
}

static inline void mmio_write16(volatile void *reg, uint16_t v)
{
	__asm__ volatile("fence w, o" ::: "memory");
	*(volatile uint16_t *)reg = v;
}

static inline void mmio_write32(volatile void *reg, uint32_t v)
{
	__asm__ volatile("fence w, o" ::: "memory");
	*(volatile uint32_t *)reg = v;
}

static inline void mmio_write64(volatile void *reg, uint64_t v)
{
	__asm__ volatile("fence w, o" ::: "memory");
	*(volatile uint64_t *)reg = v;
}

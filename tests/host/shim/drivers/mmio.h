/* In place of drivers/mmio.h: registers are functions that the test brings. */
#pragma once

#include <stdint.h>

uint64_t host_mmio_read(const volatile void *reg, unsigned size);
void host_mmio_write(volatile void *reg, unsigned size, uint64_t v);

static inline uint8_t mmio_read8(const volatile void *reg)
{
	return (uint8_t)host_mmio_read(reg, 1);
}
static inline uint16_t mmio_read16(const volatile void *reg)
{
	return (uint16_t)host_mmio_read(reg, 2);
}
static inline uint32_t mmio_read32(const volatile void *reg)
{
	return (uint32_t)host_mmio_read(reg, 4);
}
static inline void mmio_write8(volatile void *reg, uint8_t v)
{
	host_mmio_write(reg, 1, v);
}
static inline void mmio_write16(volatile void *reg, uint16_t v)
{
	host_mmio_write(reg, 2, v);
}
static inline void mmio_write32(volatile void *reg, uint32_t v)
{
	host_mmio_write(reg, 4, v);
}
static inline void mmio_write64(volatile void *reg, uint64_t v)
{
	host_mmio_write(reg, 8, v);
}

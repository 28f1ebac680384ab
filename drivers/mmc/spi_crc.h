/*
 * Check sums of the SD bus (specification, section 4.5): of the kind that sends the high bit first,
 * starting at 0.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* x^7 + x^3 + 1, of commands. */
static inline uint8_t spi_crc7(const uint8_t *p, size_t len)
{
	uint8_t crc = 0;

	while (len--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = (uint8_t)(crc & 0x80 ? crc << 1 ^ 0x12 : crc << 1);
	}
	return crc >> 1;
}

/* x^16 + x^12 + x^5 + 1, of data; a byte at a time, without a table. */
static inline uint16_t spi_crc16(const uint8_t *p, size_t len)
{
	uint32_t crc = 0;

	while (len--) {
		crc = (crc >> 8 | crc << 8) & 0xffff;
		crc ^= *p++;
		crc ^= (crc & 0xff) >> 4;
		crc ^= crc << 12 & 0xffff;
		crc ^= (crc & 0xff) << 5;
	}
	return (uint16_t)crc;
}

#include "lib/crc.h"

/*
 * A table lookup for each byte.  The tables are linear: the entry of i is the exclusive or of the
 * entries of i's single bits, so the eight of those, in ascending order, say everything and the
 * compiler works out the rest.
 */
#define BIT_ENTRY(i, bit, entry) ((i) >> (bit)&1 ? (entry) : 0)
#define ENTRY_OF(i, b0, b1, b2, b3, b4, b5, b6, b7)                                                \
	(BIT_ENTRY(i, 0, b0) ^ BIT_ENTRY(i, 1, b1) ^ BIT_ENTRY(i, 2, b2) ^ BIT_ENTRY(i, 3, b3) ^   \
	 BIT_ENTRY(i, 4, b4) ^ BIT_ENTRY(i, 5, b5) ^ BIT_ENTRY(i, 6, b6) ^ BIT_ENTRY(i, 7, b7))
#define FOUR(f, i)    f(i), f((i) + 1), f((i) + 2), f((i) + 3)
#define SIXTEEN(f, i) FOUR(f, i), FOUR(f, (i) + 4), FOUR(f, (i) + 8), FOUR(f, (i) + 12)
#define SIXTY_FOUR(f, i)                                                                           \
	SIXTEEN(f, i), SIXTEEN(f, (i) + 16), SIXTEEN(f, (i) + 32), SIXTEEN(f, (i) + 48)
#define TABLE(f) SIXTY_FOUR(f, 0), SIXTY_FOUR(f, 64), SIXTY_FOUR(f, 128), SIXTY_FOUR(f, 192)

#define CRC32_ENTRY(i)                                                                             \
	ENTRY_OF(i, 0x77073096u, 0xee0e612cu, 0x076dc419u, 0x0edb8832u, 0x1db71064u, 0x3b6e20c8u,  \
		 0x76dc4190u, 0xedb88320u)
#define CRC32C_ENTRY(i)                                                                            \
	ENTRY_OF(i, 0xf26b8303u, 0xe13b70f7u, 0xc79a971fu, 0x8ad958cfu, 0x105ec76fu, 0x20bd8edeu,  \
		 0x417b1dbcu, 0x82f63b78u)
#define CRC16_ENTRY(i)                                                                             \
	ENTRY_OF(i, 0xc0c1, 0xc181, 0xc301, 0xc601, 0xcc01, 0xd801, 0xf001, 0xa001)

static const uint32_t crc32_table[256] = {TABLE(CRC32_ENTRY)};
static const uint32_t crc32c_table[256] = {TABLE(CRC32C_ENTRY)};
static const uint16_t crc16_table[256] = {TABLE(CRC16_ENTRY)};

static uint32_t crc_bytes(const uint32_t table[256], uint32_t crc, const uint8_t *p, size_t len)
{
	while (len--)
		crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
	return crc;
}

uint32_t crc32(uint32_t crc, const void *data, size_t len)
{
	return ~crc_bytes(crc32_table, ~crc, data, len);
}

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
	return crc_bytes(crc32c_table, crc, data, len);
}

uint32_t crc32c_around(uint32_t crc, const void *data, size_t len, size_t hole, size_t count)
{
	static const uint8_t zero;

	crc = crc32c(crc, data, hole);
	for (size_t i = 0; i < count; i++)
		crc = crc32c(crc, &zero, 1);
	return crc32c(crc, (const uint8_t *)data + hole + count, len - hole - count);
}

uint16_t crc16(uint16_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len--)
		crc = (uint16_t)(crc >> 8 ^ crc16_table[(crc ^ *p++) & 0xff]);
	return crc;
}

#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Cyclic redundancy checks over len bytes.  All are the reflected (low bit first) forms, chain
 * over pieces of a message, and neither sleep nor allocate.
 */

/*
 * CRC-32 as GPT, zip and Ethernet use it (polynomial 0x04c11db7).  The usual inversion before and
 * after is done in here: start with crc = 0 and pass the last result to go on.
 */
uint32_t crc32(uint32_t crc, const void *data, size_t len);

/*
 * CRC-32C (Castagnoli, 0x1edc6f41) as ext4 and JBD2 use it: raw, with no inversion.  Start with
 * ~0, and do not invert the result: the file system stores it so.
 */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);
/* The same, where the `count` bytes at offset `hole` count as zeros: the sum's own place. */
uint32_t crc32c_around(uint32_t crc, const void *data, size_t len, size_t hole, size_t count);

/* CRC-16 (0x8005) of ext4's group descriptors (uninit_bg): raw; start with 0xffff. */
uint16_t crc16(uint16_t crc, const void *data, size_t len);

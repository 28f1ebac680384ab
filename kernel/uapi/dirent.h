/*
 * getdents64(2): the records of the Linux ABI.
 */
#pragma once

#include <stdint.h>

struct dirent64 {
	uint64_t d_ino;
	int64_t d_off;
	uint16_t d_reclen;
	uint8_t d_type;
	char d_name[]; /* NUL-terminated; the record is padded to 8 bytes */
};

#define DT_UNKNOWN 0
#define DT_FIFO	   1
#define DT_CHR	   2
#define DT_DIR	   4
#define DT_BLK	   6
#define DT_REG	   8
#define DT_LNK	   10
#define DT_SOCK	   12

/* From the type bits of a mode. */
#define DT_OF_MODE(mode) (((mode) >> 12) & 15)

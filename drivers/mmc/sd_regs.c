/*
 * The registers of an SD card, decoded (specification, chapter 5).
 */
#include "drivers/mmc/mmc.h"

#include "lib/bits.h"

/* Bits start+size-1 .. start of a register of 128 bits whose highest word comes first. */
static uint32_t reg_bits(const uint32_t raw[4], uint32_t start, uint32_t size)
{
	uint32_t word = 3 - start / 32, shift = start % 32;
	uint64_t pair = raw[word];

	if (word)
		pair |= (uint64_t)raw[word - 1] << 32;
	return (uint32_t)(pair >> shift & ((UINT64_C(1) << size) - 1));
}

/* TRAN_SPEED: a unit, and a factor in tenths (table 5-6). */
static uint32_t tran_speed(uint32_t code)
{
	static const uint8_t tenths[16] = {0,  10, 12, 13, 15, 20, 25, 30,
					   35, 40, 45, 50, 55, 60, 70, 80};
	static const uint32_t units[4] = {10000, 100000, 1000000, 10000000};

	return code & 4 ? 0 : units[code & 3] * tenths[code >> 3 & 15];
}

int sd_csd_decode(const uint32_t raw[4], struct sd_csd *csd)
{
	uint32_t length = reg_bits(raw, 80, 4);

	*csd = (struct sd_csd){
		.hz = tran_speed(reg_bits(raw, 96, 8)),
		.classes = reg_bits(raw, 84, 12),
		.readonly = reg_bits(raw, 12, 2) != 0,
	};
	switch (reg_bits(raw, 126, 2)) {
	case 0:
		/* Blocks of 512, 1024 or 2048 bytes; nothing else fits two gigabytes. */
		if (length < 9 || length > 11)
			return -EINVAL;
		csd->sectors = (reg_bits(raw, 62, 12) + UINT64_C(1))
			       << (reg_bits(raw, 47, 3) + 2 + length - 9);
		break;
	case 1:
		csd->sectors = (reg_bits(raw, 48, 22) + UINT64_C(1)) << 10;
		break;
	default:
		return -EINVAL;
	}
	return csd->hz ? 0 : -EINVAL;
}

static void copy_text(char *to, const uint32_t raw[4], uint32_t start, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t c = reg_bits(raw, start - 8 * i, 8);

		to[i] = c > ' ' && c < 0x7f ? (char)c : '?';
	}
	to[n] = '\0';
}

void sd_cid_decode(const uint32_t raw[4], struct sd_cid *cid)
{
	uint32_t revision = reg_bits(raw, 56, 8);

	*cid = (struct sd_cid){
		.manufacturer = (uint8_t)reg_bits(raw, 120, 8),
		.revision = (uint8_t)((revision >> 4) * 10 + (revision & 15)),
		.serial = reg_bits(raw, 24, 32),
		.year = 2000 + reg_bits(raw, 12, 8),
		.month = reg_bits(raw, 8, 4),
	};
	copy_text(cid->oem, raw, 112, 2);
	copy_text(cid->product, raw, 96, 5);
}

int sd_scr_decode(const uint8_t raw[8], struct sd_scr *scr)
{
	uint32_t spec = raw[0] & 15;

	/* A structure of a version to come may mean anything. */
	if (raw[0] >> 4)
		return -EINVAL;
	*scr = (struct sd_scr){
		.version = spec == 0 ? 100 : spec == 1 ? 110 : 200,
		.has_4bit = raw[1] & 4,
		.has_switch = spec >= 1,
	};
	if (spec >= 2 && raw[2] & 0x80)
		scr->version = raw[2] & 4 ? 400 : 300;
	return 0;
}

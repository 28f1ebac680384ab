/*
 * Partition tables: what a disk says about its partitions, checked. Pure: reads through a
 * callback, keeps no state, so the same code runs in host tests and under a fuzzer.
 *
 * GPT: UEFI specification 2.10, chapter 5. MBR: the same, section 5.2.1, and the customary chain
 * of extended boot records.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PARTITIONS_MAX 128 /* more on a disk are ignored */

struct partition {
	uint32_t number; /* as in the name: vda1; entries that are not used leave gaps */
	uint64_t start, sectors; /* units of 512 bytes; within the disk, sectors is not 0 */
	char uuid[37];
};

struct partition_disk {
	uint64_t sectors;    /* of 512 bytes */
	uint32_t block_size; /* logical: 512 or a power of two above, up to 4096 */
	/* Read one sector of 512 bytes; 0 or -errno. */
	int (*read)(struct partition_disk *d, uint64_t sector, void *buf);
	void *data;
	const char *note; /* out: what is wrong with the table, or NULL */
};

/*
 * Fill table with up to PARTITIONS_MAX partitions in ascending number. Their count (0: no table,
 * or none that makes sense), or -errno when the disk cannot be read. May sleep if read does.
 */
int partitions_parse(struct partition_disk *d, struct partition *table);

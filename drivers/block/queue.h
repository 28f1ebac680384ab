/*
 * Inside of the block layer: the queue of a disk.
 */
#pragma once

#include "drivers/block.h"

#define QUEUE_REQUESTS 128

/* What a bio is waiting for, in this order; stages it does not need are left out. */
enum bio_stage { STAGE_PREFLUSH, STAGE_DATA, STAGE_POSTFLUSH };

struct block_queue {
	struct spinlock lock;	  /* RANK_BLOCK, interrupts off: everything here */
	struct blockdev *disk;
	struct list_head sorted;  /* data requests not yet started, by sector */
	struct list_head fifo;	  /* the same, by arrival */
	struct list_head flushes; /* flushes not yet started */
	struct list_head waiting; /* bios for which there is no free request */
	struct list_head free;
	uint32_t in_flight;
	bool full;		  /* the device takes no more until one completes */
	uint64_t head;		  /* sector behind the request started last */
	uint64_t fail_after;	  /* tests: bios until one fails; 0: none does */
	uint64_t fail_every;	  /* tests: the same, once one has */
	uint64_t bad_first, bad_last; /* tests: sectors that cannot be read or written */
	struct request pool[QUEUE_REQUESTS];
};

struct block_queue *block_queue_create(struct blockdev *disk);
/* Debug kernels: what blk.fail= says, from now on. False: it says nothing of this disk. */
bool block_queue_fail(struct block_queue *q, const char *word);
extern const struct object_ops blockdev_object_ops;
/* All partitions of a disk are gone, unless one is in use: 0 or -EBUSY. Sleeps. */
int blockdev_forget_partitions(struct blockdev *disk);
/* Register partition partno of disk: the caller has checked that it lies within. 0 or -errno. */
int blockdev_add_partition(struct blockdev *disk, uint32_t partno, uint64_t start,
			   uint64_t sectors, const char *partuuid);

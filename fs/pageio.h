/*
 * Moving whole runs of page-cache frames to and from a device in as few requests as the blocks'
 * places allow.
 */
#pragma once

#include <stdatomic.h>

#include "drivers/block.h"

struct pageio {
	struct blockdev *bdev;
	enum bio_op op;
	struct bio *bio;	  /* being filled; NULL: none */
	uint64_t next;		  /* sector that would go on with it */
	_Atomic uint32_t pending; /* submitted and not done, plus one while filling */
	_Atomic int status;	  /* first error */
	_Atomic uint32_t finished;	  /* the last completion touches p no more */
	struct waitqueue wait;
};

void pageio_begin(struct pageio *p, struct blockdev *bdev, enum bio_op op);
/* len bytes (a multiple of 512) of memory at pa, to or from sector. 0 or -ENOMEM. */
int pageio_add(struct pageio *p, uint64_t sector, paddr_t pa, uint32_t len);
/* Send the rest and wait for all: 0 or the first error. Must follow pageio_begin. */
int pageio_finish(struct pageio *p);

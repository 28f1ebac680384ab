/*
 * Inside of the block layer: what bio.c and queue.c need of each other.
 */
#pragma once

#include <stdatomic.h>

#include "drivers/block/queue.h"

/* Queue checked bios of one disk (linked by link) and start what can start. */
void queue_add(struct block_queue *q, struct list_head *bios);
/* Count them and call done for each; no lock held. */
void bios_finish(struct list_head *bios);
/* Before the first bio. */
void bio_init_waits(void);

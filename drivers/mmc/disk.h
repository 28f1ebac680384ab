/*
 * Inside of drivers/mmc: a card as a disk.
 */
#pragma once

#include "drivers/mmc/mmc.h"
#include "kernel/wait.h"

struct mmc_disk {
	struct sd_card card;	 /* (the disk's thread) */
	struct spinlock lock;	 /* RANK_DRIVER: request */
	struct request *request; /* (lock) the one to carry out */
	struct waitqueue wait;	 /* the thread sleeps here */
	struct bio_vec vecs[MMC_VECS_MAX]; /* (the disk's thread) of the request */
	struct blockdev disk;
};

/* Identify the card of h; on 0 *out is a disk that is not registered yet. Errors: sd_identify. */
int mmc_disk_create(struct mmc_host *h, struct mmc_disk **out);
/* Carry out the request that waits, and complete it; false if there is none. Sleeps. */
bool mmc_disk_work(struct mmc_disk *d);

/*
 * Inside of drivers/mmc: the memory of a transfer as a controller's DMA can take it.
 */
#pragma once

#include "drivers/dma.h"
#include "drivers/mmc/mmc.h"

#define MMC_BOUNCE_ORDER 4
#define MMC_BOUNCE_BYTES (PAGE_SIZE << MMC_BOUNCE_ORDER)

struct mmc_dma {
	bool reaches_all; /* 64-bit addresses */
	bool one_piece;	  /* no lists of pieces */
	void *bounce;	  /* MMC_BOUNCE_BYTES below 4 GiB, or NULL: none is needed */
	dma_addr_t bounce_addr;
	/* of the transfer under way */
	struct mmc_data *data;
	struct bio_vec bounced;
	const struct bio_vec *vecs; /* data's, or &bounced */
	uint32_t nvec;
};

/*
 * With reaches_all and one_piece set: get what bouncing needs, and make h's transfers small enough
 * for it. 0, or -ENOMEM: use no DMA.
 */
int mmc_dma_init(struct mmc_dma *m, struct mmc_host *h);
void mmc_dma_free(struct mmc_dma *m);
/* Before a transfer: m->vecs is what to tell the device, mapped. False: it must do without DMA. */
bool mmc_dma_begin(struct mmc_dma *m, struct mmc_data *data);
/* After it, whether it worked or not. */
void mmc_dma_end(struct mmc_dma *m);

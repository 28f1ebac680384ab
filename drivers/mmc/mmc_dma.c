/*
 * Memory of a transfer, mapped for the device, or copied where the device cannot reach it.
 */
#include "drivers/mmc/mmc_dma.h"

#include "kernel/machine.h"
#include "lib/string.h"

static uint32_t data_bytes(const struct mmc_data *data)
{
	return data->block_size * data->blocks;
}

static enum dma_dir direction(const struct mmc_data *data)
{
	return data->write ? DMA_TO_DEVICE : DMA_FROM_DEVICE;
}

int mmc_dma_init(struct mmc_dma *m, struct mmc_host *h)
{
	bool high = machine_ram_end() > 4 * GiB;

	if (!m->one_piece && (m->reaches_all || !high))
		return 0;
	m->bounce = dma_alloc_32(MMC_BOUNCE_ORDER, &m->bounce_addr);
	if (!m->bounce)
		return -ENOMEM;
	h->max_blocks = MMC_BOUNCE_BYTES / MMC_BLOCK;
	return 0;
}

void mmc_dma_free(struct mmc_dma *m)
{
	if (m->bounce)
		frame_free(frame_of(m->bounce), MMC_BOUNCE_ORDER);
	m->bounce = NULL;
}

static bool must_bounce(const struct mmc_dma *m, const struct mmc_data *data)
{
	if (m->one_piece && data->nvec > 1)
		return true;
	for (uint32_t i = 0; i < data->nvec && !m->reaches_all; i++)
		if (data->vecs[i].pa + data->vecs[i].len > 4 * GiB)
			return true;
	return false;
}

static void copy(struct mmc_dma *m, bool to_bounce)
{
	uint8_t *at = m->bounce;

	for (uint32_t i = 0; i < m->data->nvec; i++) {
		const struct bio_vec *v = &m->data->vecs[i];

		if (to_bounce)
			memcpy(at, phys_to_virt(v->pa), v->len);
		else
			memcpy(phys_to_virt(v->pa), at, v->len);
		at += v->len;
	}
}

bool mmc_dma_begin(struct mmc_dma *m, struct mmc_data *data)
{
	m->data = data;
	m->vecs = data->vecs;
	m->nvec = data->nvec;
	if (must_bounce(m, data)) {
		if (!m->bounce || data_bytes(data) > MMC_BOUNCE_BYTES)
			return false;
		m->bounced = (struct bio_vec){m->bounce_addr, data_bytes(data)};
		m->vecs = &m->bounced;
		m->nvec = 1;
		if (data->write)
			copy(m, true);
	}
	for (uint32_t i = 0; i < m->nvec; i++)
		dma_map(m->vecs[i].pa, m->vecs[i].len, direction(data));
	return true;
}

void mmc_dma_end(struct mmc_dma *m)
{
	for (uint32_t i = 0; i < m->nvec; i++)
		dma_unmap(m->vecs[i].pa, m->vecs[i].len, direction(m->data));
	if (m->vecs == &m->bounced && !m->data->write)
		copy(m, false);
}

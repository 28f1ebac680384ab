/*
 * Split virtqueues (specification, section 2.7).
 */
#include "drivers/virtio/virtio.h"

#include "drivers/virtio/mmio.h"
#include "kernel/riscv.h"
#include "lib/string.h"

#define DESC_NEXT     1
#define DESC_WRITE    2
#define DESC_INDIRECT 4

#define USED_NO_NOTIFY 1

struct vq_used_elem {
	uint32_t id;
	uint32_t len;
};

size_t vq_avail_offset(uint32_t size)
{
	return sizeof(struct vq_desc) * size;
}

size_t vq_used_offset(uint32_t size)
{
	/* Version 1 fixes the place: the page behind the available ring. */
	return ALIGN_UP(vq_avail_offset(size) + 2 * (3 + (size_t)size), PAGE_SIZE);
}

size_t vq_bytes(uint32_t size)
{
	return vq_used_offset(size) + 2 * 3 + sizeof(struct vq_used_elem) * size;
}

int vq_init(struct virtqueue *vq, struct virtio_device *v, uint32_t index, uint32_t size,
	    dma_addr_t *memory)
{
	uint8_t *m = dma_alloc(vq_bytes(size), memory);
	void **tokens = kzalloc(size * sizeof(*tokens));

	if (!m || !tokens) {
		dma_free(m);
		kfree(tokens);
		return -ENOMEM;
	}
	*vq = (struct virtqueue){
		.dev = v,
		.index = index,
		.size = size,
		.event_idx = virtio_has(v, VIRTIO_F_EVENT_IDX),
		.memory = m,
		.desc = (struct vq_desc *)m,
		.avail = (volatile uint16_t *)(m + vq_avail_offset(size)),
		.used = (volatile uint16_t *)(m + vq_used_offset(size)),
		.used_ring = (volatile struct vq_used_elem *)(m + vq_used_offset(size) + 4),
		.free_count = (uint16_t)size,
		.tokens = tokens,
	};
	for (uint32_t i = 0; i < size; i++)
		vq->desc[i].next = (uint16_t)(i + 1);
	return 0;
}

static volatile uint16_t *avail_event(struct virtqueue *vq)
{
	return vq->used + 2 + vq->size * (sizeof(struct vq_used_elem) / 2);
}

/* Write a chain into n consecutive entries of a table. */
static void fill_table(struct vq_desc *table, const struct vq_buf *bufs, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		table[i].addr = bufs[i].addr;
		table[i].len = bufs[i].len;
		table[i].flags = (uint16_t)((bufs[i].device_writes ? DESC_WRITE : 0) |
					    (i + 1 < n ? DESC_NEXT : 0));
		table[i].next = (uint16_t)(i + 1);
	}
}

/* The same into free entries of the ring, which are linked already. */
static void fill_ring(struct virtqueue *vq, const struct vq_buf *bufs, uint32_t n)
{
	uint16_t at = vq->free_head;

	for (uint32_t i = 0; i < n; i++) {
		struct vq_desc *d = &vq->desc[at];

		d->addr = bufs[i].addr;
		d->len = bufs[i].len;
		d->flags = (uint16_t)((bufs[i].device_writes ? DESC_WRITE : 0) |
				      (i + 1 < n ? DESC_NEXT : 0));
		at = d->next;
	}
	vq->free_head = at;
	vq->free_count = (uint16_t)(vq->free_count - n);
}

int vq_add(struct virtqueue *vq, const struct vq_buf *bufs, uint32_t n, struct vq_desc *table,
	   dma_addr_t table_addr, void *token)
{
	uint16_t head = vq->free_head;

	if (vq->free_count < (table ? 1 : n))
		return -EBUSY;
	if (table) {
		struct vq_desc *d = &vq->desc[head];

		fill_table(table, bufs, n);
		d->addr = table_addr;
		d->len = (uint32_t)(n * sizeof(*table));
		d->flags = DESC_INDIRECT;
		vq->free_head = d->next;
		vq->free_count--;
	} else {
		fill_ring(vq, bufs, n);
	}
	vq->tokens[head] = token;
	vq->avail[2 + vq->avail_idx % vq->size] = head;
	vq->avail_idx++;
	/*
	 * The device may look at once: the entry must be there before the index says so (2.7.13).
	 */
	io_fence();
	vq->avail[1] = vq->avail_idx;
	return 0;
}

void vq_kick(struct virtqueue *vq)
{
	uint16_t from = vq->kicked_idx, to = vq->avail_idx;
	bool tell;

	if (from == to)
		return;
	vq->kicked_idx = to;
	/*
	 * The index before the device's wish to be told: else both sides could wait (2.7.13.4.1).
	 */
	io_fence();
	if (vq->event_idx)
		tell = (uint16_t)(to - *avail_event(vq) - 1) < (uint16_t)(to - from);
	else
		tell = !(vq->used[0] & USED_NO_NOTIFY);
	if (tell)
		virtio_mmio_notify(vq->dev, vq->index);
}

/* Give the descriptors of the chain at head back. */
static void free_chain(struct virtqueue *vq, uint16_t head)
{
	uint16_t at = head;
	uint32_t n = 1;

	/* Our own memory, but the device could have written to it: n bounds the walk. */
	while ((vq->desc[at].flags & DESC_NEXT) && n < vq->size && vq->desc[at].next < vq->size) {
		at = vq->desc[at].next;
		n++;
	}
	vq->desc[at].next = vq->free_head;
	vq->free_head = head;
	vq->free_count = (uint16_t)(vq->free_count + n);
}

void *vq_get(struct virtqueue *vq, uint32_t *written)
{
	uint16_t idx = vq->used[1];

	if (vq->dev->broken || idx == vq->used_idx)
		return NULL;
	if ((uint16_t)(idx - vq->used_idx) > vq->size) {
		virtio_break(vq->dev, "used index out of range");
		return NULL;
	}
	/* The entry, and what the device wrote to buffers, is there once the index says so. */
	io_fence();
	volatile struct vq_used_elem *e = &vq->used_ring[vq->used_idx % vq->size];
	uint32_t id = e->id;

	*written = e->len;
	if (id >= vq->size || !vq->tokens[id]) {
		virtio_break(vq->dev, "it completed a buffer that it did not have");
		return NULL;
	}
	void *token = vq->tokens[id];

	vq->tokens[id] = NULL;
	free_chain(vq, (uint16_t)id);
	vq->used_idx++;
	return token;
}

bool vq_enable_interrupt(struct virtqueue *vq)
{
	if (vq->event_idx)
		vq->avail[2 + vq->size] = vq->used_idx;
	io_fence();
	return vq->used[1] != vq->used_idx;
}

void *vq_reclaim(struct virtqueue *vq)
{
	for (uint32_t i = 0; i < vq->size; i++) {
		void *token = vq->tokens[i];

		if (token) {
			vq->tokens[i] = NULL;
			return token;
		}
	}
	return NULL;
}

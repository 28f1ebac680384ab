/*
 * Virtio devices over the MMIO transport (Virtual I/O Device specification 1.2: section 4.2 for
 * the transport, 2.7 for split virtqueues). Version 1 ("legacy") and version 2.
 *
 * The device is not trusted: what it writes into the rings and registers is checked, and a device
 * that breaks the rules is reset and marked broken. Its driver then fails all that was in flight.
 */
#pragma once

#include "drivers/dma.h"
#include "drivers/driver.h"
#include "kernel/spinlock.h"

#define VIRTIO_QUEUES_MAX 2

#define VIRTIO_F_INDIRECT_DESC 28
#define VIRTIO_F_EVENT_IDX     29
#define VIRTIO_F_VERSION_1     32

struct virtio_driver;
struct virtio_device;

/* A descriptor as the device reads it. */
struct vq_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};
_Static_assert(sizeof(struct vq_desc) == 16, "virtio 1.2, 2.7.5");

/* One buffer of a chain. Those the device reads come first. */
struct vq_buf {
	dma_addr_t addr;
	uint32_t len;
	bool device_writes;
};

/*
 * A split virtqueue. The owner serialises all calls on one queue with a lock of its own.
 */
struct virtqueue {
	struct virtio_device *dev;
	uint32_t index, size;	   /* size: entries, a power of two */
	bool event_idx;
	void *memory;
	struct vq_desc *desc;
	volatile uint16_t *avail;  /* flags, idx, ring[size], used_event */
	volatile uint16_t *used;   /* flags, idx, then {u32 id, len}[size], avail_event */
	volatile struct vq_used_elem *used_ring;
	uint16_t free_head, free_count;
	uint16_t avail_idx;	   /* of ours, published or not */
	uint16_t kicked_idx;	   /* avail_idx when the device was last told */
	uint16_t used_idx;	   /* next to look at */
	void **tokens;		   /* by head descriptor; NULL: not with the device */
};

struct virtio_device {
	const char *name;	/* the node's */
	volatile uint8_t *regs;
	uint64_t regs_len;
	uint32_t version;	/* 1 or 2 */
	uint32_t id;
	uint64_t features;	/* negotiated */
	int irq;
	bool running;		/* between virtio_ready and virtio_stop */
	_Atomic bool broken;
	const struct virtio_driver *driver;
	void *data;		/* the driver's */
	struct virtqueue vqs[VIRTIO_QUEUES_MAX];
	uint32_t nvqs;
};

struct virtio_driver {
	const char *name;
	uint32_t id;		 /* device type */
	uint64_t features;	 /* bits that it understands, beside the transport's */
	/*
	 * Features are negotiated. Set up queues, call virtio_ready, register. 0 or -errno, with
	 * everything undone but the queues.
	 */
	int (*probe)(struct virtio_device *v);
	void (*queue_interrupt)(struct virtio_device *v);
	void (*config_changed)(struct virtio_device *v); /* may be NULL; interrupt context */
};

extern const struct virtio_driver virtio_blk_driver, virtio_rng_driver;

static inline bool virtio_has(const struct virtio_device *v, unsigned feature)
{
	return v->features >> feature & 1;
}

/* Make queue `index` with at most `max` entries: 0, -ENOENT (there is none), -ENOMEM. */
int virtio_queue_setup(struct virtio_device *v, uint32_t index, uint32_t max);
/* The driver is ready: the device may run, and interrupt, from here on. 0 or -errno. */
int virtio_ready(struct virtio_device *v);
/* The opposite, before a failing probe frees what the device could still reach. */
void virtio_stop(struct virtio_device *v);
/* Bytes [offset, offset+n) of the configuration, in one piece (no torn reads). 0 or -EIO. */
int virtio_config_read(struct virtio_device *v, uint32_t offset, void *buf, uint32_t n);
/* Stop the device for good, with a message: it broke the rules. Any context. */
void virtio_break(struct virtio_device *v, const char *why);

/* --- drivers/virtio/queue.c --- */
/* Bytes of ring memory for a queue of `size`, laid out as version 1 wants it. */
size_t vq_bytes(uint32_t size);
int vq_init(struct virtqueue *vq, struct virtio_device *v, uint32_t index, uint32_t size,
	    dma_addr_t *memory);
/* Where the parts are in that memory, as offsets. */
size_t vq_avail_offset(uint32_t size);
size_t vq_used_offset(uint32_t size);
/*
 * Offer a chain of n buffers; token (not NULL) comes back from vq_get. With a table of n
 * descriptors at `table`, only one of the ring's is used. -EBUSY when the ring is full. The device
 * learns of it by vq_kick.
 */
int vq_add(struct virtqueue *vq, const struct vq_buf *bufs, uint32_t n, struct vq_desc *table,
	   dma_addr_t table_addr, void *token);
void vq_kick(struct virtqueue *vq);
/* A chain that the device is done with, and how many bytes it wrote; NULL when there is none. */
void *vq_get(struct virtqueue *vq, uint32_t *written);
/* Any chain that the device still has, taken back: after a reset. */
void *vq_reclaim(struct virtqueue *vq);
/* Tell the device to interrupt for the next chain; true if some are there already. */
bool vq_enable_interrupt(struct virtqueue *vq);

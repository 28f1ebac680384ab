/*
 * virtio-blk (specification, section 5.2). One queue; each slot carries one request of the block
 * layer: a header, the data, a status byte.
 */
#include "drivers/virtio/virtio.h"

#include "drivers/block.h"
#include "kernel/printk.h"
#include "lib/endian.h"

#define BLK_F_SIZE_MAX 1
#define BLK_F_SEG_MAX  2
#define BLK_F_RO       5
#define BLK_F_BLK_SIZE 6
#define BLK_F_FLUSH    9
#define BLK_F_DISCARD  13

#define CONFIG_CAPACITY	   0  /* u64, sectors of 512 bytes */
#define CONFIG_SIZE_MAX	   8  /* u32 */
#define CONFIG_SEG_MAX	   12 /* u32 */
#define CONFIG_BLK_SIZE	   20 /* u32 */
#define CONFIG_DISCARD_MAX 36 /* u32, sectors */

#define REQ_IN	    0
#define REQ_OUT	    1
#define REQ_FLUSH   4
#define REQ_DISCARD 11

#define STATUS_OK     0
#define STATUS_IOERR  1
#define STATUS_UNSUPP 2
#define STATUS_UNSET  0xff

#define QUEUE_MAX  128
#define SLOTS	   32  /* requests in flight */
#define VECS_MAX   126 /* so that a table is 2 KiB, and half a megabyte is one request */
#define EXTRA_VECS 2  /* header and status */

/* What the device reads and writes besides the data. */
struct blk_header {
	uint32_t type, reserved;
	uint64_t sector;
	/* of a discard, instead of data (struct virtio_blk_discard_write_zeroes) */
	uint64_t discard_sector;
	uint32_t discard_sectors, discard_flags;
	uint8_t status;
	uint8_t pad[31];
};
_Static_assert(sizeof(struct blk_header) == 64, "headers must not share a cache line");

struct blk_slot {
	struct request *r;
	struct blk_slot *next_free;
	uint32_t index;
};

struct virtio_blk {
	struct virtio_device *v;
	struct spinlock lock;	  /* RANK_DRIVER: queue, slots */
	struct blk_slot *free;	  /* (lock) */
	struct blk_slot slots[SLOTS];
	struct blk_header *headers;
	dma_addr_t headers_addr;
	struct vq_desc *tables;	  /* indirect ones, VECS_MAX + EXTRA_VECS for each slot, or NULL */
	dma_addr_t tables_addr;
	struct vq_buf bufs[VECS_MAX + EXTRA_VECS]; /* (lock) scratch of blk_start */
	struct blockdev disk;
};

/* Buffers of a request in b->bufs; how many. */
static uint32_t blk_fill(struct virtio_blk *b, struct blk_slot *s, struct request *r)
{
	static const uint32_t types[BIO_OPS] = {REQ_IN, REQ_OUT, REQ_FLUSH, REQ_DISCARD};
	struct blk_header *h = &b->headers[s->index];
	dma_addr_t addr = b->headers_addr + s->index * sizeof(*h);
	struct request_iter it;
	struct bio_vec vec;
	uint32_t n = 0;

	*h = (struct blk_header){
		.type = types[r->op],
		.sector = r->op == BIO_READ || r->op == BIO_WRITE ? r->sector : 0,
		.discard_sector = r->sector,
		.discard_sectors = (uint32_t)r->sectors,
		.status = STATUS_UNSET,
	};
	b->bufs[n++] = (struct vq_buf){addr, 16, false};
	if (r->op == BIO_DISCARD) {
		b->bufs[n++] = (struct vq_buf){
			addr + offsetof(struct blk_header, discard_sector), 16, false};
	} else if (r->op != BIO_FLUSH) {
		enum dma_dir dir = r->op == BIO_READ ? DMA_FROM_DEVICE : DMA_TO_DEVICE;

		request_iter_init(&it, r);
		while (n <= VECS_MAX && request_iter_next(&it, &vec))
			b->bufs[n++] = (struct vq_buf){dma_map(vec.pa, vec.len, dir), vec.len,
						       r->op == BIO_READ};
	}
	b->bufs[n++] = (struct vq_buf){addr + offsetof(struct blk_header, status), 1, true};
	return n;
}

static int blk_start(struct blockdev *d, struct request *r)
{
	struct virtio_blk *b = d->driver;
	uint64_t was = spin_lock_irq(&b->lock);
	struct blk_slot *s = b->free;
	int err = -EIO;

	if (b->v->broken)
		goto out;
	err = -EBUSY;
	if (!s)
		goto out;
	uint32_t n = blk_fill(b, s, r), table = s->index * (VECS_MAX + EXTRA_VECS);

	err = vq_add(&b->v->vqs[0], b->bufs, n, b->tables ? b->tables + table : NULL,
		     b->tables_addr + table * sizeof(struct vq_desc), s);
	if (err)
		goto out;
	b->free = s->next_free;
	s->r = r;
	r->driver = s;
out:
	spin_unlock_irq(&b->lock, was);
	return err;
}

static void blk_commit(struct blockdev *d)
{
	struct virtio_blk *b = d->driver;
	uint64_t was = spin_lock_irq(&b->lock);

	if (!b->v->broken)
		vq_kick(&b->v->vqs[0]);
	spin_unlock_irq(&b->lock, was);
}

static int blk_status(uint8_t status)
{
	switch (status) {
	case STATUS_OK:
		return 0;
	case STATUS_UNSUPP:
		return -EOPNOTSUPP;
	default:
		return -EIO;
	}
}

/* The memory of a finished request is the processor's again. */
static void blk_unmap(struct request *r)
{
	enum dma_dir dir = r->op == BIO_READ ? DMA_FROM_DEVICE : DMA_TO_DEVICE;
	struct request_iter it;
	struct bio_vec vec;

	if (r->op != BIO_READ && r->op != BIO_WRITE)
		return;
	request_iter_init(&it, r);
	while (request_iter_next(&it, &vec))
		dma_unmap(vec.pa, vec.len, dir);
}

/* One finished request with its status, or NULL. */
static struct request *blk_next_locked(struct virtio_blk *b, int *status)
{
	uint32_t written;
	struct blk_slot *s = vq_get(&b->v->vqs[0], &written);

	if (s) {
		*status = blk_status(b->headers[s->index].status);
	} else if (b->v->broken) {
		s = vq_reclaim(&b->v->vqs[0]);
		*status = -EIO;
	}
	if (!s)
		return NULL;
	struct request *r = s->r;

	s->r = NULL;
	s->next_free = b->free;
	b->free = s;
	return r;
}

static void blk_interrupt(struct virtio_device *v)
{
	struct virtio_blk *b = v->data;
	struct request *r;
	int status;

	for (;;) {
		uint64_t was = spin_lock_irq(&b->lock);

		r = blk_next_locked(b, &status);
		if (!r && !v->broken && vq_enable_interrupt(&v->vqs[0]))
			r = blk_next_locked(b, &status);
		spin_unlock_irq(&b->lock, was);
		if (!r)
			return;
		blk_unmap(r);
		if (status == -EIO)
			pr_err("%s: I/O error, sector %lu, %lu sectors, operation %d\n",
			       b->disk.name, (unsigned long)r->sector, (unsigned long)r->sectors,
			       r->op);
		block_complete(&b->disk, r, status);
	}
}

static const struct blockdev_ops blk_ops = {
	.start = blk_start,
	.commit = blk_commit,
};

static uint32_t config_u32(struct virtio_device *v, unsigned feature, uint32_t offset,
			   uint32_t fallback)
{
	uint8_t bytes[4];

	if (!virtio_has(v, feature) || virtio_config_read(v, offset, bytes, 4))
		return fallback;
	return load_le32(bytes);
}

static int blk_configure(struct virtio_blk *b)
{
	struct virtio_device *v = b->v;
	struct blockdev *d = &b->disk;
	uint8_t capacity[8];

	if (virtio_config_read(v, CONFIG_CAPACITY, capacity, 8))
		return -EIO;
	uint32_t segs = config_u32(v, BLK_F_SEG_MAX, CONFIG_SEG_MAX, 1);
	uint32_t room = b->tables ? VECS_MAX : v->vqs[0].size - EXTRA_VECS;
	uint32_t size_max = config_u32(v, BLK_F_SIZE_MAX, CONFIG_SIZE_MAX, 1u << 20);

	if (size_max < PAGE_SIZE)
		return -EINVAL;
	room = MIN(room, (uint32_t)VECS_MAX);
	room = MIN(segs, room);
	d->sectors = load_le64(capacity);
	d->readonly = virtio_has(v, BLK_F_RO);
	d->has_flush = virtio_has(v, BLK_F_FLUSH);
	d->block_size = config_u32(v, BLK_F_BLK_SIZE, CONFIG_BLK_SIZE, SECTOR_SIZE);
	if (d->block_size < SECTOR_SIZE || d->block_size > PAGE_SIZE ||
	    !is_power_of_2(d->block_size))
		return -EINVAL;
	size_max = MIN(size_max, 1u << 20);
	d->limits = (struct block_limits){
		.max_vecs = room ? room : 1,
		.max_sectors = 2048,
		.max_vec_bytes = (uint32_t)ALIGN_DOWN(size_max, SECTOR_SIZE),
		.max_discard_sectors = config_u32(v, BLK_F_DISCARD, CONFIG_DISCARD_MAX, 0),
	};
	d->has_discard = d->limits.max_discard_sectors != 0;
	d->ops = &blk_ops;
	d->driver = b;
	return 0;
}

static int blk_alloc(struct virtio_blk *b)
{
	b->headers = dma_alloc(SLOTS * sizeof(*b->headers), &b->headers_addr);
	if (!b->headers)
		return -ENOMEM;
	if (virtio_has(b->v, VIRTIO_F_INDIRECT_DESC)) {
		b->tables = dma_alloc(SLOTS * (VECS_MAX + EXTRA_VECS) * sizeof(*b->tables),
				      &b->tables_addr);
		if (!b->tables)
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < SLOTS; i++) {
		b->slots[i].index = i;
		b->slots[i].next_free = b->free;
		b->free = &b->slots[i];
	}
	return 0;
}

static int blk_probe(struct virtio_device *v)
{
	struct virtio_blk *b = kzalloc(sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	b->v = v;
	v->data = b;
	spin_init(&b->lock, "virtio-blk", RANK_DRIVER);
	err = virtio_queue_setup(v, 0, QUEUE_MAX);
	if (err)
		goto failed;
	err = blk_alloc(b);
	if (err)
		goto failed;
	err = blk_configure(b);
	if (err)
		goto failed;
	err = virtio_ready(v);
	if (err)
		goto failed;
	err = blockdev_register(&b->disk, "vd");
	if (!err)
		return 0;
failed:
	virtio_stop(v);
	dma_free(b->tables);
	dma_free(b->headers);
	kfree(b);
	return err;
}

const struct virtio_driver virtio_blk_driver = {
	.name = "virtio-blk",
	.id = 2,
	.features = BIT(BLK_F_SIZE_MAX) | BIT(BLK_F_SEG_MAX) | BIT(BLK_F_RO) |
		    BIT(BLK_F_BLK_SIZE) | BIT(BLK_F_FLUSH) | BIT(BLK_F_DISCARD),
	.probe = blk_probe,
	.queue_interrupt = blk_interrupt,
};

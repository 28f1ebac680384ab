/*
 * virtio-rng (specification, section 5.4): buffers that the device fills with random bytes. Asked
 * when the pool is thin, not all the time.
 */
#include "drivers/virtio/virtio.h"

#include "kernel/printk.h"
#include "kernel/random.h"
#include "lib/string.h"

#define RNG_BYTES 64

struct virtio_rng {
	struct virtio_device *v;
	struct spinlock lock;	/* RANK_DRIVER */
	bool asked;		/* (lock) the buffer is the device's */
	uint8_t *buf;
	dma_addr_t addr;
	struct random_source source;
};

static void rng_request(struct random_source *s)
{
	struct virtio_rng *r = s->data;
	uint64_t was = spin_lock_irq(&r->lock);

	if (!r->asked && !r->v->broken) {
		struct vq_buf b = {r->addr, RNG_BYTES, true};

		if (vq_add(&r->v->vqs[0], &b, 1, NULL, 0, r) == 0) {
			r->asked = true;
			vq_kick(&r->v->vqs[0]);
		}
	}
	spin_unlock_irq(&r->lock, was);
}

static void rng_interrupt(struct virtio_device *v)
{
	struct virtio_rng *r = v->data;
	uint32_t written = 0;
	uint8_t copy[RNG_BYTES];
	uint64_t was = spin_lock_irq(&r->lock);
	bool got = vq_get(&v->vqs[0], &written) != NULL;

	if (got) {
		r->asked = false;
		written = MIN(written, (uint32_t)RNG_BYTES);
		dma_unmap(r->addr, RNG_BYTES, DMA_FROM_DEVICE);
		memcpy(copy, r->buf, written);
		memset(r->buf, 0, RNG_BYTES);
	}
	if (!v->broken)
		vq_enable_interrupt(&v->vqs[0]);
	spin_unlock_irq(&r->lock, was);
	if (!got)
		return;
	random_add(copy, written, written * 8);
	/* The device may give as little as a byte at a time. */
	if (!random_ready() && written)
		rng_request(&r->source);
}

static int rng_probe(struct virtio_device *v)
{
	struct virtio_rng *r = kzalloc(sizeof(*r));
	int err = -ENOMEM;

	if (!r)
		return err;
	r->buf = dma_alloc(RNG_BYTES, &r->addr);
	if (!r->buf)
		goto no_buf;
	r->v = v;
	r->source = (struct random_source){rng_request, r};
	spin_init(&r->lock, "virtio-rng", RANK_DRIVER);
	v->data = r;
	err = virtio_queue_setup(v, 0, 8);
	if (err)
		goto no_queue;
	err = virtio_ready(v);
	if (err)
		goto no_queue;
	random_source_register(&r->source);
	return 0;
no_queue:
	virtio_stop(v);
	dma_free(r->buf);
no_buf:
	kfree(r);
	return err;
}

const struct virtio_driver virtio_rng_driver = {
	.name = "virtio-rng",
	.id = 4,
	.probe = rng_probe,
	.queue_interrupt = rng_interrupt,
};

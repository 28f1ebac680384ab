/*
 * The MMIO transport (specification, sections 4.2.2 for version 2, 4.2.4 for version 1).
 */
#include "drivers/virtio/mmio.h"

#include "drivers/mmio.h"
#include "kernel/printk.h"
#include "kernel/random.h"
#include "kernel/trap.h"
#include "lib/string.h"

#define REG_MAGIC	     0x000 /* "virt" */
#define REG_VERSION	     0x004
#define REG_DEVICE_ID	     0x008 /* 0: an empty slot */
#define REG_DEVICE_FEATURES  0x010
#define REG_FEATURES_SEL     0x014
#define REG_DRIVER_FEATURES  0x020
#define REG_DRIVER_FEATURES_SEL 0x024
#define REG_GUEST_PAGE_SIZE  0x028 /* version 1 */
#define REG_QUEUE_SEL	     0x030
#define REG_QUEUE_NUM_MAX    0x034
#define REG_QUEUE_NUM	     0x038
#define REG_QUEUE_ALIGN	     0x03c /* version 1 */
#define REG_QUEUE_PFN	     0x040 /* version 1 */
#define REG_QUEUE_READY	     0x044
#define REG_QUEUE_NOTIFY     0x050
#define REG_INTERRUPT_STATUS 0x060
#define REG_INTERRUPT_ACK    0x064
#define REG_STATUS	     0x070
#define REG_QUEUE_DESC	     0x080
#define REG_QUEUE_AVAIL	     0x090
#define REG_QUEUE_USED	     0x0a0
#define REG_CONFIG_GENERATION 0x0fc
#define REG_CONFIG	     0x100

#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER	   2
#define STATUS_DRIVER_OK   4
#define STATUS_FEATURES_OK 8
#define STATUS_FAILED	   128

#define INTERRUPT_QUEUE	 1
#define INTERRUPT_CONFIG 2

#define RESET_TRIES  1000
#define CONFIG_TRIES 16

static const struct virtio_driver *const virtio_drivers[] = {
	&virtio_blk_driver,
	&virtio_rng_driver,
};

static uint32_t reg_read(struct virtio_device *v, uint32_t reg)
{
	return mmio_read32(v->regs + reg);
}

static void reg_write(struct virtio_device *v, uint32_t reg, uint32_t value)
{
	mmio_write32(v->regs + reg, value);
}

static void status_add(struct virtio_device *v, uint32_t bits)
{
	reg_write(v, REG_STATUS, reg_read(v, REG_STATUS) | bits);
}

static int virtio_reset(struct virtio_device *v)
{
	reg_write(v, REG_STATUS, 0);
	for (uint32_t i = 0; i < RESET_TRIES; i++)
		if (reg_read(v, REG_STATUS) == 0)
			return 0;
	return -EIO;
}

void virtio_mmio_notify(struct virtio_device *v, uint32_t queue)
{
	reg_write(v, REG_QUEUE_NOTIFY, queue);
}

void virtio_break(struct virtio_device *v, const char *why)
{
	if (v->broken)
		return;
	v->broken = true;
	virtio_reset(v);
	pr_err("%s: device broken: %s\n", v->name, why);
}


static void read_config_bytes(struct virtio_device *v, uint32_t offset, uint8_t *buf, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		buf[i] = mmio_read8(v->regs + REG_CONFIG + offset + i);
}

int virtio_config_read(struct virtio_device *v, uint32_t offset, void *buf, uint32_t n)
{
	uint8_t again[16];

	if (n > sizeof(again) || REG_CONFIG + offset + n > v->regs_len)
		return -EIO;
	for (uint32_t i = 0; i < CONFIG_TRIES; i++) {
		uint32_t before = v->version > 1 ? reg_read(v, REG_CONFIG_GENERATION) : 0;

		read_config_bytes(v, offset, buf, n);
		if (v->version > 1) {
			if (reg_read(v, REG_CONFIG_GENERATION) == before)
				return 0;
			continue;
		}
		/* Version 1 has no generation: two reads that agree will do. */
		read_config_bytes(v, offset, again, n);
		if (memcmp(buf, again, n) == 0)
			return 0;
	}
	return -EIO;
}

static uint64_t read_features(struct virtio_device *v)
{
	reg_write(v, REG_FEATURES_SEL, 1);
	uint64_t high = reg_read(v, REG_DEVICE_FEATURES);

	reg_write(v, REG_FEATURES_SEL, 0);
	return high << 32 | reg_read(v, REG_DEVICE_FEATURES);
}

static int negotiate(struct virtio_device *v)
{
	uint64_t want = v->driver->features | BIT(VIRTIO_F_INDIRECT_DESC) | BIT(VIRTIO_F_EVENT_IDX);

	if (v->version > 1)
		want |= BIT(VIRTIO_F_VERSION_1);
	v->features = read_features(v) & want;
	if (v->version > 1 && !virtio_has(v, VIRTIO_F_VERSION_1))
		return -ENODEV;
	reg_write(v, REG_DRIVER_FEATURES_SEL, 1);
	reg_write(v, REG_DRIVER_FEATURES, (uint32_t)(v->features >> 32));
	reg_write(v, REG_DRIVER_FEATURES_SEL, 0);
	reg_write(v, REG_DRIVER_FEATURES, (uint32_t)v->features);
	if (v->version == 1) {
		reg_write(v, REG_GUEST_PAGE_SIZE, PAGE_SIZE);
		return 0;
	}
	status_add(v, STATUS_FEATURES_OK);
	return reg_read(v, REG_STATUS) & STATUS_FEATURES_OK ? 0 : -ENODEV;
}

static void queue_address(struct virtio_device *v, uint32_t reg, dma_addr_t addr)
{
	reg_write(v, reg, (uint32_t)addr);
	reg_write(v, reg + 4, (uint32_t)(addr >> 32));
}

int virtio_queue_setup(struct virtio_device *v, uint32_t index, uint32_t max)
{
	dma_addr_t memory;

	if (index >= VIRTIO_QUEUES_MAX)
		return -EINVAL;
	reg_write(v, REG_QUEUE_SEL, index);
	if (reg_read(v, v->version > 1 ? REG_QUEUE_READY : REG_QUEUE_PFN) != 0)
		return -EIO; /* in use, right after a reset? */
	uint32_t size = MIN(reg_read(v, REG_QUEUE_NUM_MAX), max);

	if (!size)
		return -ENOENT;
	size = 1u << ilog2(size);
	int err = vq_init(&v->vqs[index], v, index, size, &memory);

	if (err)
		return err;
	reg_write(v, REG_QUEUE_NUM, size);
	if (v->version == 1) {
		reg_write(v, REG_QUEUE_ALIGN, PAGE_SIZE);
		reg_write(v, REG_QUEUE_PFN, (uint32_t)(memory >> PAGE_SHIFT));
	} else {
		queue_address(v, REG_QUEUE_DESC, memory);
		queue_address(v, REG_QUEUE_AVAIL, memory + vq_avail_offset(size));
		queue_address(v, REG_QUEUE_USED, memory + vq_used_offset(size));
		reg_write(v, REG_QUEUE_READY, 1);
	}
	v->nvqs = MAX(v->nvqs, index + 1);
	return 0;
}

static void virtio_interrupt(void *arg)
{
	struct virtio_device *v = arg;
	uint32_t status = reg_read(v, REG_INTERRUPT_STATUS);

	reg_write(v, REG_INTERRUPT_ACK, status & (INTERRUPT_QUEUE | INTERRUPT_CONFIG));
	random_add_event((uint32_t)v->irq);
	if (status & INTERRUPT_QUEUE)
		v->driver->queue_interrupt(v);
	if ((status & INTERRUPT_CONFIG) && v->driver->config_changed)
		v->driver->config_changed(v);
}

int virtio_ready(struct virtio_device *v)
{
	int err = irq_register((uint32_t)v->irq, v->driver->name, virtio_interrupt, v);

	if (err)
		return err;
	v->running = true;
	status_add(v, STATUS_DRIVER_OK);
	return 0;
}

void virtio_stop(struct virtio_device *v)
{
	virtio_reset(v);
	if (v->running)
		irq_unregister((uint32_t)v->irq);
	v->running = false;
}

static void free_queues(struct virtio_device *v)
{
	for (uint32_t i = 0; i < v->nvqs; i++) {
		dma_free(v->vqs[i].memory);
		kfree(v->vqs[i].tokens);
	}
}

static int start_device(struct virtio_device *v)
{
	int err = virtio_reset(v);

	if (err)
		return err;
	status_add(v, STATUS_ACKNOWLEDGE);
	status_add(v, STATUS_DRIVER);
	err = negotiate(v);
	if (!err)
		err = v->driver->probe(v);
	if (!err)
		return 0;
	/* A reset takes the rings away from the device before they are freed. */
	virtio_stop(v);
	status_add(v, STATUS_FAILED);
	free_queues(v);
	return err;
}

static int virtio_mmio_probe(struct fdt_device *d)
{
	struct virtio_device *v = NULL, found = {.name = d->name};

	found.regs = device_map(d, 0, REG_CONFIG, &found.regs_len, NULL);
	if (!found.regs)
		return -ENOMEM;
	if (reg_read(&found, REG_MAGIC) != 0x74726976)
		return -ENODEV;
	found.version = reg_read(&found, REG_VERSION);
	found.id = reg_read(&found, REG_DEVICE_ID);
	if (!found.id)
		return -ENODEV;
	if (found.version != 1 && found.version != 2)
		return -EINVAL;
	for (uint32_t i = 0; i < ARRAY_SIZE(virtio_drivers); i++)
		if (virtio_drivers[i]->id == found.id)
			found.driver = virtio_drivers[i];
	if (!found.driver)
		return -ENODEV;
	found.irq = device_irq(d, 0);
	if (found.irq < 0)
		return found.irq;
	v = kzalloc(sizeof(*v));
	if (!v)
		return -ENOMEM;
	*v = found;
	int err = start_device(v);

	if (err)
		kfree(v);
	return err;
}

static const char *const virtio_mmio_compatible[] = {"virtio,mmio", NULL};

DRIVER(virtio_mmio) = {
	.name = "virtio-mmio",
	.compatible = virtio_mmio_compatible,
	.phase = DRIVER_NORMAL,
	.probe = virtio_mmio_probe,
};

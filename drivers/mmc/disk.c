/*
 * A card as a disk: one thread takes requests from the block layer and carries them out, one
 * after the other, as the card does.
 */
#include "drivers/mmc/disk.h"

#include "kernel/mem/slab.h"
#include "kernel/printk.h"
#include "kernel/thread.h"

static int disk_start(struct blockdev *disk, struct request *r)
{
	struct mmc_disk *d = disk->driver;
	uint64_t was = spin_lock_irq(&d->lock);
	int err = 0;

	if (d->card.removed)
		err = -EIO;
	else if (d->request)
		err = -EBUSY;
	else
		d->request = r;
	spin_unlock_irq(&d->lock, was);
	if (!err)
		wake_one(&d->wait);
	return err;
}

static const struct blockdev_ops disk_ops = {.start = disk_start};

static int disk_carry_out(struct mmc_disk *d, struct request *r)
{
	struct request_iter it;
	struct sd_io io = {
		.write = r->op == BIO_WRITE,
		.sector = r->sector,
		.sectors = (uint32_t)r->sectors,
		.vecs = d->vecs,
	};

	/* A card has no write cache: written is written. */
	if (r->op == BIO_FLUSH)
		return 0;
	if (r->op != BIO_READ && r->op != BIO_WRITE)
		return -EOPNOTSUPP;
	request_iter_init(&it, r);
	while (io.nvec < MMC_VECS_MAX && request_iter_next(&it, &d->vecs[io.nvec]))
		io.nvec++;
	return sd_transfer(&d->card, &io);
}

bool mmc_disk_work(struct mmc_disk *d)
{
	uint64_t was = spin_lock_irq(&d->lock);
	struct request *r = d->request;
	int err;

	spin_unlock_irq(&d->lock, was);
	if (!r)
		return false;
	err = disk_carry_out(d, r);
	if (err)
		pr_err("%s: I/O error, sector %lu, %lu sectors, operation %d\n", d->disk.name,
		       (unsigned long)r->sector, (unsigned long)r->sectors, r->op);
	was = spin_lock_irq(&d->lock);
	d->request = NULL;
	spin_unlock_irq(&d->lock, was);
	/* Users know of no media: what they get is an I/O error. */
	block_complete(&d->disk, r, err == -ENOMEDIUM ? -EIO : err);
	return true;
}

static void disk_thread(void *arg)
{
	struct mmc_disk *d = arg;

	for (;;) {
		wait_event(&d->wait, __atomic_load_n(&d->request, __ATOMIC_RELAXED),
			   WAIT_UNINTERRUPTIBLE);
		mmc_disk_work(d);
	}
}

static void disk_describe(const struct mmc_disk *d)
{
	const struct sd_card *c = &d->card;
	const struct mmc_host *h = c->host;

	pr_info("%s: %s card \"%s\" rev %u.%u, maker %#x \"%s\", serial %#x, made %u-%02u\n",
		d->disk.name, c->high_capacity ? "SDHC" : "SD", c->cid.product,
		c->cid.revision / 10, c->cid.revision % 10, c->cid.manufacturer, c->cid.oem,
		c->cid.serial, c->cid.year, c->cid.month);
	pr_info("%s: at %s: SD %u.%02u, %s%u bit%s, %u kHz%s\n", d->disk.name, h->name,
		c->scr.version / 100, c->scr.version % 100, h->spi ? "SPI, " : "", h->width,
		h->width == 1 ? "" : "s", h->hz / 1000, c->high_speed ? ", high speed" : "");
}

int mmc_disk_create(struct mmc_host *h, struct mmc_disk **out)
{
	struct mmc_disk *d = kzalloc(sizeof(*d));
	int err = -ENOMEM;

	if (!d)
		return -ENOMEM;
	d->card.host = h;
	d->card.max_hz = UINT32_MAX;
	d->card.buf = kmalloc(MMC_BLOCK);
	if (!d->card.buf)
		goto failed;
	err = sd_identify(&d->card);
	if (err)
		goto failed;
	spin_init(&d->lock, "mmc disk", RANK_DRIVER);
	waitqueue_init(&d->wait);
	d->disk.sectors = d->card.csd.sectors;
	d->disk.readonly = d->card.csd.readonly;
	d->disk.ops = &disk_ops;
	d->disk.driver = d;
	d->disk.limits = (struct block_limits){
		.max_vecs = MMC_VECS_MAX,
		.max_sectors = h->max_blocks ? h->max_blocks : MMC_BLOCKS_MAX,
		.max_vec_bytes = MMC_VEC_BYTES,
	};
	*out = d;
	return 0;
failed:
	kfree(d->card.buf);
	kfree(d);
	return err;
}

int mmc_host_add(struct mmc_host *h)
{
	struct mmc_disk *d;
	struct thread *worker;
	int err = mmc_disk_create(h, &d);

	if (err == -ENOMEDIUM) {
		pr_info("%s: no SD card\n", h->name);
		return -ENODEV;
	}
	if (err)
		return err;
	worker = kthread_create("mmc", disk_thread, d);
	if (!worker) {
		err = -ENOMEM;
		goto failed;
	}
	err = blockdev_register(&d->disk, "mmcblk");
	/* The thread looks at nothing but the disk, which stays when it could not be registered. */
	thread_start(worker);
	if (err)
		return err;
	disk_describe(d);
	return 0;
failed:
	kfree(d->card.buf);
	kfree(d);
	return err;
}

void mmc_host_read_tree(struct mmc_host *h, struct fdt_device *d)
{
	h->name = d->name;
	h->max_hz = MIN(h->max_hz, device_u32(d, "max-frequency", UINT32_MAX));
	h->can_4bit = h->can_4bit && device_u32(d, "bus-width", 1) >= 4;
	h->can_high_speed = h->can_high_speed && device_has(d, "cap-sd-highspeed");
}

/*
 * Partitions of the disks: read the tables, register what they name.
 */
#include "drivers/block/bio.h"
#include "drivers/block/parttable.h"

#include "kernel/mem/slab.h"
#include "kernel/mutex.h"
#include "kernel/printk.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/pagecache.h"

static struct mutex scan_lock; /* RANK_PARTITIONS: those of a disk come and go */

struct scan {
	struct blockdev *disk;
	uint8_t *buf; /* one sector that a device may write to: not on a stack */
};

static int scan_read(struct partition_disk *d, uint64_t sector, void *buf)
{
	struct scan *s = d->data;
	int err = blockdev_transfer(s->disk, BIO_READ, sector, s->buf, SECTOR_SIZE);

	if (!err)
		memcpy(buf, s->buf, SECTOR_SIZE);
	return err;
}

/* Register what the table of a disk without partitions names. 0 or -errno: it cannot be read. */
static int disk_scan(struct blockdev *disk, uint8_t *buf, struct partition *table)
{
	struct scan s = {.disk = disk, .buf = buf};
	struct partition_disk d = {
		.sectors = disk->sectors,
		.block_size = disk->block_size,
		.read = scan_read,
		.data = &s,
	};
	char names[64] = "";
	int n = partitions_parse(&d, table), used = 0;

	if (n < 0)
		pr_err("%s: cannot read the partition table: error %d\n", disk->name, -n);
	if (d.note)
		pr_warn("%s: %s\n", disk->name, d.note);
	for (int i = 0; i < n; i++) {
		const struct partition *p = &table[i];
		int err = blockdev_add_partition(disk, p->number, p->start, p->sectors, p->uuid);

		if (err) {
			pr_err("%s: partition %u: error %d\n", disk->name, p->number, -err);
			continue;
		}
		used += scnprintf(names + used, sizeof(names) - (size_t)used, " %u", p->number);
	}
	if (used)
		pr_info("%s: partitions%s\n", disk->name, names);
	return MIN(n, 0);
}

int partitions_forget(struct blockdev *disk)
{
	int err;

	mutex_lock(&scan_lock);
	err = blockdev_forget_partitions(disk);
	mutex_unlock(&scan_lock);
	return err;
}

int partitions_rescan(struct blockdev *disk)
{
	struct partition *table;
	uint8_t *buf;
	int err;

	if (disk->parent)
		return -EINVAL;
	/* The table is read from the disk, and may have been written to the cache just now. */
	err = pagecache_sync(&disk->object, 0, UINT32_MAX);
	if (err)
		return err;
	table = kmalloc(PARTITIONS_MAX * sizeof(*table));
	buf = kmalloc(SECTOR_SIZE);
	mutex_lock(&scan_lock);
	err = table && buf ? blockdev_forget_partitions(disk) : -ENOMEM;
	if (!err)
		err = disk_scan(disk, buf, table);
	mutex_unlock(&scan_lock);
	kfree(buf);
	kfree(table);
	return err;
}

void partitions_scan(void)
{
	struct partition *table = kmalloc(PARTITIONS_MAX * sizeof(*table));
	uint8_t *buf = kmalloc(SECTOR_SIZE);
	struct blockdev *d = NULL;

	mutex_init(&scan_lock, "partitions", RANK_PARTITIONS);
	if (!table || !buf) {
		pr_err("block: no memory to read partition tables\n");
		goto out;
	}
	/* Partitions are appended while we walk, and skipped. */
	while ((d = blockdev_next(d)))
		if (!d->parent)
			(void)disk_scan(d, buf, table);
out:
	kfree(buf);
	kfree(table);
}

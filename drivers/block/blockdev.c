/*
 * The list of disks and partitions: names, numbers, claims.
 */
#include "drivers/block/bio.h"

#include "kernel/chardev.h"
#include "kernel/mem/slab.h"
#include "kernel/printk.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/pagecache.h"

/* Numbers as Linux has them: devices.txt for fixed ones, the first dynamic one for virtio. */
#define MAJOR_VIRTBLK	254U
#define MAJOR_MMC	179U
#define MAJOR_LOOP	7U
#define MAJOR_EXTRA	259U /* partitions beyond a disk's own minors, and all others */

static const struct naming {
	const char *prefix;
	uint32_t major, minors; /* a disk */
	bool digits;		/* disks are numbered, and "p" stands before the partition */
} namings[] = {
	{"vd", MAJOR_VIRTBLK, 16, false},
	{"mmcblk", MAJOR_MMC, 8, true},
	{"loop", MAJOR_LOOP, 1, true},
};

static struct {
	struct spinlock lock; /* RANK_BLOCK: the list, counts */
	struct list_head all; /* blockdevs in order of registration; nothing ever leaves */
	_Atomic uint32_t changes;
	uint32_t disks[ARRAY_SIZE(namings)];
	uint32_t extra;	      /* minors of MAJOR_EXTRA in use */
	bool ready;
} registry = {
	.lock = SPINLOCK_INIT("block devices", RANK_BLOCK),
	.all = LIST_INIT(registry.all),
};

static const struct naming *naming_of(const char *prefix)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(namings); i++)
		if (strcmp(namings[i].prefix, prefix) == 0)
			return &namings[i];
	return NULL;
}

/* a..z, aa..zz, ...: bijective base 26. */
static void name_letters(char *name, size_t size, const char *prefix, uint32_t n)
{
	char letters[8];
	size_t at = sizeof(letters) - 1;

	letters[at] = '\0';
	for (n++; n && at; n = (n - 1) / 26)
		letters[--at] = (char)('a' + (n - 1) % 26);
	snprintf(name, size, "%s%s", prefix, &letters[at]);
}

static void registry_add(struct blockdev *d)
{
	uint64_t was = spin_lock_irq(&registry.lock);

	list_add_tail(&d->link, &registry.all);
	atomic_fetch_add(&registry.changes, 1);
	spin_unlock_irq(&registry.lock, was);
}

int blockdev_register(struct blockdev *d, const char *prefix)
{
	const struct naming *n = naming_of(prefix);

	if (!n || !d->limits.max_vecs || d->limits.max_sectors < PAGE_SIZE / SECTOR_SIZE ||
	    d->limits.max_vec_bytes < PAGE_SIZE || d->limits.max_vec_bytes % SECTOR_SIZE ||
	    (d->has_discard && !d->limits.max_discard_sectors) ||
	    d->sectors > (uint64_t)INT64_MAX >> SECTOR_SHIFT)
		return -EINVAL;
	uint64_t was = spin_lock_irq(&registry.lock);
	uint32_t number = registry.disks[n - namings]++;
	bool first = !registry.ready;

	registry.ready = true;
	spin_unlock_irq(&registry.lock, was);
	if (first)
		bio_init_waits();
	if (n->digits)
		snprintf(d->name, sizeof(d->name), "%s%u", prefix, number);
	else
		name_letters(d->name, sizeof(d->name), prefix, number);
	d->dev = MKDEV(n->major, number * n->minors);
	d->ahead = BLOCKDEV_AHEAD;
	d->start = 0;
	d->partno = 0;
	d->parent = NULL;
	if (!d->block_size)
		d->block_size = SECTOR_SIZE;
	d->queue = block_queue_create(d);
	if (!d->queue)
		return -ENOMEM;
	object_init(&d->object, &blockdev_object_ops, d, d->sectors << SECTOR_SHIFT);
	registry_add(d);
	pr_info("%s: %lu sectors of 512 bytes%s%s\n", d->name, (unsigned long)d->sectors,
		d->readonly ? ", read-only" : "", d->has_flush ? ", write cache" : "");
	return 0;
}

static dev_t partition_number(const struct blockdev *disk, uint32_t partno)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(namings); i++)
		if (MAJOR(disk->dev) == namings[i].major && partno < namings[i].minors)
			return disk->dev + partno;
	uint64_t was = spin_lock_irq(&registry.lock);
	uint32_t minor = registry.extra++;

	spin_unlock_irq(&registry.lock, was);
	return MKDEV(MAJOR_EXTRA, minor);
}

/* One with this number that was there before, or a new one. Nobody else sees it yet. */
static struct blockdev *partition_get(struct blockdev *disk, uint32_t partno)
{
	size_t len = strlen(disk->name);
	bool digit = disk->name[len - 1] >= '0' && disk->name[len - 1] <= '9';
	struct blockdev *d = NULL;

	while ((d = blockdev_next_any(d)))
		if (d->parent == disk && d->partno == partno)
			return d;
	d = kzalloc(sizeof(*d));
	if (!d)
		return NULL;
	snprintf(d->name, sizeof(d->name), "%s%s%u", disk->name, digit ? "p" : "", partno);
	d->dev = partition_number(disk, partno);
	d->partno = partno;
	d->parent = disk;
	d->gone = true;
	object_init(&d->object, &blockdev_object_ops, d, 0);
	registry_add(d);
	return d;
}

int blockdev_add_partition(struct blockdev *disk, uint32_t partno, uint64_t start,
			   uint64_t sectors, const char *partuuid)
{
	struct blockdev *d = partition_get(disk, partno);

	if (!d)
		return -ENOMEM;
	if (!d->gone)
		return -EEXIST;
	d->start = start;
	d->sectors = sectors;
	d->readonly = disk->readonly;
	d->ahead = disk->ahead;
	d->has_flush = disk->has_flush;
	d->has_discard = disk->has_discard;
	d->block_size = disk->block_size;
	strlcpy(d->partuuid, partuuid, sizeof(d->partuuid));
	atomic_store(&d->object.size, sectors << SECTOR_SHIFT);
	d->gone = false;
	atomic_fetch_add(&registry.changes, 1);
	return 0;
}

int blockdev_forget_partitions(struct blockdev *disk)
{
	struct blockdev *d;
	bool busy = false;
	uint64_t was = spin_lock_irq(&registry.lock);

	list_for_each_entry(d, &registry.all, link)
		busy |= d->parent == disk && (d->openers || d->claimed);
	list_for_each_entry(d, &registry.all, link) {
		if (!busy && d->parent == disk)
			d->gone = true;
	}
	atomic_fetch_add(&registry.changes, 1);
	spin_unlock_irq(&registry.lock, was);
	if (busy)
		return -EBUSY;
	for (d = NULL; (d = blockdev_next_any(d));)
		if (d->parent == disk)
			(void)pagecache_invalidate(&d->object, 0, UINT32_MAX);
	return 0;
}

uint32_t blockdev_changes(void)
{
	return atomic_load(&registry.changes);
}

struct blockdev *blockdev_next_any(struct blockdev *prev)
{
	struct blockdev *next = NULL;
	uint64_t was = spin_lock_irq(&registry.lock);
	struct list_head *at = prev ? prev->link.next : registry.all.next;

	if (at != &registry.all)
		next = list_entry(at, struct blockdev, link);
	spin_unlock_irq(&registry.lock, was);
	return next;
}

struct blockdev *blockdev_next(struct blockdev *prev)
{
	do
		prev = blockdev_next_any(prev);
	while (prev && prev->gone);
	return prev;
}

struct blockdev *blockdev_by_dev(dev_t dev)
{
	struct blockdev *d = NULL;

	while ((d = blockdev_next(d)))
		if (d->dev == dev)
			return d;
	return NULL;
}

static bool same_word(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		char x = *a >= 'A' && *a <= 'Z' ? (char)(*a + 32) : *a;
		char y = *b >= 'A' && *b <= 'Z' ? (char)(*b + 32) : *b;

		if (x != y)
			return false;
	}
	return *a == *b;
}

/* Hexadecimal digits up to `end`; false if there are none or others or too many. */
static bool parse_hex(const char **s, char end, uint32_t *value)
{
	uint32_t v = 0;
	const char *p = *s;

	for (; *p && *p != end; p++) {
		char c = *p | 32;
		uint32_t digit = c >= '0' && c <= '9' ? (uint32_t)(c - '0')
				 : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
							: 16;

		if (digit > 15 || v >> 28)
			return false;
		v = v << 4 | digit;
	}
	if (p == *s || *p != end)
		return false;
	*value = v;
	*s = p + (*p != '\0');
	return true;
}

struct blockdev *blockdev_find(const char *name)
{
	struct blockdev *d = NULL;
	uint32_t major, minor;
	const char *at = name;
	bool uuid = strncmp(name, "PARTUUID=", 9) == 0;

	if (uuid)
		name += 9;
	else if (strncmp(name, "/dev/", 5) == 0)
		name += 5;
	while (*name && (d = blockdev_next(d)))
		if (uuid ? same_word(d->partuuid, name) : strcmp(d->name, name) == 0)
			return d;
	if (!uuid && parse_hex(&at, ':', &major) && parse_hex(&at, '\0', &minor) &&
	    major < 4096 && minor < 1u << 20)
		return blockdev_by_dev(MKDEV(major, minor));
	return NULL;
}

int blockdev_open(struct blockdev *d)
{
	uint64_t was = spin_lock_irq(&registry.lock);
	bool gone = d->gone;

	if (!gone)
		d->openers++;
	spin_unlock_irq(&registry.lock, was);
	return gone ? -ENXIO : 0;
}

void blockdev_close(struct blockdev *d)
{
	d->openers--;
}

bool blockdev_in_use(struct blockdev *disk, int own)
{
	struct blockdev *d;
	bool claimed = false;
	int openers = 0;
	uint64_t was = spin_lock_irq(&registry.lock);

	list_for_each_entry(d, &registry.all, link) {
		if (d != disk && d->parent != disk)
			continue;
		claimed |= d->claimed;
		openers += d->openers;
	}
	spin_unlock_irq(&registry.lock, was);
	return claimed || openers > own;
}

int blockdev_claim(struct blockdev *d)
{
	struct blockdev *other;
	struct blockdev *disk = d->parent ? d->parent : d;
	bool busy = false, gone;
	uint64_t was = spin_lock_irq(&registry.lock);

	gone = d->gone;

	/* A whole disk and its partitions exclude each other; partitions do not. */
	list_for_each_entry(other, &registry.all, link) {
		bool related = other == d || other == disk || (d == disk && other->parent == d);

		busy |= related && other->claimed;
	}
	if (!busy && !gone)
		d->claimed = true;
	spin_unlock_irq(&registry.lock, was);
	return gone ? -ENXIO : busy ? -EBUSY : 0;
}

void blockdev_release(struct blockdev *d)
{
	d->claimed = false;
}

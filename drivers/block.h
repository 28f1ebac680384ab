/*
 * The block layer: devices of 512-byte sectors, requests that complete asynchronously, merged
 * where they touch; partitions; and the cache of a device's raw contents (struct object).
 */
#pragma once

#include "kernel/types.h"
#include "kernel/wait.h"
#include "lib/list.h"
#include "mm/object.h"

#define SECTOR_SHIFT 9
#define SECTOR_SIZE  512UL

struct frame;
struct blockdev;

enum bio_op { BIO_READ, BIO_WRITE, BIO_FLUSH, BIO_DISCARD };
enum { BIO_FUA = 1, BIO_PREFLUSH = 2, BIO_SYNC = 4 /* someone waits: do not delay */ };

/* A piece of physically contiguous memory. */
struct bio_vec {
	paddr_t pa;
	uint32_t len; /* multiple of 512 */
};

/*
 * One transfer to consecutive sectors. The submitter owns it and its memory until done is called,
 * in interrupt context or from bio_submit itself, with status 0 or -errno.
 */
struct bio {
	struct blockdev *dev;
	enum bio_op op;
	uint32_t flags;
	uint64_t sector;	/* on dev; the layer adds the partition's start */
	uint32_t nvec;
	struct bio_vec *vec;
	struct bio_vec inline_vec[4];
	void (*done)(struct bio *b);
	void *data;
	int status;
	struct list_head link;	/* block layer */
};

/* Queue it. Never fails directly: errors come through done (-EIO beyond the end, -EROFS ...). */
void bio_submit(struct bio *b);
/* Submit and sleep until done: its status. */
int bio_submit_wait(struct bio *b);
/*
 * Between plug and unplug of one thread, requests gather to be merged and go out together.
 * Sleeping in between unplugs by itself.
 */
void block_plug(void);
void block_unplug(void);

struct request {
	/* one or more merged bios, in sector order */
	struct list_head bios;
	enum bio_op op;
	uint32_t flags;
	uint64_t sector;
	uint32_t sectors;
	uint32_t nvec;
	struct list_head link;
	void *driver; /* the driver's slot */
};

struct blockdev_ops {
	/*
	 * Start a request; called with the queue lock (spin, interrupts off). false: the device is
	 * full, ask again after the next block_complete. Must not sleep.
	 */
	bool (*start)(struct blockdev *d, struct request *r);
	uint32_t max_vecs, max_sectors; /* limits of one request */
};

struct blockdev {
	char name[16];		/* vda, vda1, mmcblk0p2 */
	dev_t dev;
	uint64_t sectors;	/* size */
	uint64_t start;		/* first sector on parent, for partitions */
	struct blockdev *parent; /* NULL for whole disks */
	bool readonly;
	bool has_flush, has_discard;
	const struct blockdev_ops *ops; /* whole disks */
	void *driver;
	struct object object;	/* the device's raw contents: /dev/vda, metadata of file systems */
	_Atomic int openers;
	_Atomic bool claimed;	/* mounted or swapped on: exclusive */
	struct list_head link;
	struct block_queue *queue; /* whole disks: the layer's */
	struct {
		_Atomic uint64_t ios[4], sectors[4], merges[4], ns[4]; /* by bio_op */
	} stats;		/* /proc/diskstats */
	char partuuid[37];	/* GPT unique id, or MBR "ssssssss-nn"; "" when none */
};

/* A driver registers a whole disk (name and dev chosen by the layer from prefix: "vd" -> vda). */
int blockdev_register(struct blockdev *d, const char *prefix);
/* A driver reports a finished request; interrupt context. */
void block_complete(struct blockdev *d, struct request *r, int status);
/* Read the partition tables of all disks and register partitions. Kernel thread context. */
void partitions_scan(void);
/* vda, /dev/vda1, PARTUUID=..., or major:minor in hex. NULL if there is none. */
struct blockdev *blockdev_find(const char *name);
struct blockdev *blockdev_by_dev(dev_t dev);
struct blockdev *blockdev_next(struct blockdev *prev);
/* Claim for exclusive use (mount, swapon): 0 or -EBUSY. */
int blockdev_claim(struct blockdev *d);
void blockdev_release(struct blockdev *d);
int blockdev_flush(struct blockdev *d); /* device cache to stable storage; sleeps */

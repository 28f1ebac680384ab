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
#define BIO_OPS 4

/*
 * FUA: the data is on stable storage before done is called. PREFLUSH: what was completed before
 * is on stable storage before this is written. Without data, PREFLUSH is a BIO_FLUSH.
 */
enum { BIO_FUA = 1, BIO_PREFLUSH = 2, BIO_SYNC = 4 /* someone waits: do not delay */ };

/* A piece of physically contiguous memory. */
struct bio_vec {
	paddr_t pa;
	uint32_t len; /* multiple of 512 */
};

/*
 * One transfer to consecutive sectors, of any length: the layer cuts it up if the device wants it
 * smaller. The submitter owns it and its memory until done is called, in interrupt context or
 * from bio_submit itself, with status 0 or -errno. done may submit again and may free the bio.
 */
struct bio {
	struct blockdev *dev;
	enum bio_op op;
	uint32_t flags;
	uint64_t sector;	/* on dev; the layer adds the partition's start */
	uint64_t sectors;	/* BIO_DISCARD: how many; otherwise the layer counts the vecs */
	uint32_t nvec;
	struct bio_vec *vec;	/* inline_vec or the submitter's */
	struct bio_vec inline_vec[4];
	void (*done)(struct bio *b);
	void *data;
	int status;
	struct list_head link;	/* block layer, all that follows; (queue lock) */
	uint64_t queued;	/* bytes of it that requests carry or have carried */
	uint32_t parts;		/* requests that carry a piece of it and are not complete */
	uint32_t requests;	/* that were made for it: 0 when it joined another's */
	uint8_t stage;		/* enum bio_stage */
	bool alone;		/* not to be merged: a merged request with it failed */
	uint64_t submitted_at;	/* ns */
};

/* Zeroed, with vec at inline_vec. */
void bio_init(struct bio *b, struct blockdev *dev, enum bio_op op, uint64_t sector);
/* Queue it. Never fails directly: errors come through done (-EIO beyond the end, -EROFS ...). */
void bio_submit(struct bio *b);
/* Submit and sleep until done: its status. done and data are used by it. */
int bio_submit_wait(struct bio *b);
/* Submit n independent ones at once and sleep until all are done: 0 or the first error in order. */
int bio_submit_wait_all(struct bio *b, uint32_t n);
/*
 * Between plug and unplug of one thread, requests gather to be merged and go out together.
 * Sleeping in between unplugs by itself (wait_begin calls block_plug_flush). Nests.
 */
void block_plug(void);
void block_unplug(void);
void block_plug_flush(void);

/*
 * What a driver gets: whole bios that follow each other, or a piece of one that is too large for
 * the device. struct request_iter walks its memory either way.
 */
struct request {
	struct list_head bios;	/* in sector order; one that was cut up is not on it but: */
	struct bio *part;
	uint64_t part_offset;	/* bytes into part */
	enum bio_op op;
	uint64_t sector;	/* on the disk */
	uint64_t sectors;
	uint32_t nvec;		/* pieces of memory, none longer than max_vec_bytes */
	uint64_t queued_at;	/* ns */
	struct list_head link;	/* sorted by sector, or free */
	struct list_head fifo;	/* in order of arrival */
	void *driver;		/* the driver's slot */
};

struct request_iter {
	struct request *r;
	struct bio *bio;
	uint32_t vec;
	uint64_t offset; /* into the vec */
	uint64_t left;	 /* bytes */
};
void request_iter_init(struct request_iter *it, struct request *r);
/* The next piece; false at the end. */
bool request_iter_next(struct request_iter *it, struct bio_vec *out);

/* What one request may be. The driver fills it before it registers the disk. */
struct block_limits {
	uint32_t max_vecs;	     /* at least 1 */
	uint32_t max_sectors;	     /* at least 8 */
	uint32_t max_vec_bytes;	     /* at least a page, a multiple of 512 */
	uint32_t max_discard_sectors;
};

struct blockdev_ops {
	/*
	 * Start a request; called with the queue lock (spin, interrupts off). 0; -EBUSY: the
	 * device is full, ask again after the next block_complete; another -errno: the request
	 * has failed. Must not sleep and must not complete it from here.
	 */
	int (*start)(struct blockdev *d, struct request *r);
	/* After some starts, under the same lock: tell the device. May be NULL. */
	void (*commit)(struct blockdev *d);
};

#define BLOCKDEV_AHEAD	   256u /* sectors, unless BLKRASET says otherwise */
#define BLOCKDEV_RO_DEVICE 1u /* the device cannot be written, or its driver was asked to refuse */
#define BLOCKDEV_RO_ASKED  2u /* BLKROSET */

struct blockdev {
	char name[16];		/* vda, vda1, mmcblk0p2 */
	dev_t dev;
	uint64_t sectors;	/* size */
	uint64_t start;		/* first sector on parent, for partitions */
	uint32_t partno;	/* 0: whole disk */
	_Atomic bool gone;	/* a partition that its disk has no more; it may come back */
	struct blockdev *parent; /* NULL for whole disks */
	uint32_t readonly;	/* BLOCKDEV_RO_*; 0: it may be written */
	uint32_t ahead;		/* sectors to read ahead of who reads it raw; 0: none (BLKRASET) */
	bool has_flush, has_discard; /* whole disks; has_flush: it has a volatile write cache */
	uint32_t block_size;	/* logical, bytes: 512 unless the driver says otherwise */
	const struct blockdev_ops *ops; /* whole disks */
	struct block_limits limits;	/* whole disks */
	void *driver;
	struct object object;	/* the device's raw contents: /dev/vda, metadata of file systems */
	_Atomic int openers;	/* blockdev_open */
	bool has_node;		/* devfs: there is a node for it; devfs's lock */
	_Atomic bool claimed;	/* mounted or swapped on: exclusive */
	struct list_head link;
	struct block_queue *queue; /* whole disks: the layer's */
	struct {
		_Atomic uint64_t ios[BIO_OPS], sectors[BIO_OPS], merges[BIO_OPS], ns[BIO_OPS];
	} stats;		/* /proc/diskstats: requests, sectors of 512 bytes */
	char partuuid[37];	/* GPT unique id, or MBR "ssssssss-nn"; "" when none */
};

/* A driver registers a whole disk (name and dev chosen by the layer from prefix: "vd" -> vda). */
int blockdev_register(struct blockdev *d, const char *prefix);
/* A driver reports a finished request; interrupt context or a thread, no lock of its own held. */
void block_complete(struct blockdev *d, struct request *r, int status);
/* Read the partition tables of all disks and register partitions. Kernel thread context. */
void partitions_scan(void);
/*
 * Read a disk's table again: its partitions are what it says now. -EBUSY: one that was there is
 * in use; -EINVAL: it is a partition; -ENOMEM; or what reading gave. Sleeps.
 */
int partitions_rescan(struct blockdev *disk);
/* A disk has no partitions any more. 0 or -EBUSY. Sleeps. */
int partitions_forget(struct blockdev *disk);
/* vda, /dev/vda1, PARTUUID=..., or major:minor in hex. NULL if there is none. */
struct blockdev *blockdev_find(const char *name);
struct blockdev *blockdev_by_dev(dev_t dev);
/*
 * The one behind prev in order of registration (NULL: the first). Their memory is never freed, so
 * prev may be gone since.
 */
struct blockdev *blockdev_next(struct blockdev *prev);
/* The same, those that are gone as well. */
struct blockdev *blockdev_next_any(struct blockdev *prev);
/* A number that changes whenever one comes or goes. */
uint32_t blockdev_changes(void);
/* One more user of what it holds, until blockdev_close: 0, or -ENXIO when it is gone. */
int blockdev_open(struct blockdev *d);
void blockdev_close(struct blockdev *d);
/* Is the disk or one of its partitions claimed, or are they opened more than `own` times? */
bool blockdev_in_use(struct blockdev *disk, int own);
/* Claim for exclusive use (mount, swapon): 0, -EBUSY, or -ENXIO when it is gone. */
int blockdev_claim(struct blockdev *d);
void blockdev_release(struct blockdev *d);
int blockdev_flush(struct blockdev *d); /* device cache to stable storage; sleeps */
/* Read or write whole sectors past the cache: buf is kmalloc's. 0 or -errno. Sleeps. */
int blockdev_transfer(struct blockdev *d, enum bio_op op, uint64_t sector, void *buf, size_t len);

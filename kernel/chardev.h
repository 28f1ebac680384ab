/*
 * Character devices: what a driver gives to be a file under /dev. devfs makes the nodes.
 */
#pragma once

#include "kernel/poll.h"
#include "kernel/uio.h"

struct async_list;
struct chardev;
struct file;

/* One open of the device; flags are the open file's O_* (O_NONBLOCK may change by fcntl). */
struct chardev_file {
	struct chardev *dev;
	uint32_t flags;
	struct file *file; /* for devices that are part of a file system */
	void *data;	   /* the driver's */
};

struct chardev_ops {
	/* All may sleep; any may be NULL: success, -, EINVAL, EINVAL, ENOTTY, always ready. */
	int (*open)(struct chardev_file *f);
	void (*release)(struct chardev_file *f);
	/* Bytes moved (uio advanced), 0 for end of file, or -errno. *pos only with seek. */
	ssize64_t (*read)(struct chardev_file *f, struct uio *u, uint64_t *pos);
	ssize64_t (*write)(struct chardev_file *f, struct uio *u, uint64_t *pos);
	long (*ioctl)(struct chardev_file *f, uint32_t cmd, uint64_t arg);
	uint32_t (*poll)(struct chardev_file *f, struct poll_table *pt);
	struct async_list *(*async)(struct chardev_file *f); /* NULL there: not offered */
	/* lseek(2): the new position or -errno. NULL: ESPIPE. */
	int64_t (*seek)(struct chardev_file *f, int64_t offset, int whence);
	bool maps_zeros; /* mmap gives anonymous memory, null(4) */
};

struct chardev {
	const char *name; /* "tty", "pts/0" */
	dev_t dev;
	mode_t mode;	  /* permission bits of the node */
	const struct chardev_ops *ops;
	void *data;
	struct list_head link;
};

#define MKDEV(major, minor) ((dev_t)((major) << 20 | (minor)))
#define MAJOR(dev) ((dev) >> 20)
#define MINOR(dev) ((dev)&0xfffff)

/* c stays the caller's, for ever. -EEXIST if the number is taken. */
int chardev_register(struct chardev *c);
struct chardev *chardev_find(dev_t dev);
/* The one behind prev in order of registration (NULL: the first), for devfs. */
struct chardev *chardev_next(struct chardev *prev);
/* chardev_ops.seek of what has no places: wherever one goes, it is the start. */
int64_t chardev_seek_start(struct chardev_file *f, int64_t offset, int whence);

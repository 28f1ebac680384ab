/*
 * Loop devices, loop(4): block devices whose sectors are the bytes of a file. They are made as they
 * are asked for (/dev/loop-control), and each has a thread that moves its data.
 */
#pragma once

#include "kernel/types.h"

struct blockdev;
struct file;

/* What /sys/block/loopN/loop tells. */
struct loop_facts {
	uint64_t offset, limit; /* bytes of the file: where the device begins; 0: to its end */
	uint32_t flags;		/* LO_FLAGS_* */
};

void loop_init(void);
bool is_loop(const struct blockdev *d);
/* Of the loop device d; -ENOENT: no file is attached. Sleeps. */
int loop_facts(const struct blockdev *d, struct loop_facts *facts);
/* The path of its file, in buf; err_ptr of -ENOENT as above or -ENAMETOOLONG. Sleeps. */
char *loop_file_name(const struct blockdev *d, char *buf, size_t size);
/* An ioctl of the open block device f, which is d. -ENOTTY: not one of a loop device. May sleep. */
long loop_ioctl(struct file *f, struct blockdev *d, uint32_t cmd, uint64_t arg);
/* May d have partitions? A loop device has them only if it was asked to. */
bool loop_has_partitions(struct blockdev *d);
/* Nobody has d open any more, or it is unmounted: a loop device may let go of its file. Sleeps. */
void loop_unused(struct blockdev *d);

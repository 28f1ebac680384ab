/*
 * Loop devices, loop(4): block devices whose sectors are the bytes of a file. They are made as they
 * are asked for (/dev/loop-control), and each has a thread that moves its data.
 */
#pragma once

#include "kernel/types.h"

struct blockdev;
struct file;

void loop_init(void);
/* An ioctl of the open block device f, which is d. -ENOTTY: not one of a loop device. May sleep. */
long loop_ioctl(struct file *f, struct blockdev *d, uint32_t cmd, uint64_t arg);
/* May d have partitions? A loop device has them only if it was asked to. */
bool loop_has_partitions(struct blockdev *d);
/* Nobody has d open any more, or it is unmounted: a loop device may let go of its file. Sleeps. */
void loop_unused(struct blockdev *d);

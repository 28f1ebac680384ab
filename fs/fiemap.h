/*
 * Where files lie: FS_IOC_FIEMAP, FIBMAP.
 */
#pragma once

#include "fs/vfs.h"
#include "kernel/uapi/fiemap.h"

/* Blocks of a file that lie one behind the other, in the same state. */
struct file_run {
	uint32_t block; /* where the first lies; 0: none does, it is a hole */
	uint32_t flags; /* FIEMAP_EXTENT_* of them */
	uint64_t count;
};

/* FS_IOC_FIEMAP: 0, -EOPNOTSUPP, -EFAULT, -EINVAL, -EFBIG, -EBADR, -EIO. May sleep. */
long fiemap_ioctl(struct file *f, uaddr_t arg);
/* FIBMAP, of a regular file: 0, -EPERM, -EFAULT, -EINVAL. May sleep. */
long fibmap_ioctl(struct file *f, uaddr_t arg);

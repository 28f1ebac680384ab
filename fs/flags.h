/*
 * Flags of files (ioctl_iflags(2), chattr(1)): what stays as it is, what is only added to, what
 * shows no reading. The file system keeps them (inode_ops.flags_get, flags_set); those that forbid
 * are bits of inode->state besides, INODE_IMMUTABLE and so on, where everybody looks.
 */
#pragma once

#include <stdatomic.h>

#include "fs/vfs.h"
#include "kernel/uapi/fs.h"

/* Those that can be changed. NODUMP is for programs to look at, the others act. */
#define FLAGS_SETTABLE	(FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL)
/* What is made in a directory has them from it. */
#define FLAGS_INHERITED (FS_NODUMP_FL | FS_NOATIME_FL)

/* Has the inode any of these bits of its state? */
static inline bool inode_has(const struct inode *inode, uint32_t bits)
{
	return unlikely(atomic_load_explicit(&inode->state, memory_order_relaxed) & bits);
}

/* Its flags are these: what of them is in inode->state. inode->lock held, or it is new. */
void inode_flags_apply(struct inode *inode, uint32_t flags);
/* STATX_ATTR_* that its flags mean; *mask: those that could be. */
uint64_t inode_flags_attributes(struct inode *inode, uint64_t *mask);
/* The ioctls of kernel/uapi/fs.h. -ENOTTY: cmd is none of them, or f has no flags. May sleep. */
long flags_ioctl(struct file *f, uint32_t cmd, uaddr_t arg);

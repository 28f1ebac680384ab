/*
 * FICLONE, FICLONERANGE, FIDEDUPERANGE (ioctl_ficlonerange(2), ioctl_fideduperange(2)).
 */
#pragma once

#include "fs/vfs.h"

/*
 * One of those three, on any file. No file system here lets files share blocks: -EOPNOTSUPP where
 * one could, else -EBADF, -EFAULT, -EINVAL, -EISDIR, -ENOMEM, -EXDEV.
 */
long reflink_ioctl(struct file *f, uint32_t cmd, uaddr_t arg);

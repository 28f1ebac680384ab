/*
 * Pipes and FIFOs, for fcntl(2).
 */
#pragma once

#include "fs/vfs.h"

long pipe_size_get(struct file *f); /* bytes; -EBADF if f is no pipe */
/* Room for at least size bytes: what it has then; -EBADF, -EINVAL, -EPERM, -EBUSY, -ENOMEM. */
long pipe_size_set(struct file *f, uint64_t size);

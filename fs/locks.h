/*
 * Advisory locks on files.
 */
#pragma once

#include "fs/vfs.h"

/* The locking commands of fcntl(2); arg: user address of struct flock64. May sleep. */
long locks_fcntl(struct file *f, int cmd, uaddr_t arg);
long locks_flock(struct file *f, int op);

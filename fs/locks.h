/*
 * Advisory locks and leases on files.
 */
#pragma once

#include <stdatomic.h>

#include "fs/vfs.h"

struct file_locks {
	struct spinlock lock; /* RANK_FILES */
	struct list_head list; /* (lock) */
	struct list_head leases; /* (lock) lease.c */
	struct waitqueue wait; /* something was unlocked, or a lease given up */
};

/* Those of an inode, made at the first one; NULL: there are none, or no memory. */
struct file_locks *locks_of(struct inode *inode, bool make);

/* The locking commands of fcntl(2); arg: user address of struct flock64. May sleep. */
long locks_fcntl(struct file *f, int cmd, uaddr_t arg);
long locks_flock(struct file *f, int op);

/* F_SETLEASE of descriptor fd, and F_GETLEASE. */
long lease_set(struct file *f, int fd, int type);
long lease_get(struct file *f);
/* file, which has had one, goes. l->lock held. */
void lease_file_released(struct file_locks *l, const void *file);
/*
 * The regular file is being opened with these flags, or truncated (O_WRONLY): those who have a
 * lease on it that is in the way are asked for it and waited for. Who opens it is counted already.
 * 0, -EAGAIN (O_NONBLOCK), -ERESTARTSYS. May sleep, with nothing held.
 */
int lease_break_slow(struct inode *inode, int flags);
static inline int lease_break(struct inode *inode, int flags)
{
	return unlikely(atomic_load(&inode->locks)) ? lease_break_slow(inode, flags) : 0;
}
/* How long a holder may take; may new ones be had? (/proc/sys/fs/lease-break-time and so on) */
extern uint64_t lease_break_seconds, leases_enable;

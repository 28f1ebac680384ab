/*
 * Advisory locks and leases on files.
 */
#pragma once

#include <stdatomic.h>

#include "fs/vfs.h"
#include "lib/rbtree.h"

struct file_locks {
	struct inode *inode;   /* constant */
	struct rb_node node;   /* locklist.c: all of them, */
	uint64_t number;       /* in the order they were made; constant */
	struct spinlock lock; /* RANK_FILES */
	struct list_head list; /* (lock) */
	struct list_head leases; /* (lock) lease.c */
	struct list_head waits; /* (lock) who waits for either, as /proc/locks shows it */
	struct waitqueue wait; /* something was unlocked, or a lease given up */
};

/* Of a process or an open file, on bytes; of an open file, on the whole; what waits for a lease. */
enum lock_kind { LOCK_POSIX, LOCK_OFD, LOCK_FLOCK, LOCK_LEASE };

struct file_lock {
	struct list_head link;
	const void *owner;	 /* struct process or struct file */
	const struct file *file; /* by which it was set: to be compared only */
	pid_t pid;		 /* of who set it; -1 of LOCK_OFD */
	enum lock_kind kind;
	bool write;
	uint64_t start, end;	 /* bytes [start, end] */
};

struct lease {
	struct list_head link; /* file_locks.leases */
	struct file *file;     /* not referenced: the lease goes with it */
	pid_t pid;	       /* of who asked for it first */
	int type, fd;
	bool unlock, downgrade;		   /* somebody waits for that */
	uint64_t unlock_by, downgrade_by;  /* ns of time_ns() */
};

/*
 * Somebody who waits for what is in the way of want. Who waits for the same stands together, each
 * behind those who came before and are in its way, as they will be when they have it: a tree, which
 * is a list with levels. When anything changes, each looks for its place again.
 */
struct lock_wait {
	struct list_head link;	/* file_locks.waits */
	const struct file_lock *want;
	const void *blocker;	/* NULL: it has no place */
	uint32_t level;
};

/* Those of an inode, made at the first one; NULL: there are none, or no memory. */
struct file_locks *locks_of(struct inode *inode, bool make);

/* For locks.c: l is new, or goes with its inode. */
void locks_list(struct file_locks *l);
void locks_unlist(struct file_locks *l);
/* The first lock, lease that stands in the way of want (LOCK_LEASE: only want->write counts), or
 * NULL. l->lock held. */
struct file_lock *lock_in_the_way(struct file_locks *l, const struct file_lock *want);
struct lease *lease_in_the_way(struct file_locks *l, bool write);
/* Are they of different owners, and can they not be at a time? */
bool locks_conflict(const struct file_lock *a, const struct file_lock *b);
/* w waits for what blocker, a lock or a lease, stands in the way of. l->lock held. */
void lock_wait_enter(struct file_locks *l, struct lock_wait *w, const void *blocker);
/* Nobody has a place any more, as what they wait for may be gone. l->lock held. */
void lock_waits_clear(struct file_locks *l);
/* It does not wait any more. */
void lock_wait_end(struct file_locks *l, struct lock_wait *w);

/* A lock or a lease, or who waits for one, as /proc/locks shows it. */
struct lock_fact {
	enum lock_kind kind;
	uint32_t level; /* 0: it is held; else behind how many it waits */
	int type;	/* F_RDLCK, F_WRLCK; F_UNLCK: a lease that is to be given up */
	bool breaking;	/* a lease that somebody waits for */
	pid_t pid;
	dev_t dev;
	uint64_t ino, start, end;
};
/* Up to where they were listed: all zero at first. */
struct lock_cursor {
	uint64_t file;	     /* the number of one, */
	uint32_t held, line; /* of its locks and leases, and of those that wait for that */
};
/*
 * The next ones, room of them unless those are the last; how many. Who waits follows for what. Such
 * as come and go meanwhile may be missing, or be there twice.
 */
uint32_t locks_facts(struct lock_cursor *at, struct lock_fact *out, uint32_t room);
/* The same, of those that process has by f, or f itself; nobody who waits. */
uint32_t locks_file_facts(struct file *f, const void *process, struct lock_fact *out,
			  uint32_t room);

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

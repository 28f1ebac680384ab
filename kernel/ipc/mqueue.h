/*
 * POSIX message queues (mq_overview(7)). mqname.c has their names, limits and lives; mqueue.c what
 * is done with an open one.
 */
#pragma once

#include "fs/file.h"
#include "fs/socket/netlink.h"
#include "kernel/ipc/ipc.h"
#include "kernel/signal.h"
#include "kernel/spinlock.h"
#include "kernel/uapi/mqueue.h"
#include "kernel/wait.h"

/* Who is told by a signal or a letter that a message came into the empty queue: mq_notify(3). */
struct mq_notice {
	struct process *to;	   /* referenced; NULL: nobody */
	uint32_t execs;		   /* another program is not told */
	struct sigevent64 event;
	struct netlink_letter letter; /* of SIGEV_THREAD */
};

/* (n) the lock of all names; (l) its own lock; (c) constant */
struct mqueue {
	struct list_head link;	/* (n) in the list of all */
	struct ipc_namespace *ipc; /* (c) referenced by each open file */
	struct path path;	/* (c) its file, which has owner and mode; the name is "/NAME" */
	uint32_t refs;		/* (n) its name, and each open file */
	bool named;		/* (n) */
	uid_t uid;		/* (c) whose RLIMIT_MSGQUEUE it counts for */
	uint64_t charge;	/* (c) so many bytes of it */
	uint64_t max_messages, max_size; /* (c) in it; bytes of one */

	struct spinlock lock;	/* RANK_IPC_TABLE */
	struct list_head messages; /* (l) highest priority first, of one priority the oldest */
	uint64_t nmessages, bytes; /* (l) */
	struct list_head senders, receivers; /* (l) struct mq_waiter, first come first */
	struct mq_notice notice;   /* (l) */
	struct waitqueue readable, writable; /* who polls it */
};

/* /proc/sys/fs/mqueue */
#define MQ_MSG_HARD_MAX	    65536
#define MQ_MSGSIZE_HARD_MAX (16 * MiB)
#define MQ_MSGSIZE_MIN	    128

extern const struct file_ops mq_fops;
/* Empty, with these limits; all but what has to do with its name. */
void mq_setup(struct mqueue *q, const struct mq_attr *attr);
void mq_finish(struct mqueue *q); /* nobody uses it any more: drops what it holds; may sleep */

/* The queue whose file it is, with one more use of it and its namespace; NULL: it is gone. */
struct mqueue *mq_of_inode(struct inode *inode);
/* One use less: the last one frees it, and may sleep. */
void mq_put(struct mqueue *q);
void mq_init(void);
void mq_limits_setup(struct ipc_namespace *ns);
void mq_unlink_all(struct ipc_namespace *ns); /* nobody is in it any more; may sleep */

/*
 * System V message queues. msg.c has the queues, who waits at one and the calls that move messages;
 * msgctl.c the calls about a queue.
 */
#pragma once

#include "kernel/ipc/ipc.h"
#include "kernel/uapi/msg.h"
#include "lib/list.h"

/* (t) the lock of its table; (c) constant */
struct message {
	struct list_head link; /* (t) in its queue */
	int64_t type;	       /* (c) above 0 */
	size_t size;	       /* (c) bytes of text */
	char text[];	       /* (c) */
};

struct msg_queue {
	struct ipc_perm perm;
	int64_t stime, rtime, ctime; /* (t) seconds: last sent, received, changed */
	uint64_t bytes, nmessages;   /* (t) in it */
	uint64_t max_bytes;	     /* (t) of text, and so many messages */
	pid_t lspid, lrpid;	     /* (t) who sent and received last */
	struct list_head messages;   /* (t) struct message, oldest first */
	struct list_head senders, receivers; /* (t) struct msg_waiter, first come first */
};

void msg_setup(struct ipc_namespace *ns);
void msg_remove_all(struct ipc_namespace *ns);
static inline struct msg_queue *msg_of_perm(struct ipc_perm *p)
{
	return container_of(p, struct msg_queue, perm);
}
/* (t) Who waits looks again: permissions and the queue's limit have changed. */
void msg_wake_all_locked(struct msg_queue *q);
/* (t) The queue is gone: who waits gets EIDRM. Frees it and its messages. */
void msg_remove_locked(struct msg_queue *q);
/*
 * What msgctl(IPC_STAT) and its like tell of a queue: 0 or, asked by slot, its id; -EINVAL,
 * -EACCES.
 */
long msg_stat(struct ipc_namespace *ns, int32_t id, enum ipc_how how, struct msqid64_ds *out);

/*
 * O_ASYNC of fcntl(2): open files whose owners (F_SETOWN) want a signal whenever something may have
 * become ready. What can be waited for has a list of them, and says when.
 */
#pragma once

#include "kernel/types.h"
#include "lib/list.h"

/* si_code: what it is about */
#define POLL_IN	 1
#define POLL_OUT 2
#define POLL_MSG 3
#define POLL_ERR 4
#define POLL_PRI 5
#define POLL_HUP 6

struct async_list {
	struct list_head files; /* guarded by the lock of fs/owner.c */
	const pid_t *group;	/* owns a file that has no owner; 0 there: the running process */
};

/* No file of l wants to hear any more. */
void async_end(struct async_list *l);
/* For async_signal, when there is somebody. */
void async_signal_slow(struct async_list *l, int code);

static inline void async_init(struct async_list *l)
{
	list_init(&l->files);
	l->group = NULL;
}

/*
 * Signal the owners of l's files; POLL_IN those that can be read, POLL_OUT those that can be
 * written. Spin locks up to RANK_SOCKET may be held; not from interrupt handlers.
 */
static inline void async_signal(struct async_list *l, int code)
{
	if (unlikely(!list_empty(&l->files)))
		async_signal_slow(l, code);
}

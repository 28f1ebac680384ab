/*
 * Inside of epoll: instances and watches, for epoll.c and epoll_nest.c.
 */
#pragma once

#include "fs/event/event.h"
#include "kernel/uapi/event.h"

#define HOOKS_FAST 2

struct epoll {
	_Atomic int refs;
	struct mutex lock;	  /* RANK_EVENT: the watches */
	struct rb_root watches;	  /* (lock) by file and descriptor */
	struct spinlock ready_lock; /* RANK_READY */
	struct list_head ready;	  /* (ready_lock) watches */
	struct waitqueue sleepers; /* in epoll_wait */
	struct waitqueue pollers; /* who polls the instance itself */
	struct file *file;	  /* not referenced */
	uint64_t visited;	  /* (tree_mutex) the search that came here last */
	int depth;		  /* (tree_mutex) what it found */
};

/* A place of a watch on a wait queue. */
struct hook {
	struct waiter w;
	struct hook *next; /* allocated ones */
};

struct watch {
	struct rb_node node;	 /* (ep->lock) */
	struct list_head ready;	 /* (ep->ready_lock) on ep->ready, or on the list of a scan */
	struct hlist_node file_link; /* (watch_lock) file->watches */
	struct epoll *ep;	 /* constant */
	struct file *file;	 /* constant; not referenced, see above */
	int fd;			 /* constant */
	struct epoll_event event; /* (ep->lock; the bits are read by wake-ups) */
	struct poll_table table;
	bool no_memory;		 /* for a hook */
	uint32_t used;
	struct hook fast[HOOKS_FAST];
	struct hook *more;
};

extern struct spinlock watch_lock; /* RANK_WATCHES: who watches a file */
extern struct mutex tree_mutex;	   /* RANK_EVENT_TREE: instances that watch instances */

/* The instance that f is, or NULL. */
struct epoll *epoll_of(struct file *f);
/* May ep watch below? 0 or -ELOOP. tree_mutex held. */
int epoll_may_nest(struct epoll *ep, struct epoll *below);

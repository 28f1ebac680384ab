/*
 * Wait queues: how a thread sleeps until a condition holds.
 *
 * The condition is checked after the thread has queued itself, so a wake-up between the check
 * and the sleep is not lost:
 *
 *	int err = wait_event(&pipe->readers, pipe->used > 0, WAIT_INTERRUPTIBLE);
 *
 * The waker changes the condition first, then calls wake_one or wake_all.
 */
#pragma once

#include "kernel/spinlock.h"
#include "lib/list.h"

struct thread;

enum wait_mode {
	WAIT_UNINTERRUPTIBLE, /* only a wake-up ends it: for I/O that is sure to finish */
	WAIT_KILLABLE,	      /* a fatal signal too: -ERESTARTSYS */
	WAIT_INTERRUPTIBLE,   /* any signal that is not blocked: -ERESTARTSYS */
};

struct waitqueue {
	struct spinlock lock; /* RANK_WAITQ; taken with interrupts off */
	struct list_head waiters;
};

struct waiter {
	struct list_head link;	/* (wq->lock) */
	struct waitqueue *wq;	/* queue it is on; NULL when on none */
	struct thread *thread;	/* who to wake */
	/*
	 * Called by the waker under wq->lock instead of waking the thread, when not NULL (poll).
	 * Returns true if this counts as a wake-up for wake_one. Must not sleep nor take locks
	 * below RANK_WAITQ.
	 */
	bool (*func)(struct waiter *w);
	void *data;
	bool exclusive;		/* wake_one stops behind it (true for ordinary sleepers) */
};

#define WAITQUEUE_INIT(wq)                                                                         \
	{                                                                                          \
		.lock = SPINLOCK_INIT("waitqueue", RANK_WAITQ), .waiters = LIST_INIT((wq).waiters) \
	}

void waitqueue_init(struct waitqueue *wq);
/* For wake_one and wake_all, when there may be somebody. */
void waitqueue_wake(struct waitqueue *wq, bool all);

/*
 * Is nobody waiting? A waiter queues itself before it checks the condition, we changed the
 * condition before coming here: with this fence one of the two sees the other.
 */
static inline bool waitqueue_idle(const struct waitqueue *wq)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return likely(list_empty(&wq->waiters));
}

/* Wake the first exclusive waiter, or all. May be called from interrupt handlers. */
static inline void wake_one(struct waitqueue *wq)
{
	if (!waitqueue_idle(wq))
		waitqueue_wake(wq, false);
}
static inline void wake_all(struct waitqueue *wq)
{
	if (!waitqueue_idle(wq))
		waitqueue_wake(wq, true);
}

/*
 * The pieces of wait_event. wait_begin queues w and marks the thread as about to sleep;
 * wait_sleep sleeps unless woken since, and returns 0, -ERESTARTSYS for a signal the mode allows,
 * or -ETIMEDOUT once the clock reaches deadline (ns of time_ns(); UINT64_MAX for none).
 * wait_end takes it off again and marks the thread running.
 */
void wait_begin(struct waitqueue *wq, struct waiter *w, enum wait_mode mode);
int wait_sleep(enum wait_mode mode, uint64_t deadline);
void wait_end(struct waiter *w);

/* Queue w on wq with its func set, for poll: the thread is not marked. waiter_remove undoes it. */
void waiter_add(struct waitqueue *wq, struct waiter *w);
void waiter_remove(struct waiter *w);

/* Sleep until condition holds. 0, -ERESTARTSYS or -ETIMEDOUT; 0 whenever the condition holds. */
#define wait_event_deadline(wq, condition, mode, deadline)                                         \
	({                                                                                         \
		int wait_err_ = 0;                                                                 \
		struct waiter waiter_;                                                             \
		for (;;) {                                                                         \
			if (condition) {                                                           \
				wait_err_ = 0;                                                     \
				break;                                                             \
			}                                                                          \
			if (wait_err_)                                                             \
				break;                                                             \
			wait_begin((wq), &waiter_, (mode));                                        \
			if (condition) {                                                           \
				wait_end(&waiter_);                                                \
				break;                                                             \
			}                                                                          \
			wait_err_ = wait_sleep((mode), (deadline));                                \
			wait_end(&waiter_);                                                        \
		}                                                                                  \
		wait_err_;                                                                         \
	})
#define wait_event(wq, condition, mode) wait_event_deadline(wq, condition, mode, UINT64_MAX)

/*
 * Wait queues.
 */
#include "kernel/wait.h"

#include "drivers/block.h"

#include "kernel/panic.h"
#include "kernel/riscv.h"
#include "kernel/thread.h"
#include "kernel/time.h"

void waitqueue_init(struct waitqueue *wq)
{
	list_init(&wq->waiters);
	spin_init(&wq->lock, "waitqueue", RANK_WAITQ);
}

void waitqueue_wake(struct waitqueue *wq, bool all)
{
	struct waiter *w, *next;
	uint64_t irq;

	irq = spin_lock_irq(&wq->lock);
	list_for_each_entry_safe(w, next, &wq->waiters, link) {
		bool woken = w->func ? w->func(w) : thread_wake(w->thread);

		if (woken && w->exclusive && !all)
			break;
	}
	spin_unlock_irq(&wq->lock, irq);
}

void waiter_add(struct waitqueue *wq, struct waiter *w)
{
	uint64_t irq = spin_lock_irq(&wq->lock);

	w->wq = wq;
	list_add_tail(&w->link, &wq->waiters);
	spin_unlock_irq(&wq->lock, irq);
}

void waiter_remove(struct waiter *w)
{
	struct waitqueue *wq = w->wq;
	uint64_t irq;

	if (!wq)
		return;
	irq = spin_lock_irq(&wq->lock);
	list_del(&w->link);
	w->wq = NULL;
	spin_unlock_irq(&wq->lock, irq);
}

void wait_begin(struct waitqueue *wq, struct waiter *w, enum wait_mode mode)
{
	struct thread *t = current();

	lockrank_assert_may_sleep();
	/* What it holds back to be merged may be what it is about to wait for. */
	if (t->plug.count)
		block_plug_flush();
	w->thread = t;
	w->func = NULL;
	w->exclusive = true;
	waiter_add(wq, w);
	t->wait_mode = mode;
	__atomic_store_n((uint32_t *)&t->state, THREAD_SLEEPING, __ATOMIC_RELAXED);
	/* Pairs with the fence in wake: the caller checks its condition next. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline bool interrupted(enum wait_mode mode)
{
	/* What signal_pending says, without the call: usually that is all. */
	if (likely(!(__atomic_load_n(&current()->work, __ATOMIC_ACQUIRE) & WORK_SIGNAL)))
		return false;
	return mode == WAIT_INTERRUPTIBLE || (mode == WAIT_KILLABLE && signal_fatal_pending());
}

static void deadline_passed(struct timer *timer)
{
	thread_wake(timer->data);
}

static __slow int sleep_until(enum wait_mode mode, uint64_t deadline)
{
	struct timer timer;
	int err = 0;

	if (time_ns() >= deadline)
		return -ETIMEDOUT;
	timer_init(&timer, deadline_passed, current());
	timer_set(&timer, deadline);
	schedule();
	if (!timer_cancel(&timer) && time_ns() >= deadline)
		err = -ETIMEDOUT;
	return interrupted(mode) ? -ERESTARTSYS : err;
}

int wait_sleep(enum wait_mode mode, uint64_t deadline)
{
	if (interrupted(mode))
		return -ERESTARTSYS;
	if (deadline != UINT64_MAX)
		return sleep_until(mode, deadline);
	schedule();
	return interrupted(mode) ? -ERESTARTSYS : 0;
}

void wait_end(struct waiter *w)
{
	__atomic_store_n((uint32_t *)&current()->state, THREAD_RUNNING, __ATOMIC_RELAXED);
	waiter_remove(w);
}

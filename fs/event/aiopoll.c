/*
 * Requests of Linux AIO that wait until a file is ready (IOCB_CMD_POLL). Wake-ups of the file put
 * them on a list; a thread, started with the first of them, asks the file and ends them.
 */
#include <stdatomic.h>

#include "fs/event/aio.h"
#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "lib/string.h"

#define HOOKS 8 /* no file has so many wait queues */

struct aio_poll {
	struct poll_table table;
	struct aio_request *request;
	struct list_head woken;	/* (woken_lock) */
	_Atomic uint32_t cancelled;
	uint32_t used;
	struct waiter hooks[HOOKS];
};

static struct spinlock woken_lock = SPINLOCK_INIT("aio", RANK_READY);
static LIST_HEAD(woken);
static struct thread *poller; /* set once */
static struct mutex poller_mutex; /* RANK_AIO: what is woken is looked at, or begun */

static bool poll_wake(struct aio_poll *p)
{
	uint64_t irq = spin_lock_irq(&woken_lock);

	if (list_empty(&p->woken))
		list_add_tail(&p->woken, &woken);
	spin_unlock_irq(&woken_lock, irq);
	return thread_wake(poller);
}

/* Under the lock of the file's wait queue. */
static bool hook_woken(struct waiter *w)
{
	return poll_wake(w->data);
}

static void hook_add(struct poll_table *pt, struct waitqueue *wq)
{
	struct aio_poll *p = container_of(pt, struct aio_poll, table);
	struct waiter *w = &p->hooks[p->used];

	assert(p->used < HOOKS);
	p->used++;
	w->func = hook_woken;
	w->data = p;
	waiter_add(wq, w);
}

void aio_poll_free(struct aio_poll *p)
{
	uint64_t irq;

	for (uint32_t i = 0; i < p->used; i++)
		waiter_remove(&p->hooks[i]);
	irq = spin_lock_irq(&woken_lock);
	list_del(&p->woken);
	spin_unlock_irq(&woken_lock, irq);
	kfree(p);
}

void aio_poll_init(void)
{
	mutex_init(&poller_mutex, "aio", RANK_AIO);
}

static bool woken_any(void)
{
	uint64_t irq = spin_lock_irq(&woken_lock);
	bool any = !list_empty(&woken);

	spin_unlock_irq(&woken_lock, irq);
	return any;
}

static struct aio_poll *woken_next(void)
{
	uint64_t irq = spin_lock_irq(&woken_lock);
	struct aio_poll *p = NULL;

	if (!list_empty(&woken)) {
		p = list_first_entry(&woken, struct aio_poll, woken);
		list_del(&p->woken);
	}
	spin_unlock_irq(&woken_lock, irq);
	return p;
}

/* A file has said something: the request that is over with that, and its result, or NULL. */
static struct aio_request *woken_look(uint32_t *mask)
{
	struct aio_request *over = NULL;
	struct aio_poll *p;

	mutex_lock(&poller_mutex);
	p = woken_next();
	if (p) {
		bool cancelled = atomic_load(&p->cancelled);

		*mask = cancelled ? 0 : file_poll(p->request->file, NULL) & p->table.events;
		over = cancelled || *mask ? p->request : NULL;
	}
	mutex_unlock(&poller_mutex);
	return over;
}

static void poller_main(void *unused)
{
	struct waitqueue never; /* thread_wake wakes it */
	struct aio_request *r;
	uint32_t mask;

	(void)unused;
	waitqueue_init(&never);
	for (;;) {
		(void)wait_event(&never, woken_any(), WAIT_UNINTERRUPTIBLE);
		r = woken_look(&mask);
		if (r)
			aio_done(r, mask);
	}
}

/* (poller_mutex) */
static int poller_start(void)
{
	struct thread *t = poller ? NULL : kthread_create("aio", poller_main, NULL);

	if (t) {
		poller = t;
		thread_start(t);
	}
	return poller ? 0 : -ENOMEM;
}

int aio_poll_begin(struct aio_request *r, uint32_t events)
{
	struct aio_poll *p = kzalloc(sizeof(*p));
	int err = p ? 0 : -ENOMEM;

	if (err)
		return err;
	p->request = r;
	p->table = (struct poll_table){hook_add, events | POLLERR | POLLHUP};
	list_init(&p->woken);
	mutex_lock(&poller_mutex);
	r->poll = p;
	err = poller_start();
	if (!err && !aio_start(r))
		err = -EINVAL;
	if (err) {
		r->poll = NULL;
		aio_poll_free(p);
	} else if (file_poll(r->file, &p->table) & p->table.events) {
		(void)poll_wake(p); /* the thread tells of it */
	}
	mutex_unlock(&poller_mutex);
	return err;
}

void aio_poll_cancel(struct aio_request *r)
{
	atomic_store(&r->poll->cancelled, true);
	(void)poll_wake(r->poll);
}

/*
 * Reading ahead of who reads from front to back: threads bring in the next pages while the reader
 * works on these. Who jumps about gets what it asks for, and nothing is read ahead.
 */
#include <stdatomic.h>

#include "fs/vfs.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "mm/object.h"
#include "mm/pagecache.h"

#define WINDOW 32u /* pages asked for at once: one request of 128 KiB */
#define AHEAD  (6 * WINDOW) /* to there it is to be known where pages are */
#define QUEUE  16u
/*
 * While one has its pages told that they are there, the device works for the other; the third finds
 * out where the next ones are.
 */
#define THREADS 3

struct ahead {
	struct object *object; /* referenced */
	uint64_t first;
	uint32_t n; /* 0: only where it is is to be known */
};

static struct spinlock queue_lock = SPINLOCK_INIT("read-ahead", RANK_FILES);
static struct ahead queue[QUEUE];	 /* (queue_lock) a ring */
static uint32_t queue_first, queue_used; /* (queue_lock) */
static _Atomic bool running; /* nothing is queued before somebody takes it: each holds its object */
static struct waitqueue queue_wait = WAITQUEUE_INIT(queue_wait);

/* Full: the reader is not held up for that, it will read by itself. */
static void queue_put(struct object *o, uint64_t first, uint32_t n)
{
	bool put = false;

	spin_lock(&queue_lock);
	if (queue_used < QUEUE) {
		queue[(queue_first + queue_used++) % QUEUE] =
			(struct ahead){object_get(o), first, n};
		put = true;
	}
	spin_unlock(&queue_lock);
	if (put)
		wake_all(&queue_wait);
}

static bool queue_take(struct ahead *a)
{
	bool taken = false;

	spin_lock(&queue_lock);
	if (queue_used) {
		*a = queue[queue_first];
		queue_first = (queue_first + 1) % QUEUE;
		queue_used--;
		taken = true;
	}
	spin_unlock(&queue_lock);
	return taken;
}

static void readahead_thread(void *unused)
{
	struct ahead a;

	(void)unused;
	atomic_store(&running, true);
	for (;;) {
		(void)wait_event(&queue_wait, queue_take(&a), WAIT_UNINTERRUPTIBLE);
		if (a.n)
			pagecache_readahead(a.object, a.first, a.n);
		else
			a.object->ops->map_ahead(a.object, a.first);
		object_put(a.object);
	}
}

/* The window at first is to be on its way. */
static __slow void window_ask(struct file *f, struct object *o, uint64_t first)
{
	struct frame *cached;

	if (!atomic_load(&running))
		return;
	f->ra_asked = first + WINDOW;
	cached = pagecache_find(o, first);
	if (cached) {
		frame_put(cached);
		return;
	}
	queue_put(o, first, WINDOW);
	/* So far that two blocks, the first of which says where the second is, come in time. */
	if (o->ops->map_ahead)
		queue_put(o, first + AHEAD - 1, 0);
}

void readahead_slow(struct file *f, struct object *o, uint64_t next)
{
	uint64_t size = atomic_load_explicit(&o->size, memory_order_relaxed), first;

	/* A new place in the file. */
	if (f->ra_asked > next + 2 * READAHEAD_PAGES)
		f->ra_asked = 0;
	first = MAX(f->ra_asked, ALIGN_UP(next + 1, (uint64_t)WINDOW));
	/* What lives in memory has nothing to read; near the end there is nothing either. */
	if (first < DIV_ROUND_UP(size, PAGE_SIZE) && o->ops->write_pages)
		window_ask(f, o, first);
	else
		f->ra_asked = next + 2 * READAHEAD_PAGES;
}

void readahead_start(void)
{
	for (int i = 0; i < THREADS; i++) {
		struct thread *t = kthread_create("readahead", readahead_thread, NULL);

		if (!t)
			panic("no memory for the read-ahead threads");
		thread_start(t);
	}
}

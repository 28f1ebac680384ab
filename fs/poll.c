/*
 * ppoll(2), pselect6(2): wait until one of several files is ready. Each file's poll operation
 * queues us on its wait queues, once; a wake-up only sets a flag and wakes the thread, which then
 * asks all files again.
 */
#include <stdatomic.h>

#include "fs/event/event.h"
#include "fs/vfs.h"
#include "kernel/mem/slab.h"
#include "kernel/signal.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/poll.h"
#include "lib/bitmap.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define ENTRIES_FAST 8

struct poll_entry {
	struct waiter w;
	struct file *file; /* keeps the queue alive */
	struct poll_entry *next; /* allocated ones */
};

struct poller {
	struct poll_table table;
	struct waitqueue wait; /* the poller sleeps on it; nobody else knows it */
	struct thread *thread; /* the poller */
	_Atomic uint32_t ready;
	struct file *file;     /* being asked */
	int err;
	uint32_t used;
	struct poll_entry fast[ENTRIES_FAST];
	struct poll_entry *more;
};

static bool poll_woken(struct waiter *w)
{
	struct poller *p = w->data;

	/* Called under the lock of a queue, so not through another one. */
	atomic_store(&p->ready, true);
	return thread_wake(p->thread);
}

static void poll_queue(struct poll_table *pt, struct waitqueue *wq)
{
	struct poller *p = container_of(pt, struct poller, table);
	struct poll_entry *e;

	if (p->used < ENTRIES_FAST) {
		e = &p->fast[p->used++];
	} else {
		e = kmalloc(sizeof(*e));
		if (!e) {
			p->err = -ENOMEM;
			return;
		}
		e->next = p->more;
		p->more = e;
	}
	memset(&e->w, 0, sizeof(e->w));
	e->file = file_get(p->file);
	e->w.func = poll_woken;
	e->w.data = p;
	waiter_add(wq, &e->w);
}

static void poll_begin(struct poller *p)
{
	waitqueue_init(&p->wait);
	p->table.add = poll_queue;
	p->thread = current();
	p->ready = false;
	p->err = 0;
	p->used = 0;
	p->more = NULL;
}

static void poll_end(struct poller *p)
{
	for (uint32_t i = 0; i < p->used; i++) {
		waiter_remove(&p->fast[i].w);
		file_put(p->fast[i].file);
	}
	while (p->more) {
		struct poll_entry *e = p->more;

		p->more = e->next;
		waiter_remove(&e->w);
		file_put(e->file);
		kfree(e);
	}
}

/* What is ready of one descriptor; p NULL: only ask. */
static uint32_t poll_one(struct poller *p, int fd, uint32_t events)
{
	struct file *f = fd_get(fd);
	uint32_t mask;

	if (!f)
		return POLLNVAL;
	events |= POLLERR | POLLHUP;
	if (p) {
		p->file = f;
		p->table.events = events;
	}
	mask = file_poll(f, p ? &p->table : NULL) & events;
	file_put(f);
	return mask;
}

/*
 * Ask through scan(arg, p), which returns how many are ready, until some are, the deadline is
 * reached or a signal comes.
 */
static long poll_loop(long (*scan)(void *arg, struct poller *p), void *arg, uint64_t deadline)
{
	struct poller p, *add;
	long n;
	int err = 0;

	poll_begin(&p);
	add = deadline ? &p : NULL;
	for (;;) {
		atomic_store(&p.ready, false);
		n = scan(arg, add);
		if (n || p.err || err || !deadline)
			break;
		add = NULL; /* queued everywhere from the first time on */
		err = wait_event_deadline(&p.wait, atomic_load(&p.ready), WAIT_INTERRUPTIBLE,
					  deadline);
	}
	poll_end(&p);
	if (n)
		return n;
	if (p.err)
		return p.err;
	return err == -ETIMEDOUT ? 0 : err ? -ERESTARTNOHAND : 0;
}

int poll_deadline_get(uaddr_t user, uint64_t *deadline)
{
	struct timespec64 ts;
	uint64_t now, ns;

	*deadline = UINT64_MAX;
	if (!user)
		return 0;
	if (copy_from_user(&ts, user, sizeof(ts)))
		return -EFAULT;
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= (int64_t)NSEC_PER_SEC)
		return -EINVAL;
	*deadline = 0;
	if (!ts.tv_sec && !ts.tv_nsec)
		return 0;
	now = time_ns();
	if (__builtin_mul_overflow((uint64_t)ts.tv_sec, NSEC_PER_SEC, &ns) ||
	    __builtin_add_overflow(ns, (uint64_t)ts.tv_nsec, &ns) ||
	    __builtin_add_overflow(ns, now, deadline))
		*deadline = UINT64_MAX;
	return 0;
}

void poll_deadline_put(uaddr_t user, uint64_t deadline)
{
	struct timespec64 ts = {0, 0};
	uint64_t now = time_ns();

	if (!user || !deadline || deadline == UINT64_MAX)
		return;
	if (deadline > now) {
		ts.tv_sec = (int64_t)((deadline - now) / NSEC_PER_SEC);
		ts.tv_nsec = (int64_t)((deadline - now) % NSEC_PER_SEC);
	}
	/* The call has its result already: a bad address there is not an error. */
	if (copy_to_user(user, &ts, sizeof(ts)))
		return;
}

/*
 * What a call returns that came to ret. If its timeout is not to be changed (personality(2)), it
 * cannot go on with what is left of it.
 */
static long timeout_update(uaddr_t user, uint64_t deadline, long ret)
{
	if (!user)
		return ret;
	if (current()->process->personality & PERSONALITY_STICKY_TIMEOUTS)
		return ret == -ERESTARTNOHAND ? -EINTR : ret;
	poll_deadline_put(user, deadline);
	return ret;
}

int poll_mask_apply(uaddr_t user, uint64_t size)
{
	sigset_t mask;

	if (!user)
		return 0;
	if (size != sizeof(mask))
		return -EINVAL;
	if (copy_from_user(&mask, user, sizeof(mask)))
		return -EFAULT;
	signal_mask_for_wait(mask);
	return 0;
}

struct poll_set {
	struct pollfd *fds;
	uint32_t n;
};

static long pollfds_scan(void *arg, struct poller *poller)
{
	struct poll_set *s = arg;
	long ready = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		struct pollfd *p = &s->fds[i];

		p->revents = 0;
		if (p->fd >= 0)
			p->revents = (int16_t)poll_one(poller, p->fd, (uint16_t)p->events);
		ready += p->revents != 0;
	}
	return ready;
}

static long pollfds_wait(uaddr_t fds, uint32_t n, uint64_t deadline)
{
	struct pollfd fast[ENTRIES_FAST];
	struct poll_set set = {fast, n};
	long ready;

	if (n > rlimit_get(7 /* RLIMIT_NOFILE */))
		return -EINVAL;
	if (n > ENTRIES_FAST) {
		set.fds = kmalloc(n * sizeof(*set.fds));
		if (!set.fds)
			return -ENOMEM;
	}
	if (copy_from_user(set.fds, fds, n * sizeof(*set.fds))) {
		ready = -EFAULT;
	} else {
		ready = poll_loop(pollfds_scan, &set, deadline);
		if (ready >= 0 && copy_to_user(fds, set.fds, n * sizeof(*set.fds)))
			ready = -EFAULT;
	}
	if (set.fds != fast)
		kfree(set.fds);
	return ready;
}

SYSCALL5(ppoll, uaddr_t, fds, uint32_t, n, uaddr_t, timeout, uaddr_t, mask, size_t, mask_size)
{
	uint64_t deadline;
	long ret = poll_deadline_get(timeout, &deadline);

	if (ret)
		return ret;
	ret = poll_mask_apply(mask, mask_size);
	if (ret)
		return ret;
	ret = pollfds_wait(fds, n, deadline);
	signal_mask_after_wait(ret == -ERESTARTNOHAND);
	return timeout_update(timeout, deadline, ret);
}

struct select_sets {
	int n;
	uint64_t *in[3];  /* read, write, except; NULL: not asked for */
	uint64_t *out[3];
};

static const uint32_t select_asked[3] = {
	POLLIN | POLLRDNORM, POLLOUT | POLLWRNORM, POLLPRI};
static const uint32_t select_ready[3] = {
	POLLIN | POLLRDNORM | POLLHUP | POLLERR, POLLOUT | POLLWRNORM | POLLERR, POLLPRI};

static long select_scan(void *arg, struct poller *p)
{
	struct select_sets *s = arg;
	long ready = 0;

	for (int fd = 0; fd < s->n; fd++) {
		uint32_t events = 0, mask;

		for (int k = 0; k < 3; k++) {
			if (s->in[k] && bitmap_test(s->in[k], (size_t)fd))
				events |= select_asked[k];
		}
		if (!events)
			continue;
		mask = poll_one(p, fd, events);
		if (mask & POLLNVAL)
			return -EBADF;
		for (int k = 0; k < 3; k++) {
			if (s->in[k] && bitmap_test(s->in[k], (size_t)fd) &&
			    (mask & select_ready[k])) {
				bitmap_set(s->out[k], (size_t)fd);
				ready++;
			}
		}
	}
	return ready;
}

static long select_wait(int n, const uaddr_t *user, uint64_t deadline)
{
	struct select_sets s = {.n = n};
	size_t words, bytes;
	uint64_t *mem;
	long ready = 0;

	if (n < 0)
		return -EINVAL;
	/* Numbers beyond the table are not open: asking for them costs no memory. */
	n = s.n = MIN(n, 1 << 16);
	words = DIV_ROUND_UP((size_t)n, 64);
	bytes = words * 8;
	mem = kzalloc(6 * bytes + 8);
	if (!mem)
		return -ENOMEM;
	for (int k = 0; k < 3 && !ready; k++) {
		s.in[k] = user[k] ? mem + (size_t)k * words : NULL;
		s.out[k] = mem + (size_t)(k + 3) * words;
		if (user[k] && copy_from_user(s.in[k], user[k], bytes))
			ready = -EFAULT;
	}
	if (!ready)
		ready = poll_loop(select_scan, &s, deadline);
	for (int k = 0; k < 3 && ready >= 0; k++) {
		if (user[k] && copy_to_user(user[k], s.out[k], bytes))
			ready = -EFAULT;
	}
	kfree(mem);
	return ready;
}

SYSCALL6(pselect6, int, n, uaddr_t, in, uaddr_t, out, uaddr_t, except, uaddr_t, timeout, uaddr_t,
	 sigmask)
{
	uaddr_t user[3] = {in, out, except};
	uint64_t deadline, mask[2] = {0, 0};
	long ret = poll_deadline_get(timeout, &deadline);

	if (ret)
		return ret;
	if (sigmask && copy_from_user(mask, sigmask, sizeof(mask)))
		return -EFAULT;
	ret = poll_mask_apply(mask[0], mask[1]);
	if (ret)
		return ret;
	ret = select_wait(n, user, deadline);
	signal_mask_after_wait(ret == -ERESTARTNOHAND);
	return timeout_update(timeout, deadline, ret);
}

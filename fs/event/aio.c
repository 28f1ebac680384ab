/*
 * Linux AIO: io_setup(2) and its relatives. Reads, writes and fsyncs are done when they are
 * submitted, as Linux does with those that go through the page cache; what waits for a file to
 * become ready is in aiopoll.c. A context's name is the address of a page that says nothing: its
 * magic number is not that of Linux's ring, so libraries ask the kernel for events.
 */
#include "fs/event/aio.h"

#include <stdatomic.h>

#include "kernel/mem/slab.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/mman.h"
#include "kernel/uapi/time.h"
#include "kernel/uapi/uio.h"
#include "mm/aspace.h"
#include "mm/usercopy.h"

#define EVENTS_MAX (0x10000000u / sizeof(struct io_event))

struct aio {
	struct mutex lock; /* RANK_AIO */
	struct list_head contexts; /* (lock) */
};

struct aio_context {
	struct list_head link;
	uaddr_t id;	       /* constant */
	uint32_t asked, slots; /* constant: events it was made for, and that it takes */
	_Atomic int refs;
	struct spinlock lock;  /* RANK_WATCHES, interrupts off */
	struct list_head active, done; /* (lock) requests */
	uint32_t used;	       /* (lock) slots that requests have */
	bool dead;	       /* (lock) */
	struct waitqueue wait; /* for something to be done, or nothing to be active */
};

uint64_t aio_nr, aio_nr_max = 65536;

static void context_put(struct aio_context *c)
{
	if (atomic_fetch_sub(&c->refs, 1) == 1)
		kfree(c);
}

/* A request of c that is in none of its lists goes, and its slot is free. */
static void request_free(struct aio_request *r)
{
	struct aio_context *c = r->context;
	uint64_t irq;

	if (r->file)
		file_put(r->file);
	if (r->told)
		file_put(r->told);
	irq = spin_lock_irq(&c->lock);
	c->used--;
	spin_unlock_irq(&c->lock, irq);
	context_put(c);
	kfree(r);
}

/* A request with a slot. err_ptr: -EAGAIN, no slot is free or no memory; -EINVAL, c is dead. */
static struct aio_request *request_make(struct aio_context *c)
{
	struct aio_request *r = kzalloc(sizeof(*r));
	int err = r ? 0 : -EAGAIN;
	uint64_t irq = spin_lock_irq(&c->lock);

	if (!err && (c->dead || c->used == c->slots))
		err = c->dead ? -EINVAL : -EAGAIN;
	if (!err)
		c->used++;
	spin_unlock_irq(&c->lock, irq);
	if (err) {
		kfree(r);
		return err_ptr(err);
	}
	atomic_fetch_add(&c->refs, 1);
	r->context = c;
	list_init(&r->link);
	return r;
}

bool aio_start(struct aio_request *r)
{
	struct aio_context *c = r->context;
	uint64_t irq = spin_lock_irq(&c->lock);
	bool dead = c->dead;

	if (!dead)
		list_add_tail(&r->link, &c->active);
	spin_unlock_irq(&c->lock, irq);
	return !dead;
}

void aio_done(struct aio_request *r, int64_t res)
{
	struct aio_context *c = r->context;
	struct file *told = r->told;
	uint64_t irq = spin_lock_irq(&c->lock);
	struct aio_poll *poll = r->poll;

	/* Nobody cancels it any more; but it is under way until its file has been let go. */
	r->poll = NULL;
	spin_unlock_irq(&c->lock, irq);
	if (poll)
		aio_poll_free(poll);
	r->event.res = res;
	file_put(r->file);
	r->file = NULL;
	r->told = NULL;
	atomic_fetch_add(&c->refs, 1); /* whoever takes the event frees r, and its reference */
	irq = spin_lock_irq(&c->lock);
	list_move_tail(&r->link, &c->done);
	spin_unlock_irq(&c->lock, irq);
	wake_all(&c->wait);
	context_put(c);
	if (told) {
		eventfd_signal(told);
		file_put(told);
	}
}

/* --- contexts --- */

/* The running process's; made when first asked for. NULL: no memory. */
static struct aio *aio_get(void)
{
	struct process *p = current()->process;
	struct aio *a = p->aio, *none = NULL;

	if (a)
		return a;
	a = kzalloc(sizeof(*a));
	if (!a)
		return NULL;
	mutex_init(&a->lock, "aio contexts", RANK_AIO);
	list_init(&a->contexts);
	if (__atomic_compare_exchange_n(&p->aio, &none, a, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return a;
	kfree(a); /* another thread was first */
	return none;
}

/* Referenced; taken out of the list, too, if it is to end. NULL: there is none. */
static struct aio_context *context_find(uaddr_t id, bool take)
{
	struct aio *a = current()->process->aio;
	struct aio_context *c, *found = NULL;

	if (!a)
		return NULL;
	mutex_lock(&a->lock);
	list_for_each_entry(c, &a->contexts, link) {
		if (c->id != id)
			continue;
		found = c;
		break;
	}
	if (found && take)
		list_del(&found->link); /* with its reference */
	else if (found)
		atomic_fetch_add(&found->refs, 1);
	mutex_unlock(&a->lock);
	return found;
}

static bool context_idle(struct aio_context *c)
{
	uint64_t irq = spin_lock_irq(&c->lock);
	bool idle = list_empty(&c->active);

	spin_unlock_irq(&c->lock, irq);
	return idle;
}

static struct aio_request *done_take(struct aio_context *c)
{
	struct aio_request *r = NULL;
	uint64_t irq = spin_lock_irq(&c->lock);

	if (!list_empty(&c->done)) {
		r = list_first_entry(&c->done, struct aio_request, link);
		list_del(&r->link);
	}
	spin_unlock_irq(&c->lock, irq);
	return r;
}

/* It is in no list any more, and its reference goes: what it does ends first. May sleep. */
static void context_end(struct aio_context *c)
{
	struct aio_request *r;
	uint64_t irq = spin_lock_irq(&c->lock);

	c->dead = true;
	list_for_each_entry(r, &c->active, link)
		if (r->poll)
			aio_poll_cancel(r);
	spin_unlock_irq(&c->lock, irq);
	wake_all(&c->wait);
	(void)wait_event(&c->wait, context_idle(c), WAIT_UNINTERRUPTIBLE);
	while ((r = done_take(c)) != NULL)
		request_free(r);
	__atomic_fetch_sub(&aio_nr, c->asked, __ATOMIC_RELAXED);
	context_put(c);
}

void aio_drop(struct process *p)
{
	struct aio *a = p->aio;
	struct aio_context *c, *next;

	if (!a)
		return;
	list_for_each_entry_safe(c, next, &a->contexts, link) {
		list_del(&c->link);
		context_end(c);
	}
	p->aio = NULL;
	kfree(a);
}

/* For so many events; 0, -EINVAL, -EAGAIN: too many, -ENOMEM. */
static int context_make(uint32_t n, struct aio_context **out)
{
	struct aio_context *c;
	uint64_t slots = 2 * MAX((uint64_t)n, 4UL * nharts);

	if (slots > EVENTS_MAX)
		return -EINVAL;
	if (__atomic_add_fetch(&aio_nr, n, __ATOMIC_RELAXED) > aio_nr_max) {
		__atomic_fetch_sub(&aio_nr, n, __ATOMIC_RELAXED);
		return -EAGAIN;
	}
	c = kzalloc(sizeof(*c));
	if (!c) {
		__atomic_fetch_sub(&aio_nr, n, __ATOMIC_RELAXED);
		return -ENOMEM;
	}
	c->asked = n;
	c->slots = (uint32_t)slots - 1;
	c->refs = 1;
	spin_init(&c->lock, "aio context", RANK_WATCHES);
	list_init(&c->active);
	list_init(&c->done);
	list_init(&c->link);
	waitqueue_init(&c->wait);
	*out = c;
	return 0;
}

/* The context gets its name, which is told, and may be used. */
static int context_name(struct aio *a, struct aio_context *c, uaddr_t out)
{
	struct aspace *as = current()->aspace;
	long at = aspace_map(as, 0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			     NULL, NULL, 0);

	if (at < 0)
		return -ENOMEM;
	c->id = (uaddr_t)at;
	if (copy_to_user(out, &c->id, sizeof(c->id))) {
		(void)aspace_unmap(as, c->id, PAGE_SIZE);
		return -EFAULT;
	}
	mutex_lock(&a->lock);
	list_add(&c->link, &a->contexts);
	mutex_unlock(&a->lock);
	return 0;
}

SYSCALL2(io_setup, uint32_t, n, uaddr_t, out)
{
	struct aio_context *c;
	struct aio *a;
	uint64_t old;
	int err;

	if (copy_from_user(&old, out, sizeof(old)))
		return -EFAULT;
	if (old || !n)
		return -EINVAL;
	a = aio_get();
	if (!a)
		return -ENOMEM;
	err = context_make(n, &c);
	if (err)
		return err;
	err = context_name(a, c, out);
	if (err)
		context_end(c);
	return err;
}

SYSCALL1(io_destroy, uaddr_t, id)
{
	struct aio_context *c = context_find(id, true);

	if (!c)
		return -EINVAL;
	context_end(c);
	(void)aspace_unmap(current()->aspace, id, PAGE_SIZE);
	return 0;
}

/* --- requests --- */

/* A refusal, or 0: the request is under way, or over. */
static int submit_transfer(struct aio_request *r, const struct iocb *i, bool write, bool vector)
{
	struct iovec64 fast[IOV_FAST], *iov = NULL;
	ssize64_t n;
	struct uio u;
	int err = r->file->kind & (write ? FILE_WRITE : FILE_READ) ? 0 : -EBADF;

	if (err)
		return err;
	if (vector)
		err = iov_get(&u, i->aio_buf, i->aio_nbytes, fast, &iov);
	else
		uio_init_user(&u, i->aio_buf, i->aio_nbytes);
	if (!err)
		err = file_transfer_check(r->file, &u, i->aio_rw_flags, (uint64_t)i->aio_offset,
					  write);
	if (!err && !aio_start(r))
		err = -EINVAL;
	if (!err) {
		n = file_transfer(r->file, &u, (uint64_t)i->aio_offset, write);
		aio_done(r, n == -ERESTARTSYS ? -EINTR : n);
	}
	kfree(iov);
	return err;
}

static int submit_sync(struct aio_request *r, const struct iocb *i, bool datasync)
{
	if (i->aio_buf || i->aio_offset || i->aio_nbytes || i->aio_rw_flags || !r->file->ops->fsync)
		return -EINVAL;
	if (!aio_start(r))
		return -EINVAL;
	aio_done(r, file_fsync(r->file, datasync));
	return 0;
}

static int submit_poll(struct aio_request *r, const struct iocb *i)
{
	if (i->aio_buf != (uint16_t)i->aio_buf || i->aio_offset || i->aio_nbytes || i->aio_rw_flags)
		return -EINVAL;
	return aio_poll_begin(r, (uint32_t)i->aio_buf);
}

static int submit_command(struct aio_request *r, const struct iocb *i)
{
	switch (i->aio_lio_opcode) {
	case IOCB_CMD_PREAD:
		return submit_transfer(r, i, false, false);
	case IOCB_CMD_PWRITE:
		return submit_transfer(r, i, true, false);
	case IOCB_CMD_PREADV:
		return submit_transfer(r, i, false, true);
	case IOCB_CMD_PWRITEV:
		return submit_transfer(r, i, true, true);
	case IOCB_CMD_FSYNC:
		return submit_sync(r, i, false);
	case IOCB_CMD_FDSYNC:
		return submit_sync(r, i, true);
	case IOCB_CMD_POLL:
		return submit_poll(r, i);
	default:
		return -EINVAL;
	}
}

/* Its files, and its key. */
static int request_fill(struct aio_request *r, const struct iocb *i, uaddr_t user)
{
	uint32_t key = 0;

	r->file = fd_get((int)i->aio_fildes);
	if (!r->file)
		return -EBADF;
	if (i->aio_flags & IOCB_FLAG_RESFD) {
		struct file *told = eventfd_get((int)i->aio_resfd);

		if (is_err(told))
			return (int)ptr_err(told);
		r->told = told;
	}
	if (copy_to_user(user + offsetof(struct iocb, aio_key), &key, sizeof(key)))
		return -EFAULT;
	r->event.data = i->aio_data;
	r->event.obj = user;
	return 0;
}

static int submit_one(struct aio_context *c, uaddr_t user)
{
	struct aio_request *r;
	struct iocb i;
	int err;

	if (copy_from_user(&i, user, sizeof(i)))
		return -EFAULT;
	if (i.aio_reserved2 || (int64_t)i.aio_nbytes < 0)
		return -EINVAL;
	r = request_make(c);
	if (is_err(r))
		return (int)ptr_err(r);
	err = request_fill(r, &i, user);
	if (!err)
		err = submit_command(r, &i);
	if (err)
		request_free(r);
	return err;
}

SYSCALL3(io_submit, uaddr_t, id, int64_t, n, uaddr_t, list)
{
	struct aio_context *c;
	int64_t i;
	int err = 0;

	if (n < 0)
		return -EINVAL;
	c = context_find(id, false);
	if (!c)
		return -EINVAL;
	n = MIN(n, (int64_t)c->slots + 1);
	for (i = 0; i < n; i++) {
		uaddr_t one;

		err = copy_from_user(&one, list + (uint64_t)i * sizeof(one), sizeof(one))
			      ? -EFAULT
			      : submit_one(c, one);
		if (err)
			break;
	}
	context_put(c);
	return i ? i : err;
}

SYSCALL3(io_cancel, uaddr_t, id, uaddr_t, iocb, uaddr_t, result)
{
	struct aio_context *c;
	struct aio_request *r;
	int err = -EINVAL;
	uint64_t irq;
	uint32_t key;

	(void)result; /* the event comes as all others do */
	if (copy_from_user(&key, iocb + offsetof(struct iocb, aio_key), sizeof(key)))
		return -EFAULT;
	c = key ? NULL : context_find(id, false);
	if (!c)
		return -EINVAL;
	irq = spin_lock_irq(&c->lock);
	list_for_each_entry(r, &c->active, link) {
		if (r->event.obj != iocb || !r->poll)
			continue;
		aio_poll_cancel(r);
		err = -EINPROGRESS;
		break;
	}
	spin_unlock_irq(&c->lock, irq);
	context_put(c);
	return err;
}

/* --- events --- */

/* Nobody looks at what a context that ends has done. */
static void done_put_back(struct aio_context *c, struct aio_request *r)
{
	uint64_t irq = spin_lock_irq(&c->lock);
	bool dead = c->dead;

	if (!dead)
		list_add(&r->link, &c->done);
	spin_unlock_irq(&c->lock, irq);
	if (dead)
		request_free(r);
}

/* Events that are there go to user space, up to `most`: how many; -EFAULT, if not one could. */
static int64_t events_take(struct aio_context *c, uaddr_t out, int64_t most)
{
	struct aio_request *r;
	int64_t n;

	for (n = 0; n < most; n++) {
		r = done_take(c);
		if (!r)
			break;
		if (copy_to_user(out + (uint64_t)n * sizeof(r->event), &r->event,
				 sizeof(r->event))) {
			done_put_back(c, r);
			return n ? n : -EFAULT;
		}
		request_free(r);
	}
	return n;
}

static bool context_tells(struct aio_context *c)
{
	uint64_t irq = spin_lock_irq(&c->lock);
	bool tells = c->dead || !list_empty(&c->done);

	spin_unlock_irq(&c->lock, irq);
	return tells;
}

/* At least min, if they come until the deadline. -ERESTARTSYS: a signal came before any. */
static int64_t events_wait(struct aio_context *c, int64_t min, int64_t most, uaddr_t out,
			   uint64_t deadline)
{
	int64_t got = 0, n;
	int err = 0;

	for (;;) {
		n = events_take(c, out + (uint64_t)got * sizeof(struct io_event), most - got);
		if (n < 0)
			return got ? got : n;
		got += n;
		if (__atomic_load_n(&c->dead, __ATOMIC_RELAXED))
			return got ? got : -EINVAL;
		if (got >= min || err || !deadline)
			break;
		err = wait_event_deadline(&c->wait, context_tells(c), WAIT_INTERRUPTIBLE,
					  deadline);
	}
	return !got && err == -ERESTARTSYS ? err : got;
}

/* A time-out at user to a deadline: 0, only look; UINT64_MAX, none. 0 or -EFAULT. */
static int deadline_get(uaddr_t user, uint64_t *deadline)
{
	struct timespec64 ts;

	*deadline = UINT64_MAX;
	if (!user)
		return 0;
	if (copy_from_user(&ts, user, sizeof(ts)))
		return -EFAULT;
	*deadline = 0;
	if (ts.tv_sec >= 0 && (ts.tv_sec || ts.tv_nsec > 0))
		*deadline = time_add(time_ns(), timespec_ns(&ts));
	return 0;
}

static int64_t getevents(uaddr_t id, int64_t min, int64_t most, uaddr_t out, uint64_t deadline)
{
	struct aio_context *c = context_find(id, false);
	int64_t n = -EINVAL;

	if (!c)
		return n;
	if (min >= 0 && min <= most)
		n = events_wait(c, min, most, out, deadline);
	context_put(c);
	return n;
}

SYSCALL5(io_getevents, uaddr_t, id, int64_t, min, int64_t, most, uaddr_t, out, uaddr_t, timeout)
{
	uint64_t deadline;
	int64_t n = deadline_get(timeout, &deadline);

	if (n)
		return n;
	n = getevents(id, min, most, out, deadline);
	return n == -ERESTARTSYS ? -EINTR : n;
}

SYSCALL6(io_pgetevents, uaddr_t, id, int64_t, min, int64_t, most, uaddr_t, out, uaddr_t, timeout,
	 uaddr_t, sig)
{
	uint64_t deadline, mask[2] = {0, 0};
	int64_t n = deadline_get(timeout, &deadline);

	if (n)
		return n;
	if (sig && copy_from_user(mask, sig, sizeof(mask)))
		return -EFAULT;
	n = poll_mask_apply(mask[0], mask[1]);
	if (n)
		return n;
	n = getevents(id, min, most, out, deadline);
	if (n == -ERESTARTSYS)
		n = -ERESTARTNOHAND;
	signal_mask_after_wait(n == -ERESTARTNOHAND);
	return n;
}

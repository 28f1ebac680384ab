/*
 * eventfd(2): a counter that writes add to and reads take from.
 */
#include <stdatomic.h>

#include "fs/event/aio.h"
#include "fs/procfs/procfs.h"
#include "kernel/mem/slab.h"
#include "kernel/syscall.h"
#include "kernel/uapi/event.h"

struct eventfd {
	struct spinlock lock;		 /* RANK_DRIVER */
	uint64_t count;			 /* (lock) */
	bool semaphore;			 /* constant: a read takes one */
	uint32_t id;			 /* constant: tells it from others in fdinfo */
	struct waitqueue readers, writers; /* woken when it is not 0; when there is room */
};

/* What a read gives; 0: it has to wait. */
static uint64_t eventfd_take(struct eventfd *e)
{
	uint64_t taken;

	spin_lock(&e->lock);
	taken = e->semaphore ? e->count != 0 : e->count;
	e->count -= taken;
	spin_unlock(&e->lock);
	if (taken)
		wake_all(&e->writers);
	return taken;
}

static bool eventfd_add(struct eventfd *e, uint64_t value)
{
	bool room;

	spin_lock(&e->lock);
	room = UINT64_MAX - e->count > value;
	if (room)
		e->count += value;
	spin_unlock(&e->lock);
	if (room)
		wake_all(&e->readers);
	return room;
}

static ssize64_t eventfd_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct eventfd *e = f->data;
	uint64_t value;
	int err;

	if (u->resid < sizeof(value))
		return -EINVAL;
	value = eventfd_take(e);
	if (!value) {
		if (u->nowait)
			return -EAGAIN;
		err = wait_event(&e->readers, (value = eventfd_take(e)) != 0, WAIT_INTERRUPTIBLE);
		if (err)
			return err;
	}
	return uio_copy_to(u, &value, sizeof(value)) == sizeof(value) ? (ssize64_t)sizeof(value)
								       : -EFAULT;
}

static ssize64_t eventfd_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct eventfd *e = f->data;
	uint64_t value;
	int err;

	if (u->resid < sizeof(value))
		return -EINVAL;
	if (uio_copy_from(u, &value, sizeof(value)) != sizeof(value))
		return -EFAULT;
	if (value == UINT64_MAX)
		return -EINVAL;
	if (!eventfd_add(e, value)) {
		if (u->nowait)
			return -EAGAIN;
		err = wait_event(&e->writers, eventfd_add(e, value), WAIT_INTERRUPTIBLE);
		if (err)
			return err;
	}
	return sizeof(value);
}

static uint32_t eventfd_poll(struct file *f, struct poll_table *pt)
{
	struct eventfd *e = f->data;
	uint64_t count;

	poll_add(pt, &e->readers, POLLIN);
	poll_add(pt, &e->writers, POLLOUT);
	count = __atomic_load_n(&e->count, __ATOMIC_RELAXED);
	return (count ? POLLIN : 0) | (count < UINT64_MAX - 1 ? POLLOUT : 0);
}

static void eventfd_release(struct file *f)
{
	kfree(f->data);
}

static void eventfd_show(struct file *f, struct proc_text *t)
{
	struct eventfd *e = f->data;

	proc_printf(t, "eventfd-count: %16lx\neventfd-id: %u\neventfd-semaphore: %d\n",
		    (unsigned long)__atomic_load_n(&e->count, __ATOMIC_RELAXED), e->id,
		    e->semaphore);
}

static const struct file_ops eventfd_fops = {
	.show_info = eventfd_show,
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.release = eventfd_release,
};

struct file *eventfd_get(int fd)
{
	struct file *f = fd_get(fd);

	if (!f)
		return err_ptr(-EBADF);
	if (f->ops == &eventfd_fops)
		return f;
	file_put(f);
	return err_ptr(-EINVAL);
}

void eventfd_signal(struct file *f)
{
	/* A counter that is full says enough. */
	(void)eventfd_add(f->data, 1);
}

SYSCALL2(eventfd2, uint32_t, count, uint32_t, flags)
{
	static _Atomic uint32_t next_id;
	struct eventfd *e;
	int fd;

	if (flags & ~(uint32_t)(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
		return -EINVAL;
	e = kzalloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	spin_init(&e->lock, "eventfd", RANK_DRIVER);
	waitqueue_init(&e->readers);
	waitqueue_init(&e->writers);
	e->id = atomic_fetch_add(&next_id, 1) & INT32_MAX;
	e->count = count;
	e->semaphore = flags & EFD_SEMAPHORE;
	fd = file_anonymous_fd("anon_inode:[eventfd]",
			       O_RDWR | (flags & (EFD_CLOEXEC | EFD_NONBLOCK)), &eventfd_fops, e);
	if (fd < 0)
		kfree(e);
	return fd;
}

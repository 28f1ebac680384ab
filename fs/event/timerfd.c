/*
 * timerfd_create(2): a timer whose expirations are read. A periodic one is armed again by who reads
 * or asks: nobody listening, it costs no interrupts.
 */
#include <stdatomic.h>

#include "fs/event/event.h"
#include "fs/procfs/procfs.h"
#include "kernel/clocktimer.h"
#include "kernel/mem/slab.h"
#include "kernel/syscall.h"
#include "kernel/uapi/event.h"
#include "lib/string.h"
#include "mm/usercopy.h"

struct timerfd {
	struct mutex lock;	/* RANK_EVENT: settings, and reads that take */
	struct clock_timer timer; /* (lock) */
	_Atomic uint64_t ticks;	/* not read yet, up to the one it fired for last */
	_Atomic uint32_t fired;	/* periodic: not armed since */
	_Atomic uint32_t moved;	/* its clock was set, and it is to tell */
	bool tells;		/* (lock) TFD_TIMER_CANCEL_ON_SET */
	int flags;		/* (lock) of the last setting */
	struct waitqueue wait;
};

static void timerfd_fired(struct clock_timer *ct)
{
	struct timerfd *t = container_of(ct, struct timerfd, timer);

	atomic_store(&t->fired, true);
	atomic_fetch_add(&t->ticks, 1);
	wake_all(&t->wait);
}

static void timerfd_clock_set(struct clock_timer *ct)
{
	struct timerfd *t = container_of(ct, struct timerfd, timer);

	if (!t->tells)
		return;
	atomic_store(&t->moved, true);
	wake_all(&t->wait);
}

/* It fired and is periodic: arm it. What was missed since then. Lock held. */
static uint64_t timerfd_forward(struct timerfd *t)
{
	if (!t->timer.interval || !atomic_exchange(&t->fired, false))
		return 0;
	return clock_timer_forward(&t->timer, 0) - 1;
}

/* The expirations, 0 if there are none; -ECANCELED. */
static int timerfd_take(struct timerfd *t, uint64_t *ticks)
{
	int err = 0;

	mutex_lock(&t->lock);
	*ticks = 0;
	if (atomic_exchange(&t->moved, false)) {
		atomic_store(&t->ticks, 0);
		err = -ECANCELED;
	} else {
		/* Before it is armed: it may fire at once, and that belongs to the next read. */
		*ticks = atomic_exchange(&t->ticks, 0);
		if (*ticks)
			*ticks += timerfd_forward(t);
	}
	mutex_unlock(&t->lock);
	return err;
}

static ssize64_t timerfd_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct timerfd *t = f->data;
	uint64_t ticks;
	int err;

	if (u->resid < sizeof(ticks))
		return -EINVAL;
	for (;;) {
		err = timerfd_take(t, &ticks);
		if (err || ticks)
			break;
		if (u->nowait)
			return -EAGAIN;
		err = wait_event(&t->wait, atomic_load(&t->ticks) || atomic_load(&t->moved),
				 WAIT_INTERRUPTIBLE);
		if (err)
			break;
	}
	if (err)
		return err;
	return uio_copy_to(u, &ticks, sizeof(ticks)) == sizeof(ticks) ? (ssize64_t)sizeof(ticks)
								       : -EFAULT;
}

static uint32_t timerfd_poll(struct file *f, struct poll_table *pt)
{
	struct timerfd *t = f->data;

	poll_add(pt, &t->wait, POLLIN);
	return atomic_load(&t->ticks) || atomic_load(&t->moved) ? POLLIN : 0;
}

static void timerfd_release(struct file *f)
{
	struct timerfd *t = f->data;

	clock_timer_cancel(&t->timer);
	kfree(t);
}

static void timerfd_show(struct file *f, struct proc_text *t)
{
	struct timerfd *timer = f->data;
	struct timespec64 left, interval;
	uint64_t ticks;
	int flags;

	mutex_lock(&timer->lock);
	flags = timer->flags;
	ticks = atomic_load(&timer->ticks);
	/* Fired, and not armed again yet: nothing is left. */
	left = ns_timespec(atomic_load(&timer->fired) ? 0 : clock_timer_left(&timer->timer));
	interval = ns_timespec(timer->timer.interval);
	mutex_unlock(&timer->lock);
	proc_printf(t, "clockid: %d\nticks: %lu\nsettime flags: 0%o\n", timer->timer.clock,
		    (unsigned long)ticks, (unsigned)flags);
	proc_printf(t, "it_value: (%ld, %ld)\nit_interval: (%ld, %ld)\n", (long)left.tv_sec,
		    (long)left.tv_nsec, (long)interval.tv_sec, (long)interval.tv_nsec);
}

static const struct file_ops timerfd_fops = {
	.show_info = timerfd_show,
	.read = timerfd_read,
	.poll = timerfd_poll,
	.release = timerfd_release,
};

SYSCALL2(timerfd_create, int, clock, uint32_t, flags)
{
	struct timerfd *t;
	int fd, err;

	if (flags & ~(uint32_t)(TFD_CLOEXEC | TFD_NONBLOCK))
		return -EINVAL;
	err = clock == CLOCK_TAI ? -EINVAL : clock_timer_clock(clock);
	if (err)
		return err;
	t = kzalloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	mutex_init(&t->lock, "timerfd", RANK_EVENT);
	clock_timer_init(&t->timer, clock, timerfd_fired);
	t->timer.clock_set = timerfd_clock_set;
	waitqueue_init(&t->wait);
	fd = file_anonymous_fd("anon_inode:[timerfd]", O_RDWR | flags, &timerfd_fops, t);
	if (fd < 0)
		kfree(t);
	return fd;
}

/* A referenced file that is a timerfd, or err_ptr. */
static struct file *timerfd_get(int fd)
{
	struct file *f = fd_get(fd);

	if (!f)
		return err_ptr(-EBADF);
	if (f->ops == &timerfd_fops)
		return f;
	file_put(f);
	return err_ptr(-EINVAL);
}

/* Lock held. */
static struct itimerspec64 timerfd_value(struct timerfd *t)
{
	atomic_fetch_add(&t->ticks, timerfd_forward(t));
	return (struct itimerspec64){ns_timespec(t->timer.interval),
				     ns_timespec(clock_timer_left(&t->timer))};
}

static struct itimerspec64 timerfd_set(struct timerfd *t, int flags, const struct itimerspec64 *new)
{
	struct itimerspec64 old;

	mutex_lock(&t->lock);
	old = timerfd_value(t);
	clock_timer_cancel(&t->timer);
	atomic_store(&t->ticks, 0);
	atomic_store(&t->fired, false);
	atomic_store(&t->moved, false);
	t->flags = flags;
	t->tells = flags & TFD_TIMER_CANCEL_ON_SET;
	clock_timer_set(&t->timer, timespec_ns(&new->it_value), timespec_ns(&new->it_interval),
			flags & TFD_TIMER_ABSTIME);
	mutex_unlock(&t->lock);
	return old;
}

SYSCALL4(timerfd_settime, int, fd, int, flags, uaddr_t, unew, uaddr_t, uold)
{
	struct itimerspec64 new, old;
	struct file *f;

	if (copy_from_user(&new, unew, sizeof(new)))
		return -EFAULT;
	if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) ||
	    !timespec_valid(&new.it_value) || !timespec_valid(&new.it_interval))
		return -EINVAL;
	f = timerfd_get(fd);
	if (is_err(f))
		return ptr_err(f);
	old = timerfd_set(f->data, flags, &new);
	file_put(f);
	return uold ? copy_to_user(uold, &old, sizeof(old)) : 0;
}

SYSCALL2(timerfd_gettime, int, fd, uaddr_t, out)
{
	struct file *f = timerfd_get(fd);
	struct itimerspec64 now;
	struct timerfd *t;

	if (is_err(f))
		return ptr_err(f);
	t = f->data;
	mutex_lock(&t->lock);
	now = timerfd_value(t);
	mutex_unlock(&t->lock);
	file_put(f);
	return copy_to_user(out, &now, sizeof(now));
}

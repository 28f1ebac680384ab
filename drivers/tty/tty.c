/*
 * Terminals as files: open, read, write, poll; and the thread that feeds input from the lines to
 * their disciplines.
 */
#include "drivers/tty/tty_impl.h"

#include <stdatomic.h>

#include "kernel/mem/slab.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "lib/string.h"

#define CHUNK	    256
#define DECISECOND  (100 * NSEC_PER_MSEC) /* unit of VTIME */
#define WRITE_ROOM  16			  /* that much free counts as writable */

struct tty *tty_console;

static struct tty *tty_all; /* grows at the front; boot only */
static struct waitqueue work_wait = WAITQUEUE_INIT(work_wait);
static _Atomic uint32_t work_any;
static struct thread *tty_thread;

void tty_flushed_input(struct tty *t)
{
	if (t->ops->flushed_input)
		t->ops->flushed_input(t);
}

uint32_t tty_settle_locked(struct tty *t)
{
	struct ldisc *l = &t->ldisc;
	uint32_t signals = l->signals;
	uint8_t out[64];

	l->signals = 0;
	if (l->flush_output) {
		t->ops->flush_output(t);
		tty_flushed_input(t);
	}
	l->flush_output = false;
	if (l->send)
		t->ops->send_now(t, l->send);
	l->send = 0;
	t->ops->hold(t, l->stopped || t->held);
	while (ldisc_echo_pending(l)) {
		uint32_t n = ldisc_echo_take(l, out,
					     MIN(t->ops->write_room(t), (uint32_t)sizeof(out)));

		if (!n)
			break; /* tty_output_ready brings us back */
		t->ops->write(t, out, n);
	}
	return signals;
}

void tty_signal(struct tty *t, uint32_t signals)
{
	static const int order[] = {SIGINT, SIGQUIT, SIGTSTP, SIGWINCH};
	uint64_t was = spin_lock_irq(&proc_lock);
	pid_t pgrp = t->pgrp;

	spin_unlock_irq(&proc_lock, was);
	for (uint32_t i = 0; pgrp && i < ARRAY_SIZE(order); i++)
		if (signals & 1u << order[i])
			signal_pgrp(pgrp, order[i], NULL);
}

/* For those with O_ASYNC: input of so many bytes came, lines ended at canon before; room. */
static void tty_tell(struct tty *t, uint32_t came, uint32_t canon)
{
	const struct ldisc *l = &t->ldisc;

	if (l->termios.c_lflag & ICANON ? l->canon != canon : came && ldisc_readable(l, 1))
		async_signal(&t->async, POLL_IN);
	if (t->short_write && t->ops->write_room(t) >= WRITE_ROOM) {
		t->short_write = false;
		async_signal(&t->async, POLL_OUT);
	}
}

void tty_receive(struct tty *t)
{
	uint32_t signals = 0, n, came = 0, canon;
	tty_char_t in[64];

	mutex_lock(&t->lock);
	canon = t->ldisc.canon;
	do {
		uint32_t room = MIN(ldisc_room(&t->ldisc), (uint32_t)ARRAY_SIZE(in));

		t->blocked = room == 0;
		n = room ? t->ops->read(t, in, room) : 0;
		for (uint32_t i = 0; i < n; i++)
			ldisc_input(&t->ldisc, (uint8_t)in[i], (enum ldisc_flag)(in[i] >> 8));
		signals |= tty_settle_locked(t);
		came += n;
	} while (n);
	tty_tell(t, came, canon);
	mutex_unlock(&t->lock);
	if (signals)
		tty_signal(t, signals);
	if (ldisc_readable(&t->ldisc, 1))
		wake_all(&t->read_wait);
}

static void tty_thread_main(void *unused)
{
	(void)unused;
	for (;;) {
		wait_event(&work_wait, work_any, WAIT_UNINTERRUPTIBLE);
		work_any = false;
		for (struct tty *t = tty_all; t; t = t->next)
			if (atomic_exchange(&t->work, false))
				tty_receive(t);
	}
}

void tty_input_ready(struct tty *t)
{
	t->work = true;
	work_any = true;
	wake_one(&work_wait);
}

void tty_output_ready(struct tty *t)
{
	if (ldisc_echo_pending(&t->ldisc) || t->short_write)
		tty_input_ready(t);
	wake_all(&t->write_wait);
}

/* Space in the discipline: what waits in the line may come. No lock held. */
static void tty_unblock(struct tty *t)
{
	if (atomic_exchange(&t->blocked, false))
		tty_receive(t);
}

/*
 * One thread at a time reads, and one writes: *busy says that one does. The lock cannot do it,
 * since it must be free while the reader waits, and while it copies to user memory.
 */
static int tty_enter(struct tty_file *f, bool *busy, struct waitqueue *wq, bool nonblock)
{
	for (;;) {
		mutex_lock(&f->tty->lock);
		bool mine = !*busy;

		*busy = true;
		mutex_unlock(&f->tty->lock);
		if (mine)
			return 0;
		if (nonblock)
			return -EAGAIN;
		int err = wait_event(wq, !*(volatile bool *)busy, WAIT_INTERRUPTIBLE);

		if (err)
			return err;
	}
}

static void tty_leave(struct tty_file *f, bool *busy, struct waitqueue *wq)
{
	mutex_lock(&f->tty->lock);
	*busy = false;
	mutex_unlock(&f->tty->lock);
	wake_all(wq);
}

/* --- read --- */

struct read_state {
	uint64_t total;
	bool done;
};

/* Move what is there. 0, or -EFAULT if nothing could be. */
static int read_some(struct tty *t, struct uio *u, struct read_state *s)
{
	uint8_t chunk[CHUNK];
	bool ended = false, canonical;
	uint32_t n, signals;

	do {
		mutex_lock(&t->lock);
		canonical = t->ldisc.termios.c_lflag & ICANON;
		n = ldisc_read(&t->ldisc, chunk, (uint32_t)MIN(u->resid, (uint64_t)CHUNK), &ended);
		ldisc_unthrottle(&t->ldisc);
		signals = tty_settle_locked(t);
		mutex_unlock(&t->lock);
		tty_unblock(t);
		if (signals)
			tty_signal(t, signals);
		size_t moved = uio_copy_to(u, chunk, n);

		memset(chunk, 0, n); /* passwords pass through here */
		s->total += moved;
		if (moved < n) {
			s->done = true;
			return s->total ? 0 : -EFAULT;
		}
	} while (n && u->resid && !ended);
	if (ended || !u->resid || (canonical && s->total))
		s->done = true;
	return 0;
}

/*
 * What to wait for next: 0 with *deadline, or 1 when the read is over (termios(3), "Canonical and
 * noncanonical mode"; the four cases of VMIN and VTIME).
 */
static int read_deadline(struct tty *t, const struct read_state *s, uint64_t started,
			 uint64_t *deadline)
{
	const struct termios2 *tio = &t->ldisc.termios;
	uint64_t min = tio->c_cc[VMIN], time = tio->c_cc[VTIME] * DECISECOND;

	*deadline = UINT64_MAX;
	if (s->done)
		return 1;
	if (tio->c_lflag & ICANON)
		return 0;
	if (s->total && s->total >= min)
		return 1;
	if (!min) {
		*deadline = started + time;
		return time ? 0 : 1;
	}
	if (time && s->total)
		*deadline = time_ns() + time;
	return 0;
}

static int read_loop(struct tty_file *f, struct uio *u, bool nonblock, struct read_state *s)
{
	struct tty *t = f->tty;
	uint64_t started = time_ns(), deadline;
	bool waited = false;

	for (;; waited = true) {
		if (tty_file_hung(f))
			return waited && t->gone ? -EIO : 0;
		int err = tty_check_background(t, SIGTTIN);

		if (!err)
			err = read_some(t, u, s);
		if (err)
			return err;
		if (read_deadline(t, s, started, &deadline))
			return 0;
		if (nonblock)
			return -EAGAIN;
		err = wait_event_deadline(&t->read_wait,
					  ldisc_readable(&t->ldisc, 1) || tty_file_hung(f),
					  WAIT_INTERRUPTIBLE, deadline);
		if (err == -ETIMEDOUT)
			return 0;
		if (err)
			return err;
	}
}

static ssize64_t tty_read(struct chardev_file *cf, struct uio *u, uint64_t *pos)
{
	struct tty_file *f = cf->data;
	bool nonblock = (cf->flags & O_NONBLOCK_FLAG) || u->nowait;
	struct read_state s = {0, false};

	(void)pos;
	if (!u->resid)
		return 0;
	int err = tty_enter(f, &f->tty->reading, &f->tty->read_wait, nonblock);

	if (err)
		return err;
	err = read_loop(f, u, nonblock, &s);
	tty_leave(f, &f->tty->reading, &f->tty->read_wait);
	return s.total ? (ssize64_t)s.total : err;
}

/* --- write --- */

/* Pass processed output to the line; how many of the n bytes at s were taken. */
static size_t write_some(struct tty *t, const uint8_t *s, size_t n)
{
	uint8_t out[2 * CHUNK];
	size_t taken = 0, made;

	mutex_lock(&t->lock);
	uint32_t signals = tty_settle_locked(t);

	/* Echo goes first: it was there first. */
	if (!ldisc_echo_pending(&t->ldisc)) {
		made = ldisc_output(&t->ldisc, s, n, out,
				    MIN(t->ops->write_room(t), (uint32_t)sizeof(out)), &taken);
		t->ops->write(t, out, (uint32_t)made);
	}
	mutex_unlock(&t->lock);
	if (signals)
		tty_signal(t, signals);
	return taken;
}

static int write_chunk(struct tty_file *f, const uint8_t *s, size_t n, bool nonblock, size_t *sent)
{
	struct tty *t = f->tty;

	*sent = 0;
	while (*sent < n) {
		if (tty_file_hung(f))
			return -EIO;
		size_t taken = write_some(t, s + *sent, n - *sent);

		*sent += taken;
		if (taken)
			continue;
		if (nonblock)
			return -EAGAIN;
		int err = wait_event(&t->write_wait,
				     t->ops->write_room(t) >= WRITE_ROOM || tty_file_hung(f),
				     WAIT_INTERRUPTIBLE);

		if (err)
			return err;
	}
	return 0;
}

static ssize64_t tty_write(struct chardev_file *cf, struct uio *u, uint64_t *pos)
{
	struct tty_file *f = cf->data;
	bool nonblock = (cf->flags & O_NONBLOCK_FLAG) || u->nowait, short_write;
	uint8_t chunk[CHUNK];
	uint64_t total = 0;
	int err = 0;

	(void)pos;
	if (tty_file_hung(f))
		return -EIO;
	if ((f->tty->ldisc.termios.c_lflag & TOSTOP) && !f->console)
		err = tty_check_background(f->tty, SIGTTOU);
	if (!err)
		err = tty_enter(f, &f->tty->writing, &f->tty->write_wait, nonblock);
	if (err)
		return err;
	while (u->resid && !err) {
		size_t want = MIN(u->resid, (uint64_t)CHUNK), sent;
		size_t n = uio_copy_from(u, chunk, want);

		err = write_chunk(f, chunk, n, nonblock, &sent);
		if (sent < n)
			uio_revert(u, n - sent);
		total += sent;
		if (n < want && !err)
			err = -EFAULT;
	}
	short_write = err && u->resid && !list_empty(&f->tty->async.files);
	if (short_write)
		f->tty->short_write = true;
	tty_leave(f, &f->tty->writing, &f->tty->write_wait);
	/* There may be room meanwhile, and nobody who looks. */
	if (short_write && f->tty->ops->write_room(f->tty) >= WRITE_ROOM)
		tty_receive(f->tty);
	return total ? (ssize64_t)total : err;
}

int tty_drain(struct tty_file *f)
{
	struct tty *t = f->tty;
	int err = wait_event(&t->write_wait, t->ops->pending(t) == 0 || tty_file_hung(f),
			     WAIT_INTERRUPTIBLE);

	return err ? err : tty_file_hung(f) ? -EIO : 0;
}

static uint32_t tty_poll(struct chardev_file *cf, struct poll_table *pt)
{
	struct tty_file *f = cf->data;
	struct tty *t = f->tty;
	const struct termios2 *tio = &t->ldisc.termios;
	uint32_t events = 0, min = tio->c_cc[VTIME] ? 1 : tio->c_cc[VMIN];

	poll_add(pt, &t->read_wait, POLLIN | POLLRDNORM | POLLHUP);
	poll_add(pt, &t->write_wait, POLLOUT | POLLWRNORM);
	if (tty_file_hung(f))
		return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLHUP | POLLERR;
	if (ldisc_readable(&t->ldisc, min))
		events |= POLLIN | POLLRDNORM;
	if (t->ops->write_room(t) >= WRITE_ROOM)
		events |= POLLOUT | POLLWRNORM;
	return events;
}

/* --- open --- */

static int open_count(struct tty *t, struct tty_file *f)
{
	int err = 0;

	mutex_lock(&t->lock);
	f->hangups = t->hangups;
	if (t->exclusive && !cred_capable(CAP_SYS_ADMIN))
		err = -EBUSY;
	else if (t->ops->open)
		err = t->ops->open(t);
	if (!err)
		t->opens++;
	mutex_unlock(&t->lock);
	return err;
}

static int tty_open_as(struct chardev_file *cf, struct tty *t, bool console, bool controlling)
{
	struct tty_file *f;
	int err;

	if (!t)
		return -ENXIO;
	f = kmalloc(sizeof(*f));
	if (!f)
		return -ENOMEM;
	*f = (struct tty_file){.tty = tty_get(t), .console = console};
	err = open_count(t, f);
	if (err) {
		tty_put(t);
		kfree(f);
		return err;
	}
	cf->data = f;
	/* Only who may read from it can take it for its terminal. */
	if (controlling && !(cf->flags & O_NOCTTY_FLAG) && (cf->flags & O_ACCMODE_FLAG) != 1)
		tty_open_controlling(t);
	return 0;
}

static int tty_open(struct chardev_file *cf)
{
	return tty_open_as(cf, cf->dev->data, false, true);
}

static int console_open(struct chardev_file *cf)
{
	return tty_open_as(cf, tty_console, true, false);
}

/* /dev/tty: whatever terminal the process has. */
static int current_open(struct chardev_file *cf)
{
	struct tty *t = tty_current();
	int err = tty_open_as(cf, t, false, false);

	if (t)
		tty_put(t);
	return err;
}

static void tty_release(struct chardev_file *cf)
{
	struct tty_file *f = cf->data;
	struct tty *t = f->tty;

	mutex_lock(&t->lock);
	if (--t->opens == 0) {
		t->exclusive = false;
		if (t->ops->close)
			t->ops->close(t);
	}
	mutex_unlock(&t->lock);
	tty_put(t);
	kfree(f);
}

static struct async_list *tty_async(struct chardev_file *cf)
{
	struct tty_file *f = cf->data;

	return tty_file_hung(f) ? NULL : &f->tty->async;
}

#define TTY_OPS(open_function)                                                                     \
	{                                                                                          \
		.open = (open_function), .release = tty_release, .read = tty_read,                 \
		.write = tty_write, .ioctl = tty_ioctl, .poll = tty_poll, .async = tty_async       \
	}

const struct chardev_ops tty_chardev_ops = TTY_OPS(tty_open);
static const struct chardev_ops console_ops = TTY_OPS(console_open);
static const struct chardev_ops current_ops = TTY_OPS(current_open);

static struct chardev current_dev = {
	.name = "tty",
	.dev = MKDEV(5, 0),
	.mode = 0666,
	.ops = &current_ops,
};
static struct chardev console_dev = {
	.name = "console",
	.dev = MKDEV(5, 1),
	.mode = 0600,
	.ops = &console_ops,
};

struct tty *tty_get(struct tty *t)
{
	t->refs++;
	return t;
}

void tty_put(struct tty *t)
{
	if (--t->refs == 0 && t->ops->free)
		t->ops->free(t);
}

void tty_init(struct tty *t, const char *name, dev_t dev, const struct tty_ops *ops, void *driver)
{
	t->refs = 1;
	t->name = name;
	t->ops = ops;
	t->driver = driver;
	mutex_init(&t->lock, "tty", RANK_TTY);
	waitqueue_init(&t->read_wait);
	waitqueue_init(&t->write_wait);
	async_init(&t->async);
	t->async.group = &t->pgrp;
	ldisc_init(&t->ldisc);
	t->chardev = (struct chardev){
		.name = name, .dev = dev, .mode = 0620, .ops = &tty_chardev_ops, .data = t};
}

int tty_register(struct tty *t, const char *name, dev_t dev, const struct tty_ops *ops,
		 void *driver)
{
	tty_init(t, name, dev, ops, driver);
	if (!tty_thread) {
		tty_thread = kthread_create("tty", tty_thread_main, NULL);
		if (!tty_thread)
			return -ENOMEM;
		chardev_register(&current_dev);
		chardev_register(&console_dev);
		tty_session_exit_hook = tty_session_exit;
		thread_start(tty_thread);
	}
	int err = chardev_register(&t->chardev);

	if (err)
		return err;
	t->next = tty_all;
	__atomic_store_n(&tty_all, t, __ATOMIC_RELEASE);
	return 0;
}

void tty_set_console(struct tty *t)
{
	tty_console = t;
}

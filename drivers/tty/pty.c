/*
 * Pseudo-terminals: the line between a terminal and the program at its master. What the master
 * writes lies in a ring until the discipline has room for it, what the terminal sends in another
 * until the master reads it; both are guarded by the terminal's lock.
 */
#include "drivers/tty/pty.h"

#include "drivers/tty/tty_impl.h"
#include "kernel/mem/slab.h"
#include "kernel/signal.h"
#include "kernel/thread.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define RING	4096U /* bytes; a power of two */
#define CHUNK	256

/* By free-running indices: buf[i % RING] for tail <= i < head. */
struct ring {
	uint32_t head, tail;
	uint8_t buf[RING];
};

static const pid_t nobody; /* the foreground group of a master */

/* Fields are guarded by tty.lock. */
struct pty {
	struct tty tty;
	struct tty_file view;	  /* - the terminal as the master's ioctls see it */
	struct waitqueue wait;	  /* the master's reader and writer */
	struct async_list async;  /* masters that want to hear of input */
	bool locked;		  /* until TIOCSPTLCK: the terminal cannot be opened */
	bool held;		  /* the terminal sends nothing for now */
	bool master_held;	  /* nor does the master: TCXONC on it */
	bool closed;		  /* the terminal was open, and is not */
	bool packet;		  /* TIOCPKT */
	uint8_t status;		  /* TIOCPKT_*, for the next read in packet mode */
	struct ring in, out;	  /* seen from the terminal */
	char name[12];		  /* - "pts/4095" */
};

static uint32_t ring_used(const struct ring *r)
{
	return r->head - r->tail;
}

static uint32_t ring_room(const struct ring *r)
{
	return RING - ring_used(r);
}

/* As much of n bytes as there is room for. */
static uint32_t ring_put(struct ring *r, const uint8_t *s, uint32_t n)
{
	n = MIN(n, ring_room(r));
	for (uint32_t i = 0; i < n; i++)
		r->buf[r->head++ % RING] = s[i];
	return n;
}

static uint32_t ring_take(struct ring *r, uint8_t *s, uint32_t n)
{
	n = MIN(n, ring_used(r));
	for (uint32_t i = 0; i < n; i++)
		s[i] = r->buf[r->tail++ % RING];
	return n;
}

/* --- the line, as the terminal sees it --- */

static struct pty *pty_of(struct tty *t)
{
	return t->driver;
}

/* Something that a master in packet mode reads of; undone is what it takes back. */
static void note(struct pty *p, uint8_t done, uint8_t undone)
{
	if (!p->packet)
		return;
	p->status = (p->status & ~undone) | done;
	wake_all(&p->wait);
}

static uint32_t line_read(struct tty *t, tty_char_t *buf, uint32_t n)
{
	struct pty *p = pty_of(t);
	uint8_t bytes[64];

	n = ring_take(&p->in, bytes, MIN(n, (uint32_t)sizeof(bytes)));
	for (uint32_t i = 0; i < n; i++)
		buf[i] = TTY_CHAR(bytes[i], LDISC_NORMAL);
	if (n)
		wake_all(&p->wait);
	return n;
}

static void line_write(struct tty *t, const uint8_t *s, uint32_t n)
{
	struct pty *p = pty_of(t);

	if (!ring_put(&p->out, s, n))
		return;
	wake_all(&p->wait);
	async_signal(&p->async, POLL_IN);
}

static uint32_t line_write_room(struct tty *t)
{
	return pty_of(t)->held ? 0 : ring_room(&pty_of(t)->out);
}

/* What is in the ring is at the other end already. */
static uint32_t line_pending(struct tty *t)
{
	(void)t;
	return 0;
}

static void line_flush_output(struct tty *t)
{
	struct pty *p = pty_of(t);

	p->out.tail = p->out.head;
	note(p, TIOCPKT_FLUSHWRITE, 0);
}

static void line_flushed_input(struct tty *t)
{
	note(pty_of(t), TIOCPKT_FLUSHREAD, 0);
}

static void line_hold(struct tty *t, bool on)
{
	struct pty *p = pty_of(t);

	if (p->held == on)
		return;
	p->held = on;
	note(p, on ? TIOCPKT_STOP : TIOCPKT_START, on ? TIOCPKT_START : TIOCPKT_STOP);
	if (!on)
		wake_all(&t->write_wait);
}

static void line_send_now(struct tty *t, uint8_t c)
{
	line_write(t, &c, 1);
}

/* Does the terminal stop output by ^S and ^Q? A master that passes keys on wants to know. */
static bool stops_by_usual_keys(const struct termios2 *t)
{
	return (t->c_iflag & IXON) && t->c_cc[VSTOP] == 19 && t->c_cc[VSTART] == 17;
}

static void line_set_termios(struct tty *t, struct termios2 *new_termios)
{
	bool was = stops_by_usual_keys(&t->ldisc.termios), is = stops_by_usual_keys(new_termios);

	new_termios->c_cflag &= ~(uint32_t)(CSIZE | PARENB);
	new_termios->c_cflag |= CS8 | CREAD;
	if (was != is)
		note(pty_of(t), is ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP,
		     is ? TIOCPKT_NOSTOP : TIOCPKT_DOSTOP);
}

static int line_open(struct tty *t)
{
	if (t->gone || pty_of(t)->locked)
		return -EIO;
	pty_of(t)->closed = false;
	return 0;
}

static void line_close(struct tty *t)
{
	pty_of(t)->closed = true;
	wake_all(&pty_of(t)->wait);
}

static void line_free(struct tty *t)
{
	kfree(pty_of(t));
}

static const struct tty_ops line_ops = {
	.read = line_read,
	.write = line_write,
	.write_room = line_write_room,
	.pending = line_pending,
	.flush_output = line_flush_output,
	.flushed_input = line_flushed_input,
	.hold = line_hold,
	.send_now = line_send_now,
	.set_termios = line_set_termios,
	.open = line_open,
	.close = line_close,
	.free = line_free,
};

/* --- the master --- */

struct pty *pty_create(uint32_t number)
{
	struct pty *p = kzalloc(sizeof(*p));
	struct termios2 *tio;

	if (!p)
		return NULL;
	snprintf(p->name, sizeof(p->name), "pts/%u", number);
	tty_init(&p->tty, p->name, MKDEV(PTY_MAJOR, number), &line_ops, p);
	tio = &p->tty.ldisc.termios;
	tio->c_cflag = B38400 | CS8 | CREAD;
	tio->c_ispeed = tio->c_ospeed = 38400;
	p->view = (struct tty_file){.tty = &p->tty, .master = true};
	p->locked = true;
	waitqueue_init(&p->wait);
	async_init(&p->async);
	p->async.group = &nobody;
	return p;
}

void pty_close(struct pty *p)
{
	mutex_lock(&p->tty.lock);
	p->tty.gone = true;
	mutex_unlock(&p->tty.lock);
	tty_hangup(&p->tty);
	tty_put(&p->tty);
}

struct tty *pty_terminal(struct pty *p)
{
	return &p->tty;
}

/* Up to n bytes of what there is to read; in packet mode with the byte that says what it is. */
static uint32_t take_locked(struct pty *p, uint8_t *out, uint32_t n)
{
	if (!p->packet)
		return ring_take(&p->out, out, n);
	if (p->status) {
		*out = p->status;
		p->status = 0;
		return 1;
	}
	if (!ring_used(&p->out))
		return 0;
	*out = TIOCPKT_DATA;
	return 1 + ring_take(&p->out, out + 1, n - 1);
}

/* There is room for output: echo that waits goes first, then writers go on. */
static void output_taken(struct pty *p)
{
	if (ldisc_echo_pending(&p->tty.ldisc) || p->tty.short_write)
		tty_receive(&p->tty);
	wake_all(&p->tty.write_wait);
}

static bool readable(const struct pty *p)
{
	return ring_used(&p->out) || (p->packet && p->status);
}

/* What is there now: bytes, or -EFAULT. */
static ssize64_t read_some(struct pty *p, struct uio *u)
{
	uint8_t chunk[CHUNK];
	size_t moved, total = 0;
	bool packet;
	uint32_t n;

	do {
		mutex_lock(&p->tty.lock);
		packet = p->packet;
		n = take_locked(p, chunk, (uint32_t)MIN(u->resid, (uint64_t)CHUNK));
		mutex_unlock(&p->tty.lock);
		if (!n)
			break;
		output_taken(p);
		moved = uio_copy_to(u, chunk, n);
		total += moved;
		if (moved < n)
			return total ? (ssize64_t)total : -EFAULT;
	} while (u->resid && !packet);
	return (ssize64_t)total;
}

ssize64_t pty_read(struct pty *p, struct uio *u, bool nonblock)
{
	ssize64_t n;
	int err;

	if (!u->resid)
		return 0;
	for (;;) {
		/* First: what the terminal sent before it was closed is still to be read. */
		bool closed = p->closed;

		n = read_some(p, u);
		if (n)
			return n;
		if (closed)
			return -EIO;
		if (nonblock)
			return -EAGAIN;
		err = wait_event(&p->wait, readable(p) || p->closed, WAIT_INTERRUPTIBLE);
		if (err)
			return err;
	}
}

/* As many of n bytes as go into the ring; the discipline takes them as far as it can. */
static uint32_t write_some(struct pty *p, const uint8_t *s, uint32_t n)
{
	mutex_lock(&p->tty.lock);
	n = p->master_held ? 0 : ring_put(&p->in, s, n);
	mutex_unlock(&p->tty.lock);
	tty_receive(&p->tty);
	return n;
}

static int write_chunk(struct pty *p, const uint8_t *s, uint32_t n, bool nonblock, uint32_t *sent)
{
	for (*sent = 0; *sent < n;) {
		uint32_t taken = write_some(p, s + *sent, n - *sent);

		*sent += taken;
		if (taken)
			continue;
		if (nonblock)
			return -EAGAIN;
		int err = wait_event(&p->wait, !p->master_held && ring_room(&p->in),
				     WAIT_INTERRUPTIBLE);

		if (err)
			return err;
	}
	return 0;
}

ssize64_t pty_write(struct pty *p, struct uio *u, bool nonblock)
{
	uint8_t chunk[CHUNK];
	uint64_t total = 0;
	uint32_t sent;
	int err = 0;

	while (u->resid && !err) {
		size_t want = MIN(u->resid, (uint64_t)CHUNK);
		size_t n = uio_copy_from(u, chunk, want);

		err = write_chunk(p, chunk, (uint32_t)n, nonblock, &sent);
		if (sent < n)
			uio_revert(u, n - sent);
		total += sent;
		if (n < want && !err)
			err = -EFAULT;
	}
	return total ? (ssize64_t)total : err;
}

uint32_t pty_poll(struct pty *p, struct poll_table *pt)
{
	uint32_t events = 0;

	poll_add(pt, &p->wait, ~0U);
	if (readable(p))
		events |= POLLIN | POLLRDNORM;
	if (p->packet && p->status)
		events |= POLLPRI;
	if (!p->master_held && ring_room(&p->in))
		events |= POLLOUT | POLLWRNORM;
	if (p->closed)
		events |= POLLHUP;
	return events;
}

static long set_flag(struct pty *p, bool *flag, uaddr_t arg)
{
	uint32_t on;

	if (get_user_u32(&on, arg))
		return -EFAULT;
	mutex_lock(&p->tty.lock);
	if (flag == &p->packet && on && !p->packet)
		p->status = 0;
	*flag = on;
	mutex_unlock(&p->tty.lock);
	return 0;
}

/* TCFLSH: the master's input is what the terminal sent. */
static long flush(struct pty *p, uint64_t which)
{
	if (which > TCIOFLUSH)
		return -EINVAL;
	mutex_lock(&p->tty.lock);
	if (which != TCOFLUSH)
		p->out.tail = p->out.head;
	if (which != TCIFLUSH)
		p->in.tail = p->in.head;
	mutex_unlock(&p->tty.lock);
	output_taken(p);
	wake_all(&p->wait);
	return 0;
}

/* TCXONC; a START or STOP for the terminal is a key to it. */
static long flow(struct pty *p, uint64_t what)
{
	uint8_t key;

	if (what > TCION)
		return -EINVAL;
	mutex_lock(&p->tty.lock);
	if (what == TCOOFF || what == TCOON) {
		p->master_held = what == TCOOFF;
	} else {
		key = p->tty.ldisc.termios.c_cc[what == TCIOFF ? VSTOP : VSTART];
		ring_put(&p->in, &key, 1);
	}
	mutex_unlock(&p->tty.lock);
	tty_receive(&p->tty);
	wake_all(&p->wait);
	return 0;
}

struct async_list *pty_async(struct pty *p)
{
	return &p->async;
}

static long send_signal(struct pty *p, uint64_t sig)
{
	if (sig != SIGINT && sig != SIGQUIT && sig != SIGTSTP)
		return -EINVAL;
	tty_signal(&p->tty, 1u << sig);
	return 0;
}

long pty_ioctl(struct pty *p, uint32_t cmd, uint64_t arg)
{
	struct chardev_file terminal = {.dev = &p->tty.chardev, .data = &p->view};

	switch (cmd) {
	case TIOCGPTN:
		return put_user_u32(arg, MINOR(p->tty.chardev.dev));
	case TIOCSPTLCK:
		return set_flag(p, &p->locked, arg);
	case TIOCGPTLCK:
		return put_user_u32(arg, p->locked);
	case TIOCPKT:
		return set_flag(p, &p->packet, arg);
	case TIOCGPKT:
		return put_user_u32(arg, p->packet);
	case TIOCSIG:
		return send_signal(p, arg);
	case FIONREAD:
		return put_user_u32(arg, ring_used(&p->out));
	case TCFLSH:
		return flush(p, arg);
	case TCXONC:
		return flow(p, arg);
	default:
		return tty_ioctl(&terminal, cmd, arg);
	}
}

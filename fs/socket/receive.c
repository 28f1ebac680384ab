/*
 * Packets out of a queue, into a program's memory. Data is copied without socket_lock; packets
 * leave only under their socket's read_lock, so the first one stays while it is being read.
 */
#include "fs/socket/socket.h"
#include "kernel/signal.h"
#include "kernel/thread.h"

/*
 * The packet that holds byte skip of the queue, whose offset in it is *at; *end: that behind the
 * last one that came yet. NULL: none yet.
 */
static struct packet *packet_at(struct socket *s, size_t skip, size_t *at, size_t *end)
{
	struct packet *p, *found = NULL;

	spin_lock(&socket_lock);
	list_for_each_entry(p, &s->queue, link) {
		if (skip < p->size - p->done || (!skip && !p->size)) {
			*at = p->done + skip;
			*end = p->size;
			found = p;
			break;
		}
		skip -= p->size - p->done;
	}
	spin_unlock(&socket_lock);
	return found;
}

/* Is there more than a reader passed over and left there (MSG_PEEK)? socket_lock held. */
static bool has_more(const struct socket *s, size_t peeked)
{
	if (s->type == SOCK_STREAM)
		return s->queued > peeked;
	/* An error comes before packets. */
	return (peeked ? s->queued > peeked : s->npackets > 0) && !s->error;
}

/*
 * The bytes of the queue that a reader passes over: those it looked at, or SO_PEEK_OFF's, and an
 * urgent one. socket_lock held.
 */
static size_t passed_over(const struct socket *s, const struct message *m, ssize64_t done)
{
	size_t skip;

	if (!(m->flags & MSG_PEEK))
		return 0;
	skip = s->opt.peek_at >= 0 ? (size_t)s->opt.peek_at : (size_t)done;
	return skip + (socket_urgent_apart(s) && s->urgent_at <= skip);
}

/*
 * What to say to a reader that found no more: 0: the end; -EAGAIN: wait; 1: read again. Under one
 * hold of the lock, since bytes and the end behind them may have come after it looked.
 */
static int nothing_there(struct socket *s, const struct message *m, ssize64_t done)
{
	int ret;

	spin_lock(&socket_lock);
	ret = has_more(s, passed_over(s, m, done)) ? 1 : s->family->nothing_locked(s);
	spin_unlock(&socket_lock);
	return ret;
}

/* Bytes a reader behind skip bytes has before the urgent one; SIZE_MAX: that is not ahead. */
static size_t before_urgent(const struct socket *s, size_t skip)
{
	size_t n = SIZE_MAX;

	if (!s->urgent)
		return n;
	spin_lock(&socket_lock);
	if (s->urgent && skip <= s->urgent_at)
		n = s->urgent_at - skip;
	spin_unlock(&socket_lock);
	return n;
}

/* Looking begins n bytes further on, if SO_PEEK_OFF was set. socket_lock held. */
static void peek_move(struct socket *s, int64_t n)
{
	if (s->opt.peek_at >= 0)
		s->opt.peek_at = (int32_t)MIN(MAX(s->opt.peek_at + n, (int64_t)0),
					      (int64_t)INT32_MAX);
}

static void peeked(struct socket *s, size_t n)
{
	spin_lock(&socket_lock);
	peek_move(s, (int64_t)n);
	spin_unlock(&socket_lock);
}

/* n bytes of p were read: they leave the queue, with all of it p. read_lock held. */
static void consume(struct socket *s, struct packet *p, size_t n, bool all, struct message *m)
{
	LIST_HEAD(used);
	struct socket *c;

	spin_lock(&socket_lock);
	if (p->control.nfiles && !m->control.nfiles) {
		inflight_add(&p->control, -1);
		m->control.files = p->control.files;
		m->control.nfiles = p->control.nfiles;
		p->control.files = NULL;
		p->control.nfiles = 0;
	}
	if (all)
		n = p->size - p->done;
	/* One that is read by MSG_OOB alone was not counted there. */
	if (!socket_urgent_apart(s) || s->urgent_at)
		peek_move(s, -(int64_t)n);
	s->queued -= n;
	if (s->urgent && n > s->urgent_at)
		s->urgent = URGENT_NONE;
	s->urgent_at -= n;
	if (n < p->size - p->done) {
		p->done += n;
		packet_uncharge(p, n);
	} else {
		/* Whoever frees it does the rest. */
		s->npackets--;
		list_del(&p->link);
		list_add(&p->link, &used);
		wake_all(&s->room);
		list_for_each_entry(c, &s->clients, client_link)
			wake_all(&c->writers);
	}
	spin_unlock(&socket_lock);
	packets_free(&used);
}

/* What is told of the packet that is read first. */
static int note_packet(struct packet *p, struct message *m, bool peek)
{
	int err = 0;

	m->stamp = p->stamp;
	m->facts = p->facts;
	if (!m->have_creds) {
		m->control.creds = p->control.creds;
		m->have_creds = true;
		m->from = address_get(p->from);
	}
	if (peek && p->control.nfiles && !m->control.nfiles) {
		spin_lock(&socket_lock);
		err = control_copy(&m->control, &p->control);
		spin_unlock(&socket_lock);
	}
	return err;
}

static bool same_creds(const struct ucred *a, const struct ucred *b)
{
	return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

/* n bytes to where the message is to be; tcp(7): MSG_TRUNC throws them away. How many went. */
static size_t hand_out(const struct socket *s, struct message *m, const char *data, size_t n)
{
	n = MIN(m->u->resid, n);
	if (!(m->flags & MSG_TRUNC) || s->protocol != IPPROTO_TCP)
		return uio_copy_to(m->u, data, n);
	m->u->resid -= n;
	return n;
}

/*
 * A reader of p stands at the urgent byte: 0: that is read like others; 1: it was passed over,
 * which moves *skip of who only looks; or why not.
 */
static int pass_urgent(struct socket *s, struct packet *p, struct message *m, size_t *skip)
{
	/* Who is told of it by a signal hears that first. */
	if (signal_pending())
		return m->nowait ? -EAGAIN : socket_waited(-ERESTARTSYS, s->opt.read_timeout);
	if (s->opt.oob_inline)
		return 0;
	if (m->flags & MSG_PEEK)
		(*skip)++;
	else
		consume(s, p, 1, false, m);
	return 1;
}

/*
 * As much of the stream as is there behind skip bytes, up to what is asked for; read_lock held.
 * *stop: a packet with files, or another sender's, or the urgent byte ends what one call may give.
 */
static ssize64_t read_stream(struct socket *s, struct message *m, size_t skip, ssize64_t done,
			     bool *stop)
{
	bool peek = m->flags & MSG_PEEK, files;
	struct packet *p;
	size_t at = 0, end = 0, n;
	int passed;

	while (m->u->resid && !*stop && (p = packet_at(s, skip, &at, &end)) != NULL) {
		n = before_urgent(s, skip);
		*stop = !n && done > 0;
		if (*stop)
			break;
		passed = n ? 0 : pass_urgent(s, p, m, &skip);
		if (passed < 0)
			return passed;
		if (passed)
			continue;
		if (n && n < end - at)
			end = at + n;
		if (m->have_creds && s->opt.pass_creds && s->family->creds &&
		    !same_creds(&m->control.creds, &p->control.creds)) {
			*stop = true;
			break;
		}
		if (note_packet(p, m, peek))
			return done ? done : -ENOMEM;
		files = p->control.nfiles;
		n = hand_out(s, m, p->data + at, end - at);
		if (!n)
			return done ? done : -EFAULT;
		done += (ssize64_t)n;
		if (!peek) {
			consume(s, p, n, false, m);
		} else {
			skip += n;
			peeked(s, n);
		}
		*stop = files;
	}
	return done;
}

/* The packet behind skip bytes, whatever does not fit being lost; read_lock held. */
static ssize64_t read_packet(struct socket *s, struct message *m, size_t skip)
{
	bool peek = m->flags & MSG_PEEK;
	struct packet *p;
	size_t at, n, size;

	/* Errors come first. */
	p = s->error ? NULL : packet_at(s, skip, &at, &size);
	if (!p)
		return -EAGAIN;
	if (note_packet(p, m, peek))
		return -ENOMEM;
	size -= at;
	n = MIN(m->u->resid, size);
	if (uio_copy_to(m->u, p->data + at, n) != n)
		return -EFAULT;
	if (n < size)
		m->out_flags |= MSG_TRUNC;
	if (peek)
		peeked(s, n);
	else
		consume(s, p, size, true, m);
	return (ssize64_t)(m->flags & MSG_TRUNC ? size : n);
}

/* How many bytes a stream's reader waits for. Of AF_UNIX, who only looks is given what is there. */
static size_t least_wanted(const struct socket *s, const struct message *m)
{
	if ((m->flags & MSG_PEEK) && s->protocol != IPPROTO_TCP)
		return 1;
	return m->flags & MSG_WAITALL ? m->u->resid : MIN(m->u->resid, (size_t)s->opt.least);
}

static ssize64_t receive(struct socket *s, struct message *m)
{
	uint64_t deadline = socket_deadline(s->opt.read_timeout);
	bool stream = s->type == SOCK_STREAM, stop = false;
	size_t least = least_wanted(s, m), skip = 0;
	ssize64_t done = 0, n;
	int err, waited;

	for (;;) {
		mutex_lock(&s->read_lock);
		if (m->flags & MSG_PEEK) {
			spin_lock(&socket_lock);
			skip = passed_over(s, m, done);
			spin_unlock(&socket_lock);
		}
		n = stream ? read_stream(s, m, skip, done, &stop) : read_packet(s, m, skip);
		mutex_unlock(&s->read_lock);
		if (!stream && n != -EAGAIN)
			return n;
		if (stream && n < 0)
			return n;
		if (stream)
			done = n;
		if (stream && (stop || !m->u->resid || (done && (size_t)done >= least)))
			return done;
		waited = wait_event_deadline(
			&s->readers, (err = nothing_there(s, m, done)) != -EAGAIN || m->nowait,
			WAIT_INTERRUPTIBLE, deadline);
		if (waited)
			return done ? done : socket_waited(waited, s->opt.read_timeout);
		if (err <= 0)
			return done ? done : err;
	}
}

/* MSG_OOB: the urgent byte, if it was not read yet. */
static ssize64_t receive_urgent(struct socket *s, struct message *m)
{
	ssize64_t ret = MIN(m->u->resid, 1UL);
	char byte;

	spin_lock(&socket_lock);
	byte = (char)s->urgent_byte;
	if (s->state == SOCKET_LISTENING)
		ret = -ENOTCONN;
	else if (s->opt.oob_inline || s->urgent != URGENT_UNREAD)
		ret = -EINVAL;
	else if (!(m->flags & MSG_PEEK))
		s->urgent = URGENT_READ;
	spin_unlock(&socket_lock);
	if (ret < 0)
		return ret;
	m->out_flags |= MSG_OOB | (ret ? 0 : MSG_TRUNC);
	return ret && !uio_copy_to(m->u, &byte, 1) ? -EFAULT : ret;
}

ssize64_t socket_receive(struct socket *s, struct message *m)
{
	if (!(m->flags & MSG_OOB))
		return socket_told(s, receive(s, m));
	return s->protocol == IPPROTO_TCP ? receive_urgent(s, m) : -EOPNOTSUPP;
}

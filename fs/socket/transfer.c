/*
 * Packets, and how they get into a queue. Data is copied without socket_lock. How they leave it is
 * in receive.c.
 */
#include "fs/owner.h"
#include "fs/socket/socket.h"
#include "kernel/mem/slab.h"
#include "kernel/mem/vmalloc.h"
#include "kernel/signal.h"
#include "kernel/thread.h"
#include "lib/string.h"

#define KMALLOC_MOST 32768
#define FREE_AT_ONCE 64 /* packets that leave under one hold of the lock */

static LIST_HEAD(dying);  /* (socket_lock) packets whose files are to be put */
static bool somebody_frees; /* (socket_lock) */

static void data_free(struct packet *p)
{
	if (p->room > KMALLOC_MOST)
		vfree(p->data);
	else
		kfree(p->data);
}

/* A packet of n bytes, with room for more if that is larger. */
static struct packet *packet_alloc(size_t n, size_t room)
{
	struct packet *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	list_init(&p->link);
	p->size = n;
	p->room = (uint32_t)MAX(n, room);
	p->data = p->room > KMALLOC_MOST ? vmalloc(p->room) : kmalloc(MAX(p->room, 1U));
	if (!p->data) {
		kfree(p);
		return NULL;
	}
	return p;
}

static void packet_free(struct packet *p)
{
	control_put(&p->control);
	address_put(p->from);
	socket_put(p->sender);
	data_free(p);
	kfree(p);
}

/* What each packet of s takes of its SO_SNDBUF besides its bytes. */
static size_t packet_cost(const struct socket *s)
{
	return s->join_room ? 0 : PACKET_COST;
}

void packet_uncharge(struct packet *p, size_t n)
{
	if (!p->sender)
		return;
	p->sender->in_flight -= n;
	wake_all(&p->sender->writers);
	if (p->sender->short_write && socket_writable(p->sender)) {
		p->sender->short_write = false;
		async_signal(&p->sender->async, POLL_OUT);
	}
}

/*
 * The first of list are charged to nobody any more, and wait to be freed. True: there are more.
 * socket_lock held.
 */
static bool packets_retire(struct list_head *list)
{
	struct packet *p;
	int n = 0;

	while (!list_empty(list)) {
		if (n++ == FREE_AT_ONCE)
			return true;
		p = list_first_entry(list, struct packet, link);
		packet_uncharge(p, p->size - p->done + (p->sender ? packet_cost(p->sender) : 0));
		inflight_add(&p->control, -1);
		list_move_tail(&p->link, &dying);
	}
	return false;
}

/*
 * A packet may hold the last reference to a socket with packets, and so on: the one who is at it
 * frees those, too, instead of going deeper.
 */
void packets_free(struct list_head *list)
{
	struct packet *p;

	if (list_empty(list))
		return;
	spin_lock(&socket_lock);
	while (packets_retire(list)) {
		spin_unlock(&socket_lock);
		spin_lock(&socket_lock);
	}
	while (!somebody_frees && !list_empty(&dying)) {
		p = list_first_entry(&dying, struct packet, link);
		list_del(&p->link);
		somebody_frees = true;
		spin_unlock(&socket_lock);
		packet_free(p);
		spin_lock(&socket_lock);
		somebody_frees = false;
	}
	spin_unlock(&socket_lock);
}

/* --- the kernel's own --- */

struct packet *packet_own(const void *data, size_t n, struct address *from)
{
	struct packet *p = packet_alloc(n, 0);

	if (!p)
		return NULL;
	memcpy(p->data, data, n);
	p->from = address_get(from);
	return p;
}

/* n bytes came into to's queue. socket_lock held. */
static void arrived(struct socket *to, size_t n)
{
	to->queued += n;
	wake_all(&to->readers);
	async_signal(&to->async, POLL_IN);
}

/* p becomes the last in to's queue. socket_lock held. */
static void enqueue(struct socket *to, struct packet *p)
{
	if (to->opt.stamp)
		p->stamp = time_realtime();
	list_add_tail(&p->link, &to->queue);
	to->npackets++;
	arrived(to, p->size);
}

/*
 * Do p's bytes fit behind those of the last packet in to's queue? Then they are there, and p is not
 * needed. Somebody may be reading that one, as far as it went. socket_lock held.
 */
static bool join(struct socket *to, const struct packet *p)
{
	struct packet *last;

	if (list_empty(&to->queue))
		return false;
	last = list_last_entry(&to->queue, struct packet, link);
	if (last->room - last->size < p->size)
		return false;
	memcpy(last->data + last->size, p->data, p->size);
	last->size += p->size;
	if (to->opt.stamp)
		last->stamp = time_realtime();
	arrived(to, p->size);
	return true;
}

void packet_deliver(struct socket *s, struct packet *p)
{
	LIST_HEAD(lost);

	spin_lock(&socket_lock);
	if (s->dead) {
		list_add(&p->link, &lost);
	} else if (s->queued + s->npackets * PACKET_COST > s->opt.rcvbuf) {
		list_add(&p->link, &lost);
		s->error = ENOBUFS;
		wake_all(&s->readers);
	} else {
		enqueue(s, p);
	}
	spin_unlock(&socket_lock);
	packets_free(&lost);
}

/* --- sending --- */

static bool queue_full(const struct socket *to)
{
	return to->npackets > to->queue_max;
}

bool socket_has_room(const struct socket *s)
{
	if (s->in_flight >= s->opt.sndbuf)
		return false;
	return !s->peer || s->peer == s || !queue_full(s->peer);
}

/* May s send to to (NULL: nowhere) now? 0, -EAGAIN: no room yet, or why not. socket_lock held. */
static int may_send(const struct socket *s, const struct socket *to)
{
	int err = s->family->refused_locked(s, to);

	if (!err && to && (s->in_flight >= s->opt.sndbuf || (to != s && queue_full(to))))
		err = -EAGAIN;
	return err;
}

/* The last byte in to's queue is urgent; one before it is a byte like others now. lock held. */
static void mark_urgent(struct socket *to, uint8_t byte)
{
	to->urgent = URGENT_UNREAD;
	to->urgent_byte = byte;
	to->urgent_at = to->queued - 1;
	if (to->file)
		owner_urge(to->file);
	async_signal(&to->async, POLL_PRI);
}

/*
 * Put p into to's queue: 0; POST_DONE: it joined another there, or reaches nobody, and is not
 * needed; or as may_send.
 */
#define POST_DONE 1
static int post(struct socket *s, struct socket *to, struct packet *p)
{
	bool lost = false;
	int err;

	spin_lock(&socket_lock);
	err = may_send(s, to);
	if (!err && s->family->lost_locked && s->family->lost_locked(s, to)) {
		lost = true;
		err = POST_DONE;
	} else if (!err && s->join_room && join(to, p)) {
		s->in_flight += p->size;
		err = POST_DONE;
	}
	if (!err) {
		p->sender = s->lossy ? NULL : socket_get(s);
		p->from = address_get(s->from);
		s->in_flight += s->lossy ? 0 : p->size + packet_cost(s);
		inflight_add(&p->control, 1);
		enqueue(to, p);
	}
	if (p->urgent && err >= 0 && !lost)
		mark_urgent(to, (uint8_t)p->data[p->size - 1]);
	s->short_write |= err == -EAGAIN;
	spin_unlock(&socket_lock);
	return err;
}

/* Need a sender not wait (any longer)? */
static bool may_post(struct socket *s, struct socket *to)
{
	bool may;

	spin_lock(&socket_lock);
	may = may_send(s, to) != -EAGAIN;
	spin_unlock(&socket_lock);
	return may;
}

static int post_wait(struct socket *s, struct socket *to, struct packet *p, bool nowait)
{
	uint64_t deadline = socket_deadline(s->opt.write_timeout);
	struct waitqueue *wq;
	int err, slept;

	for (;;) {
		err = post(s, to, p);
		if (err != -EAGAIN || nowait)
			return err;
		/* A full queue is drained by its owner, our own buffer by whom we sent to. */
		wq = to && queue_full(to) && to != s ? &to->room : &s->writers;
		slept = wait_event_deadline(wq, may_post(s, to), WAIT_INTERRUPTIBLE, deadline);
		if (slept)
			return socket_waited(slept, s->opt.write_timeout);
	}
}

/* One packet of n bytes of the message. The files go with it only if it is sent. */
static int send_packet(struct socket *s, struct socket *to, struct message *m, size_t n)
{
	struct packet *p = packet_alloc(n, s->join_room);
	int err = 0;

	if (!p)
		return -ENOBUFS;
	if (uio_copy_from(m->u, p->data, n) != n)
		err = -EFAULT;
	p->urgent = (m->flags & MSG_OOB) && !m->u->resid;
	if (s->lossy)
		p->facts = (struct datagram_facts){m->to.in.sin_addr, m->to.in.sin_port,
						   s->opt.ttl, s->opt.tos};
	p->control = m->control;
	if (!m->have_creds)
		p->control.creds = (struct ucred){current()->process->pid, current()->cred->uid,
						  current()->cred->gid};
	if (!err)
		err = post_wait(s, to, p, m->nowait);
	if (!err) {
		m->control.files = NULL;
		m->control.nfiles = 0;
		return 0;
	}
	data_free(p);
	kfree(p);
	return err == POST_DONE ? 0 : err;
}

/*
 * The longest packet of a stream from s. A small buffer of AF_UNIX takes two, so that who writes
 * more waits for the reader; what TCP sends leaves its buffer for the reader's.
 */
static size_t stream_chunk(const struct socket *s)
{
	if (s->family != &unix_family)
		return STREAM_CHUNK;
	return MIN((size_t)STREAM_CHUNK, (size_t)s->opt.sndbuf / 2);
}

static ssize64_t send_stream(struct socket *s, struct socket *to, struct message *m)
{
	ssize64_t done = 0;
	int err;

	spin_lock(&socket_lock);
	err = s->family->refused_locked(s, to);
	spin_unlock(&socket_lock);
	if (err == -EAGAIN)
		err = 0;
	while (!err && m->u->resid) {
		size_t n = MIN(m->u->resid, stream_chunk(s));

		err = send_packet(s, to, m, n);
		if (!err)
			done += (ssize64_t)n;
	}
	if (err == -EPIPE && !done && !(m->flags & MSG_NOSIGNAL))
		(void)signal_thread(current(), SIGPIPE, NULL);
	return done ? done : err;
}

static ssize64_t send_datagram(struct socket *s, struct socket *to, struct message *m)
{
	size_t n = m->u->resid;
	struct socket *old = NULL;
	int err;

	spin_lock(&socket_lock);
	err = s->family->refused_locked(s, to);
	/* It went away: from now on there is no peer. */
	if (err == -ECONNREFUSED && to && s->peer == to)
		old = socket_set_peer(s, NULL);
	spin_unlock(&socket_lock);
	socket_put(old);
	if (!err && n > (s->lossy ? UDP_MAX : s->opt.sndbuf - 32))
		err = -EMSGSIZE;
	if (!err)
		err = send_packet(s, to, m, n);
	return err ? err : (ssize64_t)n;
}

ssize64_t socket_told(struct socket *s, ssize64_t ret)
{
	if (ret >= 0)
		return ret;
	spin_lock(&socket_lock);
	if (ret == -s->error)
		s->error = 0;
	spin_unlock(&socket_lock);
	return ret;
}

ssize64_t socket_send(struct socket *s, struct message *m)
{
	struct socket *to;
	ssize64_t n;

	if ((m->flags & MSG_OOB) && s->protocol != IPPROTO_TCP)
		return -EOPNOTSUPP;
	to = s->family->destination(s, m);
	if (is_err(to))
		return ptr_err(to);
	if (!to && s->family->answer)
		n = s->family->answer(s, m);
	else
		n = s->type == SOCK_STREAM ? send_stream(s, to, m) : send_datagram(s, to, m);
	socket_put(to);
	return socket_told(s, n);
}

/*
 * Connections: from listen and connect to shutdown and close.
 */
#include "fs/socket/socket.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"

struct socket *socket_set_peer(struct socket *s, struct socket *peer)
{
	struct socket *old = s->peer;

	list_del(&s->client_link);
	s->peer = peer ? socket_get(peer) : NULL;
	if (peer && s->type == SOCK_DGRAM)
		list_add_tail(&s->client_link, &peer->clients);
	return old;
}

void socket_pair(struct socket *a, struct socket *b)
{
	spin_lock(&socket_lock);
	a->creds = b->creds = ucred_current();
	a->state = b->state = SOCKET_CONNECTED;
	(void)socket_set_peer(a, b);
	(void)socket_set_peer(b, a);
	spin_unlock(&socket_lock);
}

int socket_listen(struct socket *s, int backlog)
{
	int err = 0;

	if (s->type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	spin_lock(&socket_lock);
	if (!s->address || (s->state != SOCKET_UNCONNECTED && s->state != SOCKET_LISTENING)) {
		err = -EINVAL;
	} else {
		s->state = SOCKET_LISTENING;
		s->backlog = (uint32_t)backlog > 4096 ? 4096 : (uint32_t)backlog;
		s->creds = ucred_current();
	}
	spin_unlock(&socket_lock);
	if (!err)
		wake_all(&s->room);
	return err;
}

/* Both ends become one connection, which waits to be accepted. socket_lock held. */
static void join(struct socket *s, struct socket *listener, struct socket *other)
{
	other->creds = ucred_current();
	other->address = address_get(listener->address);
	s->creds = listener->creds;
	s->state = other->state = SOCKET_CONNECTED;
	(void)socket_set_peer(s, other);
	(void)socket_set_peer(other, s);
	list_add_tail(&socket_get(other)->pending_link, &listener->pending);
	listener->npending++;
	wake_all(&listener->readers);
	wake_all(&s->writers);
}

/* 0 when connected; -EAGAIN: the listener has no room. */
static int try_connect(struct socket *s, struct socket *listener, struct socket *other)
{
	int err = 0;

	spin_lock(&socket_lock);
	if (s->state == SOCKET_LISTENING)
		err = -EINVAL;
	else if (s->state != SOCKET_UNCONNECTED)
		err = -EISCONN;
	else if (listener->state != SOCKET_LISTENING || listener->dead || listener->shut_read)
		err = -ECONNREFUSED;
	else if (listener->npending > listener->backlog)
		err = -EAGAIN;
	else
		join(s, listener, other);
	spin_unlock(&socket_lock);
	return err;
}

static int connect_stream(struct socket *s, const struct sockaddr_un *name, uint32_t len,
			  bool nowait)
{
	struct socket *other = socket_alloc(s->type), *listener;
	int err, slept;

	if (!other)
		return -ENOMEM;
	for (;;) {
		listener = socket_find(name, len, s->type);
		if (is_err(listener)) {
			err = (int)ptr_err(listener);
			break;
		}
		err = try_connect(s, listener, other);
		slept = 0;
		if (err == -EAGAIN && !nowait)
			slept = wait_event_deadline(&listener->room,
						    listener->npending <= listener->backlog ||
							    listener->dead || listener->shut_read,
						    WAIT_INTERRUPTIBLE,
						    socket_deadline(s->write_timeout));
		socket_put(listener);
		if (slept)
			err = slept == -ETIMEDOUT ? -EAGAIN : slept;
		if (err != -EAGAIN || nowait || slept)
			break;
	}
	socket_put(other);
	return err;
}

/* Datagrams: only where they go from now on; AF_UNSPEC: nowhere. */
static int connect_datagram(struct socket *s, const struct sockaddr_un *name, uint32_t len)
{
	struct socket *peer = NULL, *old;
	int err = 0;

	if (name->sun_family != AF_UNSPEC) {
		peer = socket_find(name, len, s->type);
		if (is_err(peer))
			return (int)ptr_err(peer);
	}
	spin_lock(&socket_lock);
	if (peer && peer->peer && peer->peer != s) {
		err = -EPERM;
		old = NULL;
	} else {
		old = socket_set_peer(s, peer);
		s->state = peer ? SOCKET_CONNECTED : SOCKET_UNCONNECTED;
	}
	spin_unlock(&socket_lock);
	wake_all(&s->writers);
	socket_put(old);
	socket_put(peer);
	return err;
}

int socket_connect(struct socket *s, const struct sockaddr_un *name, uint32_t len, bool nowait)
{
	const struct sockaddr_un any = {.sun_family = AF_UNIX};
	int err = 0;

	if (s->pass_creds && !s->address)
		err = socket_bind(s, &any, sizeof(any.sun_family));
	if (err)
		return err;
	return s->type == SOCK_DGRAM ? connect_datagram(s, name, len)
				     : connect_stream(s, name, len, nowait);
}

/* The next connection, or NULL; *err: there will be none. */
static struct socket *take_pending(struct socket *s, int *err)
{
	struct socket *other = NULL;

	*err = 0;
	spin_lock(&socket_lock);
	if (s->state != SOCKET_LISTENING || (s->shut_read && !s->dead)) {
		*err = -EINVAL;
	} else if (!list_empty(&s->pending)) {
		other = list_first_entry(&s->pending, struct socket, pending_link);
		list_del(&other->pending_link);
		s->npending--;
	}
	spin_unlock(&socket_lock);
	if (other)
		wake_all(&s->room);
	return other;
}

struct socket *socket_accept(struct socket *s, bool nowait)
{
	struct socket *other;
	int err, slept;

	if (s->type == SOCK_DGRAM)
		return err_ptr(-EOPNOTSUPP);
	other = take_pending(s, &err);
	if (other || err || nowait)
		return other ? other : err_ptr(err ? err : -EAGAIN);
	slept = wait_event_deadline(&s->readers, (other = take_pending(s, &err)) || err,
				    WAIT_INTERRUPTIBLE, socket_deadline(s->read_timeout));
	if (slept)
		return err_ptr(slept == -ETIMEDOUT ? -EAGAIN : slept);
	return other ? other : err_ptr(err);
}

static void wake_everybody(struct socket *s)
{
	wake_all(&s->readers);
	wake_all(&s->writers);
	wake_all(&s->room);
}

int socket_shutdown(struct socket *s, int how)
{
	bool rd = how != SHUT_WR, wr = how != SHUT_RD;
	struct socket *peer = NULL;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	spin_lock(&socket_lock);
	s->shut_read |= rd;
	s->shut_write |= wr;
	if (s->peer && s->type != SOCK_DGRAM) {
		peer = socket_get(s->peer);
		peer->shut_read |= wr;
		peer->shut_write |= rd;
	}
	spin_unlock(&socket_lock);
	wake_everybody(s);
	if (peer)
		wake_everybody(peer);
	socket_put(peer);
	return 0;
}

/* Those who send datagrams to s hear of its end. socket_lock held. */
static void leave_clients(struct socket *s)
{
	struct socket *c, *next;

	list_for_each_entry_safe(c, next, &s->clients, client_link) {
		list_del(&c->client_link);
		wake_all(&c->writers);
	}
}

void socket_close(struct socket *s)
{
	LIST_HEAD(packets);
	struct socket *peer, *other;
	int err;

	socket_unbind(s);
	spin_lock(&socket_lock);
	s->dead = true;
	s->file = NULL;
	s->shut_read = s->shut_write = true;
	leave_clients(s);
	peer = socket_set_peer(s, NULL);
	if (peer && s->type != SOCK_DGRAM) {
		peer->shut_read = peer->shut_write = true;
		if (!list_empty(&s->queue))
			peer->error = ECONNRESET;
	}
	list_splice(&s->queue, &packets);
	s->queued = 0;
	s->npackets = 0;
	spin_unlock(&socket_lock);
	wake_everybody(s);
	if (peer)
		wake_everybody(peer);
	socket_put(peer);
	packets_free(&packets);
	/* Nobody will accept these. */
	while ((other = take_pending(s, &err)) != NULL) {
		spin_lock(&socket_lock);
		if (other->peer)
			other->peer->error = ECONNRESET;
		spin_unlock(&socket_lock);
		socket_close(other);
		socket_put(other);
	}
}

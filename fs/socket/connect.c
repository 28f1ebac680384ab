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
	if (peer && !socket_connects(s))
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

/* Who asked for a connection has it. socket_lock held. */
static void socket_connected(struct socket *s)
{
	wake_all(&s->writers);
	if (s->family->tells_connected)
		async_signal(&s->async, POLL_OUT);
}

/* Those that wait get the room that there is. socket_lock held. */
static void admit(struct socket *s)
{
	struct socket *other;

	while (s->npending <= s->backlog && !list_empty(&s->waiting)) {
		other = list_first_entry(&s->waiting, struct socket, pending_link);
		list_move_tail(&other->pending_link, &s->pending);
		s->npending++;
		other->peer->state = SOCKET_CONNECTED;
		socket_connected(other->peer);
	}
}

uint64_t somaxconn = 4096;

int socket_listen(struct socket *s, int backlog)
{
	int err;

	if (!socket_connects(s))
		return -EOPNOTSUPP;
	err = s->family->prepare_listen(s);
	if (err)
		return err;
	spin_lock(&socket_lock);
	if (s->state != SOCKET_UNCONNECTED && s->state != SOCKET_LISTENING)
		err = -EINVAL;
	else
		err = s->family->may_listen_locked(s);
	if (!err) {
		s->state = SOCKET_LISTENING;
		s->backlog = (uint32_t)MIN((uint32_t)backlog, somaxconn);
		s->creds = ucred_current();
		admit(s);
	}
	spin_unlock(&socket_lock);
	if (!err)
		wake_all(&s->room);
	return err;
}

struct socket *socket_join(struct socket *s, struct socket *listener, struct socket *other)
{
	bool room = listener->npending <= listener->backlog;
	struct socket *old = socket_set_peer(s, other);

	(void)socket_set_peer(other, s);
	(void)socket_get(other);
	s->state = room ? SOCKET_CONNECTED : SOCKET_CONNECTING;
	other->state = SOCKET_CONNECTED;
	list_add_tail(&other->pending_link, room ? &listener->pending : &listener->waiting);
	listener->npending += room;
	wake_all(&listener->readers);
	async_signal(&listener->async, POLL_IN);
	if (room)
		socket_connected(s);
	return old;
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
		admit(s);
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

	if (!socket_connects(s))
		return err_ptr(-EOPNOTSUPP);
	other = take_pending(s, &err);
	if (other || err || nowait)
		return other ? other : err_ptr(err ? err : -EAGAIN);
	slept = wait_event_deadline(&s->readers, (other = take_pending(s, &err)) || err,
				    WAIT_INTERRUPTIBLE, socket_deadline(s->opt.read_timeout));
	if (slept)
		return err_ptr(socket_waited(slept, s->opt.read_timeout));
	return other ? other : err_ptr(err);
}

void socket_wake(struct socket *s)
{
	wake_all(&s->readers);
	wake_all(&s->writers);
	wake_all(&s->room);
}

/* Nobody will accept these: s does not listen any more. */
static void drop_pending(struct socket *s)
{
	struct socket *other;

	for (;;) {
		spin_lock(&socket_lock);
		list_splice_tail(&s->waiting, &s->pending);
		s->npending = 0;
		other = list_first_or_null(&s->pending, struct socket, pending_link);
		if (other) {
			list_del(&other->pending_link);
			if (other->peer)
				s->family->dropped_locked(other->peer);
		}
		spin_unlock(&socket_lock);
		if (!other)
			return;
		socket_close(other);
		socket_put(other);
	}
}

int socket_shutdown(struct socket *s, int how)
{
	struct socket *peer;
	int err;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	spin_lock(&socket_lock);
	peer = s->peer ? socket_get(s->peer) : NULL;
	err = s->family->shutdown_locked(s, how != SHUT_WR, how != SHUT_RD);
	spin_unlock(&socket_lock);
	socket_wake(s);
	if (peer)
		socket_wake(peer);
	socket_put(peer);
	if (s->state != SOCKET_LISTENING)
		drop_pending(s);
	return err;
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

void socket_sever(struct socket *s, bool dead)
{
	struct socket *peer, *unborn;
	LIST_HEAD(packets);

	/* If it lives, somebody may be reading its first packet. */
	if (!dead)
		mutex_lock(&s->read_lock);
	spin_lock(&socket_lock);
	unborn = s->state == SOCKET_CONNECTING ? s->peer : NULL;
	if (unborn)
		list_del(&unborn->pending_link);
	leave_clients(s);
	peer = socket_set_peer(s, NULL);
	s->family->closed_locked(s, peer);
	s->dead = dead;
	if (dead)
		s->file = NULL;
	s->state = SOCKET_DISCONNECTED;
	s->shut_read = s->shut_write = true;
	list_splice(&s->queue, &packets);
	s->queued = 0;
	s->npackets = 0;
	s->urgent = URGENT_NONE;
	spin_unlock(&socket_lock);
	if (!dead)
		mutex_unlock(&s->read_lock);
	socket_wake(s);
	if (peer)
		socket_wake(peer);
	socket_put(peer);
	packets_free(&packets);
	drop_pending(s);
	if (unborn) {
		socket_close(unborn);
		socket_put(unborn);
	}
}

void socket_close(struct socket *s)
{
	s->family->unbind(s);
	socket_sever(s, true);
}

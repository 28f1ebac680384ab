/*
 * AF_INET (ip(7), tcp(7), udp(7)) within this machine: there is no other address than 127.0.0.0/8.
 * What is sent is in the receiver's queue at once, or lost.
 */
#include "fs/socket/socket.h"
#include "kernel/mem/slab.h"
#include "kernel/thread.h"
#include "lib/endian.h"

#define NET_BROADCAST 0x7fffffff /* of 127.0.0.0/8 */

/* --- names --- */

static int inet_init(struct socket *s, int type, int protocol)
{
	if (protocol < 0 || protocol >= IPPROTO_MAX)
		return -EINVAL;
	if (type == SOCK_RAW)
		return protocol && !cred_capable(CAP_NET_RAW) ? -EPERM : -EPROTONOSUPPORT;
	if (type != SOCK_STREAM && type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	s->type = type;
	s->protocol = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
	s->lossy = type == SOCK_DGRAM;
	s->join_room = type == SOCK_STREAM ? JOIN_ROOM : 0;
	s->uid = current()->cred->euid;
	inet_options_init(&s->opt);
	/* Those of TCP are not what net.core says. */
	if (type == SOCK_STREAM)
		s->opt.sndbuf = s->opt.rcvbuf = SOCKET_BUFFER;
	return protocol && protocol != s->protocol ? -EPROTONOSUPPORT : 0;
}

static bool is_loopback(uint32_t ip)
{
	return bswap32(ip) >> 24 == INADDR_LOOPBACK >> 24;
}

static struct address *address_inet(uint32_t ip, uint16_t port)
{
	struct socket_name name = {.len = sizeof(name.in)};

	name.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port, .sin_addr = ip};
	return address_alloc(&name);
}

/* Bind s to ip and port (0: any that is free). chosen: by bind(2). */
static int bind_name(struct socket *s, uint32_t ip, uint16_t port, bool chosen)
{
	struct address *a = address_inet(ip, port), *from, *old = NULL;
	int err = -ENOMEM;

	/* Nobody receives from 0.0.0.0. */
	from = ip ? address_get(a) : address_inet(bswap32(INADDR_LOOPBACK), port);
	if (a && from)
		err = port_bind(s, a, s->type == SOCK_DGRAM ? from : NULL);
	if (!err && chosen) {
		spin_lock(&socket_lock);
		old = s->chosen;
		s->chosen = address_get(a);
		spin_unlock(&socket_lock);
	}
	address_put(old);
	address_put(from);
	address_put(a);
	return err;
}

static int inet_bind(struct socket *s, const struct socket_name *name)
{
	uint32_t ip = name->in.sin_addr;
	uint16_t port = bswap16(name->in.sin_port);

	if (name->len < sizeof(name->in))
		return -EINVAL;
	if (name->family != AF_INET && (name->family != AF_UNSPEC || ip))
		return -EAFNOSUPPORT;
	if (ip && !is_loopback(ip))
		return -EADDRNOTAVAIL;
	if (port && port < UNPRIVILEGED_PORT && !cred_capable(CAP_NET_BIND_SERVICE))
		return -EACCES;
	if (s->state != SOCKET_UNCONNECTED)
		return -EINVAL;
	return bind_name(s, ip, name->in.sin_port, true);
}

/* A port for s, if it has none. Another thread may be quicker: that is as good. */
static int autobind(struct socket *s, uint32_t ip, int none_left)
{
	int err = s->port ? 0 : bind_name(s, bswap32(ip), 0, false);

	if (err == -EINVAL)
		return 0;
	return err == -EADDRINUSE ? none_left : err;
}

/* What 0.0.0.0 stands for: s itself. */
static uint32_t own_ip(struct socket *s)
{
	uint32_t ip;

	spin_lock(&socket_lock);
	ip = s->address ? s->address->name.in.sin_addr : INADDR_ANY;
	spin_unlock(&socket_lock);
	return ip ? ip : bswap32(INADDR_LOOPBACK);
}

/* The address that name stands for; -errno: none, or one that cannot be reached. */
static int target(struct socket *s, const struct socket_name *name, struct sockaddr_in *to)
{
	uint32_t ip = bswap32(name->in.sin_addr);

	if (name->len < sizeof(name->in))
		return -EINVAL;
	if (name->family != AF_INET)
		return -EAFNOSUPPORT;
	if (ip && !is_loopback(name->in.sin_addr))
		return -ENETUNREACH;
	if (ip == NET_BROADCAST && s->type == SOCK_STREAM)
		return -ENETUNREACH;
	if (ip == NET_BROADCAST && !s->opt.broadcast)
		return -EACCES;
	*to = name->in;
	if (!ip)
		to->sin_addr = own_ip(s);
	return 0;
}

/* --- the end of connections --- */

/* s hears that there is no connection, or none any more. socket_lock held. */
static void inet_reset(struct socket *s)
{
	if (s->state == SOCKET_CONNECTING) {
		s->error = ECONNREFUSED;
		s->state = SOCKET_UNCONNECTED;
	} else if (s->state == SOCKET_CONNECTED) {
		/* Behind the end of what was sent to it, only sending is an error. */
		s->error = s->peer && s->peer->shut_write ? EPIPE : ECONNRESET;
		s->state = SOCKET_DISCONNECTED;
	} else {
		return;
	}
	s->shut_read = s->shut_write = true;
	socket_wake(s);
	async_signal(&s->async, POLL_ERR);
}

/* s sends no more. */
static void send_end(struct socket *s, struct socket *peer)
{
	s->shut_write = true;
	if (s->state != SOCKET_CONNECTED || peer->state != SOCKET_CONNECTED)
		return;
	peer->shut_read = true;
	async_signal(&peer->async, peer->shut_write ? POLL_HUP : POLL_IN);
	if (peer->shut_write)
		s->state = peer->state = SOCKET_DISCONNECTED;
}

static int inet_shutdown(struct socket *s, bool rd, bool wr)
{
	if (s->state == SOCKET_LISTENING) {
		if (rd)
			s->state = SOCKET_UNCONNECTED;
		return 0;
	}
	/* Who waits for datagrams is woken in any case. */
	if (s->state != SOCKET_CONNECTED && s->type == SOCK_STREAM)
		return -ENOTCONN;
	s->shut_read |= rd;
	if (wr && s->peer)
		send_end(s, s->peer);
	s->shut_write |= wr;
	return s->state == SOCKET_UNCONNECTED ? -ENOTCONN : 0;
}

static void inet_closed(struct socket *s, struct socket *peer)
{
	if (!peer || s->state != SOCKET_CONNECTED)
		return;
	if (!list_empty(&s->queue) || (s->opt.linger && !s->opt.linger_time))
		inet_reset(peer);
	else
		send_end(s, peer);
}

/* --- connections --- */

static int inet_prepare_listen(struct socket *s)
{
	return autobind(s, INADDR_ANY, -EADDRINUSE);
}

static int inet_may_listen(const struct socket *s)
{
	return s->state == SOCKET_LISTENING || port_may_listen_locked(s) ? 0 : -EADDRINUSE;
}

/* May s ask for a connection? 0, or what connect(2) says instead. socket_lock held. */
static int may_ask(const struct socket *s, bool nowait)
{
	if (s->state == SOCKET_CONNECTING)
		return nowait ? -EALREADY : 0;
	return s->state == SOCKET_UNCONNECTED || s->asking ? 0 : -EISCONN;
}

/* What became of it: told once. socket_lock held. */
static int outcome(struct socket *s)
{
	int err = s->error ? -s->error : -ECONNABORTED;

	s->asking = false;
	if (s->state == SOCKET_CONNECTED)
		return 0;
	s->error = 0;
	if (s->state == SOCKET_UNCONNECTED)
		s->shut_read = s->shut_write = false;
	return err;
}

/* s asks for a connection from its address here to there; other is what will be accepted. */
static void ask(struct socket *s, struct socket *other, struct address *here, struct address *there)
{
	struct socket *listener, *old = NULL;
	struct address *old_name = NULL;

	spin_lock(&socket_lock);
	if (s->asking || s->state != SOCKET_UNCONNECTED) {
		spin_unlock(&socket_lock);
		return;
	}
	s->asking = true;
	s->error = 0;
	listener = port_find_locked(&there->name.in, s);
	if (listener) {
		old_name = s->address;
		s->address = address_get(here);
		other->address = address_get(there);
		other->opt = listener->opt;
		other->uid = listener->uid;
		port_share_locked(other, listener);
		old = socket_join(s, listener, other);
	} else {
		s->error = ECONNREFUSED;
		s->shut_read = s->shut_write = true;
		async_signal(&s->async, POLL_ERR);
	}
	spin_unlock(&socket_lock);
	address_put(old_name);
	socket_put(old);
}

/* The address that connections from s come from, or NULL: no memory. */
static struct address *origin(struct socket *s)
{
	struct address *a, *loopback;

	spin_lock(&socket_lock);
	a = address_get(s->address);
	spin_unlock(&socket_lock);
	if (a->name.in.sin_addr)
		return a;
	loopback = address_inet(bswap32(INADDR_LOOPBACK), a->name.in.sin_port);
	address_put(a);
	return loopback;
}

static int connect_begin(struct socket *s, const struct socket_name *name)
{
	struct address *here = NULL, *there = NULL;
	struct socket *other = NULL;
	struct sockaddr_in to;
	int err = target(s, name, &to);

	if (!err)
		err = autobind(s, INADDR_LOOPBACK, -EADDRNOTAVAIL);
	if (err)
		return err;
	here = origin(s);
	there = address_inet(to.sin_addr, to.sin_port);
	other = socket_alloc(s->family);
	err = here && there && other ? inet_init(other, SOCK_STREAM, 0) : -ENOMEM;
	if (!err)
		ask(s, other, here, there);
	socket_put(other);
	address_put(here);
	address_put(there);
	return err;
}

/* A name that connect(2) chose goes with the connection. */
static void unname(struct socket *s)
{
	if (!s->chosen)
		port_unbind(s);
}

static void disconnect_stream(struct socket *s)
{
	bool connected;

	spin_lock(&socket_lock);
	connected = s->state == SOCKET_CONNECTED;
	if (connected)
		inet_reset(s->peer);
	spin_unlock(&socket_lock);
	socket_sever(s, false);
	spin_lock(&socket_lock);
	s->state = SOCKET_UNCONNECTED;
	s->asking = s->shut_read = s->shut_write = false;
	s->error = connected ? ECONNRESET : 0;
	spin_unlock(&socket_lock);
	unname(s);
}

static int connect_stream(struct socket *s, const struct socket_name *name, bool nowait)
{
	bool begin;
	int err;

	if (name->family == AF_UNSPEC) {
		disconnect_stream(s);
		return 0;
	}
	spin_lock(&socket_lock);
	err = may_ask(s, nowait);
	begin = !s->asking;
	spin_unlock(&socket_lock);
	if (!err && begin)
		err = connect_begin(s, name);
	if (err)
		return err;
	if (begin && nowait)
		return -EINPROGRESS;
	err = wait_event_deadline(&s->writers, s->state != SOCKET_CONNECTING, WAIT_INTERRUPTIBLE,
				  socket_deadline(s->opt.write_timeout));
	if (err)
		return err == -ETIMEDOUT ? -EINPROGRESS : socket_waited(err, s->opt.write_timeout);
	spin_lock(&socket_lock);
	err = outcome(s);
	spin_unlock(&socket_lock);
	if (err)
		unname(s);
	return err;
}

/*
 * Datagrams go to remote (NULL: nowhere) from now on, and come from there only. A name that
 * connect(2) chose goes with the connection.
 */
static void set_remote(struct socket *s, struct address *remote)
{
	struct address *old, *old_name;
	struct port *left = NULL;

	spin_lock(&socket_lock);
	if (!remote && !s->chosen)
		left = port_leave_locked(s);
	old = s->remote;
	s->remote = address_get(remote);
	s->state = remote ? SOCKET_CONNECTED : SOCKET_UNCONNECTED;
	old_name = s->address;
	s->address = address_get(remote ? s->from : s->chosen);
	spin_unlock(&socket_lock);
	address_put(old);
	address_put(old_name);
	kfree(left);
}

static int connect_datagram(struct socket *s, const struct socket_name *name)
{
	struct address *remote;
	struct sockaddr_in to;
	int err;

	if (name->family == AF_UNSPEC) {
		set_remote(s, NULL);
		return 0;
	}
	err = target(s, name, &to);
	if (!err)
		err = autobind(s, INADDR_ANY, -EAGAIN);
	if (err)
		return err;
	remote = address_inet(to.sin_addr, to.sin_port);
	if (!remote)
		return -ENOMEM;
	set_remote(s, remote);
	address_put(remote);
	return 0;
}

static int inet_connect(struct socket *s, const struct socket_name *name, bool nowait)
{
	if (name->len < sizeof(name->family))
		return -EINVAL;
	return s->type == SOCK_DGRAM ? connect_datagram(s, name) : connect_stream(s, name, nowait);
}

/* --- messages --- */

/* The address that a datagram goes to; then s has one, too. */
static int datagram_target(struct socket *s, const struct message *m, struct sockaddr_in *to)
{
	int err = -EDESTADDRREQ;

	/* No call adds to a datagram that was begun. */
	if (m->flags & MSG_MORE)
		return -EOPNOTSUPP;
	if (m->to.len >= sizeof(*to) && !m->to.in.sin_port)
		return -EINVAL;
	if (m->to.len) {
		err = target(s, &m->to, to);
	} else {
		spin_lock(&socket_lock);
		if (s->remote) {
			*to = s->remote->name.in;
			err = 0;
		}
		spin_unlock(&socket_lock);
	}
	return err ? err : autobind(s, INADDR_ANY, -EAGAIN);
}

static struct socket *inet_destination(struct socket *s, struct message *m)
{
	bool stream = s->type == SOCK_STREAM;
	struct socket *found;
	struct sockaddr_in to;
	int err = stream ? 0 : datagram_target(s, m, &to);

	if (err)
		return err_ptr(err);
	if (!stream)
		m->to.in = to;
	spin_lock(&socket_lock);
	found = stream ? s->peer : port_find_locked(&to, s);
	if (found)
		(void)socket_get(found);
	spin_unlock(&socket_lock);
	return found;
}

static int inet_refused(const struct socket *s, const struct socket *to)
{
	if (s->error)
		return -s->error;
	if (s->shut_write)
		return -EPIPE;
	if (s->type == SOCK_DGRAM)
		return 0;
	if (s->state == SOCKET_CONNECTED && to == s->peer)
		return 0;
	return s->state == SOCKET_CONNECTING ? -EAGAIN : -EPIPE;
}

static bool inet_lost(struct socket *s, struct socket *to)
{
	if (s->type == SOCK_STREAM) {
		if (!to->dead && !(to->shut_read && to->shut_write))
			return false;
		inet_reset(to);
		inet_reset(s);
		return true;
	}
	if (to && !to->dead)
		return to->queued + to->npackets * PACKET_COST > to->opt.rcvbuf;
	if (s->remote) {
		s->error = ECONNREFUSED;
		socket_wake(s);
		async_signal(&s->async, POLL_ERR);
	}
	return true;
}

static int inet_nothing(const struct socket *s)
{
	if (s->error && s->error != EPIPE)
		return -s->error;
	if (s->shut_read)
		return 0;
	if (s->type == SOCK_STREAM &&
	    (s->state == SOCKET_UNCONNECTED || s->state == SOCKET_LISTENING))
		return -ENOTCONN;
	return -EAGAIN;
}

const struct family inet_family = {
	.number = AF_INET,
	.none = {.len = sizeof(struct sockaddr_in), .family = AF_INET},
	.tells_connected = true,
	.ports = true,
	.peek_offset = true,
	.option_set = inet_option_set,
	.option_get = inet_option_get,
	.init = inet_init,
	.bind = inet_bind,
	.unbind = port_unbind,
	.prepare_listen = inet_prepare_listen,
	.may_listen_locked = inet_may_listen,
	.connect = inet_connect,
	.destination = inet_destination,
	.refused_locked = inet_refused,
	.lost_locked = inet_lost,
	.nothing_locked = inet_nothing,
	.shutdown_locked = inet_shutdown,
	.closed_locked = inet_closed,
	.dropped_locked = inet_reset,
};

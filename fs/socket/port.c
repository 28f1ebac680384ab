/*
 * Names of AF_INET sockets: ports, found by their numbers through a hash.
 *
 * A port is there while a socket is bound to it, or was accepted at it. Who looks for a receiver
 * looks only at the bound ones, of which there is one unless they share it (SO_REUSEADDR).
 */
#include "fs/socket/facts.h"
#include "fs/socket/socket.h"
#include "kernel/mem/slab.h"
#include "lib/endian.h"
#include "lib/hash.h"

#define HASH_BITS 10

struct port {
	struct hlist_node node;
	int type;		  /* SOCK_*: each has its own numbers */
	uint16_t number;	  /* host's byte order */
	struct hlist_head owners;  /* s; sockets bound to it, the last one first */
	struct hlist_head sharers; /* s; sockets accepted at it */
};

static struct hlist_head ports[1 << HASH_BITS]; /* (socket_lock) */
static uint32_t range_first = 32768, range_last = 60999; /* (socket_lock) */

static struct hlist_head *bucket(int type, uint16_t number)
{
	return &ports[hash_u64((uint64_t)type << 16 | number, HASH_BITS)];
}

static struct port *port_find(int type, uint16_t number)
{
	struct port *p;

	hlist_for_each_entry(p, bucket(type, number), node)
		if (p->type == type && p->number == number)
			return p;
	return NULL;
}

static uint32_t ip_of(const struct socket *s)
{
	return s->address->name.in.sin_addr;
}

/* May s not have the address ip at o's port? */
static bool conflict(const struct socket *s, uint32_t ip, const struct socket *o)
{
	if (o == s || (ip && ip_of(o) && ip != ip_of(o)))
		return false;
	if (s->opt.reuse && o->opt.reuse && o->state != SOCKET_LISTENING)
		return false;
	return !(s->opt.reuse_port && o->opt.reuse_port && s->uid == o->uid);
}

static bool port_conflict(const struct port *p, const struct socket *s, uint32_t ip)
{
	const struct socket *o;

	hlist_for_each_entry(o, &p->owners, name_link)
		if (conflict(s, ip, o))
			return true;
	hlist_for_each_entry(o, &p->sharers, name_link)
		if (conflict(s, ip, o))
			return true;
	return false;
}

/* A number that is not in use, from where the last search ended on; 0: there is none. */
static uint16_t number_choose(int type)
{
	static uint32_t last; /* (socket_lock) */
	uint32_t count = range_last - range_first + 1;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t n = range_first + ++last % count;

		if (!port_find(type, (uint16_t)n))
			return (uint16_t)n;
	}
	return 0;
}

/* The port for s and the address a, fresh if it is not there yet; or err_ptr. */
static struct port *port_get(struct socket *s, struct address *a, struct port *fresh)
{
	uint16_t number = bswap16(a->name.in.sin_port);
	struct port *p = NULL;

	if (s->port)
		return err_ptr(-EINVAL);
	if (number)
		p = port_find(s->type, number);
	else
		number = number_choose(s->type);
	if (!number || (p && port_conflict(p, s, a->name.in.sin_addr)))
		return err_ptr(-EADDRINUSE);
	if (p)
		return p;
	*fresh = (struct port){.type = s->type, .number = number};
	hlist_add(&fresh->node, bucket(s->type, number));
	return fresh;
}

int port_bind(struct socket *s, struct address *a, struct address *from)
{
	struct port *fresh = kmalloc(sizeof(*fresh)), *p;
	struct address *old = NULL, *old_from = NULL;

	if (!fresh)
		return -ENOMEM;
	spin_lock(&socket_lock);
	p = port_get(s, a, fresh);
	if (!is_err(p)) {
		a->name.in.sin_port = bswap16(p->number);
		if (from)
			from->name.in.sin_port = a->name.in.sin_port;
		old = s->address;
		old_from = s->from;
		s->address = address_get(a);
		s->from = address_get(from);
		s->port = p;
		hlist_add(&s->name_link, &p->owners);
	}
	spin_unlock(&socket_lock);
	address_put(old);
	address_put(old_from);
	if (p != fresh)
		kfree(fresh);
	return is_err(p) ? (int)ptr_err(p) : 0;
}

struct port *port_leave_locked(struct socket *s)
{
	struct port *p = s->port;

	s->port = NULL;
	hlist_del(&s->name_link);
	if (!p || !hlist_empty(&p->owners) || !hlist_empty(&p->sharers))
		return NULL;
	hlist_del(&p->node);
	return p;
}

void port_unbind(struct socket *s)
{
	struct port *p;

	spin_lock(&socket_lock);
	p = port_leave_locked(s);
	spin_unlock(&socket_lock);
	kfree(p);
}

void port_share_locked(struct socket *other, struct socket *listener)
{
	other->port = listener->port;
	hlist_add(&other->name_link, &other->port->sharers);
}

bool port_may_listen_locked(const struct socket *s)
{
	return s->port && !port_conflict(s->port, s, ip_of(s));
}

/* How well does o, at the right port, suit what s sends to ip? 0: not at all. */
static int suits(const struct socket *o, uint32_t ip, const struct socket *s)
{
	const struct sockaddr_in *from, *remote;

	if (ip_of(o) && ip_of(o) != ip)
		return 0;
	if (o->type == SOCK_STREAM)
		return o->state == SOCKET_LISTENING ? 1 + (ip_of(o) != 0) : 0;
	if (!o->remote)
		return 1 + (ip_of(o) != 0);
	remote = &o->remote->name.in;
	from = &s->from->name.in;
	return remote->sin_addr == from->sin_addr && remote->sin_port == from->sin_port ? 3 : 0;
}

struct socket *port_find_locked(const struct sockaddr_in *to, const struct socket *s)
{
	struct port *p = port_find(s->type, bswap16(to->sin_port));
	struct socket *o, *found = NULL;
	uint32_t sharing = 0, pick;
	int best = 0, n;

	if (!p)
		return NULL;
	hlist_for_each_entry(o, &p->owners, name_link) {
		n = suits(o, to->sin_addr, s);
		if (n > best) {
			best = n;
			found = o;
			sharing = 0;
		}
		sharing += n && n == best && o->opt.reuse_port;
	}
	if (sharing < 2)
		return found;
	/* SO_REUSEPORT: each sender stays with one of them. */
	pick = (uint32_t)hash_u64(s->port ? s->port->number : 0, 32) % sharing;
	hlist_for_each_entry(o, &p->owners, name_link)
		if (suits(o, to->sin_addr, s) == best && o->opt.reuse_port && !pick--)
			return o;
	return found;
}

bool port_range_set(uint64_t first, uint64_t last)
{
	if (first < UNPRIVILEGED_PORT || first > last || last > UINT16_MAX)
		return false;
	spin_lock(&socket_lock);
	range_first = (uint32_t)first;
	range_last = (uint32_t)last;
	spin_unlock(&socket_lock);
	return true;
}

void port_range_get(uint32_t *first, uint32_t *last)
{
	spin_lock(&socket_lock);
	*first = range_first;
	*last = range_last;
	spin_unlock(&socket_lock);
}

static enum tcp_state tcp_state(const struct socket *s)
{
	if (s->state == SOCKET_LISTENING)
		return TCP_LISTEN;
	if (s->state == SOCKET_CONNECTING)
		return TCP_SYN_SENT;
	if (s->state != SOCKET_CONNECTED)
		return TCP_CLOSE;
	if (s->peer && s->peer->shut_write)
		return TCP_CLOSE_WAIT;
	return s->type == SOCK_STREAM && s->shut_write ? TCP_FIN_WAIT2 : TCP_ESTABLISHED;
}

static void fact_make(const struct socket *s, struct socket_fact *f)
{
	const struct address *remote = s->peer ? s->peer->address : s->remote;

	*f = (struct socket_fact){
		.local = s->address->name.in,
		.state = tcp_state(s),
		.uid = s->uid,
		.inode = s->file ? s->file->inode->ino : 0,
		.unread = s->state == SOCKET_LISTENING ? s->npending : s->queued,
		.unsent = s->in_flight,
	};
	if (remote && s->state != SOCKET_LISTENING)
		f->remote = remote->name.in;
}

uint32_t inet_facts(int type, struct socket_fact *out, uint32_t max)
{
	const struct socket *s;
	uint32_t n = 0;

	spin_lock(&socket_lock);
	list_for_each_entry(s, &all_sockets, all_link) {
		if (!s->port || s->type != type)
			continue;
		/* Those of streams that only have a name are nobody's business. */
		if (type == SOCK_STREAM && tcp_state(s) == TCP_CLOSE)
			continue;
		if (n < max)
			fact_make(s, &out[n]);
		n++;
	}
	spin_unlock(&socket_lock);
	return n;
}

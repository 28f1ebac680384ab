/*
 * AF_UNIX (unix(7)): names, which are places in the file system or begin with a zero byte, and the
 * rules of connections.
 */
#include <stdatomic.h>

#include "fs/names.h"
#include "fs/socket/socket.h"
#include "kernel/mem/slab.h"
#include "kernel/thread.h"
#include "lib/hash.h"
#include "lib/printf.h"
#include "lib/string.h"

#define NAME_OFFSET offsetof(struct sockaddr_un, sun_path)

#define HASH_BITS   7

/* (socket_lock) Bound sockets, by the bytes of their names or by inode. */
static struct hlist_head names[1 << HASH_BITS];

static struct hlist_head *abstract_bucket(const struct socket_name *name)
{
	return &names[hash_u64(hash_bytes(name->bytes, name->len, 0), HASH_BITS)];
}

static struct hlist_head *place_bucket(const struct path *p)
{
	return &names[hash_ptr(p->dentry->inode, HASH_BITS)];
}

/* Is it a name of this family, or may be? */
static bool name_valid(const struct socket_name *name)
{
	return name->len >= NAME_OFFSET && name->len <= sizeof(name->un);
}

static bool is_abstract(const struct socket_name *name)
{
	return name->len > NAME_OFFSET && !name->un.sun_path[0];
}

static struct socket *abstract_find_locked(const struct socket_name *name, int type)
{
	struct socket *s;

	hlist_for_each_entry(s, abstract_bucket(name), name_link)
		if (!s->place.dentry && s->address->name.len == name->len && s->type == type &&
		    !memcmp(s->address->name.bytes, name->bytes, name->len))
			return s;
	return NULL;
}

/* Give s a name: 0, -EADDRINUSE, or -EINVAL if it has one. place: to keep, or NULL. */
static int publish(struct socket *s, struct address *a, const struct path *place)
{
	int err = 0;

	spin_lock(&socket_lock);
	if (s->address) {
		err = -EINVAL;
	} else if (!place && abstract_find_locked(&a->name, s->type)) {
		err = -EADDRINUSE;
	} else {
		s->address = address_get(a);
		s->from = address_get(a);
		s->bound = true;
		if (place)
			s->place = *place;
		hlist_add(&s->name_link, place ? place_bucket(place) : abstract_bucket(&a->name));
	}
	spin_unlock(&socket_lock);
	return err;
}

static void path_of(const struct socket_name *name, char path[UNIX_PATH_MAX + 1])
{
	memset(path, 0, UNIX_PATH_MAX + 1);
	memcpy(path, name->un.sun_path, name->len - NAME_OFFSET);
}

static int bind_path(struct socket *s, struct address *a)
{
	mode_t mode = S_IFSOCK | (0777 & ~atomic_load(&current()->fs->umask));
	char path[UNIX_PATH_MAX + 1];
	struct path place;
	int err;

	path_of(&a->name, path);
	a->name.len = (uint32_t)(NAME_OFFSET + strlen(path) + 1);
	err = vfs_make(AT_FDCWD, path, mode, 0, &place);
	if (err)
		return err == -EEXIST ? -EADDRINUSE : err;
	err = publish(s, a, &place);
	if (err)
		path_put(&place);
	return err;
}

/* A name that the kernel chooses: five digits, abstract (unix(7)). */
static int bind_auto(struct socket *s, struct address *a)
{
	static _Atomic uint32_t next;
	int err = -EADDRINUSE;

	a->name.len = NAME_OFFSET + 6;
	for (uint32_t tries = 0; err == -EADDRINUSE && tries < 1U << 20; tries++) {
		char digits[8];

		snprintf(digits, sizeof(digits), "%05x", atomic_fetch_add(&next, 1) & 0xfffff);
		memcpy(a->name.un.sun_path + 1, digits, 5);
		err = publish(s, a, NULL);
	}
	return err;
}

/* What bind(2) says to who has a name: that of a file there is comes first. */
static int bind_again(const struct socket_name *name)
{
	char path[UNIX_PATH_MAX + 1];
	struct path place;
	int err;

	if (name->len == NAME_OFFSET)
		return 0;
	if (is_abstract(name))
		return -EINVAL;
	path_of(name, path);
	err = path_lookup(AT_FDCWD, path, 0, &place);
	if (err)
		return err == -ENOENT ? -EINVAL : err;
	path_put(&place);
	return -EADDRINUSE;
}

static int unix_bind(struct socket *s, const struct socket_name *name)
{
	struct address *a;
	int err;

	if (!name_valid(name) || name->family != AF_UNIX)
		return -EINVAL;
	if (s->address)
		return bind_again(name);
	a = address_alloc(name);
	if (!a)
		return -ENOMEM;
	if (name->len == NAME_OFFSET)
		err = bind_auto(s, a);
	else if (is_abstract(name))
		err = publish(s, a, NULL);
	else
		err = bind_path(s, a);
	address_put(a);
	return err;
}

/* Who tells its credentials has a name. */
static int bind_teller(struct socket *s)
{
	return s->opt.pass_creds && !s->address ? unix_bind(s, &unix_family.none) : 0;
}

static void unix_unbind(struct socket *s)
{
	struct path place = {0};

	spin_lock(&socket_lock);
	if (s->bound) {
		hlist_del(&s->name_link);
		place = s->place;
		s->place.dentry = NULL;
		s->bound = false;
	}
	spin_unlock(&socket_lock);
	if (place.dentry)
		path_put(&place);
}

static struct socket *place_find(const struct path *p)
{
	struct socket *s, *found = NULL;

	spin_lock(&socket_lock);
	hlist_for_each_entry(s, place_bucket(p), name_link)
		if (s->place.dentry && s->place.dentry->inode == p->dentry->inode)
			found = s;
	if (found)
		(void)socket_get(found);
	spin_unlock(&socket_lock);
	return found;
}

static struct socket *find_path(const struct socket_name *name)
{
	char path[UNIX_PATH_MAX + 1];
	struct socket *s = NULL;
	struct path place;
	int err;

	path_of(name, path);
	err = path_lookup(AT_FDCWD, path, WALK_FOLLOW, &place);
	if (err)
		return err_ptr(err);
	err = inode_permission(place.dentry->inode, MAY_WRITE);
	if (!err && S_ISSOCK(place.dentry->inode->mode))
		s = place_find(&place);
	path_put(&place);
	if (err)
		return err_ptr(err);
	return s ? s : err_ptr(-ECONNREFUSED);
}

/* The socket of that name and type, referenced, or err_ptr. */
static struct socket *find(const struct socket_name *name, int type)
{
	struct socket *s;

	if (!name_valid(name) || name->family != AF_UNIX || name->len == NAME_OFFSET)
		return err_ptr(-EINVAL);
	if (is_abstract(name)) {
		spin_lock(&socket_lock);
		s = abstract_find_locked(name, type);
		if (s)
			(void)socket_get(s);
		spin_unlock(&socket_lock);
		return s ? s : err_ptr(-ECONNREFUSED);
	}
	s = find_path(name);
	if (is_err(s) || s->type == type)
		return s;
	socket_put(s);
	return err_ptr(-EPROTOTYPE);
}

/* --- connections --- */

static int unix_prepare_listen(struct socket *s)
{
	return 0;
}

static int unix_may_listen(const struct socket *s)
{
	return s->address ? 0 : -EINVAL;
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
	if (!err) {
		other->creds = ucred_current();
		other->address = address_get(listener->address);
		other->from = address_get(listener->address);
		s->creds = listener->creds;
		(void)socket_join(s, listener, other);
	}
	spin_unlock(&socket_lock);
	return err;
}

static int connect_stream(struct socket *s, const struct socket_name *name, bool nowait)
{
	struct socket *other = socket_alloc(s->family), *listener;
	int err, slept;

	if (!other)
		return -ENOMEM;
	other->type = s->type;
	for (;;) {
		listener = find(name, s->type);
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
						    socket_deadline(s->opt.write_timeout));
		socket_put(listener);
		if (slept)
			err = socket_waited(slept, s->opt.write_timeout);
		if (err != -EAGAIN || nowait || slept)
			break;
	}
	socket_put(other);
	return err;
}

/* Datagrams: only where they go from now on; AF_UNSPEC: nowhere. */
static int connect_datagram(struct socket *s, const struct socket_name *name)
{
	struct socket *peer = NULL, *old;
	int err = 0;

	if (name->family != AF_UNSPEC) {
		peer = find(name, s->type);
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

static int unix_connect(struct socket *s, const struct socket_name *name, bool nowait)
{
	int err = name_valid(name) ? bind_teller(s) : -EINVAL;

	if (err)
		return err;
	return s->type == SOCK_DGRAM ? connect_datagram(s, name) : connect_stream(s, name, nowait);
}

static int unix_shutdown(struct socket *s, bool rd, bool wr)
{
	s->shut_read |= rd;
	s->shut_write |= wr;
	if (s->peer && s->type != SOCK_DGRAM) {
		s->peer->shut_read |= wr;
		s->peer->shut_write |= rd;
		if (wr)
			async_signal(&s->peer->async, rd ? POLL_HUP : POLL_IN);
	}
	return 0;
}

static void unix_closed(struct socket *s, struct socket *peer)
{
	if (!peer || s->type == SOCK_DGRAM)
		return;
	peer->shut_read = peer->shut_write = true;
	async_signal(&peer->async, POLL_HUP);
	if (!list_empty(&s->queue))
		peer->error = ECONNRESET;
}

static void unix_dropped(struct socket *s)
{
	s->error = ECONNRESET;
}

/* --- messages --- */

static struct socket *unix_destination(struct socket *s, struct message *m)
{
	struct socket *to;

	if (m->to.len && s->type == SOCK_STREAM)
		return err_ptr(s->state == SOCKET_CONNECTED ? -EISCONN : -EOPNOTSUPP);
	if (s->type == SOCK_DGRAM)
		(void)bind_teller(s);
	if (m->to.len && s->type == SOCK_DGRAM)
		return find(&m->to, s->type);
	spin_lock(&socket_lock);
	to = s->peer ? socket_get(s->peer) : NULL;
	spin_unlock(&socket_lock);
	return to;
}

static int unix_refused(const struct socket *s, const struct socket *to)
{
	if (s->shut_write)
		return -EPIPE;
	if (s->type == SOCK_DGRAM) {
		if (!to)
			return -ENOTCONN;
		if (to->dead)
			return -ECONNREFUSED;
		if (to->peer && to->peer != s)
			return -EPERM;
		return to->shut_read ? -EPIPE : 0;
	}
	if (s->state != SOCKET_CONNECTED || !to)
		return -ENOTCONN;
	return to->dead || to->shut_read ? -EPIPE : 0;
}

static int unix_nothing(const struct socket *s)
{
	if (s->error)
		return -s->error;
	if (s->type != SOCK_DGRAM && s->state != SOCKET_CONNECTED)
		return s->type == SOCK_STREAM ? -EINVAL : -ENOTCONN;
	return s->shut_read ? 0 : -EAGAIN;
}

static int unix_init(struct socket *s, int type, int protocol)
{
	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	s->type = type == SOCK_RAW ? SOCK_DGRAM : type;
	if (s->type != SOCK_STREAM && s->type != SOCK_SEQPACKET && s->type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (s->type == SOCK_DGRAM)
		s->queue_max = SOCKET_QUEUE;
	return 0;
}

const struct family unix_family = {
	.number = AF_UNIX,
	.none = {.len = NAME_OFFSET, .family = AF_UNIX},
	.pairs = true,
	.control = true,
	.creds = true,
	.peek_offset = true,
	.init = unix_init,
	.bind = unix_bind,
	.unbind = unix_unbind,
	.prepare_listen = unix_prepare_listen,
	.may_listen_locked = unix_may_listen,
	.connect = unix_connect,
	.destination = unix_destination,
	.refused_locked = unix_refused,
	.nothing_locked = unix_nothing,
	.shutdown_locked = unix_shutdown,
	.closed_locked = unix_closed,
	.dropped_locked = unix_dropped,
};

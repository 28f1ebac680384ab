/*
 * setsockopt(2), getsockopt(2) and ioctl(2) of sockets (socket(7), unix(7), tcp(7)).
 */
#include "fs/owner.h"
#include "fs/socket/interface.h"
#include "fs/socket/socket.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/ioctl.h"
#include "kernel/uapi/time.h"
#include "mm/usercopy.h"

uint64_t rmem_max = SOCKET_BUFFER, wmem_max = SOCKET_BUFFER;

static int timeout_set(uint64_t *timeout, uaddr_t user, uint32_t len)
{
	struct timeval64 tv;

	if (len < sizeof(tv))
		return -EINVAL;
	if (copy_from_user(&tv, user, sizeof(tv)))
		return -EFAULT;
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EDOM;
	*timeout = 0;
	if (tv.tv_sec < 0)
		*timeout = 1; /* at once */
	else if (tv.tv_sec < INT64_MAX / (int64_t)NSEC_PER_SEC - 1)
		*timeout = (uint64_t)tv.tv_sec * NSEC_PER_SEC +
			   (uint64_t)tv.tv_usec * NSEC_PER_USEC;
	return 0;
}

/* What is asked for is doubled (socket(7)); forced: without the limit there is for all. */
static uint32_t buffer_size(int32_t value, uint32_t least, uint64_t most, bool forced)
{
	uint32_t asked = forced ? (uint32_t)MAX(value, 0) : MIN((uint32_t)value, (uint32_t)most);

	return MAX(MIN(asked, (uint32_t)INT32_MAX / 2) * 2, least);
}

/* The option that is only on or off; NULL: it is another one, or none. */
static bool *flag_of(struct socket *s, int name)
{
	switch (name) {
	case SO_REUSEADDR:
		return &s->opt.reuse;
	case SO_REUSEPORT:
		return &s->opt.reuse_port;
	case SO_KEEPALIVE:
		return &s->opt.keepalive;
	case SO_BROADCAST:
		return &s->opt.broadcast;
	case SO_DEBUG:
		return &s->opt.debug;
	case SO_DONTROUTE:
		return &s->opt.dont_route;
	case SO_OOBINLINE:
		return &s->opt.oob_inline;
	case SO_NO_CHECK:
		return &s->opt.no_check;
	case SO_PASSCRED:
		return &s->opt.pass_creds;
	default:
		return NULL;
	}
}

static int linger_set(struct socket *s, uaddr_t user, uint32_t len)
{
	struct linger l;

	if (len < sizeof(l))
		return -EINVAL;
	if (copy_from_user(&l, user, sizeof(l)))
		return -EFAULT;
	spin_lock(&socket_lock);
	s->opt.linger = l.l_onoff;
	if (l.l_onoff)
		s->opt.linger_time = (uint32_t)l.l_linger;
	spin_unlock(&socket_lock);
	return 0;
}

static bool may_mark(void)
{
	return cred_capable(CAP_NET_RAW) || cred_capable(CAP_NET_ADMIN);
}

/* The options of SOL_SOCKET that not everybody, or no such socket, may set so: 0 or -errno. */
static int option_allowed(const struct socket *s, int name, int32_t value)
{
	switch (name) {
	case SO_DEBUG:
		return value && !cred_capable(CAP_NET_ADMIN) ? -EACCES : 0;
	case SO_PRIORITY:
		return (uint32_t)value > 6 && !may_mark() ? -EPERM : 0;
	case SO_MARK:
		return may_mark() ? 0 : -EPERM;
	case SO_REUSEPORT:
		return value && !s->family->ports ? -EOPNOTSUPP : 0;
	case SO_PEEK_OFF:
		return s->family->peek_offset ? 0 : -EOPNOTSUPP;
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		return cred_capable(CAP_NET_ADMIN) ? 0 : -EPERM;
	}
	return 0;
}

/* One of them at a time says how a receiver is told when packets came. */
static bool is_stamp(int name)
{
	return name == SO_TIMESTAMP || name == SO_TIMESTAMPNS || name == SO_TIMESTAMP_NEW ||
	       name == SO_TIMESTAMPNS_NEW;
}

static int option_set(struct socket *s, int name, int32_t value)
{
	bool *flag = flag_of(s, name);
	bool forced = name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE;
	int err = option_allowed(s, name, value);

	if (err)
		return err;
	spin_lock(&socket_lock);
	if (flag) {
		*flag = value;
	} else if (name == SO_SNDBUF || name == SO_SNDBUFFORCE) {
		s->opt.sndbuf = buffer_size(value, SNDBUF_MIN, wmem_max, forced);
		wake_all(&s->writers);
	} else if (name == SO_RCVBUF || name == SO_RCVBUFFORCE) {
		s->opt.rcvbuf = buffer_size(value, RCVBUF_MIN, rmem_max, forced);
	} else if (name == SO_PRIORITY) {
		s->opt.priority = (uint32_t)value;
	} else if (name == SO_MARK) {
		s->opt.mark = (uint32_t)value;
	} else if (name == SO_RCVLOWAT) {
		s->opt.least = value < 0 ? INT32_MAX : MAX((uint32_t)value, 1u);
		wake_all(&s->readers);
	} else if (name == SO_PEEK_OFF) {
		s->opt.peek_at = value;
	} else if (is_stamp(name)) {
		s->opt.stamp = value ? (uint8_t)name : 0;
	} else {
		err = -ENOPROTOOPT;
	}
	spin_unlock(&socket_lock);
	return err;
}

static int options_set(struct socket *s, int level, int name, uaddr_t user, uint32_t len)
{
	uint32_t value;

	if (len > INT32_MAX)
		return -EINVAL;
	if (level != SOL_SOCKET)
		return s->family->option_set ? s->family->option_set(s, level, name, user, len)
					     : -EOPNOTSUPP;
	if (name == SO_RCVTIMEO)
		return timeout_set(&s->opt.read_timeout, user, len);
	if (name == SO_SNDTIMEO)
		return timeout_set(&s->opt.write_timeout, user, len);
	if (name == SO_LINGER)
		return linger_set(s, user, len);
	if (len < sizeof(value))
		return -EINVAL;
	if (get_user_u32(&value, user))
		return -EFAULT;
	return option_set(s, name, (int32_t)value);
}

static int option_get(struct socket *s, int name, int32_t *value)
{
	const bool *flag = flag_of(s, name);
	int err = 0;

	if (flag) {
		*value = *flag;
		return 0;
	}
	spin_lock(&socket_lock);
	switch (name) {
	case SO_SNDBUF:
		*value = (int32_t)s->opt.sndbuf;
		break;
	case SO_RCVBUF:
		*value = (int32_t)s->opt.rcvbuf;
		break;
	case SO_RCVLOWAT:
		*value = (int32_t)s->opt.least;
		break;
	case SO_SNDLOWAT:
		*value = 1;
		break;
	case SO_PEEK_OFF:
		*value = s->opt.peek_at;
		err = s->family->peek_offset ? 0 : -EOPNOTSUPP;
		break;
	case SO_PRIORITY:
		*value = (int32_t)s->opt.priority;
		break;
	case SO_MARK:
		*value = (int32_t)s->opt.mark;
		break;
	case SO_TIMESTAMP_NEW:
		*value = s->opt.stamp == name || s->opt.stamp == SO_TIMESTAMPNS_NEW;
		break;
	case SO_TIMESTAMP:
	case SO_TIMESTAMPNS:
	case SO_TIMESTAMPNS_NEW:
		*value = s->opt.stamp == name;
		break;
	case SO_TYPE:
		*value = s->type;
		break;
	case SO_DOMAIN:
		*value = s->family->number;
		break;
	case SO_PROTOCOL:
		*value = s->protocol;
		break;
	case SO_ACCEPTCONN:
		*value = s->state == SOCKET_LISTENING;
		break;
	case SO_ERROR:
		*value = s->error;
		s->error = 0;
		break;
	default:
		err = -ENOPROTOOPT;
	}
	spin_unlock(&socket_lock);
	return err;
}

/* What an option may be. */
union option {
	struct timeval64 tv;
	struct ucred creds;
	struct linger linger;
	int32_t value;
	uint64_t wide;
};

/* The option's size, or -errno; room: bytes that are asked for. */
static int option_fetch(struct socket *s, int level, int name, union option *o, uint32_t room)
{
	uint64_t t;
	int err;

	if (level != SOL_SOCKET)
		return s->family->option_get
			       ? s->family->option_get(s, level, name, &o->wide, room)
			       : -EOPNOTSUPP;
	switch (name) {
	case SO_PEERCRED:
		o->creds = s->creds;
		return sizeof(o->creds);
	case SO_LINGER:
		o->linger = (struct linger){s->opt.linger, (int32_t)s->opt.linger_time};
		return sizeof(o->linger);
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
		t = name == SO_RCVTIMEO ? s->opt.read_timeout : s->opt.write_timeout;
		o->tv = ns_timeval(t);
		return sizeof(o->tv);
	default:
		err = option_get(s, name, &o->value);
		return err ? err : (int)sizeof(o->value);
	}
}

static int options_get(struct socket *s, int level, int name, uaddr_t user, uaddr_t ulen)
{
	union option o;
	uint32_t len, told;
	int size;

	if (get_user_u32(&len, ulen))
		return -EFAULT;
	if ((int32_t)len < 0)
		return -EINVAL;
	size = option_fetch(s, level, name, &o, len);
	if (size < 0)
		return size;
	told = len = MIN(len, (uint32_t)size);
	/* netlink(7): how much room all of it wants; what there is room for, in words. */
	if (level == SOL_NETLINK && name == NETLINK_LIST_MEMBERSHIPS) {
		told = (uint32_t)size;
		len &= ~3u;
	}
	if (copy_to_user(user, &o, len))
		return -EFAULT;
	return put_user_u32(ulen, told);
}

SYSCALL5(setsockopt, int, fd, int, level, int, name, uaddr_t, value, uint32_t, len)
{
	struct file *f = fd_get(fd);
	long ret = -ENOTSOCK;

	if (!f)
		return -EBADF;
	if (socket_of(f))
		ret = options_set(socket_of(f), level, name, value, len);
	file_put(f);
	return ret;
}

SYSCALL5(getsockopt, int, fd, int, level, int, name, uaddr_t, value, uaddr_t, len)
{
	struct file *f = fd_get(fd);
	long ret = -ENOTSOCK;

	if (!f)
		return -EBADF;
	if (socket_of(f))
		ret = options_get(socket_of(f), level, name, value, len);
	file_put(f);
	return ret;
}

/* The older names of F_SETOWN and F_GETOWN; -ENOTTY: another command. */
static long owner_ioctl(struct file *f, uint32_t cmd, uaddr_t arg)
{
	uint32_t who;

	switch (cmd) {
	case FIOSETOWN:
	case SIOCSPGRP:
		return get_user_u32(&who, arg) ? -EFAULT : owner_fcntl(f, F_SETOWN, who);
	case FIOGETOWN:
	case SIOCGPGRP:
		return put_user_u32(arg, (uint32_t)owner_fcntl(f, F_GETOWN, 0));
	}
	return -ENOTTY;
}

long socket_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	struct socket *s = f->data;
	uint64_t n = 0;
	long err = owner_ioctl(f, cmd, arg);

	if (err == -ENOTTY)
		err = interface_ioctl(cmd, arg);
	if (err != -ENOTTY)
		return err;
	err = 0;
	spin_lock(&socket_lock);
	if (cmd == SIOCOUTQ)
		n = s->in_flight;
	else if (cmd == SIOCATMARK && s->type == SOCK_STREAM)
		n = s->urgent && !s->urgent_at;
	else if (cmd != FIONREAD)
		err = -ENOTTY;
	else if (s->state == SOCKET_LISTENING)
		err = -EINVAL;
	else if (socket_connects(s))
		n = socket_urgent_apart(s) ? s->urgent_at : s->queued;
	else if (!list_empty(&s->queue))
		n = list_first_entry(&s->queue, struct packet, link)->size;
	spin_unlock(&socket_lock);
	return err ? err : put_user_u32(arg, (uint32_t)n);
}

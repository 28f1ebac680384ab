/*
 * setsockopt(2), getsockopt(2) and ioctl(2) of sockets (socket(7), unix(7)).
 */
#include "fs/socket/socket.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/ioctl.h"
#include "kernel/uapi/time.h"
#include "mm/usercopy.h"

#define SNDBUF_MIN 4608
#define BUFFER_MAX 425984

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

/* What is asked for is doubled (socket(7)). */
static uint32_t buffer_size(int32_t value, uint32_t least)
{
	uint32_t n = MIN((uint32_t)value, BUFFER_MAX / 2u) * 2;

	return MAX(n, least);
}

static int option_set(struct socket *s, int name, int32_t value)
{
	int err = 0;

	spin_lock(&socket_lock);
	switch (name) {
	case SO_REUSEADDR:
		s->reuse = value;
		break;
	case SO_KEEPALIVE:
		s->keepalive = value;
		break;
	case SO_PASSCRED:
		s->pass_creds = value;
		break;
	case SO_SNDBUF:
		s->sndbuf = buffer_size(value, SNDBUF_MIN);
		wake_all(&s->writers);
		break;
	case SO_RCVBUF:
		s->rcvbuf = buffer_size(value, SNDBUF_MIN / 2);
		break;
	default:
		err = -ENOPROTOOPT;
	}
	spin_unlock(&socket_lock);
	return err;
}

static int options_set(struct socket *s, int level, int name, uaddr_t user, uint32_t len)
{
	uint32_t value;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (len > INT32_MAX)
		return -EINVAL;
	if (name == SO_RCVTIMEO)
		return timeout_set(&s->read_timeout, user, len);
	if (name == SO_SNDTIMEO)
		return timeout_set(&s->write_timeout, user, len);
	if (len < sizeof(value))
		return -EINVAL;
	if (get_user_u32(&value, user))
		return -EFAULT;
	return option_set(s, name, (int32_t)value);
}

static int option_get(struct socket *s, int name, int32_t *value)
{
	int err = 0;

	spin_lock(&socket_lock);
	switch (name) {
	case SO_REUSEADDR:
		*value = s->reuse;
		break;
	case SO_KEEPALIVE:
		*value = s->keepalive;
		break;
	case SO_PASSCRED:
		*value = s->pass_creds;
		break;
	case SO_SNDBUF:
		*value = (int32_t)s->sndbuf;
		break;
	case SO_RCVBUF:
		*value = (int32_t)s->rcvbuf;
		break;
	case SO_TYPE:
		*value = s->type;
		break;
	case SO_DOMAIN:
		*value = AF_UNIX;
		break;
	case SO_PROTOCOL:
		*value = 0;
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

static int options_get(struct socket *s, int level, int name, uaddr_t user, uaddr_t ulen)
{
	uint64_t t = name == SO_RCVTIMEO ? s->read_timeout : s->write_timeout;
	struct timeval64 tv = {(int64_t)(t / NSEC_PER_SEC), (int64_t)(t % NSEC_PER_SEC / 1000)};
	struct ucred creds = s->peer ? s->creds : (struct ucred){0, ~0U, ~0U};
	const void *from;
	uint32_t len, size;
	int32_t value;
	int err = 0;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (get_user_u32(&len, ulen))
		return -EFAULT;
	if ((int32_t)len < 0)
		return -EINVAL;
	if (name == SO_PEERCRED) {
		from = &creds;
		size = sizeof(creds);
	} else if (name == SO_RCVTIMEO || name == SO_SNDTIMEO) {
		from = &tv;
		size = sizeof(tv);
	} else {
		err = option_get(s, name, &value);
		from = &value;
		size = sizeof(value);
	}
	if (err)
		return err;
	size = MIN(size, len);
	if (copy_to_user(user, from, size))
		return -EFAULT;
	return put_user_u32(ulen, size);
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

long socket_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	struct socket *s = f->data;
	uint64_t n = 0;
	int err = 0;

	spin_lock(&socket_lock);
	if (cmd == SIOCOUTQ)
		n = s->in_flight;
	else if (cmd != FIONREAD)
		err = -ENOTTY;
	else if (s->state == SOCKET_LISTENING)
		err = -EINVAL;
	else if (s->type != SOCK_DGRAM)
		n = s->queued;
	else if (!list_empty(&s->queue))
		n = list_first_entry(&s->queue, struct packet, link)->size;
	spin_unlock(&socket_lock);
	return err ? err : put_user_u32(arg, (uint32_t)n);
}

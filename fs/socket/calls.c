/*
 * The system calls on sockets: arguments checked and fetched, results stored.
 */
#include <stdatomic.h>

#include "fs/socket/socket.h"
#include "kernel/mem/slab.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "mm/usercopy.h"

/* The socket of a descriptor, its file referenced in *f; or err_ptr. */
static struct socket *socket_by_fd(int fd, struct file **f)
{
	*f = fd_get(fd);
	if (!*f)
		return err_ptr(-EBADF);
	if (socket_of(*f))
		return socket_of(*f);
	file_put(*f);
	return err_ptr(-ENOTSOCK);
}

static bool is_nowait(struct file *f, int flags)
{
	return (flags & MSG_DONTWAIT) || (atomic_load(&f->flags) & O_NONBLOCK);
}

/* The kind of socket(2)'s arguments, or -errno. */
static int type_check(int family, int type, int protocol)
{
	if (type & ~(SOCK_TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	type &= SOCK_TYPE_MASK;
	if (family != AF_UNIX)
		return -EAFNOSUPPORT;
	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	switch (type) {
	case SOCK_STREAM:
	case SOCK_SEQPACKET:
	case SOCK_DGRAM:
		return type;
	case SOCK_RAW:
		return SOCK_DGRAM;
	default:
		return -ESOCKTNOSUPPORT;
	}
}

/* A file for s, whose reference it takes over in any case. */
static struct file *file_for(struct socket *s, int type)
{
	struct file *f = socket_file(s, (uint32_t)type & SOCK_NONBLOCK);

	if (is_err(f)) {
		socket_close(s);
		socket_put(s);
	}
	return f;
}

/* A descriptor for s, whose reference it takes over in any case. */
static int fd_for(struct socket *s, int type)
{
	struct file *f = file_for(s, type);

	return is_err(f) ? (int)ptr_err(f) : fd_install_or_put(f, type & SOCK_CLOEXEC);
}

SYSCALL3(socket, int, family, int, type, int, protocol)
{
	int kind = type_check(family, type, protocol);
	struct socket *s;

	if (kind < 0)
		return kind;
	s = socket_alloc(kind);
	return s ? fd_for(s, type) : -ENOMEM;
}

SYSCALL4(socketpair, int, family, int, type, int, protocol, uaddr_t, out)
{
	int kind = type_check(family, type, protocol), fd[2];
	struct socket *a, *b;

	if (kind < 0)
		return kind;
	a = socket_alloc(kind);
	b = a ? socket_alloc(kind) : NULL;
	if (!b) {
		socket_put(a);
		return -ENOMEM;
	}
	socket_pair(a, b);
	fd[0] = fd_for(a, type);
	fd[1] = fd_for(b, type);
	if (fd[0] >= 0 && fd[1] >= 0 && !copy_to_user(out, fd, sizeof(fd)))
		return 0;
	for (int i = 0; i < 2; i++)
		if (fd[i] >= 0)
			(void)fd_close(fd[i]);
	return fd[0] < 0 ? fd[0] : fd[1] < 0 ? fd[1] : -EFAULT;
}

SYSCALL3(bind, int, fd, uaddr_t, uname, uint32_t, len)
{
	struct sockaddr_un name;
	struct file *f;
	struct socket *s = socket_by_fd(fd, &f);
	int err;

	if (is_err(s))
		return ptr_err(s);
	err = address_read(&name, uname, len);
	if (err >= 0)
		err = socket_bind(s, &name, len);
	file_put(f);
	return err;
}

SYSCALL2(listen, int, fd, int, backlog)
{
	struct file *f;
	struct socket *s = socket_by_fd(fd, &f);
	int err;

	if (is_err(s))
		return ptr_err(s);
	err = socket_listen(s, backlog);
	file_put(f);
	return err;
}

SYSCALL3(connect, int, fd, uaddr_t, uname, uint32_t, len)
{
	struct sockaddr_un name;
	struct file *f;
	struct socket *s = socket_by_fd(fd, &f);
	int err;

	if (is_err(s))
		return ptr_err(s);
	err = address_read(&name, uname, len);
	if (err >= 0)
		err = socket_connect(s, &name, len, is_nowait(f, 0));
	file_put(f);
	return err;
}

static struct address *peer_address(struct socket *s)
{
	struct address *a;

	spin_lock(&socket_lock);
	a = s->peer ? address_get(s->peer->address) : NULL;
	spin_unlock(&socket_lock);
	return a;
}

static long accept_on(int fd, uaddr_t uname, uaddr_t ulen, int flags)
{
	struct address *peer;
	struct file *f;
	struct socket *s = socket_by_fd(fd, &f), *other;
	long ret = 0;

	if (is_err(s))
		return ptr_err(s);
	other = socket_accept(s, is_nowait(f, 0));
	file_put(f);
	if (is_err(other))
		return ptr_err(other);
	if (uname) {
		peer = peer_address(other);
		ret = address_write(peer, uname, ulen);
		address_put(peer);
	}
	if (ret) {
		socket_close(other);
		socket_put(other);
		return ret;
	}
	return fd_for(other, flags);
}

SYSCALL4(accept4, int, fd, uaddr_t, name, uaddr_t, len, int, flags)
{
	if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	return accept_on(fd, name, len, flags);
}

SYSCALL3(accept, int, fd, uaddr_t, name, uaddr_t, len)
{
	return accept_on(fd, name, len, 0);
}

SYSCALL3(getsockname, int, fd, uaddr_t, name, uaddr_t, len)
{
	struct file *f;
	struct socket *s = socket_by_fd(fd, &f);
	int err;

	if (is_err(s))
		return ptr_err(s);
	err = address_write(s->address, name, len);
	file_put(f);
	return err;
}

SYSCALL3(getpeername, int, fd, uaddr_t, name, uaddr_t, len)
{
	struct file *f;
	struct socket *s = socket_by_fd(fd, &f);
	struct address *a;
	int err = -ENOTCONN;

	if (is_err(s))
		return ptr_err(s);
	if (s->peer) {
		a = peer_address(s);
		err = address_write(a, name, len);
		address_put(a);
	}
	file_put(f);
	return err;
}

SYSCALL2(shutdown, int, fd, int, how)
{
	struct file *f;
	struct socket *s = socket_by_fd(fd, &f);
	int err;

	if (is_err(s))
		return ptr_err(s);
	err = socket_shutdown(s, how);
	file_put(f);
	return err;
}

SYSCALL6(sendto, int, fd, uaddr_t, buf, size_t, n, int, flags, uaddr_t, uname, uint32_t, len)
{
	struct message m = {.flags = flags};
	struct file *f;
	struct socket *s = socket_by_fd(fd, &f);
	struct uio u;
	ssize64_t ret = 0;

	if (is_err(s))
		return ptr_err(s);
	uio_init_user(&u, buf, MIN(n, (size_t)INT32_MAX & PAGE_MASK));
	m.u = &u;
	m.nowait = is_nowait(f, flags);
	if (uname) {
		ret = address_read(&m.to, uname, len);
		m.to_len = len;
	}
	if (ret >= 0)
		ret = socket_send(s, &m);
	file_put(f);
	return ret;
}

SYSCALL6(recvfrom, int, fd, uaddr_t, buf, size_t, n, int, flags, uaddr_t, uname, uaddr_t, ulen)
{
	struct message m = {.flags = flags};
	struct file *f;
	struct socket *s = socket_by_fd(fd, &f);
	struct uio u;
	ssize64_t ret;

	if (is_err(s))
		return ptr_err(s);
	uio_init_user(&u, buf, MIN(n, (size_t)INT32_MAX & PAGE_MASK));
	m.u = &u;
	m.nowait = is_nowait(f, flags);
	ret = socket_receive(s, &m);
	if (ret >= 0 && uname && (m.from ? address_write(m.from, uname, ulen)
					 : put_user_u32(ulen, 0)))
		ret = -EFAULT;
	control_put(&m.control);
	address_put(m.from);
	file_put(f);
	return ret;
}

/* A message's parts from user memory. */
struct user_message {
	struct msghdr64 h;
	struct iovec64 fast[IOV_FAST], *iov;
	struct uio u;
};

static int message_get(struct user_message *um, uaddr_t user)
{
	if (copy_from_user(&um->h, user, sizeof(um->h)))
		return -EFAULT;
	if (um->h.iovlen > 1024)
		return -EMSGSIZE;
	if ((int32_t)um->h.namelen < 0)
		return -EINVAL;
	return iov_get(&um->u, um->h.iov, um->h.iovlen, um->fast, &um->iov);
}

static ssize64_t message_send(int fd, uaddr_t user, int flags)
{
	struct message m = {.flags = flags};
	struct user_message um;
	struct file *f;
	struct socket *s = socket_by_fd(fd, &f);
	ssize64_t ret;

	if (is_err(s))
		return ptr_err(s);
	ret = message_get(&um, user);
	if (ret)
		goto out;
	m.u = &um.u;
	m.nowait = is_nowait(f, flags);
	if (um.h.name && um.h.namelen) {
		ret = address_read(&m.to, um.h.name, um.h.namelen);
		m.to_len = um.h.namelen;
	}
	if (ret >= 0 && um.h.control)
		ret = control_read(&m.control, um.h.control, um.h.controllen);
	m.have_creds = um.h.control && ret > 0;
	if (ret >= 0)
		ret = socket_send(s, &m);
	control_put(&m.control);
	kfree(um.iov);
out:
	file_put(f);
	return ret;
}

SYSCALL3(sendmsg, int, fd, uaddr_t, user, int, flags)
{
	return message_send(fd, user, flags);
}

/* What recvmsg tells besides the data. */
static int message_put(struct socket *s, struct message *m, struct user_message *um, uaddr_t user)
{
	uint64_t len = um->h.control ? um->h.controllen : 0;
	int err = 0;

	if (um->h.name && m->from)
		err = address_write(m->from, um->h.name, user + offsetof(struct msghdr64, namelen));
	else
		err = put_user_u32(user + offsetof(struct msghdr64, namelen), 0);
	if (err)
		return err;
	err = control_write(m, um->h.control, &len, s->pass_creds);
	if (err)
		return err;
	m->out_flags |= (uint32_t)m->flags & MSG_CMSG_CLOEXEC;
	if (put_user_u32(user + offsetof(struct msghdr64, flags), m->out_flags) ||
	    put_user_u64(user + offsetof(struct msghdr64, controllen), len))
		return -EFAULT;
	return 0;
}

SYSCALL3(recvmsg, int, fd, uaddr_t, user, int, flags)
{
	struct message m = {.flags = flags};
	struct user_message um;
	struct file *f;
	struct socket *s = socket_by_fd(fd, &f);
	ssize64_t ret;
	int err;

	if (is_err(s))
		return ptr_err(s);
	ret = message_get(&um, user);
	if (ret)
		goto out;
	m.u = &um.u;
	m.nowait = is_nowait(f, flags);
	ret = socket_receive(s, &m);
	err = ret >= 0 ? message_put(s, &m, &um, user) : 0;
	if (err)
		ret = err;
	control_put(&m.control);
	address_put(m.from);
	kfree(um.iov);
out:
	file_put(f);
	return ret;
}

/* sendmmsg(2): struct mmsghdr is a message and the bytes of it that were sent. */
#define MMSG_SIZE (sizeof(struct msghdr64) + 8)

SYSCALL4(sendmmsg, int, fd, uaddr_t, users, uint32_t, n, int, flags)
{
	ssize64_t ret = 0;
	uint32_t i;

	n = MIN(n, 1024u);
	for (i = 0; i < n; i++) {
		uaddr_t user = users + i * MMSG_SIZE;

		ret = message_send(fd, user, flags);
		if (ret >= 0 && put_user_u32(user + sizeof(struct msghdr64), (uint32_t)ret))
			ret = -EFAULT;
		if (ret < 0)
			break;
	}
	return i ? (long)i : ret;
}

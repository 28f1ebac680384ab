/*
 * The system calls on sockets: arguments checked and fetched, results stored.
 */
#include <stdatomic.h>

#include "fs/event/event.h"
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

static const struct family *family_by_number(int number)
{
	static const struct family *const all[] = {&unix_family, &inet_family,
						     &netlink_family};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i]->number == number)
			return all[i];
	return NULL;
}

/* What socket(2)'s arguments ask for, with one reference, or err_ptr. */
static struct socket *socket_make(int number, int type, int protocol)
{
	const struct family *family = family_by_number(number);
	struct socket *s;
	int err;

	if (type & ~(SOCK_TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK))
		return err_ptr(-EINVAL);
	if (!family)
		return err_ptr(-EAFNOSUPPORT);
	s = socket_alloc(family);
	if (!s)
		return err_ptr(-ENOMEM);
	err = family->init(s, type & SOCK_TYPE_MASK, protocol);
	if (!err)
		return s;
	socket_put(s);
	return err_ptr(err);
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
	struct socket *s = socket_make(family, type, protocol);

	return is_err(s) ? ptr_err(s) : fd_for(s, type);
}

SYSCALL4(socketpair, int, family, int, type, int, protocol, uaddr_t, out)
{
	struct socket *a = socket_make(family, type, protocol), *b;
	int fd[2];

	if (is_err(a))
		return ptr_err(a);
	b = a->family->pairs ? socket_make(family, type, protocol) : err_ptr(-EOPNOTSUPP);
	if (is_err(b)) {
		socket_put(a);
		return ptr_err(b);
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
	struct socket_name name;
	struct file *f;
	struct socket *s = socket_by_fd(fd, &f);
	int err;

	if (is_err(s))
		return ptr_err(s);
	err = name_read(&name, uname, len);
	if (!err)
		err = s->family->bind(s, &name);
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
	struct socket_name name;
	struct file *f;
	struct socket *s = socket_by_fd(fd, &f);
	int err;

	if (is_err(s))
		return ptr_err(s);
	err = name_read(&name, uname, len);
	if (!err)
		err = s->family->connect(s, &name, is_nowait(f, 0));
	file_put(f);
	return err;
}

/* An open file for s's next connection, whose name is told at uname; or err_ptr. */
static struct file *accept_file(struct socket *s, bool nowait, uaddr_t uname, uaddr_t ulen,
				int flags)
{
	/* As for a descriptor, below. */
	struct socket *other = files_full() ? err_ptr(-ENFILE) : socket_accept(s, nowait);
	int err;

	if (is_err(other))
		return err_ptr(ptr_err(other));
	err = uname ? address_tell_peer(other, true, uname, ulen) : 0;
	if (!err)
		return file_for(other, flags);
	socket_close(other);
	socket_put(other);
	return err_ptr(err);
}

static long accept_on(int fd, uaddr_t uname, uaddr_t ulen, int flags)
{
	struct file *f, *accepted;
	struct socket *s = socket_by_fd(fd, &f);
	int got;

	if (is_err(s))
		return ptr_err(s);
	/* First of all a descriptor and room for a file: for want of them none is to be lost. */
	got = fd_reserve();
	accepted = got < 0 ? err_ptr(got)
			   : accept_file(s, is_nowait(f, 0), uname, ulen, flags);
	file_put(f);
	if (got >= 0)
		fd_settle(got, is_err(accepted) ? NULL : accepted, flags & SOCK_CLOEXEC);
	return is_err(accepted) ? ptr_err(accepted) : got;
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
	err = address_tell(s, name, len);
	file_put(f);
	return err;
}

SYSCALL3(getpeername, int, fd, uaddr_t, name, uaddr_t, len)
{
	struct file *f;
	struct socket *s = socket_by_fd(fd, &f);
	int err;

	if (is_err(s))
		return ptr_err(s);
	err = address_tell_peer(s, false, name, len);
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

/* One call that sends or receives: the socket, and what goes through it. */
struct exchange {
	struct file *f;
	struct socket *s;
	struct message m;
};

/* 0 or -errno; then exchange_end. u is filled in by the caller, before or after. */
static int exchange_begin(struct exchange *x, int fd, int flags, struct uio *u)
{
	message_init(&x->m, u, flags, false);
	x->s = socket_by_fd(fd, &x->f);
	if (is_err(x->s))
		return (int)ptr_err(x->s);
	x->m.nowait = is_nowait(x->f, flags);
	return 0;
}

static ssize64_t exchange_end(struct exchange *x, ssize64_t ret)
{
	control_put(&x->m.control);
	address_put(x->m.from);
	file_put(x->f);
	return ret;
}

/* Where it is to go, if the caller says. */
static ssize64_t exchange_to(struct exchange *x, uaddr_t name, uint32_t len)
{
	return name ? name_read(&x->m.to, name, len) : 0;
}

/* Where it came from: to name, its length to ulen. */
static int exchange_from(const struct exchange *x, uaddr_t name, uaddr_t ulen)
{
	if (name && x->m.from)
		return name_write(&x->m.from->name, name, ulen);
	return put_user_u32(ulen, 0);
}

SYSCALL6(sendto, int, fd, uaddr_t, buf, size_t, n, int, flags, uaddr_t, uname, uint32_t, len)
{
	struct exchange x;
	struct uio u;
	ssize64_t ret = exchange_begin(&x, fd, flags, &u);

	if (ret)
		return ret;
	uio_init_user(&u, buf, MIN(n, (size_t)INT32_MAX & PAGE_MASK));
	ret = exchange_to(&x, uname, len);
	if (!ret)
		ret = socket_send(x.s, &x.m);
	return exchange_end(&x, ret);
}

SYSCALL6(recvfrom, int, fd, uaddr_t, buf, size_t, n, int, flags, uaddr_t, uname, uaddr_t, ulen)
{
	struct exchange x;
	struct uio u;
	ssize64_t ret = exchange_begin(&x, fd, flags, &u);

	if (ret)
		return ret;
	uio_init_user(&u, buf, MIN(n, (size_t)INT32_MAX & PAGE_MASK));
	ret = socket_receive(x.s, &x.m);
	if (ret >= 0 && uname && exchange_from(&x, uname, ulen))
		ret = -EFAULT;
	return exchange_end(&x, ret);
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
	struct user_message um;
	struct exchange x;
	ssize64_t ret = exchange_begin(&x, fd, flags, &um.u);

	if (ret)
		return ret;
	ret = message_get(&um, user);
	if (ret)
		return exchange_end(&x, ret);
	um.h.namelen = MIN(um.h.namelen, (uint32_t)SOCKADDR_MAX);
	ret = exchange_to(&x, um.h.namelen ? um.h.name : 0, um.h.namelen);
	if (ret >= 0 && um.h.control && x.s->family->control)
		ret = control_read(&x.m.control, um.h.control, um.h.controllen);
	x.m.have_creds = um.h.control && ret > 0;
	if (ret >= 0)
		ret = socket_send(x.s, &x.m);
	kfree(um.iov);
	return exchange_end(&x, ret);
}

SYSCALL3(sendmsg, int, fd, uaddr_t, user, int, flags)
{
	return message_send(fd, user, flags);
}

/* What recvmsg tells besides the data. */
static int message_put(struct exchange *x, struct user_message *um, uaddr_t user)
{
	uint64_t len = um->h.control ? um->h.controllen : 0;
	int err = exchange_from(x, um->h.name, user + offsetof(struct msghdr64, namelen));

	if (err)
		return err;
	err = control_write(x->s, &x->m, um->h.control, &len);
	if (err)
		return err;
	x->m.out_flags |= (uint32_t)x->m.flags & MSG_CMSG_CLOEXEC;
	if (put_user_u32(user + offsetof(struct msghdr64, flags), x->m.out_flags) ||
	    put_user_u64(user + offsetof(struct msghdr64, controllen), len))
		return -EFAULT;
	return 0;
}

static ssize64_t message_receive(int fd, uaddr_t user, int flags)
{
	struct user_message um;
	struct exchange x;
	ssize64_t ret = exchange_begin(&x, fd, flags, &um.u);
	int err;

	if (ret)
		return ret;
	ret = message_get(&um, user);
	if (ret)
		return exchange_end(&x, ret);
	ret = socket_receive(x.s, &x.m);
	err = ret >= 0 ? message_put(&x, &um, user) : 0;
	kfree(um.iov);
	return exchange_end(&x, err ? err : ret);
}

SYSCALL3(recvmsg, int, fd, uaddr_t, user, int, flags)
{
	return message_receive(fd, user, flags);
}

/* sendmmsg(2), recvmmsg(2): struct mmsghdr is a message and how many of its bytes were moved. */
#define MMSG_SIZE (sizeof(struct msghdr64) + 8)

/* One message of a row by func; 0 or -errno. */
static ssize64_t one_of_many(ssize64_t (*func)(int, uaddr_t, int), int fd, uaddr_t user, int flags)
{
	ssize64_t n = func(fd, user, flags);

	if (n >= 0)
		n = put_user_u32(user + sizeof(struct msghdr64), (uint32_t)n);
	return n;
}

SYSCALL4(sendmmsg, int, fd, uaddr_t, users, uint32_t, n, int, flags)
{
	ssize64_t ret = 0;
	uint32_t i;

	n = MIN(n, 1024u);
	for (i = 0; i < n; i++) {
		ret = one_of_many(message_send, fd, users + i * MMSG_SIZE, flags);
		if (ret < 0)
			break;
	}
	return i ? (long)i : ret;
}

/* recvmmsg(2): the time is looked at behind each message only, as on Linux. */
SYSCALL5(recvmmsg, int, fd, uaddr_t, users, uint32_t, n, int, flags, uaddr_t, utimeout)
{
	int how = flags & ~MSG_WAITFORONE;
	uint64_t deadline;
	struct file *f;
	struct socket *s;
	ssize64_t ret = poll_deadline_get(utimeout, &deadline);
	uint32_t i = 0;

	if (ret)
		return ret;
	s = socket_by_fd(fd, &f);
	if (is_err(s))
		return ptr_err(s);
	while (i < n) {
		ret = one_of_many(message_receive, fd, users + i * MMSG_SIZE, how);
		if (ret < 0)
			break;
		i++;
		if (flags & MSG_WAITFORONE)
			how |= MSG_DONTWAIT;
		if (deadline != UINT64_MAX && time_ns() >= deadline)
			break;
	}
	file_put(f);
	if (i)
		poll_deadline_put(utimeout, deadline);
	return i ? (long)i : ret;
}

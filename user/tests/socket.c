/* AF_UNIX: names, connections, streams and packets, poll, options, every error. */
#include "ut.h"

#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <linux/sockios.h>

static int sock(int type)
{
	return (int)CHECK_OK(socket(AF_UNIX, type, 0));
}

static void pair(int type, int fd[2])
{
	CHECK_OK(socketpair(AF_UNIX, type, 0, fd));
}

/* A name; "@..." is an abstract one. */
static socklen_t name_of(struct sockaddr_un *a, const char *name)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	strcpy(a->sun_path, name);
	if (*name == '@') {
		a->sun_path[0] = 0;
		return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	}
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) + 1);
}

static int bind_to(int fd, const char *name)
{
	struct sockaddr_un a;
	socklen_t len = name_of(&a, name);

	return bind(fd, (struct sockaddr *)&a, len);
}

static int connect_to(int fd, const char *name)
{
	struct sockaddr_un a;
	socklen_t len = name_of(&a, name);

	return connect(fd, (struct sockaddr *)&a, len);
}

static int listener(int type, const char *name, int backlog)
{
	int fd = sock(type);

	CHECK_OK(bind_to(fd, name));
	CHECK_OK(listen(fd, backlog));
	return fd;
}

static short ready(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };

	CHECK_OK(poll(&p, 1, 0));
	return p.revents;
}

TEST(socket, arguments)
{
	int fd = (int)CHECK_OK(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	struct stat st;
	int fds[2];

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
	CHECK_OK(fstat(fd, &st));
	CHECK(S_ISSOCK(st.st_mode));
	CHECK_ERR(lseek(fd, 0, SEEK_CUR), ESPIPE);
	CHECK_ERR(socket(AF_UNIX, 99, 0), EINVAL);
	CHECK_ERR(socket(AF_UNIX, 4, 0), ESOCKTNOSUPPORT);
	CHECK_ERR(socket(AF_UNIX, SOCK_STREAM, 7), EPROTONOSUPPORT);
	CHECK_ERR(socket(99, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERR(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, 8), EFAULT);
	CHECK_OK(pipe(fds));
	CHECK_ERR(listen(fds[0], 1), ENOTSOCK);
	CHECK_ERR(listen(99, 1), EBADF);
	CHECK_ERR(recv(fds[0], &st, 1, 0), ENOTSOCK);
}

TEST(socket, pair_stream)
{
	char buf[16];
	int fd[2], n;

	pair(SOCK_STREAM, fd);
	CHECK_EQ(ready(fd[0]), POLLOUT);
	CHECK_EQ(write(fd[0], "abc", 3), 3);
	CHECK_EQ(send(fd[0], "def", 3, 0), 3);
	CHECK_EQ(ready(fd[1]), POLLIN | POLLOUT);
	CHECK_OK(ioctl(fd[1], FIONREAD, &n));
	CHECK_EQ(n, 6);
	/* Bytes, not messages. */
	CHECK_EQ(recv(fd[1], buf, 5, MSG_PEEK), 5);
	CHECK(!memcmp(buf, "abcde", 5));
	CHECK_EQ(read(fd[1], buf, 4), 4);
	CHECK_EQ(recv(fd[1], buf, 16, 0), 2);
	CHECK(!memcmp(buf, "ef", 2));
	CHECK_ERR(recv(fd[1], buf, 16, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(write(fd[1], "back", 4), 4);
	CHECK_EQ(read(fd[0], buf, 16), 4);
}

TEST(socket, pair_packets)
{
	static const int types[] = { SOCK_DGRAM, SOCK_SEQPACKET };
	struct msghdr h;
	struct iovec v;
	char buf[16];
	int fd[2], n;

	for (int i = 0; i < 2; i++) {
		pair(types[i], fd);
		CHECK_EQ(send(fd[0], "abcdef", 6, 0), 6);
		CHECK_EQ(send(fd[0], "", 0, 0), 0);
		CHECK_EQ(send(fd[0], "xy", 2, 0), 2);
		CHECK_OK(ioctl(fd[1], FIONREAD, &n));
		CHECK_EQ(n, types[i] == SOCK_DGRAM ? 6 : 8);
		CHECK_EQ(recv(fd[1], buf, 4, MSG_PEEK | MSG_TRUNC), 6);
		v = (struct iovec){ buf, 4 };
		memset(&h, 0, sizeof(h));
		h.msg_iov = &v;
		h.msg_iovlen = 1;
		CHECK_EQ(recvmsg(fd[1], &h, 0), 4);
		CHECK_EQ(h.msg_flags & MSG_TRUNC, MSG_TRUNC);
		CHECK_EQ(recv(fd[1], buf, 16, 0), 0);
		CHECK_EQ(recv(fd[1], buf, 16, 0), 2);
		CHECK_ERR(recv(fd[1], buf, 16, MSG_DONTWAIT), EAGAIN);
	}
}

TEST(socket, shutdown_and_close)
{
	char buf[4];
	int fd[2];

	pair(SOCK_STREAM, fd);
	signal(SIGPIPE, SIG_IGN);
	CHECK_EQ(write(fd[0], "x", 1), 1);
	CHECK_OK(shutdown(fd[0], SHUT_WR));
	CHECK_ERR(write(fd[0], "y", 1), EPIPE);
	CHECK_EQ(ready(fd[1]), POLLIN | POLLOUT | POLLRDHUP);
	CHECK_EQ(read(fd[1], buf, 4), 1);
	CHECK_EQ(read(fd[1], buf, 4), 0);
	CHECK_EQ(write(fd[1], "z", 1), 1);
	CHECK_EQ(read(fd[0], buf, 4), 1);
	CHECK_ERR(shutdown(fd[0], 3), EINVAL);
	CHECK_OK(close(fd[0]));
	CHECK_EQ(ready(fd[1]), POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
	CHECK_EQ(read(fd[1], buf, 4), 0);
	CHECK_ERR(send(fd[1], "y", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_OK(close(fd[1]));
	/* What was not read is lost, and the writer is told. */
	pair(SOCK_STREAM, fd);
	CHECK_EQ(write(fd[0], "x", 1), 1);
	CHECK_OK(close(fd[1]));
	CHECK_ERR(read(fd[0], buf, 4), ECONNRESET);
	CHECK_EQ(read(fd[0], buf, 4), 0);
}

TEST(socket, sigpipe)
{
	int fd[2];
	pid_t pid;

	pair(SOCK_STREAM, fd);
	CHECK_OK(close(fd[1]));
	pid = child();
	if (pid == 0) {
		CHECK_EQ(write(fd[0], "x", 1), -1);
		_exit(0);
	}
	expect_signal(pid, SIGPIPE);
}

static void exchange(const char *name, int type)
{
	int server = listener(type, name, 5), client = sock(type), fd;
	struct sockaddr_un a, want;
	socklen_t len = sizeof(a), want_len = name_of(&want, name);
	struct ucred creds;
	char buf[8];

	CHECK_EQ(ready(server), 0);
	CHECK_ERR(getpeername(client, (struct sockaddr *)&a, &len), ENOTCONN);
	CHECK_OK(connect_to(client, name));
	CHECK_EQ(ready(server), POLLIN);
	CHECK_ERR(connect_to(client, name), EISCONN);
	/* Connected as soon as the listener has it; accepted later. */
	CHECK_EQ(write(client, "hello", 5), 5);
	len = sizeof(a);
	fd = (int)CHECK_OK(accept4(server, (struct sockaddr *)&a, &len, SOCK_CLOEXEC));
	CHECK_EQ(len, sizeof(sa_family_t));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(read(fd, buf, 8), 5);
	len = sizeof(a);
	CHECK_OK(getpeername(client, (struct sockaddr *)&a, &len));
	CHECK_EQ(len, want_len);
	CHECK(!memcmp(&a, &want, len));
	len = sizeof(a);
	CHECK_OK(getsockname(fd, (struct sockaddr *)&a, &len));
	CHECK_EQ(len, want_len);
	len = sizeof(creds);
	CHECK_OK(getsockopt(client, SOL_SOCKET, SO_PEERCRED, &creds, &len));
	CHECK_EQ(creds.pid, getpid());
	CHECK_EQ(creds.uid, geteuid());
	CHECK_OK(close(fd));
	CHECK_EQ(read(client, buf, 8), 0);
	CHECK_OK(close(client));
	CHECK_OK(close(server));
}

TEST(socket, connect_by_path)
{
	struct stat st;

	exchange("s", SOCK_STREAM);
	CHECK_OK(stat("s", &st));
	CHECK(S_ISSOCK(st.st_mode));
	CHECK_ERR(open("s", O_RDWR), ENXIO);
	CHECK_ERR(connect_to(sock(SOCK_STREAM), "s"), ECONNREFUSED);
	CHECK_ERR(bind_to(sock(SOCK_STREAM), "s"), EADDRINUSE);
	exchange("t", SOCK_SEQPACKET);
}

TEST(socket, connect_by_abstract_name)
{
	char name[32];

	snprintf(name, sizeof(name), "@ut-%d", getpid());
	exchange(name, SOCK_STREAM);
	/* The name goes with the socket. */
	exchange(name, SOCK_SEQPACKET);
	CHECK_OK(bind_to(sock(SOCK_STREAM), name));
	CHECK_ERR(bind_to(sock(SOCK_STREAM), name), EADDRINUSE);
}

TEST(socket, connect_errors)
{
	int fd = sock(SOCK_STREAM), server = listener(SOCK_STREAM, "s", 5);
	struct sockaddr_un a;
	socklen_t len = name_of(&a, "s");
	char buf[4];

	CHECK_ERR(connect_to(fd, "none"), ENOENT);
	file_make("file", "x", 1);
	CHECK_ERR(connect_to(fd, "file"), ECONNREFUSED);
	CHECK_ERR(connect_to(sock(SOCK_DGRAM), "s"), EPROTOTYPE);
	CHECK_ERR(connect(fd, (struct sockaddr *)&a, 1), EINVAL);
	CHECK_ERR(connect(fd, (struct sockaddr *)&a, 200), EINVAL);
	CHECK_ERR(syscall(SYS_connect, fd, 8, 10), EFAULT);
	a.sun_family = 2;
	CHECK_ERR(connect(fd, (struct sockaddr *)&a, len), EINVAL);
	CHECK_ERR(connect_to(server, "s"), EINVAL);
	CHECK_ERR(accept(fd, NULL, NULL), EINVAL);
	CHECK_ERR(accept(sock(SOCK_DGRAM), NULL, NULL), EOPNOTSUPP);
	CHECK_ERR(listen(fd, 1), EINVAL);
	CHECK_ERR(listen(sock(SOCK_DGRAM), 1), EOPNOTSUPP);
	CHECK_ERR(recv(fd, buf, 4, 0), EINVAL);
	CHECK_ERR(recv(sock(SOCK_SEQPACKET), buf, 4, 0), ENOTCONN);
	CHECK_ERR(send(fd, buf, 4, 0), ENOTCONN);
	CHECK_ERR(send(sock(SOCK_DGRAM), buf, 4, 0), ENOTCONN);
	CHECK_OK(fcntl(server, F_SETFL, O_NONBLOCK));
	CHECK_ERR(accept(server, NULL, NULL), EAGAIN);
	CHECK_ERR(bind_to(server, "other"), EINVAL);
}

TEST(socket, backlog)
{
	int server = listener(SOCK_STREAM, "s", 0), fd, n = 0;
	pid_t pid;

	/* One more than asked for; the next one would wait. */
	CHECK_OK(connect_to(sock(SOCK_STREAM), "s"));
	fd = (int)CHECK_OK(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
	CHECK_ERR(connect_to(fd, "s"), EAGAIN);
	pid = child();
	if (pid == 0) {
		CHECK_OK(connect_to(sock(SOCK_STREAM), "s"));
		_exit(0);
	}
	wait_state(pid, "S");
	CHECK_OK(accept(server, NULL, NULL));
	expect_exit(pid, 0);
	CHECK_OK(accept(server, NULL, NULL));
	/* Closed before it was accepted. */
	CHECK_OK(connect_to(fd, "s"));
	CHECK_OK(close(server));
	CHECK_ERR(read(fd, &n, 1), ECONNRESET);
}

TEST(socket, datagrams)
{
	int a = sock(SOCK_DGRAM), b = sock(SOCK_DGRAM), c = sock(SOCK_DGRAM);
	struct sockaddr_un to, from;
	socklen_t len = name_of(&to, "b"), from_len = sizeof(from);
	char buf[8];

	CHECK_OK(bind_to(b, "b"));
	CHECK_EQ(sendto(a, "one", 3, 0, (struct sockaddr *)&to, len), 3);
	CHECK_EQ(recvfrom(b, buf, 8, 0, (struct sockaddr *)&from, &from_len), 3);
	CHECK_EQ(from_len, 0);
	CHECK_OK(bind_to(a, "a"));
	CHECK_EQ(sendto(a, "two", 3, 0, (struct sockaddr *)&to, len), 3);
	from_len = sizeof(from);
	CHECK_EQ(recvfrom(b, buf, 8, 0, (struct sockaddr *)&from, &from_len), 3);
	CHECK_STR(from.sun_path, "a");
	/* Connected to one: others may not send to it. */
	CHECK_OK(connect_to(b, "a"));
	CHECK_ERR(sendto(c, "x", 1, 0, (struct sockaddr *)&to, len), EPERM);
	CHECK_EQ(send(b, "back", 4, 0), 4);
	CHECK_EQ(recv(a, buf, 8, 0), 4);
	CHECK_OK(connect_to(a, "b"));
	CHECK_OK(close(b));
	CHECK_ERR(send(a, "x", 1, 0), ECONNREFUSED);
	CHECK_ERR(send(a, "x", 1, 0), ENOTCONN);
}

TEST(socket, autobind)
{
	int fd = sock(SOCK_DGRAM);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(a);

	CHECK_OK(bind(fd, (struct sockaddr *)&a, sizeof(sa_family_t)));
	CHECK_OK(getsockname(fd, (struct sockaddr *)&a, &len));
	CHECK_EQ(len, sizeof(sa_family_t) + 6);
	CHECK_EQ(a.sun_path[0], 0);
}

TEST(socket, full_buffers)
{
	static char big[65536];
	int fd[2], n = 0;
	ssize_t sent, got, total = 0;

	pair(SOCK_STREAM, fd);
	CHECK_OK(fcntl(fd[0], F_SETFL, O_NONBLOCK));
	while ((sent = write(fd[0], big, sizeof(big))) > 0)
		total += sent;
	CHECK_EQ(errno, EAGAIN);
	CHECK_GE(total, 65536);
	CHECK_EQ(ready(fd[0]) & POLLOUT, 0);
	CHECK_OK(ioctl(fd[0], SIOCOUTQ, &n));
	CHECK(n > 0);
	CHECK_OK(fcntl(fd[1], F_SETFL, O_NONBLOCK));
	while ((got = read(fd[1], big, sizeof(big))) > 0)
		total -= got;
	CHECK_EQ(total, 0);
	CHECK_EQ(ready(fd[0]), POLLOUT);
	/* Packets: too long for the buffer, and too many. */
	pair(SOCK_DGRAM, fd);
	CHECK_ERR(send(fd[0], big, 1 << 20, 0), EMSGSIZE);
	while (send(fd[0], "x", 1, MSG_DONTWAIT) == 1)
		n++;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(ready(fd[0]) & POLLOUT, 0);
	CHECK_EQ(recv(fd[1], big, 1, 0), 1);
	CHECK_EQ(send(fd[0], "x", 1, MSG_DONTWAIT), 1);
}

/* Of a buffer that holds bytes, each packet takes more than its own. */
static void expect_few(int type, size_t size)
{
	static char c;
	int fd[2], n = 0;

	pair(type, fd);
	while (send(fd[0], &c, size, MSG_DONTWAIT) == (ssize_t)size)
		CHECK(n++ < 1000);
	CHECK_EQ(errno, EAGAIN);
	CHECK_GE(n, 200);
	CHECK_EQ(ready(fd[0]) & POLLOUT, 0);
	for (int left = n; left > 0; left--)
		CHECK_EQ(recv(fd[1], &c, 1, MSG_DONTWAIT), size);
	CHECK_ERR(recv(fd[1], &c, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(ready(fd[0]), POLLOUT);
	CHECK_EQ(send(fd[0], &c, size, MSG_DONTWAIT), size);
	CHECK_OK(close(fd[1]));
	CHECK_OK(close(fd[0]));
}

TEST(socket, full_of_small_packets)
{
	become_user();
	expect_few(SOCK_SEQPACKET, 0);
	expect_few(SOCK_SEQPACKET, 1);
	expect_few(SOCK_STREAM, 1);
}

/* read(2) of no bytes takes nothing and waits for nothing, unlike recv(2). */
TEST(socket, read_of_nothing)
{
	int fd[2], alone = sock(SOCK_STREAM);
	char c;

	pair(SOCK_DGRAM, fd);
	CHECK_OK(fcntl(fd[0], F_SETFL, O_NONBLOCK));
	CHECK_EQ(read(fd[0], &c, 0), 0);
	CHECK_EQ(send(fd[1], "x", 1, 0), 1);
	CHECK_EQ(read(fd[0], &c, 0), 0);
	CHECK_EQ(read(fd[0], &c, 1), 1);
	CHECK_ERR(recv(fd[0], &c, 0, 0), EAGAIN);
	CHECK_EQ(send(fd[1], "x", 1, 0), 1);
	CHECK_EQ(recv(fd[0], &c, 0, 0), 0);
	CHECK_ERR(read(fd[0], &c, 1), EAGAIN);
	CHECK_EQ(read(alone, &c, 0), 0);
	CHECK_ERR(read(alone, &c, 1), EINVAL);
}

TEST(socket, waits)
{
	int fd[2];

	pair(SOCK_STREAM, fd);
	expect_carried(fd, 500000);
}

/* A small buffer does not take a large message at once. */
TEST(socket, small_buffer)
{
	static char message[16384];
	int fd[2], size = 1;
	ssize_t taken;
	pid_t pid;

	pair(SOCK_STREAM, fd);
	CHECK_OK(setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
	taken = CHECK_OK(send(fd[0], message, sizeof(message), MSG_DONTWAIT));
	CHECK_GE(sizeof(message) / 2, taken);
	CHECK_ERR(send(fd[0], message, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(recv(fd[1], message, taken, MSG_WAITALL), taken);
	pid = child();
	if (!pid) {
		CHECK_EQ(write(fd[0], message, sizeof(message)), sizeof(message));
		_exit(0);
	}
	wait_state(pid, "S");
	CHECK_EQ(recv(fd[1], message, sizeof(message), MSG_WAITALL), sizeof(message));
	expect_exit(pid, 0);
}

static void set_size(int fd, int name, int size, int seen)
{
	int value = size, get = name == SO_SNDBUFFORCE ? SO_SNDBUF : SO_RCVBUF;
	socklen_t len = sizeof(value);

	CHECK_OK(setsockopt(fd, SOL_SOCKET, name, &value, sizeof(value)));
	CHECK_OK(getsockopt(fd, SOL_SOCKET, get, &value, &len));
	CHECK_EQ(value, seen);
}

/* Larger than everybody's, and never negative. */
TEST(socket, sizes_by_force, .root = true)
{
	static char message[1 << 20];
	int fd[2], value = 10000;

	pair(SOCK_SEQPACKET, fd);
	CHECK_ERR(send(fd[0], message, sizeof(message), MSG_DONTWAIT), EMSGSIZE);
	set_size(fd[0], SO_SNDBUFFORCE, 2 << 20, 4 << 20);
	CHECK_EQ(send(fd[0], message, sizeof(message), MSG_DONTWAIT), sizeof(message));
	set_size(fd[0], SO_RCVBUFFORCE, 1 << 20, 2 << 20);
	set_size(fd[0], SO_SNDBUFFORCE, INT32_MAX, INT32_MAX - 1);
	set_size(fd[0], SO_SNDBUFFORCE, -256, 4608);
	become_user();
	CHECK_ERR(setsockopt(fd[0], SOL_SOCKET, SO_SNDBUFFORCE, &value, sizeof(value)), EPERM);
	CHECK_ERR(setsockopt(fd[0], SOL_SOCKET, SO_RCVBUFFORCE, &value, sizeof(value)), EPERM);
}

TEST(socket, options)
{
	struct timeval tv = { 0, 200000 };
	int fd[2], value = 0;
	socklen_t len = sizeof(value);
	uint64_t start;

	pair(SOCK_SEQPACKET, fd);
	CHECK_OK(getsockopt(fd[0], SOL_SOCKET, SO_TYPE, &value, &len));
	CHECK_EQ(value, SOCK_SEQPACKET);
	CHECK_OK(getsockopt(fd[0], SOL_SOCKET, SO_DOMAIN, &value, &len));
	CHECK_EQ(value, AF_UNIX);
	CHECK_OK(getsockopt(fd[0], SOL_SOCKET, SO_ACCEPTCONN, &value, &len));
	CHECK_EQ(value, 0);
	value = 10000;
	CHECK_OK(setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &value, sizeof(value)));
	CHECK_OK(getsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &value, &len));
	CHECK_EQ(value, 20000);
	CHECK_ERR(setsockopt(fd[0], SOL_SOCKET, SO_PASSCRED, &value, 1), EINVAL);
	CHECK_ERR(getsockopt(fd[0], SOL_SOCKET, 9999, &value, &len), ENOPROTOOPT);
	CHECK_ERR(syscall(SYS_getsockopt, fd[0], SOL_SOCKET, SO_TYPE, 8, &len), EFAULT);
	CHECK_OK(setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	start = now_ns();
	CHECK_ERR(recv(fd[0], &value, 4, 0), EAGAIN);
	/* The judge counts in ticks, and the first one may be nearly over. */
	CHECK_GE(now_ns() - start, 100000000);
	tv.tv_usec = 1000000;
	CHECK_ERR(setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), EDOM);
}

static void swap_for_ever(void)
{
	for (;;)
		CHECK_OK(renameat2(AT_FDCWD, "place", AT_FDCWD, "other", RENAME_EXCHANGE));
}

/* A socket gets the place that was made for it, not one that the same path leads to afterwards. */
TEST(socket, bind_keeps_to_what_it_made)
{
	int s = (int)CHECK_OK(socket(AF_UNIX, SOCK_DGRAM, 0)), probe;
	struct sockaddr_un a;
	socklen_t len;
	pid_t pid;

	CHECK_OK(mkdir("ours", 0755));
	CHECK_OK(mkdir("theirs", 0755));
	CHECK_OK(symlink("ours", "place"));
	CHECK_OK(symlink("theirs", "other"));
	len = name_of(&a, "theirs/s");
	CHECK_OK(bind(s, (void *)&a, len));
	CHECK_OK(close(s));
	probe = (int)CHECK_OK(socket(AF_UNIX, SOCK_DGRAM, 0));
	pid = child();
	if (pid == 0)
		swap_for_ever();
	for (int i = 0; i < 20000; i++) {
		s = (int)CHECK_OK(socket(AF_UNIX, SOCK_DGRAM, 0));
		len = name_of(&a, "place/s");
		if (bind(s, (void *)&a, len) == 0) {
			len = name_of(&a, "theirs/s");
			CHECK_ERR(connect(probe, (void *)&a, len), ECONNREFUSED);
			CHECK_OK(unlink("ours/s"));
		} else {
			CHECK_EQ(errno, EADDRINUSE);
		}
		CHECK_OK(close(s));
	}
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

/* Who has a name already hears first of all of the file that is in the way. */
TEST(socket, bind_again)
{
	int s = (int)CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	struct sockaddr_un a;
	socklen_t len = name_of(&a, "first");

	CHECK_OK(bind(s, (void *)&a, len));
	CHECK_ERR(bind(s, (void *)&a, len), EADDRINUSE);
	CHECK_OK(symlink("nowhere", "link"));
	len = name_of(&a, "link");
	CHECK_ERR(bind(s, (void *)&a, len), EADDRINUSE);
	len = name_of(&a, "first/none");
	CHECK_ERR(bind(s, (void *)&a, len), ENOTDIR);
	len = name_of(&a, "second");
	CHECK_ERR(bind(s, (void *)&a, len), EINVAL);
	CHECK_ERR(access("second", F_OK), ENOENT);
	CHECK_OK(bind(s, (void *)&a, sizeof(a.sun_family)));
	a.sun_path[0] = '\0';
	CHECK_ERR(bind(s, (void *)&a, len), EINVAL);
}

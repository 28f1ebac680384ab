/* AF_INET streams: what goes through them, who waits for it, and how they end. */
#include "ut.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/param.h>
#include <sys/time.h>

#include "inet.h"
#include "swap.h"

TEST(inet, stream_bytes)
{
	struct sockaddr_in a = inet_address(LOOPBACK, 1);
	socklen_t len = sizeof(a);
	char buf[16];
	int fd[2], n;

	inet_pair(fd);
	CHECK_EQ(inet_ready(fd[0]), POLLOUT);
	CHECK_EQ(write(fd[0], "abc", 3), 3);
	/* Where it goes is settled: a name is not looked at. */
	CHECK_EQ(sendto(fd[0], "def", 3, 0, (struct sockaddr *)&a, sizeof(a)), 3);
	CHECK_EQ(inet_wait(fd[1], POLLIN), POLLIN | POLLOUT);
	CHECK_OK(ioctl(fd[1], FIONREAD, &n));
	CHECK_EQ(n, 6);
	CHECK_EQ(recv(fd[1], buf, 5, MSG_PEEK), 5);
	CHECK(!memcmp(buf, "abcde", 5));
	CHECK_EQ(recvfrom(fd[1], buf, 4, 0, (struct sockaddr *)&a, &len), 4);
	CHECK_EQ(len, 0);
	CHECK_EQ(recv(fd[1], buf, 16, 0), 2);
	CHECK(!memcmp(buf, "ef", 2));
	CHECK_ERR(recv(fd[1], buf, 16, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(send(fd[1], "", 0, 0), 0);
	CHECK_EQ(write(fd[1], "back", 4), 4);
	CHECK_EQ(recv(fd[0], buf, 4, MSG_WAITALL), 4);
	CHECK_ERR(recv(fd[0], buf, 16, MSG_DONTWAIT), EAGAIN);
}

/* Who looks at more than is there waits for the rest; of AF_UNIX, it is given what is there. */
TEST(inet, stream_peek_waits)
{
	char buf[8];
	int fd[2];
	pid_t pid;

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	CHECK_EQ(write(fd[0], "abc", 3), 3);
	CHECK_EQ(recv(fd[1], buf, 6, MSG_PEEK | MSG_WAITALL), 3);
	inet_pair(fd);
	CHECK_EQ(write(fd[0], "abc", 3), 3);
	inet_wait(fd[1], POLLIN);
	pid = child();
	if (pid == 0) {
		CHECK_EQ(recv(fd[1], buf, 6, MSG_PEEK | MSG_WAITALL), 6);
		CHECK(!memcmp(buf, "abcdef", 6));
		_exit(0);
	}
	wait_state(pid, "S");
	CHECK_EQ(write(fd[0], "def", 3), 3);
	expect_exit(pid, 0);
	CHECK_EQ(read(fd[1], buf, 8), 6);
}

TEST(inet, stream_thrown_away)
{
	char buf[4] = "####";
	int fd[2];

	inet_pair(fd);
	CHECK_EQ(write(fd[0], "abcdefgh", 8), 8);
	CHECK_EQ(recv(fd[1], buf, 3, MSG_TRUNC | MSG_WAITALL), 3);
	CHECK(!memcmp(buf, "####", 4));
	CHECK_EQ(recv(fd[1], buf, 2, 0), 2);
	CHECK(!memcmp(buf, "de##", 4));
}

/* Files do not go over it: what says so is not looked at. */
TEST(inet, stream_passes_no_files)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	char c = 'x';
	struct iovec v = { &c, 1 };
	struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *m = CMSG_FIRSTHDR(&h);
	int fd[2], zero = 0;

	inet_pair(fd);
	m->cmsg_level = SOL_SOCKET;
	m->cmsg_type = SCM_RIGHTS;
	m->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(m), &zero, sizeof(zero));
	CHECK_EQ(sendmsg(fd[0], &h, 0), 1);
	CHECK_EQ(recvmsg(fd[1], &h, 0), 1);
	CHECK_EQ(h.msg_controllen, 0);
	CHECK_EQ(h.msg_flags, 0);
}

TEST(inet, end_by_shutdown)
{
	char buf[4];
	int fd[2];

	signal(SIGPIPE, SIG_IGN);
	inet_pair(fd);
	CHECK_EQ(write(fd[0], "x", 1), 1);
	CHECK_OK(shutdown(fd[0], SHUT_WR));
	CHECK_ERR(write(fd[0], "y", 1), EPIPE);
	CHECK_EQ(inet_wait(fd[1], POLLRDHUP), POLLIN | POLLOUT | POLLRDHUP);
	CHECK_EQ(read(fd[1], buf, 4), 1);
	CHECK_EQ(read(fd[1], buf, 4), 0);
	/* The other direction goes on, and its end ends the connection. */
	CHECK_EQ(write(fd[1], "z", 1), 1);
	CHECK_EQ(read(fd[0], buf, 4), 1);
	CHECK_OK(inet_peer_port(fd[0]));
	CHECK_OK(close(fd[1]));
	CHECK_EQ(inet_wait(fd[0], 0), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
	CHECK_EQ(read(fd[0], buf, 4), 0);
	CHECK_ERR(shutdown(fd[0], SHUT_WR), ENOTCONN);
	CHECK_ERR(getpeername(fd[0], (struct sockaddr *)buf, &(socklen_t){ 4 }), ENOTCONN);
	CHECK_ERR(inet_connect(fd[0], LOOPBACK, 1), EISCONN);
}

TEST(inet, end_of_both)
{
	char c;
	int fd[2];

	inet_pair(fd);
	CHECK_EQ(write(fd[0], "x", 1), 1);
	CHECK_OK(shutdown(fd[0], SHUT_WR));
	CHECK_OK(shutdown(fd[1], SHUT_WR));
	for (int i = 0; i < 2; i++)
		CHECK_EQ(inet_wait(fd[i], 0), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
	/* What came before is still there. */
	CHECK_EQ(read(fd[1], &c, 1), 1);
	CHECK_EQ(read(fd[1], &c, 1), 0);
	CHECK_EQ(read(fd[0], &c, 1), 0);
	CHECK_EQ(inet_option(fd[0], SOL_SOCKET, SO_ERROR), 0);
}

/* Closed with all read: the other side may read the end, and learns of it when it sends. */
TEST(inet, close_then_send)
{
	char c;
	int fd[2];

	signal(SIGPIPE, SIG_IGN);
	inet_pair(fd);
	CHECK_EQ(write(fd[0], "x", 1), 1);
	CHECK_EQ(read(fd[1], &c, 1), 1);
	CHECK_OK(close(fd[0]));
	CHECK_EQ(inet_wait(fd[1], POLLRDHUP), POLLIN | POLLOUT | POLLRDHUP);
	CHECK_EQ(read(fd[1], &c, 1), 0);
	CHECK_EQ(write(fd[1], "y", 1), 1);
	CHECK_EQ(inet_wait(fd[1], 0), POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR);
	CHECK_EQ(read(fd[1], &c, 1), 0);
	CHECK_ERR(write(fd[1], "z", 1), EPIPE);
	CHECK_EQ(inet_ready(fd[1]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
	CHECK_ERR(write(fd[1], "z", 1), EPIPE);
}

/* Closed with something unread: a reset, after what was sent before. */
TEST(inet, close_unread)
{
	char buf[4];
	int fd[2];

	signal(SIGPIPE, SIG_IGN);
	inet_pair(fd);
	CHECK_EQ(write(fd[1], "unread", 6), 6);
	inet_wait(fd[0], POLLIN);
	CHECK_EQ(write(fd[0], "hi", 2), 2);
	CHECK_OK(close(fd[0]));
	CHECK_EQ(inet_wait(fd[1], 0), POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR);
	CHECK_EQ(read(fd[1], buf, 4), 2);
	CHECK_ERR(read(fd[1], buf, 4), ECONNRESET);
	CHECK_EQ(read(fd[1], buf, 4), 0);
	CHECK_ERR(write(fd[1], "y", 1), EPIPE);
	/* The writer may be the first to hear of it. */
	inet_pair(fd);
	CHECK_EQ(write(fd[1], "unread", 6), 6);
	inet_wait(fd[0], POLLIN);
	CHECK_OK(close(fd[0]));
	inet_wait(fd[1], 0);
	CHECK_ERR(write(fd[1], "y", 1), ECONNRESET);
	CHECK_ERR(write(fd[1], "y", 1), EPIPE);
	CHECK_EQ(read(fd[1], buf, 4), 0);
}

/* Behind the end of what comes, a reset is an error for the writer only. */
TEST(inet, close_unread_after_end)
{
	char c;
	int fd[2];

	inet_pair(fd);
	CHECK_EQ(write(fd[1], "x", 1), 1);
	inet_wait(fd[0], POLLIN);
	CHECK_OK(shutdown(fd[0], SHUT_WR));
	inet_wait(fd[1], POLLRDHUP);
	CHECK_OK(close(fd[0]));
	inet_wait(fd[1], 0);
	CHECK_EQ(read(fd[1], &c, 1), 0);
	CHECK_EQ(inet_option(fd[1], SOL_SOCKET, SO_ERROR), EPIPE);
}

TEST(inet, close_without_lingering)
{
	struct linger l = { 1, 0 };
	int fd[2];
	char c;

	inet_pair(fd);
	CHECK_OK(setsockopt(fd[0], SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	CHECK_OK(close(fd[0]));
	inet_wait(fd[1], 0);
	CHECK_ERR(read(fd[1], &c, 1), ECONNRESET);
}

TEST(inet, shutdown_of_reading)
{
	char c;
	int fd[2], n;

	signal(SIGPIPE, SIG_IGN);
	inet_pair(fd);
	CHECK_OK(shutdown(fd[0], SHUT_RD));
	CHECK_EQ(inet_ready(fd[0]), POLLIN | POLLOUT | POLLRDHUP);
	CHECK_EQ(read(fd[0], &c, 1), 0);
	/* Nobody told the other side. */
	CHECK_EQ(inet_ready(fd[1]), POLLOUT);
	CHECK_EQ(write(fd[1], "x", 1), 1);
	do
		CHECK_OK(ioctl(fd[0], FIONREAD, &n));
	while (n == 0);
	CHECK_EQ(read(fd[0], &c, 1), 1);
	/* Neither reading nor writing: what still comes is answered with a reset. */
	CHECK_OK(shutdown(fd[0], SHUT_WR));
	CHECK_EQ(write(fd[1], "x", 1), 1);
	inet_wait(fd[1], 0);
	CHECK_ERR(write(fd[1], "x", 1), EPIPE);
	CHECK_EQ(inet_option(fd[0], SOL_SOCKET, SO_ERROR), ECONNRESET);
}

TEST(inet, sigpipe)
{
	int fd[2];
	pid_t pid;

	inet_pair(fd);
	pid = child();
	if (pid == 0) {
		CHECK_OK(shutdown(fd[0], SHUT_WR));
		CHECK_ERR(send(fd[0], "x", 1, MSG_NOSIGNAL), EPIPE);
		CHECK_EQ(write(fd[0], "x", 1), -1);
		_exit(0);
	}
	expect_signal(pid, SIGPIPE);
}

TEST(inet, shared_by_processes)
{
	struct gate gate;
	char buf[4];
	int fd[2];
	pid_t pid;

	inet_pair(fd);
	gate_make(&gate);
	pid = child();
	if (pid == 0) {
		CHECK_OK(close(fd[1]));
		gate_pass(&gate);
		CHECK_EQ(write(fd[0], "bye", 3), 3);
		_exit(0);
	}
	/* The child still has it. */
	CHECK_OK(close(fd[0]));
	CHECK_EQ(inet_ready(fd[1]), POLLOUT);
	gate_open(&gate);
	expect_exit(pid, 0);
	CHECK_EQ(recv(fd[1], buf, 4, MSG_WAITALL), 3);
	CHECK_EQ(recv(fd[1], buf, 4, 0), 0);
	gate_close(&gate);
}

TEST(inet, stream_full)
{
	static char big[65536];
	ssize_t n, total = 0;
	int fd[2];

	inet_pair(fd);
	CHECK_OK(fcntl(fd[0], F_SETFL, O_NONBLOCK));
	do {
		while ((n = write(fd[0], big, sizeof(big))) > 0)
			total += n;
		CHECK_EQ(errno, EAGAIN);
	} while (inet_ready(fd[0]) & POLLOUT);
	CHECK_GE(total, 65536);
	for (; total > 0; total -= n)
		n = CHECK_OK(read(fd[1], big, MIN((size_t)total, sizeof(big))));
	CHECK_EQ(inet_wait(fd[0], POLLOUT), POLLOUT);
	CHECK_ERR(recv(fd[1], big, 1, MSG_DONTWAIT), EAGAIN);
}

/* Single bytes that nobody reads take little more memory than themselves, and come in order. */
TEST(inet, stream_of_single_bytes)
{
	enum { MANY = 200000 };
	long before = number_in("/proc/meminfo", "MemFree");
	static unsigned char got[MANY];
	int fd[2], sent = 0, n;

	inet_pair(fd);
	inet_set(fd[0], SOL_SOCKET, SO_SNDBUF, 1 << 20);
	while (sent < MANY) {
		unsigned char c = (unsigned char)(sent % 251);

		if (send(fd[0], &c, 1, MSG_DONTWAIT) != 1)
			break;
		sent++;
	}
	CHECK_GE(sent, 200);
	CHECK_GE(12 << 10, before - number_in("/proc/meminfo", "MemFree"));
	for (int i = 0; i < sent; i += n) {
		n = (int)CHECK_OK(recv(fd[1], got, MANY, i % 2 ? 0 : MSG_PEEK));
		if (i % 2 == 0)
			n = (int)CHECK_OK(recv(fd[1], got, (size_t)MIN(n, 777), 0));
		for (int k = 0; k < n; k++)
			CHECK_EQ(got[k], (i + k) % 251);
	}
	CHECK_ERR(recv(fd[1], got, 1, MSG_DONTWAIT), EAGAIN);
}

TEST(inet, stream_waits)
{
	int fd[2];

	inet_pair(fd);
	expect_carried(fd, 1500000);
}

/* Who sleeps in a call hears of what the other side, or another process, does. */
TEST(inet, sleepers_wake)
{
	static char big[1 << 20];
	int fd[2];
	pid_t pid;
	char c;

	signal(SIGPIPE, SIG_IGN);
	inet_pair(fd);
	pid = child();
	if (pid == 0) {
		CHECK_EQ(read(fd[0], &c, 1), 0);
		_exit(0);
	}
	wait_state(pid, "S");
	CHECK_OK(shutdown(fd[0], SHUT_RD));
	expect_exit(pid, 0);
	inet_pair(fd);
	pid = child();
	if (pid == 0) {
		CHECK_OK(close(fd[1]));
		while (write(fd[0], big, sizeof(big)) > 0)
			;
		CHECK_EQ(errno, ECONNRESET);
		CHECK_ERR(write(fd[0], big, 1), EPIPE);
		_exit(0);
	}
	CHECK_OK(close(fd[0]));
	inet_wait(fd[1], POLLIN);
	wait_state(pid, "S");
	CHECK_OK(close(fd[1]));
	expect_exit(pid, 0);
}

TEST(inet, stream_timeouts)
{
	struct timeval tv = { 0, 50000 };
	int fd[2], server = inet_server(SOCK_STREAM, 0);
	static char big[1 << 20];
	char c;

	inet_pair(fd);
	CHECK_OK(setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	CHECK_OK(setsockopt(fd[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	CHECK_ERR(recv(fd[0], &c, 1, 0), EAGAIN);
	while (write(fd[0], big, sizeof(big)) > 0)
		;
	CHECK_EQ(errno, EAGAIN);
	CHECK_OK(setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	CHECK_ERR(accept(server, NULL, NULL), EAGAIN);
	/* A connection that cannot be had in time goes on being made. */
	CHECK_OK(inet_connect(inet_socket(SOCK_STREAM), LOOPBACK, inet_port(server)));
	fd[0] = inet_socket(SOCK_STREAM);
	CHECK_OK(setsockopt(fd[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	CHECK_ERR(inet_connect(fd[0], LOOPBACK, inet_port(server)), EINPROGRESS);
}

static void watch(int epoll, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e));
}

/* The one event that there is, of this descriptor; 0: none. */
static uint32_t happened(int epoll, int fd, int timeout)
{
	struct epoll_event e;
	int n = (int)CHECK_OK(epoll_wait(epoll, &e, 1, timeout));

	if (n == 0)
		return 0;
	CHECK_EQ(e.data.fd, fd);
	return e.events;
}

TEST(inet, epoll_of_streams)
{
	int epoll = (int)CHECK_OK(epoll_create1(0)), server = inet_server(SOCK_STREAM, 1), fd[2];
	char c;

	watch(epoll, server, EPOLLIN);
	CHECK_EQ(happened(epoll, server, 0), 0);
	fd[0] = inet_socket(SOCK_STREAM);
	CHECK_OK(inet_connect(fd[0], LOOPBACK, inet_port(server)));
	CHECK_EQ(happened(epoll, server, -1), EPOLLIN);
	fd[1] = (int)CHECK_OK(accept(server, NULL, NULL));
	CHECK_EQ(happened(epoll, server, 0), 0);
	watch(epoll, fd[1], EPOLLIN | EPOLLRDHUP | EPOLLET);
	CHECK_EQ(happened(epoll, fd[1], 0), 0);
	CHECK_EQ(write(fd[0], "x", 1), 1);
	CHECK_EQ(happened(epoll, fd[1], -1), EPOLLIN);
	CHECK_EQ(happened(epoll, fd[1], 0), 0);
	/* More of it is another event. */
	CHECK_EQ(write(fd[0], "x", 1), 1);
	CHECK_EQ(happened(epoll, fd[1], -1), EPOLLIN);
	CHECK_EQ(read(fd[1], &c, 1), 1);
	CHECK_OK(shutdown(fd[0], SHUT_WR));
	CHECK_EQ(happened(epoll, fd[1], -1), EPOLLIN | EPOLLRDHUP);
}

TEST(inet, many_connections)
{
	enum { N = 200, ROUNDS = 500 };
	int server = inet_server(SOCK_STREAM, N), port = inet_port(server);
	static int a[N], b[N];
	char c;

	for (int i = 0; i < N; i++) {
		a[i] = inet_socket(SOCK_STREAM);
		CHECK_OK(inet_connect(a[i], LOOPBACK, port));
	}
	for (int i = 0; i < N; i++) {
		b[i] = (int)CHECK_OK(accept(server, NULL, NULL));
		CHECK_EQ(inet_peer_port(b[i]), inet_port(a[i]));
		c = (char)i;
		CHECK_EQ(write(a[i], &c, 1), 1);
	}
	for (int i = N; i-- > 0;) {
		CHECK_EQ(read(b[i], &c, 1), 1);
		CHECK_EQ(c, (char)i);
		CHECK_OK(close(i % 2 ? a[i] : b[i]));
		CHECK_EQ(read(i % 2 ? b[i] : a[i], &c, 1), 0);
		CHECK_OK(close(i % 2 ? b[i] : a[i]));
	}
	for (int i = 0; i < ROUNDS; i++) {
		int fd = inet_socket(SOCK_STREAM), other;

		CHECK_OK(inet_connect(fd, LOOPBACK, port));
		other = (int)CHECK_OK(accept(server, NULL, NULL));
		CHECK_OK(close(fd));
		CHECK_OK(close(other));
	}
}

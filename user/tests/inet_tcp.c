/* AF_INET streams: names, connections, their ends in every order, options. */
#include "ut.h"

#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/ioctl.h>
#include <linux/sockios.h>

#include "inet.h"

TEST(inet, socket_arguments)
{
	int fd = (int)CHECK_OK(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
				      IPPROTO_TCP));
	int out[2];

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
	CHECK_EQ(inet_option(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	CHECK_EQ(inet_option(fd, SOL_SOCKET, SO_DOMAIN), AF_INET);
	CHECK_EQ(inet_option(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
	fd = (int)CHECK_OK(socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
	CHECK_EQ(inet_option(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP);
	CHECK_ERR(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
	CHECK_ERR(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP), EPROTONOSUPPORT);
	CHECK_ERR(socket(AF_INET, SOCK_STREAM, -1), EINVAL);
	CHECK_ERR(socket(AF_INET, SOCK_STREAM, 4000), EINVAL);
	CHECK_ERR(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
	CHECK_ERR(socket(AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT);
	CHECK_ERR(socketpair(AF_INET, SOCK_STREAM, 0, out), EOPNOTSUPP);
	CHECK_ERR(socketpair(AF_INET, SOCK_DGRAM, 0, out), EOPNOTSUPP);
}

TEST(inet, raw_needs_a_right, .root = true)
{
	become_user();
	CHECK_ERR(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), EPERM);
	CHECK_ERR(socket(AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT);
}

TEST(inet, bind_chooses_a_port)
{
	int a = inet_socket(SOCK_STREAM), b = inet_socket(SOCK_STREAM);

	CHECK_EQ(inet_port(a), 0);
	CHECK_EQ(inet_ip(a), INADDR_ANY);
	CHECK_OK(inet_bind(a, LOOPBACK, 0));
	CHECK_OK(inet_bind(b, INADDR_ANY, 0));
	CHECK_EQ(inet_ip(a), LOOPBACK);
	CHECK_EQ(inet_ip(b), INADDR_ANY);
	CHECK_GE(inet_port(a), 32768);
	CHECK_GE(60999, inet_port(a));
	CHECK(inet_port(a) != inet_port(b));
	CHECK_ERR(inet_bind(a, LOOPBACK, 0), EINVAL);
}

TEST(inet, bind_errors)
{
	int fd = inet_socket(SOCK_STREAM);
	struct sockaddr_in a = inet_address(LOOPBACK, 0);

	CHECK_ERR(inet_bind(fd, 0x0a000001, 0), EADDRNOTAVAIL);
	CHECK_ERR(bind(fd, (struct sockaddr *)&a, sizeof(a) - 1), EINVAL);
	CHECK_ERR(bind(fd, (struct sockaddr *)&a, 129), EINVAL);
	CHECK_ERR(syscall(SYS_bind, fd, 8, sizeof(a)), EFAULT);
	a.sin_family = AF_UNIX;
	CHECK_ERR(bind(fd, (struct sockaddr *)&a, sizeof(a)), EAFNOSUPPORT);
	/* AF_UNSPEC is as good, but for the address that says nothing only. */
	a.sin_family = AF_UNSPEC;
	CHECK_ERR(bind(fd, (struct sockaddr *)&a, sizeof(a)), EAFNOSUPPORT);
	a.sin_addr.s_addr = INADDR_ANY;
	CHECK_OK(bind(fd, (struct sockaddr *)&a, sizeof(a)));
	CHECK(inet_port(fd) != 0);
}

TEST(inet, bind_low_port, .root = true)
{
	CHECK_OK(inet_bind(inet_socket(SOCK_STREAM), LOOPBACK, 81));
	become_user();
	CHECK_ERR(inet_bind(inet_socket(SOCK_STREAM), LOOPBACK, 82), EACCES);
	CHECK_ERR(inet_bind(inet_socket(SOCK_DGRAM), INADDR_ANY, 1023), EACCES);
}

TEST(inet, bind_in_use)
{
	int a = inet_server(SOCK_STREAM, 1), port = inet_port(a), b = inet_socket(SOCK_STREAM);

	CHECK_ERR(inet_bind(b, LOOPBACK, port), EADDRINUSE);
	CHECK_ERR(inet_bind(b, INADDR_ANY, port), EADDRINUSE);
	/* Another address, or another kind of socket. */
	CHECK_OK(inet_bind(b, LOOPBACK + 1, port));
	CHECK_OK(inet_bind(inet_socket(SOCK_DGRAM), LOOPBACK, port));
	/* The port goes with the socket. */
	CHECK_OK(close(a));
	CHECK_OK(inet_bind(inet_socket(SOCK_STREAM), LOOPBACK, port));
}

TEST(inet, reuse_of_addresses)
{
	int a = inet_socket(SOCK_STREAM), b = inet_socket(SOCK_STREAM), port;

	inet_set(a, SOL_SOCKET, SO_REUSEADDR, 1);
	inet_set(b, SOL_SOCKET, SO_REUSEADDR, 1);
	CHECK_OK(inet_bind(a, LOOPBACK, 0));
	port = inet_port(a);
	CHECK_OK(inet_bind(b, LOOPBACK, port));
	/* Bound both, but only one may listen. */
	CHECK_OK(listen(a, 1));
	CHECK_ERR(listen(b, 1), EADDRINUSE);
	CHECK_OK(listen(a, 2));
	b = inet_socket(SOCK_STREAM);
	inet_set(b, SOL_SOCKET, SO_REUSEADDR, 1);
	CHECK_ERR(inet_bind(b, LOOPBACK, port), EADDRINUSE);
}

/* Sockets that share a port share what comes, too. */
TEST(inet, reuse_of_ports)
{
	enum { N = 40 };
	int fd[2] = { inet_socket(SOCK_STREAM), inet_socket(SOCK_STREAM) }, port, got[2] = { 0 };
	struct pollfd p[2];

	inet_set(fd[0], SOL_SOCKET, SO_REUSEPORT, 1);
	CHECK_OK(inet_bind(fd[0], LOOPBACK, 0));
	CHECK_OK(listen(fd[0], N));
	port = inet_port(fd[0]);
	CHECK_ERR(inet_bind(fd[1], LOOPBACK, port), EADDRINUSE);
	inet_set(fd[1], SOL_SOCKET, SO_REUSEPORT, 1);
	CHECK_OK(inet_bind(fd[1], LOOPBACK, port));
	CHECK_OK(listen(fd[1], N));
	for (int i = 0; i < N; i++)
		CHECK_OK(inet_connect(inet_socket(SOCK_STREAM), LOOPBACK, port));
	while (got[0] + got[1] < N) {
		for (int i = 0; i < 2; i++)
			p[i] = (struct pollfd){ .fd = fd[i], .events = POLLIN };
		CHECK_OK(poll(p, 2, -1));
		for (int i = 0; i < 2; i++) {
			if (!p[i].revents)
				continue;
			CHECK_OK(accept(fd[i], NULL, NULL));
			got[i]++;
		}
	}
	CHECK_GE(got[0], 1);
	CHECK_GE(got[1], 1);
}

/* A connection that lives keeps the port, unless both sides say otherwise. */
TEST(inet, port_of_a_connection)
{
	int server = inet_server(SOCK_STREAM, 1), port = inet_port(server), fd, other;

	other = inet_socket(SOCK_STREAM);
	CHECK_OK(inet_connect(other, LOOPBACK, port));
	fd = (int)CHECK_OK(accept(server, NULL, NULL));
	CHECK_OK(close(server));
	server = inet_socket(SOCK_STREAM);
	CHECK_ERR(inet_bind(server, LOOPBACK, port), EADDRINUSE);
	inet_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	inet_set(server, SOL_SOCKET, SO_REUSEADDR, 1);
	CHECK_OK(inet_bind(server, LOOPBACK, port));
	CHECK_OK(listen(server, 1));
	CHECK_EQ(inet_port(fd), port);
}

TEST(inet, listen_binds)
{
	int fd = inet_socket(SOCK_STREAM);

	CHECK_EQ(inet_option(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
	CHECK_OK(listen(fd, 1));
	CHECK_EQ(inet_option(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
	CHECK(inet_port(fd) != 0);
	CHECK_OK(inet_connect(inet_socket(SOCK_STREAM), LOOPBACK, inet_port(fd)));
	CHECK_ERR(listen(inet_socket(SOCK_DGRAM), 1), EOPNOTSUPP);
	CHECK_ERR(inet_connect(fd, LOOPBACK, inet_port(fd)), EISCONN);
}

TEST(inet, names_of_a_connection)
{
	int server = inet_server(SOCK_STREAM, 5), client = inet_socket(SOCK_STREAM), fd;
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	CHECK_ERR(getpeername(client, (struct sockaddr *)&a, &len), ENOTCONN);
	CHECK_EQ(inet_ready(client), POLLOUT | POLLHUP);
	CHECK_EQ(inet_ready(server), 0);
	CHECK_OK(inet_connect(client, LOOPBACK, inet_port(server)));
	CHECK_EQ(inet_ip(client), LOOPBACK);
	CHECK_EQ(inet_peer_port(client), inet_port(server));
	CHECK_ERR(inet_connect(client, LOOPBACK, inet_port(server)), EISCONN);
	inet_wait(server, POLLIN);
	fd = (int)CHECK_OK(accept4(server, (struct sockaddr *)&a, &len, SOCK_CLOEXEC));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(len, sizeof(a));
	CHECK_EQ(ntohs(a.sin_port), inet_port(client));
	CHECK_EQ(ntohl(a.sin_addr.s_addr), LOOPBACK);
	CHECK_EQ(inet_port(fd), inet_port(server));
	CHECK_EQ(inet_ip(fd), LOOPBACK);
	CHECK_EQ(inet_peer_port(fd), inet_port(client));
	/* Only as much as there is room for; the length is the whole one's. */
	len = 2;
	a.sin_port = 0;
	CHECK_OK(getpeername(fd, (struct sockaddr *)&a, &len));
	CHECK_EQ(len, sizeof(a));
	CHECK_EQ(a.sin_port, 0);
}

TEST(inet, addresses_of_loopback)
{
	int server = inet_socket(SOCK_STREAM), exact = inet_socket(SOCK_STREAM), client, fd, port;

	CHECK_OK(inet_bind(server, INADDR_ANY, 0));
	CHECK_OK(listen(server, 5));
	port = inet_port(server);
	/* 0.0.0.0 is this machine. */
	client = inet_socket(SOCK_STREAM);
	CHECK_OK(inet_connect(client, INADDR_ANY, port));
	fd = (int)CHECK_OK(accept(server, NULL, NULL));
	CHECK_EQ(inet_ip(fd), LOOPBACK);
	/* All of 127.0.0.0/8 is, too. */
	client = inet_socket(SOCK_STREAM);
	CHECK_OK(inet_connect(client, LOOPBACK + 4, port));
	fd = (int)CHECK_OK(accept(server, NULL, NULL));
	CHECK_EQ(inet_ip(fd), LOOPBACK + 4);
	CHECK_EQ(inet_ip(client), LOOPBACK);
	/* Bound to one of them, it is not found at another one. */
	CHECK_OK(inet_bind(exact, LOOPBACK + 1, 0));
	CHECK_OK(listen(exact, 1));
	client = inet_socket(SOCK_STREAM);
	CHECK_ERR(inet_connect(client, LOOPBACK, inet_port(exact)), ECONNREFUSED);
	CHECK_OK(inet_connect(client, LOOPBACK + 1, inet_port(exact)));
	/* The client's own name. */
	client = inet_socket(SOCK_STREAM);
	CHECK_OK(inet_bind(client, LOOPBACK + 2, 0));
	CHECK_OK(inet_connect(client, LOOPBACK, port));
	CHECK_EQ(inet_ip(client), LOOPBACK + 2);
}

TEST(inet, connect_errors)
{
	int fd = inet_socket(SOCK_STREAM);
	struct sockaddr_in a = inet_address(LOOPBACK, inet_free_port(SOCK_STREAM));
	char c;

	CHECK_ERR(connect(fd, (struct sockaddr *)&a, sizeof(a)), ECONNREFUSED);
	CHECK_ERR(connect(fd, (struct sockaddr *)&a, sizeof(a)), ECONNREFUSED);
	CHECK_ERR(inet_connect(fd, LOOPBACK, 0), ECONNREFUSED);
	CHECK_EQ(inet_option(fd, SOL_SOCKET, SO_ERROR), 0);
	CHECK_ERR(inet_connect(fd, 0x0a000001, 80), ENETUNREACH);
	CHECK_ERR(connect(fd, (struct sockaddr *)&a, 1), EINVAL);
	CHECK_ERR(connect(fd, (struct sockaddr *)&a, sizeof(a) - 1), EINVAL);
	CHECK_ERR(syscall(SYS_connect, fd, 8, sizeof(a)), EFAULT);
	a.sin_family = AF_UNIX;
	CHECK_ERR(connect(fd, (struct sockaddr *)&a, sizeof(a)), EAFNOSUPPORT);
	CHECK_ERR(accept(fd, NULL, NULL), EINVAL);
	CHECK_ERR(accept(inet_socket(SOCK_DGRAM), NULL, NULL), EOPNOTSUPP);
	CHECK_ERR(recv(fd, &c, 1, 0), ENOTCONN);
	CHECK_ERR(send(fd, "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_ERR(shutdown(fd, SHUT_RDWR), ENOTCONN);
	CHECK_ERR(shutdown(fd, 3), EINVAL);
	/* None of it is for ever, not even the port that it had. */
	CHECK_OK(inet_bind(fd, LOOPBACK, 0));
	CHECK_OK(inet_connect(fd, LOOPBACK, inet_port(inet_server(SOCK_STREAM, 1))));
}

TEST(inet, connect_without_waiting)
{
	int server = inet_server(SOCK_STREAM, 5), port = inet_port(server);
	int fd = inet_socket(SOCK_STREAM | SOCK_NONBLOCK);

	CHECK_ERR(inet_connect(fd, LOOPBACK, port), EINPROGRESS);
	CHECK_EQ(inet_wait(fd, POLLOUT), POLLOUT);
	CHECK_EQ(inet_option(fd, SOL_SOCKET, SO_ERROR), 0);
	/* What became of it is told once. */
	CHECK_OK(inet_connect(fd, LOOPBACK, port));
	CHECK_ERR(inet_connect(fd, LOOPBACK, port), EISCONN);
	CHECK_OK(accept(server, NULL, NULL));
	CHECK_ERR(accept4(server, NULL, NULL, 99), EINVAL);
	CHECK_OK(fcntl(server, F_SETFL, O_NONBLOCK));
	CHECK_ERR(accept(server, NULL, NULL), EAGAIN);
}

TEST(inet, refused_without_waiting)
{
	int fd = inet_socket(SOCK_STREAM | SOCK_NONBLOCK), port = inet_free_port(SOCK_STREAM);

	CHECK_ERR(inet_connect(fd, LOOPBACK, port), EINPROGRESS);
	CHECK_EQ(inet_wait(fd, POLLIN), POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR);
	CHECK_EQ(inet_option(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	CHECK_EQ(inet_option(fd, SOL_SOCKET, SO_ERROR), 0);
	CHECK_ERR(inet_connect(fd, LOOPBACK, port), ECONNABORTED);
	CHECK_ERR(inet_connect(fd, LOOPBACK, port), EINPROGRESS);
	inet_wait(fd, POLLIN);
	CHECK_ERR(inet_connect(fd, LOOPBACK, port), ECONNREFUSED);
}

/* With fewer than these, Linux answers by cookies: a connection that finds no room is lost then. */
TEST(inet, backlog)
{
	enum { BACKLOG = 8 };
	int server = inet_server(SOCK_STREAM, BACKLOG), port = inet_port(server), late, n;
	pid_t pid;

	for (n = 0; n <= BACKLOG; n++)
		CHECK_OK(inet_connect(inet_socket(SOCK_STREAM), LOOPBACK, port));
	late = inet_socket(SOCK_STREAM | SOCK_NONBLOCK);
	CHECK_ERR(inet_connect(late, LOOPBACK, port), EINPROGRESS);
	CHECK_ERR(inet_connect(late, LOOPBACK, port), EALREADY);
	CHECK_EQ(inet_ready(late), 0);
	CHECK_ERR(send(late, "x", 1, 0), EAGAIN);
	pid = child();
	if (pid == 0) {
		CHECK_OK(inet_connect(inet_socket(SOCK_STREAM), LOOPBACK, port));
		_exit(0);
	}
	wait_state(pid, "S");
	for (n = 0; n <= BACKLOG + 2; n++)
		CHECK_OK(accept(server, NULL, NULL));
	expect_exit(pid, 0);
	CHECK_EQ(inet_wait(late, POLLOUT) & (POLLOUT | POLLERR), POLLOUT);
	CHECK_OK(inet_connect(late, LOOPBACK, port));
	CHECK_EQ(send(late, "x", 1, 0), 1);
}

/* A connection stays where it is while there is no descriptor for it. */
TEST(inet, accept_without_a_descriptor)
{
	int server = inet_server(SOCK_STREAM, 1), client = inet_socket(SOCK_STREAM), fd;
	struct rlimit old, few;
	char c;

	CHECK_OK(inet_connect(client, LOOPBACK, inet_port(server)));
	CHECK_EQ(write(client, "x", 1), 1);
	CHECK_OK(getrlimit(RLIMIT_NOFILE, &old));
	few = (struct rlimit){ (rlim_t)client + 1, old.rlim_max };
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &few));
	CHECK_ERR(accept(server, NULL, NULL), EMFILE);
	CHECK_ERR(accept(server, NULL, NULL), EMFILE);
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &old));
	fd = (int)CHECK_OK(accept(server, NULL, NULL));
	CHECK_EQ(fd, client + 1);
	CHECK_EQ(read(fd, &c, 1), 1);
	/* One that was meant for a connection that did not come is free again. */
	CHECK_OK(fcntl(server, F_SETFL, O_NONBLOCK));
	CHECK_ERR(accept(server, NULL, NULL), EAGAIN);
	CHECK_EQ(dup(0), fd + 1);
}

static _Atomic bool accepting;

static void *accept_until_shutdown(void *server)
{
	accepting = true;
	CHECK_ERR(accept(*(int *)server, NULL, NULL), EINVAL);
	return NULL;
}

/* The number that a thread in accept has taken: the one that others do not get. */
static int number_taken(int first)
{
	while (!accepting)
		usleep(500);
	/* Each time one more: it may have been taken behind the last one. */
	for (int last = first + 20; last < UT_REPORT_FD; last++) {
		for (int fd = first; fd <= last; fd++)
			if (CHECK_OK(dup(0)) != fd)
				return fd;
		CHECK_OK(syscall(SYS_close_range, first, last, 0));
		usleep(500);
	}
	FAIL("accept takes no number");
}

TEST(inet, number_taken_by_accept)
{
	int server = inet_server(SOCK_STREAM, 1), taken;
	pthread_t thread;
	pid_t pid;

	CHECK_EQ(pthread_create(&thread, NULL, accept_until_shutdown, &server), 0);
	taken = number_taken(server + 1);
	CHECK_ERR(dup2(0, taken), EBUSY);
	CHECK_ERR(fcntl(taken, F_GETFD), EBADF);
	CHECK_ERR(close(taken), EBADF);
	/* A child does not have it. */
	pid = child();
	if (pid == 0) {
		CHECK_EQ(dup(0), taken);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(shutdown(server, SHUT_RD));
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(dup(0), taken);
}

/* Closed while it waited, or before it was accepted. */
TEST(inet, closed_before_accept)
{
	int server = inet_server(SOCK_STREAM, 1), port = inet_port(server), fd, a, b, late;
	char buf[4];

	a = inet_socket(SOCK_STREAM);
	CHECK_OK(inet_connect(a, LOOPBACK, port));
	b = inet_socket(SOCK_STREAM);
	CHECK_OK(inet_connect(b, LOOPBACK, port));
	late = inet_socket(SOCK_STREAM | SOCK_NONBLOCK);
	CHECK_ERR(inet_connect(late, LOOPBACK, port), EINPROGRESS);
	CHECK_OK(close(late));
	CHECK_EQ(send(a, "bye", 3, 0), 3);
	CHECK_OK(close(a));
	fd = (int)CHECK_OK(accept(server, NULL, NULL));
	CHECK_EQ(recv(fd, buf, 4, 0), 3);
	CHECK_EQ(recv(fd, buf, 4, 0), 0);
	/* The listener goes: who was not accepted is told. */
	CHECK_OK(close(server));
	inet_wait(b, POLLIN);
	CHECK_ERR(recv(b, buf, 4, 0), ECONNRESET);
	CHECK_EQ(recv(b, buf, 4, 0), 0);
	CHECK_ERR(inet_connect(inet_socket(SOCK_STREAM), LOOPBACK, port), ECONNREFUSED);
}

TEST(inet, shutdown_of_a_listener)
{
	int server = inet_server(SOCK_STREAM, 5), port = inet_port(server), fd, other;
	pid_t pid;
	char c;

	fd = inet_socket(SOCK_STREAM);
	CHECK_OK(inet_connect(fd, LOOPBACK, port));
	CHECK_OK(shutdown(server, SHUT_WR));
	other = (int)CHECK_OK(accept(server, NULL, NULL));
	CHECK_OK(close(fd));
	CHECK_OK(close(other));
	pid = child();
	if (pid == 0) {
		CHECK_ERR(accept(server, NULL, NULL), EINVAL);
		_exit(0);
	}
	wait_state(pid, "S");
	CHECK_OK(shutdown(server, SHUT_RDWR));
	expect_exit(pid, 0);
	CHECK_ERR(inet_connect(inet_socket(SOCK_STREAM), LOOPBACK, port), ECONNREFUSED);
	/* It may listen again. */
	CHECK_OK(listen(server, 1));
	fd = inet_socket(SOCK_STREAM);
	CHECK_OK(inet_connect(fd, LOOPBACK, inet_port(server)));
	CHECK_OK(shutdown(server, SHUT_RD));
	inet_wait(fd, POLLIN);
	CHECK_ERR(recv(fd, &c, 1, 0), ECONNRESET);
}

TEST(inet, disconnect)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	int fd[2], server;
	char c;

	inet_pair(fd);
	CHECK_OK(connect(fd[0], &none, sizeof(none)));
	inet_wait(fd[1], POLLIN);
	CHECK_ERR(recv(fd[1], &c, 1, 0), ECONNRESET);
	CHECK_ERR(recv(fd[0], &c, 1, 0), ECONNRESET);
	CHECK_ERR(recv(fd[0], &c, 1, 0), ENOTCONN);
	server = inet_server(SOCK_STREAM, 1);
	CHECK_OK(inet_connect(fd[0], LOOPBACK, inet_port(server)));
	CHECK_OK(accept(server, NULL, NULL));
	CHECK_EQ(inet_ready(fd[0]), POLLOUT);
}

TEST(inet, options)
{
	int server = inet_server(SOCK_STREAM, 1), client, fd;
	struct linger l = { 1, 7 };
	socklen_t len = sizeof(l);

	CHECK_EQ(inet_option(server, IPPROTO_TCP, TCP_NODELAY), 0);
	inet_set(server, IPPROTO_TCP, TCP_NODELAY, 5);
	CHECK_EQ(inet_option(server, IPPROTO_TCP, TCP_NODELAY), 1);
	inet_set(server, SOL_SOCKET, SO_KEEPALIVE, 1);
	inet_set(server, SOL_SOCKET, SO_BROADCAST, 1);
	CHECK_EQ(inet_option(server, SOL_SOCKET, SO_BROADCAST), 1);
	CHECK_OK(setsockopt(server, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	CHECK_ERR(setsockopt(server, SOL_SOCKET, SO_LINGER, &l, sizeof(l) - 1), EINVAL);
	/* What is accepted begins with them. */
	client = inet_socket(SOCK_STREAM);
	CHECK_OK(inet_connect(client, LOOPBACK, inet_port(server)));
	fd = (int)CHECK_OK(accept(server, NULL, NULL));
	CHECK_EQ(inet_option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	CHECK_EQ(inet_option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	CHECK_EQ(inet_option(client, SOL_SOCKET, SO_KEEPALIVE), 0);
	l.l_linger = 0;
	CHECK_OK(getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len));
	CHECK_EQ(l.l_onoff, 1);
	CHECK_EQ(l.l_linger, 7);
	CHECK_ERR(setsockopt(fd, IPPROTO_TCP, 9999, &l, sizeof(l)), ENOPROTOOPT);
	CHECK_ERR(getsockopt(fd, SOL_SOCKET, 9999, &l, &len), ENOPROTOOPT);
	CHECK_ERR(setsockopt(fd, 9999, 1, &l, sizeof(l)), ENOPROTOOPT);
	CHECK_ERR(setsockopt(inet_socket(SOCK_DGRAM), IPPROTO_TCP, TCP_NODELAY, &l, sizeof(l)),
		  ENOPROTOOPT);
	CHECK_ERR(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &l, 3), EINVAL);
}

/* AF_INET datagrams: addresses, connections, what is lost. */
#include "ut.h"

#include <limits.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#include "inet.h"

static ssize_t send_to(int fd, uint32_t ip, int port, const void *data, size_t n)
{
	struct sockaddr_in a = inet_address(ip, port);

	return sendto(fd, data, n, 0, (struct sockaddr *)&a, sizeof(a));
}

/* The next datagram's bytes, and from which port and address it is. */
static ssize_t receive(int fd, char *buf, size_t n, int *port, uint32_t *ip)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	ssize_t got = CHECK_OK(recvfrom(fd, buf, n, 0, (struct sockaddr *)&a, &len));

	CHECK_EQ(len, sizeof(a));
	CHECK_EQ(a.sin_family, AF_INET);
	*port = ntohs(a.sin_port);
	*ip = ntohl(a.sin_addr.s_addr);
	return got;
}

TEST(inet, udp_addresses)
{
	int a = inet_socket(SOCK_DGRAM), b = inet_server(SOCK_DGRAM, 0), port;
	char buf[8];
	uint32_t ip;

	CHECK_EQ(inet_ready(a), POLLOUT);
	CHECK_EQ(send_to(a, LOOPBACK, inet_port(b), "one", 3), 3);
	CHECK(inet_port(a) != 0);
	CHECK_EQ(inet_ip(a), INADDR_ANY);
	CHECK_EQ(inet_wait(b, POLLIN), POLLIN | POLLOUT);
	CHECK_EQ(receive(b, buf, 8, &port, &ip), 3);
	CHECK_EQ(port, inet_port(a));
	CHECK_EQ(ip, LOOPBACK);
	CHECK_EQ(send_to(b, ip, port, "back", 4), 4);
	CHECK_EQ(receive(a, buf, 8, &port, &ip), 4);
	CHECK_EQ(port, inet_port(b));
	/* To 0.0.0.0 is to this machine. */
	CHECK_EQ(send_to(a, INADDR_ANY, inet_port(b), "two", 3), 3);
	CHECK_EQ(receive(b, buf, 8, &port, &ip), 3);
	/* From another of its addresses, to which 0.0.0.0 is itself. */
	a = inet_socket(SOCK_DGRAM);
	CHECK_OK(inet_bind(a, LOOPBACK + 1, 0));
	CHECK_EQ(send_to(a, LOOPBACK, inet_port(b), "three", 5), 5);
	CHECK_EQ(receive(b, buf, 8, &port, &ip), 5);
	CHECK_EQ(ip, LOOPBACK + 1);
	CHECK_EQ(send_to(a, INADDR_ANY, inet_port(a), "me", 2), 2);
	CHECK_EQ(receive(a, buf, 8, &port, &ip), 2);
	CHECK_EQ(port, inet_port(a));
}

TEST(inet, udp_connect)
{
	int a = inet_socket(SOCK_DGRAM), b = inet_server(SOCK_DGRAM, 0);
	int c = inet_server(SOCK_DGRAM, 0), port;
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	char buf[8];

	CHECK_OK(inet_connect(a, LOOPBACK, inet_port(b)));
	CHECK_EQ(inet_ip(a), LOOPBACK);
	CHECK_EQ(inet_peer_port(a), inet_port(b));
	port = inet_port(a);
	CHECK_EQ(send(a, "x", 1, 0), 1);
	CHECK_EQ(recv(b, buf, 8, 0), 1);
	/* From there only. */
	CHECK_EQ(send_to(c, LOOPBACK, port, "no", 2), 2);
	CHECK_EQ(send_to(b, LOOPBACK, port, "yes", 3), 3);
	CHECK_EQ(recv(a, buf, 8, 0), 3);
	CHECK_ERR(recv(a, buf, 8, MSG_DONTWAIT), EAGAIN);
	/* To somebody else for once, and from now on. */
	CHECK_EQ(send_to(a, LOOPBACK, inet_port(c), "once", 4), 4);
	CHECK_EQ(recv(c, buf, 8, 0), 4);
	CHECK_OK(inet_connect(a, LOOPBACK, inet_port(c)));
	CHECK_EQ(inet_peer_port(a), inet_port(c));
	CHECK_EQ(inet_port(a), port);
	CHECK_EQ(send_to(c, LOOPBACK, port, "now", 3), 3);
	CHECK_EQ(recv(a, buf, 8, 0), 3);
	CHECK_OK(connect(a, &none, sizeof(none)));
	CHECK_ERR(getpeername(a, (struct sockaddr *)buf, &(socklen_t){ 8 }), ENOTCONN);
	/* The name went with the connection that chose it. */
	CHECK_EQ(inet_port(a), 0);
	CHECK_EQ(inet_ip(a), INADDR_ANY);
	CHECK_ERR(send(a, "x", 1, 0), EDESTADDRREQ);
}

TEST(inet, udp_disconnect_keeps_a_name)
{
	int fd = inet_socket(SOCK_DGRAM), port = inet_free_port(SOCK_DGRAM);
	int peer = inet_server(SOCK_DGRAM, 0);
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	char buf[4];

	CHECK_OK(inet_bind(fd, INADDR_ANY, port));
	CHECK_OK(inet_connect(fd, LOOPBACK, inet_port(peer)));
	CHECK_EQ(inet_ip(fd), LOOPBACK);
	CHECK_ERR(inet_bind(fd, LOOPBACK, 0), EINVAL);
	CHECK_OK(connect(fd, &none, sizeof(none)));
	CHECK_EQ(inet_ip(fd), INADDR_ANY);
	CHECK_EQ(inet_port(fd), port);
	CHECK_EQ(send_to(inet_server(SOCK_DGRAM, 0), LOOPBACK, port, "any", 3), 3);
	CHECK_EQ(recv(fd, buf, 4, 0), 3);
}

/* The next datagram tells its destination in room bytes at h; ip 0: nothing. */
static void expect_destination(int fd, struct cmsghdr *h, size_t room, uint32_t ip, int port)
{
	struct sockaddr_in to = inet_address(ip, port);
	char byte;
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = h,
			    .msg_controllen = room };

	CHECK_EQ(recvmsg(fd, &m, 0), 1);
	CHECK_EQ(m.msg_flags, room < CMSG_LEN(sizeof(to)) ? MSG_CTRUNC : 0);
	if (m.msg_flags)
		return;
	CHECK_EQ(m.msg_controllen, ip ? CMSG_SPACE(sizeof(to)) : 0);
	if (!ip)
		return;
	CHECK_EQ(h->cmsg_level, SOL_IP);
	CHECK_EQ(h->cmsg_type, IP_ORIGDSTADDR);
	CHECK_EQ(h->cmsg_len, CMSG_LEN(sizeof(to)));
	CHECK(memcmp(CMSG_DATA(h), &to, sizeof(to)) == 0);
}

/* A receiver at any address may ask which one was meant, even after the datagram came. */
TEST(inet, udp_tells_the_destination)
{
	union {
		struct cmsghdr h;
		char bytes[100];
	} c;
	int to = inet_socket(SOCK_DGRAM), from = inet_socket(SOCK_DGRAM), port, pair[2];

	CHECK_OK(inet_bind(to, INADDR_ANY, 0));
	port = inet_port(to);
	CHECK_EQ(inet_option(to, IPPROTO_IP, IP_RECVORIGDSTADDR), 0);
	CHECK_EQ(send_to(from, LOOPBACK + 1, port, "a", 1), 1);
	expect_destination(to, &c.h, sizeof(c), 0, 0);
	CHECK_EQ(send_to(from, LOOPBACK + 1, port, "b", 1), 1);
	inet_set(to, IPPROTO_IP, IP_RECVORIGDSTADDR, 5);
	CHECK_EQ(inet_option(to, IPPROTO_IP, IP_RECVORIGDSTADDR), 1);
	expect_destination(to, &c.h, sizeof(c), LOOPBACK + 1, port);
	CHECK_EQ(send_to(from, INADDR_ANY, port, "c", 1), 1);
	expect_destination(to, &c.h, sizeof(c), LOOPBACK, port);
	CHECK_OK(inet_connect(from, LOOPBACK + 2, port));
	CHECK_EQ(write(from, "d", 1), 1);
	expect_destination(to, &c.h, sizeof(c), LOOPBACK + 2, port);
	CHECK_EQ(write(from, "e", 1), 1);
	expect_destination(to, &c.h, 0, 0, 0);
	inet_set(to, IPPROTO_IP, IP_RECVORIGDSTADDR, 0);
	CHECK_EQ(write(from, "f", 1), 1);
	expect_destination(to, &c.h, sizeof(c), 0, 0);
	/* A connection has one destination: nobody is told. */
	inet_pair(pair);
	inet_set(pair[1], IPPROTO_IP, IP_RECVORIGDSTADDR, 1);
	CHECK_EQ(write(pair[0], "g", 1), 1);
	expect_destination(pair[1], &c.h, sizeof(c), 0, 0);
	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	CHECK_ERR(setsockopt(pair[0], IPPROTO_IP, IP_RECVORIGDSTADDR, &port, sizeof(port)),
		  EOPNOTSUPP);
}

TEST(inet, udp_errors)
{
	static char big[70000];
	int fd = inet_socket(SOCK_DGRAM), to = inet_server(SOCK_DGRAM, 0);
	struct sockaddr_in a = inet_address(LOOPBACK, inet_port(to));

	CHECK_ERR(send(fd, "x", 1, 0), EDESTADDRREQ);
	CHECK_ERR(send_to(fd, LOOPBACK, 0, "x", 1), EINVAL);
	CHECK_ERR(send_to(fd, 0x0a000001, 99, "x", 1), ENETUNREACH);
	CHECK_ERR(inet_connect(fd, 0x0a000001, 99), ENETUNREACH);
	CHECK_ERR(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof(a) - 1), EINVAL);
	CHECK_ERR(syscall(SYS_sendto, fd, "x", 1, 0, 8, sizeof(a)), EFAULT);
	CHECK_ERR(syscall(SYS_sendto, fd, 8, 10, 0, &a, sizeof(a)), EFAULT);
	CHECK_ERR(sendto(fd, "x", 1, MSG_OOB, (struct sockaddr *)&a, sizeof(a)), EOPNOTSUPP);
	a.sin_family = AF_UNIX;
	CHECK_ERR(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)), EAFNOSUPPORT);
	CHECK_ERR(connect(fd, (struct sockaddr *)&a, sizeof(a)), EAFNOSUPPORT);
	/* 64 KiB less what the headers take. */
	CHECK_ERR(send_to(fd, LOOPBACK, inet_port(to), big, 65508), EMSGSIZE);
	CHECK_EQ(send_to(fd, LOOPBACK, inet_port(to), big, 65507), 65507);
	CHECK_EQ(recv(to, big, sizeof(big), 0), 65507);
}

TEST(inet, udp_packets)
{
	int a = inet_socket(SOCK_DGRAM), b = inet_server(SOCK_DGRAM, 0), n;
	struct iovec v;
	struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1 };
	char buf[16];

	CHECK_OK(inet_connect(a, LOOPBACK, inet_port(b)));
	CHECK_EQ(send(a, "abcdef", 6, 0), 6);
	CHECK_EQ(send(a, "", 0, 0), 0);
	CHECK_EQ(send(a, "xy", 2, 0), 2);
	inet_wait(b, POLLIN);
	CHECK_OK(ioctl(b, FIONREAD, &n));
	CHECK_EQ(n, 6);
	CHECK_EQ(recv(b, buf, 4, MSG_PEEK | MSG_TRUNC), 6);
	v = (struct iovec){ buf, 4 };
	CHECK_EQ(recvmsg(b, &h, 0), 4);
	CHECK_EQ(h.msg_flags, MSG_TRUNC);
	CHECK(!memcmp(buf, "abcd", 4));
	CHECK_EQ(recv(b, buf, 16, 0), 0);
	CHECK_EQ(recv(b, buf, 16, 0), 2);
	CHECK_ERR(recv(b, buf, 16, MSG_DONTWAIT), EAGAIN);
	CHECK_OK(ioctl(b, FIONREAD, &n));
	CHECK_EQ(n, 0);
}

TEST(inet, udp_refused)
{
	int fd = inet_socket(SOCK_DGRAM), port = inet_free_port(SOCK_DGRAM);
	char c;

	/* Who is not connected does not hear of it. */
	CHECK_EQ(send_to(fd, LOOPBACK, port, "x", 1), 1);
	CHECK_EQ(send_to(fd, LOOPBACK, port, "x", 1), 1);
	CHECK_OK(inet_connect(fd, LOOPBACK, port));
	CHECK_EQ(send(fd, "x", 1, 0), 1);
	CHECK_EQ(inet_wait(fd, 0), POLLOUT | POLLERR);
	CHECK_ERR(recv(fd, &c, 1, 0), ECONNREFUSED);
	CHECK_EQ(inet_ready(fd), POLLOUT);
	CHECK_EQ(send(fd, "x", 1, 0), 1);
	inet_wait(fd, 0);
	CHECK_ERR(send(fd, "x", 1, 0), ECONNREFUSED);
	CHECK_EQ(send(fd, "x", 1, 0), 1);
	inet_wait(fd, 0);
	CHECK_EQ(inet_option(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	CHECK_EQ(inet_option(fd, SOL_SOCKET, SO_ERROR), 0);
}

/* What came is told after the error that came later. */
TEST(inet, udp_error_comes_first)
{
	int a = inet_socket(SOCK_DGRAM), b = inet_server(SOCK_DGRAM, 0);
	char buf[4];

	CHECK_OK(inet_connect(a, LOOPBACK, inet_port(b)));
	CHECK_EQ(send_to(b, LOOPBACK, inet_port(a), "x", 1), 1);
	inet_wait(a, POLLIN);
	CHECK_OK(close(b));
	CHECK_EQ(send(a, "x", 1, 0), 1);
	inet_wait(a, 0);
	CHECK_ERR(recv(a, buf, 4, 0), ECONNREFUSED);
	CHECK_EQ(recv(a, buf, 4, 0), 1);
}

TEST(inet, udp_drops_what_has_no_room)
{
	enum { N = 3000 };
	int a = inet_socket(SOCK_DGRAM), b = inet_server(SOCK_DGRAM, 0), i, last = -1, got = 0;

	inet_set(b, SOL_SOCKET, SO_RCVBUF, 8192);
	CHECK_OK(inet_connect(a, LOOPBACK, inet_port(b)));
	for (i = 0; i < N; i++)
		CHECK_EQ(send(a, &i, sizeof(i), 0), sizeof(i));
	CHECK_EQ(inet_ready(a), POLLOUT);
	while (recv(b, &i, sizeof(i), MSG_DONTWAIT) == sizeof(i)) {
		CHECK(i > last);
		last = i;
		got++;
	}
	CHECK_EQ(errno, EAGAIN);
	CHECK_GE(got, 4);
	CHECK_GE(N / 2, got);
	/* There is room again. */
	CHECK_EQ(send(a, &i, sizeof(i), 0), sizeof(i));
	CHECK_EQ(recv(b, &i, sizeof(i), 0), sizeof(i));
}

TEST(inet, udp_shutdown)
{
	int a = inet_socket(SOCK_DGRAM), b = inet_server(SOCK_DGRAM, 0);
	pid_t pid;
	char c;

	CHECK_ERR(shutdown(b, 7), EINVAL);
	pid = child();
	if (pid == 0) {
		CHECK_EQ(recv(b, &c, 1, 0), 0);
		_exit(0);
	}
	wait_state(pid, "S");
	/* It is not connected, and yet who waits is woken. */
	CHECK_ERR(shutdown(b, SHUT_RD), ENOTCONN);
	expect_exit(pid, 0);
	CHECK_OK(inet_connect(a, LOOPBACK, inet_port(b)));
	CHECK_OK(shutdown(a, SHUT_WR));
	/* No SIGPIPE: it is no stream. */
	CHECK_ERR(send(a, "x", 1, 0), EPIPE);
	CHECK_EQ(inet_ready(a), POLLOUT);
	CHECK_OK(shutdown(a, SHUT_RD));
	CHECK_EQ(inet_ready(a), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
}

TEST(inet, udp_names_in_use)
{
	int a = inet_server(SOCK_DGRAM, 0), port = inet_port(a), b = inet_socket(SOCK_DGRAM), any;
	char buf[8];

	CHECK_ERR(inet_bind(b, LOOPBACK, port), EADDRINUSE);
	CHECK_ERR(inet_bind(b, INADDR_ANY, port), EADDRINUSE);
	inet_set(b, SOL_SOCKET, SO_REUSEADDR, 1);
	CHECK_ERR(inet_bind(b, LOOPBACK, port), EADDRINUSE);
	inet_set(a, SOL_SOCKET, SO_REUSEADDR, 1);
	/* The nearest name gets it: an address before any, the sender before both. */
	any = b;
	CHECK_OK(inet_bind(any, INADDR_ANY, port));
	b = inet_socket(SOCK_DGRAM);
	CHECK_EQ(send_to(b, LOOPBACK, port, "a", 1), 1);
	CHECK_EQ(recv(a, buf, 8, 0), 1);
	CHECK_EQ(send_to(b, LOOPBACK + 1, port, "any", 3), 3);
	CHECK_EQ(recv(any, buf, 8, 0), 3);
	CHECK_OK(inet_connect(any, LOOPBACK, inet_port(b)));
	CHECK_EQ(send_to(b, LOOPBACK, port, "you", 3), 3);
	CHECK_EQ(recv(any, buf, 8, 0), 3);
	CHECK_ERR(recv(a, buf, 8, MSG_DONTWAIT), EAGAIN);
}

TEST(inet, udp_broadcast)
{
	int fd = inet_socket(SOCK_DGRAM), to = inet_socket(SOCK_DGRAM), port;
	char buf[4];

	CHECK_OK(inet_bind(to, INADDR_ANY, 0));
	port = inet_port(to);
	CHECK_ERR(send_to(fd, 0x7fffffff, port, "x", 1), EACCES);
	CHECK_ERR(inet_connect(fd, 0x7fffffff, port), EACCES);
	inet_set(fd, SOL_SOCKET, SO_BROADCAST, 1);
	CHECK_EQ(send_to(fd, 0x7fffffff, port, "x", 1), 1);
	CHECK_EQ(recv(to, buf, 4, 0), 1);
	CHECK_ERR(inet_connect(inet_socket(SOCK_STREAM), 0x7fffffff, port), ENETUNREACH);
}

TEST(inet, udp_many_at_once)
{
	int a = inet_socket(SOCK_DGRAM), b = inet_server(SOCK_DGRAM, 0);
	struct sockaddr_in to = inet_address(LOOPBACK, inet_port(b)), from[4];
	struct mmsghdr h[4] = { 0 };
	struct iovec v[4];
	char buf[4][8];

	for (int i = 0; i < 4; i++) {
		memset(buf[i], 'a' + i, 8);
		v[i] = (struct iovec){ buf[i], (size_t)i + 1 };
		h[i].msg_hdr = (struct msghdr){ .msg_iov = &v[i], .msg_iovlen = 1, .msg_name = &to,
						.msg_namelen = sizeof(to) };
	}
	CHECK_EQ(sendmmsg(a, h, 4, 0), 4);
	memset(buf, 0, sizeof(buf));
	for (int i = 0; i < 4; i++) {
		v[i].iov_len = 8;
		h[i].msg_hdr.msg_name = &from[i];
		h[i].msg_hdr.msg_namelen = sizeof(from[i]);
	}
	CHECK_EQ(recvmmsg(b, h, 4, 0, NULL), 4);
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(h[i].msg_len, i + 1);
		CHECK_EQ(h[i].msg_hdr.msg_namelen, sizeof(from[i]));
		CHECK_EQ(buf[i][i], 'a' + i);
		CHECK_EQ(ntohs(from[i].sin_port), inet_port(a));
	}
}

TEST(inet, udp_waits)
{
	struct timeval tv = { 0, 50000 };
	int a = inet_socket(SOCK_DGRAM), b = inet_server(SOCK_DGRAM, 0), epoll;
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };
	pid_t pid;
	char buf[4];

	pid = child();
	if (pid == 0) {
		CHECK_EQ(recv(b, buf, 4, 0), 2);
		_exit(0);
	}
	wait_state(pid, "S");
	CHECK_EQ(send_to(a, LOOPBACK, inet_port(b), "up", 2), 2);
	expect_exit(pid, 0);
	CHECK_OK(setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	CHECK_ERR(recv(b, buf, 4, 0), EAGAIN);
	epoll = (int)CHECK_OK(epoll_create1(0));
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, b, &e));
	CHECK_EQ(epoll_wait(epoll, &e, 1, 0), 0);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(send_to(a, LOOPBACK, inet_port(b), "x", 1), 1);
		CHECK_EQ(epoll_wait(epoll, &e, 1, -1), 1);
		CHECK_EQ(epoll_wait(epoll, &e, 1, 0), 0);
	}
}

/* Whether /proc/net/NAME has a socket with this local port in this state. */
static bool listed(const char *name, int port, unsigned int want)
{
	char path[32], line[256];
	unsigned int ip, local, state;
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/net/%s", name);
	f = fopen(path, "r");
	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f))
		found |= sscanf(line, " %*d: %X:%X %*8X:%*4X %X", &ip, &local, &state) == 3 &&
			 ip == htonl(LOOPBACK) && (int)local == port && state == want;
	fclose(f);
	return found;
}

TEST(inet, tables_in_proc)
{
	enum { ESTABLISHED = 1, FIN_WAIT1 = 4, FIN_WAIT2, CLOSE = 7, CLOSE_WAIT, LISTEN = 10 };
	int fd[2], server = inet_server(SOCK_STREAM, 1), udp = inet_server(SOCK_DGRAM, 0);

	inet_pair(fd);
	CHECK(listed("tcp", inet_port(server), LISTEN));
	CHECK(listed("tcp", inet_port(fd[0]), ESTABLISHED));
	CHECK(listed("udp", inet_port(udp), CLOSE));
	CHECK(!listed("tcp", inet_port(udp), CLOSE));
	CHECK_OK(inet_connect(udp, LOOPBACK, 9));
	CHECK(listed("udp", inet_port(udp), ESTABLISHED));
	CHECK_OK(shutdown(fd[0], SHUT_WR));
	inet_wait(fd[1], POLLRDHUP);
	/* The other side may take its time to say that it knows. */
	CHECK(listed("tcp", inet_port(fd[0]), FIN_WAIT1) ||
	      listed("tcp", inet_port(fd[0]), FIN_WAIT2));
	CHECK(listed("tcp", inet_port(fd[1]), CLOSE_WAIT));
}

#define RANGE "/proc/sys/net/ipv4/ip_local_port_range"

static int range_set(const char *text)
{
	int fd = (int)CHECK_OK(open(RANGE, O_WRONLY)), err;

	err = write(fd, text, strlen(text)) < 0 ? errno : 0;
	CHECK_OK(close(fd));
	return err;
}

TEST(inet, range_of_ports, .root = true)
{
	int fd[5], result[5], low, high, asked, sent;
	char before[64];

	file_text(RANGE, before, sizeof(before));
	CHECK_EQ(sscanf(before, "%d %d", &low, &high), 2);
	CHECK_GE(low, 1024);
	CHECK_GE(high, low);
	CHECK_EQ(range_set("20103 20100\n"), EINVAL);
	CHECK_EQ(range_set("20 20100\n"), EINVAL);
	CHECK_EQ(range_set("ports\n"), EINVAL);
	CHECK_EQ(range_set("20100\t20103\n"), 0);
	for (int i = 0; i < 5; i++) {
		fd[i] = inet_socket(SOCK_STREAM);
		result[i] = inet_bind(fd[i], LOOPBACK, 0) ? errno : 0;
	}
	asked = inet_connect(fd[4], LOOPBACK, inet_port(fd[0])) ? errno : 0;
	for (int i = 0; i < 4; i++)
		(void)inet_bind(inet_socket(SOCK_DGRAM), INADDR_ANY, 20100 + i);
	sent = send_to(inet_socket(SOCK_DGRAM), LOOPBACK, 9, "x", 1) < 0 ? errno : 0;
	CHECK_EQ(range_set(before), 0);
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(result[i], 0);
		CHECK(inet_port(fd[i]) >= 20100 && inet_port(fd[i]) <= 20103);
	}
	CHECK_EQ(result[4], EADDRINUSE);
	CHECK_EQ(asked, EADDRNOTAVAIL);
	CHECK_EQ(sent, EAGAIN);
}

static void set_byte(int fd, int name, char value)
{
	CHECK_OK(setsockopt(fd, IPPROTO_IP, name, &value, 1));
}

/* The next piece of control must be this one. */
static struct cmsghdr *piece(struct msghdr *m, struct cmsghdr *last, int type, const void *data,
			     size_t len)
{
	struct cmsghdr *c = last ? CMSG_NXTHDR(m, last) : CMSG_FIRSTHDR(m);

	CHECK(c != NULL);
	CHECK_EQ(c->cmsg_level, IPPROTO_IP);
	CHECK_EQ(c->cmsg_type, type);
	CHECK_EQ(c->cmsg_len, CMSG_LEN(len));
	CHECK_EQ(memcmp(CMSG_DATA(c), data, len), 0);
	return c;
}

/* What recvmsg(2) tells of a datagram: where it came in, how, and whom it was for. */
TEST(inet, udp_facts)
{
	int to = inet_socket(SOCK_DGRAM), from = inet_socket(SOCK_DGRAM), ttl = 7;
	struct in_pktinfo info = {.ipi_ifindex = 1, .ipi_spec_dst.s_addr = htonl(LOOPBACK + 4),
				  .ipi_addr.s_addr = htonl(LOOPBACK + 4)};
	char control[256] __attribute__((aligned(8))), c;
	struct iovec v = {.iov_base = &c, .iov_len = 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control,
			   .msg_controllen = sizeof(control)};
	unsigned char tos = 0x21;
	struct sockaddr_in target;
	struct cmsghdr *at;

	CHECK_OK(inet_bind(to, INADDR_ANY, 0));
	target = inet_address(LOOPBACK + 4, inet_port(to));
	inet_set(to, IPPROTO_IP, IP_RECVORIGDSTADDR, 1);
	set_byte(to, IP_RECVTOS, 3);
	inet_set(to, IPPROTO_IP, IP_PKTINFO, 1);
	inet_set(to, IPPROTO_IP, IP_RECVTTL, 1);
	CHECK_EQ(inet_option(to, IPPROTO_IP, IP_RECVTOS), 1);
	inet_set(from, IPPROTO_IP, IP_TTL, ttl);
	inet_set(from, IPPROTO_IP, IP_TOS, tos);
	CHECK_EQ(sendto(from, "x", 1, 0, (struct sockaddr *)&target, sizeof(target)), 1);
	CHECK_EQ(recvmsg(to, &m, 0), 1);
	at = piece(&m, NULL, IP_PKTINFO, &info, sizeof(info));
	at = piece(&m, at, IP_TTL, &ttl, sizeof(ttl));
	at = piece(&m, at, IP_TOS, &tos, 1);
	at = piece(&m, at, IP_ORIGDSTADDR, &target, sizeof(target));
	CHECK(CMSG_NXTHDR(&m, at) == NULL);
	inet_set(to, IPPROTO_IP, IP_RECVORIGDSTADDR, 0);
	inet_set(to, IPPROTO_IP, IP_PKTINFO, 0);
	inet_set(to, IPPROTO_IP, IP_RECVTTL, 0);
	CHECK_OK(inet_connect(from, LOOPBACK, inet_port(to)));
	CHECK_EQ(send(from, "x", 1, 0), 1);
	m.msg_controllen = sizeof(control);
	CHECK_EQ(recvmsg(to, &m, 0), 1);
	at = piece(&m, NULL, IP_TOS, &tos, 1);
	CHECK(CMSG_NXTHDR(&m, at) == NULL);
}

TEST(inet, ip_options)
{
	int udp = inet_socket(SOCK_DGRAM), tcp = inet_socket(SOCK_STREAM), value = 0;

	CHECK_EQ(inet_option(tcp, IPPROTO_IP, IP_TTL), 64);
	CHECK_ERR(setsockopt(tcp, IPPROTO_IP, IP_TTL, &value, sizeof(value)), EINVAL);
	CHECK_ERR(setsockopt(tcp, IPPROTO_IP, IP_TTL, &value, 0), EINVAL);
	value = 256;
	CHECK_ERR(setsockopt(tcp, IPPROTO_IP, IP_TTL, &value, sizeof(value)), EINVAL);
	set_byte(tcp, IP_TTL, 9);
	CHECK_EQ(inet_option(tcp, IPPROTO_IP, IP_TTL), 9);
	inet_set(tcp, IPPROTO_IP, IP_TTL, -1);
	CHECK_EQ(inet_option(tcp, IPPROTO_IP, IP_TTL), 64);
	inet_set(tcp, IPPROTO_IP, IP_TOS, 0x17);
	CHECK_EQ(inet_option(tcp, IPPROTO_IP, IP_TOS), 0x14);
	inet_set(udp, IPPROTO_IP, IP_TOS, 0x117);
	CHECK_EQ(inet_option(udp, IPPROTO_IP, IP_TOS), 0x17);
	CHECK_OK(setsockopt(udp, IPPROTO_IP, IP_TOS, &value, 0));
	CHECK_EQ(inet_option(udp, IPPROTO_IP, IP_TOS), 0);
	CHECK_ERR(setsockopt(udp, IPPROTO_IP, IP_TOS, NULL, 4), EFAULT);
	CHECK_ERR(setsockopt(udp, IPPROTO_IP, 54, &value, 0), ENOPROTOOPT);
	CHECK_ERR(setsockopt(udp, IPPROTO_TCP, TCP_KEEPIDLE, &value, 4), ENOPROTOOPT);
}

/* How a connection is kept alive is told as it was set, within its limits, and inherited. */
TEST(inet, tcp_options)
{
	static const struct {
		int name, first, most;
	} rows[] = {{TCP_KEEPIDLE, 7200, 32767}, {TCP_KEEPINTVL, 75, 32767}, {TCP_KEEPCNT, 9, 127},
		    {TCP_USER_TIMEOUT, 0, INT_MAX}};
	int server = inet_server(SOCK_STREAM, 1), client = inet_socket(SOCK_STREAM), value, fd;

	for (int i = 0; i < 4; i++) {
		CHECK_EQ(inet_option(server, IPPROTO_TCP, rows[i].name), rows[i].first);
		inet_set(server, IPPROTO_TCP, rows[i].name, rows[i].most);
		for (value = -1; value < (i == 3 ? 0 : 1); value++)
			CHECK_ERR(setsockopt(server, IPPROTO_TCP, rows[i].name, &value, 4), EINVAL);
		value = rows[i].most + 1U;
		CHECK_ERR(setsockopt(server, IPPROTO_TCP, rows[i].name, &value, 4), EINVAL);
		CHECK_ERR(setsockopt(server, IPPROTO_TCP, rows[i].name, &value, 1), EINVAL);
	}
	CHECK_OK(inet_connect(client, LOOPBACK, inet_port(server)));
	fd = (int)CHECK_OK(accept(server, NULL, NULL));
	for (int i = 0; i < 4; i++)
		CHECK_EQ(inet_option(fd, IPPROTO_TCP, rows[i].name), rows[i].most);
}

/*
 * socket: options that are only kept, flags of the interface, urgent data.
 */
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "user/tests/inet.h"
#include "user/tests/ut.h"

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	CHECK_OK(getsockopt(fd, level, name, &value, &len));
	CHECK_EQ(len, sizeof(value));
	return value;
}

static int option_set(int fd, int name, int value)
{
	return setsockopt(fd, SOL_SOCKET, name, &value, sizeof(value));
}

static void options_kept(int fd)
{
	static const int flags[] = {SO_DONTROUTE, SO_OOBINLINE, SO_NO_CHECK};

	for (unsigned int i = 0; i < 3; i++) {
		CHECK_EQ(option(fd, SOL_SOCKET, flags[i]), 0);
		CHECK_OK(option_set(fd, flags[i], 7));
		CHECK_EQ(option(fd, SOL_SOCKET, flags[i]), 1);
		CHECK_OK(option_set(fd, flags[i], 0));
		CHECK_EQ(option(fd, SOL_SOCKET, flags[i]), 0);
	}
	CHECK_EQ(option(fd, SOL_SOCKET, SO_PRIORITY), 0);
	CHECK_OK(option_set(fd, SO_PRIORITY, 6));
	CHECK_EQ(option(fd, SOL_SOCKET, SO_PRIORITY), 6);
	CHECK_EQ(option(fd, SOL_SOCKET, SO_MARK), 0);
}

TEST(socket, options_kept, .root = true)
{
	int fds[] = {socket(AF_UNIX, SOCK_STREAM, 0), socket(AF_UNIX, SOCK_DGRAM, 0),
		     socket(AF_INET, SOCK_STREAM, 0), socket(AF_INET, SOCK_DGRAM, 0)};

	for (int i = 0; i < 4; i++) {
		options_kept(fds[i]);
		CHECK_OK(option_set(fds[i], SO_DEBUG, 1));
		CHECK_EQ(option(fds[i], SOL_SOCKET, SO_DEBUG), 1);
		CHECK_OK(option_set(fds[i], SO_PRIORITY, 7));
		CHECK_OK(option_set(fds[i], SO_MARK, -3));
		CHECK_EQ(option(fds[i], SOL_SOCKET, SO_MARK), -3);
	}
	CHECK_OK(setuid(1000));
	for (int i = 0; i < 4; i++) {
		CHECK_ERR(option_set(fds[i], SO_DEBUG, 1), EACCES);
		CHECK_OK(option_set(fds[i], SO_DEBUG, 0));
		CHECK_ERR(option_set(fds[i], SO_PRIORITY, 7), EPERM);
		CHECK_ERR(option_set(fds[i], SO_PRIORITY, -1), EPERM);
		CHECK_OK(option_set(fds[i], SO_PRIORITY, 5));
		CHECK_ERR(option_set(fds[i], SO_MARK, 1), EPERM);
		CHECK_EQ(option(fds[i], SOL_SOCKET, SO_MARK), -3);
	}
}

/* What is asked of a level that is not the socket's own. */
TEST(socket, options_of_other_levels)
{
	int fd = (int)CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), value = 1;
	socklen_t len = sizeof(value);

	CHECK_ERR(getsockopt(fd, 500, SO_OOBINLINE, &value, &len), EOPNOTSUPP);
	CHECK_ERR(getsockopt(fd, IPPROTO_UDP, SO_OOBINLINE, &value, &len), EOPNOTSUPP);
	CHECK_ERR(getsockopt(fd, IPPROTO_IP, -1, &value, &len), ENOPROTOOPT);
	CHECK_ERR(getsockopt(fd, IPPROTO_TCP, -1, &value, &len), ENOPROTOOPT);
	CHECK_ERR(getsockopt(fd, SOL_SOCKET, SO_OOBINLINE, NULL, &len), EFAULT);
	CHECK_ERR(setsockopt(fd, 500, SO_OOBINLINE, &value, len), ENOPROTOOPT);
	CHECK_ERR(setsockopt(fd, IPPROTO_UDP, SO_OOBINLINE, &value, len), ENOPROTOOPT);
	CHECK_ERR(setsockopt(fd, IPPROTO_UDP, SO_OOBINLINE, &value, 0), ENOPROTOOPT);
	CHECK_ERR(setsockopt(fd, IPPROTO_TCP, 1, &value, 0), EINVAL);
	CHECK_ERR(setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, NULL, len), EFAULT);
	CHECK_ERR(setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &value, 0), EINVAL);
}

TEST(socket, interface_flags, .root = true)
{
	int fd = (int)CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	struct ifreq r = {.ifr_name = "lo"};

	CHECK_OK(ioctl(fd, SIOCGIFFLAGS, &r));
	CHECK_OK(ioctl(fd, SIOCSIFFLAGS, &r));
	CHECK_ERR(ioctl(fd, SIOCSIFFLAGS, NULL), EFAULT);
	CHECK_OK(setuid(1000));
	CHECK_ERR(ioctl(fd, SIOCSIFFLAGS, &r), EPERM);
	strcpy(r.ifr_name, "eth9");
	CHECK_ERR(ioctl(fd, SIOCGIFFLAGS, &r), ENODEV);
}

/* No data is urgent. */
TEST(socket, mark)
{
	int stream = (int)CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), value = -1;
	int datagrams = (int)CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));

	CHECK_OK(ioctl(stream, SIOCATMARK, &value));
	CHECK_EQ(value, 0);
	CHECK_ERR(ioctl(stream, SIOCATMARK, NULL), EFAULT);
	CHECK_ERR(ioctl(datagrams, SIOCATMARK, &value), ENOTTY);
}

static uint64_t clock_ns(void)
{
	struct timespec t;

	CHECK_OK(clock_gettime(CLOCK_REALTIME, &t));
	return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Receives a message; its control data, which fills len bytes of it, or 0. */
static size_t receive(int fd, void *control, size_t room, int *flags)
{
	char byte;
	struct iovec v = { &byte, 1 };
	struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = room };

	CHECK_EQ(recvmsg(fd, &h, 0), 1);
	*flags = h.msg_flags;
	return h.msg_controllen;
}

/* The next message of fd came within these ns of CLOCK_REALTIME, as the option tells. */
static void expect_stamp(int fd, int name, uint64_t from, uint64_t to)
{
	bool ns = name == SO_TIMESTAMPNS || name == SO_TIMESTAMPNS_NEW;
	union {
		struct cmsghdr h;
		char bytes[100];
	} c;
	uint64_t came;
	int64_t t[2];
	int flags;

	CHECK_EQ(receive(fd, &c, sizeof(c), &flags), CMSG_SPACE(sizeof(t)));
	CHECK_EQ(flags, 0);
	CHECK_EQ(c.h.cmsg_level, SOL_SOCKET);
	CHECK_EQ(c.h.cmsg_type, name);
	CHECK_EQ(c.h.cmsg_len, CMSG_LEN(sizeof(t)));
	memcpy(t, CMSG_DATA(&c.h), sizeof(t));
	came = (uint64_t)t[0] * 1000000000 + (uint64_t)t[1] * (ns ? 1 : 1000);
	CHECK_GE(came, ns ? from : from / 1000 * 1000);
	CHECK_GE(to ? to : clock_ns(), came);
}

static const int stamps[] = {SO_TIMESTAMP, SO_TIMESTAMPNS, SO_TIMESTAMP_NEW, SO_TIMESTAMPNS_NEW};

/* Is option asked on when set is? One of the newer ones says so for both. */
static bool is_told(int set, int asked)
{
	return set == asked || (set == SO_TIMESTAMPNS_NEW && asked == SO_TIMESTAMP_NEW);
}

static void stamps_of(int from, int to, bool sent)
{
	union {
		struct cmsghdr h;
		char bytes[100];
	} c;
	int flags;

	for (int i = 0; i < 4; i++) {
		uint64_t before = clock_ns();

		CHECK_OK(option_set(to, stamps[i], 5));
		for (int j = 0; j < 4; j++)
			CHECK_EQ(option(to, SOL_SOCKET, stamps[j]), is_told(stamps[i], stamps[j]));
		CHECK_EQ(write(from, "x", 1), 1);
		expect_stamp(to, stamps[i], before, sent ? clock_ns() : 0);
	}
	CHECK_EQ(write(from, "x", 1), 1);
	CHECK_EQ(receive(to, &c, 0, &flags), 0);
	CHECK_EQ(flags, MSG_CTRUNC);
	/* Any of them ends it. */
	CHECK_OK(option_set(to, SO_TIMESTAMP, 0));
	CHECK_EQ(option(to, SOL_SOCKET, SO_TIMESTAMPNS_NEW), 0);
	CHECK_EQ(write(from, "x", 1), 1);
	CHECK_EQ(receive(to, &c, sizeof(c), &flags), 0);
}

/* When a packet came; of one that was there before anybody asked, when it was read. */
TEST(socket, stamps)
{
	uint64_t before;
	int fd[2], flags;
	char c[100];

	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd));
	stamps_of(fd[0], fd[1], true);
	CHECK_EQ(write(fd[0], "x", 1), 1);
	CHECK_OK(option_set(fd[1], SO_TIMESTAMPNS, 1));
	before = clock_ns();
	expect_stamp(fd[1], SO_TIMESTAMPNS, before, 0);
	CHECK_OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd));
	stamps_of(fd[0], fd[1], true);
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	CHECK_OK(option_set(fd[1], SO_TIMESTAMP, 1));
	CHECK_EQ(write(fd[0], "x", 1), 1);
	CHECK_EQ(receive(fd[1], c, sizeof(c), &flags), 0);
	fd[1] = inet_server(SOCK_DGRAM, 0);
	fd[0] = inet_socket(SOCK_DGRAM);
	CHECK_OK(inet_connect(fd[0], INADDR_LOOPBACK, inet_port(fd[1])));
	stamps_of(fd[0], fd[1], false);
}

/* A reader of any stream waits for so many bytes; poll(2) says so of TCP alone. */
static void expect_least(const int fd[2], bool tells)
{
	char buf[8];
	pid_t pid;

	CHECK_EQ(option(fd[1], SOL_SOCKET, SO_RCVLOWAT), 1);
	CHECK_EQ(option(fd[1], SOL_SOCKET, SO_SNDLOWAT), 1);
	CHECK_ERR(option_set(fd[1], SO_SNDLOWAT, 2), ENOPROTOOPT);
	CHECK_OK(option_set(fd[1], SO_RCVLOWAT, 0));
	CHECK_EQ(option(fd[1], SOL_SOCKET, SO_RCVLOWAT), 1);
	CHECK_OK(option_set(fd[1], SO_RCVLOWAT, 5));
	CHECK_EQ(option(fd[1], SOL_SOCKET, SO_RCVLOWAT), 5);
	CHECK_EQ(send(fd[0], "abc", 3, 0), 3);
	CHECK_EQ(inet_ready(fd[1]), tells ? POLLOUT : POLLIN | POLLOUT);
	/* Who does not wait, or asks for less, has what is there. */
	CHECK_EQ(recv(fd[1], buf, 8, MSG_DONTWAIT | MSG_PEEK), 3);
	CHECK_EQ(recv(fd[1], buf, 1, 0), 1);
	CHECK_EQ(recv(fd[1], buf, 8, MSG_DONTWAIT), 2);
	pid = child();
	if (pid == 0) {
		CHECK_EQ(recv(fd[1], buf, 8, 0), 5);
		CHECK_EQ(memcmp(buf, "defgh", 5), 0);
		_exit(0);
	}
	wait_state(pid, "S");
	CHECK_EQ(send(fd[0], "de", 2, 0), 2);
	wait_state(pid, "S");
	CHECK_EQ(send(fd[0], "fgh", 3, 0), 3);
	expect_exit(pid, 0);
	CHECK_EQ(send(fd[0], "ijklm", 5, 0), 5);
	CHECK_EQ(inet_wait(fd[1], POLLIN), POLLIN | POLLOUT);
	/* The end is enough. */
	CHECK_EQ(recv(fd[1], buf, 4, 0), 4);
	CHECK_OK(shutdown(fd[0], SHUT_WR));
	CHECK_EQ(recv(fd[1], buf, 8, 0), 1);
}

TEST(socket, least_to_read)
{
	int fd[2];

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	expect_least(fd, false);
	inet_pair(fd);
	expect_least(fd, true);
}

/* MSG_PEEK begins behind what was looked at before; what is read does not count any more. */
static void expect_peeks(const int fd[2], bool packets)
{
	char buf[8];

	CHECK_EQ(option(fd[1], SOL_SOCKET, SO_PEEK_OFF), -1);
	CHECK_EQ(send(fd[0], "abcde", 5, 0), 5);
	CHECK_EQ(send(fd[0], "fgh", 3, 0), 3);
	CHECK_EQ(recv(fd[1], buf, 2, MSG_PEEK), 2);
	CHECK_EQ(recv(fd[1], buf, 2, MSG_PEEK), 2);
	CHECK_EQ(buf[0], 'a');
	CHECK_OK(option_set(fd[1], SO_PEEK_OFF, 1));
	CHECK_EQ(recv(fd[1], buf, 2, MSG_PEEK), 2);
	CHECK_EQ(memcmp(buf, "bc", 2), 0);
	CHECK_EQ(option(fd[1], SOL_SOCKET, SO_PEEK_OFF), 3);
	CHECK_EQ(recv(fd[1], buf, 8, MSG_PEEK), packets ? 2 : 5);
	CHECK_EQ(memcmp(buf, "defgh", packets ? 2 : 5), 0);
	if (packets) {
		CHECK_EQ(recv(fd[1], buf, 8, MSG_PEEK), 3);
		CHECK_EQ(memcmp(buf, "fgh", 3), 0);
	}
	CHECK_EQ(option(fd[1], SOL_SOCKET, SO_PEEK_OFF), 8);
	CHECK_ERR(recv(fd[1], buf, 8, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(recv(fd[1], buf, 5, 0), 5);
	CHECK_EQ(memcmp(buf, "abcde", 5), 0);
	CHECK_EQ(option(fd[1], SOL_SOCKET, SO_PEEK_OFF), 3);
	CHECK_EQ(send(fd[0], "i", 1, 0), 1);
	CHECK_EQ(recv(fd[1], buf, 8, MSG_PEEK), 1);
	CHECK_EQ(buf[0], 'i');
	CHECK_OK(option_set(fd[1], SO_PEEK_OFF, -1));
	CHECK_EQ(recv(fd[1], buf, 1, MSG_PEEK), 1);
	CHECK_EQ(buf[0], 'f');
	CHECK_EQ(option(fd[1], SOL_SOCKET, SO_PEEK_OFF), -1);
}

TEST(socket, peeks_further)
{
	int fd[2];

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	expect_peeks(fd, false);
	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd));
	expect_peeks(fd, true);
	CHECK_OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd));
	expect_peeks(fd, true);
	inet_pair(fd);
	expect_peeks(fd, false);
	fd[1] = inet_server(SOCK_DGRAM, 0);
	fd[0] = inet_socket(SOCK_DGRAM);
	CHECK_OK(inet_connect(fd[0], LOOPBACK, inet_port(fd[1])));
	expect_peeks(fd, true);
	fd[0] = (int)CHECK_OK(socket(AF_NETLINK, SOCK_RAW, 0));
	CHECK_ERR(option_set(fd[0], SO_PEEK_OFF, 0), EOPNOTSUPP);
}

/* Either of two powers is enough for a mark and a high priority. */
static void expect_marks(int power, bool allowed)
{
	int fd = inet_socket(SOCK_DGRAM);
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{.effective = 1U << power}};
	pid_t pid = child();

	if (pid == 0) {
		data[0].permitted = data[0].effective;
		CHECK_OK(syscall(SYS_capset, &head, data));
		CHECK_EQ(option_set(fd, SO_MARK, 3), allowed ? 0 : -1);
		CHECK_EQ(option_set(fd, SO_PRIORITY, 7), allowed ? 0 : -1);
		CHECK_OK(option_set(fd, SO_PRIORITY, 6));
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(socket, powers_to_mark, .root = true)
{
	expect_marks(CAP_NET_RAW, true);
	expect_marks(CAP_NET_ADMIN, true);
	expect_marks(CAP_NET_BIND_SERVICE, false);
}

/* Ports are shared where there are ports; credentials may be asked for of any socket. */
TEST(socket, options_of_families)
{
	int fds[] = {socket(AF_UNIX, SOCK_STREAM, 0), socket(AF_UNIX, SOCK_DGRAM, 0),
		     socket(AF_NETLINK, SOCK_RAW, 0), socket(AF_INET, SOCK_STREAM, 0),
		     socket(AF_INET, SOCK_DGRAM, 0)};

	for (int i = 0; i < 5; i++) {
		CHECK_OK(option_set(fds[i], SO_REUSEPORT, 0));
		if (i < 3)
			CHECK_ERR(option_set(fds[i], SO_REUSEPORT, 1), EOPNOTSUPP);
		else
			CHECK_OK(option_set(fds[i], SO_REUSEPORT, 1));
		CHECK_EQ(option(fds[i], SOL_SOCKET, SO_REUSEPORT), i >= 3);
		CHECK_OK(option_set(fds[i], SO_PASSCRED, 3));
		CHECK_EQ(option(fds[i], SOL_SOCKET, SO_PASSCRED), 1);
	}
}

/* AF_INET streams: urgent data: the mark, what is read before it and behind it, who is told. */
#include "ut.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "inet.h"

static int at_mark(int fd)
{
	int value = -1;

	CHECK_OK(ioctl(fd, SIOCATMARK, &value));
	return value;
}

static int unread(int fd)
{
	int value = -1;

	CHECK_OK(ioctl(fd, FIONREAD, &value));
	return value;
}

static short ready(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLPRI};

	CHECK_OK(poll(&p, 1, 0));
	return p.revents;
}

static void until_urgent(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLPRI};

	CHECK_EQ(poll(&p, 1, -1), 1);
}

/* "ab!c", the ! urgent, and all of it there. */
static void send_some(const int fd[2])
{
	CHECK_EQ(send(fd[0], "ab!", 3, MSG_OOB), 3);
	until_urgent(fd[1]);
	CHECK_EQ(send(fd[0], "c", 1, 0), 1);
}

TEST(inet, urgent_apart)
{
	char buf[8];
	int fd[2];

	inet_pair(fd);
	CHECK_ERR(recv(fd[1], buf, 1, MSG_OOB), EINVAL);
	send_some(fd);
	CHECK_EQ(ready(fd[1]), POLLIN | POLLPRI);
	CHECK_EQ(unread(fd[1]), 2);
	CHECK_EQ(at_mark(fd[1]), 0);
	CHECK_EQ(recv(fd[1], buf, 8, MSG_PEEK), 2);
	CHECK_EQ(recv(fd[1], buf, 1, MSG_OOB | MSG_PEEK), 1);
	CHECK_EQ(recv(fd[1], buf, 1, 0), 1);
	CHECK_EQ(buf[0], 'a');
	CHECK_EQ(recv(fd[1], buf, 8, MSG_WAITALL), 1);
	CHECK_EQ(buf[0], 'b');
	CHECK_EQ(at_mark(fd[1]), 1);
	CHECK_EQ(recv(fd[1], buf, 8, MSG_OOB), 1);
	CHECK_EQ(buf[0], '!');
	CHECK_ERR(recv(fd[1], buf, 8, MSG_OOB), EINVAL);
	CHECK_EQ(ready(fd[1]), POLLIN);
	CHECK_EQ(at_mark(fd[1]), 1);
	CHECK_EQ(recv(fd[1], buf, 8, MSG_PEEK), 1);
	CHECK_EQ(buf[0], 'c');
	CHECK_EQ(recv(fd[1], buf, 8, 0), 1);
	CHECK_EQ(buf[0], 'c');
	CHECK_EQ(at_mark(fd[1]), 0);
	/* Who reads past it has lost it. */
	send_some(fd);
	CHECK_EQ(recv(fd[1], buf, 8, 0), 2);
	CHECK_EQ(recv(fd[1], buf, 8, 0), 1);
	CHECK_EQ(buf[0], 'c');
	CHECK_ERR(recv(fd[1], buf, 8, MSG_OOB), EINVAL);
	CHECK_EQ(ready(fd[1]), 0);
}

/* Alone in the queue it is nothing to read. */
TEST(inet, urgent_alone)
{
	char buf[8];
	int fd[2];

	inet_pair(fd);
	CHECK_EQ(send(fd[0], "!", 1, MSG_OOB), 1);
	until_urgent(fd[1]);
	CHECK_EQ(ready(fd[1]), POLLPRI);
	CHECK_EQ(at_mark(fd[1]), 1);
	CHECK_EQ(unread(fd[1]), 0);
	CHECK_EQ(recv(fd[1], buf, 8, MSG_OOB), 1);
	CHECK_ERR(recv(fd[1], buf, 8, MSG_DONTWAIT | MSG_PEEK), EAGAIN);
	CHECK_ERR(recv(fd[1], buf, 8, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(at_mark(fd[1]), 0);
	CHECK_EQ(send(fd[0], "!", 1, MSG_OOB), 1);
	until_urgent(fd[1]);
	CHECK_OK(close(fd[0]));
	inet_wait(fd[1], POLLRDHUP);
	CHECK_EQ(recv(fd[1], buf, 8, 0), 0);
}

TEST(inet, urgent_inline)
{
	char buf[8];
	int fd[2];

	inet_pair(fd);
	inet_set(fd[1], SOL_SOCKET, SO_OOBINLINE, 1);
	send_some(fd);
	CHECK_EQ(ready(fd[1]), POLLIN | POLLPRI);
	CHECK_EQ(unread(fd[1]), 4);
	CHECK_ERR(recv(fd[1], buf, 8, MSG_OOB), EINVAL);
	CHECK_EQ(recv(fd[1], buf, 8, 0), 2);
	CHECK_EQ(at_mark(fd[1]), 1);
	CHECK_EQ(recv(fd[1], buf, 8, 0), 2);
	CHECK_EQ(memcmp(buf, "!c", 2), 0);
	CHECK_EQ(at_mark(fd[1]), 0);
	CHECK_EQ(ready(fd[1]), 0);
}

/* The later of two is urgent; the first stays where it is. */
TEST(inet, urgent_twice)
{
	char buf[8];
	int fd[2];

	inet_pair(fd);
	send_some(fd);
	CHECK_EQ(send(fd[0], "d?", 2, MSG_OOB), 2);
	CHECK_EQ(send(fd[0], "e", 1, 0), 1);
	while (unread(fd[1]) != 5)
		;
	CHECK_EQ(recv(fd[1], buf, 8, 0), 5);
	CHECK_EQ(memcmp(buf, "ab!cd", 5), 0);
	CHECK_EQ(recv(fd[1], buf, 1, MSG_OOB), 1);
	CHECK_EQ(buf[0], '?');
	CHECK_EQ(recv(fd[1], buf, 8, 0), 1);
	CHECK_EQ(buf[0], 'e');
}

/* Whoever owns the socket hears of it, O_ASYNC or not. */
TEST(inet, urgent_signal)
{
	siginfo_t info;
	sigset_t set;
	int fd[2];

	inet_pair(fd);
	sigemptyset(&set);
	sigaddset(&set, SIGURG);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	CHECK_OK(fcntl(fd[1], F_SETOWN, getpid()));
	CHECK_EQ(send(fd[0], "!", 1, MSG_OOB), 1);
	CHECK_EQ(sigwaitinfo(&set, &info), SIGURG);
	CHECK_EQ(info.si_code, SI_KERNEL);
	CHECK_EQ(send(fd[0], "x", 1, 0), 1);
	inet_wait(fd[1], POLLIN);
	CHECK_OK(sigpending(&set));
	CHECK(!sigismember(&set, SIGURG));
}

static volatile int urged;

static void count_signal(int sig)
{
	urged += sig == SIGURG;
}

/* The signal that a byte sends does not end the call that waits for those behind it. */
TEST(inet, urgent_signal_restarts)
{
	struct sigaction act = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
	pid_t pid, me = getpid();
	char buf[8];
	int fd[2];

	inet_pair(fd);
	CHECK_OK(sigaction(SIGURG, &act, NULL));
	CHECK_OK(fcntl(fd[1], F_SETOWN, me));
	pid = child();
	if (!pid) {
		wait_state(me, "S");
		CHECK_EQ(send(fd[0], "!", 1, MSG_OOB), 1);
		/* It has passed over the byte when it sleeps and nothing is there. */
		do
			wait_state(me, "S");
		while (unread(fd[1]));
		CHECK_EQ(send(fd[0], "x", 1, 0), 1);
		_exit(0);
	}
	CHECK_EQ(recv(fd[1], buf, sizeof(buf), 0), 1);
	CHECK_EQ(buf[0], 'x');
	CHECK_EQ(urged, 1);
	expect_exit(pid, 0);
}

/* signal(7): a call with a time limit is not made again, whatever the handler says. */
TEST(inet, limited_wait_is_not_restarted)
{
	struct sigaction act = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
	struct timeval limit = {.tv_sec = 100};
	pid_t pid, me = getpid();
	int fd[2], server;
	char c;

	CHECK_OK(sigaction(SIGURG, &act, NULL));
	inet_pair(fd);
	server = inet_server(SOCK_STREAM, 1);
	for (int i = 0; i < 2; i++) {
		int from = i ? server : fd[1];

		CHECK_OK(setsockopt(from, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
		pid = child();
		if (!pid) {
			wait_state(me, "S");
			CHECK_OK(kill(me, SIGURG));
			_exit(0);
		}
		if (i)
			CHECK_ERR(accept(from, NULL, NULL), EINTR);
		else
			CHECK_ERR(recv(from, &c, 1, 0), EINTR);
		expect_exit(pid, 0);
	}
}

/* Where looking goes on is behind what was looked at, whatever was urgent between. */
TEST(inet, urgent_peek_offset)
{
	int fd[2], zero = 0;
	char buf[8];

	inet_pair(fd);
	CHECK_OK(setsockopt(fd[1], SOL_SOCKET, SO_PEEK_OFF, &zero, sizeof(zero)));
	send_some(fd);
	CHECK_EQ(send(fd[0], "d", 1, 0), 1);
	CHECK_EQ(recv(fd[1], buf, 2, MSG_PEEK), 2);
	CHECK_EQ(recv(fd[1], buf, 8, MSG_PEEK), 2);
	CHECK_EQ(memcmp(buf, "cd", 2), 0);
	CHECK_EQ(recv(fd[1], buf, 2, 0), 2);
	CHECK_EQ(recv(fd[1], buf, 1, 0), 1);
	CHECK_EQ(buf[0], 'c');
	CHECK_ERR(recv(fd[1], buf, 1, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
}

TEST(inet, urgent_not_for_all)
{
	int udp = inet_server(SOCK_DGRAM, 0), server = inet_server(SOCK_STREAM, 1);
	char c = 0;

	CHECK_OK(inet_connect(udp, LOOPBACK, inet_port(udp)));
	CHECK_ERR(send(udp, "x", 1, MSG_OOB), EOPNOTSUPP);
	CHECK_ERR(recv(server, &c, 1, MSG_OOB), ENOTCONN);
}

/*
 * async: signals when a file may have become ready (O_ASYNC): of which kinds, what for, to whom.
 */
#include "ut.h"
#include "inet.h"
#include "pty.h"

#include <pthread.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <termios.h>

#define TOLD (SIGRTMIN + 1)
#define BAND_IN	 (POLLIN | POLLRDNORM)
#define BAND_OUT (POLLOUT | POLLWRNORM | POLLWRBAND)

static void flag_set(int fd, int flag, bool on)
{
	int flags = (int)CHECK_OK(fcntl(fd, F_GETFL));

	CHECK_OK(fcntl(fd, F_SETFL, on ? flags | flag : flags & ~flag));
}

/* From now on TOLD says what happens to fd. */
static void watch(int fd)
{
	signal_block(TOLD);
	CHECK_OK(fcntl(fd, F_SETOWN, getpid()));
	CHECK_OK(fcntl(fd, F_SETSIG, TOLD));
	flag_set(fd, O_ASYNC, true);
	CHECK(fcntl(fd, F_GETFL) & O_ASYNC);
}

static void told(int fd, int code, long band)
{
	siginfo_t info = signal_await(TOLD);

	CHECK_EQ(info.si_fd, fd);
	CHECK_EQ(info.si_code, code);
	CHECK_EQ(info.si_band, band);
}

/* Told this, among other things. */
static void told_sometime(int fd, int code)
{
	siginfo_t info;

	do
		info = signal_await(TOLD);
	while (info.si_fd != fd || info.si_code != code);
}

static void forget(void)
{
	struct timespec now = {0};
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, TOLD);
	while (sigtimedwait(&set, &info, &now) > 0)
		;
}

TEST(async, pipe)
{
	char byte;
	int p[2];

	CHECK_OK(pipe(p));
	watch(p[0]);
	CHECK_EQ(write(p[1], "x", 1), 1);
	told(p[0], POLL_IN, BAND_IN);
	/* Each time, not only when it was empty. */
	CHECK_EQ(write(p[1], "x", 1), 1);
	told(p[0], POLL_IN, BAND_IN);
	watch(p[1]);
	CHECK_EQ(read(p[0], &byte, 1), 1);
	told(p[1], POLL_OUT, BAND_OUT);
	CHECK(!signal_pending(TOLD));
	flag_set(p[0], O_ASYNC, false);
	CHECK(!(fcntl(p[0], F_GETFL) & O_ASYNC));
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK(!signal_pending(TOLD));
	CHECK_OK(close(p[0]));
	told(p[1], POLL_OUT, BAND_OUT);
}

TEST(async, pipe_ends)
{
	int p[2];

	CHECK_OK(pipe(p));
	watch(p[0]);
	CHECK_OK(close(p[1]));
	told(p[0], POLL_IN, BAND_IN);
	CHECK(!signal_pending(TOLD));
}

TEST(async, pipe_spliced)
{
	int p[2], q[2];

	CHECK_OK(pipe(p));
	CHECK_OK(pipe(q));
	CHECK_EQ(write(p[1], "x", 1), 1);
	watch(p[1]);
	CHECK_EQ(splice(p[0], NULL, q[1], NULL, 1, 0), 1);
	told(p[1], POLL_OUT, BAND_OUT);
	watch(q[0]);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(tee(p[0], q[1], 1, 0), 1);
	told(q[0], POLL_IN, BAND_IN);
}

/* Both ends in one. */
TEST(async, fifo)
{
	char byte;
	int fd;

	CHECK_OK(mkfifo("f", 0600));
	fd = (int)CHECK_OK(open("f", O_RDWR));
	watch(fd);
	CHECK_EQ(write(fd, "x", 1), 1);
	told(fd, POLL_IN, BAND_IN);
	CHECK_EQ(read(fd, &byte, 1), 1);
	told(fd, POLL_OUT, BAND_OUT);
}

/* Without F_SETSIG it is SIGIO, which says nothing more. */
TEST(async, plain)
{
	int p[2], on = 1;
	siginfo_t info;

	CHECK_OK(pipe(p));
	signal_block(SIGIO);
	CHECK_OK(fcntl(p[0], F_SETOWN, getpid()));
	CHECK_OK(ioctl(p[0], FIOASYNC, &on));
	CHECK(fcntl(p[0], F_GETFL) & O_ASYNC);
	CHECK_EQ(write(p[1], "x", 1), 1);
	info = signal_await(SIGIO);
	CHECK_EQ(info.si_code, SI_KERNEL);
	CHECK_EQ(info.si_pid, 0);
	CHECK_OK(fcntl(p[0], F_SETSIG, SIGIO));
	CHECK_EQ(write(p[1], "x", 1), 1);
	info = signal_await(SIGIO);
	CHECK_EQ(info.si_code, POLL_IN);
	CHECK_EQ(info.si_fd, p[0]);
	/* What other codes of a signal would mean is left out. */
	signal_block(SIGCHLD);
	CHECK_OK(fcntl(p[0], F_SETSIG, SIGCHLD));
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(signal_await(SIGCHLD).si_code, SI_SIGIO);
	on = 0;
	CHECK_OK(ioctl(p[0], FIOASYNC, &on));
	CHECK(!(fcntl(p[0], F_GETFL) & O_ASYNC));
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK(!signal_pending(SIGCHLD));
	CHECK_ERR(ioctl(p[0], FIOASYNC, (void *)8), EFAULT);
	CHECK_ERR(ioctl(99, FIOASYNC, &on), EBADF);
}

/* Nobody owns it: nobody hears. */
TEST(async, nobody)
{
	int p[2];

	CHECK_OK(pipe(p));
	signal_block(SIGIO);
	flag_set(p[0], O_ASYNC, true);
	CHECK_EQ(fcntl(p[0], F_GETOWN), 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK(!signal_pending(SIGIO));
	CHECK_OK(fcntl(p[0], F_SETOWN, getpid()));
	CHECK_EQ(write(p[1], "x", 1), 1);
	(void)signal_await(SIGIO);
}

/* Kinds that do not offer it: F_SETFL is quiet, FIOASYNC is not. */
TEST(async, not_offered)
{
	int on = 1, off = 0;
	int fds[7];

	fds[0] = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));
	fds[1] = (int)CHECK_OK(open(".", O_RDONLY));
	fds[2] = (int)CHECK_OK(open("/dev/null", O_RDWR));
	fds[3] = (int)CHECK_OK(syscall(SYS_eventfd2, 0, 0));
	fds[4] = (int)CHECK_OK(syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 0));
	fds[5] = (int)CHECK_OK(syscall(SYS_epoll_create1, 0));
	fds[6] = (int)CHECK_OK(open("/proc/self/stat", O_RDONLY));
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		flag_set(fds[i], O_ASYNC, true);
		CHECK(!(fcntl(fds[i], F_GETFL) & O_ASYNC));
		CHECK_ERR(ioctl(fds[i], FIOASYNC, &on), ENOTTY);
		CHECK_OK(ioctl(fds[i], FIOASYNC, &off));
	}
}

/* open(2) knows the flag, but does nothing about it (its manual page's BUGS), for good. */
TEST(async, of_open)
{
	int fd, w;

	CHECK_OK(mkfifo("f", 0600));
	fd = (int)CHECK_OK(open("f", O_RDONLY | O_NONBLOCK | O_ASYNC));
	w = (int)CHECK_OK(open("f", O_WRONLY));
	CHECK(fcntl(fd, F_GETFL) & O_ASYNC);
	signal_block(TOLD);
	CHECK_OK(fcntl(fd, F_SETOWN, getpid()));
	CHECK_OK(fcntl(fd, F_SETSIG, TOLD));
	CHECK_EQ(write(w, "x", 1), 1);
	CHECK(!signal_pending(TOLD));
	flag_set(fd, O_ASYNC, false);
	CHECK(fcntl(fd, F_GETFL) & O_ASYNC);
	watch(fd);
	CHECK_EQ(write(w, "x", 1), 1);
	CHECK(!signal_pending(TOLD));
}

TEST(async, random_devices)
{
	int fd = (int)CHECK_OK(open("/dev/urandom", O_RDONLY)), on = 1;

	CHECK_OK(ioctl(fd, FIOASYNC, &on));
	CHECK(fcntl(fd, F_GETFL) & O_ASYNC);
	CHECK_OK(close(fd));
	fd = (int)CHECK_OK(open("/dev/random", O_RDONLY));
	flag_set(fd, O_ASYNC, true);
	CHECK(fcntl(fd, F_GETFL) & O_ASYNC);
}

TEST(async, inotify)
{
	int fd = (int)CHECK_OK(inotify_init());

	CHECK_OK(inotify_add_watch(fd, ".", IN_CREATE));
	watch(fd);
	CHECK_OK(mkdir("d", 0700));
	told(fd, POLL_IN, BAND_IN);
	CHECK(!signal_pending(TOLD));
}

TEST(async, unix_stream)
{
	static char block_of[65536];
	int s[2];

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
	watch(s[0]);
	CHECK_EQ(write(s[1], "x", 1), 1);
	told(s[0], POLL_IN, BAND_IN);
	/* Room is told of to who asked for it. */
	CHECK_EQ(read(s[0], block_of, 1), 1);
	CHECK(!signal_pending(TOLD));
	CHECK_EQ(write(s[0], "x", 1), 1);
	CHECK_EQ(read(s[1], block_of, 1), 1);
	CHECK(!signal_pending(TOLD));
	while (write(s[0], block_of, sizeof(block_of)) > 0)
		;
	CHECK_EQ(errno, EAGAIN);
	while (read(s[1], block_of, sizeof(block_of)) > 0)
		;
	told(s[0], POLL_OUT, BAND_OUT);
	CHECK_OK(shutdown(s[1], SHUT_RD));
	CHECK(!signal_pending(TOLD));
	CHECK_OK(shutdown(s[1], SHUT_WR));
	told(s[0], POLL_IN, BAND_IN);
	CHECK_OK(shutdown(s[1], SHUT_RDWR));
	told(s[0], POLL_HUP, POLLHUP | POLLERR);
	CHECK_OK(close(s[1]));
	told(s[0], POLL_HUP, POLLHUP | POLLERR);
	CHECK(!signal_pending(TOLD));
}

TEST(async, unix_datagram)
{
	int s[2];

	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	watch(s[0]);
	CHECK_EQ(send(s[1], "x", 1, 0), 1);
	told(s[0], POLL_IN, BAND_IN);
	CHECK_OK(close(s[1]));
	CHECK(!signal_pending(TOLD));
}

TEST(async, unix_listener)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "s"};
	int s = (int)CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	int c = (int)CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));

	CHECK_OK(bind(s, (struct sockaddr *)&name, sizeof(name)));
	CHECK_OK(listen(s, 1));
	watch(s);
	watch(c);
	CHECK_OK(connect(c, (struct sockaddr *)&name, sizeof(name)));
	told(s, POLL_IN, BAND_IN);
	CHECK(!signal_pending(TOLD));
}

TEST(async, tcp)
{
	int server = inet_server(SOCK_STREAM, 5), port = inet_port(server), c, a;
	char byte;

	watch(server);
	c = inet_socket(SOCK_STREAM);
	watch(c);
	CHECK_OK(inet_connect(c, LOOPBACK, port));
	/* Which of the two first is not said. */
	for (int i = 0; i < 2; i++) {
		siginfo_t info = signal_await(TOLD);

		CHECK_EQ(info.si_code, info.si_fd == server ? POLL_IN : POLL_OUT);
	}
	a = (int)CHECK_OK(accept(server, NULL, NULL));
	watch(a);
	CHECK_EQ(write(c, "x", 1), 1);
	told(a, POLL_IN, BAND_IN);
	CHECK_EQ(read(a, &byte, 1), 1);
	forget();
	CHECK_OK(shutdown(c, SHUT_WR));
	told(a, POLL_IN, BAND_IN);
	CHECK_OK(shutdown(a, SHUT_WR));
	told_sometime(c, POLL_HUP);
}

TEST(async, tcp_reset)
{
	struct linger now = {1, 0};
	int fd[2];

	inet_pair(fd);
	watch(fd[0]);
	CHECK_OK(setsockopt(fd[1], SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
	CHECK_OK(close(fd[1]));
	told_sometime(fd[0], POLL_ERR);
}

TEST(async, udp)
{
	int s = inet_server(SOCK_DGRAM, 0), c = inet_socket(SOCK_DGRAM), none;

	CHECK_OK(inet_connect(c, LOOPBACK, inet_port(s)));
	watch(s);
	CHECK_EQ(send(c, "x", 1, 0), 1);
	told(s, POLL_IN, BAND_IN);
	none = inet_socket(SOCK_DGRAM);
	CHECK_OK(inet_connect(none, LOOPBACK, inet_free_port(SOCK_DGRAM)));
	watch(none);
	CHECK_EQ(send(none, "x", 1, 0), 1);
	told(none, POLL_ERR, POLLERR);
}

TEST(async, socket_owner)
{
	int s[2], who = getpid();

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	CHECK_OK(ioctl(s[0], FIOSETOWN, &who));
	CHECK_EQ(fcntl(s[0], F_GETOWN), getpid());
	who = -getpgrp();
	CHECK_OK(ioctl(s[0], SIOCSPGRP, &who));
	who = 0;
	CHECK_OK(ioctl(s[0], SIOCGPGRP, &who));
	CHECK_EQ(who, -getpgrp());
	CHECK_OK(ioctl(s[0], FIOGETOWN, &who));
	CHECK_EQ(who, -getpgrp());
	who = 99999999;
	CHECK_ERR(ioctl(s[0], FIOSETOWN, &who), ESRCH);
	CHECK_ERR(ioctl(s[0], FIOSETOWN, (void *)8), EFAULT);
	CHECK_ERR(ioctl(s[0], FIOGETOWN, (void *)8), EFAULT);
}

/* A terminal's file has an owner of its own accord: the foreground group, or who asks. */
TEST(async, terminal)
{
	struct termios tio;
	struct pty_pair p;

	pty_pair_open(&p);
	signal_block(TOLD);
	CHECK_OK(fcntl(p.slave, F_SETSIG, TOLD));
	CHECK_EQ(fcntl(p.slave, F_GETOWN), 0);
	flag_set(p.slave, O_ASYNC, true);
	CHECK_EQ(fcntl(p.slave, F_GETOWN), getpid());
	CHECK_OK(tcgetattr(p.slave, &tio));
	tio.c_lflag &= ~(tcflag_t)ECHO;
	CHECK_OK(tcsetattr(p.slave, TCSANOW, &tio));
	CHECK_EQ(write(p.master, "line\n", 5), 5);
	told(p.slave, POLL_IN, BAND_IN);
	cfmakeraw(&tio);
	CHECK_OK(tcsetattr(p.slave, TCSANOW, &tio));
	forget();
	CHECK_EQ(write(p.master, "x", 1), 1);
	told(p.slave, POLL_IN, BAND_IN);
	/* The other end, too. */
	flag_set(p.slave, O_ASYNC, false);
	CHECK_OK(fcntl(p.master, F_SETSIG, TOLD));
	flag_set(p.master, O_ASYNC, true);
	CHECK_EQ(fcntl(p.master, F_GETOWN), getpid());
	CHECK_EQ(write(p.slave, "x", 1), 1);
	told(p.master, POLL_IN, BAND_IN);
}

TEST(async, terminal_has_room)
{
	static char much[65536];
	struct termios tio;
	struct pty_pair p;

	pty_pair_open(&p);
	CHECK_OK(tcgetattr(p.slave, &tio));
	cfmakeraw(&tio);
	CHECK_OK(tcsetattr(p.slave, TCSANOW, &tio));
	watch(p.slave);
	flag_set(p.slave, O_NONBLOCK, true);
	while (write(p.slave, much, sizeof(much)) > 0)
		;
	CHECK_EQ(errno, EAGAIN);
	forget();
	CHECK_OK(read(p.master, much, sizeof(much)));
	told(p.slave, POLL_OUT, BAND_OUT);
}

TEST(async, terminal_group)
{
	struct pty_pair p;
	pid_t pid = child();

	if (!pid) {
		CHECK_OK(setsid());
		p.master = pty_master_open(p.name);
		p.slave = (int)CHECK_OK(open(p.name, O_RDWR));
		flag_set(p.slave, O_ASYNC, true);
		CHECK_EQ(fcntl(p.slave, F_GETOWN), -getpid());
		CHECK_EQ(tcgetpgrp(p.slave), getpid());
		/* Nobody takes that from who was chosen. */
		flag_set(p.slave, O_ASYNC, false);
		CHECK_OK(fcntl(p.slave, F_SETOWN, getpid()));
		flag_set(p.slave, O_ASYNC, true);
		CHECK_EQ(fcntl(p.slave, F_GETOWN), getpid());
		_exit(0);
	}
	expect_exit(pid, 0);
}

/* Who set the owner must be allowed to signal it. */
TEST(async, to_whom, .root = true)
{
	struct gate set;
	pid_t pid, victim;
	int p[2];

	signal_block(TOLD);
	CHECK_OK(pipe(p));
	gate_make(&set);
	victim = getpid();
	pid = child();
	if (!pid) {
		become_user();
		CHECK_OK(fcntl(p[0], F_SETOWN, victim));
		CHECK_OK(fcntl(p[0], F_SETSIG, TOLD));
		flag_set(p[0], O_ASYNC, true);
		gate_open(&set);
		_exit(0);
	}
	gate_pass(&set);
	expect_exit(pid, 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK(!signal_pending(TOLD));
	CHECK_OK(fcntl(p[0], F_SETOWN, victim));
	CHECK_EQ(write(p[1], "x", 1), 1);
	told(p[0], POLL_IN, BAND_IN);
}

/* All of a group, each with what it is about; and a thread alone. */
TEST(async, group)
{
	pid_t pid = child();
	int p[2];

	if (!pid) {
		CHECK_OK(setpgid(0, 0));
		CHECK_OK(pipe(p));
		watch(p[0]);
		CHECK_OK(fcntl(p[0], F_SETOWN, -getpid()));
		pid = child();
		if (pid)
			CHECK_EQ(write(p[1], "x", 1), 1);
		told(p[0], POLL_IN, BAND_IN);
		if (pid)
			expect_exit(pid, 0);
		_exit(0);
	}
	expect_exit(pid, 0);
}

static void *await_alone(void *arg)
{
	struct f_owner_ex o = {F_OWNER_TID, gettid()};
	int *p = arg;

	CHECK_OK(fcntl(p[0], F_SETOWN_EX, &o));
	CHECK_EQ(write(p[1], "x", 1), 1);
	told(p[0], POLL_IN, BAND_IN);
	return NULL;
}

TEST(async, thread)
{
	pthread_t other;
	int p[2];

	CHECK_OK(pipe(p));
	watch(p[0]);
	CHECK_EQ(pthread_create(&other, NULL, await_alone, p), 0);
	CHECK_EQ(pthread_join(other, NULL), 0);
	CHECK(!signal_pending(TOLD));
}

/* Signals that find no room for what they say become SIGIO. */
TEST(async, overflow)
{
	int p[2], n = 0;

	CHECK_OK(pipe(p));
	signal_block(SIGIO);
	watch(p[0]);
	flag_set(p[1], O_NONBLOCK, true);
	while (!signal_pending(SIGIO) && n < 60000 && write(p[1], "x", 1) == 1)
		n++;
	CHECK(signal_pending(SIGIO));
	CHECK_EQ(signal_await(SIGIO).si_code, SI_KERNEL);
	forget();
}

static void *writer(void *arg)
{
	for (int i = 0; i < 3000; i++)
		(void)!write(((int *)arg)[1], "x", 1);
	return NULL;
}

/* Flags, owners and ends of files change while others signal. */
TEST(async, races)
{
	pthread_t other;
	char buf[4096];
	int p[2], copy;

	CHECK_OK(pipe(p));
	signal_block(SIGIO);
	flag_set(p[1], O_NONBLOCK, true);
	CHECK_EQ(pthread_create(&other, NULL, writer, p), 0);
	for (int i = 0; i < 300; i++) {
		snprintf(buf, sizeof(buf), "/proc/self/fd/%d", p[0]);
		copy = (int)CHECK_OK(open(buf, O_RDONLY | O_NONBLOCK));
		CHECK_OK(fcntl(copy, F_SETOWN, getpid()));
		flag_set(copy, O_ASYNC, true);
		(void)!read(copy, buf, sizeof(buf));
		if (i % 2)
			flag_set(copy, O_ASYNC, false);
		CHECK_OK(close(copy));
	}
	CHECK_EQ(pthread_join(other, NULL), 0);
}

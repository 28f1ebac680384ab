/* poll and ppoll on pipes: every event, time-outs, signals. */
#include "ut.h"

#include <poll.h>
#include <time.h>

static volatile sig_atomic_t caught;

static void catch(int sig)
{
	caught = sig;
}

static short events_of(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	CHECK_OK(poll(&p, 1, 0));
	return p.revents;
}

TEST(pipe, poll_states)
{
	static char big[65536];
	int fd[2];

	CHECK_OK(pipe(fd));
	CHECK_EQ(events_of(fd[0], POLLIN), 0);
	CHECK_EQ(events_of(fd[1], POLLOUT), POLLOUT);
	CHECK_EQ(write(fd[1], "x", 1), 1);
	CHECK_EQ(events_of(fd[0], POLLIN), POLLIN);
	CHECK_EQ(write(fd[1], big, 65536 - 4096), 65536 - 4096);
	CHECK_OK(fcntl(fd[1], F_SETFL, O_NONBLOCK));
	while (write(fd[1], big, 4096) > 0)
		continue;
	CHECK_EQ(events_of(fd[1], POLLOUT), 0);
	CHECK_OK(close(fd[1]));
	CHECK_EQ(events_of(fd[0], POLLIN), POLLIN | POLLHUP);
	while (read(fd[0], big, sizeof(big)) > 0)
		continue;
	CHECK_EQ(events_of(fd[0], POLLIN), POLLHUP);
	CHECK_EQ(events_of(fd[0], 0), POLLHUP);
}

TEST(pipe, poll_writer_without_reader)
{
	int fd[2];

	CHECK_OK(pipe(fd));
	CHECK_OK(close(fd[0]));
	CHECK_EQ(events_of(fd[1], POLLOUT), POLLOUT | POLLERR);
}

TEST(pipe, poll_arguments)
{
	struct timespec zero = { 0 }, bad = { 0, 1000000000 };
	struct pollfd p[3] = { { .fd = -1, .events = POLLIN }, { .fd = 999, .events = POLLIN },
			       { .fd = 0 } };
	int fd[2];

	CHECK_OK(pipe(fd));
	p[2].fd = fd[0];
	p[2].events = POLLIN;
	p[0].revents = p[2].revents = -1;
	/* A negative descriptor is skipped, a closed one is reported. */
	CHECK_EQ(ppoll(p, 3, &zero, NULL), 1);
	CHECK_EQ(p[0].revents, 0);
	CHECK_EQ(p[1].revents, POLLNVAL);
	CHECK_EQ(p[2].revents, 0);
	CHECK_EQ(poll(NULL, 0, 1), 0);
	CHECK_ERR(ppoll(p, 1, &bad, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_ppoll, p, 0x7fffffff, &zero, NULL, 8), EINVAL);
	CHECK_ERR(syscall(SYS_ppoll, p, 1, &zero, &zero, 3), EINVAL);
}

TEST(pipe, poll_wakes)
{
	struct pollfd p = { .events = POLLIN };
	int fd[2];

	CHECK_OK(pipe(fd));
	p.fd = fd[0];
	pid_t self = getpid(), pid = child();
	if (pid == 0) {
		wait_state(self, "S");
		CHECK_EQ(write(fd[1], "x", 1), 1);
		_exit(0);
	}
	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK_EQ(p.revents, POLLIN);
	expect_exit(pid, 0);
}

TEST(pipe, poll_wakes_on_hangup)
{
	struct pollfd p = { .events = POLLIN };
	int fd[2];

	CHECK_OK(pipe(fd));
	p.fd = fd[0];
	pid_t self = getpid(), pid = child();
	if (pid == 0) {
		wait_state(self, "S");
		_exit(0);
	}
	CHECK_OK(close(fd[1]));
	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK_EQ(p.revents, POLLHUP);
	expect_exit(pid, 0);
}

TEST(pipe, poll_times_out)
{
	struct pollfd p = { .events = POLLIN };
	uint64_t start = now_ns();
	int fd[2];

	CHECK_OK(pipe(fd));
	p.fd = fd[0];
	CHECK_EQ(poll(&p, 1, 30), 0);
	CHECK_GE(now_ns() - start, 30000000);
}

TEST(pipe, ppoll_mask)
{
	/* The signal is blocked except while ppoll sleeps. */
	struct pollfd p = { .events = POLLIN };
	sigset_t block, none;
	int fd[2];

	CHECK_OK(pipe(fd));
	p.fd = fd[0];
	on_signal(SIGUSR1, catch, SA_RESTART);
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, &block, NULL));
	CHECK_OK(raise(SIGUSR1));
	CHECK_EQ(caught, 0);
	CHECK_ERR(ppoll(&p, 1, NULL, &none), EINTR);
	CHECK_EQ(caught, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, NULL, &none));
	CHECK_EQ(sigismember(&none, SIGUSR1), 1);
}

/* epoll: level, edge, once; closes; instances in instances; every error. */
#include "ut.h"
#include "eventfd.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

static int instance(void)
{
	return (int)CHECK_OK(epoll_create1(0));
}

static int ctl(int ep, int op, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.u64 = 0x100000000u + (unsigned int)fd };

	return epoll_ctl(ep, op, fd, &e);
}

/* What epoll_wait says of the only descriptor: 0 when nothing. */
static uint32_t only(int ep, int timeout)
{
	struct epoll_event e[4] = { { 0 } };
	int n = (int)CHECK_OK(epoll_wait(ep, e, 4, timeout));

	CHECK(n <= 1);
	return n ? e[0].events : 0;
}

TEST(epoll, level)
{
	int ep = instance(), fd = (int)CHECK_OK(eventfd(0, 0));
	struct epoll_event e = { 0 };

	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN));
	CHECK_EQ(only(ep, 0), 0);
	put(fd, 1);
	/* As long as it is true. */
	CHECK_EQ(only(ep, -1), EPOLLIN);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.data.u64, 0x100000000u + (unsigned int)fd);
	get(fd);
	CHECK_EQ(only(ep, 0), 0);
}

TEST(epoll, edge)
{
	int ep = instance(), fd = (int)CHECK_OK(eventfd(0, 0));

	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET));
	put(fd, 1);
	CHECK_EQ(only(ep, -1), EPOLLIN);
	CHECK_EQ(only(ep, 0), 0);
	put(fd, 1);
	CHECK_EQ(only(ep, 0), EPOLLIN);
	CHECK_EQ(only(ep, 0), 0);
	/* Setting it anew asks anew. */
	CHECK_OK(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLET));
	CHECK_EQ(only(ep, 0), EPOLLIN);
	/* What is gone before the wait is not reported. */
	put(fd, 1);
	get(fd);
	CHECK_EQ(only(ep, 0), 0);
}

TEST(epoll, edge_of_pipe)
{
	int ep = instance(), fd[2];
	char buf[8];

	CHECK_OK(pipe(fd));
	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, fd[0], EPOLLIN | EPOLLET));
	CHECK_EQ(write(fd[1], "ab", 2), 2);
	CHECK_EQ(only(ep, 0), EPOLLIN);
	/* Reading a part is no news, another write is. */
	CHECK_EQ(read(fd[0], buf, 1), 1);
	CHECK_EQ(only(ep, 0), 0);
	CHECK_EQ(write(fd[1], "c", 1), 1);
	CHECK_EQ(only(ep, 0), EPOLLIN);
	CHECK_OK(close(fd[1]));
	CHECK_EQ(only(ep, 0), EPOLLIN | EPOLLHUP);
	CHECK_EQ(only(ep, 0), 0);
}

TEST(epoll, oneshot)
{
	int ep = instance(), fd = (int)CHECK_OK(eventfd(1, 0));

	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT));
	CHECK_EQ(only(ep, 0), EPOLLIN);
	CHECK_EQ(only(ep, 0), 0);
	put(fd, 1);
	CHECK_EQ(only(ep, 0), 0);
	CHECK_OK(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLOUT | EPOLLONESHOT));
	CHECK_EQ(only(ep, 0), EPOLLOUT);
}

TEST(epoll, errors_are_always_reported)
{
	int ep = instance(), fd[2];

	CHECK_OK(pipe(fd));
	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, fd[0], 0));
	CHECK_EQ(write(fd[1], "x", 1), 1);
	CHECK_EQ(only(ep, 0), 0);
	CHECK_OK(close(fd[1]));
	CHECK_EQ(only(ep, -1), EPOLLHUP);
}

TEST(epoll, all_get_their_turn)
{
	int ep = instance(), fds[5], seen[5] = { 0 };
	struct epoll_event e[2];

	for (int i = 0; i < 5; i++) {
		fds[i] = (int)CHECK_OK(eventfd(1, 0));
		e[0] = (struct epoll_event){ .events = EPOLLIN, .data.u32 = (uint32_t)i };
		CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &e[0]));
	}
	for (int round = 0; round < 5; round++) {
		CHECK_EQ(epoll_wait(ep, e, 2, -1), 2);
		for (int i = 0; i < 2; i++)
			seen[e[i].data.u32]++;
	}
	for (int i = 0; i < 5; i++)
		CHECK_EQ(seen[i], 2);
}

TEST(epoll, close_ends_the_watch)
{
	int ep = instance(), fd = (int)CHECK_OK(eventfd(1, 0)), copy = (int)CHECK_OK(dup(fd));

	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN));
	/* Another descriptor of the same file may be watched too, and keeps it open. */
	CHECK_OK(close(fd));
	CHECK_EQ(only(ep, 0), EPOLLIN);
	CHECK_ERR(ctl(ep, EPOLL_CTL_DEL, fd, 0), EBADF);
	CHECK_OK(close(copy));
	CHECK_EQ(only(ep, 0), 0);
	/* The number is free for another file. */
	CHECK_EQ(eventfd(1, 0), fd);
	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN));
	CHECK_EQ(only(ep, 0), EPOLLIN);
	CHECK_OK(close(ep));
	CHECK_EQ(get(fd), 1);
}

TEST(epoll, shared_by_fork)
{
	int ep = instance(), fd = (int)CHECK_OK(eventfd(0, 0));
	pid_t pid;

	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN));
	pid = child();
	if (pid == 0) {
		CHECK_EQ(only(ep, -1), EPOLLIN);
		/* What the child takes away is away for both. */
		CHECK_OK(ctl(ep, EPOLL_CTL_DEL, fd, 0));
		_exit(0);
	}
	wait_state(pid, "S");
	put(fd, 1);
	expect_exit(pid, 0);
	CHECK_EQ(only(ep, 0), 0);
	CHECK_ERR(ctl(ep, EPOLL_CTL_DEL, fd, 0), ENOENT);
}

TEST(epoll, errors)
{
	int ep = instance(), fd = (int)CHECK_OK(eventfd(0, 0)), other = instance();
	int file = (int)CHECK_OK(open("f", O_CREAT | O_RDWR, 0600));
	struct timespec bad = { 0, 1000000000 };
	struct epoll_event e;

	CHECK_ERR(epoll_create(0), EINVAL);
	CHECK_ERR(epoll_create1(1), EINVAL);
	CHECK_EQ(fcntl((int)CHECK_OK(epoll_create1(EPOLL_CLOEXEC)), F_GETFD), FD_CLOEXEC);
	CHECK_ERR(ctl(99, EPOLL_CTL_ADD, fd, 0), EBADF);
	CHECK_ERR(ctl(ep, EPOLL_CTL_ADD, 99, 0), EBADF);
	CHECK_ERR(ctl(ep, EPOLL_CTL_ADD, file, 0), EPERM);
	CHECK_ERR(ctl(ep, EPOLL_CTL_ADD, ep, 0), EINVAL);
	CHECK_ERR(ctl(fd, EPOLL_CTL_ADD, ep, 0), EINVAL);
	CHECK_ERR(ctl(ep, 4, fd, 0), EINVAL);
	CHECK_ERR(ctl(ep, EPOLL_CTL_MOD, fd, 0), ENOENT);
	CHECK_ERR(ctl(ep, EPOLL_CTL_DEL, fd, 0), ENOENT);
	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, fd, 0));
	CHECK_ERR(ctl(ep, EPOLL_CTL_ADD, fd, 0), EEXIST);
	CHECK_ERR(syscall(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, fd, NULL), EFAULT);
	CHECK_OK(syscall(SYS_epoll_ctl, ep, EPOLL_CTL_DEL, fd, NULL));
	CHECK_ERR(epoll_wait(ep, &e, 0, 0), EINVAL);
	CHECK_ERR(syscall(SYS_epoll_pwait, ep, &e, INT_MAX, 0, NULL, 8), EINVAL);
	CHECK_ERR(epoll_wait(fd, &e, 1, 0), EINVAL);
	CHECK_ERR(epoll_wait(99, &e, 1, 0), EBADF);
	CHECK_ERR(syscall(SYS_epoll_pwait, ep, &e, 1, 0, &e, 3), EINVAL);
	CHECK_ERR(syscall(SYS_epoll_pwait2, ep, &e, 1, &bad, NULL, 8), EINVAL);
	CHECK_ERR(read(ep, &e, sizeof(e)), EINVAL);
	/* A bad buffer loses nothing. */
	put(fd, 1);
	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET));
	CHECK_ERR(syscall(SYS_epoll_pwait, ep, 8, 1, 0, NULL, 8), EFAULT);
	CHECK_EQ(only(ep, 0), EPOLLIN);
	/* EPOLLEXCLUSIVE: only when added, not with other ways to wait, not for instances. */
	CHECK_ERR(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
	CHECK_ERR(ctl(ep, EPOLL_CTL_ADD, other, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
	CHECK_OK(ctl(ep, EPOLL_CTL_DEL, fd, 0));
	CHECK_ERR(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT), EINVAL);
	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE));
	CHECK_ERR(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN), EINVAL);
	CHECK_EQ(only(ep, 0), EPOLLIN);
}

TEST(epoll, nested)
{
	int inner = instance(), outer = instance(), fd = (int)CHECK_OK(eventfd(0, 0));
	pid_t pid;

	CHECK_OK(ctl(inner, EPOLL_CTL_ADD, fd, EPOLLIN));
	CHECK_OK(ctl(outer, EPOLL_CTL_ADD, inner, EPOLLIN));
	CHECK_EQ(only(outer, 0), 0);
	pid = child();
	if (pid == 0) {
		CHECK_EQ(only(outer, -1), EPOLLIN);
		CHECK_EQ(only(inner, 0), EPOLLIN);
		_exit(0);
	}
	wait_state(pid, "S");
	put(fd, 1);
	expect_exit(pid, 0);
	get(fd);
	CHECK_EQ(only(outer, 0), 0);
	CHECK_OK(close(inner));
	put(fd, 1);
	CHECK_EQ(only(outer, 0), 0);
}

TEST(epoll, circles)
{
	int chain[10], n = 0, a = instance(), b = instance(), c = instance();

	CHECK_OK(ctl(a, EPOLL_CTL_ADD, b, EPOLLIN));
	CHECK_OK(ctl(b, EPOLL_CTL_ADD, c, EPOLLIN));
	CHECK_ERR(ctl(c, EPOLL_CTL_ADD, a, EPOLLIN), ELOOP);
	CHECK_ERR(ctl(b, EPOLL_CTL_ADD, a, EPOLLIN), ELOOP);
	for (int i = 0; i < 10; i++)
		chain[i] = instance();
	errno = 0;
	while (n < 9 && ctl(chain[n + 1], EPOLL_CTL_ADD, chain[n], EPOLLIN) == 0)
		n++;
	CHECK_EQ(errno, ELOOP);
	CHECK(n >= 4 && n <= 5);
}

static void nothing(int sig)
{
	(void)sig;
}

TEST(epoll, signals_and_time)
{
	int ep = instance();
	struct timespec nap = { 0, 20000000 };
	sigset_t none, block, now;
	struct epoll_event e;
	uint64_t start = now_ns();

	CHECK_EQ(epoll_wait(ep, &e, 1, 20), 0);
	CHECK_EQ(epoll_pwait2(ep, &e, 1, &nap, NULL), 0);
	CHECK_GE(now_ns() - start, 40000000);
	on_signal(SIGUSR1, nothing, SA_RESTART);
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, &block, NULL));
	CHECK_OK(raise(SIGUSR1));
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	/* Never started again, whatever SA_RESTART says. */
	CHECK_ERR(epoll_pwait(ep, &e, 1, -1, &none), EINTR);
	CHECK_OK(sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK_EQ(sigismember(&now, SIGUSR1), 1);
}

struct crowd {
	int ep, fd;
};

static void *take_one(void *arg)
{
	struct crowd *c = arg;
	struct epoll_event e;
	uint64_t v;

	CHECK_EQ(epoll_wait(c->ep, &e, 1, 60000), 1);
	CHECK_EQ(read(c->fd, &v, 8), 8);
	return NULL;
}

TEST(epoll, many_sleepers)
{
	/* Each write lets one of them go on: none sleeps for ever. */
	int fd = (int)CHECK_OK(eventfd(0, EFD_SEMAPHORE));
	struct crowd c = { instance(), fd };
	pthread_t threads[8];

	CHECK_OK(ctl(c.ep, EPOLL_CTL_ADD, c.fd, EPOLLIN));
	for (int i = 0; i < 8; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, take_one, &c), 0);
	for (int i = 0; i < 8; i++)
		put(c.fd, 1);
	for (int i = 0; i < 8; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

static void *close_and_open(void *arg)
{
	struct crowd *c = arg;

	for (int i = 0; i < 2000; i++) {
		int fd = (int)CHECK_OK(eventfd(1, 0));

		CHECK_OK(ctl(c->ep, EPOLL_CTL_ADD, fd, i & 1 ? EPOLLIN : EPOLLIN | EPOLLET));
		CHECK_OK(close(fd));
	}
	return NULL;
}

TEST(epoll, closes_meet_waits)
{
	struct crowd c = { instance(), -1 };
	struct epoll_event e[4];
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, close_and_open, &c), 0);
	for (int i = 0; i < 2000; i++)
		CHECK_OK(epoll_wait(c.ep, e, 4, 0));
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(epoll_wait(c.ep, e, 4, 0), 0);
}

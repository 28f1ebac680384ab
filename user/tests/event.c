/* eventfd, timerfd and signalfd: counts, waits, what poll says, every error. */
#include "ut.h"
#include "eventfd.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

#define SECOND 1000000000L

static short ready(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	CHECK_OK(poll(&p, 1, 0));
	return p.revents;
}

static void wait_ready(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	CHECK_EQ(poll(&p, 1, 60000), 1);
}

TEST(event, eventfd_counts)
{
	int fd = (int)CHECK_OK(eventfd(3, EFD_NONBLOCK));
	uint64_t v;

	CHECK_EQ(ready(fd, POLLIN | POLLOUT), POLLIN | POLLOUT);
	CHECK_EQ(get(fd), 3);
	CHECK_ERR(read(fd, &v, 8), EAGAIN);
	CHECK_EQ(ready(fd, POLLIN | POLLOUT), POLLOUT);
	put(fd, 0);
	CHECK_EQ(ready(fd, POLLIN), 0);
	put(fd, 5);
	put(fd, UINT64_MAX - 1 - 5);
	CHECK_EQ(ready(fd, POLLIN | POLLOUT), POLLIN);
	v = 1;
	CHECK_ERR(write(fd, &v, 8), EAGAIN);
	CHECK_EQ(get(fd), UINT64_MAX - 1);
}

TEST(event, eventfd_semaphore)
{
	int fd = (int)CHECK_OK(eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE));
	uint64_t v;

	CHECK_EQ(get(fd), 1);
	CHECK_EQ(get(fd), 1);
	CHECK_ERR(read(fd, &v, 8), EAGAIN);
}

TEST(event, eventfd_errors)
{
	int fd = (int)CHECK_OK(eventfd(0, EFD_CLOEXEC));
	uint64_t v = UINT64_MAX;

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR);
	CHECK_ERR(write(fd, &v, 8), EINVAL);
	CHECK_ERR(write(fd, &v, 7), EINVAL);
	CHECK_ERR(read(fd, &v, 7), EINVAL);
	CHECK_ERR(syscall(SYS_write, fd, 8, 8), EFAULT);
	CHECK_ERR(eventfd(0, 2), EINVAL);
	/* A longer buffer is fine: eight bytes move. */
	v = 1;
	put(fd, 7);
	uint64_t two[2];
	CHECK_EQ(read(fd, two, 16), 8);
	CHECK_EQ(two[0], 7);
}

TEST(event, eventfd_wakes_reader_and_writer)
{
	int fd = (int)CHECK_OK(eventfd(0, 0));
	pid_t self = getpid(), pid = child();

	if (pid == 0) {
		wait_state(self, "S");
		put(fd, UINT64_MAX - 1);
		wait_state(self, "S");
		CHECK_EQ(get(fd), UINT64_MAX - 1);
		_exit(0);
	}
	wait_ready(fd, POLLIN);
	/* Full: this write has to wait for the child's read. */
	put(fd, 4);
	expect_exit(pid, 0);
	CHECK_EQ(get(fd), 4);
}

TEST(event, anonymous_files)
{
	int fd = (int)CHECK_OK(eventfd(0, 0));
	char link[64], name[64];
	struct stat st;
	ssize_t n;

	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_mode & S_IFMT, 0);
	CHECK_EQ(st.st_mode & 0777, 0600);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = CHECK_OK(readlink(link, name, sizeof(name) - 1));
	name[n] = 0;
	CHECK_STR(name, "anon_inode:[eventfd]");
	CHECK_ERR(ftruncate(fd, 0), EINVAL);
	CHECK_ERR(fsync(fd), EINVAL);
}

static struct itimerspec in_ns(long first, long period)
{
	return (struct itimerspec){ { period / SECOND, period % SECOND },
				    { first / SECOND, first % SECOND } };
}

static int timer_with(int clock, long first, long period)
{
	int fd = (int)CHECK_OK(timerfd_create(clock, TFD_NONBLOCK));
	struct itimerspec t = in_ns(first, period);

	CHECK_OK(timerfd_settime(fd, 0, &t, NULL));
	return fd;
}

TEST(event, timerfd_once)
{
	int fd = timer_with(CLOCK_MONOTONIC, 20000000, 0);
	struct itimerspec now;
	uint64_t v;

	wait_ready(fd, POLLIN);
	CHECK_EQ(ready(fd, POLLIN | POLLOUT), POLLIN);
	CHECK_EQ(get(fd), 1);
	CHECK_ERR(read(fd, &v, 8), EAGAIN);
	CHECK_EQ(ready(fd, POLLIN), 0);
	CHECK_OK(timerfd_gettime(fd, &now));
	CHECK_EQ(now.it_value.tv_sec | now.it_value.tv_nsec, 0);
}

TEST(event, timerfd_periodic)
{
	uint64_t start = now_ns(), n = 0;
	int fd = timer_with(CLOCK_MONOTONIC, 1000000, 1000000);
	struct itimerspec now;

	while (n < 30) {
		wait_ready(fd, POLLIN);
		n += get(fd);
	}
	/* Not more often than asked for. */
	CHECK_GE((now_ns() - start) / 1000000 + 1, n);
	CHECK_OK(timerfd_gettime(fd, &now));
	CHECK_EQ(now.it_interval.tv_nsec, 1000000);
	CHECK(now.it_value.tv_nsec > 0 && now.it_value.tv_nsec <= 1000000);
}

TEST(event, timerfd_settings)
{
	int fd = timer_with(CLOCK_REALTIME, 500 * SECOND, 7 * SECOND);
	struct itimerspec off = in_ns(0, 0), old;
	uint64_t v;

	CHECK_OK(timerfd_settime(fd, 0, &off, &old));
	CHECK(old.it_value.tv_sec > 300 && old.it_value.tv_sec <= 500);
	CHECK_EQ(old.it_interval.tv_sec, 7);
	CHECK_OK(timerfd_gettime(fd, &old));
	CHECK_EQ(old.it_value.tv_sec, 0);
	CHECK_ERR(read(fd, &v, 8), EAGAIN);
	/* An absolute time in the past: at once. */
	off.it_value.tv_nsec = 1;
	CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &off, NULL));
	wait_ready(fd, POLLIN);
	CHECK_EQ(get(fd), 1);
}

TEST(event, timerfd_blocks_until_due)
{
	int fd = (int)CHECK_OK(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC));
	struct itimerspec t = in_ns(30000000, 0);
	uint64_t start = now_ns();

	CHECK_OK(timerfd_settime(fd, 0, &t, NULL));
	CHECK_EQ(get(fd), 1);
	CHECK_GE(now_ns() - start, 30000000);
}

TEST(event, timerfd_errors)
{
	int fd = timer_with(CLOCK_MONOTONIC, 0, 0), other = (int)CHECK_OK(eventfd(0, 0));
	struct itimerspec bad = in_ns(SECOND, 0), good = bad;
	char small[7];

	bad.it_value.tv_nsec = SECOND;
	CHECK_ERR(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
	CHECK_ERR(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
	CHECK_ERR(timerfd_settime(fd, 0, &bad, NULL), EINVAL);
	CHECK_ERR(timerfd_settime(fd, 4, &good, NULL), EINVAL);
	CHECK_ERR(timerfd_settime(other, 0, &good, NULL), EINVAL);
	CHECK_ERR(timerfd_settime(99, 0, &good, NULL), EBADF);
	CHECK_ERR(timerfd_gettime(other, &good), EINVAL);
	CHECK_ERR(syscall(SYS_timerfd_settime, fd, 0, 8, NULL), EFAULT);
	CHECK_ERR(syscall(SYS_timerfd_gettime, fd, 8), EFAULT);
	CHECK_ERR(read(fd, small, 7), EINVAL);
	CHECK_ERR(write(fd, "12345678", 8), EINVAL);
}

static void step_clock(long seconds)
{
	struct timespec now;

	CHECK_OK(clock_gettime(CLOCK_REALTIME, &now));
	now.tv_sec += seconds;
	CHECK_OK(clock_settime(CLOCK_REALTIME, &now));
}

TEST(event, timerfd_clock_is_set, .root = true)
{
	int flags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;
	int told = (int)CHECK_OK(timerfd_create(CLOCK_REALTIME, 0));
	int follows = (int)CHECK_OK(timerfd_create(CLOCK_REALTIME, 0));
	struct itimerspec t = in_ns(0, 0);
	uint64_t v;

	CHECK_OK(clock_gettime(CLOCK_REALTIME, &t.it_value));
	t.it_value.tv_sec += 1000;
	CHECK_OK(timerfd_settime(told, flags, &t, NULL));
	CHECK_OK(timerfd_settime(follows, TFD_TIMER_ABSTIME, &t, NULL));
	step_clock(2000);
	wait_ready(told, POLLIN);
	CHECK_ERR(read(told, &v, 8), ECANCELED);
	CHECK_EQ(get(follows), 1);
	step_clock(-2000);
}

static int signals_read(int sig, int sig2, int flags)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	if (sig2)
		sigaddset(&set, sig2);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	return (int)CHECK_OK(signalfd(-1, &set, flags));
}

TEST(event, signalfd_reads)
{
	int fd = signals_read(SIGUSR1, SIGRTMIN, SFD_NONBLOCK);
	struct signalfd_siginfo info[3];
	union sigval value = { .sival_int = 42 };

	CHECK_ERR(read(fd, info, sizeof(info)), EAGAIN);
	CHECK_EQ(ready(fd, POLLIN), 0);
	CHECK_OK(kill(getpid(), SIGUSR1));
	CHECK_OK(sigqueue(getpid(), SIGRTMIN, value));
	CHECK_EQ(ready(fd, POLLIN), POLLIN);
	CHECK_EQ(read(fd, info, sizeof(info)), 2 * sizeof(info[0]));
	CHECK_EQ(info[0].ssi_signo, SIGUSR1);
	CHECK_EQ(info[0].ssi_code, SI_USER);
	CHECK_EQ(info[0].ssi_pid, getpid());
	CHECK_EQ(info[1].ssi_signo, SIGRTMIN);
	CHECK_EQ(info[1].ssi_code, SI_QUEUE);
	CHECK_EQ(info[1].ssi_int, 42);
	CHECK_ERR(read(fd, info, sizeof(info)), EAGAIN);
	CHECK_ERR(read(fd, info, 127), EINVAL);
}

TEST(event, signalfd_child_status)
{
	int fd = signals_read(SIGCHLD, 0, 0);
	struct signalfd_siginfo info;
	pid_t pid = child();

	if (pid == 0)
		_exit(7);
	CHECK_EQ(read(fd, &info, sizeof(info)), sizeof(info));
	CHECK_EQ(info.ssi_signo, SIGCHLD);
	CHECK_EQ(info.ssi_code, CLD_EXITED);
	CHECK_EQ(info.ssi_pid, pid);
	CHECK_EQ(info.ssi_status, 7);
	expect_exit(pid, 7);
}

TEST(event, signalfd_wakes_and_changes)
{
	int fd = signals_read(SIGUSR1, SIGUSR2, 0);
	struct signalfd_siginfo info;
	pid_t self = getpid(), pid;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK_EQ(signalfd(fd, &set, 0), fd);
	pid = child();
	if (pid == 0) {
		wait_state(self, "S");
		/* No longer asked for, then asked for. */
		CHECK_OK(kill(self, SIGUSR1));
		CHECK_OK(kill(self, SIGUSR2));
		_exit(0);
	}
	CHECK_EQ(read(fd, &info, sizeof(info)), sizeof(info));
	CHECK_EQ(info.ssi_signo, SIGUSR2);
	expect_exit(pid, 0);
}

TEST(event, signalfd_errors)
{
	int other = (int)CHECK_OK(eventfd(0, 0));
	sigset_t set;

	sigemptyset(&set);
	CHECK_ERR(signalfd(other, &set, 0), EINVAL);
	CHECK_ERR(signalfd(99, &set, 0), EBADF);
	CHECK_ERR(signalfd(-1, &set, 1), EINVAL);
	CHECK_ERR(syscall(SYS_signalfd4, -1, &set, 4, 0), EINVAL);
	CHECK_ERR(syscall(SYS_signalfd4, -1, 8, 8, 0), EFAULT);
}

/* A mask for the time of a wait is gone when the wait ends, with or without a signal. */
TEST(event, masks_end_with_the_wait)
{
	struct timespec zero = { 0 };
	sigset_t block, none, now;
	int fd = (int)CHECK_OK(eventfd(1, 0));
	struct pollfd p = { .fd = fd, .events = POLLIN };

	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, &block, NULL));
	CHECK_EQ(ppoll(&p, 1, NULL, &none), 1);
	CHECK_OK(sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK_EQ(sigismember(&now, SIGUSR1), 1);
	CHECK_EQ(pselect(0, NULL, NULL, NULL, &zero, &none), 0);
	CHECK_OK(sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK_EQ(sigismember(&now, SIGUSR1), 1);
}

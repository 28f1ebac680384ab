/* A descriptor of a process: pidfd_open and its relatives, CLONE_PIDFD, waitid(P_PIDFD). */
#include "ut.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

#define CLONE_PIDFD_	0x1000
#define P_PIDFD_	((idtype_t)3)

static int pidfd_open_(pid_t pid, unsigned int flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

static int pidfd_send_signal_(int fd, int sig, siginfo_t *info, unsigned int flags)
{
	return (int)syscall(SYS_pidfd_send_signal, fd, sig, info, flags);
}

static int pidfd_getfd_(int fd, int target, unsigned int flags)
{
	return (int)syscall(SYS_pidfd_getfd, fd, target, flags);
}

/* Events that a descriptor has now. */
static int events_of(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

	CHECK_OK(poll(&p, 1, 0));
	return p.revents;
}

TEST(pidfd, open_errors)
{
	pid_t gone = child();

	if (gone == 0)
		_exit(0);
	status_of(gone);
	CHECK_ERR(pidfd_open_(gone, 0), ESRCH);
	CHECK_ERR(pidfd_open_(0, 0), EINVAL);
	CHECK_ERR(pidfd_open_(-1, 0), EINVAL);
	CHECK_ERR(pidfd_open_(getpid(), 1), EINVAL);
	CHECK_ERR(pidfd_open_(getpid(), O_CLOEXEC), EINVAL);
}

TEST(pidfd, open_flags)
{
	int fd = CHECK_OK(pidfd_open_(getpid(), 0));
	char c;

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR);
	CHECK_ERR(read(fd, &c, 1), EINVAL);
	CHECK_ERR(write(fd, "x", 1), EINVAL);
	CHECK_OK(close(fd));
	fd = CHECK_OK(pidfd_open_(getpid(), O_NONBLOCK));
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR | O_NONBLOCK);
	CHECK_EQ(events_of(fd), 0);
}

TEST(pidfd, poll_wakes_at_the_end)
{
	pid_t pid = child_pausing();
	int fd = CHECK_OK(pidfd_open_(pid, 0));
	struct pollfd p = { .fd = fd, .events = POLLIN };
	pid_t killer;

	CHECK_EQ(events_of(fd), 0);
	killer = child();
	if (killer == 0) {
		wait_state(getppid(), "S");
		_exit(pidfd_send_signal_(fd, SIGKILL, NULL, 0) != 0);
	}
	CHECK_EQ(poll(&p, 1, -1), 1);	/* at its own end it would look once more */
	CHECK_EQ(p.revents, POLLIN);
	expect_exit(killer, 0);
	/* A zombie is at its end; one that was waited for is gone. */
	CHECK_EQ(events_of(fd), POLLIN);
	CHECK_OK(pidfd_send_signal_(fd, 0, NULL, 0));
	expect_signal(pid, SIGKILL);
	CHECK(events_of(fd) & POLLIN);
	CHECK_ERR(pidfd_send_signal_(fd, 0, NULL, 0), ESRCH);
	CHECK_ERR(pidfd_getfd_(fd, 0, 0), ESRCH);
}

static volatile int got, got_code, got_value;

static void note(int sig, siginfo_t *info, void *context)
{
	(void)context;
	got = sig;
	got_code = info->si_code;
	got_value = info->si_value.sival_int;
}

TEST(pidfd, send_signal)
{
	struct sigaction act = { .sa_sigaction = note, .sa_flags = SA_SIGINFO };
	siginfo_t info = { .si_signo = SIGUSR2, .si_code = SI_QUEUE };
	int fd = CHECK_OK(pidfd_open_(getpid(), 0));

	CHECK_OK(sigaction(SIGUSR1, &act, NULL));
	CHECK_OK(sigaction(SIGUSR2, &act, NULL));
	CHECK_OK(pidfd_send_signal_(fd, SIGUSR1, NULL, 0));
	CHECK_EQ(got, SIGUSR1);
	CHECK_EQ(got_code, SI_USER);
	info.si_value.sival_int = 42;
	CHECK_OK(pidfd_send_signal_(fd, SIGUSR2, &info, 0));
	CHECK_EQ(got, SIGUSR2);
	CHECK_EQ(got_code, SI_QUEUE);
	CHECK_EQ(got_value, 42);
	CHECK_OK(pidfd_send_signal_(fd, SIGUSR1, NULL, 1));	/* the thread */
	CHECK_EQ(got_code, SI_TKILL);
	CHECK_OK(pidfd_send_signal_(fd, SIGUSR1, NULL, 2));	/* the process */
	CHECK_EQ(got_code, SI_USER);
	got = 0;
	CHECK_OK(pidfd_send_signal_(fd, SIGUSR1, NULL, 4));	/* its group */
	CHECK_EQ(got, SIGUSR1);
}

/* Before there were such descriptors the directory of a process stood for it, and still does. */
TEST(pidfd, send_signal_by_directory)
{
	pid_t pid = child_pausing();
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/task/%d", pid, pid);
	fd = CHECK_OK(open(name, O_RDONLY | O_DIRECTORY));
	CHECK_ERR(pidfd_send_signal_(fd, 0, NULL, 0), EBADF);
	CHECK_OK(close(fd));
	fd = CHECK_OK(open("/proc", O_RDONLY | O_DIRECTORY));
	CHECK_ERR(pidfd_send_signal_(fd, 0, NULL, 0), EBADF);
	CHECK_OK(close(fd));
	*strstr(name, "/task") = '\0';
	fd = CHECK_OK(open(name, O_PATH));
	CHECK_ERR(pidfd_send_signal_(fd, 0, NULL, 0), EBADF);
	CHECK_OK(close(fd));
	fd = CHECK_OK(open(name, O_RDONLY | O_DIRECTORY));
	CHECK_OK(pidfd_send_signal_(fd, 0, NULL, 0));
	CHECK_OK(pidfd_send_signal_(fd, SIGKILL, NULL, 0));
	expect_signal(pid, SIGKILL);
	CHECK_ERR(pidfd_send_signal_(fd, 0, NULL, 0), ESRCH);
}

TEST(pidfd, send_signal_errors)
{
	siginfo_t info = { .si_signo = SIGUSR2, .si_code = SI_USER };
	pid_t pid = child_pausing();
	int fd = CHECK_OK(pidfd_open_(pid, 0));

	CHECK_ERR(pidfd_send_signal_(-1, 0, NULL, 0), EBADF);
	CHECK_ERR(pidfd_send_signal_(UT_REPORT_FD, 0, NULL, 0), EBADF);
	CHECK_ERR(pidfd_send_signal_(fd, 0, NULL, 8), EINVAL);
	CHECK_ERR(pidfd_send_signal_(fd, 0, NULL, 3), EINVAL);
	CHECK_ERR(pidfd_send_signal_(fd, 65, NULL, 0), EINVAL);
	CHECK_ERR(pidfd_send_signal_(fd, -1, NULL, 0), EINVAL);
	CHECK_ERR(pidfd_send_signal_(fd, SIGUSR1, &info, 0), EINVAL);
	CHECK_ERR(pidfd_send_signal_(fd, SIGUSR2, &info, 0), EPERM);
	CHECK_ERR(pidfd_send_signal_(fd, SIGUSR2, (void *)8, 0), EFAULT);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

TEST(pidfd, others_processes, .root = true)
{
	pid_t pid = child_pausing();
	int fd = CHECK_OK(pidfd_open_(pid, 0));
	pid_t stranger = child();

	if (stranger == 0) {
		CHECK_OK(setresuid(1000, 1000, 1000));
		CHECK_ERR(pidfd_send_signal_(fd, SIGTERM, NULL, 0), EPERM);
		CHECK_ERR(pidfd_getfd_(fd, 0, 0), EPERM);
		_exit(0);
	}
	expect_exit(stranger, 0);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

TEST(pidfd, getfd)
{
	int theirs = CHECK_OK(eventfd(7, 0));
	pid_t pid = child_pausing();
	int fd, copy;
	uint64_t value = 0;

	CHECK_OK(close(theirs));
	fd = CHECK_OK(pidfd_open_(pid, 0));
	copy = CHECK_OK(pidfd_getfd_(fd, theirs, 0));
	CHECK_EQ(fcntl(copy, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(read(copy, &value, 8), 8);
	CHECK_EQ(value, 7);
	CHECK_ERR(pidfd_getfd_(fd, theirs, 1), EINVAL);
	CHECK_ERR(pidfd_getfd_(fd, 199, 0), EBADF);
	CHECK_ERR(pidfd_getfd_(fd, -1, 0), EBADF);
	CHECK_ERR(pidfd_getfd_(-1, theirs, 0), EBADF);
	CHECK_ERR(pidfd_getfd_(UT_REPORT_FD, theirs, 0), EBADF);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

TEST(pidfd, waitid)
{
	siginfo_t info = { 0 };
	pid_t other = child_pausing(), pid = child_pausing();
	int fd = CHECK_OK(pidfd_open_(pid, 0)), self = CHECK_OK(pidfd_open_(getpid(), 0));

	CHECK_OK(waitid(P_PIDFD_, fd, &info, WEXITED | WNOHANG));
	CHECK_EQ(info.si_pid, 0);
	CHECK_OK(kill(other, SIGKILL));
	wait_state(other, "Z");
	CHECK_OK(waitid(P_PIDFD_, fd, &info, WEXITED | WNOHANG));
	CHECK_EQ(info.si_pid, 0);
	CHECK_OK(kill(pid, SIGTERM));
	CHECK_OK(waitid(P_PIDFD_, fd, &info, WEXITED | WNOWAIT));
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_code, CLD_KILLED);
	CHECK_EQ(info.si_status, SIGTERM);
	CHECK_OK(waitid(P_PIDFD_, fd, &info, WEXITED));
	CHECK_ERR(waitid(P_PIDFD_, fd, &info, WEXITED), ECHILD);
	CHECK_ERR(waitid(P_PIDFD_, self, &info, WEXITED), ECHILD);
	CHECK_ERR(waitid(P_PIDFD_, 199, &info, WEXITED), EBADF);
	CHECK_ERR(waitid(P_PIDFD_, UT_REPORT_FD, &info, WEXITED), EBADF);
	CHECK_ERR(waitid(P_PIDFD_, -1, &info, WEXITED), EINVAL);
	expect_signal(other, SIGKILL);
}

TEST(pidfd, waitid_does_not_block)
{
	siginfo_t info = { 0 };
	pid_t pid = child_pausing();
	int fd = CHECK_OK(pidfd_open_(pid, O_NONBLOCK));

	CHECK_ERR(waitid(P_PIDFD_, fd, &info, WEXITED), EAGAIN);
	CHECK_OK(waitid(P_PIDFD_, fd, &info, WEXITED | WNOHANG));
	CHECK_OK(kill(pid, SIGKILL));
	wait_state(pid, "Z");
	CHECK_OK(waitid(P_PIDFD_, fd, &info, WEXITED));
	CHECK_EQ(info.si_pid, pid);
}

/* As fork(), with what clone3 is told. */
static long clone3_(uint64_t flags, int *pidfd, uint64_t parent_tid)
{
	uint64_t args[8] = { flags, (uintptr_t)pidfd, 0, parent_tid, SIGCHLD };

	return syscall(SYS_clone3, args, sizeof(args));
}

TEST(pidfd, clone)
{
	siginfo_t info = { 0 };
	int fd = -1;
	long pid = syscall(SYS_clone, CLONE_PIDFD_ | SIGCHLD, 0, &fd, 0, 0);

	CHECK_OK(pid);
	if (pid == 0)
		_exit(fcntl(199, F_GETFD) == -1 && fd == -1 ? 5 : 6);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_OK(waitid(P_PIDFD_, fd, &info, WEXITED));
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_status, 5);
	CHECK_OK(close(fd));

	pid = clone3_(CLONE_PIDFD_, &fd, 0);
	CHECK_OK(pid);
	if (pid == 0)
		_exit(7);
	CHECK_OK(waitid(P_PIDFD_, fd, &info, WEXITED));
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_status, 7);
}

TEST(pidfd, clone_errors)
{
	int before = open_descriptors(), fd;

	CHECK_ERR(syscall(SYS_clone, CLONE_PIDFD_ | 0x100000 | SIGCHLD, 0, &fd, 0, 0), EINVAL);
	CHECK_ERR(syscall(SYS_clone, CLONE_PIDFD_ | 0x400000 | SIGCHLD, 0, &fd, 0, 0), EINVAL);
	CHECK_ERR(syscall(SYS_clone, CLONE_PIDFD_ | SIGCHLD, 0, (void *)8, 0, 0), EFAULT);
	CHECK_ERR(clone3_(CLONE_PIDFD_, (void *)8, 0), EFAULT);
	CHECK_ERR(clone3_(CLONE_PIDFD_ | 0x100000, &fd, (uintptr_t)&fd), EINVAL);
	CHECK_ERR(wait(NULL), ECHILD);
	CHECK_EQ(open_descriptors(), before);
}

/* process_madvise: advice about the memory of another process. */
#include "swap.h"

#include <sys/uio.h>

#define SYS_process_madvise_ 440
#define SYS_pidfd_open_	     434

static long advise(int pidfd, const struct iovec *v, size_t n, int what, unsigned int flags)
{
	return syscall(SYS_process_madvise_, pidfd, v, n, what, flags);
}

static int pidfd_of(pid_t pid)
{
	return (int)CHECK_OK(syscall(SYS_pidfd_open_, pid, 0));
}

TEST(remote, advice_sends_pages_out, .root = true)
{
	bool ours = swap_begin();
	char *p = swap_pages(MAP_PRIVATE), path[40];
	struct iovec v[2] = { { p, 100 * PAGE }, { p + 100 * PAGE, (PAGES - 100) * PAGE } };
	struct gate filled, out;
	pid_t pid;

	gate_make(&filled);
	gate_make(&out);
	pid = child();
	if (!pid) {
		swap_fill(p, 5);
		gate_open(&filled);
		gate_pass(&out);
		swap_check(p, 5);
		_exit(0);
	}
	gate_pass(&filled);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	CHECK_EQ(advise(pidfd_of(pid), v, 2, MADV_PAGEOUT, 0), PAGES * PAGE);
	/* In KiB; some that are in use at the moment may stay. */
	CHECK_GE(number_in(path, "VmSwap"), PAGES * 4 / 2);
	gate_open(&out);
	expect_exit(pid, 0);
	gate_close(&filled);
	gate_close(&out);
	swap_end(ours);
}

TEST(remote, advice_errors, .root = true)
{
	char *p = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec v[2] = { { p, PAGE }, { p + PAGE, PAGE } };
	pid_t pid = child_pausing();
	int fd = pidfd_of(pid), pipes[2];

	CHECK(p != MAP_FAILED);
	CHECK_OK(pipe(pipes));
	CHECK_ERR(advise(fd, v, 2, MADV_WILLNEED, 1), EINVAL);
	CHECK_ERR(advise(fd, v, 1025, MADV_WILLNEED, 0), EINVAL);
	CHECK_ERR(advise(fd, (void *)8, 2, MADV_WILLNEED, 0), EFAULT);
	CHECK_ERR(advise(-1, v, 2, MADV_WILLNEED, 0), EBADF);
	CHECK_ERR(advise(pipes[0], v, 2, MADV_WILLNEED, 0), EBADF);
	/* Advice that changes what the other finds in its memory is not for others to give. */
	CHECK_ERR(advise(fd, v, 2, MADV_DONTNEED, 0), EINVAL);
	CHECK_ERR(advise(fd, v, 2, 1000, 0), EINVAL);
	/* A hole ends it: what came before is told. */
	CHECK_EQ(munmap(p + PAGE, PAGE), 0);
	CHECK_ERR(advise(pidfd_of(getpid()), v + 1, 1, MADV_WILLNEED, 0), ENOMEM);
	CHECK_EQ(advise(pidfd_of(getpid()), v, 2, MADV_WILLNEED, 0), PAGE);
	CHECK_EQ(advise(fd, v, 0, MADV_WILLNEED, 0), 0);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
	CHECK_ERR(advise(fd, v, 1, MADV_WILLNEED, 0), ESRCH);
	fd = pidfd_of(getpid());
	pid = child();
	if (!pid) {
		become_user();
		CHECK_ERR(advise(fd, v, 1, MADV_WILLNEED, 0), EACCES);
		_exit(0);
	}
	expect_exit(pid, 0);
}

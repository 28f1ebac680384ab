/* remote: process_mrelease, the memory of a process that is about to die. */
#include "ut.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/ptrace.h>

#define SIZE	(4 << 20)
#define PAGES	(SIZE / 4096)

static long mrelease(int pidfd, unsigned int flags)
{
	return syscall(SYS_process_mrelease, pidfd, flags);
}

static int pidfd_of(pid_t pid)
{
	return (int)CHECK_OK(syscall(SYS_pidfd_open, pid, 0));
}

static long resident(pid_t pid)
{
	char path[40], text[100];
	long pages;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	file_text(path, text, sizeof(text));
	CHECK_EQ(sscanf(text, "%*d %ld", &pages), 1);
	return pages;
}

static char *filled(int flags, size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);

	CHECK(p != MAP_FAILED);
	memset(p, 'm', size);
	return p;
}

TEST(remote, release_errors)
{
	pid_t pid = child_pausing(), gone = child();
	int fd = pidfd_of(pid), own = pidfd_of(getpid()), null, gone_fd;

	if (!gone)
		_exit(0);
	gone_fd = pidfd_of(gone);
	null = (int)CHECK_OK(open("/dev/null", O_RDONLY));
	CHECK_ERR(mrelease(-1, 0), EBADF);
	CHECK_ERR(mrelease(-1, 1), EINVAL);
	CHECK_ERR(mrelease(null, 0), EBADF);
	CHECK_ERR(mrelease(fd, 1), EINVAL);
	/* Nobody is killing them. */
	CHECK_ERR(mrelease(fd, 0), EINVAL);
	CHECK_ERR(mrelease(own, 0), EINVAL);
	wait_state(gone, "Z");
	CHECK_ERR(mrelease(gone_fd, 0), ESRCH);
	expect_exit(gone, 0);
	CHECK_ERR(mrelease(gone_fd, 0), ESRCH);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
	CHECK_ERR(mrelease(fd, 0), ESRCH);
}

static int stop_then_end(void *unused)
{
	(void)unused;
	CHECK_OK(ptrace(PTRACE_TRACEME, 0, 0, 0));
	raise(SIGSTOP);
	_exit(5);
}

/* Their tracer holds them on the way to their end, with all that they have. */
static void hold_at_end(pid_t pid)
{
	int status = status_of(pid);

	CHECK(WIFSTOPPED(status));
	CHECK_OK(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL));
	CHECK_OK(ptrace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(status_of(pid) >> 8, SIGTRAP | PTRACE_EVENT_EXIT << 8);
}

TEST(remote, release_of_the_dying)
{
	char *own = filled(MAP_PRIVATE, 4096), *shared = filled(MAP_SHARED, 4096);
	pid_t pid = child();
	long before;
	int fd;

	if (!pid) {
		filled(MAP_PRIVATE, SIZE);
		*own = 'o';
		*shared = 's';
		stop_then_end(NULL);
	}
	hold_at_end(pid);
	fd = pidfd_of(pid);
	before = resident(pid);
	CHECK_EQ(mrelease(fd, 0), 0);
	CHECK_GE(before - PAGES / 4 * 3, resident(pid));
	CHECK_EQ(mrelease(fd, 0), 0);
	/* What is its own is gone, what is not stays. */
	CHECK_ERR(ptrace(PTRACE_PEEKDATA, pid, own, 0), EIO);
	CHECK_EQ(ptrace(PTRACE_PEEKDATA, pid, shared, 0) & 0xff, 's');
	CHECK_EQ(*own, 'm');
	CHECK_OK(ptrace(PTRACE_CONT, pid, 0, 0));
	expect_exit(pid, 5);
}

/* We live in the same memory. */
TEST(remote, release_is_refused_to_sharers)
{
	static char stack[16384] __attribute__((aligned(16)));
	pid_t pid = (pid_t)CHECK_OK(clone(stop_then_end, stack + sizeof(stack),
					  CLONE_VM | SIGCHLD, NULL));

	hold_at_end(pid);
	CHECK_ERR(mrelease(pidfd_of(pid), 0), EINVAL);
	CHECK_OK(ptrace(PTRACE_CONT, pid, 0, 0));
	expect_exit(pid, 5);
}

/* Bad lengths, sizes, counts and flags; buffers that are good in part; random calls. */
#include "badarg.h"

#include <grp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>

#define PAGE 4096

/* One accessible page, filled with c, before one without access. */
static char *page_before_hole(int c)
{
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	memset(p, c, PAGE);
	CHECK_OK(mprotect(p + PAGE, PAGE, PROT_NONE));
	return p;
}

TEST(badarg, huge_counts)
{
	char *p = page_before_hole('a');
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));

	CHECK_ERR(syscall(SYS_read, fd, p, -1), EFAULT);
	CHECK_ERR(syscall(SYS_write, fd, p, -1), EFAULT);
	CHECK_ERR(syscall(SYS_pread64, fd, p, LONG_MIN, 0), EFAULT);
	/* The end of file comes first: nothing to copy, no fault. */
	CHECK_EQ(syscall(SYS_read, fd, p, 1 << 20), 0);
	CHECK_ERR(syscall(SYS_getdents64, fd, p, -1), ENOTDIR);
}

TEST(badarg, zero_counts)
{
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600)), p[2];

	CHECK_OK(pipe(p));
	CHECK_EQ(syscall(SYS_read, fd, NULL, 0), 0);
	CHECK_EQ(syscall(SYS_write, fd, NULL, 0), 0);
	CHECK_EQ(syscall(SYS_write, p[1], NULL, 0), 0);
	CHECK_EQ(syscall(SYS_read, p[0], NULL, 0), 0);
	CHECK_EQ(syscall(SYS_readv, fd, NULL, 0), 0);
	CHECK_EQ(syscall(SYS_writev, fd, NULL, 0), 0);
	CHECK_EQ(syscall(SYS_getrandom, NULL, 0, 0), 0);
}

TEST(badarg, write_stops_at_hole)
{
	struct stat st;
	char *p = page_before_hole('a');
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));
	/*
	 * What could be read is written, or nothing is: never more, never rubbish.  A multiple
	 * of 64: on other lengths Linux 6.12 itself spins for ever, since its copy stops at a
	 * block of 64 bytes and its retry does not move.
	 */
	ssize_t n = write(fd, p + PAGE - 128, 5000);

	if (n < 0) {
		CHECK_EQ(errno, EFAULT);
		n = 0;
	}
	CHECK(n <= 128);
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, n);
	CHECK_ERR(write(fd, p + PAGE, 10), EFAULT);
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, n);
}

TEST(badarg, read_stops_at_hole)
{
	char *p = page_before_hole('a');
	int fd;

	file_pattern("f", 9000, 3);
	fd = (int)CHECK_OK(open("f", O_RDONLY));
	ssize_t n = read(fd, p + PAGE - 100, 5000);
	if (n < 0)
		CHECK_EQ(errno, EFAULT);
	else
		pattern_check(p + PAGE - 100, (size_t)n, 3, 0);
	CHECK(n <= 100);
	/* The offset has moved by what was read. */
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), n < 0 ? 0 : n);
}

TEST(badarg, pipe_stops_at_hole)
{
	static char out[PAGE];
	char *p = page_before_hole('a');
	int fd[2];

	CHECK_OK(pipe(fd));
	ssize_t n = write(fd[1], p + PAGE - 100, 3000);
	if (n < 0)
		CHECK_EQ(errno, EFAULT);
	CHECK(n <= 100);
	CHECK_OK(fcntl(fd[0], F_SETFL, O_NONBLOCK));
	ssize_t got = read(fd[0], out, sizeof(out));
	CHECK_EQ(got, n > 0 ? n : -1);
	CHECK_EQ(write(fd[1], out, 200), 200);
	n = read(fd[0], p + PAGE - 50, 200);
	if (n < 0)
		CHECK_EQ(errno, EFAULT);
	CHECK(n <= 50);
}

TEST(badarg, iovec_with_bad_element)
{
	char *p = page_before_hole('a'), good[10] = "goodgood";
	struct iovec iov[3] = { { good, 8 }, { p + PAGE, 8 }, { good, 8 } };
	struct stat st;
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));
	ssize_t n = writev(fd, iov, 3);

	CHECK(n == 8 || (n == -1 && errno == EFAULT));
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, n < 0 ? 0 : 8);
	iov[0].iov_base = (void *)0xffffffc000000000u;
	CHECK_ERR(writev(fd, iov, 3), EFAULT);
	iov[0].iov_base = good;
	iov[1].iov_len = (size_t)-1;
	CHECK_ERR(writev(fd, iov, 3), EINVAL);
	CHECK_ERR(syscall(SYS_readv, fd, iov, 1025), EINVAL);
	CHECK_ERR(syscall(SYS_readv, fd, iov, -1), EINVAL);
}

TEST(badarg, exec_argument_lists)
{
	char **edge = (char **)page_before_hole(0);
	char *bad[] = { "x", (char *)0xffffffc000000000u, NULL };

	file_make("prog", "#!/bin/false\n", 13);
	CHECK_OK(chmod("prog", 0755));
	/* A list that runs into the hole before its NULL. */
	for (int i = 0; i < PAGE / 8; i++)
		edge[i] = "x";
	CHECK_ERR(execve("prog", edge + 500, bad + 2), EFAULT);
	CHECK_ERR(execve("prog", bad, bad + 2), EFAULT);
	CHECK_ERR(execve("prog", bad + 2, bad), EFAULT);
}

TEST(badarg, wait_status_pointer)
{
	/* The child is gone all the same: Linux reaps first and copies then. */
	pid_t pid = child();

	if (pid == 0)
		_exit(0);
	CHECK_ERR(syscall(SYS_wait4, pid, 0xffffffc000000000u, 0, NULL), EFAULT);
	CHECK_ERR(waitpid(pid, NULL, 0), ECHILD);
}

TEST(badarg, clone_bad_stack)
{
	/* The child starts on a stack that is not there: it dies, nobody else. */
	long pid = syscall(SYS_clone, SIGCHLD, 0x1000, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	CHECK(pid > 0);
	int status = status_of((pid_t)pid);
	CHECK(WIFSIGNALED(status) || WIFEXITED(status));
}

TEST(badarg, set_tid_pointers)
{
	int status;
	long pid = syscall(SYS_clone, SIGCHLD | 0x00100000, NULL, 0xffffffc000000000u, NULL, NULL);

	/* CLONE_PARENT_SETTID into nowhere is ignored by Linux. */
	if (pid == 0)
		_exit(5);
	CHECK(pid > 0);
	CHECK_EQ(waitpid((pid_t)pid, &status, 0), pid);
	/* CLONE_CHILD_CLEARTID and a bad address: the exit goes on. */
	pid = syscall(SYS_clone, SIGCHLD | 0x00200000 | 0x01000000, NULL, NULL, NULL,
		      0xffffffc000000000u);
	if (pid == 0)
		_exit(6);
	CHECK(pid > 0);
	expect_exit((pid_t)pid, 6);
}

TEST(badarg, groups_counts, .root = true)
{
	gid_t groups[2] = { 1, 2 };

	CHECK_ERR(syscall(SYS_setgroups, 65537, groups), EINVAL);
	CHECK_ERR(syscall(SYS_setgroups, -1, groups), EINVAL);
	CHECK_ERR(syscall(SYS_setgroups, 2, 0xffffffc000000000u), EFAULT);
	CHECK_OK(setgroups(2, groups));
	CHECK_ERR(syscall(SYS_getgroups, 2, 0xffffffc000000000u), EFAULT);
	CHECK_EQ(syscall(SYS_getgroups, 0, 0xffffffc000000000u), 2);
}

/* Numbers that would end, stop or multiply the caller, or wait for ever. */
static bool call_is_left_out(unsigned long number)
{
	static const unsigned short list[] = {
		SYS_exit, SYS_exit_group, SYS_clone, SYS_clone3, SYS_kill, SYS_tkill, SYS_tgkill,
		SYS_rt_sigreturn, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_rt_sigsuspend,
		SYS_rt_sigtimedwait, SYS_nanosleep, SYS_clock_nanosleep, SYS_futex, SYS_ppoll,
		SYS_pselect6, SYS_wait4, SYS_waitid, SYS_setpriority, SYS_sched_setscheduler,
		SYS_sched_setattr, SYS_sync, SYS_syncfs, SYS_pidfd_send_signal, SYS_munmap,
		SYS_mremap, SYS_mprotect, SYS_brk, SYS_close_range, SYS_prctl, SYS_seccomp,
		SYS_setitimer, SYS_prlimit64, SYS_setrlimit, SYS_rt_sigprocmask, SYS_rt_sigaction,
		SYS_execve, SYS_ptrace, SYS_execveat, SYS_sigaltstack, SYS_reboot,
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (list[i] == number)
			return true;
	return false;
}

static uint64_t random_next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Numbers, addresses and borders as arguments of all calls, from an ordinary user. */
static void random_calls(uint64_t seed, int count)
{
	char *page = page_before_hole('/');
	const uint64_t values[] = {
		0, 1, 2, 3, 7, (uint64_t)-1, (uint64_t)-100, 4096, 1 << 20, INT_MAX, 0x80000000u,
		0x7fffffffffffffffu, 0x8000000000000000u, 0xffffffc000000000u, 0xffffffff80000000u,
		(uint64_t)page, (uint64_t)page + PAGE - 3, (uint64_t)page + PAGE, (uint64_t)"file",
	};
	const size_t choices = sizeof(values) / sizeof(values[0]);

	for (int i = 0; i < count; i++) {
		unsigned long number = random_next(&seed) % 300;
		uint64_t a[6];

		if (call_is_left_out(number))
			continue;
		for (int j = 0; j < 6; j++) {
			uint64_t pick = random_next(&seed) % (choices + 3);

			a[j] = pick < choices ? values[pick] :
				random_next(&seed) >> (random_next(&seed) % 64);
		}
		/* The channel of the reports must live. */
		if ((int)a[0] == UT_REPORT_FD)
			continue;
		syscall((long)number, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
}

static void random_test(uint64_t seed)
{
	pid_t pids[4];

	CHECK_OK(chmod(".", 0777));
	for (int i = 0; i < 4; i++) {
		pids[i] = child();
		if (pids[i] == 0) {
			struct rlimit limit = { 1 << 20, 1 << 20 };

			CHECK_OK(mkdir(i % 2 ? "a" : "b", 0777) >= 0 || errno == EEXIST ? 0 : -1);
			CHECK_OK(setrlimit(RLIMIT_FSIZE, &limit));
			signal(SIGXFSZ, SIG_IGN);
			signal(SIGPIPE, SIG_IGN);
			signal(SIGTTIN, SIG_IGN);
			signal(SIGTTOU, SIG_IGN);
			/* The console is everybody's: nothing may change its flags. */
			for (int fd = 0; fd < 3; fd++)
				CHECK_OK(close(fd));
			become_user();
			/* Calls that wait are cut short by the end of the process. */
			alarm(4);
			random_calls(seed + (uint64_t)i * 0x9e3779b97f4a7c15u, 3000);
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++) {
		int status = status_of(pids[i]);

		CHECK(WIFEXITED(status) || WIFSIGNALED(status));
	}
	/* The machine is well. */
	file_pattern("after", 20000, 1);
	file_pattern_check("after", 20000, 1);
}

TEST(badarg, random_calls_1, .root = true, .no_leak_check = true)
{
	random_test(0x123456789);
}

TEST(badarg, random_calls_2, .root = true, .no_leak_check = true)
{
	random_test(0xfeedface1);
}

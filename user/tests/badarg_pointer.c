/* Every system call that takes a pointer gets every kind of bad one: EFAULT, nothing worse. */
#include "badarg.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <time.h>

#define PAGE 4096

static int file_fd, dir_fd, pipe_fd[2];
static char *buffer, *hole, *readonly, *unmapped, *edge;
static const struct timespec zero_time;

static char *map_page(size_t pages, int prot)
{
	void *p = mmap(NULL, pages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

void bad_prepare(void)
{
	file_make("file", "0123456789", 10);
	file_make("prog", "#!/bin/true\n", 12);
	CHECK_OK(chmod("prog", 0755));
	CHECK_OK(symlink("link-target", "link"));
	file_fd = (int)CHECK_OK(open("file", O_RDWR));
	dir_fd = (int)CHECK_OK(open(".", O_RDONLY));
	CHECK_OK(pipe(pipe_fd));
	buffer = map_page(1, PROT_READ | PROT_WRITE);
	CHECK_EQ(write(pipe_fd[1], buffer, 100), 100);
	hole = map_page(1, PROT_NONE);
	readonly = map_page(1, PROT_READ);
	edge = map_page(2, PROT_READ | PROT_WRITE);
	memset(edge, 'e', PAGE);
	CHECK_OK(mprotect(edge + PAGE, PAGE, PROT_NONE));
	unmapped = map_page(1, PROT_READ);
	CHECK_OK(munmap(unmapped, PAGE));
}

long bad_arg(long arg)
{
	switch (arg) {
	case A_FILE:
		return file_fd;
	case A_DIR:
		return dir_fd;
	case A_PIPE_R:
		return pipe_fd[0];
	case A_PIPE_W:
		return pipe_fd[1];
	case A_BUF:
		return (long)buffer;
	case A_NAME:
		return (long)"file";
	case A_LINK:
		return (long)"link";
	case A_NEW:
		return (long)"new";
	case A_PROG:
		return (long)"prog";
	case A_ZERO_TIME:
		return (long)&zero_time;
	default:
		return arg;
	}
}

static void bad_pointer(const struct bad_call *call, const char *kind, unsigned long pointer)
{
	long a[6], result;

	for (int i = 0; i < 6; i++)
		a[i] = bad_arg(call->args[i]);
	a[call->arg] = (long)pointer;
	errno = 0;
	result = syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (result != -1 || errno != EFAULT)
		FAIL("%s with argument %d %s (0x%lx): %ld %s, not EFAULT", call->name, call->arg,
		     kind, pointer, result, result == -1 ? strerrorname_np(errno) : "");
}

void bad_pointers(const struct bad_call *calls, size_t count)
{
	int descriptors;

	bad_prepare();
	descriptors = open_descriptors();
	for (const struct bad_call *call = calls; call < calls + count; call++) {
		if (!call->null_ok)
			bad_pointer(call, "NULL", 0);
		bad_pointer(call, "unmapped", (unsigned long)unmapped);
		bad_pointer(call, "without access", (unsigned long)hole);
		bad_pointer(call, "at the end of user space", 0x4000000000u - 1);
		bad_pointer(call, "beyond user space", 0x4000000000u);
		bad_pointer(call, "non-canonical", 0x0000800000000000u);
		bad_pointer(call, "non-canonical, high", 0xff00000000000000u);
		bad_pointer(call, "in the kernel's half", 0xffffffc000000000u);
		bad_pointer(call, "in the kernel's memory", 0xffffffd600000000u);
		bad_pointer(call, "in the kernel's text", 0xffffffff80002000u);
		bad_pointer(call, "wrapping", 0xfffffffffffffff8u);
		bad_pointer(call, "-1", ~0ul);
		if (call->kind == 'o')
			bad_pointer(call, "read-only", (unsigned long)readonly);
		if (call->kind == 's')
			bad_pointer(call, "without end", (unsigned long)edge + PAGE - 5);
		else if (call->size > 1)
			bad_pointer(call, "straddling",
				    (unsigned long)(edge + PAGE - call->size / 2));
	}
	/* A call that failed has opened nothing, made nothing and left the pipe as it was. */
	CHECK_EQ(open_descriptors(), descriptors);
	CHECK_ERR(access("new", F_OK), ENOENT);
	CHECK_EQ(read(pipe_fd[0], buffer, PAGE), 100);
}

#define CALL(n, a, k, s, null, ...) { #n, SYS_##n, a, k, s, null, { __VA_ARGS__ } }
#define HERE AT_FDCWD

TEST(badarg, pointers_sysv)
{
	static const struct bad_call calls[] = {
		CALL(shmctl, 2, 'i', 112, false, 0, IPC_SET, 0),
		CALL(shmctl, 2, 'o', 72, false, 0, IPC_INFO, 0),
		CALL(shmctl, 2, 'o', 48, false, 0, SHM_INFO, 0),
		CALL(msgctl, 2, 'i', 120, false, 0, IPC_SET, 0),
		CALL(msgctl, 2, 'o', 32, false, 0, IPC_INFO, 0),
		CALL(msgctl, 2, 'o', 32, false, 0, MSG_INFO, 0),
		CALL(msgsnd, 1, 'i', 8, false, 0, 0, 1, IPC_NOWAIT),
		CALL(semctl, 3, 'i', 88, false, 0, 0, IPC_SET, 0),
		CALL(semctl, 3, 'o', 40, false, 0, 0, IPC_INFO, 0),
		CALL(semctl, 3, 'o', 40, false, 0, 0, SEM_INFO, 0),
		CALL(semop, 1, 'i', 6, false, 0, 0, 1),
		CALL(semtimedop, 3, 'i', 16, true, 0, A_BUF, 1, 0),
	};

	BAD_POINTERS(calls);
}

TEST(badarg, pointers_mq)
{
	static const struct bad_call calls[] = {
		CALL(mq_open, 0, 's', 0, false, 0, O_RDWR, 0, 0),
		CALL(mq_open, 3, 'i', 64, true, A_NAME, O_RDWR, 0, 0),
		CALL(mq_unlink, 0, 's', 0, false, 0),
		CALL(mq_timedsend, 4, 'i', 16, true, -1, A_BUF, 1, 0, 0),
		CALL(mq_timedreceive, 4, 'i', 16, true, -1, A_BUF, 1, 0, 0),
		CALL(mq_notify, 1, 'i', 64, true, -1, 0),
		CALL(mq_getsetattr, 1, 'i', 64, true, -1, 0, 0),
	};

	BAD_POINTERS(calls);
}

TEST(badarg, pointers_paths)
{
	static const struct bad_call calls[] = {
		CALL(openat, 1, 's', 0, false, HERE, 0, O_RDONLY),
		CALL(memfd_create, 0, 's', 0, false, 0, 0),
		CALL(openat, 1, 's', 0, false, HERE, 0, O_RDWR | O_CREAT, 0600),
		/* A_BUF: a struct open_how of zeros. */
		CALL(openat2, 1, 's', 0, false, HERE, 0, A_BUF, 24),
		CALL(openat2, 2, 'i', 24, false, HERE, A_NAME, 0, 24),
		CALL(mkdirat, 1, 's', 0, false, HERE, 0, 0700),
		CALL(mknodat, 1, 's', 0, false, HERE, 0, S_IFIFO | 0600),
		CALL(unlinkat, 1, 's', 0, false, HERE, 0, 0),
		CALL(unlinkat, 1, 's', 0, false, HERE, 0, AT_REMOVEDIR),
		CALL(symlinkat, 0, 's', 0, false, 0, HERE, A_NEW),
		CALL(symlinkat, 2, 's', 0, false, A_NAME, HERE, 0),
		CALL(linkat, 1, 's', 0, false, HERE, 0, HERE, A_NEW, 0),
		CALL(linkat, 3, 's', 0, false, HERE, A_NAME, HERE, 0, 0),
		CALL(renameat2, 1, 's', 0, false, HERE, 0, HERE, A_NEW, 0),
		CALL(renameat2, 3, 's', 0, false, HERE, A_NAME, HERE, 0, 0),
		CALL(readlinkat, 1, 's', 0, false, HERE, 0, A_BUF, 100),
		CALL(faccessat, 1, 's', 0, false, HERE, 0, F_OK),
		CALL(chdir, 0, 's', 0, false, 0),
		CALL(fchmodat, 1, 's', 0, false, HERE, 0, 0600),
		CALL(fchownat, 1, 's', 0, false, HERE, 0, -1, -1, 0),
		CALL(truncate, 0, 's', 0, false, 0, 3),
		CALL(statfs, 0, 's', 0, false, 0, A_BUF),
		CALL(newfstatat, 1, 's', 0, false, HERE, 0, A_BUF, 0),
		CALL(statx, 1, 's', 0, false, HERE, 0, 0, STATX_BASIC_STATS, A_BUF),
		CALL(utimensat, 1, 's', 0, true, HERE, 0, 0, 0),
		CALL(execve, 0, 's', 0, false, 0, A_BUF, A_BUF),
	};

	BAD_POINTERS(calls);
}

TEST(badarg, pointers_root_paths, .root = true)
{
	static const struct bad_call calls[] = {
		CALL(mount, 1, 's', 0, false, A_NAME, 0, A_NAME, 0, 0),
		CALL(umount2, 0, 's', 0, false, 0, 0),
		CALL(chroot, 0, 's', 0, false, 0),
	};

	BAD_POINTERS(calls);
}

TEST(badarg, pointers_files)
{
	static const struct bad_call calls[] = {
		CALL(readlinkat, 2, 'o', 11, false, HERE, A_LINK, 0, 100),
		CALL(statfs, 1, 'o', 120, false, A_NAME, 0),
		CALL(fstatfs, 1, 'o', 120, false, A_FILE, 0),
		CALL(fstat, 1, 'o', 128, false, A_FILE, 0),
		CALL(newfstatat, 2, 'o', 128, false, HERE, A_NAME, 0, 0),
		CALL(statx, 4, 'o', 256, false, HERE, A_NAME, 0, STATX_BASIC_STATS, 0),
		CALL(utimensat, 2, 'i', 32, true, HERE, A_NAME, 0, 0),
		CALL(getcwd, 0, 'o', 0, false, 0, 4096),
		CALL(getdents64, 1, 'o', 0, false, A_DIR, 0, 1024),
		CALL(pipe2, 0, 'o', 8, false, 0, 0),
		CALL(read, 1, 'o', 0, false, A_FILE, 0, 5),
		CALL(pread64, 1, 'o', 0, false, A_FILE, 0, 5, 0),
		CALL(write, 1, 'i', 0, false, A_FILE, 0, 5),
		CALL(pwrite64, 1, 'i', 0, false, A_FILE, 0, 5, 0),
		CALL(write, 1, 'i', 0, false, A_PIPE_W, 0, 5),
		CALL(readv, 1, 'i', 16, false, A_FILE, 0, 1),
		CALL(writev, 1, 'i', 16, false, A_FILE, 0, 1),
		CALL(ioctl, 2, 'o', 4, false, A_PIPE_R, 0x541b, 0),
		CALL(ppoll, 0, 'i', 8, false, 0, 1, A_ZERO_TIME, 0, 8),
		CALL(ppoll, 2, 'i', 16, true, A_BUF, 0, 0, 0, 8),
		CALL(ppoll, 3, 'i', 8, true, A_BUF, 0, A_ZERO_TIME, 0, 8),
	};

	BAD_POINTERS(calls);
}

TEST(badarg, pointers_read_pipe)
{
	static const struct bad_call calls[] = {
		CALL(read, 1, 'o', 0, false, A_PIPE_R, 0, 5),
	};

	BAD_POINTERS(calls);
}

TEST(badarg, pointers_processes)
{
	static const struct bad_call calls[] = {
		CALL(uname, 0, 'o', 390, false, 0),
		CALL(sysinfo, 0, 'o', 112, false, 0),
		CALL(times, 0, 'o', 32, true, 0),
		CALL(getrusage, 1, 'o', 144, false, 0, 0),
		CALL(prlimit64, 2, 'i', 16, true, 0, RLIMIT_CORE, 0, 0),
		CALL(prlimit64, 3, 'o', 16, true, 0, RLIMIT_CORE, 0, 0),
		CALL(getcpu, 0, 'o', 4, true, 0, 0, 0),
		CALL(getresuid, 0, 'o', 4, false, 0, A_BUF, A_BUF),
		CALL(getresuid, 2, 'o', 4, false, A_BUF, A_BUF, 0),
		CALL(getresgid, 1, 'o', 4, false, A_BUF, 0, A_BUF),
		CALL(capget, 0, 'i', 4, false, 0, A_BUF),
		CALL(capset, 0, 'i', 4, false, 0, A_BUF),
		CALL(prctl, 1, 'o', 4, false, 2 /* PR_GET_PDEATHSIG */, 0),
		CALL(getrandom, 0, 'o', 0, false, 0, 16, 0),
		CALL(waitid, 2, 'o', 28, true, P_ALL, 0, 0, WEXITED | WNOWAIT, 0),
		CALL(execve, 1, 'i', 0, true, A_PROG, 0, A_BUF),
		CALL(execve, 2, 'i', 0, true, A_PROG, A_BUF, 0),
	};
	pid_t pid = child();

	if (pid == 0)
		_exit(0);
	BAD_POINTERS(calls);
	expect_exit(pid, 0);
}

TEST(badarg, pointers_signals)
{
	static const struct bad_call calls[] = {
		CALL(rt_sigaction, 1, 'i', 24, true, SIGUSR1, 0, 0, 8),
		CALL(rt_sigaction, 2, 'o', 24, true, SIGUSR1, 0, 0, 8),
		CALL(rt_sigprocmask, 1, 'i', 8, true, SIG_BLOCK, 0, 0, 8),
		CALL(rt_sigprocmask, 2, 'o', 8, true, SIG_BLOCK, 0, 0, 8),
		CALL(rt_sigpending, 0, 'o', 8, false, 0, 8),
		CALL(rt_sigsuspend, 0, 'i', 8, false, 0, 8),
		CALL(rt_sigtimedwait, 0, 'i', 8, false, 0, 0, A_ZERO_TIME, 8),
		CALL(rt_sigtimedwait, 2, 'i', 16, true, A_BUF, 0, 0, 8),
		CALL(sigaltstack, 0, 'i', 24, true, 0, 0),
		CALL(sigaltstack, 1, 'o', 24, true, 0, 0),
		CALL(getitimer, 1, 'o', 32, false, 0, 0),
		CALL(setitimer, 1, 'i', 32, true, 0, 0, 0),
		CALL(setitimer, 2, 'o', 32, true, 0, A_BUF, 0),
	};

	BAD_POINTERS(calls);
}

TEST(badarg, pointers_time)
{
	static const struct bad_call calls[] = {
		CALL(clock_gettime, 1, 'o', 16, false, CLOCK_MONOTONIC, 0),
		CALL(clock_gettime, 1, 'o', 16, false, CLOCK_THREAD_CPUTIME_ID, 0),
		CALL(clock_getres, 1, 'o', 16, true, CLOCK_REALTIME, 0),
		CALL(clock_nanosleep, 2, 'i', 16, false, CLOCK_MONOTONIC, 0, 0, 0),
		CALL(nanosleep, 0, 'i', 16, false, 0, 0),
		CALL(gettimeofday, 0, 'o', 16, true, 0, 0),
		CALL(gettimeofday, 1, 'o', 8, true, 0, 0),
		CALL(futex, 0, 'i', 0, false, 0, 0, 0, 0, 0, 0),
	};

	/* A futex word must be aligned before it must be mapped. */
	bad_pointers(calls, sizeof(calls) / sizeof(calls[0]) - 1);
	struct bad_call futex = calls[sizeof(calls) / sizeof(calls[0]) - 1];
	bad_pointer(&futex, "NULL", 0);
	bad_pointer(&futex, "unmapped", (unsigned long)unmapped);
	bad_pointer(&futex, "without access", (unsigned long)hole);
	bad_pointer(&futex, "in the kernel's half", 0xffffffc000000000u);
	bad_pointer(&futex, "wrapping", 0xfffffffffffffffcu);
}

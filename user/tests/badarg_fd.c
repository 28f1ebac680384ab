/* Bad descriptors: -1, closed, huge and of the wrong kind, for every call that takes one. */
#include "badarg.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#define CALL(n, a, ...) { #n, SYS_##n, a, 'd', 0, false, { __VA_ARGS__ } }

static void try_descriptor(const struct bad_call *call, long fd, int want)
{
	long a[6], result;

	for (int i = 0; i < 6; i++)
		a[i] = bad_arg(call->args[i]);
	a[call->arg] = fd;
	errno = 0;
	result = syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (result != -1 || errno != want)
		FAIL("%s with descriptor %ld: %ld %s, not %s", call->name, fd, result,
		     result == -1 ? strerrorname_np(errno) : "", strerrorname_np(want));
}

static void try_all(const struct bad_call *calls, size_t count)
{
	static const long bad[] = {
		-1, -2, 150, 1023, 1024, 65536, INT_MAX, INT_MIN, 0x100000000 - 1,
	};

	bad_prepare();
	for (const struct bad_call *call = calls; call < calls + count; call++)
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			try_descriptor(call, bad[i], EBADF);
}

TEST(badarg, descriptors_of_files)
{
	static const struct bad_call calls[] = {
		CALL(read, 0, 0, A_BUF, 5), CALL(write, 0, 0, A_BUF, 5),
		CALL(pread64, 0, 0, A_BUF, 5, 0), CALL(pwrite64, 0, 0, A_BUF, 5, 0),
		CALL(readv, 0, 0, A_BUF, 1), CALL(writev, 0, 0, A_BUF, 1),
		CALL(lseek, 0, 0, 0, SEEK_SET), CALL(close, 0), CALL(fstat, 0, 0, A_BUF),
		CALL(fstatfs, 0, 0, A_BUF), CALL(ftruncate, 0, 0, 0), CALL(fsync, 0),
		CALL(fdatasync, 0), CALL(fchmod, 0, 0, 0600), CALL(fchown, 0, 0, -1, -1),
		CALL(fchdir, 0), CALL(dup, 0), CALL(dup3, 0, 0, 60, 0), CALL(dup3, 1, A_FILE, 0, 0),
		CALL(fcntl, 0, 0, F_GETFL, 0), CALL(fcntl, 0, 0, F_DUPFD, 0),
		CALL(fcntl, 0, 0, F_SETFD, 1), CALL(ioctl, 0, 0, FIONREAD, A_BUF),
		CALL(getdents64, 0, 0, A_BUF, 1000), CALL(inotify_rm_watch, 0, 0, 1),
		CALL(inotify_add_watch, 0, 0, A_NAME, 2),
	};

	/* Number 150 is closed; of dup3's targets only those out of range are bad. */
	try_all(calls, 17);
	try_descriptor(&calls[18], -1, EBADF);
	try_descriptor(&calls[18], INT_MAX, EBADF);
	for (size_t i = 19; i < sizeof(calls) / sizeof(calls[0]); i++) {
		try_descriptor(&calls[i], -1, EBADF);
		try_descriptor(&calls[i], 150, EBADF);
		try_descriptor(&calls[i], INT_MAX, EBADF);
	}
}

static const struct bad_call at_calls[] = {
	CALL(openat, 0, 0, A_NAME, O_RDONLY), CALL(openat2, 0, 0, A_NAME, A_BUF, 24),
	CALL(openat, 0, 0, A_NEW, O_RDWR | O_CREAT, 0600),
	CALL(mkdirat, 0, 0, A_NEW, 0700), CALL(mknodat, 0, 0, A_NEW, S_IFIFO | 0600, 0),
	CALL(unlinkat, 0, 0, A_NAME, 0), CALL(symlinkat, 1, A_NAME, 0, A_NEW),
	CALL(linkat, 0, 0, A_NAME, AT_FDCWD, A_NEW, 0),
	CALL(linkat, 2, AT_FDCWD, A_NAME, 0, A_NEW, 0),
	CALL(renameat2, 0, 0, A_NAME, AT_FDCWD, A_NEW, 0),
	CALL(renameat2, 2, AT_FDCWD, A_NAME, 0, A_NEW, 0),
	CALL(readlinkat, 0, 0, A_LINK, A_BUF, 100), CALL(faccessat, 0, 0, A_NAME, F_OK),
	CALL(fchmodat, 0, 0, A_NAME, 0600), CALL(fchownat, 0, 0, A_NAME, -1, -1, 0),
	CALL(newfstatat, 0, 0, A_NAME, A_BUF, 0), CALL(statx, 0, 0, A_NAME, 0, STATX_SIZE, A_BUF),
	CALL(utimensat, 0, 0, A_NAME, 0, 0),
};

TEST(badarg, descriptors_of_directories)
{
	try_all(at_calls, sizeof(at_calls) / sizeof(at_calls[0]));
}

TEST(badarg, descriptor_is_no_directory)
{
	bad_prepare();
	for (size_t i = 0; i < sizeof(at_calls) / sizeof(at_calls[0]); i++) {
		try_descriptor(&at_calls[i], bad_arg(A_FILE), ENOTDIR);
		try_descriptor(&at_calls[i], bad_arg(A_PIPE_R), ENOTDIR);
	}
	CHECK_OK(access("file", F_OK));
	CHECK_ERR(access("new", F_OK), ENOENT);
}

TEST(badarg, descriptor_of_wrong_kind)
{
	char buf[64];
	int fd[2], dir = (int)CHECK_OK(open(".", O_RDONLY));

	CHECK_OK(pipe(fd));
	CHECK_ERR(fchdir(fd[0]), ENOTDIR);
	CHECK_ERR(syscall(SYS_getdents64, fd[0], buf, sizeof(buf)), ENOTDIR);
	CHECK_ERR(read(dir, buf, 1), EISDIR);
	CHECK_ERR(pread(dir, buf, 1, 0), EISDIR);
	CHECK_ERR(write(dir, buf, 1), EBADF);
	CHECK_ERR(ftruncate(dir, 0), EINVAL);
	CHECK_ERR(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd[0], 0), ENODEV);
	CHECK_ERR(ioctl(dir, TIOCGWINSZ, buf), ENOTTY);
}

TEST(badarg, descriptor_high_bits)
{
	/* A descriptor is an int: the upper half of the register does not count. */
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));
	char c = 'x';

	CHECK_EQ(syscall(SYS_write, fd | 0x7700000000, &c, 1), 1);
	CHECK_EQ(syscall(SYS_lseek, fd | 0x7700000000, 0, SEEK_SET), 0);
	CHECK_EQ(syscall(SYS_dup, fd | 0x100000000) > 0, 1);
}

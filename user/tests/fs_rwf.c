/* preadv2, pwritev2: positions, and each flag. */
#include "ut.h"

#include <sys/socket.h>
#include <sys/uio.h>

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif

static ssize_t put(int fd, const char *text, off_t at, int flags)
{
	struct iovec iov = { (void *)text, strlen(text) };

	return pwritev2(fd, &iov, 1, at, flags);
}

static ssize_t get(int fd, char *buf, size_t size, off_t at, int flags)
{
	struct iovec iov = { buf, size };

	return preadv2(fd, &iov, 1, at, flags);
}

TEST(fs, preadv2_and_pwritev2)
{
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));
	char buf[32] = "";

	/* -1: at the file's position, which moves. */
	CHECK_EQ(put(fd, "abcdef", -1, 0), 6);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 6);
	CHECK_EQ(put(fd, "XY", 2, RWF_HIPRI), 2);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 6);
	CHECK_EQ(lseek(fd, 1, SEEK_SET), 1);
	CHECK_EQ(get(fd, buf, 2, -1, RWF_HIPRI), 2);
	CHECK_STR(buf, "bX");
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 3);
	CHECK_EQ(put(fd, "s", 0, RWF_SYNC), 1);
	CHECK_EQ(put(fd, "d", 1, RWF_DSYNC), 1);
	CHECK_EQ(get(fd, buf, 31, 0, 0), 6);
	CHECK_STR(buf, "sdXYef");
	CHECK_ERR(get(fd, buf, 1, -2, 0), EINVAL);
	CHECK_ERR(put(fd, "x", -2, 0), EINVAL);
	CHECK_ERR(get(fd, buf, 1, 0, 0x100), EOPNOTSUPP);
	CHECK_ERR(put(fd, "x", 0, 0x100), EOPNOTSUPP);
	CHECK_ERR(get(-1, buf, 1, 0, 0), EBADF);
	CHECK_ERR(get(-1, buf, 1, 0, RWF_NOWAIT), EBADF);
	CHECK_ERR(get(-1, buf, 1, 0, 0x100), EBADF);
	CHECK_ERR(syscall(SYS_preadv2, fd, 8, 1, 0, 0, 0), EFAULT);
	CHECK_ERR(syscall(SYS_preadv2, fd, NULL, -1, 0, 0, 0), EINVAL);
	CHECK_ERR(syscall(SYS_preadv2, fd, NULL, 1025, 0, 0, 0), EINVAL);
}

TEST(fs, rwf_append)
{
	int fd, append;
	char buf[32] = "";

	file_make("f", "abc", 3);
	fd = (int)CHECK_OK(open("f", O_RDWR));
	append = (int)CHECK_OK(open("f", O_WRONLY | O_APPEND));
	CHECK_EQ(put(fd, "de", 0, RWF_APPEND), 2);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
	/* At the file's own position it moves that. */
	CHECK_EQ(put(fd, "f", -1, RWF_APPEND), 1);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 6);
	CHECK_EQ(put(append, "A", 0, RWF_NOAPPEND), 1);
	CHECK_EQ(put(append, "g", 0, 0), 1);
	CHECK_EQ(get(fd, buf, 31, 0, 0), 7);
	CHECK_STR(buf, "Abcdefg");
	CHECK_ERR(put(append, "x", 0, RWF_APPEND | RWF_NOAPPEND), EINVAL);
}

static void nowait_check(int from, int to)
{
	static const char fill[4096];
	char buf[16] = "";

	CHECK_ERR(get(from, buf, 10, -1, RWF_NOWAIT), EAGAIN);
	CHECK_EQ(put(to, "text", -1, RWF_NOWAIT), 4);
	CHECK_EQ(get(from, buf, 10, -1, RWF_NOWAIT), 4);
	CHECK_STR(buf, "text");
	CHECK_OK(fcntl(to, F_SETFL, O_NONBLOCK));
	while (write(to, fill, sizeof(fill)) > 0)
		;
	CHECK_EQ(errno, EAGAIN);
	CHECK_OK(fcntl(to, F_SETFL, 0));
	CHECK_ERR(put(to, "text", -1, RWF_NOWAIT), EAGAIN);
}

TEST(fs, rwf_nowait)
{
	int pair[2];
	char c = 0;

	CHECK_OK(pipe(pair));
	nowait_check(pair[0], pair[1]);
	CHECK_ERR(get(pair[0], &c, 1, 0, RWF_NOWAIT), ESPIPE);
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	nowait_check(pair[0], pair[1]);
	/* Files do not know how to write without waiting, directories not how to read. */
	file_make("f", "abc", 3);
	CHECK_ERR(put((int)CHECK_OK(open("f", O_RDWR)), "x", 0, RWF_NOWAIT), EOPNOTSUPP);
	CHECK_ERR(get((int)CHECK_OK(open(".", O_RDONLY)), &c, 1, 0, RWF_NOWAIT), EOPNOTSUPP);
}

/* splice, tee, vmsplice: bytes between a pipe and something else. */
#include "ut.h"

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define PIPE_BYTES	65536

static void pipe_with(int fd[2], const char *text)
{
	CHECK_OK(pipe(fd));
	CHECK_EQ(write(fd[1], text, strlen(text)), strlen(text));
}

/* What is in the pipe now is this. */
static void expect_text(int fd, const char *text)
{
	char buf[256] = "";
	int flags = CHECK_OK(fcntl(fd, F_GETFL));

	CHECK_OK(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
	if (*text)
		CHECK_EQ(read(fd, buf, sizeof(buf) - 1), strlen(text));
	else
		CHECK_ERR(read(fd, buf, sizeof(buf) - 1), EAGAIN);
	CHECK_OK(fcntl(fd, F_SETFL, flags));
	CHECK_STR(buf, text);
}

TEST(splice, file_to_pipe)
{
	int p[2], file;
	off_t at = 2;

	file_make("f", "0123456789", 10);
	file = CHECK_OK(open("f", O_RDONLY));
	CHECK_OK(pipe(p));
	CHECK_EQ(splice(file, NULL, p[1], NULL, 4, 0), 4);
	CHECK_EQ(lseek(file, 0, SEEK_CUR), 4);
	expect_text(p[0], "0123");
	CHECK_EQ(splice(file, &at, p[1], NULL, 3, SPLICE_F_MOVE | SPLICE_F_MORE), 3);
	CHECK_EQ(at, 5);
	CHECK_EQ(lseek(file, 0, SEEK_CUR), 4);
	expect_text(p[0], "234");
	CHECK_EQ(splice(file, NULL, p[1], NULL, 1 << 20, 0), 6);
	CHECK_EQ(splice(file, NULL, p[1], NULL, 1 << 20, 0), 0);
	expect_text(p[0], "456789");
	at = 1000;
	CHECK_EQ(splice(file, &at, p[1], NULL, 5, 0), 0);
}

TEST(splice, pipe_to_file)
{
	int p[2], file = CHECK_OK(open("f", O_CREAT | O_RDWR, 0644));
	char buf[32] = "";
	off_t at = 1;

	pipe_with(p, "abcdefgh");
	CHECK_EQ(splice(p[0], NULL, file, NULL, 3, 0), 3);
	CHECK_EQ(lseek(file, 0, SEEK_CUR), 3);
	CHECK_EQ(splice(p[0], NULL, file, &at, 100, 0), 5);
	CHECK_EQ(at, 6);
	CHECK_EQ(lseek(file, 0, SEEK_CUR), 3);
	CHECK_EQ(pread(file, buf, sizeof(buf), 0), 6);
	CHECK_STR(buf, "adefgh");
	CHECK_OK(close(p[1]));
	CHECK_EQ(splice(p[0], NULL, file, NULL, 3, 0), 0);
}

TEST(splice, much)
{
	int p[2], in, out;
	size_t size = 300000;
	pid_t pid;

	CHECK_OK(pipe(p));
	in = CHECK_OK(open("in", O_CREAT | O_RDWR, 0644));
	for (size_t n = 0; n < size; n += 1000) {
		char buf[1000];

		pattern_fill(buf, sizeof(buf), 5, n);
		write_full(in, buf, sizeof(buf));
	}
	/* As much as the pipe holds, and not more. */
	CHECK_EQ(lseek(in, 0, SEEK_SET), 0);
	CHECK_EQ(splice(in, NULL, p[1], NULL, size, 0), PIPE_BYTES);
	CHECK_ERR(splice(in, NULL, p[1], NULL, size, SPLICE_F_NONBLOCK), EAGAIN);
	pid = child();
	if (pid == 0) {
		ssize_t n;

		CHECK_OK(close(p[0]));
		while ((n = splice(in, NULL, p[1], NULL, size, 0)) > 0)
			;
		CHECK_EQ(n, 0);
		_exit(0);
	}
	CHECK_OK(close(p[1]));
	out = CHECK_OK(open("out", O_CREAT | O_RDWR, 0644));
	for (ssize_t n; (n = CHECK_OK(splice(p[0], NULL, out, NULL, size, 0))) > 0;)
		;
	expect_exit(pid, 0);
	file_pattern_check("out", size, 5);
}

TEST(splice, pipe_to_pipe)
{
	int a[2], b[2];

	pipe_with(a, "hello");
	CHECK_OK(pipe(b));
	CHECK_EQ(splice(a[0], NULL, b[1], NULL, 2, 0), 2);
	expect_text(b[0], "he");
	CHECK_EQ(splice(a[0], NULL, b[1], NULL, 100, 0), 3);
	expect_text(b[0], "llo");
	CHECK_ERR(splice(a[0], NULL, b[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
}

TEST(splice, sockets)
{
	int s[2], p[2];
	char buf[16] = "";

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	pipe_with(p, "to the socket");
	CHECK_EQ(splice(p[0], NULL, s[0], NULL, 2, 0), 2);
	CHECK_EQ(read(s[1], buf, sizeof(buf)), 2);
	CHECK_STR(buf, "to");
	CHECK_EQ(write(s[1], "back", 4), 4);
	expect_text(p[0], " the socket");
	CHECK_EQ(splice(s[0], NULL, p[1], NULL, 100, 0), 4);
	expect_text(p[0], "back");
}

/* What is read of a socket has its place in the pipe, whoever else writes to that meanwhile. */
TEST(splice, has_room_for_what_it_reads)
{
	static char others[4096];
	int s[2], p[2];
	pid_t reader, writer;
	char buf[6] = "";

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	CHECK_OK(pipe(p));
	CHECK_OK(fcntl(p[1], F_SETPIPE_SZ, sizeof(others)));
	reader = child();
	if (reader == 0)
		_exit(splice(s[0], NULL, p[1], NULL, sizeof(others), 0) != 5);
	wait_state(reader, "S");
	writer = child();
	if (writer == 0)
		_exit(write(p[1], others, sizeof(others)) != sizeof(others));
	wait_state(writer, "SDZ"); /* Z: it was not kept out */
	CHECK_EQ(write(s[1], "first", 5), 5);
	expect_exit(reader, 0);
	CHECK_EQ(read(p[0], buf, 5), 5);
	CHECK_STR(buf, "first");
	CHECK_EQ(read(p[0], others, sizeof(others)), sizeof(others));
	expect_exit(writer, 0);
}

TEST(splice, waits_for_data)
{
	int a[2], b[2];
	pid_t pid;

	CHECK_OK(pipe(a));
	CHECK_OK(pipe(b));
	pid = child();
	if (pid == 0)
		_exit(splice(a[0], NULL, b[1], NULL, 100, 0) != 3);
	wait_state(pid, "S");
	CHECK_EQ(write(a[1], "abc", 3), 3);
	expect_exit(pid, 0);
	expect_text(b[0], "abc");
}

TEST(splice, what_is_not_written_stays)
{
	int p[2], file = CHECK_OK(open("f", O_CREAT | O_RDWR, 0644));
	struct rlimit limit = { 1, 1 };

	pipe_with(p, "rkept");
	CHECK_OK(signal(SIGXFSZ, SIG_IGN) == SIG_ERR ? -1 : 0);
	CHECK_OK(setrlimit(RLIMIT_FSIZE, &limit));
	CHECK_EQ(splice(p[0], NULL, file, NULL, 5, 0), 1);
	CHECK_ERR(splice(p[0], NULL, file, NULL, 4, 0), EFBIG);
	expect_text(p[0], "kept");
}

TEST(splice, errors)
{
	int p[2], other[2], file, append, event = CHECK_OK(eventfd(1, 0));
	int folder = CHECK_OK(open(".", O_RDONLY));
	off_t at = 0, before = -1;

	pipe_with(p, "some");
	CHECK_OK(pipe(other));
	file = CHECK_OK(open("f", O_CREAT | O_RDWR, 0644));
	append = CHECK_OK(open("f", O_WRONLY | O_APPEND));
	CHECK_EQ(splice(-1, NULL, -1, NULL, 0, 0), 0);
	CHECK_ERR(splice(p[0], NULL, file, NULL, 1, 16), EINVAL);
	CHECK_ERR(splice(-1, NULL, file, NULL, 1, 0), EBADF);
	CHECK_ERR(splice(p[0], NULL, -1, NULL, 1, 0), EBADF);
	CHECK_ERR(splice(p[1], NULL, file, NULL, 1, 0), EBADF);
	CHECK_ERR(splice(p[0], NULL, folder, NULL, 1, 0), EBADF);
	CHECK_ERR(splice(file, NULL, file, &at, 1, 0), EINVAL);
	CHECK_ERR(splice(p[0], NULL, p[1], NULL, 1, 0), EINVAL);
	CHECK_ERR(splice(p[0], &at, file, NULL, 1, 0), ESPIPE);
	CHECK_ERR(splice(file, NULL, p[1], &at, 1, 0), ESPIPE);
	CHECK_ERR(splice(p[0], NULL, file, &before, 1, 0), EINVAL);
	CHECK_ERR(splice(p[0], NULL, append, NULL, 1, 0), EINVAL);
	CHECK_ERR(splice(folder, NULL, p[1], NULL, 1, 0), EINVAL);
	CHECK_ERR(splice(event, NULL, p[1], NULL, 8, 0), EINVAL);
	CHECK_OK(signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -1 : 0);
	CHECK_OK(close(other[0]));
	CHECK_ERR(splice(p[0], NULL, other[1], NULL, 1, 0), EPIPE);
	expect_text(p[0], "some");
}

TEST(splice, tee)
{
	int a[2], b[2];

	pipe_with(a, "hello");
	CHECK_OK(pipe(b));
	CHECK_EQ(tee(a[0], b[1], 3, 0), 3);
	CHECK_EQ(tee(a[0], b[1], 100, SPLICE_F_NONBLOCK), 5);
	expect_text(b[0], "helhello");
	expect_text(a[0], "hello");
	CHECK_ERR(tee(a[0], b[1], 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_OK(close(a[1]));
	CHECK_EQ(tee(a[0], b[1], 1, 0), 0);
}

TEST(splice, tee_errors)
{
	int a[2], b[2], file = CHECK_OK(open("f", O_CREAT | O_RDWR, 0644));

	pipe_with(a, "x");
	CHECK_OK(pipe(b));
	CHECK_EQ(tee(-1, -1, 0, 0), 0);
	CHECK_ERR(tee(a[0], b[1], 1, 16), EINVAL);
	CHECK_ERR(tee(-1, b[1], 1, 0), EBADF);
	CHECK_ERR(tee(a[0], -1, 1, 0), EBADF);
	CHECK_ERR(tee(a[1], b[1], 1, 0), EBADF);
	CHECK_ERR(tee(a[0], b[0], 1, 0), EBADF);
	CHECK_ERR(tee(a[0], a[1], 1, 0), EINVAL);
	CHECK_ERR(tee(a[0], file, 1, 0), EINVAL);
	CHECK_ERR(tee(file, a[1], 1, 0), EINVAL);
}

TEST(splice, vmsplice)
{
	struct iovec many[40];
	char one[] = "one ", two[] = "two", in[16] = "";
	struct iovec parts[] = { { one, 4 }, { two, 3 } }, back = { in, sizeof(in) - 1 };
	int p[2], file = CHECK_OK(open("f", O_CREAT | O_RDWR, 0644));

	CHECK_OK(pipe(p));
	CHECK_EQ(vmsplice(p[1], parts, 2, 0), 7);
	expect_text(p[0], "one two");
	CHECK_EQ(vmsplice(p[1], parts, 1, SPLICE_F_GIFT), 4);
	CHECK_EQ(vmsplice(p[0], &back, 1, 0), 4);
	CHECK_STR(in, "one ");
	CHECK_ERR(vmsplice(p[0], &back, 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_EQ(vmsplice(p[1], parts, 0, 0), 0);
	CHECK_ERR(vmsplice(p[1], parts, 1025, 0), EINVAL);
	CHECK_ERR(vmsplice(p[1], parts, 1, 16), EINVAL);
	CHECK_ERR(vmsplice(p[1], (void *)8, 1, 0), EFAULT);
	/* A list that the kernel has to allocate, refused by its last part. */
	for (int i = 0; i < 40; i++)
		many[i] = parts[0];
	many[39].iov_len = (size_t)-1;
	for (int i = 0; i < 20; i++) {
		CHECK_ERR(vmsplice(p[1], many, 40, 0), EINVAL);
		CHECK_ERR(vmsplice(p[1], (void *)8, 40, 0), EFAULT);
	}
	CHECK_ERR(vmsplice(file, parts, 1, 0), EBADF);
	CHECK_ERR(vmsplice(-1, parts, 1, 0), EBADF);
}

TEST(splice, vmsplice_fills_the_pipe)
{
	static char much[PIPE_BYTES + 8192];
	struct iovec all = { much, sizeof(much) };
	int p[2];

	CHECK_OK(pipe(p));
	CHECK_GE(vmsplice(p[1], &all, 1, SPLICE_F_NONBLOCK), PIPE_BYTES - 4096);
	CHECK_ERR(vmsplice(p[1], &all, 1, SPLICE_F_NONBLOCK), EAGAIN);
}

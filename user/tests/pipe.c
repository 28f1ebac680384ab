/* Pipes: capacity, atomicity, end of file, SIGPIPE, non-blocking use, fifos. */
#include "ut.h"

#include <sys/ioctl.h>
#include <sys/uio.h>

static volatile sig_atomic_t caught;

static void catch(int sig)
{
	caught = sig;
}

TEST(pipe, basic)
{
	char buf[16];
	int fd[2];

	CHECK_OK(pipe(fd));
	CHECK_EQ(write(fd[1], "hello", 5), 5);
	CHECK_EQ(read(fd[0], buf, sizeof(buf)), 5);
	CHECK(memcmp(buf, "hello", 5) == 0);
	CHECK_EQ(write(fd[1], "abc", 3), 3);
	CHECK_EQ(write(fd[1], "def", 3), 3);
	CHECK_EQ(read(fd[0], buf, 2), 2);
	CHECK_EQ(read(fd[0], buf + 2, sizeof(buf) - 2), 4);
	CHECK(memcmp(buf, "abcdef", 6) == 0);
}

TEST(pipe, flags)
{
	int fd[2];

	CHECK_OK(pipe2(fd, O_CLOEXEC | O_NONBLOCK));
	CHECK_EQ(fcntl(fd[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd[1], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd[0], F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDONLY | O_NONBLOCK);
	CHECK_EQ(fcntl(fd[1], F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_WRONLY | O_NONBLOCK);
	CHECK_ERR(pipe2(fd, O_CREAT), EINVAL);
	CHECK_ERR(pipe2(fd, O_APPEND), EINVAL);
}

TEST(pipe, wrong_direction)
{
	char c = 'x';
	int fd[2];

	CHECK_OK(pipe(fd));
	CHECK_ERR(read(fd[1], &c, 1), EBADF);
	CHECK_ERR(write(fd[0], &c, 1), EBADF);
}

TEST(pipe, not_seekable)
{
	char c = 'x';
	int fd[2];

	CHECK_OK(pipe(fd));
	CHECK_ERR(lseek(fd[0], 0, SEEK_CUR), ESPIPE);
	CHECK_ERR(pread(fd[0], &c, 1, 0), ESPIPE);
	CHECK_ERR(pwrite(fd[1], &c, 1, 0), ESPIPE);
	CHECK_ERR(ftruncate(fd[1], 0), EINVAL);
	CHECK_ERR(fsync(fd[0]), EINVAL);
}

TEST(pipe, stat)
{
	struct stat st;
	int fd[2];

	CHECK_OK(pipe(fd));
	CHECK_OK(fstat(fd[0], &st));
	CHECK(S_ISFIFO(st.st_mode));
	CHECK_EQ(st.st_nlink, 1);
	CHECK_EQ(st.st_size, 0);
	CHECK_EQ(st.st_uid, geteuid());
}

TEST(pipe, end_of_file)
{
	char buf[8];
	int fd[2];

	CHECK_OK(pipe(fd));
	CHECK_EQ(write(fd[1], "end", 3), 3);
	int second = (int)CHECK_OK(dup(fd[1]));
	CHECK_OK(close(fd[1]));
	CHECK_EQ(read(fd[0], buf, sizeof(buf)), 3);
	CHECK_OK(fcntl(fd[0], F_SETFL, O_NONBLOCK));
	CHECK_ERR(read(fd[0], buf, sizeof(buf)), EAGAIN);
	CHECK_OK(close(second));
	CHECK_EQ(read(fd[0], buf, sizeof(buf)), 0);
	CHECK_EQ(read(fd[0], buf, sizeof(buf)), 0);
}

TEST(pipe, epipe_and_sigpipe)
{
	int fd[2];

	CHECK_OK(pipe(fd));
	CHECK_OK(close(fd[0]));
	on_signal(SIGPIPE, catch, 0);
	CHECK_ERR(write(fd[1], "x", 1), EPIPE);
	CHECK_EQ(caught, SIGPIPE);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERR(write(fd[1], "x", 1), EPIPE);
	pid_t pid = child();
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		if (write(fd[1], "x", 1) != 1)
			_exit(1);
		_exit(2);
	}
	expect_signal(pid, SIGPIPE);
}

TEST(pipe, epipe_wakes_writer)
{
	static char big[200000];
	int fd[2];

	CHECK_OK(pipe(fd));
	pid_t pid = child();
	if (pid == 0) {
		close(fd[0]);
		signal(SIGPIPE, SIG_IGN);
		/* Some of it was taken before the reader left. */
		ssize_t n = write(fd[1], big, sizeof(big));
		CHECK(n > 0 && n < (ssize_t)sizeof(big));
		CHECK_ERR(write(fd[1], big, sizeof(big)), EPIPE);
		_exit(0);
	}
	close(fd[1]);
	wait_state(pid, "S");
	CHECK_OK(close(fd[0]));
	expect_exit(pid, 0);
}

TEST(pipe, capacity)
{
	static char big[70000];
	int fd[2], queued = 0;

	CHECK_OK(pipe2(fd, O_NONBLOCK));
	CHECK_EQ(write(fd[1], big, sizeof(big)), 65536);
	CHECK_ERR(write(fd[1], big, 1), EAGAIN);
	CHECK_OK(ioctl(fd[0], FIONREAD, &queued));
	CHECK_EQ(queued, 65536);
	CHECK_EQ(read(fd[0], big, sizeof(big)), 65536);
	CHECK_ERR(read(fd[0], big, 1), EAGAIN);
}

TEST(pipe, atomic_nonblocking_write)
{
	/* Up to PIPE_BUF bytes go in completely or not at all. */
	static char buf[65536];
	int fd[2];

	CHECK_OK(pipe2(fd, O_NONBLOCK));
	CHECK_EQ(write(fd[1], buf, 65536 - 4096), 65536 - 4096);
	CHECK_EQ(write(fd[1], buf, 100), 100);
	CHECK_ERR(write(fd[1], buf, 4096), EAGAIN);
	/* More than PIPE_BUF may be cut. */
	ssize_t n = write(fd[1], buf, 8192);
	CHECK(n == -1 || (n > 0 && n < 8192));
}

TEST(pipe, sizes)
{
	static const size_t sizes[] = { 1, 2, 4095, 4096, 4097, 8191, 65535, 65536 };
	static unsigned char in[65536], out[65536];
	int fd[2];

	CHECK_OK(pipe(fd));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		pattern_fill(in, sizes[i], (unsigned int)i, 0);
		CHECK_EQ(write(fd[1], in, sizes[i]), sizes[i]);
		memset(out, 0, sizeof(out));
		CHECK_EQ(read_full(fd[0], out, sizes[i]), sizes[i]);
		pattern_check(out, sizes[i], (unsigned int)i, 0);
	}
	CHECK_EQ(write(fd[1], in, 0), 0);
	CHECK_EQ(read(fd[0], out, 0), 0);
}

TEST(pipe, wrap)
{
	/* Reads and writes of unequal odd sizes walk around the ring many times. */
	static unsigned char buf[5000];
	uint64_t put = 0, got = 0;
	int fd[2];

	CHECK_OK(pipe2(fd, O_NONBLOCK));
	for (int i = 0; i < 2000; i++) {
		size_t size = 1 + (size_t)i * 37 % 4999;

		pattern_fill(buf, size, 3, put);
		ssize_t n = write(fd[1], buf, size);
		if (n > 0)
			put += (uint64_t)n;
		n = read(fd[0], buf, 1 + (size_t)i * 53 % 4999);
		if (n > 0) {
			pattern_check(buf, (size_t)n, 3, got);
			got += (uint64_t)n;
		}
	}
	CHECK(put > 1000000);
	CHECK(got <= put && put - got <= 65536);
}

TEST(pipe, big_transfer)
{
	static unsigned char buf[30000];
	const size_t total = 3000000;
	int fd[2];

	CHECK_OK(pipe(fd));
	pid_t pid = child();
	if (pid == 0) {
		close(fd[0]);
		for (size_t at = 0; at < total; at += sizeof(buf)) {
			pattern_fill(buf, sizeof(buf), 5, at);
			CHECK_EQ(write(fd[1], buf, sizeof(buf)), sizeof(buf));
		}
		_exit(0);
	}
	close(fd[1]);
	size_t at = 0;
	ssize_t n;
	while ((n = read(fd[0], buf, 7001)) > 0) {
		pattern_check(buf, (size_t)n, 5, at);
		at += (size_t)n;
	}
	CHECK_EQ(n, 0);
	CHECK_EQ(at, total);
	expect_exit(pid, 0);
}

TEST(pipe, many_atomic_writers)
{
	/* Records of up to PIPE_BUF bytes of eight writers do not mix. */
	static unsigned char record[4096];
	int fd[2], counts[8] = { 0 };
	pid_t pids[8];

	CHECK_OK(pipe(fd));
	for (int w = 0; w < 8; w++) {
		pids[w] = child();
		if (pids[w] == 0) {
			size_t size = 512u << (w % 4);

			memset(record, 'A' + w, size);
			for (int i = 0; i < 60; i++)
				CHECK_EQ(write(fd[1], record, size), size);
			_exit(0);
		}
	}
	close(fd[1]);
	for (;;) {
		unsigned char first;

		if (read_full(fd[0], &first, 1) == 0)
			break;
		size_t size = 512u << ((first - 'A') % 4);
		CHECK_EQ(read_full(fd[0], record, size - 1), size - 1);
		for (size_t i = 0; i < size - 1; i++)
			CHECK_EQ(record[i], first);
		counts[first - 'A']++;
	}
	for (int w = 0; w < 8; w++) {
		CHECK_EQ(counts[w], 60);
		expect_exit(pids[w], 0);
	}
}

TEST(pipe, many_readers)
{
	int fd[2], result[2];
	pid_t pids[6];
	long sum = 0, part;

	CHECK_OK(pipe(fd));
	CHECK_OK(pipe(result));
	for (int r = 0; r < 6; r++) {
		pids[r] = child();
		if (pids[r] == 0) {
			unsigned char c;

			close(fd[1]);
			part = 0;
			while (read(fd[0], &c, 1) == 1)
				part += c;
			CHECK_EQ(write(result[1], &part, sizeof(part)), sizeof(part));
			_exit(0);
		}
	}
	for (int i = 0; i < 3000; i++) {
		unsigned char c = (unsigned char)i;
		CHECK_EQ(write(fd[1], &c, 1), 1);
		sum += c;
	}
	close(fd[1]);
	for (int r = 0; r < 6; r++) {
		CHECK_EQ(read_full(result[0], &part, sizeof(part)), sizeof(part));
		sum -= part;
		expect_exit(pids[r], 0);
	}
	CHECK_EQ(sum, 0);
}

TEST(pipe, readv_writev)
{
	char a[3], b[10], c[100];
	struct iovec out[3] = { { "abc", 3 }, { NULL, 0 }, { "defghij", 7 } };
	struct iovec in[3] = { { a, 3 }, { b, 2 }, { c, 100 } };
	int fd[2];

	CHECK_OK(pipe(fd));
	CHECK_EQ(writev(fd[1], out, 3), 10);
	CHECK_EQ(readv(fd[0], in, 3), 10);
	CHECK(memcmp(a, "abc", 3) == 0 && memcmp(b, "de", 2) == 0 && memcmp(c, "fghij", 5) == 0);
	CHECK_EQ(writev(fd[1], out, 0), 0);
	CHECK_ERR(syscall(SYS_writev, fd[1], out, -1), EINVAL);
	CHECK_ERR(syscall(SYS_writev, fd[1], out, 1025), EINVAL);
	out[2].iov_len = (size_t)-1;
	CHECK_ERR(writev(fd[1], out, 3), EINVAL);
}

TEST(pipe, read_interrupted)
{
	char c;
	int fd[2];

	CHECK_OK(pipe(fd));
	on_signal(SIGUSR1, catch, 0);
	pid_t self = getpid(), pid = child();
	if (pid == 0) {
		wait_state(self, "S");
		CHECK_OK(kill(self, SIGUSR1));
		_exit(0);
	}
	CHECK_ERR(read(fd[0], &c, 1), EINTR);
	CHECK_EQ(caught, SIGUSR1);
	expect_exit(pid, 0);
}

TEST(pipe, write_interrupted_is_short)
{
	static char big[100000];
	int fd[2];

	CHECK_OK(pipe(fd));
	on_signal(SIGUSR1, catch, 0);
	pid_t self = getpid(), pid = child();
	if (pid == 0) {
		wait_state(self, "S");
		CHECK_OK(kill(self, SIGUSR1));
		_exit(0);
	}
	CHECK_EQ(write(fd[1], big, sizeof(big)), 65536);
	expect_exit(pid, 0);
}

TEST(pipe, nonblock_by_fcntl)
{
	char c;
	int fd[2];

	CHECK_OK(pipe(fd));
	CHECK_OK(fcntl(fd[0], F_SETFL, O_NONBLOCK));
	CHECK_ERR(read(fd[0], &c, 1), EAGAIN);
	/* Status flags belong to the open file, not to the descriptor. */
	int copy = (int)CHECK_OK(dup(fd[0]));
	CHECK_OK(fcntl(copy, F_SETFL, 0));
	CHECK_EQ(fcntl(fd[0], F_GETFL) & O_NONBLOCK, 0);
	int on = 1;
	CHECK_OK(ioctl(fd[0], FIONBIO, &on));
	CHECK_ERR(read(copy, &c, 1), EAGAIN);
}

TEST(pipe, fifo)
{
	char buf[8];

	CHECK_OK(mkfifo("fifo", 0600));
	pid_t pid = child();
	if (pid == 0) {
		int fd = (int)CHECK_OK(open("fifo", O_WRONLY));
		CHECK_EQ(write(fd, "through", 7), 7);
		_exit(0);
	}
	/* Both opens wait for each other. */
	int fd = (int)CHECK_OK(open("fifo", O_RDONLY));
	CHECK_EQ(read_full(fd, buf, sizeof(buf)), 7);
	expect_exit(pid, 0);
	CHECK_OK(close(fd));
}

TEST(pipe, open_once_more)
{
	/* Through /proc, also when nobody writes any more; no wait as for a fifo. */
	char path[64], buf[8];
	int fd[2];

	CHECK_OK(pipe(fd));
	CHECK_EQ(write(fd[1], "abc", 3), 3);
	CHECK_OK(close(fd[1]));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd[0]);
	int again = (int)CHECK_OK(open(path, O_RDONLY));
	CHECK_EQ(read(again, buf, sizeof(buf)), 3);
	CHECK_EQ(read(again, buf, sizeof(buf)), 0);
	CHECK_OK(close(again));
	int writer = (int)CHECK_OK(open(path, O_WRONLY));
	CHECK_EQ(write(writer, "d", 1), 1);
	CHECK_EQ(read(fd[0], buf, sizeof(buf)), 1);
	CHECK_OK(close(fd[0]));
	on_signal(SIGPIPE, SIG_IGN, 0);
	CHECK_ERR(write(writer, "d", 1), EPIPE);
}

TEST(pipe, fifo_nonblocking_open)
{
	char c;

	CHECK_OK(mkfifo("fifo", 0600));
	CHECK_ERR(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	int r = (int)CHECK_OK(open("fifo", O_RDONLY | O_NONBLOCK));
	CHECK_EQ(read(r, &c, 1), 0);
	int w = (int)CHECK_OK(open("fifo", O_WRONLY | O_NONBLOCK));
	CHECK_ERR(read(r, &c, 1), EAGAIN);
	CHECK_EQ(write(w, "z", 1), 1);
	CHECK_EQ(read(r, &c, 1), 1);
	CHECK_OK(close(w));
	CHECK_EQ(read(r, &c, 1), 0);
	CHECK_ERR(lseek(r, 0, SEEK_SET), ESPIPE);
}

TEST(pipe, close_while_blocked)
{
	/* The last writer's death is the end of file of a reader that sleeps already. */
	char c;
	int fd[2];

	CHECK_OK(pipe(fd));
	pid_t reader = child();
	if (reader == 0) {
		close(fd[1]);
		CHECK_EQ(read(fd[0], &c, 1), 0);
		_exit(0);
	}
	wait_state(reader, "S");
	CHECK_OK(close(fd[1]));
	expect_exit(reader, 0);
}

TEST(pipe, ping_pong_2000)
{
	int there[2], back[2];
	uint32_t n;

	CHECK_OK(pipe(there));
	CHECK_OK(pipe(back));
	pid_t pid = child();
	if (pid == 0) {
		close(there[1]);
		while (read(there[0], &n, 4) == 4) {
			n++;
			CHECK_EQ(write(back[1], &n, 4), 4);
		}
		_exit(0);
	}
	for (uint32_t i = 0; i < 2000; i++) {
		CHECK_EQ(write(there[1], &i, 4), 4);
		CHECK_EQ(read(back[0], &n, 4), 4);
		CHECK_EQ(n, i + 1);
	}
	close(there[1]);
	expect_exit(pid, 0);
}

TEST(pipe, chain_of_20)
{
	int in[2], out[2];
	unsigned char c = 0;

	CHECK_OK(pipe(in));
	int first = in[1], last = in[0];
	for (int i = 0; i < 20; i++) {
		CHECK_OK(pipe(out));
		if (child() == 0) {
			close(first);
			close(out[0]);
			while (read(last, &c, 1) == 1) {
				c++;
				CHECK_EQ(write(out[1], &c, 1), 1);
			}
			_exit(0);
		}
		close(last);
		close(out[1]);
		last = out[0];
	}
	for (int i = 0; i < 50; i++) {
		c = (unsigned char)i;
		CHECK_EQ(write(first, &c, 1), 1);
		CHECK_EQ(read(last, &c, 1), 1);
		CHECK_EQ(c, i + 20);
	}
	close(first);
	CHECK_EQ(read(last, &c, 1), 0);
	for (int i = 0; i < 20; i++)
		CHECK_OK(wait(NULL));
}

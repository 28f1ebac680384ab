/*
 * pipe: packets (O_DIRECT): where reads end, how many there may be, what splice makes of them.
 */
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "user/tests/ut.h"

static char buf[65536];

static void packets_open(int fd[2])
{
	CHECK_OK(pipe2(fd, O_DIRECT | O_NONBLOCK));
}

static void put(int fd, const char *s)
{
	CHECK_EQ(write(fd, s, strlen(s)), strlen(s));
}

static void expect(int fd, size_t size, const char *s)
{
	CHECK_EQ(read(fd, buf, size), strlen(s));
	CHECK(!memcmp(buf, s, strlen(s)));
}

TEST(pipe, packets)
{
	int fd[2], n;

	packets_open(fd);
	CHECK_EQ(fcntl(fd[0], F_GETFL), O_NONBLOCK);
	CHECK_EQ(fcntl(fd[1], F_GETFL), O_WRONLY | O_DIRECT | O_NONBLOCK);
	CHECK_ERR(pipe2(fd, O_DIRECT | O_APPEND), EINVAL);
	CHECK_ERR(pipe2(fd, O_DIRECT | O_EXCL), ENOPKG);
	put(fd[1], "first");
	put(fd[1], "second");
	put(fd[1], "third");
	CHECK_OK(ioctl(fd[0], FIONREAD, &n));
	CHECK_EQ(n, 16);
	expect(fd[0], 100, "first");
	/* The rest of a packet is lost. */
	expect(fd[0], 3, "sec");
	expect(fd[0], 100, "third");
	CHECK_ERR(read(fd[0], buf, 100), EAGAIN);
	/* Large ones come in pages. */
	CHECK_EQ(write(fd[1], buf, 5000), 5000);
	put(fd[1], "abc");
	CHECK_EQ(read(fd[0], buf, 100), 100);
	CHECK_EQ(read(fd[0], buf, 9000), 5000 - 4096);
	expect(fd[0], 9000, "abc");
	CHECK_ERR(read(fd[0], buf, 1), EAGAIN);
}

/* Each takes a page of the pipe. */
TEST(pipe, packets_fill)
{
	int fd[2], n = 0;

	packets_open(fd);
	while (write(fd[1], "x", 1) == 1)
		n++;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(n, 16);
	CHECK_OK(fcntl(fd[1], F_SETFL, O_NONBLOCK));
	CHECK_ERR(write(fd[1], "x", 1), EAGAIN);
	expect(fd[0], 10, "x");
	expect(fd[0], 10, "x");
	for (n = 0; write(fd[1], "s", 1) == 1;)
		n++;
	CHECK_EQ(n, 8192);
	for (n = 0; n < 14; n++)
		expect(fd[0], 10, "x");
	CHECK_EQ(read(fd[0], buf, sizeof(buf)), 8192);
	CHECK_OK(fcntl(fd[1], F_SETFL, O_NONBLOCK | O_DIRECT));
	CHECK_EQ(fcntl(fd[1], F_SETPIPE_SZ, 4096), 4096);
	put(fd[1], "a");
	CHECK_ERR(write(fd[1], "b", 1), EAGAIN);
	CHECK_EQ(fcntl(fd[1], F_SETPIPE_SZ, 8192), 8192);
	put(fd[1], "b");
	CHECK_ERR(write(fd[1], "c", 1), EAGAIN);
	CHECK_ERR(fcntl(fd[1], F_SETPIPE_SZ, 4096), EBUSY);
	expect(fd[0], 10, "a");
	expect(fd[0], 10, "b");
}

/* What fits behind the end of a stream belongs to it; a read that meets a packet ends with it. */
TEST(pipe, packets_in_a_stream)
{
	int fd[2];

	CHECK_OK(pipe2(fd, O_NONBLOCK));
	put(fd[1], "stream");
	CHECK_OK(fcntl(fd[1], F_SETFL, O_NONBLOCK | O_DIRECT));
	CHECK_EQ(fcntl(fd[1], F_GETFL), O_WRONLY | O_NONBLOCK | O_DIRECT);
	put(fd[1], "joins");
	CHECK_EQ(write(fd[1], buf, 4096), 4096);
	put(fd[1], "packet");
	CHECK_OK(fcntl(fd[1], F_SETFL, O_NONBLOCK));
	put(fd[1], "more");
	put(fd[1], "and");
	expect(fd[0], 4, "stre");
	CHECK_EQ(read(fd[0], buf, sizeof(buf)), 7 + 4096);
	CHECK(!memcmp(buf, "amjoins", 7));
	expect(fd[0], 100, "packet");
	expect(fd[0], 100, "moreand");
	CHECK_ERR(read(fd[0], buf, 1), EAGAIN);
}

TEST(pipe, packets_vectors)
{
	struct iovec in[] = {{buf, 4}, {buf + 4, 4}};
	const struct iovec out[] = {{(char *)"ab", 2}, {(char *)"cd", 2}, {(char *)"ef", 2}};
	int fd[2];

	packets_open(fd);
	CHECK_EQ(writev(fd[1], out, 3), 6);
	expect(fd[0], 100, "abcdef");
	CHECK_EQ(write(fd[1], "0123456789", 10), 10);
	CHECK_EQ(readv(fd[0], in, 2), 8);
	CHECK_ERR(read(fd[0], buf, 10), EAGAIN);
	CHECK_ERR(syscall(SYS_write, fd[1], (void *)8, 5), EFAULT);
}

/* They stay packets on their way from pipe to pipe. */
TEST(pipe, packets_spliced)
{
	int from[2], to[2];

	packets_open(from);
	CHECK_OK(pipe2(to, O_NONBLOCK));
	put(from[1], "hello");
	put(from[1], "world");
	CHECK_EQ(splice(from[0], NULL, to[1], NULL, 100, 0), 10);
	expect(to[0], 100, "hello");
	expect(to[0], 3, "wor");
	CHECK_ERR(read(to[0], buf, 10), EAGAIN);
	put(from[1], "twice");
	CHECK_EQ(tee(from[0], to[1], 100, 0), 5);
	expect(from[0], 2, "tw");
	expect(to[0], 2, "tw");
	CHECK_ERR(read(from[0], buf, 10), EAGAIN);
	CHECK_ERR(read(to[0], buf, 10), EAGAIN);
}

/* Nor do they become a part of a stream, nor what is written afterwards a part of them. */
TEST(pipe, packets_spliced_behind_a_stream)
{
	int from[2], to[2];

	packets_open(from);
	CHECK_OK(pipe2(to, O_NONBLOCK));
	put(to[1], "ab");
	put(from[1], "xyz");
	put(from[1], "uvw");
	CHECK_EQ(splice(from[0], NULL, to[1], NULL, 100, 0), 6);
	put(to[1], "q");
	expect(to[0], 100, "abxyz");
	expect(to[0], 100, "uvw");
	put(from[1], "xyz");
	CHECK_EQ(tee(from[0], to[1], 100, 0), 3);
	put(to[1], "r");
	expect(to[0], 100, "qxyz");
	expect(to[0], 100, "r");
	/* The last page has room for it, and still there is none. */
	CHECK_EQ(write(to[1], buf, sizeof(buf) - 4096 + 1), sizeof(buf) - 4096 + 1);
	CHECK_ERR(splice(from[0], NULL, to[1], NULL, 100, 0), EAGAIN);
	CHECK_ERR(tee(from[0], to[1], 100, 0), EAGAIN);
	CHECK_EQ(read(to[0], buf, 4096), 4096);
	CHECK_EQ(tee(from[0], to[1], 100, 0), 3);
	expect(from[0], 100, "xyz");
}

static int writable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	CHECK_OK(poll(&p, 1, 0));
	return p.revents;
}

/* What fits behind a stream is written when there is no page for a packet; poll(2) means a page. */
TEST(pipe, packets_join_a_full_pipe)
{
	int fd[2];

	CHECK_OK(pipe2(fd, O_NONBLOCK));
	CHECK_EQ(write(fd[1], buf, sizeof(buf)), sizeof(buf));
	CHECK_EQ(read(fd[0], buf, 4096 + 100), 4096 + 100);
	CHECK_EQ(write(fd[1], buf, 50), 50);
	CHECK_OK(fcntl(fd[1], F_SETFL, O_NONBLOCK | O_DIRECT));
	CHECK_EQ(writable(fd[1]), 0);
	CHECK_ERR(write(fd[1], buf, 4096), EAGAIN);
	put(fd[1], "joins");
	CHECK_EQ(write(fd[1], buf, 4096 + 7), 7);
	CHECK_EQ(writable(fd[1]), 0);
	CHECK_ERR(write(fd[1], buf, 4096 - 50 - 5 - 7 + 1), EAGAIN);
	CHECK_EQ(read(fd[0], buf, 4096 - 100), 4096 - 100);
	CHECK_EQ(writable(fd[1]), POLLOUT);
	CHECK_EQ(write(fd[1], buf, 4096), 4096);
	CHECK_EQ(writable(fd[1]), 0);
}

/* A packet that waits for room in another pipe can be read meanwhile. */
TEST(pipe, packets_are_not_held_by_tee)
{
	int in[2], out[2];

	CHECK_OK(pipe2(in, O_DIRECT));
	CHECK_OK(pipe(out));
	CHECK_EQ(write(out[1], buf, sizeof(buf) - 100), sizeof(buf) - 100);
	put(in[1], "packet");
	pid_t pid = child();
	if (!pid)
		_exit(tee(in[0], out[1], 100, 0) == 5 ? 0 : 1);
	wait_state(pid, "S");
	expect(in[0], 100, "packet");
	put(in[1], "other");
	CHECK_EQ(read(out[0], buf, sizeof(buf)), sizeof(buf) - 100);
	expect_exit(pid, 0);
	expect(out[0], 100, "other");
	expect(in[0], 100, "other");
}

/* Packets of all sizes, round the ring many times, as they were sent. */
TEST(pipe, packets_in_order)
{
	int fd[2], sent = 0, got = 0;

	packets_open(fd);
	while (got < 3000) {
		int size = 1 + sent * 37 % 4096;

		memset(buf, sent % 251, (size_t)size);
		if (sent < 3000 && sent - got < 1 + sent % 16 &&
		    write(fd[1], buf, (size_t)size) == size) {
			sent++;
			continue;
		}
		CHECK_EQ(read(fd[0], buf, sizeof(buf)), 1 + got * 37 % 4096);
		CHECK_EQ((unsigned char)buf[0], got % 251);
		got++;
	}
	CHECK_ERR(read(fd[0], buf, 1), EAGAIN);
}

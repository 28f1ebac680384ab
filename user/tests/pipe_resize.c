/*
 * pipe: another size (F_SETPIPE_SZ) for one that holds something.
 */
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "user/tests/ut.h"

#define SEED 11

static unsigned char buf[1 << 18];
static uint64_t put, got;

/* n bytes of the pattern; what was taken of them is counted. */
static void pattern_write(int fd, size_t n)
{
	ssize_t done;

	pattern_fill(buf, n, SEED, put);
	done = write(fd, buf, n);
	if (done < 0)
		CHECK_EQ(errno, EAGAIN);
	else
		put += (uint64_t)done;
}

static void pattern_read(int fd, size_t n)
{
	ssize_t done = read(fd, buf, n);

	if (done < 0) {
		CHECK_EQ(errno, EAGAIN);
		return;
	}
	pattern_check(buf, (size_t)done, SEED, got);
	got += (uint64_t)done;
}

static void expect_queued(int fd)
{
	int n;

	CHECK_OK(ioctl(fd, FIONREAD, &n));
	CHECK_EQ(n, put - got);
}

static void pattern_read_all(int fd)
{
	while (put != got)
		pattern_read(fd, sizeof(buf));
	CHECK_ERR(read(fd, buf, 1), EAGAIN);
}

/* A pipe of this many bytes, full, of which some are read and, if it takes them, more written. */
static void came_round(int fd[2], size_t size, size_t out, size_t in)
{
	CHECK_OK(pipe2(fd, O_NONBLOCK));
	CHECK_EQ(fcntl(fd[0], F_SETPIPE_SZ, size), size);
	put = got = 0;
	pattern_write(fd[1], size);
	CHECK_EQ(put, size);
	pattern_read(fd[0], out);
	CHECK_EQ(got, out);
	pattern_write(fd[1], in);
}

static void resize_came_round(size_t size, size_t out, size_t in)
{
	int fd[2];

	came_round(fd, size, out, in);
	CHECK_EQ(fcntl(fd[1], F_SETPIPE_SZ, size), size);
	if (size > 4096)
		CHECK_ERR(fcntl(fd[1], F_SETPIPE_SZ, size / 2), EBUSY);
	CHECK_EQ(fcntl(fd[1], F_SETPIPE_SZ, 2 * size), 2 * size);
	expect_queued(fd[0]);
	pattern_write(fd[1], 1);
	pattern_write(fd[1], size - 4096 + 1);
	expect_queued(fd[0]);
	pattern_read_all(fd[0]);
	CHECK_OK(close(fd[0]));
	CHECK_OK(close(fd[1]));
}

TEST(pipe, resize_after_it_came_round)
{
	become_user();
	for (size_t size = 4096; size <= 65536; size *= 2) {
		resize_came_round(size, 50, 30);
		resize_came_round(size, 50, 50);
		resize_came_round(size, 4090, 4080);
		resize_came_round(size, 4095, 1);
	}
}

/* tee(2) sees the same bytes, in a page of which only the first part was written. */
TEST(pipe, resize_then_tee)
{
	int fd[2], out[2];

	become_user();
	came_round(fd, 65536, 4090, 4080);
	CHECK_EQ(fcntl(fd[1], F_SETPIPE_SZ, 131072), 131072);
	pattern_write(fd[1], 100);
	pattern_read(fd[0], 65536 - 4090);
	CHECK_OK(pipe2(out, O_NONBLOCK));
	CHECK_EQ(tee(fd[0], out[1], 8192, SPLICE_F_NONBLOCK), put - got);
	CHECK_EQ(read(out[0], buf, sizeof(buf)), put - got);
	pattern_check(buf, put - got, SEED, got);
	pattern_read_all(fd[0]);
}

TEST(pipe, resize_limits)
{
	int fd[2];

	become_user();
	came_round(fd, 65536, 0, 0);
	CHECK_ERR(fcntl(fd[0], F_SETPIPE_SZ, 0), EBUSY);
	CHECK_ERR(fcntl(fd[0], F_SETPIPE_SZ, 32769 - 1), EBUSY);
	CHECK_EQ(fcntl(fd[0], F_SETPIPE_SZ, 32769), 65536);
	CHECK_ERR(fcntl(fd[0], F_SETPIPE_SZ, 1U << 30), EPERM);
	pattern_read_all(fd[0]);
	CHECK_EQ(fcntl(fd[0], F_SETPIPE_SZ, 0), 4096);
	CHECK_EQ(fcntl(fd[0], F_SETPIPE_SZ, 4097), 8192);
	CHECK_EQ(fcntl(fd[1], F_GETPIPE_SZ), 8192);
}

/* Streams and packets, whole or taken in parts by splice(2), and a new size every so often. */
TEST(pipe, resize_at_random)
{
	int fd[2], out[2];
	unsigned int r = 1;

	came_round(fd, 65536, 0, 0);
	CHECK_OK(pipe2(out, O_NONBLOCK));
	for (int i = 0; i < 20000; i++) {
		size_t n = (size_t)rand_r(&r) % (rand_r(&r) % 3 ? 300 : 20000) + 1;
		int flags = O_NONBLOCK | (rand_r(&r) % 3 ? 0 : O_DIRECT);
		ssize_t moved;

		switch (rand_r(&r) % 5) {
		case 0:
		case 1:
			CHECK_OK(fcntl(fd[1], F_SETFL, flags));
			pattern_write(fd[1], n);
			break;
		case 2:
			pattern_read(fd[0], sizeof(buf)); /* no part of a packet is lost */
			break;
		case 3:
			moved = splice(fd[0], NULL, out[1], NULL, n, SPLICE_F_NONBLOCK);
			for (ssize_t part; moved > 0; moved -= part) {
				part = CHECK_OK(read(out[0], buf, sizeof(buf)));
				pattern_check(buf, (size_t)part, SEED, got);
				got += (uint64_t)part;
			}
			break;
		case 4:
			if (fcntl(fd[1], F_SETPIPE_SZ, 4096 << rand_r(&r) % 6) < 0)
				CHECK_EQ(errno, EBUSY);
			break;
		}
		expect_queued(fd[0]);
	}
	pattern_read_all(fd[0]);
}

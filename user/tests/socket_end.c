/* The end of a connection comes behind all that was sent, however closely it follows. */
#include "ut.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "inet.h"

#define SENT	4

static int rounds;
static _Atomic int handed = -1;	/* the end that is to be written to and closed */

static void *write_and_close(void *arg)
{
	int fd;

	for (int i = 0; i < rounds; i++) {
		while ((fd = atomic_exchange(&handed, -1)) < 0)
			sched_yield();
		CHECK_EQ(write(fd, "ab", SENT / 2), SENT / 2);
		CHECK_EQ(write(fd, "cd", SENT / 2), SENT / 2);
		CHECK_OK(close(fd));
	}
	return arg;
}

/* What comes in the end: bytes, or 0 when all is over. */
static ssize_t receive(int fd, char *buf, int flags)
{
	ssize_t n;

	while ((n = recv(fd, buf, SENT, flags)) < 0) {
		CHECK_EQ(errno, EAGAIN);
		sched_yield();
	}
	return n;
}

/*
 * Readers that sleep, poll, look before they read, or want all: each is told of every byte.
 * (Of a SOCK_SEQPACKET, Linux itself tells the end too early at times.)
 */
static void read_to_the_end(void (*pair)(int fd[2]), int times)
{
	static const int flags[] = { 0, MSG_DONTWAIT, MSG_PEEK, MSG_PEEK | MSG_DONTWAIT,
				     MSG_WAITALL, MSG_PEEK | MSG_WAITALL };
	char buf[SENT], text[SENT];
	int fd[2], how, got;
	pthread_t writer;
	ssize_t n;

	rounds = times;
	CHECK_EQ(pthread_create(&writer, NULL, write_and_close, NULL), 0);
	for (int i = 0; i < rounds; i++) {
		how = flags[i % 6];
		pair(fd);
		atomic_store(&handed, fd[0]);
		for (got = 0; got < SENT; got += (int)n) {
			if (how & MSG_PEEK)
				CHECK(receive(fd[1], buf, how) > 0);
			n = receive(fd[1], buf, how & ~MSG_PEEK);
			CHECK(n > 0);
			memcpy(text + got, buf, (size_t)n);
		}
		CHECK(!memcmp(text, "abcd", SENT));
		CHECK_EQ(receive(fd[1], buf, how), 0);
		CHECK_OK(close(fd[1]));
	}
	CHECK_EQ(pthread_join(writer, NULL), 0);
}

static void unix_pair(int fd[2])
{
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
}

TEST(socket, end_behind_data)
{
	read_to_the_end(unix_pair, 1200);
}

/* Fewer, since each takes a port from Linux for a minute. */
TEST(inet, end_behind_data)
{
	read_to_the_end(inet_pair, 300);
}

/* Who only looks does not wait for all, whatever the flags say. */
TEST(socket, peek_takes_what_is_there)
{
	char buf[SENT];
	int fd[2];

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	write_full(fd[0], "ab", 2);
	CHECK_EQ(recv(fd[1], buf, SENT, MSG_PEEK | MSG_WAITALL), 2);
	CHECK_EQ(recv(fd[1], buf, SENT, MSG_PEEK | MSG_WAITALL), 2);
	CHECK_EQ(recv(fd[1], buf, 2, MSG_WAITALL), 2);
}

/* sendmmsg and recvmmsg: several messages with one call. */
#include "ut.h"

#include <sys/socket.h>
#include <time.h>

#define MANY	4

/* A row of messages with a buffer each. */
struct row {
	struct mmsghdr m[MANY];
	struct iovec iov[MANY];
	char text[MANY][8];
};

static void row_init(struct row *r, size_t len)
{
	memset(r, 0, sizeof(*r));
	for (int i = 0; i < MANY; i++) {
		r->iov[i].iov_base = r->text[i];
		r->iov[i].iov_len = len;
		r->m[i].msg_hdr.msg_iov = &r->iov[i];
		r->m[i].msg_hdr.msg_iovlen = 1;
	}
}

static void pair_with(int fd[2], unsigned int messages)
{
	struct row r;

	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd));
	row_init(&r, 2);
	for (int i = 0; i < MANY; i++)
		memcpy(r.text[i], "a?", 2), r.text[i][1] = (char)('0' + i);
	CHECK_EQ(sendmmsg(fd[0], r.m, messages, 0), messages);
	for (unsigned int i = 0; i < messages; i++)
		CHECK_EQ(r.m[i].msg_len, 2);
}

TEST(socket, recvmmsg)
{
	struct row r;
	int fd[2];

	pair_with(fd, 3);
	row_init(&r, 8);
	CHECK_EQ(recvmmsg(fd[1], r.m, 2, 0, NULL), 2);
	CHECK_EQ(r.m[1].msg_len, 2);
	CHECK_STR(r.text[0], "a0");
	CHECK_STR(r.text[1], "a1");
	/* One is left, and for the others it does not wait. */
	CHECK_EQ(recvmmsg(fd[1], r.m, MANY, MSG_WAITFORONE, NULL), 1);
	CHECK_STR(r.text[0], "a2");
	CHECK_ERR(recvmmsg(fd[1], r.m, MANY, MSG_DONTWAIT, NULL), EAGAIN);
	CHECK_EQ(recvmmsg(fd[1], r.m, 0, 0, NULL), 0);
}

TEST(socket, recvmmsg_timeout)
{
	struct timespec none = { 0, 0 }, hour = { 3600, 0 }, wrong = { 0, 1000000000 };
	struct row r;
	int fd[2];

	pair_with(fd, 3);
	row_init(&r, 8);
	/* It is looked at behind a message: with no time at all, one comes. */
	CHECK_EQ(recvmmsg(fd[1], r.m, MANY, 0, &none), 1);
	CHECK_EQ(recvmmsg(fd[1], r.m, 2, 0, &hour), 2);
	CHECK(hour.tv_sec < 3600 && hour.tv_sec > 3000);
	CHECK_ERR(recvmmsg(fd[1], r.m, 1, 0, &wrong), EINVAL);
	CHECK_ERR(recvmmsg(fd[1], r.m, 1, 0, (void *)8), EFAULT);
}

TEST(socket, many_errors)
{
	struct row r;
	int fd[2], p[2];

	pair_with(fd, 1);
	CHECK_OK(pipe(p));
	row_init(&r, 8);
	CHECK_ERR(recvmmsg(-1, r.m, 1, 0, NULL), EBADF);
	CHECK_ERR(recvmmsg(p[0], r.m, 1, 0, NULL), ENOTSOCK);
	CHECK_ERR(sendmmsg(-1, r.m, 1, 0), EBADF);
	CHECK_ERR(sendmmsg(p[1], r.m, 1, 0), ENOTSOCK);
	CHECK_ERR(recvmmsg(fd[1], (void *)8, 1, 0, NULL), EFAULT);
	CHECK_ERR(sendmmsg(fd[0], (void *)8, 1, 0), EFAULT);
	/* What stands behind a bad one is not sent; what stood before it was. */
	r.m[1].msg_hdr.msg_iov = (void *)8;
	CHECK_EQ(sendmmsg(fd[0], r.m, MANY, 0), 1);
	CHECK_EQ(recvmmsg(fd[1], r.m, 1, 0, NULL), 1);
}

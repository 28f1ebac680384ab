/* AF_UNIX: descriptors and credentials that go along with data. */
#include "ut.h"

#include <sys/socket.h>
#include <sys/un.h>

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(16 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
};

static void head(struct msghdr *h, struct iovec *v, char *byte, union control *c, size_t size)
{
	memset(h, 0, sizeof(*h));
	*v = (struct iovec){ byte, 1 };
	h->msg_iov = v;
	h->msg_iovlen = 1;
	h->msg_control = c;
	h->msg_controllen = size;
}

static long send_fds(int to, const int *fds, int n)
{
	union control c;
	struct msghdr h;
	struct iovec v;
	char byte = 'f';
	size_t bytes = (size_t)n * sizeof(int);

	memset(&c, 0, sizeof(c));
	head(&h, &v, &byte, &c, CMSG_SPACE(bytes));
	c.align.cmsg_level = SOL_SOCKET;
	c.align.cmsg_type = SCM_RIGHTS;
	c.align.cmsg_len = CMSG_LEN(bytes);
	memcpy(CMSG_DATA(&c.align), fds, bytes);
	return sendmsg(to, &h, MSG_NOSIGNAL);
}

/* The descriptors that come with one byte: how many; the message's flags in *flags. */
static int receive_fds(int from, int *fds, size_t room, int how, int *flags)
{
	union control c;
	struct msghdr h;
	struct iovec v;
	char byte;

	memset(&c, 0, sizeof(c));
	head(&h, &v, &byte, &c, room);
	CHECK_EQ(recvmsg(from, &h, how), 1);
	*flags = h.msg_flags;
	if (h.msg_controllen < sizeof(struct cmsghdr))
		return 0;
	CHECK_EQ(c.align.cmsg_type, SCM_RIGHTS);
	memcpy(fds, CMSG_DATA(&c.align), c.align.cmsg_len - CMSG_LEN(0));
	return (int)((c.align.cmsg_len - CMSG_LEN(0)) / sizeof(int));
}

TEST(socket, pass_descriptors)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	int fd[2], p[2], got[16], flags;
	char c;

	for (int i = 0; i < 3; i++) {
		CHECK_OK(socketpair(AF_UNIX, types[i], 0, fd));
		CHECK_OK(pipe(p));
		CHECK_EQ(send_fds(fd[0], p, 2), 1);
		CHECK_OK(close(p[0]));
		CHECK_OK(close(p[1]));
		CHECK_EQ(receive_fds(fd[1], got, sizeof(union control), MSG_CMSG_CLOEXEC, &flags),
			 2);
		CHECK_EQ(flags & MSG_CTRUNC, 0);
		CHECK_EQ(fcntl(got[0], F_GETFD), FD_CLOEXEC);
		CHECK_EQ(write(got[1], "x", 1), 1);
		CHECK_EQ(read(got[0], &c, 1), 1);
		for (int k = 0; k < 2; k++) {
			CHECK_OK(close(got[k]));
			CHECK_OK(close(fd[k]));
		}
	}
}

TEST(socket, pass_less_room)
{
	int fd[2], p[2], got[16], flags, before;

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	CHECK_OK(pipe(p));
	before = open_descriptors();
	CHECK_EQ(send_fds(fd[0], p, 2), 1);
	CHECK_EQ(receive_fds(fd[1], got, CMSG_LEN(sizeof(int)), 0, &flags), 1);
	CHECK_EQ(flags & MSG_CTRUNC, MSG_CTRUNC);
	CHECK_OK(close(got[0]));
	CHECK_EQ(send_fds(fd[0], p, 2), 1);
	CHECK_EQ(receive_fds(fd[1], got, 0, 0, &flags), 0);
	CHECK_EQ(flags & MSG_CTRUNC, MSG_CTRUNC);
	/* Looking at it gives a copy of its own. */
	CHECK_EQ(send_fds(fd[0], p, 1), 1);
	CHECK_EQ(receive_fds(fd[1], got, sizeof(union control), MSG_PEEK, &flags), 1);
	CHECK_OK(close(got[0]));
	CHECK_EQ(receive_fds(fd[1], got, sizeof(union control), 0, &flags), 1);
	CHECK_OK(close(got[0]));
	/* Read without a place for them: they are closed. */
	CHECK_EQ(send_fds(fd[0], p, 2), 1);
	CHECK_EQ(read(fd[1], got, 1), 1);
	CHECK_EQ(open_descriptors(), before);
	got[0] = 99;
	CHECK_ERR(send_fds(fd[0], got, 1), EBADF);
}

TEST(socket, pass_ends_a_read)
{
	int fd[2], p[2];
	char buf[8];

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	CHECK_OK(pipe(p));
	CHECK_EQ(send_fds(fd[0], p, 1), 1);
	CHECK_EQ(send_fds(fd[0], p, 1), 1);
	CHECK_EQ(write(fd[0], "abc", 3), 3);
	CHECK_EQ(read(fd[1], buf, 8), 1);
	CHECK_EQ(read(fd[1], buf, 8), 1);
	CHECK_EQ(read(fd[1], buf, 8), 3);
}

TEST(socket, pass_credentials, .root = true)
{
	int fd[2], on = 1;
	union control c;
	struct msghdr h;
	struct iovec v;
	struct ucred creds;
	char byte;
	pid_t pid;

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	CHECK_OK(setsockopt(fd[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	pid = child();
	if (pid == 0) {
		become_user();
		CHECK_EQ(write(fd[0], "x", 1), 1);
		/* Nobody else's. */
		memset(&c, 0, sizeof(c));
		head(&h, &v, &byte, &c, CMSG_SPACE(sizeof(creds)));
		c.align.cmsg_level = SOL_SOCKET;
		c.align.cmsg_type = SCM_CREDENTIALS;
		c.align.cmsg_len = CMSG_LEN(sizeof(creds));
		creds = (struct ucred){ getpid(), 0, 1000 };
		memcpy(CMSG_DATA(&c.align), &creds, sizeof(creds));
		CHECK_ERR(sendmsg(fd[0], &h, 0), EPERM);
		_exit(0);
	}
	head(&h, &v, &byte, &c, sizeof(c));
	CHECK_EQ(recvmsg(fd[1], &h, 0), 1);
	CHECK_EQ(c.align.cmsg_type, SCM_CREDENTIALS);
	memcpy(&creds, CMSG_DATA(&c.align), sizeof(creds));
	CHECK_EQ(creds.pid, pid);
	CHECK_EQ(creds.uid, 1000);
	CHECK_EQ(creds.gid, 1000);
	expect_exit(pid, 0);
}

TEST(socket, pass_circles)
{
	/* Sockets that hold one another, and nobody holds them: a pipe tells when they are gone. */
	int fd[2], p[2], both[3];
	char c;

	for (int i = 0; i < 50; i++) {
		CHECK_OK(pipe(p));
		CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
		both[0] = fd[0];
		both[1] = fd[1];
		both[2] = p[1];
		CHECK_EQ(send_fds(fd[0], both, 3), 1);
		CHECK_EQ(send_fds(fd[1], both, 2), 1);
		CHECK_OK(close(p[1]));
		CHECK_OK(close(fd[0]));
		CHECK_OK(close(fd[1]));
		/* The judge collects later, and only when more sockets come and go. */
		for (int k = 0; k < 100; k++) {
			CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
			CHECK_OK(close(fd[0]));
			CHECK_OK(close(fd[1]));
		}
		CHECK_EQ(read(p[0], &c, 1), 0);
		CHECK_OK(close(p[0]));
	}
}

TEST(socket, pass_deep, .mem_mib = 32)
{
	/* A socket in a packet in a socket in a packet ...: closing the last frees them all. */
	int fd[2], next[2], keep[1];

	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd));
	for (int i = 0; i < 2000; i++) {
		CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, next));
		keep[0] = fd[0];
		if (send_fds(next[1], keep, 1) != 1)
			break;
		keep[0] = fd[1];
		if (send_fds(next[1], keep, 1) != 1)
			break;
		CHECK_OK(close(fd[0]));
		CHECK_OK(close(fd[1]));
		fd[0] = next[0];
		fd[1] = next[1];
	}
	CHECK_OK(close(fd[0]));
	CHECK_OK(close(fd[1]));
}

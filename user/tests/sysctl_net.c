/*
 * sysctl: what is in /proc/sys/net/core acts.
 */
#include "ut.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#define CORE "/proc/sys/net/core/"

static long size_of(int s, int name)
{
	socklen_t len = sizeof(int);
	int n;

	CHECK_OK(getsockopt(s, SOL_SOCKET, name, &n, &len));
	return n;
}

static long size_set(int s, int name, int n)
{
	CHECK_OK(setsockopt(s, SOL_SOCKET, name, &n, sizeof(n)));
	return size_of(s, name);
}

static void largest_buffers(void)
{
	int s = (int)CHECK_OK(socket(AF_UNIX, SOCK_DGRAM, 0)), forced = 1 << 20;

	CHECK_EQ(size_set(s, SO_SNDBUF, 1 << 20), 100000);
	CHECK_EQ(size_set(s, SO_RCVBUF, 1 << 20), 425984);
	CHECK_EQ(size_set(s, SO_SNDBUF, -1), 100000);
	CHECK_EQ(size_set(s, SO_SNDBUF, 20000), 40000);
	CHECK_OK(setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &forced, sizeof(forced)));
	CHECK_EQ(size_of(s, SO_SNDBUF), 2 * forced);
}

static void largest_receive(void)
{
	int s = (int)CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));

	CHECK_EQ(size_set(s, SO_RCVBUF, 1 << 20), 120000);
	CHECK_EQ(size_set(s, SO_SNDBUF, 1 << 20), 425984);
}

TEST(sysctl, buffers_max, .root = true)
{
	CHECK_EQ(setting_get(CORE "wmem_max"), 212992);
	CHECK_EQ(setting_get(CORE "rmem_max"), 212992);
	CHECK_EQ(setting_put(CORE "wmem_max", "4607\n"), EINVAL);
	CHECK_EQ(setting_put(CORE "rmem_max", "2303\n"), EINVAL);
	setting_with(CORE "wmem_max", 50000, largest_buffers);
	setting_with(CORE "rmem_max", 60000, largest_receive);
}

/* The end that accept(2) gives, of a listener that has other sizes. */
static int accepted(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "name"};
	int s = (int)CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0)), c, end;

	(void)size_set(s, SO_SNDBUF, 30000);
	(void)size_set(s, SO_RCVBUF, 30000);
	CHECK_OK(bind(s, (struct sockaddr *)&name, sizeof(name)));
	CHECK_OK(listen(s, 1));
	c = (int)CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_OK(connect(c, (struct sockaddr *)&name, sizeof(name)));
	end = (int)CHECK_OK(accept(s, NULL, NULL));
	CHECK_OK(unlink("name"));
	CHECK_OK(close(c));
	CHECK_OK(close(s));
	return end;
}

static void first_send(void)
{
	int s = (int)CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0)), tcp, p[2];

	CHECK_EQ(size_of(s, SO_SNDBUF), 50000);
	CHECK_EQ(size_of(s, SO_RCVBUF), 212992);
	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, p));
	CHECK_EQ(size_of(p[1], SO_SNDBUF), 50000);
	tcp = (int)CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK(size_of(tcp, SO_SNDBUF) != 50000);
	s = accepted();
	CHECK_EQ(size_of(s, SO_SNDBUF), 50000);
	CHECK_EQ(size_of(s, SO_RCVBUF), 212992);
}

static void first_receive(void)
{
	int s = (int)CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));

	CHECK_EQ(size_of(s, SO_RCVBUF), 60000);
	CHECK_EQ(size_of(s, SO_SNDBUF), 212992);
	s = accepted();
	CHECK_EQ(size_of(s, SO_RCVBUF), 60000);
	CHECK_EQ(size_of(s, SO_SNDBUF), 212992);
}

TEST(sysctl, buffers_default, .root = true)
{
	CHECK_EQ(setting_get(CORE "wmem_default"), 212992);
	CHECK_EQ(setting_get(CORE "rmem_default"), 212992);
	setting_with(CORE "wmem_default", 50000, first_send);
	setting_with(CORE "rmem_default", 60000, first_receive);
}

/* One more than the queue is long is let in, then the next is told to come again. */
static void short_queue(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "queue"};
	int s = (int)CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0)), c;

	CHECK_OK(bind(s, (struct sockaddr *)&name, sizeof(name)));
	CHECK_OK(listen(s, 100));
	for (int i = 0; i < 4; i++) {
		c = (int)CHECK_OK(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
		if (i < 3)
			CHECK_OK(connect(c, (struct sockaddr *)&name, sizeof(name)));
		else
			CHECK_ERR(connect(c, (struct sockaddr *)&name, sizeof(name)), EAGAIN);
	}
}

TEST(sysctl, somaxconn, .root = true)
{
	CHECK_EQ(setting_get(CORE "somaxconn"), 4096);
	CHECK_EQ(setting_put(CORE "somaxconn", "-1\n"), EINVAL);
	setting_with(CORE "somaxconn", 2, short_queue);
}

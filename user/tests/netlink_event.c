/* AF_NETLINK: what happens to devices is told to all who listen (NETLINK_KOBJECT_UEVENT). */
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "ut.h"

static int listener(unsigned int groups)
{
	struct sockaddr_nl name = {.nl_family = AF_NETLINK, .nl_groups = groups};
	int fd = CHECK_OK(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT));

	CHECK_OK(bind(fd, (struct sockaddr *)&name, sizeof(name)));
	return fd;
}

static bool is_silent(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return !CHECK_OK(poll(&p, 1, 0));
}

struct told {
	char text[4096];
	size_t size;
};

/* The next message of the kernel's to the first group. */
static void hear(int fd, struct told *t)
{
	struct sockaddr_nl from = {0};
	socklen_t len = sizeof(from);

	t->size = (size_t)CHECK_OK(recvfrom(fd, t->text, sizeof(t->text) - 1, 0,
					    (struct sockaddr *)&from, &len));
	CHECK_EQ(from.nl_pid, 0);
	CHECK_EQ(from.nl_groups, 1);
	CHECK(t->size && !t->text[t->size - 1]);
}

static bool has(const struct told *t, const char *line)
{
	for (const char *p = t->text; p < t->text + t->size; p += strlen(p) + 1)
		if (!strcmp(p, line))
			return true;
	return false;
}

/* Wait for a change of loop device n of which it says this line, too. */
static void expect_change(int fd, int n, const char *line)
{
	char head[64], path[64], minor[32], name[32];
	struct told t;

	snprintf(head, sizeof(head), "change@/devices/virtual/block/loop%d", n);
	snprintf(path, sizeof(path), "DEVPATH=/devices/virtual/block/loop%d", n);
	snprintf(minor, sizeof(minor), "MINOR=%d", n);
	snprintf(name, sizeof(name), "DEVNAME=loop%d", n);
	do
		hear(fd, &t);
	while (strcmp(t.text, head) || !has(&t, line));
	CHECK(has(&t, "ACTION=change"));
	CHECK(has(&t, path));
	CHECK(has(&t, "SUBSYSTEM=block"));
	CHECK(has(&t, "MAJOR=7"));
	CHECK(has(&t, minor));
	CHECK(has(&t, name));
	CHECK(has(&t, "DEVTYPE=disk"));
}

static int loop_open(int *n)
{
	int control = open("/dev/loop-control", O_RDWR);
	char name[32];

	if (control < 0)
		SKIP("no loop devices");
	*n = (int)CHECK_OK(ioctl(control, LOOP_CTL_GET_FREE));
	CHECK_OK(close(control));
	snprintf(name, sizeof(name), "/dev/loop%d", *n);
	return (int)CHECK_OK(open(name, O_RDWR));
}

TEST(netlink, events_of_devices, .root = true, .no_leak_check = true)
{
	int a = listener(1), b = listener(1), other = listener(2), n, loop = loop_open(&n), fd;

	file_pattern("f", 65536, 1);
	fd = (int)CHECK_OK(open("f", O_RDWR));
	CHECK_OK(ioctl(loop, LOOP_SET_FD, fd));
	expect_change(a, n, "ACTION=change");
	expect_change(b, n, "ACTION=change");
	CHECK_OK(ftruncate(fd, 131072));
	CHECK_OK(ioctl(loop, LOOP_SET_CAPACITY, 0));
	expect_change(a, n, "RESIZE=1");
	CHECK_OK(ioctl(loop, LOOP_CLR_FD, 0));
	CHECK_OK(close(loop));
	expect_change(a, n, "ACTION=change");
	expect_change(a, n, "DISK_MEDIA_CHANGE=1");
	expect_change(b, n, "DISK_MEDIA_CHANGE=1");
	CHECK(is_silent(other));
}

TEST(netlink, events_have_numbers_of_their_own)
{
	struct sockaddr_nl name = {.nl_family = AF_NETLINK, .nl_pid = 77777};
	int route = CHECK_OK(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)), group = 33;
	int event = CHECK_OK(socket(AF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT));
	int again = CHECK_OK(socket(AF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT));

	CHECK_OK(bind(route, (struct sockaddr *)&name, sizeof(name)));
	CHECK_OK(bind(event, (struct sockaddr *)&name, sizeof(name)));
	CHECK_ERR(bind(again, (struct sockaddr *)&name, sizeof(name)), EADDRINUSE);
	CHECK_ERR(setsockopt(event, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)),
		  EINVAL);
	group = 32;
	CHECK_OK(setsockopt(event, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)));
}

/*
 * socket: options that are only kept, flags of the interface, urgent data.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "user/tests/ut.h"

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	CHECK_OK(getsockopt(fd, level, name, &value, &len));
	CHECK_EQ(len, sizeof(value));
	return value;
}

static int option_set(int fd, int name, int value)
{
	return setsockopt(fd, SOL_SOCKET, name, &value, sizeof(value));
}

static void options_kept(int fd)
{
	static const int flags[] = {SO_DONTROUTE, SO_OOBINLINE, SO_NO_CHECK};

	for (unsigned int i = 0; i < 3; i++) {
		CHECK_EQ(option(fd, SOL_SOCKET, flags[i]), 0);
		CHECK_OK(option_set(fd, flags[i], 7));
		CHECK_EQ(option(fd, SOL_SOCKET, flags[i]), 1);
		CHECK_OK(option_set(fd, flags[i], 0));
		CHECK_EQ(option(fd, SOL_SOCKET, flags[i]), 0);
	}
	CHECK_EQ(option(fd, SOL_SOCKET, SO_PRIORITY), 0);
	CHECK_OK(option_set(fd, SO_PRIORITY, 6));
	CHECK_EQ(option(fd, SOL_SOCKET, SO_PRIORITY), 6);
	CHECK_EQ(option(fd, SOL_SOCKET, SO_MARK), 0);
}

TEST(socket, options_kept, .root = true)
{
	int fds[] = {socket(AF_UNIX, SOCK_STREAM, 0), socket(AF_UNIX, SOCK_DGRAM, 0),
		     socket(AF_INET, SOCK_STREAM, 0), socket(AF_INET, SOCK_DGRAM, 0)};

	for (int i = 0; i < 4; i++) {
		options_kept(fds[i]);
		CHECK_OK(option_set(fds[i], SO_DEBUG, 1));
		CHECK_EQ(option(fds[i], SOL_SOCKET, SO_DEBUG), 1);
		CHECK_OK(option_set(fds[i], SO_PRIORITY, 7));
		CHECK_OK(option_set(fds[i], SO_MARK, -3));
		CHECK_EQ(option(fds[i], SOL_SOCKET, SO_MARK), -3);
	}
	CHECK_OK(setuid(1000));
	for (int i = 0; i < 4; i++) {
		CHECK_ERR(option_set(fds[i], SO_DEBUG, 1), EACCES);
		CHECK_OK(option_set(fds[i], SO_DEBUG, 0));
		CHECK_ERR(option_set(fds[i], SO_PRIORITY, 7), EPERM);
		CHECK_ERR(option_set(fds[i], SO_PRIORITY, -1), EPERM);
		CHECK_OK(option_set(fds[i], SO_PRIORITY, 5));
		CHECK_ERR(option_set(fds[i], SO_MARK, 1), EPERM);
		CHECK_EQ(option(fds[i], SOL_SOCKET, SO_MARK), -3);
	}
}

/* What is asked of a level that is not the socket's own. */
TEST(socket, options_of_other_levels)
{
	int fd = (int)CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), value = 1;
	socklen_t len = sizeof(value);

	CHECK_ERR(getsockopt(fd, 500, SO_OOBINLINE, &value, &len), EOPNOTSUPP);
	CHECK_ERR(getsockopt(fd, IPPROTO_UDP, SO_OOBINLINE, &value, &len), EOPNOTSUPP);
	CHECK_ERR(getsockopt(fd, IPPROTO_IP, -1, &value, &len), ENOPROTOOPT);
	CHECK_ERR(getsockopt(fd, IPPROTO_TCP, -1, &value, &len), ENOPROTOOPT);
	CHECK_ERR(getsockopt(fd, SOL_SOCKET, SO_OOBINLINE, NULL, &len), EFAULT);
	CHECK_ERR(setsockopt(fd, 500, SO_OOBINLINE, &value, len), ENOPROTOOPT);
	CHECK_ERR(setsockopt(fd, IPPROTO_UDP, SO_OOBINLINE, &value, len), ENOPROTOOPT);
	CHECK_ERR(setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, NULL, len), EFAULT);
	CHECK_ERR(setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &value, 0), EINVAL);
}

TEST(socket, interface_flags, .root = true)
{
	int fd = (int)CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	struct ifreq r = {.ifr_name = "lo"};

	CHECK_OK(ioctl(fd, SIOCGIFFLAGS, &r));
	CHECK_OK(ioctl(fd, SIOCSIFFLAGS, &r));
	CHECK_ERR(ioctl(fd, SIOCSIFFLAGS, NULL), EFAULT);
	CHECK_OK(setuid(1000));
	CHECK_ERR(ioctl(fd, SIOCSIFFLAGS, &r), EPERM);
	strcpy(r.ifr_name, "eth9");
	CHECK_ERR(ioctl(fd, SIOCGIFFLAGS, &r), ENODEV);
}

/* No data is urgent. */
TEST(socket, mark)
{
	int stream = (int)CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), value = -1;
	int datagrams = (int)CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));

	CHECK_OK(ioctl(stream, SIOCATMARK, &value));
	CHECK_EQ(value, 0);
	CHECK_ERR(ioctl(stream, SIOCATMARK, NULL), EFAULT);
	CHECK_ERR(ioctl(datagrams, SIOCATMARK, &value), ENOTTY);
}

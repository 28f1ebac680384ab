/* What the tests of AF_INET share. */
#include "ut.h"

#include "inet.h"

int inet_socket(int type)
{
	return (int)CHECK_OK(socket(AF_INET, type, 0));
}

struct sockaddr_in inet_address(uint32_t ip, int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(ip),
	};
}

int inet_bind(int fd, uint32_t ip, int port)
{
	struct sockaddr_in a = inet_address(ip, port);

	return bind(fd, (struct sockaddr *)&a, sizeof(a));
}

int inet_connect(int fd, uint32_t ip, int port)
{
	struct sockaddr_in a = inet_address(ip, port);

	return connect(fd, (struct sockaddr *)&a, sizeof(a));
}

static struct sockaddr_in name_of(int fd)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	CHECK_OK(getsockname(fd, (struct sockaddr *)&a, &len));
	CHECK_EQ(len, sizeof(a));
	CHECK_EQ(a.sin_family, AF_INET);
	return a;
}

int inet_port(int fd)
{
	return ntohs(name_of(fd).sin_port);
}

uint32_t inet_ip(int fd)
{
	return ntohl(name_of(fd).sin_addr.s_addr);
}

int inet_peer_port(int fd)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	CHECK_OK(getpeername(fd, (struct sockaddr *)&a, &len));
	CHECK_EQ(len, sizeof(a));
	CHECK_EQ(a.sin_family, AF_INET);
	return ntohs(a.sin_port);
}

int inet_server(int type, int backlog)
{
	int fd = inet_socket(type);

	CHECK_OK(inet_bind(fd, LOOPBACK, 0));
	if (type == SOCK_STREAM)
		CHECK_OK(listen(fd, backlog));
	return fd;
}

void inet_pair(int fd[2])
{
	int server = inet_server(SOCK_STREAM, 1);

	fd[0] = inet_socket(SOCK_STREAM);
	CHECK_OK(inet_connect(fd[0], LOOPBACK, inet_port(server)));
	fd[1] = (int)CHECK_OK(accept(server, NULL, NULL));
	CHECK_OK(close(server));
}

int inet_free_port(int type)
{
	int fd = inet_server(type, 1), port = inet_port(fd);

	CHECK_OK(close(fd));
	return port;
}

int inet_option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	CHECK_OK(getsockopt(fd, level, name, &value, &len));
	CHECK_EQ(len, sizeof(value));
	return value;
}

void inet_set(int fd, int level, int name, int value)
{
	CHECK_OK(setsockopt(fd, level, name, &value, sizeof(value)));
}

short inet_ready(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };

	CHECK_OK(poll(&p, 1, 0));
	return p.revents;
}

short inet_wait(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	CHECK_OK(poll(&p, 1, -1));
	return inet_ready(fd);
}

/* nomem: sockets; see nomem.c. */
#include "nomem.h"

#include <sys/un.h>

#include "inet.h"

static int server, port, udp, client;

static long run_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static void after_fd(long fd)
{
	CHECK_OK(close((int)fd));
}

static void make_stream(void)
{
	client = inet_socket(SOCK_STREAM);
}

static void make_datagram(void)
{
	client = inet_socket(SOCK_DGRAM);
}

static void drop_client(void)
{
	CHECK_OK(close(client));
}

static long run_bind(void)
{
	return inet_bind(client, INADDR_ANY, 0);
}

static long run_listen(void)
{
	return listen(client, 1);
}

static long run_connect(void)
{
	return inet_connect(client, LOOPBACK, port);
}

static void after_connect(long result)
{
	CHECK_EQ(result, 0);
	after_fd(accept(server, NULL, NULL));
}

static void make_connected(void)
{
	make_stream();
	CHECK_OK(inet_connect(client, LOOPBACK, port));
}

static long run_accept(void)
{
	return accept(server, NULL, NULL);
}

static void drop_connected(void)
{
	int fd;

	drop_client();
	while ((fd = accept(server, NULL, NULL)) >= 0)
		after_fd(fd);
	CHECK_EQ(errno, EAGAIN);
}

static long run_udp_connect(void)
{
	return inet_connect(client, LOOPBACK, inet_port(udp));
}

static long run_send(void)
{
	struct sockaddr_in to = inet_address(LOOPBACK, inet_port(udp));

	return sendto(client, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
}

static void after_send(long result)
{
	char c;

	CHECK_EQ(recv(udp, &c, 1, MSG_DONTWAIT), result);
}

static long run_unix_bind(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "s" };

	return bind(client, (struct sockaddr *)&a, sizeof(a));
}

static void make_unix(void)
{
	client = (int)CHECK_OK(socket(AF_UNIX, SOCK_DGRAM, 0));
}

static void drop_unix(void)
{
	unlink("s");
	drop_client();
}

TEST(nomem, socket, .seconds = 300)
{
	static const struct failing_call calls[] = {
		{ .name = "socket", .run = run_socket, .after = after_fd },
		{ .name = "bind", .before = make_stream, .run = run_bind, .intact = drop_client },
		{ .name = "listen", .before = make_stream, .run = run_listen,
		  .intact = drop_client },
		{ .name = "connect", .before = make_stream, .run = run_connect,
		  .after = after_connect, .intact = drop_client },
		{ .name = "accept", .before = make_connected, .run = run_accept,
		  .after = after_fd, .intact = drop_connected },
		{ .name = "connect of a datagram socket", .before = make_datagram,
		  .run = run_udp_connect, .intact = drop_client },
		{ .name = "sendto", .before = make_datagram, .run = run_send,
		  .after = after_send, .intact = drop_client },
		{ .name = "bind to a path", .before = make_unix, .run = run_unix_bind,
		  .intact = drop_unix },
	};

	door_open();
	server = inet_server(SOCK_STREAM, 5);
	CHECK_OK(fcntl(server, F_SETFL, O_NONBLOCK));
	port = inet_port(server);
	udp = inet_server(SOCK_DGRAM, 0);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		fail_all(&calls[i]);
}

/* AF_INET under threads: connections made, used and ended by several at once, in every order. */
#include "ut.h"

#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/param.h>

#include "inet.h"

#define THREADS 4

static int listener, port;

static void run_threads(void *(*const func[])(void *), int n)
{
	pthread_t t[2 * THREADS];

	for (int i = 0; i < n; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, func[i], (void *)(intptr_t)i), 0);
	for (int i = 0; i < n; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
}

/* Two sides, two ways to end: all orders. Nobody hears of anything but the end. */
TEST(inet, ends_in_all_orders)
{
	enum { SHUT_A, SHUT_B, CLOSE_A, CLOSE_B, STEPS };

	for (int order = 0; order < 256; order++) {
		int fd[2], seen = 0, step, side;
		char c;

		for (int i = 0; i < STEPS; i++)
			seen |= 1 << (order >> 2 * i & 3);
		if (seen != (1 << STEPS) - 1)
			continue;
		inet_pair(fd);
		for (int i = 0; i < STEPS; i++) {
			step = order >> 2 * i & 3;
			side = step & 1;
			if (fd[side] < 0)
				continue;
			if (step >= CLOSE_A) {
				CHECK_OK(close(fd[side]));
				fd[side] = -1;
			} else {
				CHECK_OK(shutdown(fd[side], SHUT_WR));
			}
			if (fd[!side] < 0)
				continue;
			CHECK_EQ(read(fd[!side], &c, 1), 0);
			CHECK_EQ(inet_option(fd[!side], SOL_SOCKET, SO_ERROR), 0);
		}
	}
}

static void *echo_server(void *arg)
{
	static _Thread_local char buf[8192];
	ssize_t n;
	int fd;

	(void)arg;
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		while ((n = CHECK_OK(read(fd, buf, sizeof(buf)))) > 0)
			write_full(fd, buf, (size_t)n);
		CHECK_OK(close(fd));
	}
	CHECK_EQ(errno, EINVAL);
	return NULL;
}

static void *echo_client(void *arg)
{
	enum { ROUNDS = 25, SIZE = 30000 };
	static _Thread_local unsigned char out[SIZE], in[SIZE];
	unsigned int seed = (unsigned int)(intptr_t)arg;

	for (int i = 0; i < ROUNDS; i++) {
		size_t n = (size_t)rand_r(&seed) % SIZE + 1;
		int fd = inet_socket(SOCK_STREAM);

		CHECK_OK(inet_connect(fd, LOOPBACK, port));
		pattern_fill(out, n, seed, 0);
		write_full(fd, out, n);
		CHECK_OK(shutdown(fd, SHUT_WR));
		CHECK_EQ(read_full(fd, in, n), n);
		pattern_check(in, n, seed, 0);
		CHECK_EQ(read(fd, in, 1), 0);
		CHECK_OK(close(fd));
	}
	return NULL;
}

static void *echo_end(void *arg)
{
	void *(*const clients[THREADS])(void *) = { echo_client, echo_client, echo_client,
						    echo_client };

	run_threads(clients, THREADS);
	/* Who waits in accept goes home. */
	CHECK_OK(shutdown(listener, SHUT_RD));
	return arg;
}

TEST(inet, race_echo)
{
	void *(*const all[])(void *) = { echo_server, echo_server, echo_server, echo_end };

	listener = inet_server(SOCK_STREAM, 8);
	port = inet_port(listener);
	run_threads(all, THREADS);
}

static int ends[2];
static pthread_barrier_t start;

/* The end of a connection in one of many ways, while the other side uses it. */
static void *race_end(void *arg)
{
	struct linger l = { 1, 0 };
	unsigned int seed = 7;
	char buf[64];

	(void)arg;
	for (;;) {
		pthread_barrier_wait(&start);
		if (ends[0] < 0)
			return NULL;
		for (int i = rand_r(&seed) % 4; i-- > 0;)
			CHECK_EQ(send(ends[0], buf, sizeof(buf), MSG_NOSIGNAL), sizeof(buf));
		if (rand_r(&seed) % 2)
			CHECK_OK(shutdown(ends[0], rand_r(&seed) % 3));
		if (rand_r(&seed) % 4 == 0)
			CHECK_OK(setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
		if (rand_r(&seed) % 2)
			(void)recv(ends[0], buf, sizeof(buf), MSG_DONTWAIT);
		CHECK_OK(close(ends[0]));
		pthread_barrier_wait(&start);
	}
}

/* Sends and receives until there is nothing but the end, which comes for sure. */
static void *race_use(void *arg)
{
	enum { ROUNDS = 300 };
	char buf[100];
	ssize_t n, m;

	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		inet_pair(ends);
		pthread_barrier_wait(&start);
		do {
			m = send(ends[1], buf, i % 2 + 1U, MSG_NOSIGNAL);
			CHECK(m > 0 || errno == EPIPE || errno == ECONNRESET);
			n = recv(ends[1], buf, sizeof(buf), MSG_DONTWAIT);
			CHECK(n >= 0 || errno == EAGAIN || errno == ECONNRESET);
		} while (m > 0 || n != 0);
		CHECK_EQ(inet_wait(ends[1], 0) & (POLLIN | POLLHUP), POLLIN | POLLHUP);
		CHECK_OK(close(ends[1]));
		pthread_barrier_wait(&start);
	}
	ends[0] = -1;
	pthread_barrier_wait(&start);
	return NULL;
}

TEST(inet, race_of_ends)
{
	void *(*const both[])(void *) = { race_end, race_use };

	CHECK_EQ(pthread_barrier_init(&start, NULL, 2), 0);
	run_threads(both, 2);
}

static void *race_listen(void *arg)
{
	enum { ROUNDS = 150 };

	for (int i = 0; i < ROUNDS; i++) {
		int fd = inet_socket(SOCK_STREAM), other;

		inet_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
		CHECK_OK(inet_bind(fd, LOOPBACK, port));
		CHECK_OK(listen(fd, i % 3));
		CHECK_OK(fcntl(fd, F_SETFL, O_NONBLOCK));
		for (int j = 0; j < i % 5; j++) {
			other = accept(fd, NULL, NULL);
			CHECK(other >= 0 || errno == EAGAIN);
			if (other >= 0)
				CHECK_OK(close(other));
		}
		CHECK_OK(close(fd));
	}
	return arg;
}

static void *race_connect(void *arg)
{
	enum { ROUNDS = 400 };
	char c;

	for (int i = 0; i < ROUNDS; i++) {
		int fd = inet_socket(SOCK_STREAM | SOCK_NONBLOCK);

		CHECK_ERR(inet_connect(fd, LOOPBACK, port), EINPROGRESS);
		if (i % 4 == 0)
			(void)send(fd, "x", 1, MSG_NOSIGNAL);
		if (i % 4 == 1)
			(void)recv(fd, &c, 1, 0);
		if (i % 4 == 2)
			(void)inet_connect(fd, LOOPBACK, port);
		CHECK_OK(close(fd));
	}
	return arg;
}

/* A listener that comes and goes, with less room than there are connections. */
TEST(inet, race_of_listeners)
{
	void *(*const all[])(void *) = { race_listen, race_connect, race_connect, race_connect };

	/* Not one that the kernel would choose for who connects. */
	port = 21007;
	run_threads(all, THREADS);
}

/* One socket, whose name and peer several threads change while others send through it. */
static void *race_datagrams(void *arg)
{
	enum { ROUNDS = 400 };
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct sockaddr_in a;
	socklen_t len;
	char buf[8];

	for (int i = 0; i < ROUNDS; i++) {
		int fd = ends[0];

		len = sizeof(a);
		switch ((i + (int)(intptr_t)arg) % 5) {
		case 0:
			(void)inet_connect(fd, LOOPBACK, port);
			break;
		case 1:
			CHECK_OK(connect(fd, &none, sizeof(none)));
			break;
		case 2:
			(void)send(fd, "x", 1, MSG_DONTWAIT);
			break;
		case 3:
			CHECK_OK(getsockname(fd, (struct sockaddr *)&a, &len));
			break;
		default:
			a = inet_address(LOOPBACK, port);
			(void)sendto(fd, "y", 1, MSG_DONTWAIT, (struct sockaddr *)&a, sizeof(a));
		}
		while (recv(ends[1], buf, sizeof(buf), MSG_DONTWAIT) > 0)
			;
	}
	return NULL;
}

TEST(inet, race_of_names)
{
	void *(*const all[])(void *) = { race_datagrams, race_datagrams, race_datagrams,
					 race_datagrams };
	char c;

	ends[0] = inet_socket(SOCK_DGRAM);
	ends[1] = inet_server(SOCK_DGRAM, 0);
	port = inet_port(ends[1]);
	run_threads(all, THREADS);
	/* It is as good as new. */
	CHECK_OK(inet_connect(ends[0], LOOPBACK, port));
	CHECK_EQ(inet_peer_port(ends[0]), port);
	CHECK_EQ(send(ends[0], "end", 3, 0), 3);
	do
		CHECK_OK(recv(ends[1], &c, 1, 0));
	while (c != 'e');
	CHECK_OK(inet_connect(ends[1], LOOPBACK, inet_port(ends[0])));
}

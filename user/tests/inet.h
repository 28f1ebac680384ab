/* What the tests of AF_INET share (inet_util.c). Ports are in the host's byte order. */
#ifndef USER_TESTS_INET_H
#define USER_TESTS_INET_H

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#define LOOPBACK INADDR_LOOPBACK

/* A socket, and one that does not block. */
int inet_socket(int type);
struct sockaddr_in inet_address(uint32_t ip, int port);
int inet_bind(int fd, uint32_t ip, int port);
int inet_connect(int fd, uint32_t ip, int port);
/* The local port and address, and the peer's. */
int inet_port(int fd);
uint32_t inet_ip(int fd);
int inet_peer_port(int fd);
/* Bound to 127.0.0.1 and a port of the kernel's choice; a stream listens, too. */
int inet_server(int type, int backlog);
/* A connection: fd[0] asked for it, fd[1] was accepted. */
void inet_pair(int fd[2]);
/* A port that nobody uses. */
int inet_free_port(int type);
int inet_option(int fd, int level, int name);
void inet_set(int fd, int level, int name, int value);
/* What poll(2) says now, of everything. */
short inet_ready(int fd);
/* Wait until poll(2) says what of these events; the rest of what it says. */
short inet_wait(int fd, short events);

#endif

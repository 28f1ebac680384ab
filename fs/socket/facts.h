/*
 * What /proc tells of AF_INET sockets, and lets be set.
 */
#pragma once

#include "kernel/types.h"
#include "kernel/uapi/socket.h"

/* Linux's numbers for the states of TCP, as far as there are such. */
enum tcp_state {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT = 2,
	TCP_FIN_WAIT2 = 5,
	TCP_CLOSE = 7,
	TCP_CLOSE_WAIT = 8,
	TCP_LISTEN = 10,
};

struct socket_fact {
	struct sockaddr_in local, remote;
	enum tcp_state state;
	uint32_t uid;
	uint64_t inode;		 /* 0: not accepted yet */
	uint64_t unread, unsent; /* bytes; of a listener: connections to accept, 0 */
};

/*
 * The sockets of this type (SOCK_*) that have ports: up to max of them go to out. Returns how many
 * there are. Does not sleep.
 */
uint32_t inet_facts(int type, struct socket_fact *out, uint32_t max);

/* What port 0 is chosen from. False: no range, or of privileged ports. */
bool port_range_set(uint64_t first, uint64_t last);
void port_range_get(uint32_t *first, uint32_t *last);

/*
 * socket(2), unix(7), ip(7), tcp(7), cmsg(3): numbers and structures of the Linux riscv64 ABI.
 */
#pragma once

#include <stdint.h>

#define AF_UNSPEC 0
#define AF_UNIX	  1
#define AF_INET	  2
#define AF_NETLINK 16

#define IPPROTO_IP  0
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_MAX 263

#define SOCK_STREAM    1
#define SOCK_DGRAM     2
#define SOCK_RAW       3
#define SOCK_SEQPACKET 5
#define SOCK_TYPE_MASK 0xf
#define SOCK_CLOEXEC   02000000
#define SOCK_NONBLOCK  04000

#define MSG_PEEK	 0x2
#define MSG_CTRUNC	 0x8
#define MSG_TRUNC	 0x20
#define MSG_DONTWAIT	 0x40
#define MSG_WAITALL	 0x100
#define MSG_OOB		 0x1
#define MSG_NOSIGNAL	 0x4000
#define MSG_MORE	 0x8000
#define MSG_WAITFORONE	 0x10000
#define MSG_CMSG_CLOEXEC 0x40000000

#define SHUT_RD	  0
#define SHUT_WR	  1
#define SHUT_RDWR 2

#define SOL_SOCKET    1
#define SO_DEBUG      1
#define SO_REUSEADDR  2
#define SO_TYPE	      3
#define SO_ERROR      4
#define SO_DONTROUTE  5
#define SO_BROADCAST  6
#define SO_SNDBUF     7
#define SO_RCVBUF     8
#define SO_KEEPALIVE  9
#define SO_OOBINLINE  10
#define SO_NO_CHECK   11
#define SO_PRIORITY   12
#define SO_LINGER     13
#define SO_REUSEPORT  15
#define SO_PASSCRED   16
#define SO_PEERCRED   17
#define SO_RCVLOWAT   18
#define SO_SNDLOWAT   19
#define SO_RCVTIMEO   20
#define SO_SNDTIMEO   21
#define SO_TIMESTAMP  29
#define SO_ACCEPTCONN 30
#define SO_SNDBUFFORCE 32
#define SO_RCVBUFFORCE 33
#define SO_TIMESTAMPNS 35
#define SO_MARK	      36
#define SO_PROTOCOL   38
#define SO_DOMAIN     39
#define SO_PEEK_OFF   42
#define SO_TIMESTAMP_NEW 63
#define SO_TIMESTAMPNS_NEW 64

#define IP_TOS		   1
#define IP_TTL		   2
#define IP_PKTINFO	   8
#define IP_RECVTTL	   12
#define IP_RECVTOS	   13
#define IP_RECVORIGDSTADDR 20

#define TCP_NODELAY	 1
#define TCP_KEEPIDLE	 4
#define TCP_KEEPINTVL	 5
#define TCP_KEEPCNT	 6
#define TCP_USER_TIMEOUT 18

#define SCM_RIGHTS	1
#define SCM_CREDENTIALS 2
#define SCM_MAX_FD	253

#define SIOCOUTQ 0x5411

#define UNIX_PATH_MAX 108

struct sockaddr_un {
	uint16_t sun_family;
	char sun_path[UNIX_PATH_MAX];
};

#define INADDR_ANY	 0x00000000
#define INADDR_LOOPBACK	 0x7f000001
#define INADDR_BROADCAST 0xffffffff

/* Port and address have the network's byte order. */
struct sockaddr_in {
	uint16_t sin_family;
	uint16_t sin_port;
	uint32_t sin_addr;
	uint8_t sin_zero[8];
};

/* Where a datagram came in, and whom it was for. */
struct in_pktinfo {
	int32_t ipi_ifindex;
	uint32_t ipi_spec_dst, ipi_addr;
};

#define SOCKADDR_MAX 128 /* bytes of any family's address */

struct linger {
	int32_t l_onoff, l_linger;
};

struct ucred {
	int32_t pid;
	uint32_t uid, gid;
};

struct msghdr64 {
	uint64_t name;
	uint32_t namelen, pad0;
	uint64_t iov, iovlen, control, controllen;
	uint32_t flags, pad1;
};
_Static_assert(sizeof(struct msghdr64) == 56, "struct msghdr of riscv64");

struct cmsghdr64 {
	uint64_t len;
	int32_t level, type;
};
#define CMSG_ALIGN(n) (((n) + 7UL) & ~7UL)

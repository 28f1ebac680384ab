/*
 * netlink(7), rtnetlink(7), netdevice(7): numbers and structures of the Linux riscv64 ABI.
 */
#pragma once

#include <stdint.h>

#include "kernel/uapi/socket.h"

#define NETLINK_ROUTE	       0
#define NETLINK_KOBJECT_UEVENT 15
#define UEVENT_GROUPS	       32 /* there are; the first hears of devices */

struct sockaddr_nl {
	uint16_t nl_family, nl_pad;
	uint32_t nl_pid; /* a socket's number; 0: the kernel */
	uint32_t nl_groups;
};

struct nlmsghdr {
	uint32_t nlmsg_len; /* with this header */
	uint16_t nlmsg_type, nlmsg_flags;
	uint32_t nlmsg_seq, nlmsg_pid;
};
_Static_assert(sizeof(struct nlmsghdr) == 16, "struct nlmsghdr of Linux");

#define NLMSG_ALIGNTO	4
#define NLMSG_ERROR	2
#define NLMSG_DONE	3
#define NLMSG_MIN_TYPE	16
#define NLM_F_REQUEST	1
#define NLM_F_MULTI	2
#define NLM_F_ACK	4
#define NLM_F_CAPPED	0x100 /* of answers */
#define NLM_F_ROOT	0x100
#define NLM_F_MATCH	0x200

/* Requests come in fours: to add, to delete, to ask, to change. */
#define RTM_BASE    16
#define RTM_MAX	    123
#define RTNLGRP_MAX 36

#define SOL_NETLINK		 270
#define NETLINK_ADD_MEMBERSHIP	 1
#define NETLINK_DROP_MEMBERSHIP	 2
#define NETLINK_LIST_MEMBERSHIPS 9
#define NETLINK_CAP_ACK		 10
#define NETLINK_EXT_ACK		 11

#define RTM_NEWLINK 16
#define RTM_GETLINK 18
#define RTM_NEWADDR 20
#define RTM_GETADDR 22

struct ifinfomsg {
	uint8_t ifi_family;
	uint16_t ifi_type;
	int32_t ifi_index;
	uint32_t ifi_flags, ifi_change;
};
_Static_assert(sizeof(struct ifinfomsg) == 16, "struct ifinfomsg of Linux");

#define IFLA_ADDRESS   1
#define IFLA_BROADCAST 2
#define IFLA_IFNAME    3
#define IFLA_MTU       4
#define IFLA_TXQLEN    13

struct ifaddrmsg {
	uint8_t ifa_family, ifa_prefixlen, ifa_flags, ifa_scope;
	uint32_t ifa_index;
};
_Static_assert(sizeof(struct ifaddrmsg) == 8, "struct ifaddrmsg of Linux");

#define IFA_ADDRESS	1
#define IFA_LOCAL	2
#define IFA_LABEL	3
#define IFA_F_PERMANENT 0x80
#define RT_SCOPE_HOST	254

struct rtattr {
	uint16_t rta_len; /* with this header */
	uint16_t rta_type;
};

#define ARPHRD_LOOPBACK 772
#define IFNAMSIZ	16

#define IFF_UP	     0x1
#define IFF_LOOPBACK 0x8
#define IFF_RUNNING  0x40
#define IFF_LOWER_UP 0x10000

#define SIOCGIFNAME    0x8910
#define SIOCGIFCONF    0x8912
#define SIOCGIFFLAGS   0x8913
#define SIOCSIFFLAGS   0x8914
#define SIOCGIFADDR    0x8915
#define SIOCGIFDSTADDR 0x8917
#define SIOCGIFBRDADDR 0x8919
#define SIOCGIFNETMASK 0x891b
#define SIOCGIFMETRIC  0x891d
#define SIOCGIFMTU     0x8921
#define SIOCGIFHWADDR  0x8927
#define SIOCGIFINDEX   0x8933
#define SIOCGIFTXQLEN  0x8942

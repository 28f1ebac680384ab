/*
 * What programs are told of the one interface, lo: by requests of rtnetlink(7) and by ioctl(2)
 * (netdevice(7)). Nothing of it can be changed.
 */
#include "fs/socket/interface.h"

#include "kernel/thread.h"
#include "kernel/uapi/errno.h"
#include "kernel/uapi/netlink.h"
#include "lib/endian.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define LO_FLAGS (IFF_UP | IFF_LOOPBACK | IFF_RUNNING)
#define LO_MTU	 65536
#define LO_QUEUE 1000 /* packets */
#define LO_BITS	 8    /* of the address that are the network's */

static const char lo_name[IFNAMSIZ] = "lo";

/* --- rtnetlink --- */

/* Messages, one behind the other; none is longer than INTERFACE_ANSWER together. */
struct answer {
	uint8_t *data;
	size_t n;
	struct nlmsghdr head; /* of the message that is being written, which begins at */
	size_t begin;
};

static void append(struct answer *a, const void *data, size_t n)
{
	size_t whole = ALIGN_UP(n, NLMSG_ALIGNTO);

	memcpy(a->data + a->n, data, n);
	memset(a->data + a->n + n, 0, whole - n);
	a->n += whole;
}

/* A message that begins with body. */
static void begin(struct answer *a, uint16_t type, const void *body, size_t n)
{
	a->begin = a->n;
	a->head.nlmsg_type = type;
	a->n += sizeof(a->head);
	append(a, body, n);
}

static void attribute(struct answer *a, uint16_t type, const void *data, size_t n)
{
	struct rtattr head = {.rta_len = (uint16_t)(sizeof(head) + n), .rta_type = type};

	append(a, &head, sizeof(head));
	append(a, data, n);
}

static void end(struct answer *a)
{
	a->head.nlmsg_len = (uint32_t)(a->n - a->begin);
	memcpy(a->data + a->begin, &a->head, sizeof(a->head));
}

static void add_link(struct answer *a)
{
	const struct ifinfomsg link = {.ifi_type = ARPHRD_LOOPBACK, .ifi_index = LO_INDEX,
				       .ifi_flags = LO_FLAGS | IFF_LOWER_UP};
	const uint32_t mtu = LO_MTU, queue = LO_QUEUE;
	const uint8_t none[6] = {0};

	begin(a, RTM_NEWLINK, &link, sizeof(link));
	attribute(a, IFLA_IFNAME, lo_name, strlen(lo_name) + 1);
	attribute(a, IFLA_TXQLEN, &queue, sizeof(queue));
	attribute(a, IFLA_MTU, &mtu, sizeof(mtu));
	attribute(a, IFLA_ADDRESS, none, sizeof(none));
	attribute(a, IFLA_BROADCAST, none, sizeof(none));
	end(a);
}

static void add_address(struct answer *a)
{
	const struct ifaddrmsg address = {.ifa_family = AF_INET, .ifa_prefixlen = LO_BITS,
					  .ifa_flags = IFA_F_PERMANENT, .ifa_scope = RT_SCOPE_HOST,
					  .ifa_index = LO_INDEX};
	const uint32_t ip = bswap32(INADDR_LOOPBACK);

	begin(a, RTM_NEWADDR, &address, sizeof(address));
	attribute(a, IFA_ADDRESS, &ip, sizeof(ip));
	attribute(a, IFA_LOCAL, &ip, sizeof(ip));
	attribute(a, IFA_LABEL, lo_name, strlen(lo_name) + 1);
	end(a);
}

/* The attribute of this type behind a link's message; *n: its bytes. NULL: none. */
static const void *attribute_find(const struct nlmsghdr *request, uint16_t type, size_t *n)
{
	size_t at = sizeof(*request) + sizeof(struct ifinfomsg), left;
	const struct rtattr *head;

	while (at < request->nlmsg_len && (left = request->nlmsg_len - at) >= sizeof(*head)) {
		head = (const void *)((const uint8_t *)request + at);
		if (head->rta_len < sizeof(*head) || head->rta_len > left)
			break;
		*n = head->rta_len - sizeof(*head);
		if (head->rta_type == type)
			return head + 1;
		at += ALIGN_UP((size_t)head->rta_len, NLMSG_ALIGNTO);
	}
	return NULL;
}

/* One link, by its number or its name. */
static int link_find(const struct nlmsghdr *request, struct answer *a)
{
	const struct ifinfomsg *asked = (const void *)(request + 1);
	const char *name;
	size_t n = 0;

	if (request->nlmsg_len < sizeof(*request) + sizeof(*asked))
		return -EINVAL;
	name = attribute_find(request, IFLA_IFNAME, &n);
	if (asked->ifi_index <= 0 && !name)
		return -EINVAL;
	if (asked->ifi_index > 0 ? asked->ifi_index != LO_INDEX
				 : strnlen(name, n) != strlen(lo_name) ||
				       memcmp(name, lo_name, strlen(lo_name)) != 0)
		return -ENODEV;
	add_link(a);
	return 0;
}

int interface_answer(const struct nlmsghdr *request, uint32_t number, uint8_t *out)
{
	bool all = request->nlmsg_flags & (NLM_F_ROOT | NLM_F_MATCH);
	uint8_t family = *(const uint8_t *)(request + 1);
	struct answer a = {.data = out, .head = {.nlmsg_seq = request->nlmsg_seq,
						 .nlmsg_flags = all ? NLM_F_MULTI : 0,
						 .nlmsg_pid = number}};
	const int32_t done = 0;
	int err = 0;

	if (request->nlmsg_type == RTM_GETLINK && all)
		add_link(&a);
	else if (request->nlmsg_type == RTM_GETLINK)
		err = link_find(request, &a);
	else if (request->nlmsg_type != RTM_GETADDR || !all)
		err = -EOPNOTSUPP;
	else if (family == AF_UNSPEC || family == AF_INET)
		add_address(&a);
	if (err)
		return err;
	if (all) {
		begin(&a, NLMSG_DONE, &done, sizeof(done));
		end(&a);
	}
	return (int)a.n;
}

/* --- ioctl --- */

/* Linux's struct ifreq, and what SIOCGIFCONF takes. */
struct interface_request {
	char name[IFNAMSIZ];
	union {
		struct sockaddr_in address;
		uint16_t flags, family;
		int32_t number;
		uint8_t bytes[24];
	};
};
_Static_assert(sizeof(struct interface_request) == 40, "struct ifreq of riscv64");

struct interface_list {
	int32_t len, pad;
	uint64_t list;
};

static void request_address(struct interface_request *r, uint32_t ip)
{
	r->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = bswap32(ip)};
}

/* SIOCGIFCONF: the interfaces that have addresses; or, without a list, how long one would be. */
static long list_get(uaddr_t arg)
{
	struct interface_request r = {.name = "lo"};
	struct interface_list l;

	if (copy_from_user(&l, arg, sizeof(l)))
		return -EFAULT;
	request_address(&r, INADDR_LOOPBACK);
	if (l.list && l.len < (int32_t)sizeof(r))
		l.len = 0;
	else if (l.list && copy_to_user(l.list, &r, sizeof(r)))
		return -EFAULT;
	else
		l.len = sizeof(r);
	return put_user_u32(arg, (uint32_t)l.len);
}

/* Fills in what cmd asks of lo. */
static long request_fill(struct interface_request *r, uint32_t cmd)
{
	memset(r->bytes, 0, sizeof(r->bytes));
	switch (cmd) {
	case SIOCGIFFLAGS:
		r->flags = LO_FLAGS;
		return 0;
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
		request_address(r, INADDR_LOOPBACK);
		return 0;
	case SIOCGIFBRDADDR:
		request_address(r, INADDR_ANY);
		return 0;
	case SIOCGIFNETMASK:
		request_address(r, ~0U << (32 - LO_BITS));
		return 0;
	case SIOCGIFHWADDR:
		r->family = ARPHRD_LOOPBACK;
		return 0;
	case SIOCGIFMTU:
		r->number = LO_MTU;
		return 0;
	case SIOCGIFINDEX:
		r->number = LO_INDEX;
		return 0;
	case SIOCGIFTXQLEN:
		r->number = LO_QUEUE;
		return 0;
	case SIOCGIFMETRIC:
		return 0;
	}
	return -ENOTTY;
}

/* Is it a command of request_fill's? */
static bool is_request(uint32_t cmd)
{
	struct interface_request r;

	return request_fill(&r, cmd) != -ENOTTY;
}

/* Flags that lo has already may be set. */
static long flags_set(const struct interface_request *r)
{
	if (!cred_capable(CAP_NET_ADMIN))
		return -EPERM;
	return (uint16_t)r->flags == LO_FLAGS ? 0 : -EOPNOTSUPP;
}

long interface_ioctl(uint32_t cmd, uaddr_t arg)
{
	struct interface_request r;

	if (cmd == SIOCGIFCONF)
		return list_get(arg);
	if (cmd != SIOCGIFNAME && cmd != SIOCSIFFLAGS && !is_request(cmd))
		return -ENOTTY;
	if (copy_from_user(&r, arg, sizeof(r)))
		return -EFAULT;
	r.name[IFNAMSIZ - 1] = '\0';
	if (cmd == SIOCGIFNAME ? r.number != LO_INDEX : strcmp(r.name, lo_name) != 0)
		return -ENODEV;
	if (cmd == SIOCSIFFLAGS)
		return flags_set(&r);
	if (cmd == SIOCGIFNAME)
		memcpy(r.name, lo_name, sizeof(r.name));
	else
		(void)request_fill(&r, cmd);
	return copy_to_user(arg, &r, sizeof(r)) ? -EFAULT : 0;
}

/*
 * AF_NETLINK (netlink(7)): datagrams between programs and the kernel. rtnetlink(7) is asked for the
 * interfaces of this machine, of which there is one (interface.c); mq_notify(3) sends its letters;
 * what happens to devices is told to all who listen (uevent.c).
 */
#include "fs/socket/netlink.h"

#include "fs/socket/interface.h"
#include "fs/socket/socket.h"
#include "kernel/mem/slab.h"
#include "kernel/thread.h"
#include "kernel/uapi/netlink.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define HASH_BITS 5

/* (socket_lock) Sockets with a number, by it. */
static struct hlist_head numbers[1 << HASH_BITS];

static const struct sockaddr_nl kernel_name = {.nl_family = AF_NETLINK};

/* --- names --- */

static int netlink_init(struct socket *s, int type, int protocol)
{
	if (type != SOCK_RAW && type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (protocol != NETLINK_ROUTE && protocol != NETLINK_KOBJECT_UEVENT)
		return -EPROTONOSUPPORT;
	s->type = type;
	s->protocol = protocol;
	return 0;
}

static struct hlist_head *bucket(uint32_t number)
{
	return &numbers[hash_u64(number, HASH_BITS)];
}

/* Each protocol has numbers of its own. socket_lock held. */
static struct socket *find_locked(int protocol, uint32_t number)
{
	struct socket *s;

	hlist_for_each_entry(s, bucket(number), name_link)
		if (s->protocol == protocol && s->address->name.nl.nl_pid == number)
			return s;
	return NULL;
}

static struct address *address_netlink(uint32_t number, uint32_t groups)
{
	struct socket_name name = {.len = sizeof(name.nl)};

	name.nl = kernel_name;
	name.nl.nl_pid = number;
	name.nl.nl_groups = groups;
	return address_alloc(&name);
}

/*
 * Make number s's name (0: none yet) and groups those it is in: 0, -EADDRINUSE, -ENOMEM, -EINVAL:
 * it has another name. Those of NETLINK_ROUTE hear of interfaces, to which nothing happens.
 */
static int number_set(struct socket *s, uint32_t number, uint64_t groups)
{
	struct address *a = address_netlink(number, (uint32_t)groups);
	struct address *old = NULL, *old_from = NULL;
	int err = 0;

	if (!a)
		return -ENOMEM;
	spin_lock(&socket_lock);
	if (s->bound && s->address->name.nl.nl_pid != number)
		err = -EINVAL;
	else if (!s->bound && number && find_locked(s->protocol, number))
		err = -EADDRINUSE;
	if (!err) {
		old = s->address;
		old_from = s->from;
		s->address = address_get(a);
		s->from = address_get(a);
		s->groups = groups;
		if (!s->bound && number)
			hlist_add(&s->name_link, bucket(number));
		s->bound = number;
	}
	spin_unlock(&socket_lock);
	address_put(old);
	address_put(old_from);
	address_put(a);
	return err;
}

static uint32_t number_of(struct socket *s)
{
	uint32_t number;

	spin_lock(&socket_lock);
	number = s->address ? s->address->name.nl.nl_pid : 0;
	spin_unlock(&socket_lock);
	return number;
}

/* A number that the kernel chooses: the process's, for its first socket, or a large one. */
static int autobind(struct socket *s, uint64_t groups)
{
	static _Atomic uint32_t next = 4096;
	uint32_t number = (uint32_t)current()->process->pid;
	int err;

	if (number_of(s))
		return groups == s->groups ? 0 : number_set(s, number_of(s), groups);
	do {
		err = number_set(s, number, groups);
		number = ~atomic_fetch_add(&next, 1);
	} while (err == -EADDRINUSE);
	/* Another thread was quicker: that is as good. */
	return err == -EINVAL ? 0 : err;
}

/* bind(2) has a word for the first 32 groups alone. */
static int netlink_bind(struct socket *s, const struct socket_name *name)
{
	uint64_t groups = (s->groups & ~(uint64_t)UINT32_MAX) | name->nl.nl_groups;

	if (name->len < sizeof(name->nl) || name->family != AF_NETLINK)
		return -EINVAL;
	/* Who has a number gets no other, none neither. */
	if (name->nl.nl_pid || number_of(s))
		return number_set(s, name->nl.nl_pid, groups);
	return autobind(s, groups);
}

static void netlink_unbind(struct socket *s)
{
	spin_lock(&socket_lock);
	hlist_del(&s->name_link);
	spin_unlock(&socket_lock);
}

static void remote_set(struct socket *s, struct address *remote)
{
	struct address *old;

	spin_lock(&socket_lock);
	old = s->remote;
	s->remote = remote;
	s->state = remote ? SOCKET_CONNECTED : SOCKET_UNCONNECTED;
	spin_unlock(&socket_lock);
	address_put(old);
}

/* May the running thread send there? Only the kernel is everybody's. */
static int target_check(const struct socket_name *name)
{
	if (name->len < sizeof(name->nl) || name->family != AF_NETLINK)
		return -EINVAL;
	if ((name->nl.nl_pid || name->nl.nl_groups) && !cred_capable(CAP_NET_ADMIN))
		return -EPERM;
	return 0;
}

static int netlink_connect(struct socket *s, const struct socket_name *name, bool nowait)
{
	struct address *remote;
	int err;

	if (name->len < sizeof(name->family))
		return -EINVAL;
	if (name->family == AF_UNSPEC) {
		remote_set(s, NULL);
		return 0;
	}
	err = target_check(name);
	if (!err)
		err = autobind(s, s->groups);
	if (err)
		return err;
	remote = address_netlink(name->nl.nl_pid, 0);
	if (!remote)
		return -ENOMEM;
	remote_set(s, remote);
	return 0;
}

/* --- options --- */

/* The flag that an option is; NULL: another one. */
static bool *flag_of(struct socket *s, int name)
{
	return name == NETLINK_CAP_ACK ? &s->opt.cap_ack :
	       name == NETLINK_EXT_ACK ? &s->opt.ext_ack : NULL;
}

static int netlink_option_set(struct socket *s, int level, int name, uaddr_t user, uint32_t len)
{
	bool *flag = flag_of(s, name);
	uint32_t value = 0;
	uint64_t bit;

	if (level != SOL_NETLINK)
		return -ENOPROTOOPT;
	if (len >= sizeof(value) && get_user_u32(&value, user))
		return -EFAULT;
	if (flag) {
		*flag = value;
		return 0;
	}
	if (name != NETLINK_ADD_MEMBERSHIP && name != NETLINK_DROP_MEMBERSHIP)
		return -ENOPROTOOPT;
	if (!value || value > (s->protocol == NETLINK_ROUTE ? RTNLGRP_MAX : UEVENT_GROUPS))
		return -EINVAL;
	bit = 1UL << (value - 1);
	return number_set(s, number_of(s),
			  name == NETLINK_ADD_MEMBERSHIP ? s->groups | bit : s->groups & ~bit);
}

static int netlink_option_get(struct socket *s, int level, int name, uint64_t *value, uint32_t room)
{
	const bool *flag = flag_of(s, name);

	if (level != SOL_NETLINK)
		return -ENOPROTOOPT;
	*value = flag ? *flag : s->groups;
	if (name == NETLINK_LIST_MEMBERSHIPS)
		return s->groups ? sizeof(*value) : 0;
	if (!flag)
		return -ENOPROTOOPT;
	return room < sizeof(uint32_t) ? -EINVAL : (int)sizeof(uint32_t);
}

/* --- messages --- */

/* The kernel's packet of n bytes for a socket or for groups, or NULL: no memory. */
static struct packet *packet_to_groups(const void *data, size_t n, uint32_t groups)
{
	struct address *from = address_netlink(0, groups);
	struct packet *p = from ? packet_own(data, n, from) : NULL;

	address_put(from);
	return p;
}

static struct packet *packet_from_kernel(const void *data, size_t n)
{
	return packet_to_groups(data, n, 0);
}

static struct socket *netlink_destination(struct socket *s, struct message *m)
{
	uint32_t number = m->to.nl.nl_pid;
	struct socket *found;
	int err = m->to.len ? target_check(&m->to) : 0;

	if (!err && !m->u->resid)
		err = -ENODATA;
	if (!err)
		err = autobind(s, s->groups);
	if (err)
		return err_ptr(err);
	spin_lock(&socket_lock);
	if (!m->to.len)
		number = s->remote ? s->remote->name.nl.nl_pid : 0;
	found = number ? find_locked(s->protocol, number) : NULL;
	if (found)
		(void)socket_get(found);
	spin_unlock(&socket_lock);
	return number && !found ? err_ptr(-ECONNREFUSED) : found;
}

/* What is told of a request that is not answered otherwise; one that failed is repeated. */
static int acknowledge(struct socket *s, const struct nlmsghdr *request, int err)
{
	bool capped = !err || s->opt.cap_ack;
	struct {
		struct nlmsghdr head;
		int32_t error;
		struct nlmsghdr request;
	} ack = {
		.head = {.nlmsg_type = NLMSG_ERROR, .nlmsg_seq = request->nlmsg_seq,
			 .nlmsg_flags = capped ? NLM_F_CAPPED : 0, .nlmsg_pid = number_of(s)},
		.error = err,
		.request = *request,
	};
	size_t rest = capped ? 0 : request->nlmsg_len - sizeof(*request);
	struct packet *p;
	char *data;

	ack.head.nlmsg_len = (uint32_t)(sizeof(ack) + rest);
	data = kmalloc(sizeof(ack) + rest);
	if (!data)
		return -ENOBUFS;
	memcpy(data, &ack, sizeof(ack));
	memcpy(data + sizeof(ack), request + 1, rest);
	p = packet_from_kernel(data, sizeof(ack) + rest);
	kfree(data);
	if (!p)
		return -ENOBUFS;
	packet_deliver(s, p);
	return 0;
}

/* One request of rtnetlink(7), whole: 0 or what it is refused with; *answered: it needs no more. */
static int request_do(struct socket *s, const struct nlmsghdr *request, bool *answered)
{
	uint8_t answer[INTERFACE_ANSWER];
	struct packet *p;
	int n;

	if (request->nlmsg_type > RTM_MAX || s->protocol != NETLINK_ROUTE)
		return -EOPNOTSUPP;
	/* Nothing is asked of any family. */
	if (request->nlmsg_len == sizeof(*request))
		return 0;
	if ((request->nlmsg_type & 3) != (RTM_GETLINK & 3) && !cred_capable(CAP_NET_ADMIN))
		return -EPERM;
	n = interface_answer(request, number_of(s), answer);
	if (n < 0)
		return n;
	p = packet_from_kernel(answer, (size_t)n);
	if (!p)
		return -ENOBUFS;
	packet_deliver(s, p);
	*answered = request->nlmsg_flags & (NLM_F_ROOT | NLM_F_MATCH);
	return 0;
}

/* The requests in the n bytes at data, one after the other. */
static int requests_do(struct socket *s, const uint8_t *data, size_t n)
{
	const struct nlmsghdr *request;
	int err = 0, refused;
	bool answered;
	size_t at, len;

	for (at = 0; !err && n - at >= sizeof(*request); at += MIN(len, n - at)) {
		request = (const struct nlmsghdr *)(data + at);
		if (request->nlmsg_len < sizeof(*request) || request->nlmsg_len > n - at)
			break;
		len = ALIGN_UP((size_t)request->nlmsg_len, NLMSG_ALIGNTO);
		refused = 0;
		answered = false;
		if ((request->nlmsg_flags & NLM_F_REQUEST) && request->nlmsg_type >= NLMSG_MIN_TYPE)
			refused = request_do(s, request, &answered);
		if (refused || (!answered && (request->nlmsg_flags & NLM_F_ACK)))
			err = acknowledge(s, request, refused);
	}
	return err;
}

static ssize64_t netlink_answer(struct socket *s, struct message *m)
{
	size_t n = m->u->resid;
	uint8_t *data;
	int err;

	if (n > s->opt.sndbuf - 32)
		return -EMSGSIZE;
	data = kmalloc(n);
	if (!data)
		return -ENOBUFS;
	err = uio_copy_from(m->u, data, n) != n ? -EFAULT : requests_do(s, data, n);
	kfree(data);
	return err ? err : (ssize64_t)n;
}

/* --- rules of connections, which there are not --- */

static int netlink_no_listen(struct socket *s)
{
	return -EOPNOTSUPP;
}

static int netlink_refused(const struct socket *s, const struct socket *to)
{
	return to->dead ? -ECONNREFUSED : 0;
}

static int netlink_nothing(const struct socket *s)
{
	return s->error ? -s->error : -EAGAIN;
}

static int netlink_shutdown(struct socket *s, bool rd, bool wr)
{
	return -EOPNOTSUPP;
}

static void netlink_closed(struct socket *s, struct socket *peer)
{
}

const struct family netlink_family = {
	.number = AF_NETLINK,
	.peers = true,
	.none = {.len = sizeof(struct sockaddr_nl), .family = AF_NETLINK},
	.creds = true,
	.option_set = netlink_option_set,
	.option_get = netlink_option_get,
	.init = netlink_init,
	.bind = netlink_bind,
	.unbind = netlink_unbind,
	.prepare_listen = netlink_no_listen,
	.connect = netlink_connect,
	.destination = netlink_destination,
	.answer = netlink_answer,
	.refused_locked = netlink_refused,
	.nothing_locked = netlink_nothing,
	.shutdown_locked = netlink_shutdown,
	.closed_locked = netlink_closed,
};

/* --- letters --- */

int netlink_letter_write(struct netlink_letter *l, int fd, const void *data, size_t n)
{
	struct file *f = fd_get(fd);
	struct socket *s;
	int err = 0;

	if (!f)
		return -EBADF;
	s = socket_of(f);
	if (!s)
		err = -ENOTSOCK;
	else if (s->family != &netlink_family)
		err = -EINVAL;
	if (!err) {
		l->packet = packet_from_kernel(data, n);
		err = l->packet ? 0 : -ENOMEM;
	}
	if (!err)
		l->to = socket_get(s);
	file_put(f);
	return err;
}

void netlink_letter_send(struct netlink_letter *l, uint8_t last)
{
	if (!l->to)
		return;
	l->packet->data[l->packet->size - 1] = (char)last;
	packet_deliver(l->to, l->packet);
	socket_put(l->to);
	l->to = NULL;
}

void netlink_letter_drop(struct netlink_letter *l)
{
	LIST_HEAD(list);

	if (!l->to)
		return;
	list_add(&l->packet->link, &list);
	packets_free(&list);
	socket_put(l->to);
	l->to = NULL;
}

/* --- what all who listen hear --- */

/*
 * The member of the first group of NETLINK_KOBJECT_UEVENT with the least number above *last, which
 * becomes that number; referenced. NULL: there is none.
 */
static struct socket *listener_after(uint32_t *last)
{
	struct socket *s, *found = NULL;
	uint32_t least = UINT32_MAX, number;

	spin_lock(&socket_lock);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		hlist_for_each_entry(s, &numbers[i], name_link) {
			number = s->address->name.nl.nl_pid;
			if (s->protocol != NETLINK_KOBJECT_UEVENT || !(s->groups & 1) ||
			    number <= *last || number > least)
				continue;
			found = s;
			least = number;
		}
	if (found)
		(void)socket_get(found);
	spin_unlock(&socket_lock);
	*last = least;
	return found;
}

void netlink_tell(const void *data, size_t n)
{
	struct socket *s;
	struct packet *p;
	uint32_t last = 0;

	while ((s = listener_after(&last))) {
		p = packet_to_groups(data, n, 1);
		if (p)
			packet_deliver(s, p);
		socket_put(s);
	}
}

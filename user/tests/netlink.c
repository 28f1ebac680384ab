/* AF_NETLINK: names, requests for interfaces; letters of mq_notify; ioctls of interfaces. */
#include "ut.h"

#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "inet.h"
#include "mq.h"

#define LONG_ANSWER 8192

struct asked {
	struct nlmsghdr head;
	struct ifinfomsg link; /* as large as what any request begins with */
};

static int netlink_socket(void)
{
	return CHECK_OK(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
}

static struct sockaddr_nl name_of(int fd)
{
	struct sockaddr_nl a;
	socklen_t len = sizeof(a);

	CHECK_OK(getsockname(fd, (struct sockaddr *)&a, &len));
	CHECK_EQ(len, sizeof(a));
	CHECK_EQ(a.nl_family, AF_NETLINK);
	return a;
}

static int bind_to(int fd, unsigned int pid)
{
	struct sockaddr_nl a = {.nl_family = AF_NETLINK, .nl_pid = pid};

	return bind(fd, (struct sockaddr *)&a, sizeof(a));
}

static ssize_t ask(int fd, int type, int flags, int index)
{
	struct asked a = {.head = {.nlmsg_len = sizeof(a), .nlmsg_type = (uint16_t)type,
				   .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
				   .nlmsg_seq = 77},
			  .link = {.ifi_index = index}};
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	return sendto(fd, &a, sizeof(a), 0, (struct sockaddr *)&kernel, sizeof(kernel));
}

/* The next datagram, which the kernel sent. */
static size_t answer(int fd, char *buf)
{
	struct sockaddr_nl from;
	socklen_t len = sizeof(from);
	ssize_t n = CHECK_OK(recvfrom(fd, buf, LONG_ANSWER, 0, (struct sockaddr *)&from, &len));

	CHECK_EQ(len, sizeof(from));
	CHECK_EQ(from.nl_family, AF_NETLINK);
	CHECK_EQ(from.nl_pid, 0);
	return (size_t)n;
}

/* The error that a request is answered with. */
static int answer_error(int fd)
{
	char buf[LONG_ANSWER];
	const struct nlmsghdr *head = (void *)buf;
	const struct nlmsgerr *e = (void *)(head + 1);

	CHECK(answer(fd, buf) >= sizeof(*head) + sizeof(*e));
	CHECK_EQ(head->nlmsg_type, NLMSG_ERROR);
	CHECK_EQ(head->nlmsg_seq, 77);
	CHECK_EQ(head->nlmsg_pid, name_of(fd).nl_pid);
	CHECK_EQ(e->msg.nlmsg_seq, 77);
	return -e->error;
}

/* How many messages of this type there are, up to the one that ends the answer. */
static int count_answers(int fd, int type)
{
	char buf[LONG_ANSWER];
	int found = 0;

	for (;;) {
		unsigned int n = (unsigned int)answer(fd, buf);
		struct nlmsghdr *head = (void *)buf;

		for (; NLMSG_OK(head, n); head = NLMSG_NEXT(head, n)) {
			CHECK_EQ(head->nlmsg_seq, 77);
			CHECK_EQ(head->nlmsg_pid, name_of(fd).nl_pid);
			CHECK(head->nlmsg_flags & NLM_F_MULTI);
			if (head->nlmsg_type == NLMSG_DONE)
				return found;
			CHECK_EQ(head->nlmsg_type, type);
			found++;
		}
	}
}

TEST(netlink, sockets)
{
	CHECK_ERR(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE), ESOCKTNOSUPPORT);
	CHECK_ERR(socket(AF_NETLINK, SOCK_RAW, -1), EPROTONOSUPPORT);
	CHECK_ERR(socket(AF_NETLINK, SOCK_RAW, MAX_LINKS), EPROTONOSUPPORT);
	CHECK_ERR(socketpair(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, (int[2]){0}), EOPNOTSUPP);
	CHECK_OK(close(CHECK_OK(socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE))));
}

TEST(netlink, rules)
{
	int fd = netlink_socket(), flag = 1;

	CHECK_ERR(listen(fd, 1), EOPNOTSUPP);
	CHECK_ERR(accept(fd, NULL, NULL), EOPNOTSUPP);
	CHECK_ERR(shutdown(fd, SHUT_RDWR), EOPNOTSUPP);
	CHECK_ERR(setsockopt(fd, IPPROTO_TCP, 1, &flag, sizeof(flag)), ENOPROTOOPT);
	CHECK_EQ(inet_ready(fd), POLLOUT);
	CHECK_ERR(recv(fd, &flag, sizeof(flag), MSG_DONTWAIT), EAGAIN);
	CHECK_OK(close(fd));
}

TEST(netlink, names)
{
	int a = netlink_socket(), b = netlink_socket(), c = netlink_socket();
	struct sockaddr_nl bad = {.nl_family = AF_INET};

	CHECK_EQ(name_of(a).nl_pid, 0);
	CHECK_ERR(bind(a, (struct sockaddr *)&bad, sizeof(bad)), EINVAL);
	CHECK_ERR(bind(a, (struct sockaddr *)&bad, sizeof(bad) - 1), EINVAL);
	CHECK_OK(bind_to(a, 0));
	CHECK_EQ(name_of(a).nl_pid, getpid());
	CHECK_OK(bind_to(b, 0));
	CHECK(name_of(b).nl_pid != (unsigned int)getpid() && name_of(b).nl_pid);
	CHECK_ERR(bind_to(c, (unsigned int)getpid()), EADDRINUSE);
	CHECK_OK(bind_to(c, 123456789));
	CHECK_ERR(bind_to(c, 123456790), EINVAL);
	CHECK_ERR(bind_to(c, 0), EINVAL);
	CHECK_OK(bind_to(c, 123456789));
	CHECK_OK(close(c));
	c = netlink_socket();
	CHECK_OK(bind_to(c, 123456789));
}

TEST(netlink, links)
{
	char buf[LONG_ANSWER];
	const struct nlmsghdr *head = (void *)buf;
	const struct ifinfomsg *link = (void *)(head + 1);
	int fd = netlink_socket();

	CHECK_OK(ask(fd, RTM_GETLINK, NLM_F_DUMP, 0));
	CHECK(count_answers(fd, RTM_NEWLINK) >= 1);
	CHECK_OK(ask(fd, RTM_GETLINK, 0, 1));
	CHECK_EQ(inet_ready(fd), POLLIN | POLLOUT);
	CHECK_EQ(answer(fd, buf), head->nlmsg_len);
	CHECK_EQ(head->nlmsg_type, RTM_NEWLINK);
	CHECK_EQ(head->nlmsg_flags, 0);
	CHECK_EQ(link->ifi_index, 1);
	CHECK_EQ(link->ifi_type, 772);
	CHECK_EQ(link->ifi_flags, IFF_UP | IFF_LOOPBACK | IFF_RUNNING | 0x10000);
	/* Who asks for it is told, too, that it is done. */
	CHECK_OK(ask(fd, RTM_GETLINK, NLM_F_ACK, 1));
	CHECK(answer(fd, buf) > 0);
	CHECK_EQ(head->nlmsg_type, RTM_NEWLINK);
	CHECK_EQ(answer_error(fd), 0);
	CHECK_OK(ask(fd, RTM_GETLINK, 0, 99));
	CHECK_EQ(answer_error(fd), ENODEV);
	CHECK_OK(ask(fd, RTM_GETLINK, 0, 0));
	CHECK_EQ(answer_error(fd), EINVAL);
}

TEST(netlink, requests)
{
	struct sockaddr_nl nobody = {.nl_family = AF_NETLINK, .nl_pid = 123456789};
	struct nlmsghdr wrong = {.nlmsg_len = 1000, .nlmsg_type = RTM_GETLINK};
	int fd = netlink_socket();
	struct asked a;

	CHECK_OK(ask(fd, RTM_GETADDR, NLM_F_DUMP, 0));
	CHECK(count_answers(fd, RTM_NEWADDR) >= 1);
	/* Types there are not; what is no request, or not whole, is passed over. */
	CHECK_OK(ask(fd, 4002, 0, 0));
	CHECK_EQ(answer_error(fd), EOPNOTSUPP);
	CHECK_OK(ask(fd, NLMSG_NOOP, NLM_F_ACK, 0));
	CHECK_EQ(answer_error(fd), 0);
	CHECK_EQ(send(fd, &wrong, sizeof(wrong), 0), sizeof(wrong));
	CHECK_ERR(send(fd, &wrong, 0, 0), ENODATA);
	CHECK_ERR(recv(fd, &a, sizeof(a), MSG_DONTWAIT), EAGAIN);
	CHECK_ERR(sendto(fd, &a, sizeof(a), 0, (struct sockaddr *)&nobody, sizeof(nobody)),
		  ECONNREFUSED);
	nobody.nl_family = AF_INET;
	CHECK_ERR(sendto(fd, &a, sizeof(a), 0, (struct sockaddr *)&nobody, sizeof(nobody)), EINVAL);
}

static ssize_t ask_short(int fd, int type, int flags)
{
	struct nlmsghdr h = {.nlmsg_len = sizeof(h), .nlmsg_type = (uint16_t)type, .nlmsg_seq = 77,
			     .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags)};

	return send(fd, &h, sizeof(h), 0);
}

/* What is a header alone asks for nothing; types there are not come before what one may do. */
TEST(netlink, short_requests)
{
	char buf[LONG_ANSWER];
	int fd = netlink_socket();

	become_user();
	CHECK_OK(ask_short(fd, RTM_NEWLINK, NLM_F_ACK));
	CHECK_EQ(answer_error(fd), 0);
	CHECK_OK(ask_short(fd, RTM_GETADDR, NLM_F_ACK));
	CHECK_EQ(answer_error(fd), 0);
	CHECK_OK(ask_short(fd, RTM_GETLINK, NLM_F_DUMP));
	CHECK_ERR(recv(fd, buf, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_OK(ask_short(fd, 200, 0));
	CHECK_EQ(answer_error(fd), EOPNOTSUPP);
	CHECK_OK(ask(fd, 200, 0, 0));
	CHECK_EQ(answer_error(fd), EOPNOTSUPP);
	CHECK_OK(ask(fd, RTM_NEWLINK, 0, 1));
	CHECK_EQ(answer_error(fd), EPERM);
}

static int netlink_option(int fd, int name, int value)
{
	return setsockopt(fd, SOL_NETLINK, name, &value, sizeof(value));
}

/* Groups are joined with a name or without one; the first 32 are part of the name. */
TEST(netlink, memberships)
{
	int fd = netlink_socket();
	uint64_t groups = 0;
	socklen_t len = sizeof(groups);

	become_user();
	CHECK_OK(getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, &groups, &len));
	CHECK_EQ(len, 0);
	CHECK_ERR(netlink_option(fd, NETLINK_ADD_MEMBERSHIP, 0), EINVAL);
	CHECK_ERR(netlink_option(fd, NETLINK_ADD_MEMBERSHIP, 100), EINVAL);
	CHECK_OK(netlink_option(fd, NETLINK_ADD_MEMBERSHIP, RTNLGRP_LINK));
	CHECK_EQ(name_of(fd).nl_groups, 1);
	CHECK_EQ(name_of(fd).nl_pid, 0);
	CHECK_OK(bind_to(fd, 123456789));
	CHECK_EQ(name_of(fd).nl_groups, 0);
	CHECK_OK(netlink_option(fd, NETLINK_ADD_MEMBERSHIP, RTNLGRP_IPV4_IFADDR));
	CHECK_OK(netlink_option(fd, NETLINK_ADD_MEMBERSHIP, 33));
	CHECK_EQ(name_of(fd).nl_groups, 1 << (RTNLGRP_IPV4_IFADDR - 1));
	CHECK_EQ(name_of(fd).nl_pid, 123456789);
	len = sizeof(groups);
	CHECK_OK(getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, &groups, &len));
	CHECK_EQ(len, 8);
	CHECK_EQ(groups, 1L << 32 | 1 << (RTNLGRP_IPV4_IFADDR - 1));
	/* How much room all of it wants, and whole words. */
	len = 0;
	CHECK_OK(getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, &groups, &len));
	CHECK_EQ(len, 8);
	groups = ~groups;
	len = 6;
	CHECK_OK(getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, &groups, &len));
	CHECK_EQ(len, 8);
	CHECK_OK(netlink_option(fd, NETLINK_DROP_MEMBERSHIP, RTNLGRP_IPV4_IFADDR));
	CHECK_EQ(name_of(fd).nl_groups, 0);
	CHECK_ERR(getsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups, &len), ENOPROTOOPT);
	CHECK_ERR(netlink_option(fd, 99, 1), ENOPROTOOPT);
	CHECK_ERR(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups, 1), EINVAL);
}

/* How long the answer to a request is that is refused; *flags: its own. */
static size_t refused(int fd, int *flags)
{
	char buf[LONG_ANSWER];
	const struct nlmsghdr *head = (void *)buf;
	const struct nlmsgerr *e = (void *)(head + 1);
	size_t n;

	CHECK_OK(ask(fd, RTM_GETLINK, 0, 99));
	n = answer(fd, buf);
	CHECK_EQ(e->error, -ENODEV);
	*flags = head->nlmsg_flags;
	return n;
}

TEST(netlink, acknowledgements)
{
	const size_t least = sizeof(struct nlmsghdr) + sizeof(struct nlmsgerr);
	char buf[LONG_ANSWER];
	const struct nlmsghdr *head = (void *)buf;
	int fd = netlink_socket(), flags, value = -1;
	socklen_t len = sizeof(value);

	CHECK_EQ(refused(fd, &flags), least + sizeof(struct ifinfomsg));
	CHECK_EQ(flags, 0);
	CHECK_OK(netlink_option(fd, NETLINK_EXT_ACK, 5));
	CHECK_OK(getsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &value, &len));
	CHECK_EQ(value, 1);
	CHECK_EQ(len, sizeof(value));
	CHECK_EQ(refused(fd, &flags), least + sizeof(struct ifinfomsg));
	CHECK_OK(netlink_option(fd, NETLINK_CAP_ACK, 1));
	CHECK_EQ(refused(fd, &flags), least);
	CHECK_EQ(flags, NLM_F_CAPPED);
	CHECK_OK(ask(fd, NLMSG_NOOP, NLM_F_ACK, 0));
	CHECK_EQ(answer(fd, buf), least);
	CHECK_EQ(head->nlmsg_flags, NLM_F_CAPPED);
	len = 1;
	CHECK_ERR(getsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &value, &len), EINVAL);
	CHECK_OK(netlink_option(fd, NETLINK_CAP_ACK, 0));
	CHECK_EQ(refused(fd, &flags), least + sizeof(struct ifinfomsg));
}

/* Who is connected to nobody has the kernel for a peer; it tells who it is. */
TEST(netlink, peer_is_the_kernel)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	char buf[LONG_ANSWER];
	struct iovec v = {.iov_base = buf, .iov_len = sizeof(buf)};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	struct sockaddr_nl a = {.nl_pid = 7};
	socklen_t len = sizeof(a);
	int fd = netlink_socket(), on = 1;
	struct ucred creds;

	CHECK_OK(getpeername(fd, (struct sockaddr *)&a, &len));
	CHECK_EQ(len, sizeof(a));
	CHECK_EQ(a.nl_family, AF_NETLINK);
	CHECK_EQ(a.nl_pid, 0);
	CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	CHECK_OK(ask(fd, NLMSG_NOOP, NLM_F_ACK, 0));
	CHECK_OK(recvmsg(fd, &m, 0));
	CHECK_EQ(m.msg_controllen, sizeof(control));
	CHECK_EQ(control.head.cmsg_type, SCM_CREDENTIALS);
	memcpy(&creds, CMSG_DATA(&control.head), sizeof(creds));
	CHECK_EQ(creds.pid, 0);
	CHECK_EQ(creds.uid, 0);
	CHECK_EQ(creds.gid, 0);
}

/* Answers take more of the reader's buffer than their bytes; what finds no room there is lost. */
TEST(netlink, answers_fill)
{
	static struct nlmsghdr many[2000];
	char buf[LONG_ANSWER];
	int fd = netlink_socket(), n = 0;

	become_user();
	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++)
		many[i] = (struct nlmsghdr){.nlmsg_len = sizeof(many[i]), .nlmsg_type = NLMSG_NOOP,
					    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK};
	CHECK_EQ(send(fd, many, sizeof(many), 0), sizeof(many));
	CHECK_ERR(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), ENOBUFS);
	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		n++;
	CHECK_EQ(errno, EAGAIN);
	CHECK_GE(n, 100);
	CHECK_GE(1000, n);
	CHECK_OK(ask(fd, NLMSG_NOOP, NLM_F_ACK, 0));
	CHECK_EQ(answer_error(fd), 0);
}

/* From program to program, and to a peer that was chosen; others than root ask the kernel only. */
TEST(netlink, programs, .root = true)
{
	int a = netlink_socket(), b = netlink_socket();
	struct sockaddr_nl to, from;
	socklen_t len = sizeof(from);
	char buf[8];

	CHECK_OK(bind_to(a, 0));
	CHECK_OK(bind_to(b, 0));
	to = name_of(b);
	CHECK_OK(connect(a, (struct sockaddr *)&to, sizeof(to)));
	CHECK_EQ(send(a, "abc", 3, 0), 3);
	CHECK_EQ(recvfrom(b, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len), 3);
	CHECK_EQ(from.nl_pid, name_of(a).nl_pid);
	CHECK_OK(getpeername(a, (struct sockaddr *)&from, &len));
	CHECK_EQ(from.nl_pid, to.nl_pid);
	CHECK_OK(close(b));
	CHECK_ERR(send(a, "abc", 3, 0), ECONNREFUSED);
	CHECK_OK(setresuid(1000, 1000, 1000));
	CHECK_ERR(connect(a, (struct sockaddr *)&to, sizeof(to)), EPERM);
	to.nl_pid = 0;
	CHECK_OK(connect(a, (struct sockaddr *)&to, sizeof(to)));
	CHECK_OK(ask(a, RTM_NEWLINK, 0, 1));
	CHECK_EQ(answer_error(a), EPERM);
}

/* What a libc makes of it. */
TEST(netlink, getifaddrs)
{
	struct ifaddrs *all;
	bool link = false, address = false;

	CHECK_OK(getifaddrs(&all));
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (strcmp(i->ifa_name, "lo") != 0 || !i->ifa_addr)
			continue;
		CHECK(i->ifa_flags & IFF_LOOPBACK);
		link |= i->ifa_addr->sa_family == AF_PACKET;
		if (i->ifa_addr->sa_family != AF_INET)
			continue;
		address = true;
		CHECK_EQ(((struct sockaddr_in *)i->ifa_addr)->sin_addr.s_addr,
			 htonl(INADDR_LOOPBACK));
		CHECK_EQ(((struct sockaddr_in *)i->ifa_netmask)->sin_addr.s_addr,
			 htonl(0xff000000));
	}
	freeifaddrs(all);
	CHECK(link && address);
}

static struct ifreq interface_get(int fd, unsigned long cmd)
{
	struct ifreq r = {.ifr_name = "lo"};

	CHECK_OK(ioctl(fd, cmd, &r));
	return r;
}

TEST(netlink, ioctls)
{
	int fd = inet_socket(SOCK_DGRAM);
	struct ifreq r = {.ifr_name = "none"}, list[4];
	struct ifconf c = {.ifc_len = sizeof(list), .ifc_req = list};

	CHECK_EQ(interface_get(fd, SIOCGIFFLAGS).ifr_flags, IFF_UP | IFF_LOOPBACK | IFF_RUNNING);
	CHECK_EQ(interface_get(fd, SIOCGIFINDEX).ifr_ifindex, 1);
	CHECK_EQ(interface_get(fd, SIOCGIFMTU).ifr_mtu, 65536);
	CHECK_EQ(interface_get(fd, SIOCGIFMETRIC).ifr_metric, 0);
	CHECK_EQ(interface_get(fd, SIOCGIFHWADDR).ifr_hwaddr.sa_family, 772);
	r = interface_get(fd, SIOCGIFADDR);
	CHECK_EQ(((struct sockaddr_in *)&r.ifr_addr)->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	r = interface_get(fd, SIOCGIFNETMASK);
	CHECK_EQ(((struct sockaddr_in *)&r.ifr_addr)->sin_addr.s_addr, htonl(0xff000000));
	strcpy(r.ifr_name, "none");
	CHECK_ERR(ioctl(fd, SIOCGIFINDEX, &r), ENODEV);
	CHECK_ERR(ioctl(fd, SIOCGIFINDEX, 8), EFAULT);
	CHECK_OK(ioctl(fd, SIOCGIFCONF, &c));
	CHECK(c.ifc_len >= (int)sizeof(r));
	CHECK_STR(list[0].ifr_name, "lo");
	c = (struct ifconf){.ifc_req = NULL};
	CHECK_OK(ioctl(fd, SIOCGIFCONF, &c));
	CHECK(c.ifc_len >= (int)sizeof(r));
	CHECK_EQ(if_nametoindex("lo"), 1);
	CHECK_STR(if_indextoname(1, r.ifr_name), "lo");
	CHECK(!if_indextoname(99, r.ifr_name) && errno == ENXIO);
}

/* --- mq_notify --- */

#define COOKIE "................................"
#define WOKEN	1
#define REMOVED 2

static long notify_socket(mqd_t q, int fd, const char *cookie)
{
	struct sigevent e = {.sigev_notify = SIGEV_THREAD, .sigev_signo = fd};

	e.sigev_value.sival_ptr = (void *)cookie;
	return syscall(SYS_mq_notify, q, &e);
}

static void expect_letter(int fd, char last)
{
	char buf[LONG_ANSWER];

	CHECK_EQ(answer(fd, buf), 32);
	CHECK(!memcmp(buf, COOKIE, 31));
	CHECK_EQ(buf[31], last);
	CHECK_ERR(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
}

TEST(netlink, mq_letters)
{
	int fd = netlink_socket(), other = inet_socket(SOCK_DGRAM);
	mqd_t q = mq_new(2, 0);
	char buf[8];

	CHECK_ERR(notify_socket(q, -1, COOKIE), EBADF);
	CHECK_ERR(notify_socket(q, 0, COOKIE), ENOTSOCK);
	CHECK_ERR(notify_socket(q, other, COOKIE), EINVAL);
	CHECK_ERR(notify_socket(q, fd, (char *)8), EFAULT);
	CHECK_ERR(notify_socket(other, fd, COOKIE), EBADF);
	CHECK_OK(notify_socket(q, fd, COOKIE));
	CHECK_ERR(notify_socket(q, fd, COOKIE), EBUSY);
	CHECK_OK(mq_send(q, "a", 1, 0));
	expect_letter(fd, WOKEN);
	/* Once only, and not for a queue that has messages. */
	CHECK_OK(notify_socket(q, fd, COOKIE));
	CHECK_OK(mq_send(q, "b", 1, 0));
	CHECK_ERR(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
	CHECK_OK(mq_notify(q, NULL));
	expect_letter(fd, REMOVED);
	CHECK_OK(notify_socket(q, fd, COOKIE));
	mq_drop(q);
	expect_letter(fd, REMOVED);
}

/* The socket may be gone before the message comes. */
TEST(netlink, mq_closed)
{
	int fd = netlink_socket();
	mqd_t q = mq_new(2, 0);

	CHECK_OK(notify_socket(q, fd, COOKIE));
	CHECK_OK(close(fd));
	CHECK_OK(mq_send(q, "a", 1, 0));
	mq_drop(q);
}

static struct gate ready;

static void notified(union sigval v)
{
	CHECK_EQ(v.sival_int, 42);
	gate_open(&ready);
}

/* A libc's thread is told. */
TEST(netlink, mq_thread)
{
	struct sigevent e = {.sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 42};
	mqd_t q = mq_new(2, 0);

	e.sigev_notify_function = notified;
	gate_make(&ready);
	CHECK_OK(mq_notify(q, &e));
	CHECK_OK(mq_send(q, "a", 1, 0));
	gate_pass(&ready);
	mq_drop(q);
}

/* POSIX message queues: names, who may, limits, messages, errors. */
#include "mq.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>

static int raw_open(const char *name, int flags, int mode, const struct mq_attr *attr)
{
	return (int)syscall(SYS_mq_open, name, flags, mode, attr);
}

TEST(mq, names)
{
	char name[300];
	struct stat st;
	mqd_t q, again;

	CHECK_ERR(mq_open(mq_name(0), O_RDWR), ENOENT);
	CHECK_ERR(mq_unlink(mq_name(0)), ENOENT);
	q = mq_new(2, 0);
	CHECK_ERR(mq_open(mq_name(0), O_RDWR | O_CREAT | O_EXCL, 0600, NULL), EEXIST);
	CHECK_OK(fstat(q, &st));
	CHECK_EQ(st.st_mode, S_IFREG | 0600);
	CHECK_EQ(st.st_uid, geteuid());
	CHECK_EQ(st.st_size, 80);
	CHECK_EQ(st.st_nlink, 1);
	/* The same one, whatever attributes are asked for. */
	again = (mqd_t)CHECK_OK(mq_open(mq_name(0), O_RDWR | O_CREAT, 0600, NULL));
	CHECK_OK(mq_put(q, 3, 1));
	mq_expect(again, 3, 1);
	CHECK_OK(mq_close(again));
	/* Without a name it goes on, and the name is free. */
	CHECK_OK(mq_unlink(mq_name(0)));
	CHECK_ERR(mq_open(mq_name(0), O_RDWR), ENOENT);
	CHECK_OK(fstat(q, &st));
	CHECK_EQ(st.st_nlink, 0);
	CHECK_OK(mq_put(q, 5, 2));
	again = mq_new(2, 0);
	CHECK_EQ(mq_count(again), 0);
	mq_expect(q, 5, 2);
	mq_drop(again);
	CHECK_OK(mq_close(q));

	CHECK_ERR(raw_open("", O_RDWR | O_CREAT, 0600, NULL), ENOENT);
	CHECK_ERR(raw_open(".", O_RDWR | O_CREAT, 0600, NULL), EACCES);
	CHECK_ERR(raw_open("..", O_RDWR | O_CREAT, 0600, NULL), EACCES);
	CHECK_ERR(raw_open("a/b", O_RDWR | O_CREAT, 0600, NULL), EACCES);
	CHECK_ERR(raw_open("/ut", O_RDWR | O_CREAT, 0600, NULL), EACCES);
	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	CHECK_ERR(raw_open(name, O_RDWR | O_CREAT, 0600, NULL), ENAMETOOLONG);
	CHECK_ERR(syscall(SYS_mq_unlink, name), ENAMETOOLONG);
	CHECK_ERR(syscall(SYS_mq_unlink, "a/b"), EACCES);
	CHECK_ERR(syscall(SYS_mq_unlink, ""), ENOENT);
	name[255] = '\0';
	q = (mqd_t)CHECK_OK(raw_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, NULL));
	CHECK_OK(syscall(SYS_mq_unlink, name));
	CHECK_OK(close(q));
}

/* What it is opened for is what it is good for. */
TEST(mq, access_modes)
{
	mqd_t q = mq_new(4, 0), r, w;
	char text[MQ_SIZE];

	r = (mqd_t)CHECK_OK(mq_open(mq_name(0), O_RDONLY));
	w = (mqd_t)CHECK_OK(mq_open(mq_name(0), O_WRONLY));
	CHECK_ERR(mq_open(mq_name(0), O_RDWR | O_WRONLY), EINVAL);
	CHECK_ERR(mq_put(r, 1, 0), EBADF);
	CHECK_OK(mq_put(w, 1, 0));
	CHECK_ERR(mq_receive(w, text, sizeof(text), NULL), EBADF);
	CHECK_OK(mq_receive(r, text, sizeof(text), NULL));
	CHECK_ERR(write(w, text, 1), EINVAL);
	CHECK_OK(close(r));
	CHECK_OK(close(w));
	CHECK_ERR(mq_put(w, 1, 0), EBADF);
	mq_drop(q);
}

TEST(mq, not_a_queue)
{
	int fd = (int)CHECK_OK(open(".", O_RDONLY | O_DIRECTORY)), null;
	struct mq_attr attr;
	char text[MQ_SIZE];

	null = (int)CHECK_OK(open("/dev/null", O_RDWR));
	CHECK_ERR(mq_send(null, "x", 1, 0), EBADF);
	CHECK_ERR(mq_receive(null, text, sizeof(text), NULL), EBADF);
	CHECK_ERR(mq_getattr(fd, &attr), EBADF);
	CHECK_ERR(mq_notify(fd, NULL), EBADF);
	CHECK_ERR(mq_getattr(-1, &attr), EBADF);
	CHECK_ERR(mq_notify(-1, NULL), EBADF);
	CHECK_OK(close(fd));
	CHECK_OK(close(null));
}

TEST(mq, bad_pointers)
{
	mqd_t q = mq_new(4, 0);
	char text[MQ_SIZE];
	void *bad = (void *)8;

	CHECK_ERR(syscall(SYS_mq_open, bad, O_RDWR, 0, NULL), EFAULT);
	CHECK_ERR(raw_open(mq_name(1) + 1, O_RDWR | O_CREAT, 0600, bad), EFAULT);
	CHECK_ERR(syscall(SYS_mq_unlink, bad), EFAULT);
	CHECK_ERR(syscall(SYS_mq_timedsend, q, bad, 1, 0, NULL), EFAULT);
	CHECK_EQ(mq_count(q), 0);
	CHECK_ERR(syscall(SYS_mq_timedsend, q, text, 1, 0, bad), EFAULT);
	CHECK_ERR(syscall(SYS_mq_getsetattr, q, bad, NULL), EFAULT);
	CHECK_ERR(syscall(SYS_mq_getsetattr, q, NULL, bad), EFAULT);
	CHECK_ERR(syscall(SYS_mq_notify, q, bad), EFAULT);
	/* The message is gone nonetheless. */
	CHECK_OK(mq_put(q, 1, 0));
	CHECK_ERR(syscall(SYS_mq_timedreceive, q, bad, MQ_SIZE, NULL, NULL), EFAULT);
	CHECK_EQ(mq_count(q), 0);
	CHECK_OK(mq_put(q, 1, 0));
	CHECK_ERR(syscall(SYS_mq_timedreceive, q, text, MQ_SIZE, bad, NULL), EFAULT);
	CHECK_EQ(mq_count(q), 0);
	mq_drop(q);
}

TEST(mq, priorities)
{
	static const unsigned int sent[] = {3, 0, 7, 3, 32767, 0, 7, 3};
	static const unsigned int order[] = {4, 2, 6, 0, 3, 7, 1, 5};
	mqd_t q = mq_new(8, 0);

	for (unsigned int i = 0; i < 8; i++)
		CHECK_OK(mq_put(q, i + 1, sent[i]));
	CHECK_EQ(mq_count(q), 8);
	for (unsigned int i = 0; i < 8; i++)
		mq_expect(q, order[i] + 1, sent[order[i]]);
	CHECK_ERR(mq_put(q, 1, MQ_PRIO_MAX), EINVAL);
	CHECK_ERR(mq_put(q, 1, UINT_MAX), EINVAL);
	mq_drop(q);
}

TEST(mq, sizes)
{
	mqd_t q = mq_new(4, 0);
	char text[2 * MQ_SIZE];

	CHECK_OK(mq_put(q, 0, 5));
	CHECK_OK(mq_put(q, MQ_SIZE, 5));
	CHECK_ERR(mq_put(q, MQ_SIZE + 1, 5), EMSGSIZE);
	/* The buffer must hold the longest, whatever is there. */
	CHECK_ERR(mq_receive(q, text, MQ_SIZE - 1, NULL), EMSGSIZE);
	CHECK_EQ(mq_receive(q, text, 2 * MQ_SIZE, NULL), 0);
	mq_expect(q, MQ_SIZE, 5);
	mq_drop(q);
}

TEST(mq, nonblock)
{
	mqd_t q = mq_new(2, O_NONBLOCK), other;
	struct mq_attr attr, old;
	char text[MQ_SIZE];

	other = (mqd_t)CHECK_OK(mq_open(mq_name(0), O_RDWR));
	CHECK_ERR(mq_receive(q, text, sizeof(text), NULL), EAGAIN);
	CHECK_OK(mq_put(q, 1, 0));
	CHECK_OK(mq_put(q, 1, 0));
	CHECK_ERR(mq_put(q, 1, 0), EAGAIN);
	/* It is the open file's, and fcntl(2) knows the same flag. */
	CHECK_OK(mq_getattr(q, &attr));
	CHECK_EQ(attr.mq_flags, O_NONBLOCK);
	CHECK_EQ(attr.mq_maxmsg, 2);
	CHECK_EQ(attr.mq_msgsize, MQ_SIZE);
	CHECK_EQ(attr.mq_curmsgs, 2);
	CHECK_OK(mq_getattr(other, &attr));
	CHECK_EQ(attr.mq_flags, 0);
	attr = (struct mq_attr){.mq_flags = O_NONBLOCK, .mq_maxmsg = 77, .mq_msgsize = 77};
	CHECK_OK(mq_setattr(other, &attr, &old));
	CHECK_EQ(old.mq_flags, 0);
	CHECK_EQ(old.mq_maxmsg, 2);
	CHECK_EQ(fcntl(other, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR | O_NONBLOCK);
	CHECK_ERR(mq_put(other, 1, 0), EAGAIN);
	CHECK_OK(fcntl(other, F_SETFL, 0));
	CHECK_OK(mq_setattr(other, &(struct mq_attr){.mq_flags = 0}, &old));
	CHECK_EQ(old.mq_flags, 0);
	CHECK_EQ(old.mq_msgsize, MQ_SIZE);
	CHECK_ERR(mq_setattr(q, &(struct mq_attr){.mq_flags = O_NONBLOCK | O_RDWR}, NULL), EINVAL);
	CHECK_OK(mq_close(other));
	mq_drop(q);
}

/* --- it is a file --- */

TEST(mq, ready)
{
	mqd_t q = mq_new(1, 0);
	struct pollfd p = {.fd = q, .events = POLLIN | POLLOUT};
	struct epoll_event e = {.events = EPOLLIN | EPOLLET};
	int ep = (int)CHECK_OK(epoll_create1(0));
	struct timeval none = {0, 0};
	fd_set set;
	pid_t pid;

	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLOUT);
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, q, &e));
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	CHECK_OK(mq_put(q, 1, 0));
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.events, EPOLLIN);
	FD_ZERO(&set);
	FD_SET(q, &set);
	CHECK_EQ(select(q + 1, &set, NULL, NULL, &none), 1);
	FD_ZERO(&set);
	FD_SET(q, &set);
	CHECK_EQ(select(q + 1, NULL, &set, NULL, &none), 0);
	mq_expect(q, 1, 0);
	/* Who waits in poll hears of it. */
	pid = child();
	if (!pid) {
		p.events = POLLIN;
		CHECK_EQ(poll(&p, 1, -1), 1);
		_exit(p.revents == POLLIN ? 0 : 1);
	}
	wait_state(pid, "S");
	CHECK_OK(mq_put(q, 1, 0));
	expect_exit(pid, 0);
	pid = child();
	if (!pid) {
		p.events = POLLOUT;
		CHECK_EQ(poll(&p, 1, -1), 1);
		_exit(p.revents == POLLOUT ? 0 : 1);
	}
	wait_state(pid, "S");
	mq_expect(q, 1, 0);
	expect_exit(pid, 0);
	CHECK_OK(close(ep));
	mq_drop(q);
}

TEST(mq, descriptor)
{
	mqd_t q = mq_new(2, 0);
	int dup_q, pair[2], got;
	struct iovec io = {.iov_base = "q", .iov_len = 1};
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	struct cmsghdr *c;
	char x, path[32];

	CHECK_EQ(fcntl(q, F_GETFD), FD_CLOEXEC);
	dup_q = (int)CHECK_OK(dup(q));
	CHECK_OK(mq_put(dup_q, 4, 4));
	/* It goes along with a message of a socket. */
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	memset(&control, 0, sizeof(control));
	c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &dup_q, sizeof(int));
	CHECK_EQ(sendmsg(pair[0], &m, 0), 1);
	CHECK_OK(close(dup_q));
	io.iov_base = &x;
	CHECK_EQ(recvmsg(pair[1], &m, 0), 1);
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	mq_expect(got, 4, 4);
	/* Its name in /proc opens it again. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", got);
	dup_q = (int)CHECK_OK(open(path, O_RDWR));
	CHECK_OK(mq_put(dup_q, 5, 5));
	mq_expect(q, 5, 5);
	CHECK_OK(close(dup_q));
	CHECK_OK(close(got));
	CHECK_OK(close(pair[0]));
	CHECK_OK(close(pair[1]));
	mq_drop(q);
}

/* A place that was kept by O_PATH alone does not bring a queue back that is gone, or harm. */
TEST(mq, kept_place)
{
	mqd_t q = mq_new(2, 0);
	char path[32];
	int place, fd;

	CHECK_OK(mq_put(q, 1, 0));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", q);
	place = (int)CHECK_OK(open(path, O_PATH));
	mq_drop(q);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", place);
	fd = open(path, O_RDWR);
	/* Linux opens what is left of it. */
	CHECK(fd >= 0 || errno == ENXIO);
	if (fd >= 0)
		CHECK_OK(close(fd));
	CHECK_OK(close(place));
}

TEST(mq, status_text)
{
	struct sigevent none = {.sigev_notify = SIGEV_NONE};
	struct sigevent usr = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	mqd_t q = mq_new(4, 0);
	char text[100], want[100];
	ssize_t n;

	CHECK_OK(mq_put(q, 10, 0));
	CHECK_OK(mq_put(q, 5, 3));
	n = CHECK_OK(read(q, text, sizeof(text)));
	snprintf(want, sizeof(want), "QSIZE:%-10d NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", 15, 0,
		 0, 0);
	text[n] = '\0';
	CHECK_STR(text, want);
	CHECK_EQ(read(q, text, sizeof(text)), 0);
	CHECK_OK(mq_notify(q, &usr));
	snprintf(want, sizeof(want), "QSIZE:%-10d NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", 15, 0,
		 SIGUSR1, getpid());
	n = CHECK_OK(pread(q, text, sizeof(text), 0));
	text[n] = '\0';
	CHECK_STR(text, want);
	CHECK_EQ(pread(q, text, 5, 6), 5);
	CHECK_EQ(text[0], '1');
	CHECK_EQ(text[1], '5');
	CHECK_OK(mq_notify(q, NULL));
	CHECK_OK(mq_notify(q, &none));
	n = CHECK_OK(pread(q, text, sizeof(text), 0));
	text[n] = '\0';
	CHECK(strstr(text, "NOTIFY:1 ") != NULL);
	mq_drop(q);
}

/* --- who may --- */

TEST(mq, permissions, .root = true)
{
	mqd_t q;
	struct stat st;

	(void)umask(027);
	q = (mqd_t)CHECK_OK(mq_open(mq_name(0), O_RDWR | O_CREAT | O_EXCL, 0666, NULL));
	CHECK_OK(fstat(q, &st));
	CHECK_EQ(st.st_mode & 07777, 0640);
	CHECK_OK(fchmod(q, 0604));
	(void)umask(0);
	become_user();
	CHECK_OK(mq_close((mqd_t)CHECK_OK(mq_open(mq_name(0), O_RDONLY))));
	CHECK_ERR(mq_open(mq_name(0), O_WRONLY), EACCES);
	CHECK_ERR(mq_open(mq_name(0), O_RDWR | O_CREAT, 0600, NULL), EACCES);
	CHECK_ERR(syscall(SYS_mq_unlink, mq_name(0) + 1), EPERM);
	CHECK_ERR(fchmod(q, 0666), EPERM);
	/* Its own it has whatever the mode says, but not a second time. */
	CHECK_OK(mq_open(mq_name(1), O_RDWR | O_CREAT | O_EXCL, 0, NULL));
	CHECK_ERR(mq_open(mq_name(1), O_RDONLY), EACCES);
	CHECK_OK(mq_unlink(mq_name(1)));
}

TEST(mq, permissions_left, .root = true)
{
	pid_t pid = child();

	if (!pid) {
		become_user();
		CHECK_OK(mq_open(mq_name(0), O_RDWR | O_CREAT | O_EXCL, 0600, NULL));
		_exit(0);
	}
	expect_exit(pid, 0);
	/* It stays without an open file, and root may do all. */
	CHECK_OK(mq_close((mqd_t)CHECK_OK(mq_open(mq_name(0), O_RDWR))));
	CHECK_OK(mq_unlink(mq_name(0)));
}

/* --- limits --- */

static int try_attr(long messages, long size)
{
	struct mq_attr attr = {.mq_maxmsg = messages, .mq_msgsize = size};
	mqd_t q = mq_open(mq_name(0), O_RDWR | O_CREAT | O_EXCL, 0600, &attr);

	if (q < 0)
		return errno;
	mq_drop(q);
	return 0;
}

static void limit_set(const char *name, const char *value)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/fs/mqueue/%s", name);
	fd = (int)CHECK_OK(open(path, O_WRONLY));
	CHECK_EQ(write(fd, value, strlen(value)), strlen(value));
	CHECK_OK(close(fd));
}

TEST(mq, limits)
{
	struct mq_attr attr;
	mqd_t q;

	q = (mqd_t)CHECK_OK(mq_open(mq_name(0), O_RDWR | O_CREAT, 0600, NULL));
	CHECK_OK(mq_getattr(q, &attr));
	CHECK_EQ(attr.mq_maxmsg, 10);
	CHECK_EQ(attr.mq_msgsize, 8192);
	mq_drop(q);
	CHECK_EQ(try_attr(0, 10), EINVAL);
	CHECK_EQ(try_attr(-1, 10), EINVAL);
	CHECK_EQ(try_attr(10, 0), EINVAL);
	CHECK_EQ(try_attr(10, LONG_MIN), EINVAL);
	CHECK_EQ(try_attr(65537, 1), EINVAL);
	CHECK_EQ(try_attr(1, 16 * 1024 * 1024 + 1), EINVAL);
	CHECK_EQ(try_attr(1, 16 * 1024 * 1024), geteuid() ? EINVAL : EMFILE);
	/* Attributes count for a new one only. */
	if (!geteuid())
		become_user();
	CHECK_EQ(try_attr(10, 8192), 0);
	CHECK_EQ(try_attr(11, 8192), EINVAL);
	CHECK_EQ(try_attr(10, 8193), EINVAL);
}

TEST(mq, limits_set, .root = true)
{
	struct mq_attr attr;
	mqd_t q;
	pid_t pid;
	int fd, status[2];

	limit_set("msg_max", "3");
	limit_set("msgsize_max", "200");
	limit_set("queues_max", "1");
	q = mq_open(mq_name(0), O_RDWR | O_CREAT | O_EXCL, 0600, NULL);
	pid = child();
	if (!pid) {
		become_user();
		CHECK_ERR(mq_open(mq_name(1), O_RDWR | O_CREAT, 0600, NULL), ENOSPC);
		_exit(0);
	}
	status[0] = status_of(pid);
	limit_set("queues_max", "256");
	limit_set("msg_default", "2");
	pid = child();
	if (!pid) {
		become_user();
		q = (mqd_t)CHECK_OK(mq_open(mq_name(1), O_RDWR | O_CREAT, 0600, NULL));
		CHECK_OK(mq_getattr(q, &attr));
		CHECK_EQ(attr.mq_maxmsg, 2);
		CHECK_EQ(attr.mq_msgsize, 200);
		CHECK_OK(mq_unlink(mq_name(1)));
		CHECK_EQ(try_attr(4, 100), EEXIST);
		_exit(0);
	}
	status[1] = status_of(pid);
	limit_set("msg_default", "10");
	limit_set("msg_max", "10");
	limit_set("msgsize_max", "8192");
	CHECK_EQ(status[0], 0);
	CHECK_EQ(status[1], 0);
	CHECK_OK(mq_getattr(q, &attr));
	CHECK_EQ(attr.mq_maxmsg, 3);
	CHECK_EQ(attr.mq_msgsize, 200);
	fd = (int)CHECK_OK(open("/proc/sys/fs/mqueue/msg_max", O_WRONLY));
	CHECK_ERR(write(fd, "0", 1), EINVAL);
	CHECK_ERR(write(fd, "65537", 5), EINVAL);
	CHECK_OK(close(fd));
	fd = (int)CHECK_OK(open("/proc/sys/fs/mqueue/msgsize_default", O_WRONLY));
	CHECK_ERR(write(fd, "127", 3), EINVAL);
	CHECK_ERR(write(fd, "16777217", 8), EINVAL);
	CHECK_OK(close(fd));
	mq_drop(q);
}

/* RLIMIT_MSGQUEUE is a user's, whichever process asks, and counts queues, not messages. */
TEST(mq, rlimit, .root = true)
{
	/* 4 messages of 100 bytes, and what Linux has beside each of them. */
	uint64_t one = 4 * (100 + 48 + 48);
	struct rlimit limit = {.rlim_cur = 2 * one, .rlim_max = 2 * one};
	struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 100};
	mqd_t a, b;
	pid_t pid;

	CHECK_OK(setrlimit(RLIMIT_MSGQUEUE, &limit));
	become_user();
	a = (mqd_t)CHECK_OK(mq_open(mq_name(0), O_RDWR | O_CREAT, 0600, &attr));
	pid = child();
	if (!pid) {
		CHECK_OK(mq_open(mq_name(1), O_RDWR | O_CREAT, 0600, &attr));
		CHECK_ERR(mq_open(mq_name(2), O_RDWR | O_CREAT, 0600, &attr), EMFILE);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_ERR(mq_open(mq_name(2), O_RDWR | O_CREAT, 0600, &attr), EMFILE);
	/* One that is still open counts without its name. */
	CHECK_OK(mq_unlink(mq_name(0)));
	CHECK_ERR(mq_open(mq_name(2), O_RDWR | O_CREAT, 0600, &attr), EMFILE);
	CHECK_OK(mq_close(a));
	b = (mqd_t)CHECK_OK(mq_open(mq_name(2), O_RDWR | O_CREAT, 0600, &attr));
	CHECK_OK(mq_close(b));
	CHECK_OK(mq_unlink(mq_name(2)));
	CHECK_OK(mq_unlink(mq_name(1)));
}

/* No descriptor is left: nothing is made. */
TEST(mq, no_descriptors)
{
	struct rlimit limit, none;

	CHECK_OK(getrlimit(RLIMIT_NOFILE, &limit));
	none = limit;
	none.rlim_cur = (rlim_t)open_descriptors();
	for (int fd = 0; fd < (int)none.rlim_cur; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			CHECK_OK(dup2(0, fd));
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &none));
	CHECK_ERR(mq_open(mq_name(0), O_RDWR | O_CREAT, 0600, NULL), EMFILE);
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
	CHECK_ERR(mq_open(mq_name(0), O_RDWR), ENOENT);
}

/* aio: io_setup, io_submit, io_getevents, io_pgetevents, io_cancel, io_destroy. */
#include "ut.h"

#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/uio.h>
#include <time.h>

#define NO_CONTEXT ((aio_context_t)8)

static long setup(unsigned int n, aio_context_t *c)
{
	return syscall(SYS_io_setup, n, c);
}

static long submit(aio_context_t c, long n, struct iocb **list)
{
	return syscall(SYS_io_submit, c, n, list);
}

static long submit_one(aio_context_t c, struct iocb *i)
{
	return submit(c, 1, &i);
}

/* In at most `ms`; -1: however long it takes. */
static long events(aio_context_t c, long min, long n, struct io_event *e, long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	return syscall(SYS_io_getevents, c, min, n, e, ms < 0 ? NULL : &ts);
}

static struct iocb request(int opcode, int fd, void *buf, size_t n, off_t offset)
{
	return (struct iocb){ .aio_data = 0x1234567890, .aio_lio_opcode = opcode, .aio_fildes = fd,
			      .aio_buf = (uintptr_t)buf, .aio_nbytes = n, .aio_offset = offset,
			      .aio_key = 77 };
}

static aio_context_t context(void)
{
	aio_context_t c = 0;

	CHECK_OK(setup(8, &c));
	CHECK(c != 0);
	return c;
}

/* It is submitted, and its event comes, with this result. */
static void comes_to(aio_context_t c, struct iocb *i, long res)
{
	struct io_event e;

	CHECK_EQ(submit_one(c, i), 1);
	CHECK_EQ(i->aio_key, 0);
	CHECK_EQ(events(c, 1, 1, &e, -1), 1);
	CHECK_EQ(e.res, res);
	CHECK_EQ(e.res2, 0);
	CHECK_EQ(e.data, 0x1234567890);
	CHECK_EQ(e.obj, (uintptr_t)i);
}

#define REFUSED(c, what, err) do {						\
	struct iocb i_ = (what);						\
	struct io_event e_;							\
	CHECK_ERR(submit_one(c, &i_), err);					\
	CHECK_EQ(events(c, 0, 1, &e_, 0), 0);					\
} while (0)

TEST(aio, transfers)
{
	int fd = CHECK_OK(open("a", O_RDWR | O_CREAT, 0600));
	int null = CHECK_OK(open("/dev/null", O_RDWR));
	char buf[16] = "", one[3], two[3];
	struct iovec iov[2] = { { one, 3 }, { two, 3 } }, out[2] = { { "12", 2 }, { "345", 3 } };
	aio_context_t c = context();
	struct iocb i;

	i = request(IOCB_CMD_PWRITE, fd, "hello", 5, 2);
	comes_to(c, &i, 5);
	i = request(IOCB_CMD_PREAD, fd, buf, sizeof(buf), 1);
	comes_to(c, &i, 6);
	CHECK_STR(buf + 1, "hello");
	i = request(IOCB_CMD_PWRITEV, fd, out, 2, 0);
	comes_to(c, &i, 5);
	i = request(IOCB_CMD_PREADV, fd, iov, 2, 1);
	comes_to(c, &i, 6);
	CHECK(!memcmp(one, "234", 3) && !memcmp(two, "5lo", 3));
	i = request(IOCB_CMD_PREAD, fd, buf, sizeof(buf), 100);
	comes_to(c, &i, 0);
	i = request(IOCB_CMD_FSYNC, fd, NULL, 0, 0);
	comes_to(c, &i, 0);
	i = request(IOCB_CMD_FDSYNC, fd, NULL, 0, 0);
	comes_to(c, &i, 0);
	i = request(IOCB_CMD_PWRITE, fd, "x", 1, 7);
	i.aio_rw_flags = RWF_DSYNC;
	comes_to(c, &i, 1);
	/* What goes wrong while it is done is an event. */
	i = request(IOCB_CMD_PREAD, fd, (void *)8, 4, 0);
	comes_to(c, &i, -EFAULT);
	/* The file's own position has not moved. */
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
	i = request(IOCB_CMD_PWRITE, null, buf, 9, 0);
	comes_to(c, &i, 9);
	CHECK_OK(syscall(SYS_io_destroy, c));
}

TEST(aio, refused)
{
	int fd = CHECK_OK(open("a", O_RDWR | O_CREAT, 0600)), read_only, place, fds[2];
	struct iocb i, *list[3] = { &i, (void *)8, &i };
	aio_context_t c = context();
	struct io_event e[3];
	char buf[8];

	read_only = CHECK_OK(open("a", O_RDONLY));
	place = CHECK_OK(open("a", O_PATH));
	CHECK_OK(pipe(fds));
	REFUSED(c, request(IOCB_CMD_PREAD, -1, buf, 8, 0), EBADF);
	REFUSED(c, request(IOCB_CMD_PREAD, place, buf, 8, 0), EBADF);
	REFUSED(c, request(IOCB_CMD_PWRITE, read_only, buf, 8, 0), EBADF);
	REFUSED(c, request(IOCB_CMD_PREAD, fd, buf, (size_t)-1, 0), EINVAL);
	REFUSED(c, request(IOCB_CMD_PREAD, fd, buf, 8, -1), EINVAL);
	REFUSED(c, request(IOCB_CMD_PREADV, fd, buf, 2000, 0), EINVAL);
	REFUSED(c, request(IOCB_CMD_PREADV, fd, (void *)8, 1, 0), EFAULT);
	REFUSED(c, request(IOCB_CMD_PREAD, fd, (void *)-8l, 4, 0), EFAULT);
	REFUSED(c, request(IOCB_CMD_NOOP, fd, NULL, 0, 0), EINVAL);
	REFUSED(c, request(4, fd, NULL, 0, 0), EINVAL);
	REFUSED(c, request(9, fd, NULL, 0, 0), EINVAL);
	REFUSED(c, request(0xffff, fd, NULL, 0, 0), EINVAL);
	REFUSED(c, request(IOCB_CMD_FSYNC, fd, buf, 0, 0), EINVAL);
	REFUSED(c, request(IOCB_CMD_FSYNC, fd, NULL, 1, 0), EINVAL);
	REFUSED(c, request(IOCB_CMD_FSYNC, fd, NULL, 0, 1), EINVAL);
	REFUSED(c, request(IOCB_CMD_FSYNC, fds[0], NULL, 0, 0), EINVAL);
	REFUSED(c, request(IOCB_CMD_POLL, fd, (void *)0x10001, 0, 0), EINVAL);
	REFUSED(c, request(IOCB_CMD_POLL, fd, (void *)POLLIN, 1, 0), EINVAL);
	REFUSED(c, request(IOCB_CMD_POLL, fd, (void *)POLLIN, 0, 1), EINVAL);
	i = request(IOCB_CMD_PREAD, fd, buf, 8, 0);
	i.aio_reserved2 = 1;
	REFUSED(c, i, EINVAL);
	i = request(IOCB_CMD_PREAD, fd, buf, 8, 0);
	i.aio_rw_flags = 0x80000000;
	REFUSED(c, i, EOPNOTSUPP);
	i = request(IOCB_CMD_PREAD, fd, buf, 8, 0);
	i.aio_flags = IOCB_FLAG_RESFD;
	i.aio_resfd = (unsigned int)-1;
	REFUSED(c, i, EBADF);
	i.aio_resfd = (unsigned int)fd;
	REFUSED(c, i, EINVAL);
	CHECK_ERR(submit(c, -1, list), EINVAL);
	CHECK_EQ(submit(c, 0, list), 0);
	CHECK_ERR(submit(c, 1, (void *)8), EFAULT);
	CHECK_ERR(submit(c, 1, &list[1]), EFAULT);
	CHECK_ERR(submit(NO_CONTEXT, 1, list), EINVAL);
	CHECK_ERR(submit(0, 0, list), EINVAL);
	/* Those before it have been done. */
	i = request(IOCB_CMD_PREAD, fd, buf, 8, 0);
	CHECK_EQ(submit(c, 3, list), 1);
	CHECK_EQ(events(c, 1, 3, e, -1), 1);
	CHECK_OK(syscall(SYS_io_destroy, c));
}

TEST(aio, contexts)
{
	aio_context_t c = 0, other = 0, set = 1;
	char was[32], now[32];

	CHECK_ERR(setup(0, &c), EINVAL);
	CHECK_ERR(setup(1, &set), EINVAL);
	CHECK_ERR(setup(1, (void *)8), EFAULT);
	CHECK_ERR(setup(0x7fffffff, &c), EINVAL);
	CHECK_ERR(setup(1000000, &c), EAGAIN);
	CHECK_EQ(c, 0);
	file_text("/proc/sys/fs/aio-nr", was, sizeof(was));
	CHECK_OK(setup(100, &c));
	CHECK_OK(setup(1, &other));
	CHECK(c != other);
	file_text("/proc/sys/fs/aio-nr", now, sizeof(now));
	CHECK_EQ(atol(now), atol(was) + 101);
	file_text("/proc/sys/fs/aio-max-nr", now, sizeof(now));
	CHECK_GE(atol(now), 65536);
	CHECK_OK(syscall(SYS_io_destroy, c));
	CHECK_ERR(syscall(SYS_io_destroy, c), EINVAL);
	CHECK_ERR(submit(c, 0, NULL), EINVAL);
	CHECK_OK(syscall(SYS_io_destroy, other));
	CHECK_ERR(syscall(SYS_io_destroy, 0), EINVAL);
	CHECK_ERR(syscall(SYS_io_destroy, -1), EINVAL);
	file_text("/proc/sys/fs/aio-nr", now, sizeof(now));
	CHECK_STR(now, was);
}

TEST(aio, event_errors)
{
	aio_context_t c = context();
	struct io_event e[2];

	CHECK_ERR(events(c, -1, 1, e, 0), EINVAL);
	CHECK_ERR(events(c, 2, 1, e, 0), EINVAL);
	CHECK_ERR(events(c, 0, -1, e, 0), EINVAL);
	CHECK_ERR(events(NO_CONTEXT, 0, 1, e, 0), EINVAL);
	CHECK_ERR(syscall(SYS_io_getevents, c, 0, 1, e, 8), EFAULT);
	CHECK_EQ(events(c, 0, 0, e, -1), 0);
	CHECK_EQ(events(c, 0, 2, e, -1), 0);
	CHECK_EQ(events(c, 1, 2, e, 10), 0);
	CHECK_EQ(events(c, 2, 2, e, 0), 0);
	CHECK_ERR(syscall(SYS_io_pgetevents, c, 0, 1, e, 8, NULL), EFAULT);
	CHECK_ERR(syscall(SYS_io_pgetevents, c, 0, 1, e, NULL, 8), EFAULT);
	CHECK_ERR(syscall(SYS_io_pgetevents, NO_CONTEXT, 0, 1, e, NULL, NULL), EINVAL);
	CHECK_OK(syscall(SYS_io_destroy, c));
}

/* An event that could not be handed out is not lost. */
TEST(aio, event_stays)
{
	int fd = CHECK_OK(open("a", O_RDWR | O_CREAT, 0600));
	struct iocb i = request(IOCB_CMD_PWRITE, fd, "x", 1, 0);
	aio_context_t c = context();
	struct io_event e;

	CHECK_EQ(submit_one(c, &i), 1);
	CHECK_ERR(events(c, 1, 1, (void *)8, 0), EFAULT);
	CHECK_EQ(events(c, 1, 1, &e, 0), 1);
	CHECK_EQ(e.res, 1);
	CHECK_OK(syscall(SYS_io_destroy, c));
}

TEST(aio, full)
{
	int fd = CHECK_OK(open("a", O_RDWR | O_CREAT, 0600));
	struct iocb i = request(IOCB_CMD_PWRITE, fd, "x", 1, 0);
	static struct io_event e[8192];
	aio_context_t c = context();
	long n = 0;

	while (submit_one(c, &i) == 1)
		CHECK_GE(8192, ++n);
	CHECK_EQ(errno, EAGAIN);
	CHECK_GE(n, 8);
	CHECK_EQ(events(c, n, n, e, -1), n);
	CHECK_EQ(submit_one(c, &i), 1);
	CHECK_OK(syscall(SYS_io_destroy, c));
}

TEST(aio, poll)
{
	aio_context_t c = context();
	struct io_event e[2];
	struct iocb i, j;
	int fds[2];
	pid_t pid;

	CHECK_OK(pipe(fds));
	/* Ready at once. */
	i = request(IOCB_CMD_POLL, fds[1], (void *)POLLOUT, 0, 0);
	comes_to(c, &i, POLLOUT);
	i = request(IOCB_CMD_POLL, fds[0], (void *)POLLIN, 0, 0);
	CHECK_EQ(submit_one(c, &i), 1);
	CHECK_EQ(events(c, 1, 2, e, 10), 0);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(events(c, 1, 2, e, -1), 1);
	CHECK_EQ(e[0].res & POLLIN, POLLIN);
	CHECK_EQ(e[0].obj, (uintptr_t)&i);
	/* Once only; and whoever waits for the event is woken by it. */
	CHECK_EQ(events(c, 0, 2, e, 0), 0);
	CHECK_EQ(read(fds[0], e, 1), 1);
	CHECK_EQ(submit_one(c, &i), 1);
	j = request(IOCB_CMD_POLL, fds[0], (void *)POLLIN, 0, 0);
	CHECK_EQ(submit_one(c, &j), 1);
	pid = child();
	if (!pid) {
		wait_state(getppid(), "S");
		CHECK_EQ(write(fds[1], "x", 1), 1);
		_exit(0);
	}
	CHECK_EQ(events(c, 2, 2, e, -1), 2);
	CHECK_EQ(e[0].res & POLLIN, POLLIN);
	CHECK_EQ(e[1].res & POLLIN, POLLIN);
	expect_exit(pid, 0);
	/* The request keeps the file; hang-ups are told unasked. */
	CHECK_EQ(read(fds[0], e, 1), 1);
	CHECK_EQ(submit_one(c, &i), 1);
	close(fds[0]);
	close(fds[1]);
	CHECK_EQ(events(c, 1, 1, e, -1), 1);
	CHECK_EQ(e[0].res & POLLHUP, POLLHUP);
	CHECK_OK(syscall(SYS_io_destroy, c));
}

/* The thread that asks is not ours, and has no signals. */
TEST(aio, signalfd)
{
	sigset_t set;
	aio_context_t c = context();
	struct io_event e;
	struct iocb i;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	fd = (int)CHECK_OK(signalfd(-1, &set, 0));
	i = request(IOCB_CMD_POLL, fd, (void *)POLLIN, 0, 0);
	CHECK_EQ(submit_one(c, &i), 1);
	raise(SIGUSR1);
	CHECK_EQ(events(c, 1, 1, &e, 50), 0);
	CHECK_OK(syscall(SYS_io_destroy, c));
}

TEST(aio, cancel)
{
	aio_context_t c = context();
	struct io_event e, none;
	struct iocb i, done;
	int fds[2];

	CHECK_OK(pipe(fds));
	i = request(IOCB_CMD_POLL, fds[0], (void *)POLLIN, 0, 0);
	CHECK_EQ(submit_one(c, &i), 1);
	CHECK_ERR(syscall(SYS_io_cancel, c, 8, &none), EFAULT);
	CHECK_ERR(syscall(SYS_io_cancel, NO_CONTEXT, &i, &none), EINVAL);
	done = request(IOCB_CMD_POLL, fds[1], (void *)POLLOUT, 0, 0);
	CHECK_ERR(syscall(SYS_io_cancel, c, &done, &none), EINVAL);
	comes_to(c, &done, POLLOUT);
	CHECK_ERR(syscall(SYS_io_cancel, c, &done, &none), EINVAL);
	CHECK_ERR(syscall(SYS_io_cancel, c, &i, &none), EINPROGRESS);
	CHECK_EQ(events(c, 1, 1, &e, -1), 1);
	CHECK_EQ(e.obj, (uintptr_t)&i);
	CHECK_EQ(e.res, 0);
	CHECK_ERR(syscall(SYS_io_cancel, c, &i, &none), EINVAL);
	/* What waits ends with its context. */
	CHECK_EQ(submit_one(c, &i), 1);
	CHECK_OK(syscall(SYS_io_destroy, c));
}

TEST(aio, eventfd)
{
	int fd = CHECK_OK(open("a", O_RDWR | O_CREAT, 0600)), fds[2];
	int told = CHECK_OK(eventfd(0, 0));
	aio_context_t c = context();
	struct io_event e[2];
	struct iocb i, j;
	uint64_t n;

	CHECK_OK(pipe(fds));
	i = request(IOCB_CMD_PWRITE, fd, "x", 1, 0);
	j = request(IOCB_CMD_POLL, fds[0], (void *)POLLIN, 0, 0);
	i.aio_flags = j.aio_flags = IOCB_FLAG_RESFD;
	i.aio_resfd = j.aio_resfd = (unsigned int)told;
	CHECK_EQ(submit_one(c, &i), 1);
	CHECK_EQ(read(told, &n, sizeof(n)), 8);
	CHECK_EQ(n, 1);
	CHECK_EQ(submit_one(c, &j), 1);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(read(told, &n, sizeof(n)), 8);
	CHECK_EQ(n, 1);
	CHECK_EQ(events(c, 2, 2, e, 0), 2);
	CHECK_OK(syscall(SYS_io_destroy, c));
}

static volatile int seen;

static void on_usr1(int sig)
{
	seen = sig;
}

TEST(aio, interrupted)
{
	struct { const sigset_t *set; size_t size; } arg;
	aio_context_t c = context();
	struct io_event e;
	sigset_t set, none;
	pid_t pid;

	on_signal(SIGUSR1, on_usr1, 0);
	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	CHECK_OK(raise(SIGUSR1));
	arg.set = &set;
	arg.size = 8;
	/* It stays blocked; then it is let through while the call waits. */
	CHECK_EQ(syscall(SYS_io_pgetevents, c, 1, 1, &e, &(struct timespec){ 0, 1000 }, &arg), 0);
	CHECK_EQ(seen, 0);
	arg.set = &none;
	CHECK_ERR(syscall(SYS_io_pgetevents, c, 1, 1, &e, NULL, &arg), EINTR);
	CHECK_EQ(seen, SIGUSR1);
	arg.size = 4;
	CHECK_ERR(syscall(SYS_io_pgetevents, c, 1, 1, &e, NULL, &arg), EINVAL);
	seen = 0;
	pid = child();
	if (!pid) {
		wait_state(getppid(), "S");
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	arg.size = 8;
	CHECK_ERR(syscall(SYS_io_pgetevents, c, 1, 1, &e, NULL, &arg), EINTR);
	CHECK_EQ(seen, SIGUSR1);
	expect_exit(pid, 0);
	CHECK_OK(syscall(SYS_io_destroy, c));
}

/* Contexts end with their process, and with its program; a child has none. */
TEST(aio, ends)
{
	char was[32], now[32];
	struct iocb i;
	int fds[2];
	pid_t pid;

	CHECK_OK(pipe(fds));
	file_text("/proc/sys/fs/aio-nr", was, sizeof(was));
	i = request(IOCB_CMD_POLL, fds[0], (void *)POLLIN, 0, 0);
	for (int how = 0; how < 3; how++) {
		pid = child();
		if (!pid) {
			aio_context_t c = context();

			CHECK_EQ(submit_one(c, &i), 1);
			pid = child();
			if (!pid) {
				CHECK_ERR(syscall(SYS_io_destroy, c), EINVAL);
				_exit(0);
			}
			expect_exit(pid, 0);
			if (how == 1)
				raise(SIGKILL);
			if (how == 2)
				exec_helper("exit", "0");
			_exit(0);
		}
		if (how == 1)
			expect_signal(pid, SIGKILL);
		else
			expect_exit(pid, 0);
		file_text("/proc/sys/fs/aio-nr", now, sizeof(now));
		CHECK_STR(now, was);
	}
}

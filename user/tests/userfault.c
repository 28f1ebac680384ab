/* User-level paging: calls, their errors, faults, the descriptor. */
#include "userfault.h"

#include <poll.h>
#include <sys/auxv.h>

/* --- calls and their errors --- */

TEST(userfault, create)
{
	int fd;

	CHECK_ERR(uffd_new(O_APPEND), EINVAL);
	fd = CHECK_OK(uffd_new(O_CLOEXEC | O_NONBLOCK));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE), O_NONBLOCK);
	CHECK_ERR(write(fd, uffd_page, 1), EBADF);
	close(fd);
}

TEST(userfault, privilege, .root = true)
{
	char text[8] = "";
	int fd = open("/proc/sys/vm/unprivileged_userfaultfd", O_RDWR);

	if (fd < 0)
		SKIP("no switch for it");
	CHECK_OK(read(fd, text, sizeof(text) - 1));
	CHECK_STR(text, "0\n");
	CHECK_OK(seteuid(1000));
	CHECK_ERR(uffd_new(0), EPERM);
	CHECK_ERR(uffd_new(O_APPEND), EPERM);
	close((int)CHECK_OK(uffd_new(UFFD_USER_MODE_ONLY)));
	CHECK_OK(seteuid(0));
	CHECK_EQ(pwrite(fd, "1", 1, 0), 1);
	CHECK_OK(seteuid(1000));
	int any = uffd_new(0), err = errno;
	CHECK_OK(seteuid(0));
	CHECK_EQ(pwrite(fd, "0", 1, 0), 1);
	errno = err;
	CHECK_OK(any);
}

/* Permission to open the device is permission for all that the call may refuse. */
TEST(userfault, device, .root = true)
{
	int device = (int)CHECK_OK(open("/dev/userfaultfd", O_RDWR | O_CLOEXEC)), fd;
	struct uffdio_api api = {.api = UFFD_API};

	CHECK_ERR(ioctl(device, USERFAULTFD_IOC_NEW, 0x10), EINVAL);
	CHECK_ERR(ioctl(device, UFFDIO_API, &api), EINVAL);
	CHECK_OK(setuid(1000));
	CHECK_ERR(open("/dev/userfaultfd", O_RDWR), EACCES);
	CHECK_ERR(syscall(SYS_userfaultfd, 0), EPERM);
	fd = (int)CHECK_OK(ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
	CHECK_OK(ioctl(fd, UFFDIO_API, &api));
}

TEST(userfault, api)
{
	struct uffdio_api api = { .api = UFFD_API + 1, .features = 1, .ioctls = 1 };
	int fd = CHECK_OK(uffd_new(O_NONBLOCK));
	char *p = map_rw(PAGE);

	CHECK_ERR(uffd_register(fd, p, PAGE, MISSING), EINVAL);
	CHECK_ERR(read(fd, uffd_page, sizeof(uffd_page)), EINVAL);
	CHECK_ERR(ioctl(fd, UFFDIO_API, &api), EINVAL);
	CHECK_EQ(api.api | api.features | api.ioctls, 0);
	CHECK_ERR(uffd_api(fd, 1ull << 63, &api), EINVAL);
	CHECK_ERR(ioctl(fd, UFFDIO_API, 8), EFAULT);
	CHECK_OK(uffd_api(fd, 0, &api));
	CHECK_EQ(api.api, UFFD_API);
	CHECK_EQ(api.ioctls & UFFD_API_IOCTLS, UFFD_API_IOCTLS);
	CHECK(api.features & UFFD_FEATURE_SIGBUS);
	CHECK_ERR(uffd_api(fd, 0, &api), EINVAL);
	CHECK_ERR(ioctl(fd, 0x1234, &api), EINVAL);
}

TEST(userfault, register_errors)
{
	int fd = uffd_open(0, 0), other = uffd_open(0, 0);
	char *p = map_rw(4 * PAGE);
	struct uffdio_register r = { .range = { (uintptr_t)p, PAGE }, .mode = MISSING };

	CHECK_ERR(uffd_register(fd, p + 1, PAGE, MISSING), EINVAL);
	CHECK_ERR(uffd_register(fd, p, PAGE + 1, MISSING), EINVAL);
	CHECK_ERR(uffd_register(fd, p, 0, MISSING), EINVAL);
	CHECK_ERR(uffd_register(fd, p, PAGE, 0), EINVAL);
	CHECK_ERR(uffd_register(fd, p, PAGE, 1 << 5), EINVAL);
	CHECK_ERR(uffd_register(fd, p, 1ul << 62, MISSING), EINVAL);
	CHECK_ERR(ioctl(fd, UFFDIO_REGISTER, 8), EFAULT);
	CHECK_OK(ioctl(fd, UFFDIO_REGISTER, &r));
	CHECK_EQ(r.ioctls & (1 << _UFFDIO_WAKE | 1 << _UFFDIO_COPY | 1 << _UFFDIO_ZEROPAGE),
		 1 << _UFFDIO_WAKE | 1 << _UFFDIO_COPY | 1 << _UFFDIO_ZEROPAGE);
	CHECK_EQ(r.ioctls & (1 << _UFFDIO_WRITEPROTECT | 1 << _UFFDIO_CONTINUE), 0);
	/* Again by the same is a change of the mode; by another it is not. */
	CHECK_OK(uffd_register(fd, p, 2 * PAGE, MISSING));
	CHECK_ERR(uffd_register(other, p, PAGE, MISSING), EBUSY);
	CHECK_OK(munmap(p, 2 * PAGE));
	CHECK_ERR(uffd_register(fd, p, 2 * PAGE, MISSING), EINVAL);
	CHECK_OK(uffd_register(fd, p, 4 * PAGE, MISSING));
	/* What is no memory of the program's own. */
	CHECK_ERR(uffd_register(fd, (void *)getauxval(AT_SYSINFO_EHDR), PAGE, MISSING), EINVAL);
	CHECK_ERR(uffd_range(fd, UFFDIO_UNREGISTER, p, 2 * PAGE), EINVAL);
	CHECK_ERR(uffd_range(fd, UFFDIO_WAKE, p, 1), EINVAL);
}

TEST(userfault, copy_errors)
{
	int fd = uffd_open(0, 0);
	char *p = map_rw(4 * PAGE), *gone = map_rw(2 * PAGE);
	long done;

	CHECK_OK(munmap(gone, 2 * PAGE));
	CHECK_OK(uffd_register(fd, p, 3 * PAGE, MISSING));
	CHECK_ERR(uffd_copy(fd, p + 3 * PAGE, uffd_page, PAGE, 0, &done), ENOENT);
	CHECK_EQ(done, -ENOENT);
	CHECK_ERR(uffd_copy(fd, gone, uffd_page, PAGE, 0, &done), ENOENT);
	CHECK_ERR(uffd_copy(fd, p + 2 * PAGE, uffd_page, 2 * PAGE, 0, &done), ENOENT);
	CHECK_ERR(uffd_copy(fd, p, uffd_page, PAGE, 1 << 7, NULL), EINVAL);
	CHECK_ERR(uffd_copy(fd, p, uffd_page, PAGE / 2, 0, NULL), EINVAL);
	CHECK_ERR(uffd_copy(fd, p + 8, uffd_page, PAGE, 0, NULL), EINVAL);
	CHECK_ERR(uffd_copy(fd, p, (void *)-PAGE, 2 * PAGE, 0, NULL), EINVAL);
	CHECK_ERR(uffd_copy(fd, p, gone, PAGE, 0, &done), EFAULT);
	CHECK_OK(uffd_copy(fd, p + PAGE, uffd_page_of('b'), PAGE, 0, &done));
	CHECK_EQ(done, PAGE);
	CHECK_ERR(uffd_copy(fd, p + PAGE, uffd_page, PAGE, 0, &done), EEXIST);
	CHECK_EQ(done, -EEXIST);
	/* As far as it goes. */
	CHECK_ERR(uffd_copy(fd, p, uffd_page_of('a'), 2 * PAGE, 0, &done), EAGAIN);
	CHECK_EQ(done, PAGE);
	CHECK_EQ(p[0], 'a');
	CHECK_EQ(p[PAGE], 'b');
	CHECK_ERR(uffd_zero(fd, p, PAGE, 0), EEXIST);
	CHECK_ERR(uffd_zero(fd, p, PAGE, 2), EINVAL);
	CHECK_ERR(uffd_zero(fd, p + 3 * PAGE, PAGE, 0), ENOENT);
	CHECK_OK(uffd_zero(fd, p + 2 * PAGE, PAGE, 0));
	check_zero(p + 2 * PAGE, PAGE);
	p[2 * PAGE] = 1;
	CHECK_EQ(p[2 * PAGE], 1);
}

TEST(userfault, continue_is_for_objects)
{
	int fd = uffd_open(0, 0);
	char *p = map_rw(PAGE);
	struct uffdio_continue c = { .range = { (uintptr_t)p, PAGE } };

	CHECK_OK(uffd_register(fd, p, PAGE, MISSING));
	CHECK_ERR(ioctl(fd, UFFDIO_CONTINUE, &c), EINVAL);
	CHECK_EQ(c.mapped, -EINVAL);
}

/* --- faults --- */

TEST(userfault, missing_pages)
{
	int fd = uffd_open(0, 0);
	char *p = map_rw(4 * PAGE);
	uint64_t flags;
	pthread_t t;

	CHECK_OK(uffd_register(fd, p, 4 * PAGE, MISSING));
	t = thread_begin(uffd_read_byte, p + PAGE + 5);
	CHECK(uffd_fault(fd, &flags) == p + PAGE);
	CHECK_EQ(flags, 0);
	CHECK_OK(uffd_copy(fd, p + PAGE, uffd_page_of('a'), PAGE, 0, NULL));
	CHECK_EQ(thread_result(t), 'a');
	t = thread_begin(uffd_write_byte, p + 2 * PAGE + 5);
	CHECK(uffd_fault(fd, &flags) == p + 2 * PAGE);
	CHECK_EQ(flags, UFFD_PAGEFAULT_FLAG_WRITE);
	CHECK_OK(uffd_copy(fd, p + 2 * PAGE, uffd_page_of('b'), PAGE, 0, NULL));
	thread_join(t);
	CHECK_EQ(p[2 * PAGE + 5], 'w');
	CHECK_EQ(p[2 * PAGE + 6], 'b');
	t = thread_begin(uffd_write_byte, p);
	CHECK(uffd_fault(fd, &flags) == p);
	CHECK_OK(uffd_zero(fd, p, PAGE, 0));
	thread_join(t);
	CHECK_EQ(p[0], 'w');
	CHECK_EQ(p[1], 0);
}

TEST(userfault, missing_again_after_dontneed)
{
	int fd = uffd_open(0, 0);
	char *p = map_rw(2 * PAGE);
	pthread_t t;

	memset(p, 'x', 2 * PAGE);
	CHECK_OK(uffd_register(fd, p, 2 * PAGE, MISSING));
	CHECK_EQ(p[0], 'x');
	CHECK_OK(madvise(p, PAGE, MADV_DONTNEED));
	t = thread_begin(uffd_read_byte, p);
	CHECK(uffd_fault(fd, NULL) == p);
	CHECK_OK(uffd_copy(fd, p, uffd_page_of('a'), PAGE, 0, NULL));
	CHECK_EQ(thread_result(t), 'a');
	CHECK_EQ(p[PAGE], 'x');
}

TEST(userfault, wake)
{
	int fd = uffd_open(0, 0);
	char *p = map_rw(2 * PAGE);
	pthread_t t;

	CHECK_OK(uffd_register(fd, p, 2 * PAGE, MISSING));
	t = thread_begin(uffd_read_byte, p);
	CHECK(uffd_fault(fd, NULL) == p);
	/* Nothing is there yet: it faults again. */
	CHECK_OK(uffd_range(fd, UFFDIO_WAKE, p, PAGE));
	CHECK(uffd_fault(fd, NULL) == p);
	/* One that is not woken waits on, though its page is there. */
	CHECK_OK(uffd_copy(fd, p, uffd_page_of('a'), PAGE, UFFDIO_COPY_MODE_DONTWAKE, NULL));
	CHECK_OK(uffd_range(fd, UFFDIO_WAKE, p, PAGE));
	CHECK_EQ(thread_result(t), 'a');
}

TEST(userfault, unregister_wakes)
{
	int fd = uffd_open(0, 0);
	char *p = map_rw(3 * PAGE);
	pthread_t t;

	CHECK_OK(uffd_register(fd, p, 3 * PAGE, MISSING));
	t = thread_begin(uffd_read_byte, p + PAGE);
	CHECK(uffd_fault(fd, NULL) == p + PAGE);
	CHECK_OK(uffd_range(fd, UFFDIO_UNREGISTER, p + PAGE, PAGE));
	CHECK_EQ(thread_result(t), 0);
	CHECK_ERR(uffd_copy(fd, p + PAGE, uffd_page, PAGE, 0, NULL), ENOENT);
	/* What lies around is registered still. */
	t = thread_begin(uffd_read_byte, p + 2 * PAGE);
	CHECK(uffd_fault(fd, NULL) == p + 2 * PAGE);
	CHECK_OK(uffd_zero(fd, p + 2 * PAGE, PAGE, 0));
	CHECK_EQ(thread_result(t), 0);
}

TEST(userfault, close_wakes)
{
	int fd = uffd_open(0, 0);
	char *p = map_rw(PAGE);
	pthread_t t;

	CHECK_OK(uffd_register(fd, p, PAGE, MISSING));
	t = thread_begin(uffd_read_byte, p);
	CHECK(uffd_fault(fd, NULL) == p);
	close(fd);
	CHECK_EQ(thread_result(t), 0);
	p[0] = 1;
	fd = uffd_open(0, 0);
	CHECK_OK(uffd_register(fd, p, PAGE, MISSING));
}

static void *thread_touch(void *p)
{
	return (void *)(long)touch(p, false);
}

TEST(userfault, munmap_while_it_waits)
{
	int fd = uffd_open(0, 0);
	char *p = map_rw(PAGE);
	pthread_t t;

	CHECK_OK(uffd_register(fd, p, PAGE, MISSING));
	t = thread_begin(thread_touch, p);
	CHECK(uffd_fault(fd, NULL) == p);
	CHECK_OK(munmap(p, PAGE));
	/* Linux leaves it asleep. */
	CHECK_OK(uffd_range(fd, UFFDIO_WAKE, p, PAGE));
	CHECK_EQ(thread_result(t), SEGV_MAPERR);
}

static volatile int signals;

static void on_usr1(int sig)
{
	(void)sig;
	signals++;
}

TEST(userfault, signal_while_it_waits)
{
	struct sigaction act = { .sa_handler = on_usr1 };
	int fd = uffd_open(0, 0);
	char *p = map_rw(PAGE);
	pthread_t t;

	CHECK_OK(sigaction(SIGUSR1, &act, NULL));
	CHECK_OK(uffd_register(fd, p, PAGE, MISSING));
	t = thread_begin(uffd_read_byte, p);
	CHECK(uffd_fault(fd, NULL) == p);
	CHECK_EQ(pthread_kill(t, SIGUSR1), 0);
	/* The handler runs, and the access is made again. */
	CHECK(uffd_fault(fd, NULL) == p);
	CHECK_EQ(signals, 1);
	CHECK_OK(uffd_copy(fd, p, uffd_page_of('a'), PAGE, 0, NULL));
	CHECK_EQ(thread_result(t), 'a');
}

static void die_waiting(void)
{
	int fd = uffd_open(0, 0);
	char *p = map_rw(PAGE);

	CHECK_OK(uffd_register(fd, p, PAGE, MISSING));
	thread_begin(uffd_read_byte, p);
	uffd_fault(fd, NULL);
	kill(getpid(), SIGKILL);
}

static void exit_waiting(void)
{
	int fd = uffd_open(0, 0);
	char *p = map_rw(PAGE);

	CHECK_OK(uffd_register(fd, p, PAGE, MISSING));
	thread_begin(uffd_read_byte, p);
	uffd_fault(fd, NULL);
	_exit(3);
}

TEST(userfault, end_while_it_waits)
{
	CHECK_EQ(WTERMSIG(run_child(die_waiting)), SIGKILL);
	CHECK_EQ(WEXITSTATUS(run_child(exit_waiting)), 3);
}

/* --- the descriptor --- */

TEST(userfault, poll_and_read)
{
	int fd = uffd_open(0, 0), quick = uffd_open(O_NONBLOCK, 0);
	struct pollfd f = { .fd = fd, .events = POLLIN };
	void *volatile bad = (void *)8;
	struct uffd_msg m[4];
	char *p = map_rw(2 * PAGE);
	pthread_t t[2];

	CHECK_EQ(poll(&f, 1, 0), 1);
	CHECK_EQ(f.revents, POLLERR);
	f.fd = quick;
	CHECK_EQ(poll(&f, 1, 0), 0);
	CHECK_ERR(read(quick, m, sizeof(m)), EAGAIN);
	CHECK_ERR(read(quick, m, sizeof(m[0]) - 1), EINVAL);
	CHECK_OK(uffd_register(quick, p, 2 * PAGE, MISSING));
	t[0] = thread_begin(uffd_read_byte, p);
	CHECK_EQ(poll(&f, 1, -1), 1);
	CHECK_EQ(f.revents, POLLIN);
	CHECK_ERR(read(quick, bad, sizeof(m)), EFAULT);
	CHECK_OK(uffd_copy(quick, p, uffd_page_of('a'), PAGE, 0, NULL));
	CHECK_EQ(thread_result(t[0]), 'a');
	CHECK_EQ(poll(&f, 1, 0), 0);
}

TEST(userfault, feature_sigbus)
{
	int fd = uffd_open(O_NONBLOCK, UFFD_FEATURE_SIGBUS);
	char *p = map_rw(PAGE);

	CHECK_OK(uffd_register(fd, p, PAGE, MISSING));
	CHECK_BUS(p);
	CHECK_ERR(read(fd, uffd_page, sizeof(uffd_page)), EAGAIN);
	CHECK_OK(uffd_zero(fd, p, PAGE, 0));
	CHECK_READS(p);
}

static volatile pid_t reader_tid;

static void *thread_read_tid(void *p)
{
	reader_tid = (pid_t)syscall(SYS_gettid);
	return uffd_read_byte(p);
}

TEST(userfault, feature_thread_id)
{
	int fd = uffd_open(0, UFFD_FEATURE_THREAD_ID);
	char *p = map_rw(PAGE);
	struct uffd_msg m;
	pthread_t t;

	CHECK_OK(uffd_register(fd, p, PAGE, MISSING));
	t = thread_begin(thread_read_tid, p);
	CHECK_EQ(read(fd, &m, sizeof(m)), sizeof(m));
	CHECK_EQ(m.arg.pagefault.feat.ptid, reader_tid);
	CHECK_OK(uffd_zero(fd, p, PAGE, 0));
	thread_join(t);
}

/* User-level paging: system calls, fork, other processes, many threads, write protection. */
#include "userfault.h"
#include "swap.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* --- system calls that touch it --- */

struct transfer {
	int fd;
	void *p;
};

static void *thread_sysread(void *arg)
{
	struct transfer *x = arg;
	long n = read(x->fd, x->p, 3);

	return (void *)(n < 0 ? -errno : n);
}

TEST(userfault, system_call_waits)
{
	int fd = uffd_open(0, 0), pipes[2];
	char *p = map_rw(PAGE);
	struct transfer x = { .p = p + 10 };
	pthread_t t;

	CHECK_OK(pipe(pipes));
	CHECK_EQ(write(pipes[1], "abc", 3), 3);
	x.fd = pipes[0];
	CHECK_OK(uffd_register(fd, p, PAGE, MISSING));
	t = thread_begin(thread_sysread, &x);
	CHECK(uffd_fault(fd, NULL) == p);
	CHECK_OK(uffd_copy(fd, p, uffd_page_of('x'), PAGE, 0, NULL));
	CHECK_EQ(thread_result(t), 3);
	CHECK(!memcmp(p + 9, "xabcx", 5));
}

TEST(userfault, user_mode_only)
{
	int fd = uffd_open(UFFD_USER_MODE_ONLY, 0), pipes[2];
	char *p = map_rw(PAGE);
	pthread_t t;

	CHECK_OK(pipe(pipes));
	CHECK_EQ(write(pipes[1], "abc", 3), 3);
	CHECK_OK(uffd_register(fd, p, PAGE, MISSING));
	CHECK_ERR(read(pipes[0], p, 3), EFAULT);
	t = thread_begin(uffd_read_byte, p);
	CHECK(uffd_fault(fd, NULL) == p);
	CHECK_OK(uffd_copy(fd, p, uffd_page_of('x'), PAGE, 0, NULL));
	CHECK_EQ(thread_result(t), 'x');
}

TEST(userfault, fork_leaves_it)
{
	int fd = uffd_open(O_NONBLOCK, 0);
	char *p = map_rw(2 * PAGE);

	CHECK_OK(uffd_register(fd, p, 2 * PAGE, MISSING));
	CHECK_OK(uffd_copy(fd, p, uffd_page_of('a'), PAGE, 0, NULL));
	pid_t pid = child();
	if (pid == 0) {
		CHECK_EQ(p[0], 'a');
		CHECK_EQ(p[PAGE], 0);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_ERR(read(fd, uffd_page, sizeof(uffd_page)), EAGAIN);
	/* The parent's is as before. */
	CHECK_OK(uffd_copy(fd, p + PAGE, uffd_page_of('b'), PAGE, 0, NULL));
	CHECK_EQ(p[PAGE], 'b');
}

TEST(userfault, mremap_leaves_it)
{
	int fd = uffd_open(O_NONBLOCK, 0);
	char *p = map_rw(2 * PAGE), *to = map_rw(2 * PAGE);

	CHECK_OK(uffd_register(fd, p, 2 * PAGE, MISSING));
	CHECK_OK(uffd_copy(fd, p, uffd_page_of('a'), PAGE, 0, NULL));
	CHECK(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	CHECK_EQ(to[0], 'a');
	CHECK_EQ(to[PAGE], 0);
	CHECK_ERR(uffd_copy(fd, p, uffd_page, PAGE, 0, NULL), ENOENT);
}

TEST(userfault, another_process_pages)
{
	int fd = uffd_open(0, 0);
	char *p = map_rw(PAGE);

	CHECK_OK(uffd_register(fd, p, PAGE, MISSING));
	pid_t pid = child();
	if (pid == 0) {
		CHECK(uffd_fault(fd, NULL) == p);
		CHECK_OK(uffd_copy(fd, p, uffd_page_of('c'), PAGE, 0, NULL));
		_exit(0);
	}
	CHECK_EQ(p[7], 'c');
	expect_exit(pid, 0);
}

TEST(userfault, space_is_gone)
{
	char control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec iov = { uffd_page, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	char *p = map_rw(PAGE);
	int pair[2], fd;

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid_t pid = child();
	if (pid == 0) {
		fd = uffd_open(0, 0);
		CHECK_OK(uffd_register(fd, p, PAGE, MISSING));
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		*c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
				       .cmsg_len = CMSG_LEN(sizeof(int)) };
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
		CHECK_EQ(sendmsg(pair[1], &m, 0), 1);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_EQ(recvmsg(pair[0], &m, 0), 1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	CHECK_ERR(uffd_copy(fd, p, uffd_page, PAGE, 0, NULL), ESRCH);
	CHECK_ERR(uffd_zero(fd, p, PAGE, 0), ESRCH);
	CHECK_ERR(uffd_register(fd, p, PAGE, MISSING), ENOMEM);
	CHECK_EQ(p[0], 0);
}

/* --- many at once --- */

#define MANY 256

static void *thread_sum(void *arg)
{
	char *p = arg;
	long wrong = 0;

	for (int i = 0; i < MANY; i++)
		wrong += p[i * PAGE] != (char)i;
	return (void *)wrong;
}

TEST(userfault, many_threads)
{
	int fd = uffd_open(O_NONBLOCK, 0);
	struct pollfd f = { .fd = fd, .events = POLLIN };
	char *p = map_rw(MANY * PAGE);
	pthread_t t[4];

	CHECK_OK(uffd_register(fd, p, MANY * PAGE, MISSING));
	for (int i = 0; i < 4; i++)
		t[i] = thread_begin(thread_sum, p);
	for (int left = MANY; left;) {
		struct uffd_msg m[8];

		CHECK_EQ(poll(&f, 1, -1), 1);
		long n = read(fd, m, sizeof(m));
		if (n < 0)
			CHECK_EQ(errno, EAGAIN);
		for (long i = 0; i < n / (long)sizeof(m[0]); i++) {
			char *at = (char *)(uintptr_t)m[i].arg.pagefault.address;
			const void *from = uffd_page_of((char)((at - p) / PAGE));

			/* Others have waited for the same page. */
			if (uffd_copy(fd, at, from, PAGE, 0, NULL)) {
				CHECK_EQ(errno, EEXIST);
				CHECK_OK(uffd_range(fd, UFFDIO_WAKE, at, PAGE));
			} else {
				left--;
			}
		}
	}
	for (int i = 0; i < 4; i++)
		CHECK_EQ(thread_result(t[i]), 0);
}

TEST(userfault, large_page)
{
	int fd = uffd_open(0, 0);
	char *p = map_anon(2 * SPAN, RW, ANON);
	char *at = (char *)(((uintptr_t)p + SPAN - 1) & ~(SPAN - 1));
	pthread_t t;

	(void)madvise(at, SPAN, MADV_HUGEPAGE);
	memset(at, 'h', SPAN);
	CHECK_OK(uffd_register(fd, at, SPAN, MISSING));
	CHECK_EQ(at[SPAN / 2], 'h');
	CHECK_OK(madvise(at, SPAN, MADV_DONTNEED));
	/* Not all of it at once. */
	t = thread_begin(uffd_write_byte, at);
	CHECK(uffd_fault(fd, NULL) == at);
	CHECK_OK(uffd_copy(fd, at, uffd_page_of('a'), PAGE, 0, NULL));
	thread_join(t);
	t = thread_begin(uffd_write_byte, at + PAGE);
	CHECK(uffd_fault(fd, NULL) == at + PAGE);
	CHECK_OK(uffd_zero(fd, at + PAGE, PAGE, 0));
	thread_join(t);
}

/* --- write protection --- */

TEST(userfault, wp_faults)
{
	int fd = uffd_open_wp();
	char *p = map_rw(2 * PAGE);
	uint64_t flags;
	pthread_t t;

	memset(p, 'x', 2 * PAGE);
	CHECK_ERR(uffd_protect(fd, p, PAGE, UFFDIO_WRITEPROTECT_MODE_WP), ENOENT);
	CHECK_OK(uffd_register(fd, p, 2 * PAGE, WP));
	CHECK_ERR(uffd_protect(fd, p, PAGE, 4), EINVAL);
	CHECK_ERR(uffd_protect(fd, p, PAGE, 3), EINVAL);
	p[0] = 'y'; /* not yet */
	CHECK_OK(uffd_protect(fd, p, PAGE, UFFDIO_WRITEPROTECT_MODE_WP));
	CHECK_EQ(p[0], 'y');
	p[PAGE] = 'y';
	t = thread_begin(uffd_write_byte, p);
	CHECK(uffd_fault(fd, &flags) == p);
	CHECK_EQ(flags, UFFD_PAGEFAULT_FLAG_WRITE | UFFD_PAGEFAULT_FLAG_WP);
	CHECK_EQ(p[0], 'y');
	CHECK_OK(uffd_protect(fd, p, PAGE, 0));
	thread_join(t);
	CHECK_EQ(p[0], 'w');
	CHECK_EQ(p[1], 'x');
}

TEST(userfault, wp_of_copies)
{
	int fd = uffd_open_wp();
	char *p = map_rw(2 * PAGE);
	pthread_t t;

	CHECK_OK(uffd_register(fd, p, PAGE, MISSING));
	CHECK_ERR(uffd_copy(fd, p, uffd_page, PAGE, UFFDIO_COPY_MODE_WP, NULL), EINVAL);
	CHECK_OK(uffd_register(fd, p, 2 * PAGE, MISSING | WP));
	CHECK_OK(uffd_copy(fd, p, uffd_page_of('a'), PAGE, UFFDIO_COPY_MODE_WP, NULL));
	CHECK_EQ(p[0], 'a');
	/* Protection by others comes and goes; this one stays. */
	CHECK_OK(mprotect(p, PAGE, PROT_NONE));
	CHECK_OK(mprotect(p, PAGE, RW));
	t = thread_begin(uffd_write_byte, p);
	CHECK(uffd_fault(fd, NULL) == p);
	CHECK_OK(uffd_protect(fd, p, PAGE, 0));
	thread_join(t);
	/* Zeros that were read. */
	CHECK_OK(uffd_zero(fd, p + PAGE, PAGE, 0));
	CHECK_OK(uffd_protect(fd, p + PAGE, PAGE, UFFDIO_WRITEPROTECT_MODE_WP));
	t = thread_begin(uffd_write_byte, p + PAGE);
	CHECK(uffd_fault(fd, NULL) == p + PAGE);
	CHECK_OK(uffd_protect(fd, p + PAGE, PAGE, 0));
	thread_join(t);
	CHECK_EQ(p[PAGE + 1], 0);
}

TEST(userfault, wp_ends)
{
	int fd = uffd_open_wp();
	char *p = map_rw(3 * PAGE);

	memset(p, 'x', 3 * PAGE);
	CHECK_OK(uffd_register(fd, p, 3 * PAGE, WP));
	CHECK_OK(uffd_protect(fd, p, 3 * PAGE, UFFDIO_WRITEPROTECT_MODE_WP));
	/* A child is not watched, nor what was registered. */
	pid_t pid = child();
	if (pid == 0) {
		p[0] = 'c';
		_exit(p[0] == 'c' && p[1] == 'x' ? 0 : 1);
	}
	expect_exit(pid, 0);
	CHECK_OK(uffd_range(fd, UFFDIO_UNREGISTER, p, PAGE));
	p[0] = 'y';
	CHECK_OK(uffd_register(fd, p, PAGE, WP));
	p[0] = 'z';
	close(fd);
	p[PAGE] = 'y';
	CHECK_EQ(p[PAGE + 1], 'x');
}

TEST(userfault, wp_swapped, .root = true)
{
	int fd = uffd_open_wp();
	char *p = map_rw(4 * PAGE);
	bool ours = swap_begin();
	pthread_t t;

	for (int i = 0; i < 4; i++)
		p[i * PAGE] = (char)('a' + i);
	CHECK_OK(uffd_register(fd, p, 4 * PAGE, MISSING | WP));
	CHECK_OK(uffd_protect(fd, p, 2 * PAGE, UFFDIO_WRITEPROTECT_MODE_WP));
	CHECK_OK(madvise(p, 4 * PAGE, MADV_PAGEOUT));
	/* Protected in its slot, read back, and written to before it is read. */
	CHECK_OK(uffd_protect(fd, p + 2 * PAGE, PAGE, UFFDIO_WRITEPROTECT_MODE_WP));
	CHECK_EQ(p[0], 'a');
	p[3 * PAGE] = 'w';
	for (int i = 0; i < 3; i++) {
		t = thread_begin(uffd_write_byte, p + i * PAGE + 1);
		CHECK(uffd_fault(fd, NULL) == p + i * PAGE);
		CHECK_OK(uffd_protect(fd, p + i * PAGE, PAGE, 0));
		thread_join(t);
		CHECK_EQ(p[i * PAGE], 'a' + i);
		CHECK_EQ(p[i * PAGE + 1], 'w');
	}
	swap_end(ours);
}

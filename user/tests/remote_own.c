/* Who looks into the memory of another process keeps to its own meanwhile. */
#include "userfault.h"

#include <linux/kcmp.h>
#include <sys/uio.h>

#define SYS_process_madvise_ 440
#define SYS_pidfd_open_	     434

static bool same_memory(pid_t a, pid_t b)
{
	return !CHECK_OK(syscall(SYS_kcmp, a, b, KCMP_VM, 0, 0));
}

static void adj_write(const char *value)
{
	int fd = (int)CHECK_OK(open("/proc/self/oom_score_adj", O_WRONLY));

	CHECK_OK(write(fd, value, strlen(value)));
	CHECK_OK(close(fd));
}

static void adj_expect(pid_t pid, const char *value)
{
	char path[40], text[16] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
	fd = (int)CHECK_OK(open(path, O_RDONLY));
	CHECK_OK(read(fd, text, sizeof(text) - 1));
	CHECK_STR(text, value);
	CHECK_OK(close(fd));
}

/* The reader waits in the middle of it, for a page that we have not brought yet. */
TEST(remote, reader_keeps_its_own, .root = true)
{
	int fd = uffd_open(0, 0);
	char *p = map_rw(PAGE), c = 0;
	pid_t pid, me = getpid();

	CHECK_OK(uffd_register(fd, p, PAGE, MISSING));
	pid = child();
	if (!pid) {
		struct iovec own = { &c, 1 }, there = { p, 1 };

		CHECK_EQ(process_vm_readv(me, &own, 1, &there, 1, 0), 1);
		CHECK_EQ(c, 'r');
		_exit(0);
	}
	CHECK(uffd_fault(fd, NULL) == p);
	CHECK(!same_memory(me, pid));
	CHECK(same_memory(pid, pid));
	/* Said of us, and of those who share our memory. */
	adj_write("70");
	adj_expect(me, "70\n");
	adj_expect(pid, "0\n");
	adj_write("0");
	CHECK_OK(uffd_copy(fd, p, uffd_page_of('r'), PAGE, 0, NULL));
	expect_exit(pid, 0);
}

TEST(remote, adviser_keeps_its_own, .root = true)
{
	struct iovec v = { map_rw(64 * PAGE), 64 * PAGE };
	pid_t pid, me = getpid();
	struct gate gate;

	memset(v.iov_base, 'a', v.iov_len);
	gate_make(&gate);
	pid = child();
	if (!pid) {
		int fd = (int)CHECK_OK(syscall(SYS_pidfd_open_, me, 0));

		gate_open(&gate);
		for (;;)
			CHECK_EQ(syscall(SYS_process_madvise_, fd, &v, 1, MADV_WILLNEED, 0),
				 v.iov_len);
	}
	gate_pass(&gate);
	for (int i = 0; i < 5000; i++)
		CHECK(!same_memory(me, pid));
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
	gate_close(&gate);
}

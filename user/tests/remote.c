/* The memory of other processes: process_vm_readv, process_vm_writev, /proc/PID/mem. */
#include "ut.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#define PAGE ((size_t)sysconf(_SC_PAGESIZE))

static char *map(size_t pages, int prot)
{
	char *at = mmap(NULL, pages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(at != MAP_FAILED);
	return at;
}

/* A child that shares nothing with us and waits to be killed. */
static pid_t sleeper(void (*prepare)(void))
{
	struct gate gate;

	gate_make(&gate);
	pid_t pid = child();
	if (pid == 0) {
		if (prepare)
			prepare();
		gate_open(&gate);
		for (;;)
			pause();
	}
	gate_pass(&gate);
	gate_close(&gate);
	return pid;
}

static void end(pid_t pid)
{
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

static char *shared_place;

static void fill_place(void)
{
	pattern_fill(shared_place, 3 * PAGE, 5, 0);
}

TEST(remote, reads_and_writes)
{
	char *own = map(3, PROT_READ | PROT_WRITE);

	shared_place = map(3, PROT_READ | PROT_WRITE);
	pid_t pid = sleeper(fill_place);
	struct iovec l = {own, 3 * PAGE}, r = {shared_place, 3 * PAGE};
	CHECK_EQ(process_vm_readv(pid, &l, 1, &r, 1, 0), 3 * PAGE);
	pattern_check(own, 3 * PAGE, 5, 0);
	/* In pieces that meet at no page's border. */
	memset(own, 0, 3 * PAGE);
	struct iovec ls[2] = {{own, 100}, {own + 100, 2 * PAGE}};
	struct iovec rs[3] = {{shared_place, 1},
			      {shared_place + 1, PAGE},
			      {shared_place + 1 + PAGE, 50}};
	CHECK_EQ(process_vm_readv(pid, ls, 2, rs, 3, 0), PAGE + 51);
	pattern_check(own, PAGE + 51, 5, 0);
	CHECK_EQ(own[PAGE + 51], 0);
	/* What we write there is ours to read back, and not our own memory. */
	memset(own, 'w', PAGE);
	l = (struct iovec){own, 10};
	r = (struct iovec){shared_place + PAGE - 5, 10};
	CHECK_EQ(process_vm_writev(pid, &l, 1, &r, 1, 0), 10);
	CHECK_EQ(shared_place[PAGE - 1], 0);
	memset(own, 0, PAGE);
	CHECK_EQ(process_vm_readv(pid, &l, 1, &r, 1, 0), 10);
	CHECK_EQ(memcmp(own, "wwwwwwwwww", 10), 0);
	end(pid);
}

TEST(remote, short_where_memory_ends)
{
	char *own = map(2, PROT_READ | PROT_WRITE), *there = map(2, PROT_READ | PROT_WRITE);

	CHECK_OK(munmap(there + PAGE, PAGE));
	memset(there, 's', PAGE);
	pid_t pid = sleeper(NULL);
	struct iovec l = {own, 2 * PAGE}, r = {there, 2 * PAGE};
	CHECK_EQ(process_vm_readv(pid, &l, 1, &r, 1, 0), PAGE);
	CHECK_EQ(own[PAGE - 1], 's');
	r = (struct iovec){there + PAGE, 1};
	CHECK_ERR(process_vm_readv(pid, &l, 1, &r, 1, 0), EFAULT);
	end(pid);
}

static char *guarded;

static void guard(void)
{
	CHECK_OK(mprotect(guarded, PAGE, PROT_READ));
	CHECK_OK(mprotect(guarded + PAGE, PAGE, PROT_NONE));
}

TEST(remote, protection_holds)
{
	char c = 'c';

	guarded = map(2, PROT_READ | PROT_WRITE);
	guarded[0] = guarded[PAGE] = 'g';
	pid_t pid = sleeper(guard);
	struct iovec l = {&c, 1}, r = {guarded, 1};
	CHECK_ERR(process_vm_writev(pid, &l, 1, &r, 1, 0), EFAULT);
	CHECK_EQ(process_vm_readv(pid, &l, 1, &r, 1, 0), 1);
	r.iov_base = guarded + PAGE;
	CHECK_ERR(process_vm_readv(pid, &l, 1, &r, 1, 0), EFAULT);
	end(pid);
}

TEST(remote, errors)
{
	char c = 'c';
	struct iovec l = {&c, 1}, r = {&c, 1};

	CHECK_ERR(process_vm_readv(getpid(), &l, 1, &r, 1, 1), EINVAL);
	CHECK_ERR(process_vm_readv(0x3fffff, &l, 1, &r, 1, 0), ESRCH);
	CHECK_ERR(process_vm_readv(getpid(), &l, 1025, &r, 1, 0), EINVAL);
	CHECK_ERR(process_vm_readv(getpid(), &l, 1, &r, 1025, 0), EINVAL);
	CHECK_ERR(syscall(SYS_process_vm_readv, getpid(), 8, 1, &r, 1, 0), EFAULT);
	CHECK_ERR(syscall(SYS_process_vm_readv, getpid(), &l, 1, 8, 1, 0), EFAULT);
	CHECK_EQ(process_vm_readv(getpid(), &l, 0, &r, 1, 0), 0);
	CHECK_EQ(process_vm_readv(getpid(), &l, 1, &r, 0, 0), 0);
	CHECK_EQ(process_vm_readv(getpid(), &l, 1, &r, 1, 0), 1);
}

static void undump(void)
{
	become_user();
	prctl(PR_SET_DUMPABLE, 0);
}

TEST(remote, needs_permission, .root = true)
{
	char c = 'c';
	struct iovec l = {&c, 1}, r = {&c, 1};
	pid_t root = sleeper(NULL), hidden = sleeper(undump);

	pid_t pid = child();
	if (pid == 0) {
		become_user();
		CHECK_ERR(process_vm_readv(root, &l, 1, &r, 1, 0), EPERM);
		CHECK_ERR(process_vm_writev(root, &l, 1, &r, 1, 0), EPERM);
		CHECK_ERR(process_vm_readv(hidden, &l, 1, &r, 1, 0), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_EQ(process_vm_readv(hidden, &l, 1, &r, 1, 0), 1);
	end(root);
	end(hidden);
}

TEST(remote, proc_mem_forces, .root = true)
{
	char path[64], c;

	guarded = map(2, PROT_READ | PROT_WRITE);
	guarded[0] = guarded[PAGE] = 'g';
	pid_t pid = sleeper(guard);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	int fd = (int)CHECK_OK(open(path, O_RDWR));
	CHECK_EQ(pwrite(fd, "W", 1, (off_t)guarded), 1);
	CHECK_EQ(pread(fd, &c, 1, (off_t)guarded), 1);
	CHECK_EQ(c, 'W');
	CHECK_EQ(guarded[0], 'g');
	/* Read as well where the program itself may not. */
	CHECK_EQ(pread(fd, &c, 1, (off_t)(guarded + PAGE)), 1);
	CHECK_EQ(c, 'g');
	CHECK_ERR(pread(fd, &c, 1, 8), EIO);
	end(pid);
	CHECK_EQ(pread(fd, &c, 1, (off_t)guarded), 0);
}

TEST(remote, proc_mem_bad_buffer)
{
	static char there[16] = "where it lies";
	int fd = (int)CHECK_OK(open("/proc/self/mem", O_RDWR));
	char *gone = map(1, PROT_READ | PROT_WRITE);

	CHECK_OK(munmap(gone, PAGE));
	CHECK_ERR(pread(fd, gone, sizeof(there), (off_t)there), EFAULT);
	CHECK_ERR(pwrite(fd, gone, sizeof(there), (off_t)there), EFAULT);
	CHECK_EQ(strcmp(there, "where it lies"), 0);
	CHECK_OK(close(fd));
}

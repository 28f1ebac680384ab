/*
 * nomem: every allocation that a call makes fails once, the n-th for every n, until the call makes
 * fewer than n. The call must fail as the manual says or succeed all the same, what was there
 * before must be there still, and nothing may be lost. Debug kernels of xv39 only, see
 * tests/kernel/inject.h; the audit after each test (main.c) sums up the kernel's memory.
 */
#include "nomem.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#define DOOR "/proc/sys/debug/fail_alloc"
#define MANY 4000	/* no call makes so many allocations */

static int door = -1;

void door_open(void)
{
	door = open(DOOR, O_RDWR | O_CLOEXEC);
	if (door < 0)
		SKIP("the kernel cannot be made to fail allocations");
}

static void arm(int n)
{
	char text[16];
	int size = snprintf(text, sizeof(text), "%d", n);

	CHECK_EQ(pwrite(door, text, (size_t)size, 0), size);
}

/* Whether an allocation has failed since. */
static bool disarm(void)
{
	char text[32] = "";
	unsigned int count, failed;

	CHECK_GE(pread(door, text, sizeof(text) - 1, 0), 4);
	CHECK_EQ(sscanf(text, "%u %u", &count, &failed), 2);
	return failed;
}

/* Objects in use in all of the kernel's caches together; -1: it does not say. */
static long slab_objects(void)
{
	FILE *file = fopen("/proc/slabinfo", "re");
	char line[256], name[64];
	long sum = 0, active;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %ld", name, &active) == 2 && name[0] != '#')
			sum += active;
	fclose(file);
	return sum;
}

/* One round: for every n until nothing fails. Returns how many there were. */
static int fail_each(const struct failing_call *c)
{
	for (int n = 1; n < MANY; n++) {
		bool failed;
		long result;
		int error;

		if (c->before)
			c->before();
		arm(n);
		errno = 0;
		result = c->run();
		error = errno;
		failed = disarm();
		if (result < 0 && !failed)
			FAIL("%s fails with %s, but no allocation did", c->name,
			     strerrorname_np(error));
		if (result < 0 && error != ENOMEM && error != EAGAIN && error != ENOSPC &&
		    error != ENFILE && error != ENOBUFS)
			FAIL("%s: allocation %d failed, the error is %s", c->name, n,
			     strerrorname_np(error));
		if (result >= 0 && c->after)
			c->after(result);
		if (c->intact)
			c->intact();
		if (!failed)
			return n - 1;
	}
	FAIL("%s: no end of allocations", c->name);
}

/* Rounds until one leaves as many objects as it found: caches of names and such fill up first. */
void fail_all(const struct failing_call *c)
{
	for (int round = 0; round < 8; round++) {
		long before = slab_objects();

		if (fail_each(c) < 1 && !c->may_need_none)
			FAIL("%s makes no allocation that could fail", c->name);
		/* Others may end just then, and are freed a moment later. */
		for (int i = 0; i < 50; i++) {
			if (slab_objects() <= before)
				return;
			usleep(2000);
		}
	}
	FAIL("%s: objects stay allocated after each round", c->name);
}

/* --- memory with known contents, which every call must leave alone --- */

#define PAGES 40
static unsigned char *memory;

void memory_make(void)
{
	memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	CHECK(memory != MAP_FAILED);
	for (size_t i = 0; i < PAGES; i += 2)
		memset(memory + i * PAGE, (int)i + 1, PAGE);
}

void memory_intact(void)
{
	for (size_t i = 0; i < PAGES; i++) {
		CHECK_EQ(memory[i * PAGE], i % 2 ? 0 : i + 1);
		CHECK_EQ(memory[i * PAGE + PAGE - 1], i % 2 ? 0 : i + 1);
	}
}

/* Writable as well, each page with the value it has. */
static void memory_writable(void)
{
	memory_intact();
	for (size_t i = 0; i < PAGES; i += 2)
		*(volatile unsigned char *)(memory + i * PAGE) = (unsigned char)(i + 1);
}

/* --- processes --- */

static long run_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(memory[0] == 1 && memory[PAGE] == 0 ? 0 : 1);
	return pid;
}

static void after_fork(long pid)
{
	expect_exit((pid_t)pid, 0);
}

TEST(nomem, fork, .seconds = 300)
{
	static const struct failing_call call = {
		.name = "fork", .run = run_fork, .after = after_fork, .intact = memory_writable };

	door_open();
	memory_make();
	fail_all(&call);
}

/* A space with more: many areas, files, a shared one, threads' stacks would be in. */
TEST(nomem, fork_many_areas, .seconds = 300)
{
	static const struct failing_call call = {
		.name = "fork", .run = run_fork, .after = after_fork, .intact = memory_writable };

	door_open();
	memory_make();
	for (int i = 0; i < 30; i++) {
		char *p = mmap((void *)(0x200000000UL + (unsigned long)i * (64UL << 20)), PAGE,
			       PROT_READ | PROT_WRITE,
			       (i % 2 ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS | MAP_FIXED, -1,
			       0);

		CHECK(p != MAP_FAILED);
		*p = 1;
	}
	fail_each(&call);
}

static void *thread_body(void *arg)
{
	return arg;
}

static pthread_t thread_id;

static long run_thread(void)
{
	int error = pthread_create(&thread_id, NULL, thread_body, &door);

	errno = error;
	return error ? -1 : 0;
}

static void after_thread(long result)
{
	void *value = NULL;

	(void)result;
	CHECK_EQ(pthread_join(thread_id, &value), 0);
	CHECK(value == &door);
}

TEST(nomem, thread, .seconds = 300)
{
	static const struct failing_call call = {
		.name = "pthread_create", .run = run_thread, .after = after_thread };

	door_open();
	fail_all(&call);
}

/*
 * exec, in a child: it fails with nothing changed, or succeeds, or past the point of no return the
 * child is killed, as by Linux. flags: what the child has in common with us (clone(2)).
 */
static bool exec_once(const char *path, unsigned long flags, int n)
{
	char fd[16];
	pid_t pid = (pid_t)CHECK_OK(syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0));
	int status;

	if (pid == 0) {
		snprintf(fd, sizeof(fd), "%d", door);
		arm(n);
		execl(path, "usertests", "--helper", "disarm", fd, NULL);
		if (errno != ENOMEM || !disarm())
			FAIL("exec fails with %s", strerrorname_np(errno));
		memory_writable();
		_exit(1);
	}
	status = status_of(pid);
	/* 127: the new program was there, and its start-up went without what it needs. */
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return true;
	if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGSEGV))
		return true;
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
	return WEXITSTATUS(status) == 1;
}

/* Until one round leaves as many objects as it found, as fail_all. */
static void exec_failing(const char *path, unsigned long flags)
{
	door_open();
	fcntl(door, F_SETFD, 0);
	memory_make();
	/* The start-up complains there. */
	CHECK_OK(dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 2));
	for (int round = 0; round < 8; round++) {
		long before = slab_objects();
		int n = 1;

		while (exec_once(path, flags, n) && n < MANY)
			n++;
		CHECK(n < MANY);
		for (int i = 0; i < 50; i++) {
			if (slab_objects() <= before)
				return;
			usleep(2000);
		}
	}
	FAIL("objects stay allocated after each round");
}

TEST(nomem, exec, .seconds = 300)
{
	exec_failing(self_path(), 0);
}

/* A program with more powers leaves the directory that its caller shares, as all do the files. */
TEST(nomem, exec_shared, .root = true, .seconds = 300)
{
	self_copy("suid", 04755);
	exec_failing("./suid", CLONE_FILES | CLONE_FS);
}

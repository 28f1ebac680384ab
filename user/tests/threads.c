/* Threads in one address space: what one changes, all see before its call returns. */
#include "vmlib.h"

#include <linux/futex.h>
#include <sched.h>
#include <setjmp.h>

/* Each change costs a fence on all harts, which takes long where they are simulated. */
#define MANY 4

static char *volatile area;
static volatile int stop, ready;
static volatile unsigned long count[8];

/* Runs until something faults: then the thread ends, having said which fault it was. */
static __thread sigjmp_buf out;
static volatile int codes[8];

static void leave(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	siglongjmp(out, info->si_code);
}

static void catch_faults(void)
{
	struct sigaction sa = { .sa_sigaction = leave, .sa_flags = SA_SIGINFO | SA_NODEFER };

	CHECK_OK(sigaction(SIGSEGV, &sa, NULL));
}

static void *read_until_fault(void *arg)
{
	size_t self = (size_t)arg;
	int code = sigsetjmp(out, 0);

	if (code == 0) {
		__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
		for (;;) {
			(void)*(volatile char *)area;
			count[self]++;
		}
	}
	codes[self] = code;
	return NULL;
}

static void *write_until_fault(void *arg)
{
	size_t self = (size_t)arg;
	int code = sigsetjmp(out, 0);

	if (code == 0) {
		__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
		for (;;)
			((volatile uint64_t *)area)[self] = ++count[self];
	}
	codes[self] = code;
	return NULL;
}

static void wait_ready(int n)
{
	while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) < n)
		sched_yield();
}

static void begin(pthread_t *t, size_t n, void *(*fn)(void *))
{
	catch_faults();
	ready = 0;
	for (size_t i = 0; i < n; i++)
		t[i] = thread_begin(fn, (void *)i);
	wait_ready((int)n);
}

static void end(pthread_t *t, size_t n, int code)
{
	for (size_t i = 0; i < n; i++) {
		thread_join(t[i]);
		CHECK_EQ(codes[i], code);
	}
}

TEST(threads, munmap_is_seen_by_all)
{
	pthread_t t[MANY];

	area = map_rw(PAGE);
	begin(t, MANY, read_until_fault);
	CHECK_OK(munmap(area, PAGE));
	end(t, MANY, SEGV_MAPERR);
}

TEST(threads, mprotect_none_is_seen_by_all)
{
	pthread_t t[MANY];

	area = map_rw(PAGE);
	begin(t, MANY, read_until_fault);
	CHECK_OK(mprotect(area, PAGE, PROT_NONE));
	end(t, MANY, SEGV_ACCERR);
}

TEST(threads, mprotect_read_is_seen_by_writers)
{
	pthread_t t[MANY];
	uint64_t last[MANY];

	area = map_rw(PAGE);
	begin(t, MANY, write_until_fault);
	CHECK_OK(mprotect(area, PAGE, RO));
	/* From here on not one store may arrive. */
	memcpy(last, area, sizeof(last));
	end(t, MANY, SEGV_ACCERR);
	CHECK_EQ(memcmp(area, last, sizeof(last)), 0);
}

TEST(threads, fork_is_a_moment)
{
	/* A thread counts in two pages, the second after the first: the child sees one moment. */
	pthread_t t;
	volatile uint64_t *a, *b;

	area = map_rw(2 * PAGE);
	begin(&t, 1, write_until_fault);
	a = (volatile uint64_t *)area;
	for (int i = 0; i < 10; i++) {
		pid_t pid = child();

		if (pid == 0) {
			uint64_t value = a[0];

			for (int k = 0; k < 1000; k++)
				CHECK_EQ(a[0], value);
			_exit(0);
		}
		expect_exit(pid, 0);
	}
	b = a + 512;
	CHECK_EQ(*b, 0);
	CHECK_OK(munmap(area, 2 * PAGE));
	end(&t, 1, SEGV_MAPERR);
}

/* First the second page, then the first: never is the first ahead of the second. */
static void *write_in_order(void *arg)
{
	volatile uint64_t *p = arg;

	__atomic_store_n(&ready, 1, __ATOMIC_SEQ_CST);
	for (uint64_t i = 1; !stop; i++) {
		__atomic_store_n(&p[512], i, __ATOMIC_SEQ_CST);
		__atomic_store_n(&p[0], i, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

TEST(threads, fork_keeps_order_of_stores)
{
	/* Also when the two pages lie in different leaf tables, both of them full. */
	char *p = map_at(ARENA, 4 * SPAN, RW, ANON | MAP_FIXED | MAP_NORESERVE, -1, 0);
	pthread_t t;

	CHECK_OK(madvise(p, 4 * SPAN, MADV_NOHUGEPAGE));
	tag_pages(p + SPAN - 150 * PAGE, 300, 1);
	t = thread_begin(write_in_order, p + SPAN - PAGE);
	wait_ready(1);
	for (int i = 0; i < 12; i++) {
		pid_t pid = child();

		if (pid == 0) {
			volatile uint64_t *a = (volatile uint64_t *)(p + SPAN - PAGE);
			uint64_t first = a[0], second = a[512];

			CHECK(first <= second && second <= first + 1);
			CHECK_EQ(a[0], first);
			CHECK_EQ(a[512], second);
			check_tags(p + SPAN - 150 * PAGE, 149, 1);
			_exit(0);
		}
		expect_exit(pid, 0);
	}
	stop = 1;
	thread_join(t);
}

TEST(threads, remap_is_seen_by_all)
{
	/* Another page at the same address: nobody goes on with the old one. */
	pthread_t t[MANY];

	area = map_rw(PAGE);
	begin(t, MANY, write_until_fault);
	for (int i = 0; i < 10; i++)
		map_at(area, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	map_at(area, PAGE, RO, ANON | MAP_FIXED, -1, 0);
	check_zero(area, PAGE);
	end(t, MANY, SEGV_ACCERR);
	check_zero(area, PAGE);
}

TEST(threads, mremap_is_seen_by_all)
{
	pthread_t t[MANY];
	uint64_t last[MANY];
	char *to = map_rw(PAGE);

	area = map_rw(PAGE);
	begin(t, MANY, write_until_fault);
	CHECK(mremap(area, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	memcpy(last, to, sizeof(last));
	end(t, MANY, SEGV_MAPERR);
	CHECK_EQ(memcmp(to, last, sizeof(last)), 0);
}

TEST(threads, dontneed_is_seen_by_all)
{
	pthread_t t[2];

	area = map_rw(PAGE);
	begin(t, 2, read_until_fault);
	for (int i = 0; i < 10; i++) {
		((volatile char *)area)[100] = 1;
		CHECK_OK(madvise(area, PAGE, MADV_DONTNEED));
		CHECK_EQ(((volatile char *)area)[100], 0);
	}
	CHECK_OK(munmap(area, PAGE));
	end(t, 2, SEGV_MAPERR);
}

static void *fault_own_pages(void *arg)
{
	size_t self = (size_t)arg;

	/* Neighbouring pages belong to different threads: all work in the same tables. */
	for (size_t i = self; i < 800; i += MANY)
		tag_pages(area + i * PAGE, 1, i);
	for (size_t i = self; i < 800; i += MANY)
		check_tags(area + i * PAGE, 1, i);
	return NULL;
}

TEST(threads, faults_in_parallel)
{
	pthread_t t[MANY];

	area = map_at(ARENA + SPAN - 400 * PAGE, 800 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	for (size_t i = 0; i < MANY; i++)
		t[i] = thread_begin(fault_own_pages, (void *)i);
	for (size_t i = 0; i < MANY; i++)
		thread_join(t[i]);
	for (size_t i = 0; i < 800; i++)
		check_tags(area + i * PAGE, 1, i);
}

static pthread_barrier_t barrier;

static void *fault_same_pages(void *arg)
{
	size_t self = (size_t)arg;

	for (size_t i = 0; i < 60; i++) {
		pthread_barrier_wait(&barrier);
		((volatile uint64_t *)(area + i * PAGE))[self] = self + 1;
	}
	return NULL;
}

TEST(threads, faults_on_same_page)
{
	/* Each page gets one frame, whoever comes first: no store is lost. */
	pthread_t t[MANY];

	area = map_rw(60 * PAGE);
	pthread_barrier_init(&barrier, NULL, MANY);
	for (size_t i = 0; i < MANY; i++)
		t[i] = thread_begin(fault_same_pages, (void *)i);
	for (size_t i = 0; i < MANY; i++)
		thread_join(t[i]);
	for (size_t i = 0; i < 60; i++)
		for (size_t k = 0; k < MANY; k++)
			CHECK_EQ(((uint64_t *)(area + i * PAGE))[k], k + 1);
}

static void *read_file_pages(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < 40; i++) {
		pthread_barrier_wait(&barrier);
		pattern_check(area + i * PAGE, PAGE, 1, i * PAGE);
	}
	return NULL;
}

TEST(threads, faults_on_same_file_page)
{
	pthread_t t[MANY];
	int fd = pattern_file("f", 40 * PAGE, 1);

	area = map_at(NULL, 40 * PAGE, RO, MAP_SHARED, fd, 0);
	pthread_barrier_init(&barrier, NULL, MANY);
	for (size_t i = 0; i < MANY; i++)
		t[i] = thread_begin(read_file_pages, (void *)i);
	for (size_t i = 0; i < MANY; i++)
		thread_join(t[i]);
}

static void *map_and_unmap(void *arg)
{
	uint64_t tag = (uint64_t)arg + 1;

	for (int i = 0; i < 12; i++) {
		char *p = map_rw(5 * PAGE);

		tag_pages(p, 5, tag);
		CHECK_OK(mprotect(p + PAGE, PAGE, RO));
		sched_yield();
		check_tags(p, 5, tag);
		/* A hole too small for anybody else. */
		CHECK_OK(munmap(p + (1 + i % 3) * PAGE, PAGE));
		CHECK_OK(munmap(p, 5 * PAGE));
	}
	return NULL;
}

TEST(threads, map_and_unmap)
{
	pthread_t t[MANY];

	for (size_t i = 0; i < MANY; i++)
		t[i] = thread_begin(map_and_unmap, (void *)i);
	for (size_t i = 0; i < MANY; i++)
		thread_join(t[i]);
}

static void *fork_and_check(void *arg)
{
	char *p = area + (size_t)arg * 40 * PAGE;
	uint64_t tag = (uint64_t)arg + 1;

	for (uint64_t round = 0; round < 4; round++) {
		pid_t pid;

		tag_pages(p, 5, tag * 100 + round);
		pid = child();
		if (pid == 0) {
			check_tags(p, 5, tag * 100 + round);
			tag_pages(p, 40, 1);
			_exit(0);
		}
		tag_pages(p, 3, tag * 100 + round + 50);
		expect_exit(pid, 0);
		check_tags(p, 3, tag * 100 + round + 50);
	}
	return NULL;
}

TEST(threads, all_fork)
{
	/* All of them in the same leaf table, each with pages of its own. */
	pthread_t t[MANY];

	area = map_at(ARENA, MANY * 40 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	tag_pages(area, MANY * 40, 9);
	for (size_t i = 0; i < MANY; i++)
		t[i] = thread_begin(fork_and_check, (void *)i);
	for (size_t i = 0; i < MANY; i++)
		thread_join(t[i]);
}

static void *write_on(void *arg)
{
	size_t self = (size_t)arg;
	uint64_t i = 0;

	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	while (!stop) {
		char *page = area + i % 10 * 20 * PAGE;
		volatile uint64_t *word = (volatile uint64_t *)page + 8 + self;

		*word = i;
		CHECK_EQ(*word, i);
		i++;
	}
	return NULL;
}

TEST(threads, write_while_one_forks)
{
	/* Tables change hands at each fork, and the writers' stores are never lost. */
	pthread_t t[MANY];

	area = map_at(ARENA + SPAN - 100 * PAGE, 200 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	tag_pages(area, 200, 1);
	for (size_t i = 0; i < MANY; i++)
		t[i] = thread_begin(write_on, (void *)i);
	wait_ready(MANY);
	for (int i = 0; i < 8; i++) {
		pid_t pid = child();

		if (pid == 0) {
			check_tags(area, 200, 1);
			if (i & 1)
				tag_pages(area, 200, 2);
			_exit(0);
		}
		expect_exit(pid, 0);
	}
	stop = 1;
	for (size_t i = 0; i < MANY; i++)
		thread_join(t[i]);
	check_tags(area, 200, 1);
}

static void *protect_on(void *arg)
{
	char *p = arg;

	while (!stop) {
		CHECK_OK(mprotect(p, 30 * PAGE, RO));
		CHECK_OK(mprotect(p, 30 * PAGE, RW));
		CHECK_OK(madvise(p + 30 * PAGE, 10 * PAGE, MADV_DONTNEED));
		p[35 * PAGE] = 1;
	}
	return NULL;
}

TEST(threads, protect_while_one_forks)
{
	pthread_t t;

	area = map_at(ARENA, 200 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	tag_pages(area, 200, 1);
	t = thread_begin(protect_on, area + 60 * PAGE);
	for (int i = 0; i < 8; i++) {
		pid_t pid = child();

		if (pid == 0) {
			check_tags(area, 90, 1);
			tag_pages(area, 60, 2);
			_exit(0);
		}
		expect_exit(pid, 0);
	}
	stop = 1;
	thread_join(t);
	check_tags(area, 90, 1);
}

/* A copy of two pages ends where the memory went, in the middle of a page too. */
static void check_part(ssize_t n)
{
	if (n < 0)
		CHECK_EQ(errno, EFAULT);
	else
		CHECK(n > 0 && n <= 2 * (ssize_t)PAGE);
}

static void *copy_on(void *arg)
{
	int *fd = arg;

	while (!stop) {
		check_part(pread(*fd, area, 2 * PAGE, 0));
		check_part(pwrite(*fd, area, 2 * PAGE, 2 * PAGE));
	}
	return NULL;
}

TEST(threads, copies_while_buffer_is_unmapped)
{
	/* The kernel is in the middle of a copy when its target goes. */
	int fd = pattern_file("f", 4 * PAGE, 1);
	pthread_t t;

	area = map_rw(2 * PAGE);
	t = thread_begin(copy_on, &fd);
	for (int i = 0; i < 40; i++) {
		CHECK_OK(munmap(area + PAGE, PAGE));
		map_at(area, 2 * PAGE, i & 1 ? RW : RO, ANON | MAP_FIXED, -1, 0);
		CHECK_OK(mprotect(area, PAGE, PROT_NONE));
	}
	stop = 1;
	thread_join(t);
}

static void *truncate_on(void *arg)
{
	while (!stop) {
		CHECK_OK(ftruncate(*(int *)arg, PAGE));
		CHECK_OK(ftruncate(*(int *)arg, 8 * PAGE));
	}
	return NULL;
}

TEST(threads, touch_while_one_truncates)
{
	int fd = pattern_file("f", 8 * PAGE, 1);
	char *p = map_at(NULL, 8 * PAGE, RW, MAP_SHARED, fd, 0);
	char *q = map_at(NULL, 8 * PAGE, RW, MAP_PRIVATE, fd, 0);
	pthread_t t = thread_begin(truncate_on, &fd);

	for (size_t i = 0; i < 80; i++) {
		int a = touch(p + (i % 7 + 1) * PAGE, i & 1);
		int b = touch(q + (i % 7 + 1) * PAGE, true);

		CHECK(a == 0 || a == TOUCH_BUS + BUS_ADRERR);
		CHECK(b == 0 || b == TOUCH_BUS + BUS_ADRERR);
	}
	stop = 1;
	thread_join(t);
	pattern_check(p + 1, PAGE - 1, 1, 1);
}

static void *vfork_on(void *arg)
{
	for (volatile int i = 0; i < 8; i++) {
		pid_t pid = vfork();

		if (pid == 0)
			_exit(i & 7);
		expect_exit(pid, i & 7);
	}
	return arg;
}

TEST(threads, vfork_while_others_write)
{
	pthread_t t[2], v;

	area = map_rw(200 * PAGE);
	tag_pages(area, 200, 1);
	for (size_t i = 0; i < 2; i++)
		t[i] = thread_begin(write_on, (void *)i);
	v = thread_begin(vfork_on, NULL);
	thread_join(v);
	stop = 1;
	for (size_t i = 0; i < 2; i++)
		thread_join(t[i]);
	check_tags(area, 200, 1);
}

TEST(threads, futex_on_shared_after_fork)
{
	/* A word in a table that fork shared: waiter and waker find the same one. */
	char *p = map_at(ARENA, 200 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	volatile int *word;
	pid_t pid;

	tag_pages(p, 200, 1);
	word = (volatile int *)map_at(p + 100 * PAGE, PAGE, RW, ANON_SHARED | MAP_FIXED, -1, 0);
	pid = child();
	if (pid == 0) {
		while (*word == 0)
			syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
		_exit(*word);
	}
	wait_state(pid, "S");
	*word = 5;
	CHECK_EQ(syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
	expect_exit(pid, 5);
	check_tags(p, 100, 1);
}

/* Copy on write: every writer has its own, nobody pays who is alone, nothing is lost. */
#include "vmlib.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/uio.h>

static char *tagged(size_t pages, uint64_t tag)
{
	char *p = map_rw(pages * PAGE);

	CHECK_OK(madvise(p, pages * PAGE, MADV_NOHUGEPAGE));
	tag_pages(p, pages, tag);
	return p;
}

/* All that wait go on when the parent closes its end: nobody is woken in vain. */
static void wait_for_end(struct gate *gate)
{
	char c;

	CHECK_OK(close(gate->fd[1]));
	CHECK_EQ(read(gate->fd[0], &c, 1), 0);
}

TEST(cow, child_writes)
{
	char *p = tagged(200, 1);
	pid_t pid = child();

	if (pid == 0) {
		check_tags(p, 200, 1);
		tag_pages(p, 200, 2);
		check_tags(p, 200, 2);
		_exit(0);
	}
	expect_exit(pid, 0);
	check_tags(p, 200, 1);
}

TEST(cow, parent_writes)
{
	char *p = tagged(200, 1);
	struct gate gate;
	pid_t pid;

	gate_make(&gate);
	pid = child();
	if (pid == 0) {
		gate_pass(&gate);
		check_tags(p, 200, 1);
		_exit(0);
	}
	tag_pages(p, 200, 2);
	gate_open(&gate);
	expect_exit(pid, 0);
	check_tags(p, 200, 2);
}

TEST(cow, last_share_is_written_to)
{
	/* One has copied the table by reading; the other, who has the last share, writes. */
	char *p = tagged(200, 1);

	for (int parent_first = 0; parent_first < 2; parent_first++) {
		struct gate to_child, to_parent;
		pid_t pid;

		gate_make(&to_child);
		gate_make(&to_parent);
		pid = child();
		if (pid == 0) {
			if (parent_first)
				gate_pass(&to_child);
			check_tags(p, 200, 1);
			gate_open(&to_parent);
			gate_pass(&to_child);
			check_tags(p, 200, 1);
			tag_pages(p, 200, 3);
			gate_open(&to_parent);
			gate_pass(&to_child);
			check_tags(p, 200, 3);
			_exit(0);
		}
		if (parent_first) {
			check_tags(p, 200, 1);
			gate_open(&to_child);
		}
		gate_pass(&to_parent);
		tag_pages(p, 200, 2);
		gate_open(&to_child);
		gate_pass(&to_parent);
		check_tags(p, 200, 2);
		tag_pages(p, 200, 1);
		gate_open(&to_child);
		expect_exit(pid, 0);
		check_tags(p, 200, 1);
		gate_close(&to_child);
		gate_close(&to_parent);
	}
}

TEST(cow, children_1000_share, .mem_mib = 128, .seconds = 180)
{
	/* A count of eight bits would be round by now. */
	static pid_t pids[1000];
	char *p = tagged(2, 1);
	struct gate gate;

	gate_make(&gate);
	for (int i = 0; i < 1000; i++) {
		pids[i] = child();
		if (pids[i] == 0) {
			wait_for_end(&gate);
			check_tags(p, 2, 1);
			_exit(0);
		}
	}
	CHECK_OK(close(gate.fd[1]));
	for (int i = 0; i < 1000; i++)
		expect_exit(pids[i], 0);
	check_tags(p, 2, 1);
	tag_pages(p, 2, 2);
	check_tags(p, 2, 2);
}

TEST(cow, children_100_write, .mem_mib = 64, .seconds = 120)
{
	static pid_t pids[100];
	char *p = tagged(2, 1);
	struct gate gate;

	gate_make(&gate);
	for (int i = 0; i < 100; i++) {
		pids[i] = child();
		if (pids[i] == 0) {
			if (i % 3)
				tag_pages(p, 2, 100 + (uint64_t)i);
			wait_for_end(&gate);
			check_tags(p, 2, i % 3 ? 100 + (uint64_t)i : 1);
			_exit(0);
		}
	}
	tag_pages(p, 1, 2);
	CHECK_OK(close(gate.fd[1]));
	for (int i = 0; i < 100; i++)
		expect_exit(pids[i], 0);
	check_tags(p, 1, 2);
}

TEST(cow, three_generations)
{
	char *p = tagged(100, 1);
	pid_t pid = child(), grand;

	if (pid == 0) {
		grand = child();
		if (grand == 0) {
			tag_pages(p, 100, 3);
			check_tags(p, 100, 3);
			_exit(0);
		}
		expect_exit(grand, 0);
		check_tags(p, 100, 1);
		tag_pages(p, 100, 2);
		grand = child();
		if (grand == 0) {
			check_tags(p, 100, 2);
			tag_pages(p, 100, 4);
			check_tags(p, 100, 4);
			_exit(0);
		}
		tag_pages(p, 50, 5);
		expect_exit(grand, 0);
		check_tags(p, 50, 5);
		_exit(0);
	}
	expect_exit(pid, 0);
	check_tags(p, 100, 1);
}

static void generations(char *p, int left, uint64_t tag)
{
	pid_t pid;

	check_tags(p, 80, tag);
	if (left == 0)
		return;
	pid = child();
	if (pid == 0) {
		generations(p, left - 1, tag);
		tag_pages(p, 80, tag + 1);
		pid = child();
		if (pid == 0) {
			generations(p, left > 3 ? 1 : 0, tag + 1);
			_exit(0);
		}
		expect_exit(pid, 0);
		check_tags(p, 80, tag + 1);
		_exit(0);
	}
	expect_exit(pid, 0);
	check_tags(p, 80, tag);
}

TEST(cow, twelve_generations)
{
	generations(tagged(80, 1), 12, 1);
}

/* Minor faults that writing to each page costs. */
static long write_faults(char *p, size_t pages, uint64_t tag)
{
	struct rusage a, b;

	CHECK_OK(getrusage(RUSAGE_SELF, &a));
	tag_pages(p, pages, tag);
	CHECK_OK(getrusage(RUSAGE_SELF, &b));
	return b.ru_minflt - a.ru_minflt;
}

TEST(cow, last_holder_takes_over)
{
	/* After the child has gone its copies' memory is back, and the parent's pages its own. */
	char *p = tagged(300, 1);
	long before = statm_pages(1);
	pid_t pid = child();

	if (pid == 0)
		_exit(0);
	expect_exit(pid, 0);
	write_faults(p, 300, 2);
	check_tags(p, 300, 2);
	CHECK(statm_pages(1) <= before + 70);
	CHECK(write_faults(p, 300, 3) < 10);
}

TEST(cow, no_copy_of_untouched)
{
	/* Two processes with the same 8 MiB use little more than one. */
	char *p = tagged(2000, 1), text[2048], *line;
	long before, after;
	pid_t pid;
	struct gate gate, ready;

	gate_make(&gate);
	gate_make(&ready);
	file_text("/proc/meminfo", text, sizeof(text));
	line = strstr(text, "MemFree:");
	CHECK(line != NULL);
	before = strtol(line + 8, NULL, 10);
	pid = child();
	if (pid == 0) {
		check_tags(p, 2000, 1);
		gate_open(&ready);
		gate_pass(&gate);
		_exit(0);
	}
	gate_pass(&ready);
	file_text("/proc/meminfo", text, sizeof(text));
	line = strstr(text, "MemFree:");
	CHECK(line != NULL);
	after = strtol(line + 8, NULL, 10);
	gate_open(&gate);
	expect_exit(pid, 0);
	CHECK(before - after < 2000);
}

#define HAMMERS 6
#define HAMMERED 25	/* pages that threads hammer: each copy takes a fence on all harts */

static void hammer_process(char *p, size_t pages, uint64_t tag)
{
	for (int round = 0; round < 40; round++) {
		tag_pages(p, pages, tag + (uint64_t)round);
		check_tags(p, pages, tag + (uint64_t)round);
	}
	_exit(0);
}

TEST(cow, hammered_by_processes, .seconds = 120)
{
	char *p = tagged(70, 1);
	pid_t pids[HAMMERS];

	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < HAMMERS; i++) {
			pids[i] = child();
			if (pids[i] == 0)
				hammer_process(p, 70, 1000 * (uint64_t)(i + 1));
		}
		tag_pages(p, 70, 7 + (uint64_t)round);
		for (int i = 0; i < HAMMERS; i++)
			expect_exit(pids[i], 0);
		check_tags(p, 70, 7 + (uint64_t)round);
	}
}

static char *volatile hammered;
static pthread_barrier_t barrier;

/* Each thread has one word of each page. */
static void *hammer_thread(void *arg)
{
	size_t self = (size_t)arg;

	pthread_barrier_wait(&barrier);
	for (size_t i = 0; i < HAMMERED; i++) {
		volatile uint64_t *word = (volatile uint64_t *)(hammered + i * PAGE) + 8 + self;

		*word = self * 1000 + i;
		CHECK_EQ(*word, self * 1000 + i);
	}
	return NULL;
}

TEST(cow, hammered_by_threads, .seconds = 120)
{
	/* Threads on all harts write to the same shared pages at once: one copy, no write lost. */
	char *p = tagged(80, 1);
	pthread_t t[HAMMERS];
	struct gate gate;
	pid_t pid;

	hammered = p;
	gate_make(&gate);
	for (int round = 0; round < 3; round++) {
		pid = child();
		if (pid == 0) {
			gate_pass(&gate);
			_exit(0);
		}
		pthread_barrier_init(&barrier, NULL, HAMMERS);
		for (size_t i = 0; i < HAMMERS; i++)
			t[i] = thread_begin(hammer_thread, (void *)(i + (size_t)round * 10));
		for (size_t i = 0; i < HAMMERS; i++)
			thread_join(t[i]);
		for (size_t i = 0; i < HAMMERED; i++)
			for (size_t k = 0; k < HAMMERS; k++)
				CHECK_EQ(((uint64_t *)(p + i * PAGE))[8 + k + (size_t)round * 10],
					 (k + (size_t)round * 10) * 1000 + i);
		check_tags(p, 80, 1);
		gate_open(&gate);
		expect_exit(pid, 0);
	}
}

/* --- read(2) into each kind of page --- */

static void read_all_kinds(const char *name)
{
	int fd = (int)CHECK_OK(open(name, O_RDONLY)), own = pattern_file("own", 4 * PAGE, 9);
	char *cow = tagged(4, 1), *untouched = map_rw(4 * PAGE);
	char *file = map_at(NULL, 4 * PAGE, RW, MAP_PRIVATE, own, 0);
	char *shared = map_at(NULL, 4 * PAGE, RW, MAP_SHARED, own, 0);
	char *ro = map_anon(4 * PAGE, RO, MAP_PRIVATE);
	char *none = map_anon(4 * PAGE, PROT_NONE, MAP_PRIVATE);
	pid_t pid = child();

	if (pid == 0) {
		struct iovec list[4] = {
			{ cow + 100, PAGE }, { untouched + 50, PAGE }, { file + 10, PAGE },
			{ shared + 4000, PAGE },
		};

		CHECK_EQ(readv(fd, list, 4), 4 * PAGE);
		for (int i = 0; i < 4; i++)
			pattern_check(list[i].iov_base, PAGE, 5, (uint64_t)i * PAGE);
		pattern_check(file + 10 + PAGE, PAGE, 9, 10 + PAGE);
		check_zero(untouched + 50 + PAGE, PAGE);
		CHECK_ERR(pread(fd, ro, 10, 0), EFAULT);
		CHECK_ERR(pread(fd, none, 10, 0), EFAULT);
		_exit(0);
	}
	expect_exit(pid, 0);
	check_tags(cow, 4, 1);
	check_zero(untouched, 4 * PAGE);
	pattern_check(file, 4000, 9, 0);
	pattern_check(shared + 4000, PAGE, 5, 3 * PAGE);
	check_zero(ro, 4 * PAGE);
}

TEST(cow, read_into_all_kinds)
{
	file_pattern("f", 4 * PAGE, 5);
	read_all_kinds("f");
}

TEST(cow, pipe_into_shared_pages)
{
	char *p = tagged(3, 1);
	int fd[2];
	pid_t pid;

	CHECK_OK(pipe(fd));
	pid = child();
	if (pid == 0) {
		static char text[PAGE];

		memset(text, 'p', sizeof(text));
		CHECK_EQ(write(fd[1], text, PAGE), PAGE);
		CHECK_EQ(read(fd[0], p + 2000, PAGE), PAGE);
		CHECK(p[1999] == 0 && p[2000] == 'p' && p[2000 + PAGE - 1] == 'p');
		_exit(0);
	}
	expect_exit(pid, 0);
	check_tags(p, 3, 1);
}

TEST(cow, results_of_calls_into_shared_pages)
{
	/* Small results: stat, pipe, wait status, clock. */
	char *p = tagged(1, 1);
	pid_t pid = child();

	if (pid == 0) {
		CHECK_OK(pipe((int *)(p + 16)));
		CHECK_OK(stat(".", (struct stat *)(p + 64)));
		CHECK(S_ISDIR(((struct stat *)(p + 64))->st_mode));
		pid = child();
		if (pid == 0)
			_exit(3);
		CHECK_EQ(waitpid(pid, (int *)(p + 32), 0), pid);
		CHECK_EQ(WEXITSTATUS(*(int *)(p + 32)), 3);
		check_tags(p, 1, 1);
		_exit(0);
	}
	expect_exit(pid, 0);
	check_tags(p, 1, 1);
	check_zero(p + 8, PAGE - 16);
}

TEST(cow, protected_while_shared)
{
	/* Read-only made writable again while the child still has it: a copy all the same. */
	char *p = tagged(70, 1);
	struct gate gate;
	pid_t pid;

	gate_make(&gate);
	CHECK_OK(mprotect(p, 70 * PAGE, RO));
	pid = child();
	if (pid == 0) {
		gate_pass(&gate);
		check_tags(p, 70, 1);
		CHECK_OK(mprotect(p, 70 * PAGE, RW));
		tag_pages(p, 70, 3);
		_exit(0);
	}
	CHECK_OK(mprotect(p, 70 * PAGE, RW));
	tag_pages(p, 70, 2);
	gate_open(&gate);
	expect_exit(pid, 0);
	check_tags(p, 70, 2);
}

TEST(cow, private_file_pages)
{
	int fd = pattern_file("f", 100 * PAGE, 1);
	char *p = map_at(NULL, 100 * PAGE, RW, MAP_PRIVATE, fd, 0);
	pid_t pid;

	tag_pages(p, 50, 1);
	pid = child();
	if (pid == 0) {
		check_tags(p, 50, 1);
		tag_pages(p, 100, 2);
		check_tags(p, 100, 2);
		_exit(0);
	}
	expect_exit(pid, 0);
	check_tags(p, 50, 1);
	pattern_check(p + 50 * PAGE, 50 * PAGE, 1, 50 * PAGE);
	file_pattern_check("f", 100 * PAGE, 1);
}

TEST(cow, moved_while_shared)
{
	char *p = map_at(ARENA, 100 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	char *to = ARENA + 3 * SPAN + 7 * PAGE;
	pid_t pid;

	tag_pages(p, 100, 1);
	pid = child();
	if (pid == 0) {
		CHECK(mremap(p, 100 * PAGE, 100 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
		check_tags(to, 100, 1);
		tag_pages(to, 100, 2);
		check_tags(to, 100, 2);
		_exit(0);
	}
	tag_pages(p, 30, 3);
	expect_exit(pid, 0);
	check_tags(p, 30, 3);
	pid = child();
	if (pid == 0) {
		tag_pages(p, 100, 4);
		_exit(0);
	}
	CHECK(mremap(p, 100 * PAGE, 100 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	expect_exit(pid, 0);
	check_tags(to, 30, 3);
}

/* Children and grandchildren that are killed wherever they happen to be. */
TEST(cow, killed_at_random, .mem_mib = 64, .seconds = 120)
{
	char *p = tagged(500, 1);
	unsigned int seed = 1;
	pid_t pid;

	for (int round = 0; round < 40; round++) {
		pid = child();
		if (pid == 0) {
			setpgid(0, 0);
			for (uint64_t tag = 2;; tag++) {
				if (fork() == 0) {
					tag_pages(p, 500, tag);
					_exit(0);
				}
				tag_pages(p, 200, tag);
				while (waitpid(-1, NULL, WNOHANG) > 0)
					continue;
				if (tag > 100)
					_exit(0);
			}
		}
		seed = seed * 1103515245 + 12345;
		for (unsigned int i = 0; i < (seed >> 16) % 30; i++)
			sched_yield();
		setpgid(pid, pid);
		kill(-pid, SIGKILL);
		status_of(pid);
		while (kill(-pid, SIGKILL) == 0)
			sched_yield();
		check_tags(p, 500, 1);
	}
	tag_pages(p, 500, 2);
	check_tags(p, 500, 2);
}

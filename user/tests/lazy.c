/* Memory that nobody has touched costs nothing, and is zero when it is touched. */
#include "vmlib.h"

#include <sys/resource.h>

/* Resident pages may be counted late by a few; large pages are not for these tests. */
#define SLACK 70

static char *map_small_pages(size_t size, int flags)
{
	char *p = map_anon(size, RW, flags);

	CHECK_OK(madvise(p, size, MADV_NOHUGEPAGE));
	return p;
}

static long faults(void)
{
	struct rusage ru;

	CHECK_OK(getrusage(RUSAGE_SELF, &ru));
	return ru.ru_minflt + ru.ru_majflt;
}

TEST(lazy, mmap_reserves_only)
{
	long before = statm_pages(1), all = statm_pages(0);
	char *p = map_small_pages(64 << 20, MAP_PRIVATE | MAP_NORESERVE);

	CHECK(statm_pages(1) <= before + SLACK);
	CHECK_EQ(statm_pages(0), all + (64 << 20) / (long)PAGE);
	for (size_t i = 0; i < 200; i++)
		p[i * 64 * PAGE] = 1;
	CHECK_GE(statm_pages(1), before + 200 - SLACK);
	CHECK(statm_pages(1) <= before + 200 + SLACK);
	CHECK_OK(munmap(p, 64 << 20));
	CHECK(statm_pages(1) <= before + SLACK);
	CHECK_EQ(statm_pages(0), all);
}

TEST(lazy, reads_take_no_memory)
{
	long before = statm_pages(1);
	volatile char *p = map_small_pages(1000 * PAGE, MAP_PRIVATE);

	for (size_t i = 0; i < 1000; i++)
		CHECK_EQ(p[i * PAGE + i], 0);
	CHECK(statm_pages(1) <= before + SLACK);
	for (size_t i = 0; i < 1000; i += 10)
		p[i * PAGE + i] = 1;
	for (size_t i = 0; i < 1000; i++)
		CHECK_EQ(p[i * PAGE + i], i % 10 == 0);
}

TEST(lazy, brk_reserves_only)
{
	char *end = (char *)syscall(SYS_brk, 0);
	long before = statm_pages(1);

	CHECK_EQ(syscall(SYS_brk, end + (8 << 20)), (long)(end + (8 << 20)));
	CHECK(statm_pages(1) <= before + SLACK);
	end[4 << 20] = 1;
	check_zero(end + (4 << 20) + 1, 100);
	CHECK_EQ(syscall(SYS_brk, end), (long)end);
}

TEST(lazy, brk_tail_is_zero)
{
	char *end = (char *)((syscall(SYS_brk, 0) + (long)PAGE - 1) & -(long)PAGE);

	/* Within a page, brk down and up again keeps what was there; over pages it is zero. */
	CHECK_EQ(syscall(SYS_brk, end + 3 * PAGE), (long)(end + 3 * PAGE));
	memset(end, 'b', 3 * PAGE);
	CHECK_EQ(syscall(SYS_brk, end + 100), (long)(end + 100));
	CHECK_EQ(syscall(SYS_brk, end + 3 * PAGE), (long)(end + 3 * PAGE));
	CHECK_EQ(end[50], 'b');
	check_zero(end + PAGE, 2 * PAGE);
}

TEST(lazy, each_page_faults_once)
{
	char *p = map_small_pages(200 * PAGE, MAP_PRIVATE);
	long before = faults(), n;

	for (size_t i = 0; i < 200; i++)
		p[i * PAGE] = 1;
	n = faults() - before;
	CHECK(n >= 200 && n < 230);
	before = faults();
	for (size_t i = 0; i < 200; i++)
		p[i * PAGE] = 2;
	CHECK(faults() - before < 20);
}

TEST(lazy, read_then_write_faults_twice)
{
	volatile char *p = map_small_pages(100 * PAGE, MAP_PRIVATE);
	long before = faults(), n;

	for (size_t i = 0; i < 100; i++)
		CHECK_EQ(p[i * PAGE], 0);
	for (size_t i = 0; i < 100; i++)
		p[i * PAGE] = 1;
	n = faults() - before;
	CHECK(n >= 200 && n < 230);
}

TEST(lazy, file_pages_come_in_bunches)
{
	int fd = pattern_file("f", 64 * PAGE, 1);
	char *p = map_at(NULL, 64 * PAGE, RO, MAP_SHARED, fd, 0);
	long before = faults();

	pattern_check(p, 64 * PAGE, 1, 0);
	CHECK(faults() - before < 40);
}

TEST(lazy, populate_faults_no_more)
{
	char *p = map_anon(200 * PAGE, RW, MAP_PRIVATE | MAP_POPULATE);
	long before = faults();

	for (size_t i = 0; i < 200; i++)
		p[i * PAGE] = 1;
	CHECK(faults() - before < 20);
}

TEST(lazy, populate_advice)
{
	volatile char *p = map_small_pages(200 * PAGE, MAP_PRIVATE);
	long before;

	CHECK_OK(madvise((char *)p, 200 * PAGE, MADV_POPULATE_READ));
	before = faults();
	for (size_t i = 0; i < 200; i++)
		CHECK_EQ(p[i * PAGE], 0);
	CHECK(faults() - before < 20);
	CHECK_OK(madvise((char *)p, 200 * PAGE, MADV_POPULATE_WRITE));
	before = faults();
	for (size_t i = 0; i < 200; i++)
		p[i * PAGE] = 1;
	CHECK(faults() - before < 20);
}

TEST(lazy, dontneed_gives_back)
{
	char *p = map_small_pages(500 * PAGE, MAP_PRIVATE);
	long before = statm_pages(1);

	memset(p, 'd', 500 * PAGE);
	CHECK_GE(statm_pages(1), before + 500 - SLACK);
	CHECK_OK(madvise(p + 100 * PAGE, 300 * PAGE, MADV_DONTNEED));
	CHECK(statm_pages(1) <= before + 200 + SLACK);
	check_zero(p + 100 * PAGE, 300 * PAGE);
	CHECK_EQ(p[100 * PAGE - 1], 'd');
	CHECK_EQ(p[400 * PAGE], 'd');
}

TEST(lazy, free_keeps_or_drops_whole_pages)
{
	char *p = map_small_pages(50 * PAGE, MAP_PRIVATE);

	tag_pages(p, 50, 3);
	CHECK_OK(madvise(p, 50 * PAGE, MADV_FREE));
	/* Written to before it was taken, a page is as it was; else it may be either. */
	for (size_t i = 0; i < 50; i++) {
		volatile uint64_t *page = (volatile uint64_t *)(p + i * PAGE);

		CHECK(page[0] == 0 || page[0] == (3ul << 32) + i);
		page[0] = 77;
	}
	for (size_t i = 0; i < 50; i++)
		CHECK_EQ(*(volatile uint64_t *)(p + i * PAGE), 77);
}

TEST(lazy, kernel_reads_untouched)
{
	static char back[2 * PAGE];
	char *p = map_small_pages(3 * PAGE, MAP_PRIVATE);
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));

	memset(back, 1, sizeof(back));
	CHECK_EQ(write(fd, p + 100, 2 * PAGE), 2 * PAGE);
	CHECK_EQ(pread(fd, back, 2 * PAGE, 0), 2 * PAGE);
	check_zero(back, 2 * PAGE);
}

TEST(lazy, kernel_writes_untouched)
{
	char *p = map_small_pages(4 * PAGE, MAP_PRIVATE);
	int fd = pattern_file("f", 2 * PAGE, 1);

	CHECK_EQ(read(fd, p + PAGE - 7, 2 * PAGE), 2 * PAGE);
	check_zero(p, PAGE - 7);
	pattern_check(p + PAGE - 7, 2 * PAGE, 1, 0);
	check_zero(p + 3 * PAGE - 7, PAGE + 7);
}

TEST(lazy, kernel_writes_over_zero_page)
{
	/* Reading first maps the zero page, which the kernel may not write to either. */
	volatile char *p = map_small_pages(2 * PAGE, MAP_PRIVATE);
	volatile char *other = map_small_pages(2 * PAGE, MAP_PRIVATE);
	int fd = pattern_file("f", 2 * PAGE, 1);

	CHECK_EQ(p[0] + p[PAGE] + other[0] + other[PAGE], 0);
	CHECK_EQ(read(fd, (char *)p, 2 * PAGE), 2 * PAGE);
	pattern_check((char *)p, 2 * PAGE, 1, 0);
	check_zero((char *)other, 2 * PAGE);
}

TEST(lazy, stack)
{
	struct rlimit limit = { 4 << 20, 4 << 20 };
	char *here = (char *)((uintptr_t)&limit & -PAGE);
	long before;

	CHECK_OK(setrlimit(RLIMIT_STACK, &limit));
	before = statm_pages(1);
	CHECK_EQ(touch(here - (1 << 20), true), 0);
	check_zero(here - (1 << 20) + PAGE, (1 << 20) - 64 * PAGE);
	CHECK(statm_pages(1) <= before + 300 + SLACK);
	CHECK_EQ(touch(here - (5 << 20), true), SEGV_MAPERR);
}

TEST(lazy, shared_anonymous)
{
	char *p = map_anon(32 << 20, RW, MAP_SHARED | MAP_NORESERVE);
	pid_t pid;

	p[16 << 20] = 'a';
	pid = child();
	if (pid == 0) {
		CHECK_EQ(p[16 << 20], 'a');
		CHECK_EQ(p[8 << 20], 0);
		p[24 << 20] = 'c';
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_EQ(p[24 << 20], 'c');
}

TEST(lazy, bss_and_data)
{
	static char bss[300 * PAGE];
	static char data[2 * PAGE] = { 1 };

	check_zero(bss, sizeof(bss));
	check_zero(data + 1, sizeof(data) - 1);
	bss[150 * PAGE] = 1;
	CHECK_EQ(bss[150 * PAGE], 1);
}

TEST(lazy, sparse_over_many_tables)
{
	/* A page in each of 200 leaf tables: the tables go, too. */
	long before = statm_pages(1);
	char *p = map_small_pages(200 * SPAN, MAP_PRIVATE | MAP_NORESERVE);

	for (size_t i = 0; i < 200; i++)
		p[i * SPAN + 77] = (char)i;
	for (size_t i = 0; i < 200; i++)
		CHECK_EQ((unsigned char)p[i * SPAN + 77], i);
	CHECK_OK(munmap(p, 200 * SPAN));
	CHECK(statm_pages(1) <= before + SLACK);
}

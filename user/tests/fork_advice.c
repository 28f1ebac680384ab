/* After fork, from every side: advice, locks, and accesses of each kind. */
#include "fork_layout.h"

/* A child of this one sees what it should, and writes to some pages. */
static void in_own_child(struct model *m, unsigned int first, unsigned int pages)
{
	pid_t pid;

	signal(SIGCHLD, SIG_DFL);
	pid = child();
	if (pid == 0) {
		model_forked(m);
		model_check(m);
		model_fill(m, first, pages);
		model_check(m);
		_exit(0);
	}
	expect_exit(pid, 0);
	signal(SIGCHLD, SIG_IGN);
}

FORK_TEST(dontneed_page)
{
	model_advise(m, 250, 1, MADV_DONTNEED);
	model_advise(m, 350, 1, MADV_DONTNEED);
	model_advise(m, 160, 1, MADV_DONTNEED);
}

FORK_TEST(dontneed_across_border)
{
	model_advise(m, 150, 100, MADV_DONTNEED);
}

FORK_TEST(dontneed_all)
{
	model_advise(m, 0, LAYOUT_PAGES, MADV_DONTNEED);
}

FORK_TEST(dontneed_and_write)
{
	model_advise(m, TABLE_B, 512, MADV_DONTNEED);
	model_fill(m, TABLE_B, 200);
}

FORK_TEST(free_and_write)
{
	/* What is freed may stay or be zero, until it is written to. */
	CHECK_OK(madvise(LAYOUT_BASE + 200 * PAGE, 80 * PAGE, MADV_FREE));
	for (unsigned int i = 200; i < 280; i++) {
		uint32_t word = *(volatile uint32_t *)(LAYOUT_BASE + i * PAGE);

		if (word != 0 && word != m->page[i].value[0])
			FAIL("page %u is neither what it was nor zero", i);
	}
	model_fill(m, 200, 80);
}

FORK_TEST(hints)
{
	model_advise(m, 220, 150, MADV_SEQUENTIAL);
	model_advise(m, 300, 100, MADV_RANDOM);
	model_advise(m, 0, 450, MADV_WILLNEED);
	model_advise(m, 200, 100, MADV_NORMAL);
	model_advise(m, 200, 100, MADV_DONTDUMP);
}

FORK_TEST(dontfork_after_fork)
{
	model_advise(m, 200, 50, MADV_DONTFORK);
	in_own_child(m, 0, 0);
	model_advise(m, 200, 50, MADV_DOFORK);
}

FORK_TEST(wipeonfork_after_fork)
{
	model_advise(m, 190, 50, MADV_WIPEONFORK);
	in_own_child(m, 180, 100);
	model_advise(m, 190, 50, MADV_KEEPONFORK);
}

FORK_TEST(populate_read)
{
	model_advise(m, 150, 150, MADV_POPULATE_READ);
	model_advise(m, AT_ZERO, MADV_POPULATE_READ);
	model_advise(m, 520, 240, MADV_POPULATE_READ);
}

FORK_TEST(populate_write)
{
	model_advise(m, 150, 150, MADV_POPULATE_WRITE);
	model_advise(m, 340, 30, MADV_POPULATE_WRITE);
	model_advise(m, 520, 240, MADV_POPULATE_WRITE);
}

FORK_TEST(mlock_part)
{
	model_lock(m, 190, 60, true);
	model_lock(m, 470, 30, true);
	model_fill(m, 185, 30);
	model_lock(m, 200, 30, false);
}

FORK_TEST(mlock_and_fork)
{
	pid_t pid;

	model_lock(m, 520, 80, true);
	signal(SIGCHLD, SIG_DFL);
	pid = child();
	if (pid == 0) {
		model_forked(m);
		model_fill(m, 530, 10);
		model_check(m);
		_exit(0);
	}
	model_fill(m, 535, 10);
	model_check(m);
	expect_exit(pid, 0);
	signal(SIGCHLD, SIG_IGN);
	model_lock(m, 520, 80, false);
}

FORK_TEST(read_one_page_of_each_table)
{
	model_read(m, 100);
	model_read(m, 250);
	model_read(m, 740);
}

FORK_TEST(write_one_page_of_each_table)
{
	model_write(m, 100);
	model_write(m, 250);
	model_write(m, 740);
}

FORK_TEST(write_everything)
{
	model_fill(m, 0, LAYOUT_PAGES);
}

FORK_TEST(copies_in)
{
	for (unsigned int i = 1; i < LAYOUT_PAGES; i += 3)
		model_copy(m, i, true);
	model_copy(m, 200, true);
	model_copy(m, 712, true);
}

FORK_TEST(copies_out)
{
	for (unsigned int i = 1; i < LAYOUT_PAGES; i += 3)
		model_copy(m, i, false);
	model_copy(m, 200, false);
	model_copy(m, 712, false);
}

FORK_TEST(first_copy_in_whole_tables)
{
	/* Nothing of the window is touched by an instruction before the kernel writes to it. */
	model_copy(m, 720, true);
	model_copy(m, 700, true);
	model_copy(m, 10, true);
}

FORK_TEST(file_read_over_many_pages)
{
	/* One read(2) replaces 60 private pages over the border of two tables. */
	int fd = pattern_file("source", 60 * PAGE, 7);

	CHECK_EQ(read(fd, LAYOUT_BASE + 220 * PAGE, 60 * PAGE), 60 * PAGE);
	CHECK_EQ(pread(fd, LAYOUT_BASE + 190 * PAGE, 20 * PAGE, 0), 20 * PAGE);
	pattern_check(LAYOUT_BASE + 220 * PAGE, 60 * PAGE, 7, 0);
	pattern_check(LAYOUT_BASE + 190 * PAGE, 20 * PAGE, 7, 0);
	CHECK_OK(close(fd));
	for (unsigned int i = 190; i < 280; i++)
		model_fill(m, i, 1);
}

FORK_TEST(write_back)
{
	/* Write-back write-protects the shared file's pages in all processes. */
	char *p = LAYOUT_BASE + 380 * PAGE;
	uint32_t word;

	model_fill(m, AT_FILE_SHARED);
	CHECK_OK(msync(p, 30 * PAGE, MS_SYNC));
	CHECK_OK(fsync(((struct vm_context *)m->context)->file));
	for (unsigned int i = 0; i < 30; i++) {
		CHECK_EQ(pread(((struct vm_context *)m->context)->file, &word, sizeof(word),
			       (off_t)(i * PAGE)), sizeof(word));
		CHECK_EQ(word, *(volatile uint32_t *)(p + i * PAGE));
	}
	model_fill(m, 385, 10);
	CHECK_OK(msync(p, 30 * PAGE, MS_ASYNC));
}

FORK_TEST(mincore)
{
	unsigned char in[LAYOUT_PAGES];

	CHECK_ERR(mincore(LAYOUT_BASE, LAYOUT_PAGES * PAGE, in), ENOMEM);
	CHECK_OK(mincore(LAYOUT_BASE, 370 * PAGE, in));
	for (unsigned int i = 180; i < 300; i++)
		if (!(in[i] & 1))
			FAIL("page %u was written to and is not in memory", i);
	CHECK_OK(mincore(LAYOUT_BASE + 520 * PAGE, 80 * PAGE, in));
	model_fill(m, 530, 3);
}

FORK_TEST(looking_at_proc)
{
	static char text[65536];
	long resident = statm_pages(1);

	/* Looking changes nothing, and what is shared counts. */
	CHECK_GE(resident, 400);
	CHECK_GE(file_text("/proc/self/maps", text, sizeof(text)), 500);
	CHECK_GE(file_text("/proc/self/status", text, sizeof(text)), 100);
	if (access("/proc/self/smaps", R_OK) == 0) {
		CHECK_GE(file_text("/proc/self/smaps", text, sizeof(text)), 1000);
		CHECK(strstr(text, "Private_Dirty:") != NULL);
	}
	CHECK_GE(statm_pages(1), resident - 20);
	model_fill(m, 200, 10);
}

/* In a child: how many pages from p on it has alone? That is bit 56 of a page's entry. */
static int pages_of_its_own(const char *p, int n)
{
	int fd = open("/proc/self/pagemap", O_RDONLY), own = 0;

	for (int i = 0; i < n; i++) {
		uint64_t entry;

		if (pread(fd, &entry, 8, (off_t)((uintptr_t)p / PAGE + (uintptr_t)i) * 8) != 8)
			return 255;
		own += entry >> 56 & 1;
	}
	return own;
}

/*
 * To what one child wrote the next ones may be given copies; not for ever, when they do not write
 * there.
 */
TEST(fork, copies_wear_off)
{
	enum { PAGES = 12, FORKS = 64 };
	static char pages[PAGES][PAGE] __attribute__((aligned(PAGE)));
	int own[FORKS];

	for (int i = 0; i < FORKS; i++) {
		pid_t pid;

		for (int p = 0; p < PAGES; p++)
			pages[p][0]++;
		pid = CHECK_OK(fork());
		for (int p = 0; !pid && !i && p < PAGES; p++)
			pages[p][0]++;
		if (!pid)
			_exit(pages_of_its_own(pages[0], PAGES));
		CHECK_EQ(waitpid(pid, &own[i], 0), pid);
	}
	CHECK_EQ(WEXITSTATUS(own[0]), PAGES);
	CHECK_EQ(WEXITSTATUS(own[FORKS - 1]), 0);
}

/*
 * Children exit without memory that fills tables which they do not get: nothing is lost. Above the
 * stack there is nothing else in those tables.
 */
TEST(fork, tables_of_dontfork_areas)
{
	char *top = (char *)0x4000000000ul - SPAN, *p = map_rw(PAGE), *high;

	high = mmap(top, SPAN, RW, ANON | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);
	if (high == MAP_FAILED)
		SKIP("the end of user space is in use");
	CHECK_OK(madvise(high, SPAN, MADV_NOHUGEPAGE));
	tag_pages(p, 1, 1);
	tag_pages(high + 100 * PAGE, 200, 2);
	CHECK_OK(madvise(high, SPAN, MADV_DONTFORK));
	for (int i = 0; i < 100; i++) {
		pid_t pid = child();

		if (pid == 0) {
			check_tags(p, 1, 1);
			CHECK_MAPERR(high + 100 * PAGE);
			_exit(0);
		}
		expect_exit(pid, 0);
		check_zero(map_rw(8 * PAGE), 8 * PAGE);
	}
	check_tags(high + 100 * PAGE, 200, 2);
}

/* nomem: large pages. For what there is no block or table, there are small ones, or an error. */
#include "nomem.h"

#include <sys/mman.h>

#define SPAN  (2UL << 20)
#define PAGES (2 * SPAN / PAGE)
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static volatile unsigned char *const at = (void *)0x600000000UL;

static void map_with(int advice)
{
	CHECK(mmap((void *)at, 2 * SPAN, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
	CHECK_OK(madvise((void *)at, 2 * SPAN, advice));
}

static void map_huge(void)
{
	map_with(MADV_HUGEPAGE);
}

static unsigned char value(size_t page)
{
	return (unsigned char)(page % 251 + 1);
}

static long run_write(void)
{
	for (size_t i = 0; i < PAGES; i++)
		at[i * PAGE] = value(i);
	return 0;
}

static void written_huge(void)
{
	map_huge();
	run_write();
}

static void written_small(void)
{
	map_with(MADV_NOHUGEPAGE);
	run_write();
	CHECK_OK(madvise((void *)at, 2 * SPAN, MADV_HUGEPAGE));
}

/* All is there and can be written to, but for page 500 and those after it up to 520. */
static void intact(void)
{
	for (size_t i = 0; i < PAGES; i++) {
		if (i >= 500 && i < 520)
			continue;
		CHECK_EQ(at[i * PAGE], value(i));
		at[i * PAGE]++;
	}
	CHECK_OK(munmap((void *)at, 2 * SPAN));
}

static long run_collapse(void)
{
	return madvise((void *)at, 2 * SPAN, MADV_COLLAPSE);
}

/* Across the border of the two. */
static long run_munmap(void)
{
	return munmap((void *)(at + 500 * PAGE), 20 * PAGE);
}

static long run_mprotect(void)
{
	return mprotect((void *)(at + 500 * PAGE), 20 * PAGE, PROT_READ);
}

static long run_mremap(void)
{
	void *to = mremap((void *)(at + 500 * PAGE), 20 * PAGE, 20 * PAGE,
			  MREMAP_MAYMOVE | MREMAP_FIXED, (void *)(at + 4 * SPAN - 3 * PAGE));

	return to == MAP_FAILED ? -1 : 0;
}

static void after_mremap(long result)
{
	(void)result;
	CHECK_EQ(at[4 * SPAN - 3 * PAGE], value(500));
	CHECK_OK(munmap((void *)(at + 4 * SPAN - 3 * PAGE), 20 * PAGE));
}

static long run_fork(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (size_t i = 0; i < PAGES; i += 100)
			at[i * PAGE]++;
		_exit(0);
	}
	return pid;
}

static void after_fork(long pid)
{
	expect_exit((pid_t)pid, 0);
}

TEST(nomem, thp, .mem_mib = 64, .seconds = 300)
{
	static const struct failing_call calls[] = {
#define CALL(what, made) { .name = #what, .before = made, .run = run_##what, .intact = intact }
		CALL(write, map_huge), CALL(collapse, written_small), CALL(munmap, written_huge),
		CALL(mprotect, written_huge),
		{ .name = "mremap", .before = written_huge, .run = run_mremap,
		  .after = after_mremap, .intact = intact },
		{ .name = "fork", .before = written_huge, .run = run_fork, .after = after_fork,
		  .intact = intact },
	};

	door_open();
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		fail_all(&calls[i]);
}

/* Large pages after a fork, put together from small ones, and under threads; see thp.c. */
#include "thp.h"

/* --- fork --- */

/* Both sides write to every 64th page, each to others, and see nothing of each other. */
TEST(thp, fork_both_write)
{
	char *p = huge_map(2);
	struct gate go, done;
	pid_t pid;

	tag_pages(p, 2 * PAGES, 1);
	gate_make(&go);
	gate_make(&done);
	pid = child();
	if (!pid) {
		for (size_t i = 0; i < 2 * PAGES; i += 64)
			tag_pages(p + i * PAGE, 1, 100 + i);
		gate_open(&done);
		gate_pass(&go);
		for (size_t i = 0; i < 2 * PAGES; i++) {
			if (i % 64 == 0)
				check_tags(p + i * PAGE, 1, 100 + i);
			else
				CHECK_EQ(((uint64_t *)(p + i * PAGE))[511], ~((1ull << 32) + i));
		}
		_exit(0);
	}
	gate_pass(&done);
	check_tags(p, 2 * PAGES, 1);
	for (size_t i = 32; i < 2 * PAGES; i += 64)
		tag_pages(p + i * PAGE, 1, 200 + i);
	gate_open(&go);
	expect_exit(pid, 0);
	/* Alone again: what is left is taken over, not copied. */
	for (size_t i = 32; i < 2 * PAGES; i += 64)
		check_tags(p + i * PAGE, 1, 200 + i);
	tag_pages(p, 2 * PAGES, 2);
	check_tags(p, 2 * PAGES, 2);
}

static void exit_at_once(void)
{
}

/* A child that touches nothing leaves no trace. */
TEST(thp, fork_untouched)
{
	char *p = huge_map(2);
	long kib;

	tag_pages(p, 2 * PAGES, 1);
	kib = huge_kib(p, 2 * SPAN);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(run_child(exit_at_once), 0);
		check_tags(p, 2 * PAGES, 1);
		tag_pages(p, 2 * PAGES, 1);
	}
	CHECK_EQ(huge_kib(p, 2 * SPAN), kib);
}

static char *area;

static void grandchild(void)
{
	check_tags(area, PAGES / 2, 2);
	CHECK_OK(munmap(area + SPAN / 4, SPAN / 4));
	tag_pages(area, PAGES / 4, 3);
	check_tags(area, PAGES / 4, 3);
}

static void middle_child(void)
{
	check_tags(area, 2 * PAGES, 1);
	tag_pages(area, PAGES / 2, 2);
	CHECK_EQ(run_child(grandchild), 0);
	check_tags(area, PAGES / 2, 2);
}

TEST(thp, fork_grandchild)
{
	area = huge_map(2);
	tag_pages(area, 2 * PAGES, 1);
	CHECK_EQ(run_child(middle_child), 0);
	check_tags(area, 2 * PAGES, 1);
}

static void missing_parts(void)
{
	CHECK_MAPERR(area + SPAN);
	CHECK_MAPERR(area + SPAN + 9 * PAGE);
	check_zero(area + 2 * SPAN - 10 * PAGE, 10 * PAGE);
	check_tags(area, PAGES, 1);
	tag_pages(area, PAGES, 5);
}

/* Parts of a large page that a child does not get, or gets as zeros. */
TEST(thp, fork_advice)
{
	area = huge_map(2);
	tag_pages(area, 2 * PAGES, 1);
	CHECK_OK(madvise(area + SPAN, 10 * PAGE, MADV_DONTFORK));
	CHECK_OK(madvise(area + 2 * SPAN - 10 * PAGE, 10 * PAGE, MADV_WIPEONFORK));
	CHECK_EQ(run_child(missing_parts), 0);
	check_tags(area, 2 * PAGES, 1);
}

static void unmap_all(void)
{
	CHECK_OK(munmap(area, 2 * SPAN));
	CHECK_MAPERR(area);
}

/* Whoever of the two unmaps first. */
TEST(thp, fork_munmap)
{
	struct gate go;
	pid_t pid;

	area = huge_map(2);
	tag_pages(area, 2 * PAGES, 1);
	CHECK_EQ(run_child(unmap_all), 0);
	check_tags(area, 2 * PAGES, 1);
	gate_make(&go);
	pid = child();
	if (!pid) {
		gate_pass(&go);
		check_tags(area, 2 * PAGES, 1);
		tag_pages(area, 2 * PAGES, 2);
		_exit(0);
	}
	unmap_all();
	gate_open(&go);
	expect_exit(pid, 0);
}

/* --- MADV_COLLAPSE --- */

/* Small pages, as many as there are. */
static char *small_map(size_t spans)
{
	char *p = huge_map(spans);

	CHECK_OK(madvise(p, spans * SPAN, MADV_NOHUGEPAGE));
	tag_pages(p, spans * PAGES, 1);
	CHECK_OK(madvise(p, spans * SPAN, MADV_HUGEPAGE));
	return p;
}

/*
 * A system that has no 2 MiB for it just then, or is busy with a page, may say so; Linux says
 * EINVAL of memory no page of which may be written to without a copy.
 */
static bool collapse(char *p, size_t size)
{
	int r = madvise(p, size, MADV_COLLAPSE);

	if (r)
		CHECK(errno == ENOMEM || errno == EAGAIN || errno == EBUSY || errno == EINVAL);
	return r == 0;
}

TEST(thp, collapse, .mem_mib = 128)
{
	char *p = small_map(2);
	bool done = collapse(p, 2 * SPAN);

	check_tags(p, 2 * PAGES, 1);
	if (done)
		CHECK_EQ(huge_kib(p, 2 * SPAN), 4096);
	tag_pages(p, 2 * PAGES, 2);
	check_tags(p, 2 * PAGES, 2);
	/* A second time there is nothing to do. */
	if (done)
		CHECK_OK(madvise(p, 2 * SPAN, MADV_COLLAPSE));
	check_tags(p, 2 * PAGES, 2);
}

/* Some pages were touched, some read, some never. */
TEST(thp, collapse_holes)
{
	char *p = huge_map(1);

	CHECK_OK(madvise(p, SPAN, MADV_NOHUGEPAGE));
	tag_pages(p + 10 * PAGE, 20, 1);
	check_zero(p + 100 * PAGE, 10 * PAGE);
	CHECK_OK(madvise(p, SPAN, MADV_HUGEPAGE));
	collapse(p, SPAN);
	check_zero(p, 10 * PAGE);
	check_tags(p + 10 * PAGE, 20, 1);
	check_zero(p + 30 * PAGE, SPAN - 30 * PAGE);
	tag_pages(p, PAGES, 2);
	check_tags(p, PAGES, 2);
}

static void collapse_and_write(void)
{
	check_tags(area, PAGES, 1);
	collapse(area, SPAN);
	check_tags(area, PAGES, 1);
	tag_pages(area, PAGES, 2);
	check_tags(area, PAGES, 2);
}

/* Pages that a parent has too are copied, not taken away. */
TEST(thp, collapse_after_fork)
{
	area = small_map(1);
	CHECK_EQ(run_child(collapse_and_write), 0);
	check_tags(area, PAGES, 1);
	/* Whether read-only pages may be collapsed is the system's choice. */
	CHECK_OK(mprotect(area, SPAN, RO));
	madvise(area, SPAN, MADV_COLLAPSE);
	check_tags(area, PAGES, 1);
	CHECK_NO_WRITE(area);
	CHECK_OK(mprotect(area, SPAN, RW));
	CHECK_WRITES(area);
	check_tags(area, PAGES, 1);
}

TEST(thp, collapse_errors)
{
	char *p = huge_map(1);

	p[0] = 1;
	CHECK_ERR(madvise(p, 2 * SPAN, MADV_COLLAPSE), ENOMEM);
	CHECK_ERR(madvise(p + 1, SPAN, MADV_COLLAPSE), EINVAL);
	/* Without an area that fills 2 MiB there is nothing to make. */
	CHECK_OK(munmap(p + SPAN / 2, PAGE));
	CHECK_ERR(madvise(p + PAGE, SPAN / 4, MADV_COLLAPSE), EINVAL);
	CHECK_EQ(p[0], 1);
}

/* --- threads --- */

#define THREADS 4
#define ROUNDS	4	/* each fence waits for all harts; a busy host runs few at a time */

static pthread_barrier_t barrier;

static void *fault_together(void *arg)
{
	size_t me = (size_t)arg;

	for (uint64_t round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&barrier);
		for (size_t i = me; i < 2 * PAGES; i += THREADS)
			tag_pages(area + i * PAGE, 1, round * 1000 + i);
		pthread_barrier_wait(&barrier);
		for (size_t i = 0; i < 2 * PAGES; i++)
			check_tags(area + i * PAGE, 1, round * 1000 + i);
		pthread_barrier_wait(&barrier);
		if (me == 0)
			CHECK_OK(madvise(area, 2 * SPAN, MADV_DONTNEED));
	}
	return NULL;
}

/* The first touch of a large page by four threads at once, at different places. */
TEST(thp, threads_fault)
{
	pthread_t t[THREADS];

	area = huge_map(2);
	CHECK_EQ(pthread_barrier_init(&barrier, NULL, THREADS), 0);
	for (size_t i = 0; i < THREADS; i++)
		t[i] = thread_begin(fault_together, (void *)i);
	for (size_t i = 0; i < THREADS; i++)
		thread_join(t[i]);
}

static volatile bool over;

/* One page of each 64 is this thread's: it counts there and finds what it left. */
static void *count_there(void *arg)
{
	size_t me = (size_t)arg;

	for (uint64_t round = 1; !over; round++) {
		for (size_t i = me; i < PAGES; i += 64) {
			volatile uint64_t *word = (volatile uint64_t *)(area + i * PAGE);

			if (*word != round - 1)
				FAIL("page %zu has %llu in round %llu", i,
				     (unsigned long long)*word, (unsigned long long)round);
			*word = round;
		}
	}
	return NULL;
}

static void look_around(void)
{
	check_zero(area + 8 * PAGE, 8 * PAGE);
	memset(area, 1, 16 * PAGE);
}

/* While others write to it, the large page is split in each way and put together again. */
TEST(thp, threads_split)
{
	pthread_t t[THREADS / 2];

	area = huge_map(1);
	area[0] = 0;
	for (size_t i = 0; i < THREADS / 2; i++)
		t[i] = thread_begin(count_there, (void *)i);
	for (int round = 0; round < ROUNDS; round++) {
		char *mine = area + (round * 16 + 8) * PAGE;

		CHECK_OK(mprotect(mine, 3 * PAGE, PROT_NONE));
		CHECK_OK(mprotect(mine, 3 * PAGE, RW));
		collapse(area, SPAN);
		CHECK_OK(madvise(mine, 4 * PAGE, MADV_DONTNEED));
		collapse(area, SPAN);
		CHECK_EQ(run_child(look_around), 0);
		collapse(area, SPAN);
		check_zero(mine, 8 * PAGE);
	}
	over = true;
	for (size_t i = 0; i < THREADS / 2; i++)
		thread_join(t[i]);
}

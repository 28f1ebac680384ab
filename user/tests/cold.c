/*
 * madvise(MADV_COLD): what nobody wants any more goes before what is in use.
 */
#include "swap.h"

static char *area(size_t pages, int flags)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static void fill(char *p, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		page_fill(p, (unsigned)i, 1);
}

static size_t pages_out(char *p, size_t pages)
{
	unsigned char in[256];
	size_t n = 0;

	for (size_t i = 0; i < pages; i += sizeof(in)) {
		size_t some = pages - i < sizeof(in) ? pages - i : sizeof(in);

		CHECK_OK(mincore(p + i * PAGE, some * PAGE, in));
		for (size_t k = 0; k < some; k++)
			n += !(in[k] & 1);
	}
	return n;
}

static size_t pages_free(void)
{
	return (size_t)number_in("/proc/meminfo", "MemFree") / 4;
}

/* So much more than is free that half of `pages` have to go. */
static void press(size_t pages)
{
	size_t n = pages_free() + pages / 2;

	fill(area(n, MAP_PRIVATE), n);
}

/* An area that is cold, though it was used last, goes; one that is not stays. */
static void cold_goes(int flags)
{
	size_t pages = pages_free() / 3, out;
	char *warm = area(pages, flags), *cold = area(pages, flags);

	fill(warm, pages);
	fill(cold, pages);
	CHECK_OK(madvise(cold, pages * PAGE, MADV_COLD));
	CHECK_EQ(pages_out(cold, pages), 0);
	press(pages);
	out = pages_out(cold, pages);
	CHECK_GE(out, pages / 4);
	CHECK_GE(out / 4, pages_out(warm, pages));
	for (size_t i = 0; i < pages; i += 7) {
		page_check(cold, (unsigned)i, 1);
		page_check(warm, (unsigned)i, 1);
	}
}

/* Who uses it again wants it. */
static void used_stays(void)
{
	size_t pages = pages_free() / 3;
	char *used = area(pages, MAP_PRIVATE), *cold = area(pages, MAP_PRIVATE);

	fill(used, pages);
	fill(cold, pages);
	CHECK_OK(madvise(used, pages * PAGE, MADV_COLD));
	CHECK_OK(madvise(cold, pages * PAGE, MADV_COLD));
	for (size_t i = 0; i < pages; i++)
		page_check(used, (unsigned)i, 1);
	press(pages);
	CHECK_GE(pages_out(cold, pages), pages / 4);
	CHECK_GE(pages_out(cold, pages) / 4, pages_out(used, pages));
}

static void private_goes(void)
{
	cold_goes(MAP_PRIVATE);
}

static void shared_goes(void)
{
	cold_goes(MAP_SHARED);
}

/* fn fills memory, in a process that gives it back. */
static void with_swap(void (*fn)(void))
{
	bool ours;

	skip_elsewhere();
	if (number_in("/proc/meminfo", "MemTotal") > 160 << 10)
		SKIP("memory is too large to fill");
	ours = swap_begin();
	CHECK_EQ(run_child(fn), 0);
	swap_end(ours);
}

TEST(cold, goes_first, .root = true, .seconds = 600, .no_leak_check = true)
{
	with_swap(private_goes);
}

TEST(cold, shared_goes_first, .root = true, .seconds = 600, .no_leak_check = true)
{
	with_swap(shared_goes);
}

TEST(cold, used_stays, .root = true, .seconds = 600, .no_leak_check = true)
{
	with_swap(used_stays);
}

TEST(cold, errors)
{
	char *p = area(16, MAP_PRIVATE);

	fill(p, 16);
	CHECK_ERR(madvise(p + 1, PAGE, MADV_COLD), EINVAL);
	CHECK_ERR(madvise(p, (size_t)-1, MADV_COLD), EINVAL);
	CHECK_OK(madvise(p, 0, MADV_COLD));
	CHECK_OK(madvise(p, 16 * PAGE, MADV_COLD));
	CHECK_OK(munmap(p + 8 * PAGE, PAGE));
	CHECK_ERR(madvise(p, 16 * PAGE, MADV_COLD), ENOMEM);
	CHECK_OK(mlock(p + 2 * PAGE, PAGE));
	CHECK_ERR(madvise(p + 2 * PAGE, PAGE, MADV_COLD), EINVAL);
	CHECK_ERR(madvise(p, 4 * PAGE, MADV_COLD), EINVAL);
	CHECK_OK(madvise(p + 3 * PAGE, PAGE, MADV_COLD));
	CHECK_OK(munlock(p + 2 * PAGE, PAGE));
	CHECK_OK(mprotect(p, PAGE, PROT_NONE));
	CHECK_OK(madvise(p, 4 * PAGE, MADV_COLD));
	for (unsigned i = 1; i < 8; i++)
		page_check(p, i, 1);
}

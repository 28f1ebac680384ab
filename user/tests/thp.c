/*
 * Large pages. What memory holds must not depend on them, so every test checks contents; whether
 * the system gave one is asked where that is what the test is about, and a system that has no free
 * 2 MiB just then may give none.
 */
#include "thp.h"

#include <sys/prctl.h>

char *huge_map(size_t spans)
{
	char *p = map_at(ARENA + SPAN, spans * SPAN, RW, ANON | MAP_FIXED, -1, 0);

	CHECK_OK(madvise(p, spans * SPAN, MADV_HUGEPAGE));
	return p;
}

long huge_kib(const char *p, size_t size)
{
	static char line[512];
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long start = 0, from, to;
	long kib, sum = 0;

	CHECK(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			start = from;
		else if (start - (uintptr_t)p < size &&
			 sscanf(line, "AnonHugePages: %ld kB", &kib) == 1)
			sum += kib;
	}
	CHECK_EQ(fclose(f), 0);
	return sum;
}

static long vmstat(const char *name)
{
	static char line[128];
	FILE *f = fopen("/proc/vmstat", "r");
	size_t len = strlen(name);
	long value = -1;

	CHECK(f);
	while (value < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, len) && line[len] == ' ')
			value = atol(line + len);
	CHECK_EQ(fclose(f), 0);
	return value;
}

/* Is a block of 2 MiB or more free? */
static bool block_is_free(void)
{
	FILE *f = fopen("/proc/buddyinfo", "r");
	char line[400];
	long found = 0;

	CHECK(f);
	/* The last two numbers of a line are those of 2 and 4 MiB. */
	while (fgets(line, sizeof(line), f)) {
		char *at = line + strlen(line);

		for (int i = 0; i < 2; i++) {
			while (at > line && (at[-1] == ' ' || at[-1] == '\n'))
				at--;
			while (at > line && at[-1] != ' ')
				at--;
			found += atol(at);
		}
	}
	CHECK_EQ(fclose(f), 0);
	return found > 0;
}

TEST(thp, fault, .mem_mib = 128)
{
	char *p = huge_map(8);
	bool some = block_is_free();
	long before = vmstat("thp_fault_alloc"), kib;

	for (size_t i = 0; i < 8; i++)
		p[i * SPAN + i * 5000] = (char)(i + 1);
	kib = huge_kib(p, 8 * SPAN);
	CHECK_EQ(kib % 2048, 0);
	CHECK_GE(vmstat("thp_fault_alloc") - before, kib / 2048);
	for (size_t i = 0; i < 8; i++) {
		CHECK_EQ(p[i * SPAN + i * 5000], i + 1);
		p[i * SPAN + i * 5000] = 0;
	}
	check_zero(p, 8 * SPAN);
	/* Other systems may have it turned off. */
	if (some && vmstat("xv39_fault_anon") >= 0)
		CHECK_GE(kib, 2048);
}

TEST(thp, fault_fills_area)
{
	char *p = huge_map(2);

	/* What does not fill 2 MiB gets none. */
	CHECK_OK(munmap(p + SPAN - PAGE, 2 * PAGE));
	tag_pages(p, PAGES - 1, 1);
	tag_pages(p + SPAN + PAGE, PAGES - 1, 2);
	CHECK_EQ(huge_kib(p, 2 * SPAN), 0);
	check_tags(p, PAGES - 1, 1);
	check_tags(p + SPAN + PAGE, PAGES - 1, 2);
	CHECK_MAPERR(p + SPAN - PAGE);
	CHECK_MAPERR(p + SPAN);
}

TEST(thp, fault_after_read)
{
	char *p = huge_map(2);

	/* The page of zeros first, everywhere or in a part. */
	check_zero(p, SPAN);
	check_zero(p + SPAN + 7 * PAGE, PAGE);
	p[5] = 1;
	p[SPAN + 9 * PAGE] = 2;
	CHECK_EQ(p[5], 1);
	CHECK_EQ(p[SPAN + 9 * PAGE], 2);
	check_zero(p + 6, SPAN - 6);
	check_zero(p + SPAN, 9 * PAGE);
	tag_pages(p, 2 * PAGES, 3);
	check_tags(p, 2 * PAGES, 3);
}

TEST(thp, nohugepage)
{
	char *p = huge_map(2);

	CHECK_OK(madvise(p, 2 * SPAN, MADV_NOHUGEPAGE));
	tag_pages(p, 2 * PAGES, 1);
	CHECK_EQ(huge_kib(p, 2 * SPAN), 0);
	CHECK_ERR(madvise(p, 2 * SPAN, MADV_COLLAPSE), EINVAL);
	/* Advice for memory that has some changes nothing in it. */
	CHECK_OK(madvise(p, 2 * SPAN, MADV_HUGEPAGE));
	CHECK_OK(madvise(p + 3 * PAGE, PAGE, MADV_NOHUGEPAGE));
	check_tags(p, 2 * PAGES, 1);
}

TEST(thp, advice_without_area)
{
	char *p = huge_map(1);

	CHECK_OK(munmap(p + PAGE, PAGE));
	CHECK_ERR(madvise(p, 4 * PAGE, MADV_HUGEPAGE), ENOMEM);
	CHECK_ERR(madvise(p, 4 * PAGE, MADV_NOHUGEPAGE), ENOMEM);
	CHECK_ERR(madvise(p + 1, PAGE, MADV_HUGEPAGE), EINVAL);
}

/* --- every edge: parts of [0, PAGES) that operations are tried on --- */

static const struct part {
	size_t at, n;
} parts[] = {
	{0, 1}, {PAGES - 1, 1}, {100, 1}, {0, PAGES / 2}, {PAGES / 2, PAGES / 2}, {1, PAGES - 2},
	{0, PAGES - 1}, {1, PAGES - 1}, {0, PAGES}, {37, 200},
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

/* Three spans with contents; parts lie in the one in the middle, or shifted by half of it. */
static char *tagged(size_t round)
{
	char *p = huge_map(3);

	tag_pages(p, 3 * PAGES, round);
	return p + (round % 2 ? SPAN : SPAN + SPAN / 2);
}

static void check_others(char *p, const struct part *part, size_t round)
{
	size_t before = round % 2 ? PAGES : PAGES + PAGES / 2;
	char *start = p - before * PAGE;

	check_tags(start, before + part->at, round);
	for (size_t i = before + part->at + part->n; i < 3 * PAGES; i++) {
		const volatile uint64_t *page = (const volatile uint64_t *)(start + i * PAGE);

		CHECK_EQ(page[0], (round << 32) + i);
	}
}

/* Each operation on each part, at both places. */
static void each_part(void (*operate)(char *p, size_t n, char *all, const struct part *part))
{
	for (size_t round = 0; round < 2 * PARTS; round++) {
		const struct part *part = &parts[round / 2];
		char *p = tagged(round);

		operate(p + part->at * PAGE, part->n, p, part);
		check_others(p, part, round);
	}
}

static void do_munmap(char *p, size_t n, char *all, const struct part *part)
{
	(void)all;
	(void)part;
	CHECK_OK(munmap(p, n * PAGE));
	CHECK_MAPERR(p);
	CHECK_MAPERR(p + (n - 1) * PAGE);
	/* And something else comes there. */
	map_at(p, n * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	check_zero(p, n * PAGE);
	p[0] = 1;
}

TEST(thp, munmap_edges)
{
	each_part(do_munmap);
}

static void do_mprotect(char *p, size_t n, char *all, const struct part *part)
{
	uint64_t first = *(uint64_t *)p, last = *(uint64_t *)(p + (n - 1) * PAGE);

	(void)all;
	(void)part;
	CHECK_OK(mprotect(p, n * PAGE, RO));
	CHECK_NO_WRITE(p);
	CHECK_NO_WRITE(p + (n - 1) * PAGE);
	CHECK_EQ(*(uint64_t *)p, first);
	CHECK_OK(mprotect(p, n * PAGE, PROT_NONE));
	CHECK_NO_READ(p);
	CHECK_NO_READ(p + n * PAGE - 1);
	CHECK_OK(mprotect(p, n * PAGE, RW));
	CHECK_WRITES(p);
	CHECK_EQ(*(uint64_t *)p, first);
	CHECK_EQ(*(uint64_t *)(p + (n - 1) * PAGE), last);
}

TEST(thp, mprotect_edges)
{
	each_part(do_mprotect);
}

static void do_dontneed(char *p, size_t n, char *all, const struct part *part)
{
	(void)all;
	(void)part;
	CHECK_OK(madvise(p, n * PAGE, MADV_DONTNEED));
	check_zero(p, n * PAGE);
	p[0] = p[n * PAGE - 1] = 7;
	check_zero(p + 1, n * PAGE - 2);
}

TEST(thp, dontneed_edges)
{
	each_part(do_dontneed);
}

static void do_mremap(char *p, size_t n, char *all, const struct part *part)
{
	char *to = ARENA + 16 * SPAN + (part->at % 3) * PAGE;
	uint64_t first = *(uint64_t *)p, last = *(uint64_t *)(p + (n - 1) * PAGE);

	(void)all;
	CHECK_EQ(mremap(p, n * PAGE, n * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to), to);
	CHECK_MAPERR(p);
	CHECK_EQ(*(uint64_t *)to, first);
	CHECK_EQ(*(uint64_t *)(to + (n - 1) * PAGE), last);
	CHECK_WRITES(to);
	/* Back to where it was: all is as before. */
	CHECK_EQ(mremap(to, n * PAGE, n * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p), p);
	CHECK_EQ(*(uint64_t *)p, first);
}

TEST(thp, mremap_edges)
{
	each_part(do_mremap);
}

TEST(thp, mremap_whole)
{
	char *p = huge_map(2), *q = ARENA + 32 * SPAN;

	tag_pages(p, 2 * PAGES, 1);
	CHECK_EQ(mremap(p, 2 * SPAN, 2 * SPAN, MREMAP_MAYMOVE | MREMAP_FIXED, q), q);
	check_tags(q, 2 * PAGES, 1);
	CHECK_EQ(mremap(q, 2 * SPAN, 2 * SPAN, MREMAP_MAYMOVE | MREMAP_FIXED, p + 3 * PAGE),
		 p + 3 * PAGE);
	check_tags(p + 3 * PAGE, 2 * PAGES, 1);
	/* Shrunk and grown at its place. */
	CHECK_EQ(mremap(p + 3 * PAGE, 2 * SPAN, SPAN + PAGE, 0), p + 3 * PAGE);
	CHECK_EQ(mremap(p + 3 * PAGE, SPAN + PAGE, 2 * SPAN, 0), p + 3 * PAGE);
	check_tags(p + 3 * PAGE, PAGES + 1, 1);
	check_zero(p + 4 * PAGE + SPAN, SPAN - PAGE);
}

static void do_lock(char *p, size_t n, char *all, const struct part *part)
{
	(void)all;
	(void)part;
	CHECK_OK(mlock(p, n * PAGE));
	CHECK_ERR(madvise(p, n * PAGE, MADV_DONTNEED), EINVAL);
	CHECK_WRITES(p);
	CHECK_OK(munlock(p, n * PAGE));
}

TEST(thp, mlock_edges, .root = true)
{
	each_part(do_lock);
}

static void do_file(char *p, size_t n, char *all, const struct part *part)
{
	int fd = pattern_file("f", n * PAGE, 3);

	(void)all;
	(void)part;
	map_at(p, n * PAGE, RO, MAP_PRIVATE | MAP_FIXED, fd, 0);
	pattern_check(p, n * PAGE, 3, 0);
	CHECK_OK(close(fd));
}

TEST(thp, map_file_over_edges)
{
	each_part(do_file);
}

/* The kernel's own copies, across the border of two large pages and into a split one. */
TEST(thp, copies)
{
	char *p = huge_map(2);
	int fd = pattern_file("f", SPAN + 3 * PAGE, 5);

	CHECK_EQ(pread(fd, p + SPAN / 2, SPAN + 100, 0), SPAN + 100);
	pattern_check(p + SPAN / 2, SPAN + 100, 5, 0);
	CHECK_OK(mprotect(p + SPAN, PAGE, RO));
	CHECK_EQ(pread(fd, p + SPAN - 10 * PAGE, 12 * PAGE, 0), 10 * PAGE);
	CHECK_EQ(pwrite(fd, p + SPAN - 10 * PAGE, 20 * PAGE, 0), 20 * PAGE);
	pattern_check(p + SPAN - 10 * PAGE, 10 * PAGE, 5, 0);
	CHECK_OK(close(fd));
}

/* Page by page the same block: its frames follow one another, and all say that they are large. */
TEST(thp, page_flags, .root = true)
{
	char *p = huge_map(1);
	int map = (int)CHECK_OK(open("/proc/self/pagemap", O_RDONLY));
	int flags = (int)CHECK_OK(open("/proc/kpageflags", O_RDONLY));
	int counts = (int)CHECK_OK(open("/proc/kpagecount", O_RDONLY));
	static uint64_t entries[PAGES];
	uint64_t word, pfn;
	bool large;

	p[0] = 1;
	large = huge_kib(p, SPAN) == 2048;
	CHECK_EQ(pread(map, entries, sizeof(entries), (off_t)((uintptr_t)p / PAGE * 8)),
		 sizeof(entries));
	pfn = entries[0] & ((1ull << 55) - 1);
	for (size_t i = 0; large && i < PAGES; i++) {
		CHECK_EQ(entries[i] & ((1ull << 55) - 1), pfn + i);
		CHECK_EQ(entries[i] >> 63, 1);
		CHECK_EQ(pread(flags, &word, 8, (off_t)((pfn + i) * 8)), 8);
		CHECK_EQ(word >> 22 & 1, 1);		 /* KPF_THP */
		CHECK_EQ(word >> 12 & 1, 1);		 /* KPF_ANON */
		CHECK_EQ(word >> 15 & 3, i ? 2 : 1);	 /* COMPOUND_TAIL, _HEAD */
		CHECK_EQ(pread(counts, &word, 8, (off_t)((pfn + i) * 8)), 8);
		CHECK_EQ(word, 1);
	}
	CHECK_OK(close(map));
	CHECK_OK(close(flags));
	CHECK_OK(close(counts));
}

/* --- turned off, for all and by PR_SET_THP_DISABLE --- */

#define MODE_FILE "/sys/kernel/mm/transparent_hugepage/enabled"

static void mode_set(const char *mode)
{
	int fd = (int)CHECK_OK(open(MODE_FILE, O_WRONLY));

	CHECK_EQ(write(fd, mode, strlen(mode)), strlen(mode));
	CHECK_OK(close(fd));
}

static void nothing_large(void)
{
	char *p = huge_map(2);

	tag_pages(p, 2 * PAGES, 1);
	CHECK_EQ(huge_kib(p, 2 * SPAN), 0);
	check_tags(p, 2 * PAGES, 1);
}

TEST(thp, mode_never, .root = true)
{
	char text[64], was[16];
	int status;

	if (access(MODE_FILE, W_OK))
		SKIP("no %s", MODE_FILE);
	file_text(MODE_FILE, text, sizeof(text));
	CHECK_EQ(sscanf(strchr(text, '['), "[%15[a-z]]", was), 1);
	/* A child looks, so that a failure leaves the mode as it was. */
	mode_set("never");
	status = run_child(nothing_large);
	mode_set(was);
	CHECK_EQ(status, 0);
}

static void thp_is_off(void)
{
	char *p = huge_map(1);

	CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1);
	p[0] = 1;
	CHECK_EQ(huge_kib(p, SPAN), 0);
	CHECK_ERR(madvise(p, SPAN, MADV_COLLAPSE), EINVAL);
}

static void exec_and_ask(void)
{
	exec_helper("thp-disabled", NULL);
}

TEST(thp, disable)
{
	CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
	CHECK_ERR(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0), EINVAL);
	CHECK_ERR(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 1), EINVAL);
	CHECK_ERR(prctl(PR_SET_THP_DISABLE, 1, 1, 0, 0), EINVAL);
	CHECK_ERR(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 1), EINVAL);
	CHECK_OK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	thp_is_off();
	CHECK_EQ(run_child(thp_is_off), 0);
	CHECK_EQ(run_child(exec_and_ask), 1 << 8);
	CHECK_OK(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
	CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
}

/*
 * zswap: pages that get small stay in memory instead of going to the swap device, and come back as
 * they were, whatever is switched meanwhile.
 */
#include "swap.h"

#define PARAMETERS "/sys/module/zswap/parameters/"

static const char *const names[] = {PARAMETERS "enabled", PARAMETERS "max_pool_percent"};
enum { ENABLED, PERCENT };

static long count(const char *name)
{
	return number_in("/proc/vmstat", name);
}

/* 0 or -errno. */
static int knob_try(int knob, const char *value)
{
	int fd = (int)CHECK_OK(open(names[knob], O_WRONLY));
	int err = write(fd, value, strlen(value)) < 0 ? -errno : 0;

	close(fd);
	return err;
}

static void knob_set(int knob, const char *value)
{
	CHECK_EQ(knob_try(knob, value), 0);
}

static void knob_is(int knob, const char *value)
{
	char text[32];

	file_text(names[knob], text, sizeof(text));
	CHECK_STR(text, value);
}

/*
 * Run it in a child with so much for the pool, and have everything as it was then. The body has its
 * swap on; zswap is on, too, and works, or the test is skipped.
 */
static void with_zswap(const char *percent, void (*body)(void))
{
	char was[2][32];
	int status;
	bool ours;

	if (access(names[ENABLED], W_OK))
		SKIP("no zswap");
	for (int i = 0; i < 2; i++)
		file_text(names[i], was[i], sizeof(was[i]));
	ours = swap_begin();
	status = knob_try(ENABLED, "Y") ? -1 : 0;
	if (!status) {
		knob_set(PERCENT, percent);
		status = run_child(body);
	}
	knob_set(PERCENT, was[PERCENT]);
	knob_set(ENABLED, was[ENABLED]);
	swap_end(ours);
	if (status < 0)
		SKIP("zswap has no compressor");
	CHECK_EQ(status, 0);
}

/*
 * A page whose contents follow from its number and round: by `kind` hard to make smaller, a third
 * of it so, text, or words that count.
 */
enum { HARD, THIRD, LINES, WORDS, KINDS };

static void page_make(char *p, unsigned kind, unsigned i, unsigned r)
{
	uint64_t x = ((uint64_t)r << 32 | i) * 0x9e3779b97f4a7c15u + 1;
	uint64_t *w = (uint64_t *)(void *)p;

	for (unsigned k = 0; k < PAGE / 8; k++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		w[k] = kind == WORDS || (kind == THIRD && k % 64 < 43) ? i + r + k / 8 : x;
	}
	for (unsigned n = 0; kind == LINES && n < PAGE / 32; n++)
		snprintf(p + (size_t)n * 32, 32, "line %u of page %u, round %u", n, i, r);
}

static void page_same(const char *p, unsigned kind, unsigned i, unsigned r)
{
	static char wanted[PAGE] __attribute__((aligned(8)));

	page_make(wanted, kind, i, r);
	if (memcmp(p, wanted, PAGE))
		FAIL("page %u of kind %u is not that of round %u", i, kind, r);
}

static void fill(char *p, unsigned kind, unsigned r)
{
	for (unsigned i = 0; i < PAGES; i++)
		page_make(p + i * PAGE, kind, i, r);
}

static void same(const char *p, unsigned kind, unsigned r)
{
	for (unsigned i = 0; i < PAGES; i++)
		page_same(p + i * PAGE, kind, i, r);
}

static void small_pages(void)
{
	char *p = swap_pages(MAP_PRIVATE);
	long out = count("zswpout"), in = count("zswpin"), written = count("pswpout");

	for (unsigned r = 0; r < 3; r++) {
		fill(p, LINES, r);
		swap_out(p);
		if (!r) {
			CHECK_GE(number_in("/proc/meminfo", "Zswapped"), PAGES * 3 / 4 * 4);
			CHECK_GE(number_in("/proc/meminfo", "Zswapped"),
				 2 * number_in("/proc/meminfo", "Zswap"));
			CHECK_GE(number_in("/proc/meminfo", "Zswap"), 4);
		}
		same(p, LINES, r);
	}
	CHECK_GE(count("zswpout"), out + 3 * PAGES * 3 / 4);
	CHECK_GE(count("zswpin"), in + 3 * PAGES * 3 / 4);
	CHECK(count("pswpout") < written + PAGES / 4);
}

TEST(swap, zswap_small_pages, .root = true)
{
	with_zswap("20", small_pages);
}

/* What is in memory again is not in the pool, too. */
static void not_twice(void)
{
	char *p = swap_pages(MAP_PRIVATE), *q = swap_pages(MAP_SHARED);
	long before = number_in("/proc/meminfo", "Zswapped");

	fill(p, LINES, 1);
	fill(q, LINES, 2);
	swap_out(p);
	/* The first time they are written, the second they go. */
	swap_out(q);
	swap_out(q);
	CHECK_GE(number_in("/proc/meminfo", "Zswapped"), before + 2 * PAGES * 3 / 4 * 4);
	same(p, LINES, 1);
	same(q, LINES, 2);
	CHECK_GE(before + 2 * PAGES / 4 * 4, number_in("/proc/meminfo", "Zswapped"));
}

TEST(swap, zswap_not_twice, .root = true)
{
	with_zswap("20", not_twice);
}

static void hard_pages(void)
{
	char *p = swap_pages(MAP_PRIVATE);
	long out = count("zswpout"), written = count("pswpout");

	for (unsigned r = 0; r < 2; r++) {
		fill(p, HARD, r);
		swap_out(p);
		same(p, HARD, r);
	}
	CHECK_GE(count("pswpout"), written + 2 * PAGES * 3 / 4);
	CHECK(count("zswpout") < out + PAGES / 4);
}

TEST(swap, zswap_hard_pages, .root = true)
{
	with_zswap("20", hard_pages);
}

/* The page's word: small numbers, repeated bytes, any, and one that needs a place of its own. */
static uint64_t word_of(unsigned i)
{
	static const uint64_t by[] = {1, 0x0101010101010101, 0x9e3779b97f4a7c17};

	return i == 3 ? 0x9e3779b97f4a7c15 : (i + 1) * by[i % 3];
}

static void word_pages(void)
{
	uint64_t *w = (uint64_t *)(void *)swap_pages(MAP_PRIVATE);
	long out = count("zswpout"), in = count("zswpin");
	long taken = number_in("/proc/meminfo", "Zswap");

	for (unsigned k = 0; k < PAGES * PAGE / 8; k++)
		w[k] = word_of(k / 512);
	/* Nearly the same. */
	w[512 * 7 + 511]++;
	w[512 * 8]++;
	swap_out((char *)w);
	CHECK_GE(count("zswpout"), out + PAGES * 3 / 4);
	if (count("xv39_zswap_poor") >= 0)
		CHECK_GE(taken + PAGES / 10 * 4, number_in("/proc/meminfo", "Zswap"));
	for (unsigned k = 0; k < PAGES * PAGE / 8; k++)
		CHECK_EQ(w[k], word_of(k / 512) + (k == 512 * 7 + 511 || k == 512 * 8));
	CHECK_GE(count("zswpin"), in + PAGES * 3 / 4);
}

TEST(swap, zswap_word_pages, .root = true)
{
	with_zswap("20", word_pages);
}

/* After many pages that do not get small few are tried, until some do. */
static void hard_then_small(void)
{
	char *p = swap_pages(MAP_PRIVATE);
	long poor = count("xv39_zswap_poor"), skipped = count("xv39_zswap_skipped"), out;

	for (unsigned r = 0; r < 2; r++) {
		fill(p, HARD, r);
		swap_out(p);
		same(p, HARD, r);
	}
	CHECK_GE(count("xv39_zswap_skipped") - skipped, 4 * (count("xv39_zswap_poor") - poor));
	CHECK_GE(count("xv39_zswap_poor"), poor + 1);
	out = count("zswpout");
	fill(p, LINES, 3);
	swap_out(p);
	CHECK_GE(count("zswpout"), out + PAGES * 3 / 4);
	same(p, LINES, 3);
}

TEST(swap, zswap_hard_then_small, .root = true)
{
	skip_elsewhere();
	with_zswap("20", hard_then_small);
}

/* What page i is like changes from round to round, in one slot as in others. */
static unsigned kind_of(unsigned i, unsigned r)
{
	return (i * 7 + r * 3 + i / 11) % KINDS;
}

/* Each `all`-th page from `own` on: written, sent out with its neighbours, looked at, at random. */
static void at_random(char *p, unsigned own, unsigned all, unsigned seed)
{
	static unsigned round[PAGES];

	for (unsigned n = 0; n < 2 * PAGES; n++) {
		unsigned i, what;

		seed = seed * 1103515245 + 12345;
		what = seed >> 28;
		i = (seed >> 8) % (PAGES / all) * all + own;
		round[i] += !round[i] || what < 4;
		if (what < 4 || round[i] == 1)
			page_make(p + i * PAGE, kind_of(i, round[i]), i, round[i]);
		else if (what == 4)
			CHECK_OK(madvise(p + (i & ~7u) * PAGE, 8 * PAGE, MADV_PAGEOUT));
		else
			page_same(p + i * PAGE, kind_of(i, round[i]), i, round[i]);
	}
	/* One of them for all: each page that goes interrupts whoever runs with it. */
	if (!own)
		swap_out(p);
	for (unsigned i = own; i < PAGES / all * all; i += all)
		if (round[i])
			page_same(p + i * PAGE, kind_of(i, round[i]), i, round[i]);
}

/* A family with private pages that it shares until they are written to, and with shared memory. */
static void family(void)
{
	enum { CHILDREN = 3 };
	char *own = swap_pages(MAP_PRIVATE), *shared = swap_pages(MAP_SHARED);
	pid_t pid[CHILDREN];

	for (unsigned i = 0; i < PAGES; i++)
		page_make(own + i * PAGE, kind_of(i, 0), i, 0);
	for (unsigned c = 0; c < CHILDREN; c++) {
		pid[c] = child();
		if (pid[c])
			continue;
		at_random(shared, c, CHILDREN, c + 1);
		swap_out(own);
		for (unsigned i = c; i < PAGES; i += 2)
			page_make(own + i * PAGE, kind_of(i, c), i, c);
		swap_out(own);
		for (unsigned i = 0; i < PAGES; i++) {
			unsigned r = i >= c && (i - c) % 2 == 0 ? c : 0;

			page_same(own + i * PAGE, kind_of(i, r), i, r);
		}
		_exit(0);
	}
	swap_out(own);
	for (unsigned c = 0; c < CHILDREN; c++)
		expect_exit(pid[c], 0);
	for (unsigned i = 0; i < PAGES; i++)
		page_same(own + i * PAGE, kind_of(i, 0), i, 0);
}

TEST(swap, zswap_family, .root = true)
{
	with_zswap("20", family);
}

static void switched(void)
{
	static const char *const states[] = {"N", "Y", "0", "1", "off", "on"};
	char *p = swap_pages(MAP_PRIVATE), *q = swap_pages(MAP_SHARED);
	pid_t pid = child();

	if (!pid) {
		at_random(q, 0, 1, 9);
		_exit(0);
	}
	for (unsigned r = 0; r < 12; r++) {
		fill(p, LINES, r);
		knob_set(ENABLED, states[r % 6]);
		CHECK_OK(madvise(p, PAGES / 2 * PAGE, MADV_PAGEOUT));
		knob_set(ENABLED, states[(r + 1) % 6]);
		swap_out(p);
		knob_set(ENABLED, states[r % 2]);
		same(p, LINES, r);
	}
	expect_exit(pid, 0);
}

TEST(swap, zswap_switched, .root = true)
{
	with_zswap("20", switched);
}

static void little_room(void)
{
	long limit = number_in("/proc/meminfo", "MemTotal") / 100 + 4, out;
	char *p[3];

	for (unsigned n = 0; n < 3; n++) {
		p[n] = swap_pages(n ? MAP_PRIVATE : MAP_SHARED);
		fill(p[n], THIRD, n);
		swap_out(p[n]);
	}
	CHECK_GE(limit, number_in("/proc/meminfo", "Zswap"));
	for (unsigned n = 0; n < 3; n++)
		same(p[n], THIRD, n);
	/* Nothing more with no room at all; what is in is right all the same. */
	knob_set(PERCENT, "0");
	out = count("zswpout");
	for (unsigned n = 0; n < 3; n++) {
		swap_out(p[n]);
		same(p[n], THIRD, n);
		fill(p[n], THIRD, n + 10);
		swap_out(p[n]);
		same(p[n], THIRD, n + 10);
	}
	/* But for pages of one word, of others, which need none. */
	CHECK_GE(out + PAGES / 8, count("zswpout"));
}

TEST(swap, zswap_little_room, .root = true)
{
	skip_elsewhere(); /* there the limit is overstepped by what is under way */
	with_zswap("1", little_room);
}

/* Sent out one after the other, more than there is room for: the oldest go on to the device. */
static void written_back(void)
{
	enum { AREAS = 3 };
	long back = count("zswpwb");
	char *p[AREAS];

	for (unsigned n = 0; n < AREAS; n++) {
		p[n] = swap_pages(n == 1 ? MAP_SHARED : MAP_PRIVATE);
		fill(p[n], THIRD, n);
		/* What has come back is worth others' room. */
		swap_out(p[n]);
		same(p[n], THIRD, n);
	}
	for (unsigned n = 0; n < AREAS; n++)
		swap_out(p[n]);
	for (unsigned r = 0; r < 2; r++) {
		for (unsigned n = 0; n < AREAS; n++)
			same(p[n], THIRD, n + r * AREAS);
		for (unsigned n = 0; n < AREAS; n++) {
			fill(p[n], THIRD, n + (r + 1) * AREAS);
			swap_out(p[n]);
		}
	}
	/* On a larger machine all have room; they need more than a third of their size. */
	if (count("xv39_zswap_poor") >= 0 &&
	    number_in("/proc/meminfo", "MemTotal") / 100 * 2 < AREAS * PAGES * 4 / 3)
		CHECK_GE(count("zswpwb"), back + 1);
}

TEST(swap, zswap_written_back, .root = true)
{
	with_zswap("2", written_back);
}

/* Those who write, send out and look at what is theirs, while it goes to the device behind them. */
static void written_back_at_random(void)
{
	enum { CHILDREN = 3 };
	char *p = swap_pages(MAP_SHARED), *q = swap_pages(MAP_PRIVATE);
	pid_t pid[CHILDREN];

	for (unsigned c = 0; c < CHILDREN; c++) {
		pid[c] = child();
		if (pid[c])
			continue;
		at_random(c == 2 ? q : p, c == 2 ? 0 : c, c == 2 ? 1 : 2, c + 1);
		_exit(0);
	}
	for (unsigned c = 0; c < CHILDREN; c++)
		expect_exit(pid[c], 0);
}

TEST(swap, zswap_written_back_at_random, .root = true)
{
	with_zswap("1", written_back_at_random);
}

static void swapoff_with_pool(void)
{
	char *p = swap_pages(MAP_PRIVATE), *q = swap_pages(MAP_SHARED);

	fill(p, LINES, 1);
	fill(q, THIRD, 2);
	swap_out(p);
	swap_out(q);
	swap_out(q);
	CHECK_GE(number_in("/proc/meminfo", "Zswapped"), PAGES * 4);
	CHECK_OK(swapoff(DEVICE));
	CHECK_EQ(number_in("/proc/meminfo", "Zswapped"), 0);
	CHECK_EQ(number_in("/proc/meminfo", "Zswap"), 0);
	same(p, LINES, 1);
	same(q, THIRD, 2);
	CHECK_OK(swapon(DEVICE, 0));
}

TEST(swap, zswap_swapoff, .root = true)
{
	skip_elsewhere();
	if (access(DEVICE, F_OK) || !swap_begin())
		SKIP("swap is on for all");
	swap_end(true);
	with_zswap("20", swapoff_with_pool);
}

static void twice_memory(void)
{
	unsigned pages = (unsigned)(number_in("/proc/meminfo", "MemTotal") / 4 * 5 / 4);
	long in = count("pswpin"), out = count("zswpout"), back = count("zswpin");
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	for (unsigned i = 0; i < pages; i++)
		page_make(p + i * PAGE, WORDS, i, 1);
	for (unsigned r = 1; r < 3; r++)
		for (unsigned i = 0; i < pages; i++)
			page_same(p + i * PAGE, WORDS, i, 1);
	CHECK_GE(count("zswpout"), out + pages / 5);
	CHECK_GE(count("zswpin"), back + pages / 5);
	/* That is what it is for. */
	CHECK_GE((count("zswpin") - back) / 4, count("pswpin") - in);
}

TEST(swap, zswap_more_than_memory, .root = true, .seconds = 600)
{
	skip_elsewhere();
	skip_memory_above(64);
	with_zswap("20", twice_memory);
}

/* A device that fails is none of its business. */
static void disk_lost(void)
{
	char *p = swap_pages(MAP_PRIVATE);
	long size = number_in("/proc/meminfo", "SwapTotal");

	swap_fail("vdc:1-1");
	for (unsigned r = 0; r < 3; r++) {
		fill(p, WORDS, r);
		swap_out(p);
		same(p, WORDS, r);
	}
	CHECK_EQ(number_in("/proc/meminfo", "SwapTotal"), size);
	/* What does not fit has to be written, and is not lost either. */
	fill(p, HARD, 7);
	swap_out(p);
	swap_fail("vdc:0");
	same(p, HARD, 7);
}

TEST(swap, zswap_disk_lost, .root = true, .mem_mib = 64)
{
	swap_begin_failing();
	with_zswap("20", disk_lost);
	swap_fail("vdc:0");
	CHECK_OK(swapoff(DEVICE));
}

/* What cannot be written back stays; and so do pages for which there is no room. */
static void write_back_fails(void)
{
	char *p = swap_pages(MAP_PRIVATE), *q = swap_pages(MAP_SHARED);

	swap_fail("vdc:2");
	for (unsigned r = 0; r < 2; r++) {
		fill(p, THIRD, r);
		fill(q, THIRD, r + 2);
		swap_out(p);
		swap_out(q);
		swap_fail("vdc:0");
		same(p, THIRD, r);
		same(q, THIRD, r + 2);
		swap_fail("vdc:2");
	}
	swap_fail("vdc:0");
}

TEST(swap, zswap_write_back_fails, .root = true, .mem_mib = 64)
{
	swap_begin_failing();
	with_zswap("1", write_back_fails);
	swap_fail("vdc:0");
	CHECK_OK(swapoff(DEVICE));
}

static void values(void)
{
	static const char *const yes[] = {"Y", "y", "1", "on\n", "On"};
	static const char *const no[] = {"N", "n\n", "0", "off", "OF"};
	static const char *const bad[] = {"x", "2", "o", "-1", "\n"};

	for (unsigned i = 0; i < 5; i++) {
		knob_set(ENABLED, no[i]);
		knob_is(ENABLED, "N\n");
		knob_set(ENABLED, yes[i]);
		knob_is(ENABLED, "Y\n");
		CHECK_EQ(knob_try(ENABLED, bad[i]), -EINVAL);
		knob_is(ENABLED, "Y\n");
	}
	knob_set(PERCENT, "35\n");
	knob_is(PERCENT, "35\n");
	CHECK_EQ(knob_try(PERCENT, "-1"), -EINVAL);
	CHECK_EQ(knob_try(PERCENT, "many"), -EINVAL);
	knob_is(PERCENT, "35\n");
	CHECK_OK(setuid(1000));
	CHECK_ERR(open(names[ENABLED], O_WRONLY), EACCES);
	CHECK_ERR(open(names[PERCENT], O_WRONLY), EACCES);
	knob_is(PERCENT, "35\n");
}

TEST(swap, zswap_parameters, .root = true)
{
	with_zswap("20", values);
}

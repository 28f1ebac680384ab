/* The traces: those of the goals, and others that a policy made for these would fail at. */
#include "tests/host/replace/replace.h"

#include <stdlib.h>

#include "tests/zipf.h"

static uint64_t seed;

static uint32_t below(uint32_t n)
{
	return (uint32_t)(random_next(&seed) % n);
}

static void touch(struct trace *t, uint32_t page)
{
	if (t->length == t->room) {
		t->room = t->room ? 2 * t->room : 1 << 20;
		t->page = realloc(t->page, t->room * sizeof(*t->page));
		if (!t->page)
			abort();
	}
	t->page[t->length++] = page;
	if (page >= t->pages)
		t->pages = page + 1;
}

static void sweep(struct trace *t, uint32_t first, uint32_t n, unsigned times)
{
	while (times--)
		for (uint32_t i = 0; i < n; i++)
			touch(t, first + i);
}

/* Ranks are spread over [first, first + n) at random. */
static void zipf(struct trace *t, double skew, uint32_t first, uint32_t n, uint32_t accesses)
{
	double *sum = zeroed(n, sizeof(*sum));
	uint32_t *page = zeroed(n, sizeof(*page));

	zipf_sums(sum, n, skew);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = below(i + 1);

		page[i] = page[j];
		page[j] = first + i;
	}
	while (accesses--)
		touch(t, page[zipf_next(&seed, sum, n)]);
	free(sum);
	free(page);
}

/* Who keeps the 13,500 most likely pages misses the others: no demand paging expects less. */
static double zipf_blind(double skew, uint32_t n, uint32_t accesses)
{
	double kept = 0, all = 0;

	for (uint32_t i = 0; i < n; i++) {
		all += pow(i + 1, -skew);
		if (i < 13500)
			kept = all;
	}
	return accesses * (all - kept) / all;
}

static void loop(struct trace *t)
{
	sweep(t, 0, 20480, 3);
}

static void zipf_09(struct trace *t)
{
	sweep(t, 0, 32768, 1);
	zipf(t, 0.9, 0, 32768, 131072);
	t->blind = zipf_blind(0.9, 32768, 131072);
}

static void hot_scan(struct trace *t)
{
	sweep(t, 0, 8192, 1);
	for (uint32_t i = 0; i < 32768; i++) {
		touch(t, 8192 + i);
		for (unsigned k = 0; k < 4; k++)
			touch(t, below(8192));
	}
}

/* Four processes in turns: each writes copies of its share of the pages, then reads all. */
static void family(struct trace *t)
{
	enum { PAGES = 12288, TURN = 64 };
	static uint32_t map[4][PAGES];
	uint32_t at[4] = {0, 0, 1, 2}, copies = PAGES, ended = 0;
	int reading[4] = {0};

	sweep(t, 0, PAGES, 1);
	for (unsigned p = 0; p < 4; p++)
		for (uint32_t i = 0; i < PAGES; i++)
			map[p][i] = i;
	while (ended != 0xf) {
		for (unsigned n = 0; n < 4 * TURN; n++) {
			unsigned p = n / TURN;

			if (ended & 1u << p)
				continue;
			touch(t, map[p][at[p]]);
			if (!reading[p])
				touch(t, map[p][at[p]] = copies++);
			at[p] += reading[p] ? 1 : p ? 3 : 2;
			if (at[p] < PAGES)
				continue;
			at[p] = 0;
			ended |= (uint32_t)reading[p] << p;
			reading[p] = 1;
		}
	}
}

static void tight_loop(struct trace *t)
{
	sweep(t, 0, 14500, 10);
}

/* A program in phases, each with a working set that fits; then all of them again. */
static void phases(struct trace *t)
{
	for (unsigned p = 0; p < 10; p++)
		sweep(t, p % 5 * 9000, 9000, 10);
}

static void zipf_11(struct trace *t)
{
	sweep(t, 0, 32768, 1);
	zipf(t, 1.1, 0, 32768, 200000);
	t->blind = zipf_blind(1.1, 32768, 200000);
}

static void zipf_07(struct trace *t)
{
	sweep(t, 0, 40000, 1);
	zipf(t, 0.7, 0, 40000, 200000);
	t->blind = zipf_blind(0.7, 40000, 200000);
}

/* What is popular changes. */
static void fashion(struct trace *t)
{
	sweep(t, 0, 32768, 1);
	for (unsigned k = 0; k < 5; k++)
		zipf(t, 0.9, 0, 32768, 60000);
}

static void uniform(struct trace *t)
{
	sweep(t, 0, 20000, 1);
	for (unsigned i = 0; i < 100000; i++)
		touch(t, below(20000));
}

/* A loop, something skewed, and a scan at once. */
static void mix(struct trace *t)
{
	for (uint32_t k = 0; k < 20; k++) {
		sweep(t, 0, 4000, 1);
		zipf(t, 1.0, 4000, 10000, 6000);
		for (uint32_t i = 0; i < 2000; i++)
			touch(t, 20000 + (k * 2000 + i) % 16000);
	}
}

/* A working set that moves on steadily: what LRU is best at. */
static void drift(struct trace *t)
{
	for (uint32_t k = 0; k < 300000; k++) {
		double back = random_fraction(&seed) * random_fraction(&seed) * 12000;

		touch(t, 12000 + k / 10 - (uint32_t)back);
	}
}

/* Compilers, by the look of it: small sets used hard, and a heap that only grows. */
static void heaps(struct trace *t)
{
	for (uint32_t unit = 0; unit < 40; unit++) {
		uint32_t first = 6000 + unit * 1500 % 30000;

		for (uint32_t i = 0; i < 1500; i++) {
			touch(t, first + i);
			for (unsigned k = 0; k < 3; k++)
				touch(t, first + below(i + 1));
			touch(t, below(6000));
		}
	}
}

/* A program that LRU was right for ends, and another one begins. */
static void next_loop(struct trace *t)
{
	for (unsigned p = 0; p < 4; p++)
		sweep(t, p % 2 * 9000, 9000, 2);
	t->end = t->length;
	sweep(t, 18000, 20480, 3);
}

/* Each phase goes on with a part of the set before it. */
static void part_phases(struct trace *t)
{
	for (unsigned p = 0; p < 20; p++)
		sweep(t, p % 7 * 6000, 11000, 4);
}

/* Which pages are hot changes, and two scans take turns. */
static void hot_change(struct trace *t)
{
	for (uint32_t i = 0; i < 6 * 12768; i++) {
		uint32_t part = i / 12768;

		touch(t, 50000 + part % 2 * 12768 + i % 12768);
		for (unsigned k = 0; k < 4; k++)
			touch(t, part % 3 * 8192 + below(8192));
	}
}

static const struct {
	const char *name;
	void (*make)(struct trace *t);
} makers[] = {
	{"loop", loop},		{"zipf 0.9", zipf_09},	{"hot+scan", hot_scan},
	{"family", family},	{"tight loop", tight_loop}, {"phases", phases},
	{"zipf 1.1", zipf_11},	{"zipf 0.7", zipf_07},	{"fashion", fashion},
	{"uniform", uniform},	{"mix", mix},		{"drift", drift},
	{"heaps", heaps},	{"next loop", next_loop}, {"part phases", part_phases},
	{"hot change", hot_change},
};

struct trace trace_make(unsigned n)
{
	struct trace t = {0};

	if (n < sizeof(makers) / sizeof(makers[0])) {
		seed = 88172645463325252u;
		t.name = makers[n].name;
		makers[n].make(&t);
	}
	return t;
}

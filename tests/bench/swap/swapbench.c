/*
 * What memory pressure costs, counted: four patterns over more pages than there are, contents
 * verified. Before each, memory is locked until MemAvailable is 13,500 pages; pages brought in from
 * swap are counted from behind the first touches. With the argument "tier": with zswap, and
 * contents that get small, and some that do not. With "evict", under -icount: what it costs to have
 * back the memory of pages that need not be written; with "zswap": to compress them.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/zipf.h"

#define PAGE   4096ul
#define FRAMES 13500

static uint64_t seed = 88172645463325252u;
static char *mem;
static uint32_t *version; /* of each page, as last written */
static unsigned hard = 8; /* words of each eight that look random; all others of a page are alike */

static uint32_t below(uint32_t n)
{
	return (uint32_t)(random_next(&seed) % n);
}

static long number(const char *path, const char *name)
{
	char line[160];
	size_t len = strlen(name);
	long value = 0;
	FILE *f = fopen(path, "r");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, len) && (line[len] == ':' || line[len] == ' '))
			value = atol(line + len + 1);
	if (f)
		fclose(f);
	return value;
}

static void write_page(uint32_t i)
{
	uint64_t *w = (uint64_t *)(void *)(mem + i * PAGE), x;

	x = ((uint64_t)++version[i] << 32 | i) * 0x9e3779b97f4a7c15u;
	for (unsigned k = 0; k < PAGE / 8; k++) {
		x += x << 7 ^ k;
		w[k] = k % 8 < hard ? x : i;
	}
}

static void read_page(uint32_t i)
{
	const uint64_t *w = (const uint64_t *)(const void *)(mem + i * PAGE);
	uint64_t x = ((uint64_t)version[i] << 32 | i) * 0x9e3779b97f4a7c15u;

	for (unsigned k = 0; k < PAGE / 8; k++) {
		x += x << 7 ^ k;
		if (w[k] != (k % 8 < hard ? x : i)) {
			printf("page %u is wrong at %u\n", i, k * 8);
			_exit(1);
		}
	}
}

static long loop(void)
{
	for (uint32_t i = 0; i < 20480; i++)
		write_page(i);
	for (unsigned pass = 1; pass < 3; pass++)
		for (uint32_t i = 0; i < 20480; i++)
			read_page(i);
	return 0;
}

static long zipf(void)
{
	enum { N = 32768 };
	static double sum[N];
	static uint32_t rank[N];

	zipf_sums(sum, N, 0.9);
	for (uint32_t i = 0; i < N; i++) {
		uint32_t j = below(i + 1);

		rank[i] = rank[j];
		rank[j] = i;
		write_page(i);
	}
	for (unsigned n = 0; n < 131072; n++) {
		uint32_t page = rank[zipf_next(&seed, sum, N)];

		read_page(page);
		if (below(10) < 3)
			write_page(page);
	}
	return 0;
}

static long hot_scan(void)
{
	for (uint32_t i = 0; i < 8192; i++)
		write_page(i);
	for (uint32_t i = 8192; i < 8192 + 32768; i++) {
		write_page(i);
		for (unsigned k = 0; k < 4; k++)
			read_page(below(8192));
	}
	return 0;
}

static long family(void)
{
	enum { N = 12288 };
	int status;

	for (uint32_t i = 0; i < N; i++)
		write_page(i);
	for (unsigned c = 0; c < 3; c++) {
		if (fork())
			continue;
		for (uint32_t i = c; i < N; i += 3)
			write_page(i);
		for (uint32_t i = 0; i < N; i++)
			read_page(i);
		_exit(0);
	}
	for (uint32_t i = 0; i < N; i += 2)
		write_page(i);
	for (uint32_t i = 0; i < N; i++)
		read_page(i);
	for (unsigned c = 0; c < 3; c++)
		if (wait(&status) < 0 || status)
			_exit(1);
	return 0;
}

/* Lock memory until so much is left. */
static void ballast(void)
{
	for (;;) {
		long left = number("/proc/meminfo", "MemAvailable") / 4 - FRAMES;
		size_t len;
		char *p;

		if (left < 25)
			return;
		len = (size_t)(left > 64 ? left * 7 / 8 : left) * PAGE;
		p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED || mlock(p, len))
			exit(1);
		memset(p, 1, len);
	}
}

/* Requests that the first swap area's device has written. */
static long requests(void)
{
	char device[64] = "", line[256], name[64];
	FILE *f = fopen("/proc/swaps", "r");
	long writes = 0, n;

	if (f && fgets(line, sizeof(line), f))
		(void)!fscanf(f, "/dev/%63s", device);
	if (f)
		fclose(f);
	f = fopen("/proc/diskstats", "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*u %*u %63s %*u %*u %*u %*u %ld", name, &n) == 2 &&
		    !strcmp(name, device))
			writes = n;
	if (f)
		fclose(f);
	return writes;
}

enum { IN, OUT, SCANNED, FREED, MAJOR, ZIN, ZOUT, ZBACK, COUNTERS };

static void counters_read(long *value)
{
	static const char *const names[] = {"pswpin", "pswpout", "pgscan_anon", "pgsteal_anon",
					    "pgmajfault", "zswpin", "zswpout", "zswpwb"};

	for (unsigned i = 0; i < COUNTERS; i++)
		value[i] = number("/proc/vmstat", names[i]);
}

static double ratio(long a, long b)
{
	return b ? (double)a / (double)b : 0;
}

static bool tier; /* zswap is on */

static void report(const char *name, const long *before, long requests_before)
{
	long v[COUNTERS];

	counters_read(v);
	for (unsigned i = 0; i < COUNTERS; i++)
		v[i] -= before[i];
	printf("%-10s pswpin %ld pswpout %ld pgscan_anon %ld pgsteal_anon %ld pgmajfault %ld\n",
	       name, v[IN], v[OUT], v[SCANNED], v[FREED], v[MAJOR]);
	if (tier) {
		printf("%-10s zswpin %ld zswpout %ld zswpwb %ld, %ld KiB in the end, %.1f "
		       "requests for 1,000 pages written\n",
		       "", v[ZIN], v[ZOUT], v[ZBACK], number("/proc/meminfo", "Zswap"),
		       1000 * ratio(requests() - requests_before, v[OUT]));
		return;
	}
	printf("%-10s %.1f requests for 1,000 pages written, %.2f pages written for one evicted, "
	       "%.2f scanned for one freed\n",
	       "", 1000 * ratio(requests() - requests_before, v[OUT]), ratio(v[OUT], v[FREED]),
	       ratio(v[SCANNED], v[FREED]));
}

/* Instructions that it takes to have so many pages of locked memory. */
static long lock_pages(size_t pages)
{
	struct timespec a, b;
	char *p;

	clock_gettime(CLOCK_MONOTONIC, &a);
	p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
	clock_gettime(CLOCK_MONOTONIC, &b);
	if (p == MAP_FAILED)
		exit(1);
	return (b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec;
}

static long waits(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_nvcsw;
}

/*
 * Pages that were written to swap and read again go without being written: the clock counts all
 * that is done to free them. What allocating costs by itself is taken off. A stretch that waits
 * for the disk after all is left out: the clock runs on meanwhile.
 */
static void evict(void)
{
	enum { CLEAN = 12288, WANTED = 4096, STRETCHES = 32 };
	long before[COUNTERS], after[COUNTERS], alone, waited, n, pressed = 0, freed = 0, seen = 0;

	mem = mmap(NULL, CLEAN * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	version = calloc(CLEAN, sizeof(*version));
	for (uint32_t i = 0; i < CLEAN; i++)
		write_page(i);
	/* Twice: what is being written stays until then. */
	for (unsigned round = 0; round < 2; round++) {
		madvise(mem, CLEAN * PAGE, MADV_PAGEOUT);
		sleep(1);
		for (uint32_t i = 0; i < CLEAN; i++)
			read_page(i);
	}
	alone = lock_pages(WANTED) / STRETCHES;
	lock_pages((size_t)number("/proc/meminfo", "MemFree") / 4 - WANTED / 4);
	for (unsigned i = 0; i < STRETCHES; i++) {
		counters_read(before);
		waited = waits();
		n = lock_pages(WANTED / STRETCHES);
		if (waits() == waited) {
			counters_read(after);
			pressed += n - alone;
			freed += after[FREED] - before[FREED];
			seen += after[SCANNED] - before[SCANNED];
		}
	}
	printf("evicted without being written: %ld pages, %.0f instructions each, %.2f scanned for "
	       "one freed\n",
	       freed, ratio(pressed, freed), ratio(seen, freed));
}

static void run(const char *name, long (*pattern)(void))
{
	long before[COUNTERS], requests_before;
	int status;

	if (!fork()) {
		mem = mmap(NULL, 41000 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		version = calloc(41000, sizeof(*version));
		memset(version, 0, 41000 * sizeof(*version));
		ballast();
		counters_read(before);
		requests_before = requests();
		pattern();
		report(name, before, requests_before);
		fflush(stdout);
		_exit(0);
	}
	if (wait(&status) < 0 || status)
		printf("%s failed: status %x\n", name, status);
}

/* `same` words of each 32 are alike, the others random. */
static void fill(unsigned pages, unsigned same)
{
	for (unsigned k = 0; k < pages * PAGE / 8; k++)
		((uint64_t *)(void *)mem)[k] = k % 32 < same ? k / 512 : random_next(&seed);
}

/* Instructions for a page, from `since` on. */
static double each(const struct timespec *since, long pages)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ratio((now.tv_sec - since->tv_sec) * 1000000000 + now.tv_nsec - since->tv_nsec,
		     pages);
}

static double send_out(unsigned pages)
{
	struct timespec since;

	clock_gettime(CLOCK_MONOTONIC, &since);
	madvise(mem, pages * PAGE, MADV_PAGEOUT);
	return each(&since, pages);
}

/* Pages that zswap keeps, on their way out and back. */
static void compressed(const char *name, unsigned same)
{
	enum { N = 2048 };
	struct timespec since;
	double out;
	long kept;

	fill(N, same);
	out = send_out(N);
	kept = number("/proc/meminfo", "Zswapped") / 4;
	clock_gettime(CLOCK_MONOTONIC, &since);
	for (unsigned i = 0; i < N; i++)
		(void)*(volatile char *)(mem + i * PAGE);
	printf("%s: %ld of %u pages kept in %ld KiB, %.0f instructions a page out, %.0f in\n",
	       name, kept, N, number("/proc/meminfo", "Zswap"), out,
	       each(&since, N));
}

static void zswap_switch(const char *on)
{
	FILE *f = fopen("/sys/module/zswap/parameters/enabled", "w");

	if (!f || fputs(on, f) < 0 || fclose(f))
		exit(1);
}

/* Random pages leave, so few at a time that no write has to wait: for it the clock would leap. */
static double hard_out(void)
{
	enum { N = 256, ROUNDS = 16 };
	double sum = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		fill(N, 0);
		sum += send_out(N);
		sleep(1);
	}
	return sum / ROUNDS;
}

/* What it costs more to write pages that do not get small. */
static void given_up(void)
{
	double without, with;

	zswap_switch("N");
	without = hard_out();
	zswap_switch("Y");
	with = hard_out();
	printf("random: %.0f instructions a page out to the device, and %.0f more with zswap\n",
	       without, with - without);
}

static void zswap(void)
{
	zswap_switch("Y");
	mem = mmap(NULL, 2048 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	compressed("a number, 512 times", 32);
	compressed("a third of it random", 21);
	given_up();
}

/* Before what is counted without it. */
static void zswap_off(void)
{
	if (!access("/sys/module/zswap/parameters/enabled", W_OK))
		zswap_switch("N");
}

static void patterns(const char *only)
{
	if (!*only || !strcmp(only, "loop"))
		run("loop", loop);
	if (!*only || !strcmp(only, "hot+scan"))
		run("hot+scan", hot_scan);
	if (!*only || !strcmp(only, "family"))
		run("family", family);
	if (!*only || !strcmp(only, "zipf"))
		run("zipf 0.9", zipf);
}

static void patterns_with_zswap(const char *only, const char *pattern)
{
	static const unsigned words[] = {0, 2, 3, 4, 8};

	tier = true;
	zswap_switch("Y");
	for (unsigned i = 0; i < 5; i++) {
		hard = words[i];
		if (*only && (unsigned)atoi(only) != hard)
			continue;
		printf("with zswap, %u words of 8 random\n", hard);
		patterns(pattern);
	}
}

int main(int argc, char **argv)
{
	const char *only = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(only, "zswap") && strcmp(only, "tier"))
		zswap_off();
	if (!strcmp(only, "evict"))
		evict();
	else if (!strcmp(only, "zswap"))
		zswap();
	else if (!strcmp(only, "tier"))
		patterns_with_zswap(argc > 2 ? argv[2] : "", argc > 3 ? argv[3] : "");
	else
		patterns(only);
	return 0;
}

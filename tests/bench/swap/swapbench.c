/*
 * What memory pressure costs, counted: four patterns over more pages than there are, contents
 * verified. Before each, memory is locked until MemAvailable is 13,500 pages; pages brought in from
 * swap are counted from behind the first touches.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/zipf.h"

#define PAGE   4096ul
#define FRAMES 13500

static uint64_t seed = 88172645463325252u;
static char *mem;
static uint32_t *version; /* of each page, as last written */

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
	for (unsigned k = 0; k < PAGE / 8; k++)
		w[k] = x += x << 7 ^ k;
}

static void read_page(uint32_t i)
{
	const uint64_t *w = (const uint64_t *)(const void *)(mem + i * PAGE);
	uint64_t x = ((uint64_t)version[i] << 32 | i) * 0x9e3779b97f4a7c15u;

	for (unsigned k = 0; k < PAGE / 8; k++) {
		x += x << 7 ^ k;
		if (w[k] != x) {
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

static void run(const char *name, long (*pattern)(void))
{
	static const char *const counters[] = {"pswpin", "pswpout", "pgscan_anon", "pgsteal_anon",
					       "pgmajfault"};
	long before[5];
	int status;

	if (!fork()) {
		mem = mmap(NULL, 41000 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		version = calloc(41000, sizeof(*version));
		memset(version, 0, 41000 * sizeof(*version));
		ballast();
		for (unsigned i = 0; i < 5; i++)
			before[i] = number("/proc/vmstat", counters[i]);
		pattern();
		printf("%-10s", name);
		for (unsigned i = 0; i < 5; i++)
			printf(" %s %ld", counters[i],
			       number("/proc/vmstat", counters[i]) - before[i]);
		printf("\n");
		fflush(stdout);
		_exit(0);
	}
	if (wait(&status) < 0 || status)
		printf("%s failed: status %x\n", name, status);
}

int main(int argc, char **argv)
{
	const char *only = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!*only || !strcmp(only, "loop"))
		run("loop", loop);
	if (!*only || !strcmp(only, "hot+scan"))
		run("hot+scan", hot_scan);
	if (!*only || !strcmp(only, "family"))
		run("family", family);
	if (!*only || !strcmp(only, "zipf"))
		run("zipf 0.9", zipf);
	return 0;
}

/*
 * bench: instructions per operation, one line `name value` for each row.
 *
 * usage: bench [-lv] [-s SAMPLES] [-w SECONDS] [-d FOLDER] [-n FOLDER]
 *              [-r FOLDER] [NAME...]
 *   -l  list the rows     -v  say how far the samples lie apart
 *   -s  samples to take (5)     -w  first wait so long, while the system settles
 *   -d  a folder on a disk, for the rows disk/...; without it they are left out
 *   -n  one on a volume without a journal, for the rows plain/...
 *   -r  one in a root with Debian's programs, for the rows debian/...
 * bench -x does nothing: it is what the exec rows execute.
 * bench -p counts what harts wait for when all fault at once: parallel.c.
 *
 * Each row runs in a process of its own, so that none meets what another left behind.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define SAMPLES_MAX 25

const char *bench_folder = "/tmp";
char bench_self[256];

/* The rows of one file, the prefix of their names and the folder that they work in. */
static struct group {
	const char *prefix;
	const struct row *rows;
	const char *folder;
} groups[] = {
	{"", process_rows, "/tmp"},
	{"", memory_rows, "/tmp"},
	{"tmp/", file_rows, "/tmp"},
	{"disk/", file_rows, NULL},
	{"plain/", file_rows, NULL},
	{"debian/", program_rows, NULL},
};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

static int samples = 5;
static int verbose;
static uint64_t begun;
/* What an empty stretch takes. */
static uint64_t overhead;

static uint64_t clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

__attribute__((noinline)) void bench_begin(void)
{
	begun = clock_now();
}

__attribute__((noinline)) void bench_end(struct sample *s, uint64_t ops)
{
	uint64_t took = clock_now() - begun;

	s->ns += took > overhead ? took - overhead : 0;
	s->ops += ops;
}

void bench_need(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	_exit(1);
}

static int double_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The clock counts in steps of 100 ns, so the cost of a stretch is the mean of many. */
static void overhead_measure(void)
{
	struct sample s = {0};

	overhead = 0;
	for (int i = 0; i < 1000; i++) {
		bench_begin();
		bench_end(&s, 1);
	}
	overhead = s.ns / s.ops;
}

static void row_measure(const struct row *row, const char *name)
{
	double values[SAMPLES_MAX];
	struct sample s = {0};

	overhead_measure();
	row->run();
	for (int i = 0; i < samples; i++) {
		s = row->run();
		values[i] = (double)s.ns / (double)s.ops;
	}
	qsort(values, (size_t)samples, sizeof(values[0]), double_compare);
	printf("%s %.0f\n", name, values[samples / 2]);
	if (verbose)
		printf("# %s: %lu operations a sample, %.0f to %.0f\n", name,
		       (unsigned long)s.ops, values[0], values[samples - 1]);
	fflush(stdout);
}

static int row_run(const struct row *row, const char *name)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		row_measure(row, name);
		_exit(0);
	}
	bench_need(pid > 0, "fork");
	waitpid(pid, &status, 0);
	if (status != 0)
		printf("# %s: failed, status %#x\n", name, status);
	fflush(stdout);
	return status != 0;
}

static int wanted(const char *name, char **names)
{
	if (*names == NULL)
		return 1;
	for (; *names != NULL; names++)
		if (strcmp(*names, name) == 0)
			return 1;
	return 0;
}

static int group_run(const struct group *group, int list, char **names)
{
	char name[80];
	int failed = 0;

	bench_folder = group->folder;
	for (const struct row *row = group->rows; row->name != NULL; row++) {
		snprintf(name, sizeof(name), "%s%s", group->prefix, row->name);
		if (!wanted(name, names))
			continue;
		if (list)
			puts(name);
		else
			failed |= row_run(row, name);
	}
	return failed;
}

int main(int argc, char **argv)
{
	int list = 0, failed = 0, opt;

	if (argc == 2 && strcmp(argv[1], "-x") == 0)
		return 0;
	if (argc == 2 && strcmp(argv[1], "-p") == 0)
		return bench_parallel();
	bench_need(readlink("/proc/self/exe", bench_self, sizeof(bench_self) - 1) > 0,
		   "/proc/self/exe");
	while ((opt = getopt(argc, argv, "lvs:w:d:n:r:")) != -1) {
		if (opt == 'l')
			list = 1;
		else if (opt == 'v')
			verbose = 1;
		else if (opt == 's')
			samples = atoi(optarg);
		else if (opt == 'w')
			sleep((unsigned int)atoi(optarg));
		else if (opt == 'd')
			groups[GROUPS - 3].folder = optarg;
		else if (opt == 'n')
			groups[GROUPS - 2].folder = optarg;
		else if (opt == 'r')
			groups[GROUPS - 1].folder = optarg;
		else
			return 2;
	}
	if (samples < 1 || samples > SAMPLES_MAX)
		return 2;
	for (size_t i = 0; i < GROUPS; i++)
		if (list || groups[i].folder != NULL)
			failed |= group_run(&groups[i], list, argv + optind);
	return failed;
}

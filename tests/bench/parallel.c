/*
 * What harts wait for when all of them fault at once: in spaces of their own, in one space with
 * page tables of their own, and in one space with page tables in common. Counted by the kernel, not
 * timed: looks at a spin lock that found it taken, sleeps for a lock, fences sent to other harts.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define WORKERS 4
#define PAGES	2048ul	/* each touches */
#define SPAN	(PAGES * PAGE)

static struct {
	atomic_int ready, go, done, leave;
} *gate;

static char *memory;	/* WORKERS * SPAN */

struct way {
	const char *name;
	int processes;	/* workers are processes, not threads */
	int mixed;	/* each page's neighbours are of other workers */
};

static const struct way *way;

static const struct {
	const char *name, *field;
} counters[] = {
	{"spins", "xv39_lock_spins"},
	{"sleeps", "xv39_lock_sleeps"},
	{"remote fences", "nr_tlb_remote_flush"},
	{"faults", "pgfault"},
};

#define COUNTERS (sizeof(counters) / sizeof(counters[0]))

/* Fields that are missing stay 0. */
static void counters_read(long *values)
{
	char name[64];
	long value;
	FILE *file = fopen("/proc/vmstat", "re");

	bench_need(file != NULL, "/proc/vmstat");
	memset(values, 0, COUNTERS * sizeof(*values));
	while (fscanf(file, "%63s %ld", name, &value) == 2)
		for (size_t i = 0; i < COUNTERS; i++)
			if (strcmp(name, counters[i].field) == 0)
				values[i] = value;
	fclose(file);
}

static void wait_for(atomic_int *what, int value)
{
	while (atomic_load(what) < value)
		continue;
}

static void touch(long me)
{
	for (unsigned long i = 0; i < PAGES; i++)
		memory[way->mixed ? (i * WORKERS + (unsigned long)me) * PAGE
				  : (unsigned long)me * SPAN + i * PAGE] = 1;
}

static void *worker(void *arg)
{
	long me = (long)arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(me, &set);
	sched_setaffinity(0, sizeof(set), &set);
	atomic_fetch_add(&gate->ready, 1);
	wait_for(&gate->go, 1);
	touch(me);
	atomic_fetch_add(&gate->done, 1);
	wait_for(&gate->leave, 1);
	return NULL;
}

/* Start workers 1 to 3; this is the first. */
static void workers_start(pthread_t *threads)
{
	for (long i = 1; i < WORKERS; i++) {
		if (!way->processes) {
			bench_need(pthread_create(&threads[i], NULL, worker, (void *)i) == 0,
				   "pthread_create");
		} else {
			pid_t pid = fork();

			bench_need(pid >= 0, "fork");
			if (pid == 0) {
				worker((void *)i);
				_exit(0);
			}
		}
	}
	wait_for(&gate->ready, WORKERS - 1);
}

static void way_count(void)
{
	pthread_t threads[WORKERS];
	long before[COUNTERS], after[COUNTERS];

	memset(gate, 0, sizeof(*gate));
	memory = mmap(NULL, WORKERS * SPAN + (2ul << 20), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	bench_need(memory != MAP_FAILED, "mmap");
	memory = (char *)(((unsigned long)memory + (2ul << 20) - 1) & -(2ul << 20));
	workers_start(threads);
	counters_read(before);
	atomic_store(&gate->go, 1);
	touch(0);
	wait_for(&gate->done, WORKERS - 1);
	counters_read(after);
	atomic_store(&gate->leave, 1);
	for (int i = 1; i < WORKERS; i++) {
		if (way->processes)
			wait(NULL);
		else
			pthread_join(threads[i], NULL);
	}
	printf("%-34s", way->name);
	for (size_t i = 0; i < COUNTERS; i++)
		printf(" %6ld %s", after[i] - before[i], counters[i].name);
	printf("\n");
}

int bench_parallel(void)
{
	static const struct way ways[] = {
		{"four spaces", 1, 0},
		{"one space, tables of their own", 0, 0},
		{"one space, tables in common", 0, 1},
	};
	cpu_set_t first;

	gate = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bench_need(gate != MAP_FAILED, "mmap");
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	sched_setaffinity(0, sizeof(first), &first);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		pid_t pid = fork();

		bench_need(pid >= 0, "fork");
		if (pid == 0) {
			way = &ways[i];
			way_count();
			fflush(stdout);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	return 0;
}

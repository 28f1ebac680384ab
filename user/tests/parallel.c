/*
 * parallel: what processors do to each other when all of them fault at once, by the kernel's own
 * counters. Exact, so it does not matter how fast the machine is.
 */
#include "ut.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>

#define WORKERS	4
#define PAGES	600UL
#define PAGE	4096UL
#define SPAN	(4UL << 20)	/* apart: no page table in common */

static struct {
	atomic_int ready, go, done, leave;
} *gates;
static volatile char *memory;

/* Fences that were sent to other processors so far; -1: the system does not say. */
static long remote_fences(void)
{
	FILE *stat = fopen("/proc/vmstat", "re");
	char name[64];
	long value, fences = -1;

	while (stat && fscanf(stat, "%63s %ld", name, &value) == 2)
		if (!strcmp(name, "nr_tlb_remote_flush"))
			fences = value;
	if (stat)
		fclose(stat);
	return fences;
}

static void gate_wait(atomic_int *gate, int value)
{
	while (atomic_load(gate) < value)
		sched_yield();
}

static void *worker(void *arg)
{
	volatile char *mine = memory + (long)arg * (long)SPAN;

	atomic_fetch_add(&gates->ready, 1);
	gate_wait(&gates->go, 1);
	/* The page of zeros, or a page of its own at once: no entry that is valid changes. */
	for (unsigned long i = 0; i < PAGES; i++) {
		if (i % 2)
			(void)mine[i * PAGE];
		else
			mine[i * PAGE] = 1;
	}
	atomic_fetch_add(&gates->done, 1);
	gate_wait(&gates->leave, 1);
	return NULL;
}

static void prepare(void)
{
	if (remote_fences() < 0)
		SKIP("/proc/vmstat does not count fences");
	gates = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memory = mmap((void *)0x500000000UL, WORKERS * SPAN, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	CHECK(gates != MAP_FAILED && memory != MAP_FAILED);
	memset(gates, 0, sizeof(*gates));
}

/* All are ready, touch their memory, and are done: the fences that took. */
static long fences_meanwhile(void)
{
	long before;

	gate_wait(&gates->ready, WORKERS);
	before = remote_fences();
	atomic_store(&gates->go, 1);
	gate_wait(&gates->done, WORKERS);
	return remote_fences() - before;
}

TEST(parallel, spaces_send_no_fence)
{
	pid_t pids[WORKERS];

	prepare();
	for (long i = 0; i < WORKERS; i++) {
		pids[i] = child();
		if (pids[i] == 0) {
			worker((void *)i);
			_exit(0);
		}
	}
	CHECK_EQ(fences_meanwhile(), 0);
	atomic_store(&gates->leave, 1);
	for (int i = 0; i < WORKERS; i++)
		expect_exit(pids[i], 0);
}

TEST(parallel, threads_send_no_fence)
{
	pthread_t threads[WORKERS];

	prepare();
	for (long i = 0; i < WORKERS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, worker, (void *)i), 0);
	CHECK_EQ(fences_meanwhile(), 0);
	atomic_store(&gates->leave, 1);
	for (int i = 0; i < WORKERS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

/*
 * Whether a test leaks memory, told from the free memory of the whole system.
 *
 * Free memory also shrinks when a cache grows, so one comparison proves nothing.
 * A test after which memory is short is run again several times: a leak takes
 * about the same amount in every run, a cache takes it once.
 */
#ifndef USER_TESTS_LEAK_H
#define USER_TESTS_LEAK_H

#include <stdbool.h>

#define LEAK_RUNS	6	/* repetitions that must all shrink memory */
#define LEAK_SLACK_KIB	128	/* what a single run may take without suspicion */

struct leak {
	long samples[LEAK_RUNS + 2];	/* free KiB before the first run, then after each run */
	int count;
	long least;			/* smallest loss in one run that counts, KiB */
};

/* Free and reclaimable memory in KiB, -1 where /proc/meminfo is missing. */
long memory_kib(void);
/* The same after file data is written and, where the system offers it, caches are dropped. */
long memory_settled_kib(void);
void leak_start(struct leak *leak, long before);
/* Whether the first run calls for more; hunting, always. */
bool leak_suspected(struct leak *leak, long after, bool hunt);
/* Start to count runs, from this much free memory. */
void leak_begin(struct leak *leak, long settled);
/* Whether another run is needed: false as soon as one run took nothing. */
bool leak_running(const struct leak *leak);
void leak_sample(struct leak *leak, long after);
bool leak_found(const struct leak *leak);
long leak_per_run(const struct leak *leak);

#endif

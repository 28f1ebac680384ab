/* mm/policy.c on the traces of tests/host/replace: what it may not get worse at. */
#include "tests/host/test.h"

#include <stdlib.h>
#include <string.h>

#include "tests/host/replace/replace.h"

/* By so many percent, and a thousandth of the trace, than one that is good at it. */
static void not_worse(const char *trace, const char *rival, unsigned percent)
{
	uint64_t ours = 0, theirs = 0, limit;
	struct trace t;

	for (unsigned n = 0; (t = trace_make(n)).page; n++) {
		if (strcmp(t.name, trace) == 0)
			break;
		free(t.page);
	}
	assert_non_null(t.page);
	for (const struct algorithm *a = algorithms; a->name; a++) {
		if (strcmp(a->name, rival) == 0)
			theirs = replay_apart(a, &t, 13500);
		if (strcmp(a->name, "ours") == 0)
			ours = replay_apart(a, &t, 13500);
	}
	limit = theirs + theirs * percent / 100 + t.length / 1000;
	if (ours > limit)
		fail_msg("%s: %lu pages in, %s %lu", trace, (unsigned long)ours, rival,
			 (unsigned long)theirs);
	free(t.page);
}

static void test_loops(void **state)
{
	(void)state;
	not_worse("loop", "OPT", 10);
	not_worse("tight loop", "OPT", 50);
	not_worse("family", "OPT", 20);
	not_worse("next loop", "LIRS", 0);
}

static void test_scans(void **state)
{
	(void)state;
	not_worse("hot+scan", "OPT", 0);
	not_worse("mix", "LIRS", 10);
}

static void test_changes(void **state)
{
	(void)state;
	not_worse("phases", "LRU", 110);
	not_worse("fashion", "LRU", 10);
	not_worse("heaps", "LRU", 15);
}

static void test_odds(void **state)
{
	(void)state;
	not_worse("zipf 0.9", "LIRS", 2);
	not_worse("zipf 0.7", "LIRS", 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loops),
		cmocka_unit_test(test_scans),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_odds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

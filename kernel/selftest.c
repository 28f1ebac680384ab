/*
 * Runs the tests of tests/kernel/ (debug kernels, `selftest` on the command line).
 */
#include "kernel/selftest.h"

#include "kernel/printk.h"

extern const struct selftest _selftest_start[], _selftest_end[];

static uint32_t failures;

void selftest_fail(const char *file, int line, const char *what)
{
	failures++;
	printk(LOG_EMERG, "selftest: %s:%d: %s\n", file, line, what);
}

int selftest_run(void)
{
	uint32_t passed = 0, failed = 0;

	for (const struct selftest *t = _selftest_start; t < _selftest_end; t++) {
		failures = 0;
		t->func();
		printk(LOG_EMERG, "selftest %s ... %s\n", t->name, failures ? "FAIL" : "ok");
		if (failures)
			failed++;
		else
			passed++;
	}
	printk(LOG_EMERG, "selftest: %u passed, %u failed\n", passed, failed);
	return failed;
}

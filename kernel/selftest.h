/*
 * Tests that run inside a debug kernel (`selftest` on the command line), one file a subject in
 * tests/kernel/.
 *
 *	SELFTEST(slab_frees_what_it_gave)
 *	{
 *		selftest_check(kmalloc(1) != NULL);
 *	}
 */
#pragma once

#include "kernel/types.h"

struct selftest {
	const char *name;
	void (*func)(void);
};

#define SELFTEST(test_name)                                                                        \
	static void test_##test_name(void);                                                        \
	static const struct selftest selftest_##test_name                                          \
		__attribute__((used, section(".selftest"))) = {#test_name, test_##test_name};      \
	static void test_##test_name(void)

/* Record a failure of the running test and go on. */
void selftest_fail(const char *file, int line, const char *what);
#define selftest_check(c)                                                                          \
	do {                                                                                       \
		if (!(c))                                                                          \
			selftest_fail(__FILE__, __LINE__, #c);                                     \
	} while (0)
/* Run all; prints one line each and "N passed, N failed"; returns the number that failed. */
int selftest_run(void);

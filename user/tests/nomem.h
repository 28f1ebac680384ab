/* Failing each allocation of a call: nomem.c, which says what for. */
#ifndef USER_TESTS_NOMEM_H
#define USER_TESTS_NOMEM_H

#include "ut.h"

#define PAGE 4096UL

struct failing_call {
	const char *name;
	void (*before)(void);	/* may be NULL, as the next two */
	long (*run)(void);	/* 0 or more, or -1 with errno */
	void (*after)(long result);	/* undo what succeeded */
	void (*intact)(void);	/* is all as it was? After each. */
	bool may_need_none;	/* it need not allocate at all */
};

/* Open the kernel's door; the test is skipped where there is none. */
void door_open(void);
/* Fail every allocation of the call, in rounds until one leaves as many objects as it found. */
void fail_all(const struct failing_call *call);
/* 40 pages of which every second one was touched: make them, and see whether all is still there. */
void memory_make(void);
void memory_intact(void);

#endif

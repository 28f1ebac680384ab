/* What the tests of System V objects share. */
#ifndef USER_TESTS_IPC_H
#define USER_TESTS_IPC_H

#include <sys/ipc.h>

#include "ut.h"

/* A key that no other test uses at the time. */
static inline key_t test_key(int n)
{
	return (key_t)(0x39000000 + (getpid() << 4) + n);
}

#endif

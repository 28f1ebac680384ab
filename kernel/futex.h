/*
 * futex(2).
 */
#pragma once

#include "kernel/types.h"

/*
 * Where a futex word is: in private use the address space and the address, else the memory
 * object and the byte in it, so that processes that share the page meet.
 */
struct futex_key {
	uint64_t object, offset;
};

void futex_init(void);

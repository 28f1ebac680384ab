/*
 * Debug kernels fail the n-th allocation of a thread that asks for it: tests/kernel/inject.c.
 */
#pragma once

#include "kernel/types.h"

#if DEBUG && defined(XV39_KERNEL)
/* Is this allocation, which must have a way to fail, the one? Any context. */
bool alloc_fails(void);
#else
static inline bool alloc_fails(void)
{
	return false;
}
#endif

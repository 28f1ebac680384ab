/*
 * Failing the n-th allocation: /proc/sys/debug/fail_alloc. Writing a number n arms it for the
 * writing thread: the n-th allocation from there on, of those that can fail, does, once. Reading
 * disarms it and says "COUNT FAILED": how many there were, and whether one failed (0 or 1).
 *
 * Allocations that wait for memory never fail while their thread is not being killed, here as ever.
 */
#pragma once

#include "kernel/types.h"

void inject_arm(uint32_t n);
void inject_disarm(uint32_t *count, bool *failed);

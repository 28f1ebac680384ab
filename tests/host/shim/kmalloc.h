#pragma once

#include "tests/host/shim/kernel.h"

#include "kernel/mem/slab.h"

/* Blocks that kmalloc and the object caches have handed out and not got back. */
extern long host_alloc_count;

/*
 * How many more allocations succeed; those after fail.  -1: all succeed.  A test of a function
 * that allocates goes through 0, 1, 2 ... until the function does.
 */
extern long host_alloc_fail_at;

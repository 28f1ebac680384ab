/* What mm/ asks of the rest of the kernel: one file, limits without end, no other processes. */
#pragma once

#include "tests/host/shim/kernel.h"

struct object;

/* The file behind descriptor HOST_FD, if object is not NULL. */
#define HOST_FD 3
extern struct file {
	int refs;
	struct object *object;
} host_file;

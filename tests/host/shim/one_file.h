#pragma once

#include "tests/host/shim/kernel.h"

struct object;

/* The file behind descriptor HOST_FD, if object is not NULL. */
#define HOST_FD 3
extern struct file {
	int refs;
	struct object *object;
} host_file;

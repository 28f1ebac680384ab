#pragma once

#include "tests/host/shim/kernel.h"

#include "mm/object.h"

#define HOST_FILE_MAX 64	/* pages that the file may have */

/* The file behind descriptor HOST_FD, if object is not NULL. */
#define HOST_FD 3
extern struct file {
	int refs;
	struct object *object;
} host_file;

/* The file's pages, and what the file system has of them. */
extern struct object host_object;
extern uint8_t host_store[HOST_FILE_MAX][PAGE_SIZE] __attribute__((aligned(8)));

/* A file of that many pages of zero, behind HOST_FD. */
void host_file_start(unsigned pages);
/* The file ends there: what the file system has of the rest is zero. 0 or -errno. */
int host_file_truncate(unsigned pages);
/* Everything is written and in the store, and the file is no more. */
void host_file_end(void);
/* No frame is in use for users or files, no reference or lock is left. */
void host_expect_empty(void);

/*
 * The notes of a core file: who the process was, its threads' registers, what was mapped.
 */
#pragma once

#include "kernel/types.h"
#include "kernel/uapi/signal.h"

struct file;

/* An area as it was when the process died. */
struct core_area {
	uaddr_t start, end;
	uint64_t bytes;	   /* so many from its start are written */
	uint64_t index;	   /* page of the file */
	struct file *file; /* referenced; may be NULL */
	uint32_t prot;
	bool sparse;	   /* pages that were never touched are zero */
};

struct core_areas {
	struct core_area *list; /* kmalloc'ed */
	uint32_t n;
};

struct notes {
	char *data; /* kmalloc'ed */
	size_t len, cap;
	bool failed; /* no memory */
};

/*
 * All notes of the running process, whose other threads wait; info is of the signal it dies of.
 * False: no memory. May sleep.
 */
bool notes_make(struct notes *n, const struct siginfo *info, const struct core_areas *areas);

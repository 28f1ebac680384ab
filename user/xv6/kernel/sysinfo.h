/* What sysinfo() of the course's lab tells; ulib/labs.c fills it from Linux's record. */
#ifndef XV6_KERNEL_SYSINFO_H
#define XV6_KERNEL_SYSINFO_H

#include "kernel/types.h"

struct sysinfo {
	uint64 freemem;		/* bytes of memory nobody uses */
	uint64 nproc;		/* processes, each thread of one counted */
};

#endif

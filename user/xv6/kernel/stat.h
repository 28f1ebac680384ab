/* What fstat() and stat() tell an xv6 program; ulib/files.c fills it from Linux's record. */
#ifndef XV6_KERNEL_STAT_H
#define XV6_KERNEL_STAT_H

#include "kernel/types.h"

#define T_DIR		1
#define T_FILE		2
#define T_DEVICE	3
#define T_SYMLINK	4

struct stat {
	int dev;	/* number of the file system's device */
	uint ino;
	short type;	/* T_*; pipes and terminals count as devices */
	short nlink;
	uint64 size;	/* bytes */
};

#endif

/*
 * Directories and sizes as xv6 programs see them. The disk itself is ext2: read() on a directory
 * is answered by ulib, which turns Linux's directory entries into these.
 */
#ifndef XV6_KERNEL_FS_H
#define XV6_KERNEL_FS_H

#include "kernel/types.h"

#define ROOTINO		2		/* ext2's root directory */
#define BSIZE		1024
#define NDIRECT		12
#define NINDIRECT	(BSIZE / sizeof(uint))
#define MAXFILE		(NDIRECT + NINDIRECT)	/* what tests take as a file's limit */
#define DIRSIZ		14

struct dirent {
	ushort inum;		/* low bits of the inode number, never 0 */
	char name[DIRSIZ];	/* not terminated when it fills the array */
};

#endif

/* Devices as mknod() names them. xv6's init asks for the console by this. */
#ifndef XV6_KERNEL_FILE_H
#define XV6_KERNEL_FILE_H

#define CONSOLE		1	/* major number; ulib/files.c makes Linux's 5:1 of it */

#define major(dev)	((dev) >> 16 & 0xffff)
#define minor(dev)	((dev) & 0xffff)
#define mkdev(m, n)	((uint)((m) << 16 | (n)))

#endif

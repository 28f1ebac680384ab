/* Limits that xv6 programs and their tests refer to. */
#ifndef XV6_KERNEL_PARAM_H
#define XV6_KERNEL_PARAM_H

#define NPROC		64	/* processes a test may expect to be able to fork */
#define NCPU		8
#define NOFILE		16	/* open files of one process */
#define NFILE		100
#define NINODE		50
#define NDEV		10
#define ROOTDEV		1
#define MAXARG		32
#define MAXOPBLOCKS	10
#define LOGSIZE		(MAXOPBLOCKS * 3)
#define NBUF		(MAXOPBLOCKS * 3)
#define FSSIZE		2000	/* blocks of BSIZE bytes a test may fill */
#define MAXPATH		128
#define USERSTACK	1	/* pages */

#endif

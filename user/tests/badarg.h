/* The table of calls that the tests of bad arguments go through. */
#ifndef USER_TESTS_BADARG_H
#define USER_TESTS_BADARG_H

#include "ut.h"

/* Stand-ins for arguments that exist only at run time; bad_arg() replaces them. */
#define A_FILE		0x5ead0001	/* regular file, read and write */
#define A_DIR		0x5ead0002	/* directory */
#define A_PIPE_R	0x5ead0003	/* read end of a pipe that holds 100 bytes */
#define A_PIPE_W	0x5ead0004	/* write end of it */
#define A_BUF		0x5ead0005	/* 4,096 writable zero bytes */
#define A_NAME		0x5ead0006	/* "file", which exists */
#define A_LINK		0x5ead0007	/* "link", a symbolic link */
#define A_NEW		0x5ead0008	/* "new", which does not exist */
#define A_PROG		0x5ead000a	/* "prog", which could be executed */
#define A_ZERO_TIME	0x5ead0009	/* a struct timespec of zero */

/* One argument of one call that is a pointer (or a descriptor). */
struct bad_call {
	const char *name;
	long number;
	int arg;		/* which argument is replaced by bad ones */
	char kind;		/* 's' string, 'i' read by the kernel, 'o' written by it */
	int size;		/* bytes that the kernel must reach; 0: may stop half-way */
	bool null_ok;		/* NULL has a meaning */
	long args[6];
};

/* Create what the stand-ins stand for, in the current directory. */
void bad_prepare(void);
/* The argument itself, or what the stand-in stands for. */
long bad_arg(long arg);
/* Try every kind of bad pointer for each call: it must be EFAULT. */
void bad_pointers(const struct bad_call *calls, size_t count);

#define BAD_POINTERS(table) bad_pointers(table, sizeof(table) / sizeof(table[0]))

#endif

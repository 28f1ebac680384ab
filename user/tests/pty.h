/* What the tests of pseudo-terminals share. */
#ifndef USER_TESTS_PTY_H
#define USER_TESTS_PTY_H

#include "ut.h"

struct pty_pair {
	int master, slave;
	char name[32];
};

/* An unlocked master and the name of its terminal. */
int pty_master_open(char name[32]);
void pty_pair_open(struct pty_pair *p);
/*
 * Wait until one of these events is there, and return all: what comes through a terminal of
 * Linux's is carried by a thread.
 */
int pty_wait_for(int fd, short events);
/* Read exactly this, which may come in pieces. */
void pty_expect_text(int fd, const char *want);

#endif

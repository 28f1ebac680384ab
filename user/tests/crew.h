/*
 * A crew: processes made by fork of one another, each with its own copy of a model of memory, that
 * do what the test tells them, one after the other.
 */
#ifndef USER_TESTS_CREW_H
#define USER_TESTS_CREW_H

#include "vmlib.h"

#define CREW_MAX 4

typedef void (*crew_fn)(struct model *m, uint64_t arg);

/* Number 0 is a child of the caller; m is what memory holds. Dead children are not waited for. */
void crew_start(struct model *m);
/* `member` forks; its child is `number`. */
void crew_fork(int member, int number);
void crew_call(int member, crew_fn fn, uint64_t arg);
/* Returns when its memory is gone. */
void crew_exit(int member);
void crew_kill(int member);
bool crew_alive(int member);
void crew_all(crew_fn fn, uint64_t arg);
void crew_end(void);

#endif

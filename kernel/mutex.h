/*
 * Sleeping locks. A thread may sleep, allocate and do I/O while it holds one; never take one in
 * an interrupt handler or with a spin lock held. Ranks are checked in debug kernels.
 */
#pragma once

#include "kernel/wait.h"

struct mutex {
	_Atomic(struct thread *) owner; /* NULL when free */
	struct waitqueue wait;
#if DEBUG
	uint32_t rank;
	const char *name;
#endif
};

void mutex_init(struct mutex *m, const char *name, enum lock_rank rank);
void mutex_lock(struct mutex *m);
/* As mutex_lock, but -EINTR when a fatal signal arrives first. */
int mutex_lock_killable(struct mutex *m) __must_check;
bool mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);
/* Does the running thread hold it? */
bool mutex_held(const struct mutex *m);

/*
 * Readers/writer lock, sleeping, fair to writers: once a writer waits, new readers wait behind
 * it. Not recursive, not even for readers.
 */
struct rwlock {
	int32_t state;		  /* readers inside; -1: a writer is. Changed by atomics */
	uint32_t writers_waiting; /* new readers wait while not 0 */
	struct waitqueue wait;
#if DEBUG
	uint32_t rank;
	const char *name;
	struct thread *writer;
#endif
};

void rwlock_init(struct rwlock *l, const char *name, enum lock_rank rank);
void rwlock_read(struct rwlock *l);
bool rwlock_tryread(struct rwlock *l);
void rwlock_read_unlock(struct rwlock *l);
void rwlock_write(struct rwlock *l);
bool rwlock_trywrite(struct rwlock *l);
void rwlock_write_unlock(struct rwlock *l);
/* The writer becomes a reader without letting another writer in between. */
void rwlock_downgrade(struct rwlock *l);
/* For assertions: held by anyone in that mode. */
bool rwlock_held(const struct rwlock *l);
bool rwlock_held_write(const struct rwlock *l);

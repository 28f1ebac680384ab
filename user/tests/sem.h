/* What the tests of System V semaphores share. */
#ifndef USER_TESTS_SEM_H
#define USER_TESTS_SEM_H

#include <sys/sem.h>
#include <time.h>

#include "ipc.h"

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

static inline int sem_new(int n)
{
	return (int)CHECK_OK(semget(IPC_PRIVATE, n, IPC_CREAT | 0600));
}

static inline void sem_drop(int id)
{
	CHECK_OK(semctl(id, 0, IPC_RMID));
}

static inline void sem_set(int id, int num, int value)
{
	CHECK_OK(semctl(id, num, SETVAL, (union semun){.val = value}));
}

static inline int sem_get(int id, int num)
{
	return (int)CHECK_OK(semctl(id, num, GETVAL));
}

/* One operation: the call's result. */
static inline int sem_do(int id, int num, int op, int flags)
{
	struct sembuf b = {(unsigned short)num, (short)op, (short)flags};

	return semop(id, &b, 1);
}

static inline struct semid_ds sem_status(int id)
{
	struct semid_ds ds = { 0 };

	CHECK_OK(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}));
	return ds;
}

/* Return when so many wait for the semaphore to become larger, or 0. */
static inline void sem_await(int id, int num, int how, int n)
{
	while (CHECK_OK(semctl(id, num, how)) != n)
		usleep(1000);
}

#endif

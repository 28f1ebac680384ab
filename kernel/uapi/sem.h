/*
 * System V semaphores (semget(2), semop(2), semctl(2)): numbers and structures of the Linux riscv64
 * ABI.
 */
#pragma once

#include "kernel/uapi/ipc.h"

#define SEM_UNDO 0x1000 /* sem_flg */

#define GETPID	     11
#define GETVAL	     12
#define GETALL	     13
#define GETNCNT	     14
#define GETZCNT	     15
#define SETVAL	     16
#define SETALL	     17
#define SEM_STAT     18
#define SEM_INFO     19
#define SEM_STAT_ANY 20

#define SEMVMX 32767  /* the highest value */
#define SEMAEM SEMVMX /* the most that SEM_UNDO gives back */

struct sembuf {
	uint16_t sem_num;
	int16_t sem_op, sem_flg;
};
_Static_assert(sizeof(struct sembuf) == 6, "Linux struct sembuf");

struct semid64_ds {
	struct ipc64_perm sem_perm;
	int64_t sem_otime, sem_ctime;
	uint64_t sem_nsems, unused[2];
};
_Static_assert(sizeof(struct semid64_ds) == 88, "Linux riscv64 struct semid64_ds");

struct seminfo {
	int32_t semmap, semmni, semmns, semmnu, semmsl, semopm, semume, semusz, semvmx, semaem;
};

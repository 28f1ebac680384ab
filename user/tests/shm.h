/* What the tests of System V shared memory share. */
#ifndef USER_TESTS_SHM_H
#define USER_TESTS_SHM_H

#include <sys/shm.h>

#include "ipc.h"

#define PAGE 4096

static inline int shm_new(size_t size)
{
	return (int)CHECK_OK(shmget(IPC_PRIVATE, size, IPC_CREAT | 0600));
}

static inline void shm_drop(int id)
{
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
}

static inline char *shm_map(int id)
{
	char *p = shmat(id, NULL, 0);

	if (p == (char *)-1)
		FAIL("shmat: %s", strerrorname_np(errno));
	return p;
}

static inline struct shmid_ds shm_stat(int id)
{
	struct shmid_ds ds;

	CHECK_OK(shmctl(id, IPC_STAT, &ds));
	return ds;
}

/* shmat that must fail. */
static inline void attach_err(int id, const void *at, int flags, int want)
{
	errno = 0;
	CHECK(shmat(id, at, flags) == (void *)-1);
	CHECK_EQ(errno, want);
}

static inline unsigned long number_of(const char *path)
{
	char text[64];

	CHECK(file_text(path, text, sizeof(text)) > 0);
	return strtoul(text, NULL, 10);
}

#endif

/*
 * System V shared memory (shmget(2), shmop(2), shmctl(2)): numbers and structures of the Linux
 * riscv64 ABI.
 */
#pragma once

#include "kernel/uapi/ipc.h"

#define SHM_HUGETLB   04000  /* shmget */
#define SHM_NORESERVE 010000
#define SHM_RDONLY    010000 /* shmat */
#define SHM_RND	      020000
#define SHM_REMAP     040000
#define SHM_EXEC      0100000
#define SHM_DEST      01000  /* in shm_perm.mode */
#define SHM_LOCKED    02000

#define SHM_LOCK     11
#define SHM_UNLOCK   12
#define SHM_STAT     13
#define SHM_INFO     14
#define SHM_STAT_ANY 15

struct shmid64_ds {
	struct ipc64_perm shm_perm;
	uint64_t shm_segsz;
	int64_t shm_atime, shm_dtime, shm_ctime;
	int32_t shm_cpid, shm_lpid;
	uint64_t shm_nattch, unused[2];
};
_Static_assert(sizeof(struct shmid64_ds) == 112, "Linux riscv64 struct shmid64_ds");

struct shminfo64 {
	uint64_t shmmax, shmmin, shmmni, shmseg, shmall, unused[4];
};
struct shm_info {
	int32_t used_ids;
	uint64_t shm_tot, shm_rss, shm_swp, swap_attempts, swap_successes;
};

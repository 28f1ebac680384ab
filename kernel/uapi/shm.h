/*
 * System V shared memory (shmget(2), shmop(2), shmctl(2)): numbers and structures of the Linux
 * riscv64 ABI.
 */
#pragma once

#include <stdint.h>

#define IPC_PRIVATE 0
#define IPC_CREAT   01000
#define IPC_EXCL    02000

#define IPC_RMID 0
#define IPC_SET	 1
#define IPC_STAT 2
#define IPC_INFO 3

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

struct ipc64_perm {
	int32_t key;
	uint32_t uid, gid, cuid, cgid, mode;
	uint16_t seq, pad;
	uint64_t unused[2];
};
_Static_assert(sizeof(struct ipc64_perm) == 48, "Linux riscv64 struct ipc64_perm");

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

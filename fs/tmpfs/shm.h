/*
 * System V shared memory: segments. shm.c has the table of them and their life, shmcalls.c the
 * system calls. A segment is a file of tmpfs without a name; attaching is mapping that file.
 */
#pragma once

#include "fs/file.h"
#include "kernel/ipc/ipc.h"
#include "kernel/uapi/shm.h"

/* (s) the lock of its table; (c) constant */
struct shm_segment {
	struct ipc_perm perm;	/* (s) mode with SHM_DEST, SHM_LOCKED; no key once removed */
	uint32_t refs;		/* (s) the table's until IPC_RMID, one for each open file */
	uint64_t size;		/* (c) bytes */
	int64_t atime, dtime, ctime; /* (s) seconds */
	pid_t cpid, lpid;	/* (s) */
	uint64_t nattch;	/* (s) areas that map it */
	struct path path;	/* (c) the file; referenced */
};

static inline struct shm_segment *shm_of_perm(const struct ipc_perm *p)
{
	return container_of((struct ipc_perm *)p, struct shm_segment, perm);
}

void shm_setup(struct ipc_namespace *ns);
void shm_remove_all(struct ipc_namespace *ns);

/* (s) */
void shm_stat_locked(const struct shm_segment *s, struct shmid64_ds *out);
/* Remove the segment: it goes with its last attachment. It is the caller's, who owns it. */
void shm_segment_remove(struct shm_segment *s);
struct shm_segment *shm_segment_hold_locked(struct shm_segment *s);
void shm_segment_put(struct shm_segment *s); /* may sleep */
/* The segment an open file is of; NULL: of none. */
struct shm_segment *shm_of_file(struct file *f);
/* Open it once more: for each attachment. err_ptr on failure. May sleep. */
struct file *shm_segment_open(struct shm_segment *s, bool readonly);
/* Totals for SHM_INFO; the highest slot in use, 0 if there is none. */
uint32_t shm_totals(struct ipc_namespace *ns, struct shm_info *out);
/* (s) Pages of a segment that are in memory. */
uint64_t shm_resident_locked(const struct shm_segment *s);
uint64_t shm_swapped_locked(const struct shm_segment *s);

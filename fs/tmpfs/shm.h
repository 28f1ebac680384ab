/*
 * System V shared memory: segments. shm.c has the table of them and their life, shmcalls.c the
 * system calls. A segment is a file of tmpfs without a name; attaching is mapping that file.
 */
#pragma once

#include "fs/file.h"
#include "kernel/uapi/shm.h"

struct cred;

/* (s) shm_lock; (c) constant */
struct shm_segment {
	uint32_t refs;		/* (s) the table's until IPC_RMID, one for each open file */
	int32_t id;		/* (c) sequence * SHM_SLOTS + slot */
	int32_t key;		/* (s) IPC_PRIVATE once removed */
	uid_t uid, cuid;	/* (s) */
	gid_t gid, cgid;	/* (s) */
	uint32_t mode;		/* (s) with SHM_DEST, SHM_LOCKED */
	uint64_t size;		/* (c) bytes */
	int64_t atime, dtime, ctime; /* (s) seconds */
	pid_t cpid, lpid;	/* (s) */
	uint64_t nattch;	/* (s) areas that map it */
	struct path path;	/* (c) the file; referenced */
};

#define SHM_SLOTS 32768 /* as Linux numbers them */

extern struct spinlock shm_lock; /* RANK_FILES: the table and every segment */
/* Limits: of a segment's bytes, of all pages, of segments. Plain words: /proc/sys/kernel. */
extern uint64_t shm_max, shm_all, shm_mni;

/*
 * The segment with this key, else made if flags say so: shmget(2). Its id or -errno. May sleep.
 */
long shm_segment_get(int32_t key, size_t size, int flags);
/* (shm_lock) The segment in a slot, or with this id; NULL: there is none. */
struct shm_segment *shm_at_locked(uint32_t slot);
struct shm_segment *shm_find_locked(int32_t id);
/* (shm_lock) May the running thread do what the low bits of mode say? 0 or -EACCES. */
int shm_permission_locked(const struct shm_segment *s, uint32_t mode);
/* (shm_lock) Is it the segment's owner or root? */
bool shm_owner_locked(const struct shm_segment *s);
/* (shm_lock) */
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
uint32_t shm_totals(struct shm_info *out);
/* (shm_lock) Pages of a segment that are in memory. */
uint64_t shm_resident_locked(const struct shm_segment *s);

/*
 * What System V shared memory, semaphores and message queues have in common (sysvipc(7)): a table
 * of objects by id and key, and who may do what with one.
 */
#pragma once

#include "kernel/mutex.h"
#include "kernel/namespace.h"
#include "kernel/uapi/ipc.h"

#define IPC_SLOTS 32768 /* as Linux numbers them: an id is sequence * IPC_SLOTS + slot */

#define IPC_NO_ID UINT64_MAX /* in /proc -1: none is asked for */

struct ipc_namespace;
struct ipc_table;

/* The beginning of every object. (t) the table's lock; (c) constant */
struct ipc_perm {
	struct ipc_table *table; /* (c) */
	int32_t id;	 /* (c) once it is in the table */
	int32_t key;	 /* (t) IPC_PRIVATE: none */
	uid_t uid, cuid; /* (t) owner and maker */
	gid_t gid, cgid; /* (t) */
	uint32_t mode;	 /* (t) permissions, and marks of its kind */
};

/* All objects of one kind in a namespace. */
struct ipc_table {
	struct ipc_namespace *ns; /* (c) */
	struct spinlock lock;	  /* RANK_IPC_TABLE: the table and every object in it */
	struct mutex making;	  /* RANK_IPC: one new object at a time */
	struct ipc_perm **slots;  /* (lock) */
	uint32_t nslots, used;	  /* (lock) */
	int64_t last;		  /* (lock) where the last one went; -1: there was none */
	uint32_t sequence;	  /* (lock) of that one */
	uint64_t next_id;	  /* what the next one is to have, or IPC_NO_ID: a sysctl */
	uint64_t next_taken;	  /* (making) that, for the one that is being made */
	const uint64_t *limit;	  /* so many objects at most */
	/* Make an object and enter it: its id or -errno. With `making` held; may sleep. */
	long (*make)(struct ipc_table *t, int32_t key, uint64_t size, int flags);
	/* Is one that is there large enough for who asks for this size? (lock) NULL: always. */
	bool (*fits)(const struct ipc_perm *p, uint64_t size);
};

/* semmsl, semmns, semopm, semmni, as in /proc/sys/kernel/sem. */
enum { SEM_MSL, SEM_MNS, SEM_OPM, SEM_MNI, SEM_LIMITS };

/*
 * All that a thread can reach by a key, an id, or a name of a POSIX queue; and its limits, which
 * are plain words: /proc/sys/kernel, /proc/sys/fs/mqueue. An attached segment and an open POSIX
 * queue keep their namespace; all others go with it. (t) the kind's table.lock; (n) the lock of all
 * names
 */
struct ipc_namespace {
	struct ns ns;
	struct {
		struct ipc_table table;
		uint64_t max, all, mni; /* bytes of a segment; pages of all; segments */
		uint64_t pages;		/* (t) of all segments, present or not */
	} shm;
	struct {
		struct ipc_table table;
		uint64_t limits[SEM_LIMITS];
		uint64_t total;		/* (t) semaphores of all sets */
	} sem;
	struct {
		struct ipc_table table;
		uint64_t max, mnb, mni;	  /* bytes of a message, of a queue; queues */
		uint64_t messages, bytes; /* (t) of all queues */
	} msg;
	struct {
		uint64_t queues_max, msg_max, msgsize_max, msg_default, msgsize_default;
		uint64_t count; /* (n) queues */
	} mq;
};

extern struct ipc_namespace ipc_first;
void ipc_init(void);
/* ns_types: a new one is empty, with the limits of a start, whatever old has. */
struct ns *ipc_ns_copy(const struct ns *old, struct fscontext *fs);
void ipc_ns_free(struct ns *ns);
/* The running thread's. */
struct ipc_namespace *ipc_own(void);

/* Without objects; limit points to how many there may be. */
void ipc_table_init(struct ipc_table *t, struct ipc_namespace *ns, const char *name,
		    const uint64_t *limit);
/* The object with this key, else a new one if flags say so: its id or -errno. May sleep. */
long ipc_get(struct ipc_table *t, int32_t key, uint64_t size, int flags);

/*
 * For make: room for one more, 0, -ENOSPC or -ENOMEM; the running thread becomes owner and maker;
 * into the lowest free slot, which gives it its id. (ipc_enter_locked: lock)
 */
int ipc_reserve(struct ipc_table *t);
void ipc_perm_init(struct ipc_table *t, struct ipc_perm *p, int32_t key, int flags);
void ipc_enter_locked(struct ipc_table *t, struct ipc_perm *p);
/* (lock) Out of the table; the object is the caller's to free. */
void ipc_leave_locked(struct ipc_table *t, struct ipc_perm *p);

/* (lock) The object in a slot, or with this id; NULL: there is none. */
struct ipc_perm *ipc_at_locked(const struct ipc_table *t, uint32_t slot);
struct ipc_perm *ipc_find_locked(const struct ipc_table *t, int32_t id);
/* (lock) The highest slot in use, 0 if there is none: what IPC_INFO returns. */
uint32_t ipc_highest_locked(const struct ipc_table *t);

/* (lock) May the running thread do what the low bits of mode say? 0 or -EACCES. */
int ipc_permission_locked(const struct ipc_perm *p, uint32_t mode);
/* (lock) The object with this id for who may do that: err_ptr of -EINVAL or -EACCES otherwise. */
struct ipc_perm *ipc_allowed_locked(const struct ipc_table *t, int32_t id, uint32_t mode);
/* (lock) The same for its owner and its maker alone: -EINVAL or -EPERM. */
struct ipc_perm *ipc_owned_locked(const struct ipc_table *t, int32_t id);

/* Which object a call asks about: IPC_STAT by id, the kinds' _STAT and _STAT_ANY by slot. */
enum ipc_how { IPC_BY_ID, IPC_BY_SLOT, IPC_BY_SLOT_ANY };
/* (lock) That object, if who asks may read it (_ANY: whoever does); err_ptr. */
struct ipc_perm *ipc_asked_locked(const struct ipc_table *t, int32_t id, enum ipc_how how);
/* (lock) For IPC_STAT and IPC_SET. 0; -EINVAL: no such user or group. */
void ipc_perm_stat_locked(const struct ipc_perm *p, struct ipc64_perm *out);
int ipc_perm_set_locked(struct ipc_perm *p, const struct ipc64_perm *in);

/*
 * Who waits at an object: whoever makes it possible does it for the waiter and takes it off the
 * object's list. The waiter takes the lock before it leaves, so what is on its stack may be used
 * under it.
 */
struct ipc_waiter {
	struct list_head link;
	int status; /* (lock) IPC_WAITS; off the list, what came of it */
	struct waitqueue wq; /* the waiter alone */
};

#define IPC_WAITS 1
#define IPC_AGAIN 2 /* look again: what it waits for may be another matter now */

void ipc_waiter_init(struct ipc_waiter *w);
/* (lock) Off the list with this status: the waiter goes on. */
void ipc_waiter_done(struct ipc_waiter *w, int status);
/*
 * Wait until that has happened: the status; or -ERESTARTSYS, -ETIMEDOUT (ns, time_ns()). Whoever
 * was on a list when the lock was released calls it, even if the status is known.
 */
int ipc_wait(struct spinlock *lock, struct ipc_waiter *w, uint64_t deadline);
/* The same, but until is a time of CLOCK_REALTIME, which may be set meanwhile. UINT64_MAX: none. */
int ipc_wait_wall(struct spinlock *lock, struct ipc_waiter *w, uint64_t until);

/* Seconds of CLOCK_REALTIME; the running process. */
int64_t ipc_now(void);
pid_t ipc_pid(void);

/*
 * Zeroed memory for what users make without a process to answer for it: a quarter of RAM in all.
 * NULL: no more. Never sleeps. n to ipc_free is the size that was asked for.
 */
void *ipc_alloc(size_t n) __must_check;
void ipc_free(void *p, size_t n);

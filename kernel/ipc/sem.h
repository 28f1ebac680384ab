/*
 * System V semaphores. sem.c has the sets and their life, semop.c the operations on them, who
 * waits and what is undone at exit, semctl.c the calls about a set.
 */
#pragma once

#include "kernel/ipc/ipc.h"
#include "kernel/uapi/sem.h"
#include "lib/list.h"

struct thread;

struct semaphore {
	uint16_t value;
	pid_t pid; /* whose operation or setting was the last; 0: nobody's */
};

/* (t) the lock of its table; (c) constant */
struct sem_set {
	struct ipc_perm perm;
	int64_t otime, ctime;	  /* (t) seconds: of the last operation, the last change */
	struct list_head waiters; /* (t) struct sem_waiter, first come first */
	struct list_head undos;	  /* (t) struct sem_undo, one for each process that has some */
	uint32_t nsems;		  /* (c) */
	struct semaphore sems[];  /* (t) */
};

/* What is given back to a set when its process ends. */
struct sem_undo {
	struct list_head of_set, of_process; /* (t) */
	struct sem_set *set;		     /* (c) */
	int16_t adjust[];		     /* (t) one for each semaphore */
};

/* All of a process; of the threads that share them (CLONE_SYSVSEM). */
struct sem_undos {
	struct list_head list; /* (t) struct sem_undo */
	uint32_t refs;	       /* (t) threads */
};

void sem_setup(struct ipc_namespace *ns);
void sem_remove_all(struct ipc_namespace *ns);
static inline struct sem_set *sem_of_perm(struct ipc_perm *p)
{
	return container_of(p, struct sem_set, perm);
}
/* (t) The set is gone: its waiters get EIDRM. Frees it. */
void sem_remove_locked(struct sem_set *set);
/* (t) What is to be undone for the semaphores [first, first+n) is forgotten: they were set. */
void sem_forget_undo_locked(struct sem_set *set, uint32_t first, uint32_t n);
/*
 * What semctl(IPC_STAT) and its like tell of a set: 0 or, asked by slot, its id; -EINVAL, -EACCES.
 */
long sem_stat(struct ipc_namespace *ns, int32_t id, enum ipc_how how, struct semid64_ds *out);

/* semop.c. (t) Values changed: let those go on who can now. */
void sem_update_locked(struct sem_set *set);
/* (t) Waiters of a set that is removed. */
void sem_wake_all_locked(struct sem_set *set, int err);
/* (t) Those who wait for a semaphore to become 0, or (zero false) larger. */
uint32_t sem_waiting_locked(const struct sem_set *set, uint32_t num, bool zero);
/* (t) */
void sem_undo_free_locked(struct sem_undo *undo);

/*
 * The new thread t shares what the running one's end undoes. 0 or -ENOMEM; and what t shares is
 * given up: by the last one, undone.
 */
int sem_clone(struct thread *t);
void sem_exit(struct thread *t);

/*
 * Sets of System V semaphores: semget(2), and what the other files ask of a set.
 */
#include "kernel/ipc/sem.h"

#include "kernel/syscall.h"
#include "lib/string.h"

static long set_new(int32_t key, uint64_t nsems, int flags);
static bool set_fits(const struct ipc_perm *p, uint64_t nsems);

uint64_t sem_limits[SEM_LIMITS] = {32000, 1024000000, 500, 32000};
static uint64_t total; /* (t) semaphores of all sets */

struct ipc_table sem_table = {
	.lock = SPINLOCK_INIT("sem", RANK_IPC_TABLE),
	.limit = &sem_limits[SEM_MNI],
	.make = set_new,
	.fits = set_fits,
};

static size_t set_size(uint64_t nsems)
{
	return sizeof(struct sem_set) + nsems * sizeof(struct semaphore);
}

static bool set_fits(const struct ipc_perm *p, uint64_t nsems)
{
	return container_of((struct ipc_perm *)p, struct sem_set, perm)->nsems >= nsems;
}

static long set_new(int32_t key, uint64_t nsems, int flags)
{
	struct sem_set *set;
	int err;

	if (!nsems)
		return -EINVAL;
	if (total + nsems > sem_limits[SEM_MNS])
		return -ENOSPC;
	err = ipc_reserve(&sem_table);
	if (err)
		return err;
	set = ipc_alloc(set_size(nsems));
	if (!set)
		return -ENOMEM;
	ipc_perm_init(&set->perm, key, flags);
	set->ctime = ipc_now();
	set->nsems = (uint32_t)nsems;
	list_init(&set->waiters);
	list_init(&set->undos);
	spin_lock(&sem_table.lock);
	ipc_enter_locked(&sem_table, &set->perm);
	total += nsems;
	err = set->perm.id;
	spin_unlock(&sem_table.lock);
	return err;
}

SYSCALL3(semget, int, key, int, nsems, int, flags)
{
	if (nsems < 0 || (uint64_t)nsems > sem_limits[SEM_MSL])
		return -EINVAL;
	return ipc_get(&sem_table, key, (uint64_t)nsems, flags);
}

uint64_t sem_total_locked(void)
{
	return total;
}

void sem_remove_locked(struct sem_set *set)
{
	struct sem_undo *undo, *next;

	list_for_each_entry_safe(undo, next, &set->undos, of_set)
		sem_undo_free_locked(undo);
	sem_wake_all_locked(set, -EIDRM);
	ipc_leave_locked(&sem_table, &set->perm);
	total -= set->nsems;
	ipc_free(set, set_size(set->nsems));
}

void sem_forget_undo_locked(struct sem_set *set, uint32_t first, uint32_t n)
{
	struct sem_undo *undo;

	list_for_each_entry(undo, &set->undos, of_set)
		memset(&undo->adjust[first], 0, n * sizeof(undo->adjust[0]));
}

long sem_stat(int32_t id, enum ipc_how how, struct semid64_ds *out)
{
	struct ipc_perm *p;
	struct sem_set *set;
	long ret;

	memset(out, 0, sizeof(*out));
	spin_lock(&sem_table.lock);
	p = ipc_asked_locked(&sem_table, id, how);
	if (is_err(p)) {
		ret = ptr_err(p);
	} else {
		set = sem_of_perm(p);
		ipc_perm_stat_locked(p, &out->sem_perm);
		out->sem_otime = set->otime;
		out->sem_ctime = set->ctime;
		out->sem_nsems = set->nsems;
		ret = how == IPC_BY_ID ? 0 : p->id;
	}
	spin_unlock(&sem_table.lock);
	return ret;
}

void sem_init(void)
{
	ipc_table_init(&sem_table);
}

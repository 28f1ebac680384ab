/*
 * Sets of System V semaphores: semget(2), and what the other files ask of a set.
 */
#include "kernel/ipc/sem.h"

#include "kernel/syscall.h"
#include "lib/string.h"

static size_t set_size(uint64_t nsems)
{
	return sizeof(struct sem_set) + nsems * sizeof(struct semaphore);
}

static bool set_fits(const struct ipc_perm *p, uint64_t nsems)
{
	return container_of((struct ipc_perm *)p, struct sem_set, perm)->nsems >= nsems;
}

static long set_new(struct ipc_table *t, int32_t key, uint64_t nsems, int flags)
{
	struct sem_set *set;
	int err;

	if (!nsems)
		return -EINVAL;
	if (t->ns->sem.total + nsems > t->ns->sem.limits[SEM_MNS])
		return -ENOSPC;
	err = ipc_reserve(t);
	if (err)
		return err;
	set = ipc_alloc(set_size(nsems));
	if (!set)
		return -ENOMEM;
	ipc_perm_init(t, &set->perm, key, flags);
	set->ctime = ipc_now();
	set->nsems = (uint32_t)nsems;
	list_init(&set->waiters);
	list_init(&set->undos);
	spin_lock(&t->lock);
	ipc_enter_locked(t, &set->perm);
	t->ns->sem.total += nsems;
	err = set->perm.id;
	spin_unlock(&t->lock);
	return err;
}

SYSCALL3(semget, int, key, int, nsems, int, flags)
{
	if (nsems < 0 || (uint64_t)nsems > ipc_own()->sem.limits[SEM_MSL])
		return -EINVAL;
	return ipc_get(&ipc_own()->sem.table, key, (uint64_t)nsems, flags);
}

void sem_remove_locked(struct sem_set *set)
{
	struct sem_undo *undo, *next;

	list_for_each_entry_safe(undo, next, &set->undos, of_set)
		sem_undo_free_locked(undo);
	sem_wake_all_locked(set, -EIDRM);
	ipc_leave_locked(set->perm.table, &set->perm);
	set->perm.table->ns->sem.total -= set->nsems;
	ipc_free(set, set_size(set->nsems));
}

void sem_forget_undo_locked(struct sem_set *set, uint32_t first, uint32_t n)
{
	struct sem_undo *undo;

	list_for_each_entry(undo, &set->undos, of_set)
		memset(&undo->adjust[first], 0, n * sizeof(undo->adjust[0]));
}

long sem_stat(struct ipc_namespace *ns, int32_t id, enum ipc_how how, struct semid64_ds *out)
{
	struct ipc_table *t = &ns->sem.table;
	struct ipc_perm *p;
	struct sem_set *set;
	long ret;

	memset(out, 0, sizeof(*out));
	spin_lock(&t->lock);
	p = ipc_asked_locked(t, id, how);
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
	spin_unlock(&t->lock);
	return ret;
}

void sem_setup(struct ipc_namespace *ns)
{
	static const uint64_t limits[SEM_LIMITS] = {32000, 1024000000, 500, 32000};

	memcpy(ns->sem.limits, limits, sizeof(limits));
	ns->sem.table.make = set_new;
	ns->sem.table.fits = set_fits;
	ipc_table_init(&ns->sem.table, ns, "sem", &ns->sem.limits[SEM_MNI]);
}

void sem_remove_all(struct ipc_namespace *ns)
{
	struct ipc_table *t = &ns->sem.table;

	for (uint32_t i = 0; i < t->nslots; i++) {
		spin_lock(&t->lock);
		if (t->slots[i])
			sem_remove_locked(sem_of_perm(t->slots[i]));
		spin_unlock(&t->lock);
	}
}

/*
 * semctl(2).
 */
#include "kernel/ipc/sem.h"
#include "kernel/mem/slab.h"
#include "kernel/syscall.h"
#include "lib/string.h"
#include "mm/usercopy.h"

static long info(int cmd, uaddr_t buf)
{
	struct ipc_namespace *ns = ipc_own();
	struct ipc_table *t = &ns->sem.table;
	const uint64_t *limits = ns->sem.limits;
	struct seminfo i = {
		.semmap = (int32_t)limits[SEM_MNS], .semmni = (int32_t)limits[SEM_MNI],
		.semmns = (int32_t)limits[SEM_MNS], .semmnu = (int32_t)limits[SEM_MNS],
		.semmsl = (int32_t)limits[SEM_MSL], .semopm = (int32_t)limits[SEM_OPM],
		.semume = (int32_t)limits[SEM_OPM], .semusz = 20, /* as on Linux */
		.semvmx = SEMVMX, .semaem = SEMAEM};
	uint32_t highest;

	spin_lock(&t->lock);
	highest = ipc_highest_locked(t);
	if (cmd == SEM_INFO) {
		i.semusz = (int32_t)t->used;
		i.semaem = (int32_t)ns->sem.total;
	}
	spin_unlock(&t->lock);
	return copy_to_user(buf, &i, sizeof(i)) ? -EFAULT : (long)highest;
}

static long stat(int id, enum ipc_how how, uaddr_t buf)
{
	struct semid64_ds ds;
	long ret = sem_stat(ipc_own(), id, how, &ds);

	return ret >= 0 && copy_to_user(buf, &ds, sizeof(ds)) ? -EFAULT : ret;
}

/* How many semaphores the set has, for who may access it so. Or -errno. */
static long set_count(int id, uint32_t mode)
{
	struct ipc_table *t = &ipc_own()->sem.table;
	struct ipc_perm *p;
	long ret;

	spin_lock(&t->lock);
	p = ipc_allowed_locked(t, id, mode);
	ret = is_err(p) ? ptr_err(p) : (long)sem_of_perm(p)->nsems;
	spin_unlock(&t->lock);
	return ret;
}

static void values_get_locked(const struct sem_set *set, uint16_t *values)
{
	for (uint32_t i = 0; i < set->nsems; i++)
		values[i] = set->sems[i].value;
}

static void values_set_locked(struct sem_set *set, uint32_t first, uint32_t n,
			      const uint16_t *values)
{
	for (uint32_t i = 0; i < n; i++) {
		set->sems[first + i].value = values[i];
		set->sems[first + i].pid = ipc_pid();
	}
	sem_forget_undo_locked(set, first, n);
	set->ctime = ipc_now();
	sem_update_locked(set);
}

/* GETALL and SETALL, with values between the two copies. */
static long all_transfer(int id, int cmd, uint16_t *values, uint32_t n)
{
	struct ipc_table *t = &ipc_own()->sem.table;
	struct sem_set *set;
	struct ipc_perm *p;
	long ret = 0;

	for (uint32_t i = 0; cmd == SETALL && i < n; i++)
		if (values[i] > SEMVMX)
			return -ERANGE;
	spin_lock(&t->lock);
	p = ipc_find_locked(t, id);
	set = p ? sem_of_perm(p) : NULL;
	if (!set || set->nsems != n)
		ret = -EIDRM;
	else if (cmd == SETALL)
		values_set_locked(set, 0, n, values);
	else
		values_get_locked(set, values);
	spin_unlock(&t->lock);
	return ret;
}

static long all(int id, int cmd, uaddr_t buf)
{
	long n = set_count(id, cmd == SETALL ? 0222 : 0444), ret = 0;
	size_t size = (size_t)n * sizeof(uint16_t);
	uint16_t *values;

	if (n < 0)
		return n;
	values = kmalloc_wait(size);
	if (!values)
		return -ENOMEM;
	if (cmd == SETALL && copy_from_user(values, buf, size))
		ret = -EFAULT;
	if (!ret)
		ret = all_transfer(id, cmd, values, (uint32_t)n);
	if (!ret && cmd == GETALL && copy_to_user(buf, values, size))
		ret = -EFAULT;
	kfree(values);
	return ret;
}

static long set_value(int id, int num, int value)
{
	struct ipc_table *t = &ipc_own()->sem.table;
	uint16_t v = (uint16_t)value;
	struct sem_set *set;
	struct ipc_perm *p;
	long ret = 0;

	if (value < 0 || value > SEMVMX)
		return -ERANGE;
	spin_lock(&t->lock);
	p = ipc_find_locked(t, id);
	set = p ? sem_of_perm(p) : NULL;
	if (!set || num < 0 || (uint32_t)num >= set->nsems)
		ret = -EINVAL;
	else if (ipc_permission_locked(p, 0222))
		ret = -EACCES;
	else
		values_set_locked(set, (uint32_t)num, 1, &v);
	spin_unlock(&t->lock);
	return ret;
}

static long one_locked(const struct sem_set *set, uint32_t num, int cmd)
{
	if (num >= set->nsems)
		return -EINVAL;
	switch (cmd) {
	case GETVAL:
		return set->sems[num].value;
	case GETPID:
		return set->sems[num].pid;
	}
	return sem_waiting_locked(set, num, cmd == GETZCNT);
}

/* GETVAL, GETPID, GETNCNT, GETZCNT. */
static long get_one(int id, int num, int cmd)
{
	struct ipc_table *t = &ipc_own()->sem.table;
	struct ipc_perm *p;
	long ret;

	spin_lock(&t->lock);
	p = ipc_allowed_locked(t, id, 0444);
	ret = is_err(p) ? ptr_err(p) : one_locked(sem_of_perm(p), (uint32_t)num, cmd);
	spin_unlock(&t->lock);
	return ret;
}

/* IPC_SET with ds, IPC_RMID without. */
static long change(int id, const struct semid64_ds *ds)
{
	struct ipc_table *t = &ipc_own()->sem.table;
	struct ipc_perm *p;
	long ret = 0;

	spin_lock(&t->lock);
	p = ipc_owned_locked(t, id);
	if (is_err(p)) {
		ret = ptr_err(p);
	} else if (!ds) {
		sem_remove_locked(sem_of_perm(p));
	} else {
		ret = ipc_perm_set_locked(p, &ds->sem_perm);
		if (!ret)
			sem_of_perm(p)->ctime = ipc_now();
	}
	spin_unlock(&t->lock);
	return ret;
}

SYSCALL4(semctl, int, id, int, num, int, cmd, uint64_t, arg)
{
	struct semid64_ds ds;

	if (id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case SEM_INFO:
		return info(cmd, arg);
	case IPC_STAT:
		return stat(id, IPC_BY_ID, arg);
	case SEM_STAT:
		return stat(id, IPC_BY_SLOT, arg);
	case SEM_STAT_ANY:
		return stat(id, IPC_BY_SLOT_ANY, arg);
	case GETALL:
	case SETALL:
		return all(id, cmd, arg);
	case SETVAL:
		return set_value(id, num, (int)arg);
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
		return get_one(id, num, cmd);
	case IPC_SET:
		return copy_from_user(&ds, arg, sizeof(ds)) ? -EFAULT : change(id, &ds);
	case IPC_RMID:
		return change(id, NULL);
	}
	return -EINVAL;
}

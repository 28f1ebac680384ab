/*
 * semop(2), semtimedop(2). All operations of a call are done at once or none is. Who has to wait
 * leaves them with the set: whoever changes a value does for others what has become possible, in
 * the order in which they came.
 */
#include "kernel/ipc/sem.h"
#include "kernel/mem/slab.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "kernel/uapi/time.h"
#include "mm/usercopy.h"

#define OPS_SMALL 16 /* so many do not need memory of their own */

struct sem_waiter {
	struct ipc_waiter wait;		/* (t) on the set's list */
	const struct sembuf *ops;
	uint32_t nops;
	bool alters;			/* not only waits for zeros */
	struct sem_undo *undo;		/* if one of ops has SEM_UNDO */
	pid_t pid;
	const struct sembuf *blocking;	/* (t) the operation that cannot be done */
};

/* --- operations --- */

/* 0, IPC_WAITS, -EAGAIN, -ERANGE. (t) */
static int op_do(struct sem_set *set, const struct sembuf *op, struct sem_undo *undo)
{
	struct semaphore *sem = &set->sems[op->sem_num];
	int value = sem->value + op->sem_op, adjust;

	if (value < 0 || (!op->sem_op && sem->value))
		return op->sem_flg & IPC_NOWAIT ? -EAGAIN : IPC_WAITS;
	if (value > SEMVMX)
		return -ERANGE;
	if (op->sem_flg & SEM_UNDO) {
		adjust = undo->adjust[op->sem_num] - op->sem_op;
		if (adjust < -SEMAEM - 1 || adjust > SEMAEM)
			return -ERANGE;
		undo->adjust[op->sem_num] = (int16_t)adjust;
	}
	sem->value = (uint16_t)value;
	return 0;
}

static void op_take_back(struct sem_set *set, const struct sembuf *op, struct sem_undo *undo)
{
	set->sems[op->sem_num].value -= op->sem_op;
	if (op->sem_flg & SEM_UNDO)
		undo->adjust[op->sem_num] += op->sem_op;
}

/* All of w's operations or none: 0, IPC_WAITS or -errno. (t) */
static int ops_try(struct sem_set *set, struct sem_waiter *w)
{
	uint32_t i;
	int ret = 0;

	for (i = 0; i < w->nops && !ret; i++)
		ret = op_do(set, &w->ops[i], w->undo);
	if (ret) {
		w->blocking = &w->ops[--i];
		while (i--)
			op_take_back(set, &w->ops[i], w->undo);
		return ret;
	}
	for (i = 0; i < w->nops; i++)
		set->sems[w->ops[i].sem_num].pid = w->pid;
	set->otime = ipc_now();
	return 0;
}

/* Can what w did let somebody go on who came before? */
static bool ops_free_others(const struct sem_set *set, const struct sem_waiter *w)
{
	for (uint32_t i = 0; i < w->nops; i++)
		if (w->ops[i].sem_op > 0 || !set->sems[w->ops[i].sem_num].value)
			return true;
	return false;
}

/* --- who waits --- */

/* Those who alter values, or those who do not. True: others may go on now, so begin again. (t) */
static bool update_pass(struct sem_set *set, bool alters)
{
	struct sem_waiter *w, *next;
	int ret;

	list_for_each_entry_safe(w, next, &set->waiters, wait.link) {
		ret = w->alters == alters ? ops_try(set, w) : IPC_WAITS;
		if (ret == IPC_WAITS)
			continue;
		ipc_waiter_done(&w->wait, ret);
		if (!ret && alters && ops_free_others(set, w))
			return true;
	}
	return false;
}

void sem_update_locked(struct sem_set *set)
{
	do
		(void)update_pass(set, false);
	while (update_pass(set, true));
}

void sem_wake_all_locked(struct sem_set *set, int err)
{
	struct sem_waiter *w, *next;

	list_for_each_entry_safe(w, next, &set->waiters, wait.link)
		ipc_waiter_done(&w->wait, err);
}

uint32_t sem_waiting_locked(const struct sem_set *set, uint32_t num, bool zero)
{
	const struct sem_waiter *w;
	uint32_t n = 0;

	list_for_each_entry(w, &set->waiters, wait.link)
		if (w->blocking->sem_num == num && (w->blocking->sem_op == 0) == zero)
			n++;
	return n;
}

/* --- what is undone --- */

static size_t undo_size(const struct sem_set *set)
{
	return sizeof(struct sem_undo) + set->nsems * sizeof(int16_t);
}

void sem_undo_free_locked(struct sem_undo *undo)
{
	list_del(&undo->of_set);
	list_del(&undo->of_process);
	ipc_free(undo, undo_size(undo->set));
}

static struct sem_undos *undos_own(void)
{
	struct thread *t = current();

	if (!t->sem_undos) {
		t->sem_undos = kzalloc(sizeof(struct sem_undos));
		if (!t->sem_undos)
			return NULL;
		t->sem_undos->refs = 1;
		list_init(&t->sem_undos->list);
	}
	return t->sem_undos;
}

/* The running process's for the set; NULL without memory. (t) */
static struct sem_undo *undo_get(struct sem_set *set)
{
	struct sem_undos *own = undos_own();
	struct sem_undo *undo;

	if (!own)
		return NULL;
	list_for_each_entry(undo, &own->list, of_process)
		if (undo->set == set)
			return undo;
	undo = ipc_alloc(undo_size(set));
	if (!undo)
		return NULL;
	undo->set = set;
	list_add_tail(&undo->of_set, &set->undos);
	list_add_tail(&undo->of_process, &own->list);
	return undo;
}

/* As far as the range of values allows. (t) */
static void undo_apply(struct sem_undo *undo)
{
	struct sem_set *set = undo->set;
	bool any = false;
	int value;

	for (uint32_t i = 0; i < set->nsems; i++) {
		if (!undo->adjust[i])
			continue;
		value = set->sems[i].value + undo->adjust[i];
		set->sems[i].value = (uint16_t)MIN(MAX(value, 0), SEMVMX);
		set->sems[i].pid = ipc_pid();
		any = true;
	}
	sem_undo_free_locked(undo);
	set->otime = ipc_now();
	if (any)
		sem_update_locked(set);
}

int sem_clone(struct thread *t)
{
	struct ipc_table *table = &ipc_own()->sem.table;
	struct sem_undos *own = undos_own();

	if (!own)
		return -ENOMEM;
	spin_lock(&table->lock);
	own->refs++;
	spin_unlock(&table->lock);
	t->sem_undos = own;
	return 0;
}

void sem_exit(struct thread *t)
{
	struct ipc_table *table = &ipc_own()->sem.table;
	struct sem_undos *undos = t->sem_undos;
	bool last;

	if (!undos)
		return;
	t->sem_undos = NULL;
	spin_lock(&table->lock);
	last = --undos->refs == 0;
	while (last && !list_empty(&undos->list)) {
		undo_apply(list_first_entry(&undos->list, struct sem_undo, of_process));
		/* One set at a time: others want the lock too. */
		spin_unlock(&table->lock);
		spin_lock(&table->lock);
	}
	spin_unlock(&table->lock);
	if (last)
		kfree(undos);
}

/* --- the calls --- */

/* The set that w's operations are for, with what they need; err_ptr. (t) */
static struct sem_set *target(int id, struct sem_waiter *w)
{
	struct ipc_table *table = &ipc_own()->sem.table;
	struct ipc_perm *p = ipc_find_locked(table, id);
	struct sem_set *set;
	bool undo = false;
	uint32_t highest = 0;

	if (!p)
		return err_ptr(-EINVAL);
	set = sem_of_perm(p);
	for (uint32_t i = 0; i < w->nops; i++) {
		highest = MAX(highest, (uint32_t)w->ops[i].sem_num);
		undo |= (w->ops[i].sem_flg & SEM_UNDO) != 0;
		w->alters |= w->ops[i].sem_op != 0;
	}
	if (highest >= set->nsems)
		return err_ptr(-EFBIG);
	if (ipc_permission_locked(p, w->alters ? 0222 : 0444))
		return err_ptr(-EACCES);
	if (undo)
		w->undo = undo_get(set);
	return undo && !w->undo ? err_ptr(-ENOMEM) : set;
}

/* Do them, or have them wait. (t) */
static int ops_start(struct sem_set *set, struct sem_waiter *w)
{
	int ret = ops_try(set, w);

	if (ret == IPC_WAITS)
		list_add_tail(&w->wait.link, &set->waiters);
	else if (!ret && w->alters)
		sem_update_locked(set);
	return ret;
}

static long ops_run(int id, const struct sembuf *ops, uint32_t nops, uint64_t deadline)
{
	struct ipc_table *table = &ipc_own()->sem.table;
	struct sem_waiter w = {.ops = ops, .nops = nops, .pid = ipc_pid()};
	struct sem_set *set;
	int status;

	ipc_waiter_init(&w.wait);
	spin_lock(&table->lock);
	set = target(id, &w);
	status = w.wait.status = is_err(set) ? (int)ptr_err(set) : ops_start(set, &w);
	spin_unlock(&table->lock);
	if (status == IPC_WAITS)
		status = ipc_wait(&table->lock, &w.wait, deadline);
	/* Never begun again, whatever the handler's flags: signal(7). */
	if (status == -ERESTARTSYS)
		return -EINTR;
	return status == -ETIMEDOUT ? -EAGAIN : status;
}

static long ops_copy_run(int id, uaddr_t uops, uint32_t nops, uint64_t deadline)
{
	struct sembuf small[OPS_SMALL], *ops = small;
	long ret = -EFAULT;

	if (nops > OPS_SMALL)
		ops = kmalloc(nops * sizeof(*ops));
	if (!ops)
		return -ENOMEM;
	if (!copy_from_user(ops, uops, nops * sizeof(*ops)))
		ret = ops_run(id, ops, nops, deadline);
	if (ops != small)
		kfree(ops);
	return ret;
}

SYSCALL4(semtimedop, int, id, uaddr_t, uops, uint32_t, nops, uaddr_t, utimeout)
{
	uint64_t deadline = UINT64_MAX;
	struct timespec64 timeout;

	if (utimeout && copy_from_user(&timeout, utimeout, sizeof(timeout)))
		return -EFAULT;
	if (nops < 1 || id < 0)
		return -EINVAL;
	if (nops > ipc_own()->sem.limits[SEM_OPM])
		return -E2BIG;
	if (utimeout && !timespec_valid(&timeout))
		return -EINVAL;
	if (utimeout)
		deadline = time_add(time_ns(), timespec_ns(&timeout));
	return ops_copy_run(id, uops, nops, deadline);
}

SYSCALL3(semop, int, id, uaddr_t, uops, uint32_t, nops)
{
	return do_semtimedop(id, uops, nops, 0);
}

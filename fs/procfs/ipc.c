/*
 * procfs: /proc/sysvipc, as ipcs(1) reads it.
 */
#include "fs/procfs/procfs.h"
#include "fs/tmpfs/shm.h"
#include "kernel/ipc/msg.h"
#include "kernel/ipc/sem.h"
#include "lib/string.h"

int proc_show_shm(struct proc_text *t, struct process *p)
{
	struct ipc_table *table = &t->ipc->shm.table;
	struct ipc_perm *perm;
	struct shmid64_ds ds;
	struct shm_info totals;
	uint32_t highest = shm_totals(t->ipc, &totals);
	uint64_t resident, swapped;
	int32_t id;

	proc_printf(t, "       key      shmid perms                  size  cpid  lpid nattch   uid "
		       "  gid  cuid  cgid      atime      dtime      ctime                   rss"
		       "                  swap\n");
	for (uint32_t slot = 0; slot <= highest; slot++) {
		spin_lock(&table->lock);
		perm = ipc_at_locked(table, slot);
		if (perm) {
			shm_stat_locked(shm_of_perm(perm), &ds);
			resident = shm_resident_locked(shm_of_perm(perm)) * PAGE_SIZE;
			swapped = shm_swapped_locked(shm_of_perm(perm)) * PAGE_SIZE;
			id = perm->id;
		}
		spin_unlock(&table->lock);
		if (!perm)
			continue;
		proc_printf(t, "%10d %10d  %4o %21lu %5d %5d  %5lu %5u %5u %5u %5u ",
			    ds.shm_perm.key, id, ds.shm_perm.mode, (unsigned long)ds.shm_segsz,
			    ds.shm_cpid, ds.shm_lpid, (unsigned long)ds.shm_nattch,
			    ds.shm_perm.uid, ds.shm_perm.gid, ds.shm_perm.cuid, ds.shm_perm.cgid);
		proc_printf(t, "%10lu %10lu %10lu %21lu %21lu\n", (unsigned long)ds.shm_atime,
			    (unsigned long)ds.shm_dtime, (unsigned long)ds.shm_ctime,
			    (unsigned long)resident, (unsigned long)swapped);
	}
	return 0;
}

/* The highest slot of a table in use. */
static int32_t highest_slot(struct ipc_table *table)
{
	uint32_t slot;

	spin_lock(&table->lock);
	slot = ipc_highest_locked(table);
	spin_unlock(&table->lock);
	return (int32_t)slot;
}

int proc_show_sem(struct proc_text *t, struct process *p)
{
	int32_t highest = highest_slot(&t->ipc->sem.table);
	struct semid64_ds ds;
	long id;

	proc_printf(t, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime"
		       "      ctime\n");
	for (int32_t slot = 0; slot <= highest; slot++) {
		id = sem_stat(t->ipc, slot, IPC_BY_SLOT_ANY, &ds);
		if (id < 0)
			continue;
		proc_printf(t, "%10d %10ld  %4o %10lu %5u %5u %5u %5u %10lu %10lu\n",
			    ds.sem_perm.key, id, ds.sem_perm.mode, (unsigned long)ds.sem_nsems,
			    ds.sem_perm.uid, ds.sem_perm.gid, ds.sem_perm.cuid, ds.sem_perm.cgid,
			    (unsigned long)ds.sem_otime, (unsigned long)ds.sem_ctime);
	}
	return 0;
}

int proc_show_msg(struct proc_text *t, struct process *p)
{
	int32_t highest = highest_slot(&t->ipc->msg.table);
	struct msqid64_ds ds;
	long id;

	proc_printf(t, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid"
		       "  cuid  cgid      stime      rtime      ctime\n");
	for (int32_t slot = 0; slot <= highest; slot++) {
		id = msg_stat(t->ipc, slot, IPC_BY_SLOT_ANY, &ds);
		if (id < 0)
			continue;
		proc_printf(t, "%10d %10ld  %4o  %10lu %10lu %5d %5d %5u %5u %5u %5u ",
			    ds.msg_perm.key, id, ds.msg_perm.mode, (unsigned long)ds.msg_cbytes,
			    (unsigned long)ds.msg_qnum, ds.msg_lspid, ds.msg_lrpid,
			    ds.msg_perm.uid, ds.msg_perm.gid, ds.msg_perm.cuid, ds.msg_perm.cgid);
		proc_printf(t, "%10lu %10lu %10lu\n", (unsigned long)ds.msg_stime,
			    (unsigned long)ds.msg_rtime, (unsigned long)ds.msg_ctime);
	}
	return 0;
}

/* --- /proc/sys/kernel/sem: four limits in one line --- */

int proc_show_sem_limits(struct proc_text *t, struct process *p)
{
	proc_numbers_print(t, t->ipc->sem.limits, SEM_LIMITS);
	return 0;
}

int proc_store_sem_limits(struct ipc_namespace *ns, char *text)
{
	uint64_t limits[SEM_LIMITS];

	memcpy(limits, ns->sem.limits, sizeof(limits));
	if (!proc_numbers_parse(text, limits, SEM_LIMITS))
		return -EINVAL;
	if (limits[SEM_MNI] > IPC_SLOTS)
		return -EINVAL;
	memcpy(ns->sem.limits, limits, sizeof(limits));
	return 0;
}

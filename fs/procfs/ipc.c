/*
 * procfs: /proc/sysvipc, as ipcs(1) reads it.
 */
#include "fs/procfs/procfs.h"
#include "fs/tmpfs/shm.h"

int proc_show_shm(struct proc_text *t, struct process *p)
{
	struct ipc_perm *perm;
	struct shmid64_ds ds;
	struct shm_info totals;
	uint32_t highest = shm_totals(&totals);
	uint64_t resident;
	int32_t id;

	proc_printf(t, "       key      shmid perms                  size  cpid  lpid nattch   uid "
		       "  gid  cuid  cgid      atime      dtime      ctime                   rss"
		       "                  swap\n");
	for (uint32_t slot = 0; slot <= highest; slot++) {
		spin_lock(&shm_table.lock);
		perm = ipc_at_locked(&shm_table, slot);
		if (perm) {
			shm_stat_locked(shm_of_perm(perm), &ds);
			resident = shm_resident_locked(shm_of_perm(perm)) * PAGE_SIZE;
			id = perm->id;
		}
		spin_unlock(&shm_table.lock);
		if (!perm)
			continue;
		proc_printf(t, "%10d %10d  %4o %21lu %5d %5d  %5lu %5u %5u %5u %5u ",
			    ds.shm_perm.key, id, ds.shm_perm.mode, (unsigned long)ds.shm_segsz,
			    ds.shm_cpid, ds.shm_lpid, (unsigned long)ds.shm_nattch,
			    ds.shm_perm.uid, ds.shm_perm.gid, ds.shm_perm.cuid, ds.shm_perm.cgid);
		proc_printf(t, "%10lu %10lu %10lu %21lu %21lu\n", (unsigned long)ds.shm_atime,
			    (unsigned long)ds.shm_dtime, (unsigned long)ds.shm_ctime,
			    (unsigned long)resident, 0UL);
	}
	return 0;
}

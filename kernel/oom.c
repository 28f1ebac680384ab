/*
 * Out of memory, and nothing left to reclaim: who dies.
 */
#include "kernel/oom.h"

#include "kernel/printk.h"
#include "kernel/thread.h"
#include "mm/aspace.h"
#include "mm/pagetable.h"
#include "mm/stat.h"

/* Pages that the space would give back, (aspaces_lock) which keeps it from being freed. */
static uint64_t score(struct aspace *as)
{
	uint64_t anon = 0, object, swapped = 0;

	/* With its lock held by a writer, the tables alone have to do. */
	if (rwlock_tryread(&as->lock)) {
		pt_count_pages(vma_first(&as->areas), &anon, &object, &swapped);
		rwlock_read_unlock(&as->lock);
	}
	return anon + swapped + as->nr_tables;
}

/* The space that holds most, init's and earlier victims excepted; referenced. NULL: none. */
static struct aspace *pick(uint64_t *pages)
{
	struct aspace *as, *worst = NULL, *init = NULL;

	*pages = 0;
	if (init_process && init_process->leader)
		init = init_process->leader->aspace;
	spin_lock(&aspaces_lock);
	list_for_each_entry(as, &aspaces, link) {
		uint64_t n = as == init || as->oom_victim ? 0 : score(as);

		if (n > *pages) {
			worst = as;
			*pages = n;
		}
	}
	if (worst && !aspace_try_get(worst))
		worst = NULL;
	spin_unlock(&aspaces_lock);
	return worst;
}

/* All processes that run in the space die: their memory is one and the same. */
static bool kill_users(struct aspace *as, uint64_t pages)
{
	struct process *p;
	bool any = false;

	for (pid_t pid = 1; (p = process_next(pid)); process_put(p)) {
		pid = p->pid + 1;
		/* Compared, not followed: the process may be exiting. */
		if (p == init_process || !p->leader || p->leader->aspace != as)
			continue;
		if (!any)
			pr_err("out of memory: killed process %d (%s), which held %lu KiB\n",
			       p->pid, p->leader->comm, pages * 4);
		signal_process(p, SIGKILL, NULL);
		any = true;
	}
	return any;
}

bool oom_kill(void)
{
	uint64_t pages;
	struct aspace *as = pick(&pages);
	bool killed;

	if (!as)
		return false;
	as->oom_victim = true;
	killed = kill_users(as, pages);
	if (killed)
		vm_event(VM_OOM_KILL);
	aspace_put(as);
	return true;
}

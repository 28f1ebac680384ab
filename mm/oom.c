#include "mm/oom.h"

#include "kernel/printk.h"
#include "kernel/thread.h"
#include "mm/aspace.h"
#include "mm/init.h"
#include "mm/pagetable.h"
#include "mm/reclaim.h"
#include "mm/stat.h"

uint64_t overcommit_memory = OVERCOMMIT_GUESS, overcommit_ratio = 50, overcommit_kbytes;
uint64_t admin_reserve_kbytes, user_reserve_kbytes;

uint64_t commit_sum(void)
{
	int64_t sum = 0;

	for (uint32_t i = 0; i < nharts; i++) {
		const struct mm_hart *h = harts[i].percpu_mm;

		if (h)
			sum += __atomic_load_n(&h->committed, __ATOMIC_RELAXED);
	}
	return sum > 0 ? (uint64_t)sum : 0;
}

uint64_t commit_limit(void)
{
	return overcommit_kbytes ? overcommit_kbytes / (PAGE_SIZE / KiB)
				 : frames_total * overcommit_ratio / 100;
}

int commit_check(uint64_t pages)
{
	const struct aspace *as = current()->aspace;
	int64_t allowed = (int64_t)commit_limit();

	if (overcommit_memory != OVERCOMMIT_NEVER)
		return overcommit_memory == OVERCOMMIT_GUESS && pages > frames_total ? -ENOMEM : 0;
	if (!cred_privileged())
		allowed -= (int64_t)(admin_reserve_kbytes / (PAGE_SIZE / KiB));
	/* So that one process cannot take all: others are needed to end it. */
	if (as)
		allowed -= (int64_t)MIN(as->pages / 32, user_reserve_kbytes / (PAGE_SIZE / KiB));
	return (int64_t)(commit_sum() + pages) < allowed ? 0 : -ENOMEM;
}

void oom_init(void)
{
	uint64_t part = frames_free() * (PAGE_SIZE / KiB) / 32;

	admin_reserve_kbytes = MIN(part, 8 * MiB / KiB);
	user_reserve_kbytes = MIN(part, 128 * MiB / KiB);
}

/* --- when there is none left --- */

/* Pages that the space would give back, (aspaces_lock) which keeps it from being freed. */
static uint64_t score(struct aspace *as)
{
	uint64_t anon = 0, object;

	/* With its lock held by a writer, the tables alone have to do. */
	if (rwlock_tryread(&as->lock)) {
		pt_count_resident(as, &anon, &object);
		rwlock_read_unlock(&as->lock);
	}
	return anon + as->nr_tables;
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

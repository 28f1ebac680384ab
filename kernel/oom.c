/*
 * Out of memory, and nothing left to reclaim: who dies.
 */
#include "kernel/oom.h"

#include "kernel/printk.h"
#include "kernel/remote.h"
#include "kernel/swap/area.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "mm/aspace.h"
#include "mm/pagetable.h"
#include "mm/stat.h"

/* For so long nobody else is killed while a victim has not let go of its memory. */
#define PATIENCE NSEC_PER_SEC

/* In pages, what the end of an address space frees; and whose it is. */
struct charge {
	uint64_t resident, swapped, tables;
	char comm[16];
};

/* (proc_lock) */
static struct charge charge_of(struct aspace *as)
{
	struct charge c = {.tables = as->nr_tables};
	uint64_t anon = 0, object = 0;

	/* With its lock held by a writer, the tables alone have to do. */
	if (rwlock_tryread(&as->lock)) {
		pt_count_pages(vma_first(&as->areas), &anon, &object, &c.swapped);
		rwlock_read_unlock(&as->lock);
	}
	c.resident = anon + object;
	return c;
}

/* (proc_lock) A child of vfork runs on its parent's memory: that is who would have to die. */
static bool borrows(struct process *p, struct aspace *as)
{
	return p->leader->vfork_done && p->parent && process_aspace_locked(p->parent) == as;
}

static int64_t all_pages(void)
{
	return (int64_t)(frames_total + swap_total);
}

/* What p is charged with, in pages. False: it is never killed, or it was. */
static bool badness(struct process *p, struct charge *c, int64_t *points)
{
	uint64_t irq = spin_lock_irq(&proc_lock);
	struct aspace *as = process_aspace_locked(p);
	bool may = as && p != init_process && !as->oom_killed &&
		   p->oom_score_adj != OOM_SCORE_ADJ_MIN && !borrows(p, as);

	if (may) {
		*c = charge_of(as);
		memcpy(c->comm, p->leader->comm, sizeof(c->comm));
		*points = (int64_t)(c->resident + c->swapped + c->tables) +
			  p->oom_score_adj * (all_pages() / 1000);
	}
	spin_unlock_irq(&proc_lock, irq);
	return may;
}

unsigned oom_score(struct process *p)
{
	struct charge c;
	int64_t points;

	if (!badness(p, &c, &points))
		return 0;
	return (unsigned)((1000 + points * 1000 / all_pages()) * 2 / 3);
}

/* Who is charged with most, referenced; NULL: nobody may be killed. */
static struct process *pick(struct charge *charge)
{
	struct process *p, *worst = NULL;
	int64_t most = 0, points;
	struct charge c;

	for (pid_t pid = 1; (p = process_next(pid)); process_put(p)) {
		pid = p->pid + 1;
		if (!badness(p, &c, &points) || (worst && points < most))
			continue;
		if (worst)
			process_put(worst);
		process_get(p);
		worst = p;
		most = points;
		*charge = c;
	}
	return worst;
}

/* All processes that run in the space die: their memory is one and the same. */
static void kill_users(struct aspace *as)
{
	struct process *p;

	for (pid_t pid = 1; (p = process_next(pid)); process_put(p)) {
		uint64_t irq = spin_lock_irq(&proc_lock);
		bool user = p != init_process && process_aspace_locked(p) == as;

		spin_unlock_irq(&proc_lock, irq);
		pid = p->pid + 1;
		if (user)
			signal_process(p, SIGKILL, NULL);
	}
}

static void kill(struct process *p, const struct charge *c)
{
	struct aspace *as = process_aspace(p);

	/* It has just ended by itself. */
	if (!as)
		return;
	pr_err("out of memory: killed process %d (%s): %lu KiB resident, %lu KiB swapped out, "
	       "%lu KiB of page tables, oom_score_adj %d\n",
	       p->pid, c->comm, c->resident * 4, c->swapped * 4, c->tables * 4,
	       p->oom_score_adj);
	as->oom_killed = time_ns();
	kill_users(as);
	vm_event(VM_OOM_KILL);
	aspace_put(as);
}

/* Is a victim still there that may free enough? */
static bool victim_dying(void)
{
	uint64_t now = time_ns();
	struct aspace *as;
	bool dying = false;

	spin_lock(&aspaces_lock);
	list_for_each_entry(as, &aspaces, link)
		dying |= as->oom_killed && now < as->oom_killed + PATIENCE;
	spin_unlock(&aspaces_lock);
	return dying;
}

bool oom_kill(void)
{
	static _Atomic bool busy;
	struct process *worst = NULL;
	struct charge charge;
	bool dying;

	/* Who else finds memory out meanwhile waits for what this one frees. */
	if (busy || atomic_exchange(&busy, true))
		return true;
	dying = victim_dying();
	if (!dying)
		worst = pick(&charge);
	if (worst) {
		kill(worst, &charge);
		process_put(worst);
	}
	busy = false;
	return dying || worst;
}

/* --- who reads back what went --- */

#define WINDOW	  2048			/* pages that go before it is judged */
#define WINDOW_NS (20 * NSEC_PER_SEC)	/* if that takes longer, others get on */
#define REMEMBERED_BITS 10

_Atomic bool oom_watching;
static struct {
	struct spinlock lock; /* irq */
	uint32_t page[1 << REMEMBERED_BITS]; /* (lock) the last that went; 0: none, or back */
	uint32_t went, back;	   /* (lock) since the window began, */
	uint64_t since;		   /* (lock) ns */
	_Atomic bool thrashing;
} watch = {.lock = SPINLOCK_INIT("pages that went", RANK_FRAME)};

/* Where the page is remembered, and as what. */
static uint32_t *place_of(const struct object *o, uint64_t index, uint32_t *tag)
{
	uint64_t hash = hash_mix((uintptr_t)o, index);

	*tag = (uint32_t)hash | 1;
	return &watch.page[hash_u64(hash, REMEMBERED_BITS)];
}

void oom_page_went(const struct object *o, uint64_t index, bool scarce)
{
	uint64_t now, irq;
	uint32_t tag, *place;

	psi_page_went(o, index);
	if (!scarce) {
		/* There is room for files again: whoever read back what went has it, or is dead. */
		watch.thrashing = false;
		return;
	}
	now = time_ns();
	irq = spin_lock_irq(&watch.lock);
	place = place_of(o, index, &tag);
	if (watch.went >= WINDOW || now > watch.since + WINDOW_NS) {
		watch.thrashing = now <= watch.since + WINDOW_NS && watch.went >= WINDOW &&
				  watch.back >= WINDOW / 4 * 3;
		watch.went = watch.back = 0;
		watch.since = now;
	}
	watch.went++;
	*place = tag;
	oom_watching = true;
	spin_unlock_irq(&watch.lock, irq);
}

void oom_page_back(const struct object *o, uint64_t index)
{
	uint64_t irq = spin_lock_irq(&watch.lock);
	uint32_t tag, *place = place_of(o, index, &tag);

	if (*place == tag) {
		*place = 0;
		watch.back++;
	}
	if (time_ns() > watch.since + WINDOW_NS)
		oom_watching = false;
	spin_unlock_irq(&watch.lock, irq);
}

void oom_end_thrashing(void)
{
	if (unlikely(watch.thrashing) && atomic_exchange(&watch.thrashing, false))
		oom_kill();
}

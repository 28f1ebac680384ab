/*
 * What becomes of children whose parent ends: another parent, and the signals that they asked for
 * (prctl(2), PR_SET_CHILD_SUBREAPER and PR_SET_PDEATHSIG).
 */
#include "kernel/pid.h"
#include "kernel/process.h"

struct process *process_heir(const struct process *p)
{
	struct process *heir = p->parent;

	while (heir && heir != init_process && (!heir->subreaper || !heir->nthreads))
		heir = heir->parent;
	return heir ? heir : init_process;
}

/*
 * What cannot be done under proc_lock: SIGCONT tells the parent, and who puts the last reference
 * sleeps. A child may be on the list of a former parent still; then that one does it all.
 * proc_lock held; takes over a reference to c.
 */
static void defer(struct process *c, sigset_t signals, struct list_head *bereaved)
{
	c->bereaved.signals |= signals;
	c->bereaved.puts++;
	if (list_empty(&c->bereaved.link))
		list_add_tail(&c->bereaved.link, bereaved);
}

/* The signals that threads of c want. proc_lock held. */
static sigset_t death_signals(struct process *c)
{
	uint64_t irq = spin_lock_irq(&c->siglock);
	sigset_t signals = 0;
	struct thread *t;

	list_for_each_entry(t, &c->threads, process_link)
		if (t->death_signal)
			signals |= SIGMASK(t->death_signal);
	spin_unlock_irq(&c->siglock, irq);
	return signals;
}

static void signals_prepare(struct process *c, struct list_head *bereaved)
{
	sigset_t signals = death_signals(c);

	if (!signals)
		return;
	process_get(c);
	defer(c, signals, bereaved);
}

/* The new parent of c learns that it has ended. proc_lock held. */
static void zombie_inherited(struct process *c, struct list_head *bereaved)
{
	int code, value;

	wait_status_decode(c->exit_status, &code, &value);
	process_notify_parent_locked(c, code, value);
	if (process_autoreaps(c->parent)) {
		pid_forget_process_locked(c);
		defer(c, 0, bereaved);
	}
}

void reparent_children(struct process *p, struct list_head *bereaved)
{
	struct process *heir = process_heir(p), *c, *next;

	list_for_each_entry_safe(c, next, &p->children, sibling) {
		list_move_tail(&c->sibling, &heir->children);
		c->parent = heir;
		c->exit_signal = SIGCHLD;
		signals_prepare(c, bereaved);
		if (c->zombie && !c->untold)
			zombie_inherited(c, bereaved);
	}
}

void bereaved_tell(struct list_head *bereaved)
{
	sigset_t signals;
	struct process *c;
	uint32_t puts;
	uint64_t irq;

	while (!list_empty(bereaved)) {
		irq = spin_lock_irq(&proc_lock);
		c = list_first_entry(bereaved, struct process, bereaved.link);
		list_del(&c->bereaved.link);
		signals = c->bereaved.signals;
		puts = c->bereaved.puts;
		c->bereaved.signals = 0;
		c->bereaved.puts = 0;
		spin_unlock_irq(&proc_lock, irq);
		for (int sig = 1; sig <= NSIG && signals >> (sig - 1); sig++)
			if (signals & SIGMASK(sig))
				signal_process(c, sig, NULL);
		while (puts--)
			process_put(c);
	}
}

void reparent_to_thread(struct process *p, pid_t tid)
{
	LIST_HEAD(bereaved);
	uint64_t irq = spin_lock_irq(&proc_lock), irq2 = spin_lock_irq(&p->siglock);
	struct thread *heir = list_first_or_null(&p->threads, struct thread, process_link);
	pid_t next = heir ? heir->tid : 0;
	struct process *c;

	spin_unlock_irq(&p->siglock, irq2);
	list_for_each_entry(c, &p->children, sibling) {
		if (c->creator != tid)
			continue;
		c->creator = next;
		signals_prepare(c, &bereaved);
	}
	spin_unlock_irq(&proc_lock, irq);
	bereaved_tell(&bereaved);
}

/*
 * procfs: /proc/locks, and the locks in /proc/PID/fdinfo (proc_locks(5)).
 */
#include "fs/locks.h"
#include "fs/procfs/procfs.h"
#include "kernel/chardev.h"
#include "kernel/mem/slab.h"

/* Behind how many others one waits is seen by how far it stands to the right. */
static void lock_print(struct proc_text *t, uint32_t number, const struct lock_fact *f)
{
	static const char *const kinds[] = {
		[LOCK_POSIX] = "POSIX  ADVISORY ", [LOCK_OFD] = "OFDLCK ADVISORY ",
		[LOCK_FLOCK] = "FLOCK  ADVISORY ", [LOCK_LEASE] = "LEASE ",
	};
	const char *state = "";

	if (f->kind == LOCK_LEASE)
		state = f->level ? " BREAKER  " : f->breaking ? " BREAKING " : " ACTIVE   ";
	proc_printf(t, "%u: ", number);
	if (f->level)
		proc_printf(t, "%*s", (int)MIN(f->level, 100U) + 2, "-> ");
	proc_printf(t, "%s%s %s %d ", kinds[f->kind], state,
		    f->type == F_WRLCK ? "WRITE" : f->type == F_RDLCK ? "READ" : "UNLCK", f->pid);
	/* Who breaks a lease does so for a file that is not open yet. */
	if (f->kind == LOCK_LEASE && f->level)
		proc_printf(t, "<none>:0 ");
	else
		proc_printf(t, "%02x:%02x:%lu ", MAJOR(f->dev), MINOR(f->dev),
			    (unsigned long)f->ino);
	proc_printf(t, "%lu ", (unsigned long)f->start);
	if (f->end == INT64_MAX)
		proc_printf(t, "EOF\n");
	else
		proc_printf(t, "%lu\n", (unsigned long)f->end);
}

void proc_show_file_locks(struct proc_text *t, const struct process *p, struct file *f)
{
	uint32_t room = locks_file_facts(f, p, NULL, 0), n;
	struct lock_fact *facts = room ? kmalloc(room * sizeof(*facts)) : NULL;

	if (!facts) {
		t->failed = t->failed || room;
		return;
	}
	n = MIN(locks_file_facts(f, p, facts, room), room);
	for (uint32_t i = 0; i < n; i++) {
		proc_printf(t, "lock:\t");
		lock_print(t, i + 1, &facts[i]);
	}
	kfree(facts);
}

#define PIECE 64 /* lines */

int proc_more_locks(struct proc_text *t)
{
	struct lock_fact *facts = kmalloc(PIECE * sizeof(*facts));
	uint32_t n;

	if (!facts)
		return -ENOMEM;
	n = locks_facts(&t->locks, facts, PIECE);
	for (uint32_t i = 0; i < n; i++) {
		t->number += !facts[i].level;
		lock_print(t, t->number, &facts[i]);
	}
	kfree(facts);
	return 0;
}

/*
 * Notes of core files. Sizes and order are Linux's: debuggers rely on both.
 */
#include "kernel/corenotes.h"

#include "fs/file.h"
#include "kernel/elf.h"
#include "kernel/mem/slab.h"
#include "kernel/process.h"
#include "kernel/ptrace.h"
#include "kernel/remote.h"
#include "kernel/rusage.h"
#include "kernel/time.h"
#include "kernel/trap.h"
#include "kernel/uapi/elfcore.h"
#include "kernel/uapi/time.h"
#include "lib/string.h"
#include "mm/aspace.h"

#define NOTES_MAX (4 * MiB)

static void put(struct notes *n, const void *data, size_t size)
{
	if (n->len + size > n->cap) {
		size_t cap = roundup_pow2(n->len + size);
		char *more = cap <= NOTES_MAX ? kmalloc_wait(cap) : NULL;

		if (!more) {
			n->failed = true;
			return;
		}
		if (n->len)
			memcpy(more, n->data, n->len);
		kfree(n->data);
		n->data = more;
		n->cap = cap;
	}
	memcpy(n->data + n->len, data, size);
	n->len += size;
}

static void put_u64(struct notes *n, uint64_t value)
{
	put(n, &value, sizeof(value));
}

static void note(struct notes *n, uint32_t type, const void *desc, size_t size)
{
	static const char name[8] = "CORE", zero[4];
	struct elf_note head = {.namesz = 5, .descsz = (uint32_t)size, .type = type};

	put(n, &head, sizeof(head));
	put(n, name, sizeof(name));
	put(n, desc, size);
	put(n, zero, -size & 3);
}

static pid_t parent_of(struct process *p)
{
	uint64_t irq = spin_lock_irq(&proc_lock);
	pid_t pid = p->parent ? p->parent->pid : 0;

	spin_unlock_irq(&proc_lock, irq);
	return pid;
}

static void thread_note(struct notes *n, struct thread *t, const struct siginfo *info)
{
	struct process *p = t->process;
	struct elf_prstatus s = {
		.pr_info.si_signo = info->si_signo,
		.pr_cursig = (int16_t)info->si_signo,
		.pr_sigpend = t->pending.set, .pr_sighold = t->blocked,
		.pr_pid = t->tid, .pr_ppid = parent_of(p), .pr_pgrp = p->pgid, .pr_sid = p->sid,
		.pr_cutime = ns_timeval(p->dead_children.utime),
		.pr_cstime = ns_timeval(p->dead_children.stime),
		.pr_fpvalid = 1,
	};
	uint64_t user, system;

	thread_cpu_times(t, &user, &system);
	s.pr_utime = ns_timeval(user);
	s.pr_stime = ns_timeval(system);
	memcpy(s.pr_reg, thread_trapframe(t), sizeof(s.pr_reg));
	note(n, NT_PRSTATUS, &s, sizeof(s));
}

static void fpregs_note(struct notes *n, const struct thread *t)
{
	uint64_t regs[FPREGS_WORDS];

	fpregs_get(t, regs);
	note(n, NT_PRFPREG, regs, sizeof(regs));
}

static void process_note(struct notes *n, struct process *p, struct aspace *as)
{
	const struct cred *c = current()->cred;
	const struct exec_layout *l = &as->layout;
	struct elf_prpsinfo s = {
		.pr_sname = 'R', .pr_nice = (int8_t)current()->nice,
		.pr_uid = c->uid, .pr_gid = c->gid,
		.pr_pid = p->pid, .pr_ppid = parent_of(p), .pr_pgrp = p->pgid, .pr_sid = p->sid,
	};
	size_t len = MIN(l->arg_end - l->arg_start, sizeof(s.pr_psargs) - 1);

	strlcpy(s.pr_fname, current()->comm, sizeof(s.pr_fname));
	len = remote_read_forced(as, l->arg_start, s.pr_psargs, len);
	for (size_t i = 0; i < len; i++)
		if (!s.pr_psargs[i])
			s.pr_psargs[i] = ' ';
	note(n, NT_PRPSINFO, &s, sizeof(s));
}

/* NT_FILE: count, page size; start, end and page of the file for each; then the names. */
static void files_note(struct notes *n, const struct core_areas *areas)
{
	struct notes body = {0};
	char *buf = kmalloc_wait(PAGE_SIZE), *name;
	uint64_t count = 0;

	for (uint32_t i = 0; i < areas->n; i++)
		count += areas->list[i].file != NULL;
	put_u64(&body, count);
	put_u64(&body, PAGE_SIZE);
	for (uint32_t i = 0; i < areas->n; i++) {
		const struct core_area *a = &areas->list[i];

		if (!a->file)
			continue;
		put_u64(&body, a->start);
		put_u64(&body, a->end);
		put_u64(&body, a->index);
	}
	for (uint32_t i = 0; buf && i < areas->n; i++) {
		if (!areas->list[i].file)
			continue;
		name = file_path(areas->list[i].file, buf, PAGE_SIZE);
		if (is_err(name))
			name = "";
		put(&body, name, strlen(name) + 1);
	}
	if (buf && !body.failed)
		note(n, NT_FILE, body.data, body.len);
	n->failed |= !buf || body.failed;
	kfree(buf);
	kfree(body.data);
}

/* The next thread behind t (NULL: the first) that waits; it stays until we let it go. */
static struct thread *waiting_next(struct process *p, struct thread *t)
{
	uint64_t irq = spin_lock_irq(&p->siglock);
	struct list_head *at = t ? t->process_link.next : p->threads.next;
	struct thread *found = NULL;

	for (; at != &p->threads && !found; at = at->next) {
		t = list_entry(at, struct thread, process_link);
		if (t->core_state == CORE_WAITS)
			found = t;
	}
	spin_unlock_irq(&p->siglock, irq);
	return found;
}

bool notes_make(struct notes *n, const struct siginfo *info, const struct core_areas *areas)
{
	struct thread *me = current(), *t = NULL;
	struct process *p = me->process;
	struct auxv auxv;

	thread_fpu_sync(me);
	thread_note(n, me, info);
	process_note(n, p, me->aspace);
	note(n, NT_SIGINFO, info, sizeof(*info));
	exec_auxv(&me->aspace->layout, &auxv);
	note(n, NT_AUXV, &auxv, sizeof(auxv));
	files_note(n, areas);
	fpregs_note(n, me);
	while ((t = waiting_next(p, t))) {
		thread_note(n, t, info);
		fpregs_note(n, t);
	}
	return !n->failed;
}

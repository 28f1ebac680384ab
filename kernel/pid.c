/*
 * Numbers of processes and threads, and how to find who has one.
 *
 * A process is known by the tid of its first thread. A number is free again when no process,
 * thread, process group or session uses it.
 */
#include "kernel/pid.h"

#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/ptrace.h"
#include "lib/hash.h"
#include "lib/string.h"

#define PID_MAX	 32768
#define HASH_SIZE 512

struct spinlock proc_lock = SPINLOCK_INIT("proc", RANK_PROC);
struct process *init_process;
uint64_t thread_limit = PID_MAX;

static struct list_head by_pid[HASH_SIZE], by_tid[HASH_SIZE]; /* (proc_lock) */
static LIST_HEAD(all);					       /* (proc_lock) */
static uint32_t nthreads;				       /* (proc_lock) */
static uint64_t nforks;				       /* (proc_lock) threads ever made */
static pid_t last_pid;					       /* (proc_lock) */
static bool wrapped;

void pids_init(void)
{
	for (int i = 0; i < HASH_SIZE; i++) {
		list_init(&by_pid[i]);
		list_init(&by_tid[i]);
	}
}

static struct process *lookup_process(pid_t pid)
{
	struct process *p;

	list_for_each_entry(p, &by_pid[(uint32_t)pid % HASH_SIZE], pid_link)
		if (p->pid == pid)
			return p;
	return NULL;
}

static struct thread *lookup_thread(pid_t tid)
{
	struct thread *t;

	list_for_each_entry(t, &by_tid[(uint32_t)tid % HASH_SIZE], tid_link)
		if (t->tid == tid)
			return t;
	return NULL;
}

static bool in_use(pid_t pid)
{
	struct process *p;

	if (lookup_process(pid) || lookup_thread(pid))
		return true;
	/* Groups and sessions outlive their leaders; before the first wrap none can clash. */
	if (wrapped)
		list_for_each_entry(p, &all, all_link)
			if (p->pgid == pid || p->sid == pid)
				return true;
	return false;
}

static pid_t alloc_locked(void)
{
	for (int tries = 0; tries < PID_MAX; tries++) {
		if (++last_pid >= PID_MAX) {
			last_pid = 2; /* 1 is init's */
			wrapped = true;
		}
		if (!in_use(last_pid))
			return last_pid;
	}
	return -EAGAIN;
}

int pid_publish_locked(struct thread *t, struct process *p)
{
	pid_t tid = alloc_locked();

	if (tid < 0)
		return tid;
	t->tid = tid;
	list_add(&t->tid_link, &by_tid[(uint32_t)tid % HASH_SIZE]);
	nthreads++;
	nforks++;
	if (p) {
		p->pid = tid;
		list_add(&p->pid_link, &by_pid[(uint32_t)tid % HASH_SIZE]);
		list_add_tail(&p->all_link, &all);
	}
	return 0;
}

void pid_forget_thread(struct thread *t)
{
	uint64_t irq = spin_lock_irq(&proc_lock);

	list_del(&t->tid_link);
	nthreads--;
	spin_unlock_irq(&proc_lock, irq);
}

void pid_forget_process_locked(struct process *p)
{
	/* Who still has a reference must not follow the parent, which may go first now. */
	list_del(&p->sibling);
	p->parent = NULL;
	list_del(&p->pid_link);
	list_del(&p->all_link);
	wake_all(&p->exit_wait);
}

bool process_gone(struct process *p)
{
	uint64_t irq = spin_lock_irq(&proc_lock);
	bool gone = list_empty(&p->pid_link);

	spin_unlock_irq(&proc_lock, irq);
	return gone;
}

void thread_set_name(struct thread *t, const char *name)
{
	uint64_t irq = spin_lock_irq(&proc_lock);

	memset(t->comm, 0, sizeof(t->comm)); /* user space is told all of it */
	strlcpy(t->comm, name, sizeof(t->comm));
	spin_unlock_irq(&proc_lock, irq);
}

bool thread_gone(const struct thread *t)
{
	uint64_t irq = spin_lock_irq(&proc_lock);
	bool gone = lookup_thread(t->tid) != t;

	spin_unlock_irq(&proc_lock, irq);
	return gone;
}

void pid_take_over(struct thread *t)
{
	struct process *p = t->process;
	uint64_t irq = spin_lock_irq(&proc_lock), irq2 = spin_lock_irq(&p->siglock);
	struct thread *old = p->leader;
	struct process *child;
	pid_t tid = old->tid;

	/* Nobody is told of the first thread's end: it goes on as t. */
	if (old->tracee && old->tracee->tracer) {
		wake_all(&old->tracee->tracer->child_wait);
		list_del(&old->tracee->link);
		old->tracee->tracer = NULL;
	}
	list_del(&t->tid_link);
	list_del(&old->tid_link);
	nthreads--;
	old->tid = t->tid;
	t->tid = tid;
	list_add(&t->tid_link, &by_tid[(uint32_t)tid % HASH_SIZE]);
	p->leader = t;
	list_for_each_entry(child, &p->children, sibling) {
		if (child->creator == old->tid)
			child->creator = tid;
	}
	thread_get(t);
	wake_all(&p->exit_wait);
	spin_unlock_irq(&p->siglock, irq2);
	spin_unlock_irq(&proc_lock, irq);
	thread_put(old);
}

struct process *process_find_locked(pid_t pid)
{
	return lookup_process(pid);
}

struct process *process_find(pid_t pid)
{
	uint64_t irq = spin_lock_irq(&proc_lock);
	struct process *p = lookup_process(pid);

	if (p)
		process_get(p);
	spin_unlock_irq(&proc_lock, irq);
	return p;
}

struct thread *thread_find(pid_t tid)
{
	uint64_t irq = spin_lock_irq(&proc_lock);
	struct thread *t = lookup_thread(tid);

	if (t) {
		/* A thread that can be found has not dropped its own reference to its process. */
		thread_get(t);
		process_get(t->process);
	}
	spin_unlock_irq(&proc_lock, irq);
	return t;
}

void thread_unfind(struct thread *t)
{
	process_put(t->process);
	thread_put(t);
}

struct process *process_next(pid_t pid)
{
	struct process *p, *best = NULL;
	uint64_t irq = spin_lock_irq(&proc_lock);

	list_for_each_entry(p, &all, all_link)
		if (p->pid >= pid && (!best || p->pid < best->pid))
			best = p;
	if (best)
		process_get(best);
	spin_unlock_irq(&proc_lock, irq);
	return best;
}

void process_for_each_locked(void (*func)(struct process *p, void *arg), void *arg)
{
	struct process *p, *next;

	list_for_each_entry_safe(p, next, &all, all_link)
		func(p, arg);
}

uint64_t fork_count(void)
{
	return nforks;
}

uint64_t thread_count_of(uid_t uid)
{
	struct process *p;
	uint64_t n = 0, irq = spin_lock_irq(&proc_lock);

	list_for_each_entry(p, &all, all_link)
		if (p->leader && p->leader->cred->uid == uid)
			n += MAX(p->nthreads, 1U); /* a zombie counts, too */
	spin_unlock_irq(&proc_lock, irq);
	return n;
}

uint32_t thread_count(void)
{
	return nthreads;
}

uint32_t pgrp_for_each(pid_t pgid, void (*func)(struct process *p, void *arg), void *arg)
{
	struct process *p, *next;
	uint32_t n = 0;

	list_for_each_entry_safe(p, next, &all, all_link)
		if (p->pgid == pgid) {
			func(p, arg);
			n++;
		}
	return n;
}

/*
 * Nice values and priorities of I/O (setpriority(2), ioprio_set(2)): each thread has its own, and
 * its children begin with them. Our queues of disks serve all alike, as Linux does where a disk has
 * no I/O scheduler.
 */
#include "kernel/pid.h"
#include "kernel/process.h"
#include "kernel/rusage.h"
#include "kernel/syscall.h"
#include "kernel/uapi/ioprio.h"
#include "kernel/uapi/resource.h"

#define CLASS(prio)	   ((prio) >> IOPRIO_CLASS_SHIFT & IOPRIO_CLASS_MASK)
#define VALUE(class, data) ((class) << IOPRIO_CLASS_SHIFT | (data))

/* Of a request the threads that are meant, and what is done with each under proc_lock. */
struct request {
	void (*visit)(struct thread *t, struct request *r);
	int which; /* PRIO_* */
	pid_t id;  /* 0: the caller's */
	int value; /* to set, or the best seen */
	long err;
};

static void visit_process(struct process *p, void *arg)
{
	struct request *r = arg;
	struct thread *t;
	uint64_t irq;

	if (p->zombie || (r->which == PRIO_PGRP && p->pgid != r->id))
		return;
	irq = spin_lock_irq(&p->siglock);
	list_for_each_entry(t, &p->threads, process_link) {
		if (r->which == PRIO_USER && t->cred->uid != (uid_t)r->id)
			continue;
		if (r->err == -ESRCH)
			r->err = 0;
		r->visit(t, r);
	}
	spin_unlock_irq(&p->siglock, irq);
}

static void visit_thread(struct request *r)
{
	struct thread *t = thread_find(r->id);
	uint64_t irq;

	if (!t)
		return;
	irq = spin_lock_irq(&proc_lock);
	r->err = 0;
	r->visit(t, r);
	spin_unlock_irq(&proc_lock, irq);
	thread_unfind(t);
}

static long request_run(struct request *r)
{
	const struct thread *me = current();
	const pid_t own[] = {[PRIO_PROCESS] = me->tid,
			     [PRIO_PGRP] = me->process->pgid,
			     [PRIO_USER] = (pid_t)me->cred->uid};
	uint64_t irq;

	if (r->which < PRIO_PROCESS || r->which > PRIO_USER)
		return -EINVAL;
	if (!r->id)
		r->id = own[r->which];
	r->err = -ESRCH;
	if (r->which == PRIO_PROCESS) {
		visit_thread(r);
		return r->err;
	}
	irq = spin_lock_irq(&proc_lock);
	process_for_each_locked(visit_process, r);
	spin_unlock_irq(&proc_lock, irq);
	return r->err;
}

bool nice_allowed(const struct thread *t, int nice)
{
	return (uint64_t)(20 - nice) <= t->process->rlimits[RLIMIT_NICE].cur;
}

static void nice_set(struct thread *t, struct request *r)
{
	const struct cred *me = current()->cred;
	bool may = cred_has(me, CAP_SYS_NICE);

	if (!may && me->euid != t->cred->uid && me->euid != t->cred->euid)
		r->err = -EPERM;
	else if (!may && r->value < t->nice && !nice_allowed(t, r->value))
		r->err = -EACCES;
	else
		sched_set_nice(t, r->value);
}

static void nice_get(struct thread *t, struct request *r)
{
	r->value = MIN(r->value, t->nice);
}

SYSCALL3(setpriority, int, which, pid_t, id, int, nice)
{
	struct request r = {.visit = nice_set, .which = which, .id = id};

	r.value = MIN(MAX(nice, -20), 19);
	return request_run(&r);
}

/* Returns 20 - nice, so that the result is never negative (getpriority(2), C library notes). */
SYSCALL2(getpriority, int, which, pid_t, id)
{
	struct request r = {.visit = nice_get, .which = which, .id = id, .value = 20};
	long err = request_run(&r);

	return err ? err : 20 - r.value;
}

static long prio_check(uint32_t prio)
{
	switch (CLASS(prio)) {
	case IOPRIO_CLASS_RT:
		return cred_capable(CAP_SYS_NICE) || cred_capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
	case IOPRIO_CLASS_BE:
	case IOPRIO_CLASS_IDLE:
		return 0;
	case IOPRIO_CLASS_NONE:
		return prio & IOPRIO_LEVEL_MASK ? -EINVAL : 0;
	}
	return -EINVAL;
}

static void ioprio_set_one(struct thread *t, struct request *r)
{
	const struct cred *me = current()->cred;

	if (r->err)
		return;
	if (t->cred->uid != me->euid && t->cred->uid != me->uid && !cred_has(me, CAP_SYS_NICE))
		r->err = -EPERM;
	else
		t->ioprio = (uint16_t)r->value;
}

/* What was never set follows from nice; but of one thread it is shown as it was set. */
static void ioprio_get_one(struct thread *t, struct request *r)
{
	int prio = t->ioprio;

	if (CLASS(prio) == IOPRIO_CLASS_NONE && r->which != PRIO_PROCESS)
		prio = VALUE(IOPRIO_CLASS_BE, (t->nice + 20) / 5);
	r->value = MIN(r->value, prio);
}

/* IOPRIO_WHO_PROCESS, _PGRP, _USER are PRIO_PROCESS, _PGRP, _USER, counted from 1. */
SYSCALL3(ioprio_set, uint32_t, which, pid_t, who, uint32_t, prio)
{
	struct request r = {.visit = ioprio_set_one, .id = who, .value = (int)prio};
	long err = prio_check(prio);

	r.which = (int)(which - IOPRIO_WHO_PROCESS);
	return err ? err : request_run(&r);
}

SYSCALL2(ioprio_get, uint32_t, which, pid_t, who)
{
	struct request r = {.visit = ioprio_get_one, .id = who, .value = UINT16_MAX};
	long err;

	r.which = (int)(which - IOPRIO_WHO_PROCESS);
	err = request_run(&r);
	return err ? err : r.value;
}

/*
 * Priorities of I/O, ioprio_set(2): each thread has one, and its children begin with it. Our queues
 * serve all alike, as Linux does where a disk has no I/O scheduler.
 */
#include "kernel/pid.h"
#include "kernel/process.h"
#include "kernel/syscall.h"
#include "kernel/uapi/ioprio.h"

#define CLASS(prio)	   ((prio) >> IOPRIO_CLASS_SHIFT & IOPRIO_CLASS_MASK)
#define VALUE(class, data) ((class) << IOPRIO_CLASS_SHIFT | (data))

struct request {
	int which;
	pid_t id;
	bool set;
	uint32_t prio; /* to set, or the best seen */
	long err;
};

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

/* proc_lock held. */
static long prio_set_locked(struct thread *t, uint32_t prio)
{
	const struct cred *me = current()->cred;

	if (t->cred->uid != me->euid && t->cred->uid != me->uid && !cred_has(me, CAP_SYS_NICE))
		return -EPERM;
	t->ioprio = (uint16_t)prio;
	return 0;
}

/* What was never set follows from nice. */
static uint32_t prio_effective(const struct thread *t)
{
	if (CLASS(t->ioprio) != IOPRIO_CLASS_NONE)
		return t->ioprio;
	return VALUE(IOPRIO_CLASS_BE, (uint32_t)(t->nice + 20) / 5);
}

static void visit_locked(struct process *p, void *arg)
{
	struct request *r = arg;
	struct thread *t;
	uint64_t irq;

	if (p->zombie || (r->which == IOPRIO_WHO_PGRP && p->pgid != r->id) ||
	    (r->which == IOPRIO_WHO_USER && p->leader->cred->uid != (uid_t)r->id))
		return;
	irq = spin_lock_irq(&p->siglock);
	list_for_each_entry(t, &p->threads, process_link) {
		if (r->err == -ESRCH)
			r->err = 0;
		if (!r->set)
			r->prio = MIN(r->prio, prio_effective(t));
		else if (!r->err)
			r->err = prio_set_locked(t, r->prio);
	}
	spin_unlock_irq(&p->siglock, irq);
}

/* Of one thread the priority is shown as it was set. */
static void visit_thread(struct request *r)
{
	struct thread *t = thread_find(r->id ? r->id : current()->tid);
	uint64_t irq;

	if (!t)
		return;
	irq = spin_lock_irq(&proc_lock);
	r->err = r->set ? prio_set_locked(t, r->prio) : 0;
	if (!r->set)
		r->prio = t->ioprio;
	spin_unlock_irq(&proc_lock, irq);
	thread_unfind(t);
}

static long request_run(struct request *r)
{
	uint64_t irq;

	r->err = -ESRCH;
	if (r->which == IOPRIO_WHO_PROCESS) {
		visit_thread(r);
		return r->err;
	}
	if (r->which != IOPRIO_WHO_PGRP && r->which != IOPRIO_WHO_USER)
		return -EINVAL;
	if (!r->id)
		r->id = r->which == IOPRIO_WHO_PGRP ? current()->process->pgid
						    : (pid_t)current()->cred->uid;
	irq = spin_lock_irq(&proc_lock);
	process_for_each_locked(visit_locked, r);
	spin_unlock_irq(&proc_lock, irq);
	return r->err;
}

SYSCALL3(ioprio_set, int, which, int, who, uint32_t, prio)
{
	struct request r = {.which = which, .id = who, .set = true, .prio = prio};
	long err = prio_check(prio);

	return err ? err : request_run(&r);
}

SYSCALL2(ioprio_get, int, which, int, who)
{
	struct request r = {.which = which, .id = who, .prio = UINT16_MAX};
	long err = request_run(&r);

	return err ? err : (long)r.prio;
}

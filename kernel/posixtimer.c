/*
 * POSIX timers: timer_create(2) and its family.
 *
 * A timer owns the one queue entry of its signal. While that is queued, further expirations only
 * count: who takes the signal finds the number in it (si_overrun), and timer_getoverrun tells it
 * once more.
 */
#include "kernel/posixtimer.h"

#include "kernel/clocktimer.h"
#include "kernel/cpuclock.h"
#include "kernel/mem/slab.h"
#include "kernel/mutex.h"
#include "kernel/sighand.h"
#include "kernel/syscall.h"
#include "kernel/uapi/time.h"
#include "mm/usercopy.h"

struct posix_timers {
	struct mutex lock;	/* RANK_EVENT: the list, and each timer's setting */
	struct list_head list;	/* (lock) by id, ascending */
	int next_id;		/* (lock) */
};

struct posix_timer {
	struct list_head link;	/* (timers->lock) */
	int id;			/* constant, as the next three */
	int notify;
	struct process *process;
	struct thread *target;	/* SIGEV_THREAD_ID, referenced; NULL: the process */
	bool cpu;		/* constant: which of the two below */
	struct clock_timer wall; /* (timers->lock) */
	struct cpu_alarm alarm;	/* (timers->lock) */
	struct sigqueue signal;	/* (siglock) queued or not */
	uint64_t overrun;	/* (siglock) expirations since it was queued */
	uint64_t last_overrun;	/* (siglock) of the signal taken last */
};

void posix_timer_taken(struct posix_timer *t, struct siginfo *info)
{
	t->last_overrun = t->overrun;
	t->overrun = 0;
	info->si_overrun = (int32_t)MIN(t->last_overrun, (uint64_t)INT32_MAX);
}

/* n expirations. siglock held. */
static void expire_locked(struct posix_timer *t, uint64_t n)
{
	if (t->notify == SIGEV_NONE)
		return;
	if (!list_empty(&t->signal.link)) {
		t->overrun += n;
		return;
	}
	t->overrun = n - 1;
	signal_timer_locked(t->process, t->target, &t->signal);
}

static void wall_fired(struct clock_timer *ct)
{
	struct posix_timer *t = container_of(ct, struct posix_timer, wall);
	uint64_t n = ct->interval ? clock_timer_forward(ct, TIMER_PERIOD_MIN) : 1, irq;

	irq = spin_lock_irq(&t->process->siglock);
	expire_locked(t, n);
	spin_unlock_irq(&t->process->siglock, irq);
}

static void alarm_fired(struct cpu_alarm *a, uint64_t n)
{
	expire_locked(container_of(a, struct posix_timer, alarm), n);
}

/* The running process's timers; made when first asked for. NULL: no memory. */
static struct posix_timers *timers_get(void)
{
	struct process *p = current()->process;
	struct posix_timers *timers = p->posix_timers, *none = NULL;

	if (timers)
		return timers;
	timers = kzalloc(sizeof(*timers));
	if (!timers)
		return NULL;
	mutex_init(&timers->lock, "posix timers", RANK_EVENT);
	list_init(&timers->list);
	if (__atomic_compare_exchange_n(&p->posix_timers, &none, timers, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return timers;
	kfree(timers); /* another thread was first */
	return none;
}

/* From now on it does not fire. */
static void timer_disarm(struct posix_timer *t)
{
	uint64_t left, was;

	if (t->cpu)
		cpu_alarm_set(&t->alarm, 0, 0, false, &left, &was);
	else
		clock_timer_cancel(&t->wall);
}

/* Turn it off for good; timers->lock held, or nobody else is left. */
static void timer_free(struct posix_timer *t)
{
	uint64_t irq;

	timer_disarm(t);
	irq = spin_lock_irq(&t->process->siglock);
	signal_timer_forget(t->process, t->target, &t->signal);
	t->process->nqueued--;
	spin_unlock_irq(&t->process->siglock, irq);
	if (t->cpu)
		cpu_alarm_destroy(&t->alarm);
	if (t->target)
		thread_put(t->target);
	kfree(t);
}

void posix_timers_drop(struct process *p)
{
	struct posix_timers *timers = p->posix_timers;
	struct posix_timer *t, *next;

	if (!timers)
		return;
	list_for_each_entry_safe(t, next, &timers->list, link)
		timer_free(t);
	p->posix_timers = NULL;
	kfree(timers);
}

/* What to do on expiry, as user space says it. 0 or -EINVAL. */
static int sigevent_apply(struct posix_timer *t, const struct sigevent64 *e)
{
	struct thread *target;

	t->notify = e->notify;
	t->signal.info = (struct siginfo){.si_signo = e->signo, .si_code = SI_TIMER};
	t->signal.info.si_timer_value = e->value;
	switch (e->notify) {
	case SIGEV_NONE:
		return 0;
	case SIGEV_SIGNAL | SIGEV_THREAD_ID:
		target = thread_find(e->tid);
		if (!target)
			return -EINVAL;
		if (target->process != t->process) {
			thread_unfind(target);
			return -EINVAL;
		}
		process_put(target->process);
		t->target = target;
		break;
	case SIGEV_SIGNAL:
	case SIGEV_THREAD: /* libc's affair: to the kernel, a signal */
		break;
	default:
		return -EINVAL;
	}
	return e->signo < 1 || e->signo > NSIG ? -EINVAL : 0;
}

static int clock_apply(struct posix_timer *t, int clock)
{
	switch (clock) {
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return -EOPNOTSUPP;
	}
	t->cpu = clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
	if (t->cpu)
		return cpu_alarm_init(&t->alarm, clock, alarm_fired);
	clock_timer_init(&t->wall, clock, wall_fired);
	return clock_timer_clock(clock);
}

/* A timer counts as a queued signal of its process: its entry is always there. */
static int signal_reserve(struct process *p)
{
	uint64_t irq = spin_lock_irq(&p->siglock);
	int err = p->nqueued < p->rlimits[RLIMIT_SIGPENDING].cur ? 0 : -EAGAIN;

	if (!err)
		p->nqueued++;
	spin_unlock_irq(&p->siglock, irq);
	return err;
}

/* A new timer, in the list under a new number. err_ptr on failure. */
static struct posix_timer *timer_make(struct posix_timers *timers, int clock,
				      const struct sigevent64 *e)
{
	struct posix_timer *t = kzalloc(sizeof(*t));
	int err;

	if (!t)
		return err_ptr(-EAGAIN);
	t->process = current()->process;
	t->signal.process = t->process;
	t->signal.timer = t;
	list_init(&t->signal.link);
	err = clock_apply(t, clock);
	if (err)
		goto free;
	err = sigevent_apply(t, e);
	if (!err)
		err = signal_reserve(t->process);
	if (err)
		goto clock;
	mutex_lock(&timers->lock);
	t->id = timers->next_id++;
	t->signal.info.si_timerid = t->id;
	list_add_tail(&t->link, &timers->list);
	mutex_unlock(&timers->lock);
	return t;
clock:
	if (t->target)
		thread_put(t->target);
	if (t->cpu)
		cpu_alarm_destroy(&t->alarm);
free:
	kfree(t);
	return err_ptr(err);
}

/* timers->lock held. */
static struct posix_timer *timer_find(struct posix_timers *timers, int id)
{
	struct posix_timer *t;

	list_for_each_entry(t, &timers->list, link)
		if (t->id == id)
			return t;
	return NULL;
}

/* The timer with its process's timers locked, or NULL and nothing is. */
static struct posix_timer *timer_lock(int id)
{
	struct posix_timers *timers = current()->process->posix_timers;
	struct posix_timer *t;

	if (!timers)
		return NULL;
	mutex_lock(&timers->lock);
	t = timer_find(timers, id);
	if (!t)
		mutex_unlock(&timers->lock);
	return t;
}

static void timer_unlock(struct posix_timer *t)
{
	mutex_unlock(&t->process->posix_timers->lock);
}

SYSCALL1(timer_delete, int, id)
{
	struct posix_timers *timers = current()->process->posix_timers;
	struct posix_timer *t = timer_lock(id);

	if (!t)
		return -EINVAL;
	list_del(&t->link);
	timer_free(t);
	mutex_unlock(&timers->lock);
	return 0;
}

SYSCALL3(timer_create, int, clock, uaddr_t, uevent, uaddr_t, uid)
{
	struct sigevent64 e = {.signo = SIGALRM, .notify = SIGEV_SIGNAL};
	struct posix_timers *timers = timers_get();
	struct posix_timer *t;
	int id;

	if (!timers)
		return -EAGAIN;
	if (uevent && copy_from_user(&e, uevent, sizeof(e)))
		return -EFAULT;
	t = timer_make(timers, clock, &e);
	if (is_err(t))
		return ptr_err(t);
	id = t->id;
	if (!uevent)
		t->signal.info.si_timer_value.sival_int = id;
	if (put_user_u32(uid, (uint32_t)id)) {
		(void)sys_timer_delete((uint64_t)id);
		return -EFAULT;
	}
	return 0;
}

/* timers->lock held. */
static struct itimerspec64 timer_value(struct posix_timer *t)
{
	uint64_t left, interval;

	if (t->cpu) {
		cpu_alarm_get(&t->alarm, &left, &interval);
	} else {
		left = clock_timer_left(&t->wall);
		interval = t->wall.interval;
	}
	return (struct itimerspec64){ns_timespec(interval), ns_timespec(left)};
}

SYSCALL2(timer_gettime, int, id, uaddr_t, out)
{
	struct posix_timer *t = timer_lock(id);
	struct itimerspec64 now;

	if (!t)
		return -EINVAL;
	now = timer_value(t);
	timer_unlock(t);
	return copy_to_user(out, &now, sizeof(now));
}

SYSCALL1(timer_getoverrun, int, id)
{
	struct posix_timer *t = timer_lock(id);
	uint64_t n;

	if (!t)
		return -EINVAL;
	n = t->last_overrun;
	timer_unlock(t);
	return (long)MIN(n, (uint64_t)INT32_MAX);
}

static void timer_change(struct posix_timer *t, const struct itimerspec64 *new, bool absolute)
{
	uint64_t value = timespec_ns(&new->it_value), interval = timespec_ns(&new->it_interval);
	uint64_t left, was, irq;

	timer_disarm(t);
	irq = spin_lock_irq(&t->process->siglock);
	t->overrun = t->last_overrun = 0;
	spin_unlock_irq(&t->process->siglock, irq);
	if (t->cpu)
		cpu_alarm_set(&t->alarm, value, interval, absolute, &left, &was);
	else
		clock_timer_set(&t->wall, value, interval, absolute);
}

SYSCALL4(timer_settime, int, id, int, flags, uaddr_t, unew, uaddr_t, uold)
{
	struct itimerspec64 new, old;
	struct posix_timer *t;

	if (!unew)
		return -EINVAL;
	if (copy_from_user(&new, unew, sizeof(new)))
		return -EFAULT;
	if (!timespec_valid(&new.it_value) || !timespec_valid(&new.it_interval))
		return -EINVAL;
	t = timer_lock(id);
	if (!t)
		return -EINVAL;
	old = timer_value(t);
	timer_change(t, &new, flags & TIMER_ABSTIME);
	timer_unlock(t);
	return uold ? copy_to_user(uold, &old, sizeof(old)) : 0;
}

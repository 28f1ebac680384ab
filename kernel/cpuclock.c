/*
 * Alarms on CPU time: a list a process, looked at by each tick of its threads.
 */
#include "kernel/cpuclock.h"

#include "kernel/rusage.h"
#include "kernel/uapi/time.h"

int cpu_alarm_init(struct cpu_alarm *a, int clock, void (*fired)(struct cpu_alarm *a, uint64_t n))
{
	pid_t pid = clock < 0 ? (pid_t)(~(uint32_t)clock >> 3) : 0;
	bool of_thread = clock < 0 ? clock & 4 : clock == CLOCK_THREAD_CPUTIME_ID;
	struct thread *t = NULL;

	if (clock < 0 && (clock & 3) == 3)
		return -EINVAL;
	if (clock >= 0 && !of_thread && clock != CLOCK_PROCESS_CPUTIME_ID)
		return -EINVAL;
	if (of_thread) {
		t = thread_find(pid ? pid : current()->tid);
		if (t && t->process != current()->process) {
			thread_unfind(t);
			t = NULL;
		}
		if (!t)
			return -EINVAL;
		process_put(t->process);
	} else if (pid && pid != current()->process->pid) {
		return -EINVAL;
	}
	*a = (struct cpu_alarm){
		.process = current()->process,
		.thread = t,
		.user_only = clock < 0 && (clock & 3) == 1,
		.fired = fired,
	};
	list_init(&a->link);
	return 0;
}

void cpu_alarm_destroy(struct cpu_alarm *a)
{
	if (a->thread)
		thread_put(a->thread);
}

/* siglock held. */
static uint64_t clock_now(const struct cpu_alarm *a)
{
	struct usage u = {0};

	if (a->thread)
		thread_cpu_times(a->thread, &u.utime, &u.stime);
	else
		usage_of_process_locked(a->process, &u);
	return u.utime + (a->user_only ? 0 : u.stime);
}

static uint64_t left_locked(const struct cpu_alarm *a, uint64_t now)
{
	if (!a->armed)
		return 0;
	return a->expires > now ? a->expires - now : 1;
}

/* siglock held. */
static void check_locked(struct cpu_alarm *a)
{
	uint64_t now = clock_now(a), n = 1;

	if (now < a->expires)
		return;
	if (a->interval) {
		n += (now - a->expires) / a->interval;
		a->expires = time_add(a->expires, n * a->interval);
	} else {
		a->armed = false;
		list_del(&a->link);
	}
	a->fired(a, n);
}

void cpu_alarm_set(struct cpu_alarm *a, uint64_t value, uint64_t interval, bool absolute,
		   uint64_t *left, uint64_t *was)
{
	uint64_t irq = spin_lock_irq(&a->process->siglock), now = clock_now(a);

	*left = left_locked(a, now);
	*was = a->interval;
	list_del(&a->link);
	a->armed = value != 0;
	a->interval = interval;
	if (value) {
		a->expires = absolute ? value : time_add(now, value);
		list_add_tail(&a->link, &a->process->cpu_alarms);
		/* If it is due already, no tick may ever come: all threads may sleep. */
		check_locked(a);
	}
	spin_unlock_irq(&a->process->siglock, irq);
}

void cpu_alarm_get(struct cpu_alarm *a, uint64_t *left, uint64_t *interval)
{
	uint64_t irq = spin_lock_irq(&a->process->siglock);

	*left = left_locked(a, clock_now(a));
	*interval = a->interval;
	spin_unlock_irq(&a->process->siglock, irq);
}

void cpu_alarms_check(struct thread *t)
{
	struct process *p = t->process;
	struct cpu_alarm *a, *next;
	uint64_t irq;

	if (likely(list_empty(&p->cpu_alarms)))
		return;
	irq = spin_lock_irq(&p->siglock);
	list_for_each_entry_safe(a, next, &p->cpu_alarms, link)
		check_locked(a);
	spin_unlock_irq(&p->siglock, irq);
}

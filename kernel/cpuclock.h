/*
 * Alarms on CPU time, of a process or one of its threads: what POSIX timers and sleeps on those
 * clocks stand on. They are looked at by the tick of a running thread, so at a tick's precision.
 */
#pragma once

#include "kernel/thread.h"

struct cpu_alarm {
	struct list_head link;	/* (siglock) process->cpu_alarms */
	struct process *process; /* whose time; the owner keeps it */
	struct thread *thread;	/* the thread whose time; NULL: of all. The owner keeps it */
	bool user_only;		/* time in the kernel does not count */
	bool armed;		/* (siglock) */
	uint64_t expires;	/* (siglock) ns of that clock */
	uint64_t interval;	/* (siglock) ns; 0: once */
	/* Due, n times at once. siglock held, interrupts off. */
	void (*fired)(struct cpu_alarm *a, uint64_t n);
};

/*
 * Decode a clock id of CPU time (clock_getcpuclockid(3) or CLOCK_PROCESS_CPUTIME_ID and its
 * sister) of the running process: process, thread (referenced, or NULL) and user_only of a. 0 or
 * -EINVAL, for others' clocks too.
 */
int cpu_alarm_init(struct cpu_alarm *a, int clock, void (*fired)(struct cpu_alarm *a, uint64_t n));
void cpu_alarm_destroy(struct cpu_alarm *a); /* turned off before; drops the thread */
/*
 * Value ns from now, or of the clock's time when absolute; 0 turns it off: afterwards fired is not
 * running and will not run. *left and *was get the old setting. Takes siglock.
 */
void cpu_alarm_set(struct cpu_alarm *a, uint64_t value, uint64_t interval, bool absolute,
		   uint64_t *left, uint64_t *was);
void cpu_alarm_get(struct cpu_alarm *a, uint64_t *left, uint64_t *interval);
/* Fire what is due of t's process. From the tick of t, interrupts off. */
void cpu_alarms_check(struct thread *t);

/*
 * Time and faults of a process, as getrusage(2) and wait4(2) report them.
 */
#pragma once

#include "kernel/thread.h"
#include "kernel/uapi/resource.h"

/* RLIMIT_NOFILE goes so far: descriptors of a process. (/proc/sys/fs/nr_open) */
#define NR_OPEN_MAX 1048576
extern uint64_t nr_open;

/* All threads of p, living and dead. Takes p->siglock; proc_lock may be held. */
void usage_of_process(struct process *p, struct usage *out);
void usage_of_process_locked(struct process *p, struct usage *out); /* siglock held */
/* Of one thread. */
void usage_of_thread(struct thread *t, struct usage *out);
/* Of a process with its waited-for children, for wait4. */
void rusage_of_process(struct process *p, struct rusage *out);
/* What is mapped in a space, in pages. Takes its lock; may sleep. */
struct aspace_stats {
	uint64_t size, rss, shared, text, data, locked, peak_rss, stack, swapped;
};
void aspace_stats(struct aspace *as, struct aspace_stats *out);
/* The most pages that were resident, as far as anyone looked: now, for one. Takes its lock. */
uint64_t aspace_peak_rss(struct aspace *as);
/* Send what RLIMIT_CPU asks for; from the tick, interrupts off, no run queue locked. */
void rlimit_cpu_check(struct thread *t);
void rlimit_rt_check(struct thread *t); /* the same for RLIMIT_RTTIME */
/*
 * setitimer(2) for CPU time: which is 0 (user time, SIGVTALRM) or 1 (user and system time,
 * SIGPROF). *left and *interval get the old setting, ns. A new one is made when value is not NULL;
 * *value 0 turns the timer off. Takes siglock.
 */
void cpu_timer_swap(struct process *p, int which, const uint64_t *value, uint64_t new_interval,
		    uint64_t *left, uint64_t *interval);
/* Send what the timers of t's process owe. From the tick of a running thread. */
void cpu_timers_check(struct thread *t);

/* priority.c. May t's nice value become so low? RLIMIT_NICE counts from 1 (19) to 40 (-20). */
bool nice_allowed(const struct thread *t, int nice);

/*
 * POSIX timers (timer_create(2)) of a process.
 */
#pragma once

struct process;
struct posix_timer;
struct siginfo;

/*
 * Delete the timers of the running process, of which this is the only thread left: at exec, and
 * when the last one exits. May sleep.
 */
void posix_timers_drop(struct process *p);
/* The signal that t queued is being taken, with this information. siglock held. */
void posix_timer_taken(struct posix_timer *t, struct siginfo *info);

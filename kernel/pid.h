/*
 * Numbers of processes and threads: for process.c, exit.c and exec.c. Look-ups that others need
 * are in thread.h.
 */
#pragma once

#include "kernel/thread.h"

void pids_init(void);
/* So many threads there may be. (/proc/sys/kernel/threads-max) */
extern uint64_t thread_limit;
/*
 * Give t a number and make it findable; with p not NULL, it is p's first thread and p gets the
 * same number. From now on others send signals and look: both must be complete. 0, or -EAGAIN when
 * all are taken. proc_lock held.
 */
int pid_publish_locked(struct thread *t, struct process *p);
void pid_forget_thread(struct thread *t);
/* p was waited for: out of the table and the tree. proc_lock held. */
void pid_forget_process_locked(struct process *p);
/*
 * exec by another thread than the first: t gets its number and place, and with the place its
 * process's reference; the old first thread, which is about to end, gets t's number and is
 * forgotten.
 */
void pid_take_over(struct thread *t);
struct process *process_find_locked(pid_t pid); /* proc_lock held; no reference */
void process_for_each_locked(void (*func)(struct process *p, void *arg), void *arg);

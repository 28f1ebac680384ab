/*
 * Processes: their life from fork to wait (process.c), credentials (cred.c), job control.
 */
#pragma once

#include "kernel/thread.h"

#define TIMER_SLACK_NS 50000 /* the first process's timer slack */
void timer_slack_set(struct thread *t, uint64_t ns); /* 0: its creator's */

/* Start pid 1 from init= (or /sbin/init): called once, by the first kernel thread. */
void process_start_init(void);
/*
 * End the running process: all its threads die, the last one makes it a zombie with this wait
 * status. Does not return.
 */
void process_exit_group(int wait_status) __noreturn;
/* End the running thread only; the process too if it is the last. */
void thread_exit(int wait_status) __noreturn;
/*
 * Tell user space that the running thread t is gone, while its memory is still there: robust
 * futexes, the tid word. May sleep.
 */
void thread_leave_user_space(struct thread *t);
/* Has the running thread its memory for itself: no thread or process beside it (unshare.c)? */
bool process_single_threaded(void);
/* Has p no number any more, as it was waited for? (Nor has one that is being made yet.) */
bool process_gone(struct process *p);
/* Is the thread, which has had a number, not to be found by it any more? */
bool thread_gone(const struct thread *t);
/* Tell the parent of p that it stopped, continued or died: SIGCHLD and wake waiters. */
void process_notify_parent(struct process *p, int code, int status);
void process_notify_parent_locked(struct process *p, int code, int status);
/* Another process's action on SIGCHLD; its exec may be replacing it. Takes its siglock. */
struct sigaction process_sigchld_action(struct process *p);
/* The end of one of p's threads is known: p's own is, if it waited for that. Drops a reference. */
void process_end_told(struct process *p);
/* si_code and si_status of a wait status. */
void wait_status_decode(int status, int *code, int *value);
/* Does it not care for zombies (SIGCHLD ignored or SA_NOCLDWAIT, sigaction(2))? */
bool process_autoreaps(struct process *parent);
/*
 * Is pgid a group in which no process has its parent in the same session but another group?
 * Such an orphaned group has no shell to continue it: it may not stop (POSIX 2.11). proc_lock held.
 */
bool pgrp_orphaned(pid_t pgid);
/* Call func on each process of the group; proc_lock held. Returns how many there were. */
uint32_t pgrp_for_each(pid_t pgid, void (*func)(struct process *p, void *arg), void *arg);

/* reparent.c. The process that p's children go to when p ends: as a rule, init. proc_lock held. */
struct process *process_heir(const struct process *p);
/*
 * p's children get another parent; zombies among them tell it. What is left to do for *bereaved
 * does bereaved_tell, without locks. proc_lock held.
 */
void reparent_children(struct process *p, struct list_head *bereaved);
void bereaved_tell(struct list_head *bereaved);
/* The thread tid of p has ended, and p goes on. Takes proc_lock. */
void reparent_to_thread(struct process *p, pid_t tid);

/* The terminal's part in a session leader's death; registered by drivers/tty. */
extern void (*tty_session_exit_hook)(struct process *leader);

/* switch.S: a kernel thread that exec gave a program goes to user mode. */
void kthread_to_user(void) __noreturn;
/* A vfork parent need wait no longer: its child has a program of its own, or died. */
void vfork_release(struct thread *child);
/* exec: all other threads of the running process die first. 0, or -EAGAIN if another execs. */
int process_single_thread(void);

/* exec.c: load a program into the running process. argv and envp are kernel copies. */
struct exec_strings;
/* 0: a program's addresses are always the same; 1: but for its break, they are random; 2: all. */
extern uint64_t randomize_va_space;
int exec_kernel(const char *path, const char *const argv[], const char *const envp[]);

/* futex.c: wake count waiters on a user word of the running process. */
int futex_wake_addr(uaddr_t addr, int count);
void futex_exit_robust(struct thread *t);

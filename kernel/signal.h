/*
 * Signals (signal(7)): sending, blocking, delivery. kernel/signal.c decides, sigframe.c builds
 * the frame on the user stack.
 */
#pragma once

#include "kernel/types.h"
#include "kernel/uapi/signal.h"
#include "lib/list.h"

struct process;
struct thread;
struct trapframe;

void signals_init(void);

/* Signals waiting to be delivered; real-time ones queue, standard ones are kept once. */
struct sigpending {
	sigset_t set;
	struct list_head queue; /* struct sigqueue, at most one for each standard signal */
};

/*
 * Send sig to one thread or to a process as a whole. info may be NULL: sent by the kernel.
 * Any context but with RANK_SIGNAL or higher locks held. Never fails for lack of memory: a
 * standard signal is then delivered without its info. -EAGAIN for a real-time one
 * (RLIMIT_SIGPENDING).
 */
int signal_thread(struct thread *t, int sig, const struct siginfo *info);
int signal_process(struct process *p, int sig, const struct siginfo *info);
/* The same with proc_lock held. */
int signal_process_locked(struct process *p, int sig, const struct siginfo *info);
/*
 * To every process of a group; 0, or -ESRCH when the group is empty. proc_lock not held; SIGCONT
 * not from interrupts.
 */
int signal_pgrp(pid_t pgid, int sig, const struct siginfo *info);
/*
 * A fault of the running thread: delivered even if blocked or ignored (then it kills).
 */
void signal_fault(int sig, int code, uaddr_t addr);
/* From now on the running thread's process does by default what sig asks for; it is not blocked. */
void signal_force_default(int sig);
/* Is a signal that is not blocked waiting for the running thread? For loops that sleep. */
bool signal_pending(void);
/* Is the running thread about to die? */
bool signal_fatal_pending(void);
/* For tests by the terminal: does the running process ignore or block sig? */
bool signal_ignored(int sig);
/*
 * Block mask until the call that waits returns to user mode, where the old mask comes back after
 * a handler ran with this one (sigsuspend, ppoll, pselect).
 */
void signal_mask_for_wait(sigset_t mask);
/*
 * The wait is over. interrupted: by a signal, whose handler is to run with the mask of the wait;
 * else the old mask is back at once, and what only the other one lets through stays pending.
 */
void signal_mask_after_wait(bool interrupted);
/* On the way to user mode: deliver what is pending; restart or end the interrupted call. */
void signal_deliver(struct trapframe *tf);

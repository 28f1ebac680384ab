/*
 * Tracing (ptrace(2)): a process, the tracer, is told what the threads it traces do, and they stop
 * until it lets them go on. tracee.c is the side of a thread that is traced, ptrace.c the tracer's.
 */
#pragma once

#include "kernel/process.h"
#include "kernel/sighand.h"
#include "kernel/uapi/ptrace.h"

struct clone_args;

/*
 * A thread that is or was traced. It stays with its thread, which it outlives only as the news of
 * its end, until the tracer has waited for that.
 *
 * Letters: P proc_lock, S siglock of the thread's process, T the thread itself, and its tracer
 * while it is stopped.
 */
struct tracee {
	struct process *tracer;	 /* P and S to change; NULL: not traced */
	struct list_head link;	 /* P: of tracer->tracees */
	struct thread *thread;	 /* P; NULL: it has ended */
	pid_t tid, pgid;	 /* P: of one that has ended, */
	uid_t uid;		 /* P: */
	int exit_status;	 /* P: and how, as wait(2) says it */
	struct process *of;	 /* P: whose end is reported after this one's; referenced */
	bool capable;		 /* P and S: its tracer had CAP_SYS_PTRACE when it became that */
	uint32_t options;	 /* S: PTRACE_O_* */
	bool seized;		 /* S: by PTRACE_SEIZE */
	bool stopped, dying;	 /* S; at the end of the thread */
	struct thread *frozen;	 /* S: whose request is under way; it stays in its stop till then */
	bool unreported;	 /* S: the tracer has not waited for this stop */
	bool listening;		 /* S: PTRACE_LISTEN: it stays, but news end the stop */
	bool trap;		 /* S: it is to stop, PTRACE_INTERRUPT */
	bool syscalls;		 /* S: stops at system calls, PTRACE_SYSCALL */
	uint32_t stop_seen;	 /* S: the last stop of its process it took part in */
	int code;		 /* S: of the stop: a signal, and an event << 8 */
	int resume_signal;	 /* S: what the tracer makes of the signal */
	bool has_info;		 /* S: */
	struct siginfo info;	 /* S: of the stop */
	uint64_t message;	 /* T: PTRACE_GETEVENTMSG */
	uint8_t op;		 /* T: PTRACE_SYSCALL_INFO_* */
	bool in_syscall;	 /* T: the exit from this call is to be reported too */
	bool fpu_changed;	 /* T: the tracer wrote its floating-point registers */
};

/* Is t traced? Its process's siglock held, or t is running. */
static inline bool thread_traced(const struct thread *t)
{
	return t->tracee && t->tracee->tracer;
}

/* Does nothing end the stop of t but its tracer? siglock held. */
static inline bool trace_may_stay(const struct thread *t)
{
	const struct process *p = t->process;

	return t->tracee->dying || (!p->exiting && !(p->execing && p->exec_thread != t));
}

/* --- tracee.c: of the running thread, which may not be traced. All may sleep. --- */

/*
 * A signal was taken that is about to act: the tracer sees it first. What is to act in its place,
 * 0 nothing. siglock held with *irq, and again at the end.
 */
int trace_signal_locked(int sig, struct siginfo *info, uint64_t *irq);
/* Its process has stopped: so does it, until its tracer lets it go on. The same locking. */
void trace_group_stop_locked(uint64_t *irq);
/* A stop that its tracer asked for. The same locking. */
void trace_trap_locked(uint64_t *irq);
/* SIGCONT came for t's process. siglock held. */
void trace_continued_locked(struct thread *t);
/* Is p's first thread traced by its parent? siglock held. */
bool trace_by_parent(const struct process *p);

/* From entry.S: a system call begins. False: it is not to be made. */
bool trace_syscall_enter(struct trapframe *tf);
/* On the way to user mode: if a system call ends here, and its tracer wants to know. */
void trace_syscall_exit(void);
/* An event of PTRACE_EVENT_*, if the tracer asked for those. */
void trace_event(int event, uint64_t message);
/*
 * In exec: from before the program's powers are chosen until it runs, or does not, who wants to
 * trace the process waits. The end with proc_lock held, and then the waiters are to be told.
 */
void trace_exec_begin(void);
void trace_exec_end_locked(struct process *p);
/* The whole end. */
void trace_exec_end(void);
/* exec is done; was is the tid that the thread had before. */
void trace_exec(pid_t was);
/* May the program that is executed not have more rights than the caller: it is watched. */
bool trace_limits_exec(void);
/* It ends. */
void trace_exit(int wait_status);
/* t will end: its process's end is reported after it has been waited for. siglock held. */
void trace_ends_locked(struct thread *t);
/* t has ended, and is its process's last thread if it is the first: the tracer is told. */
void trace_ended(struct thread *t, int wait_status);
/* Its process's first thread has ended, before others: the tracer is told to look. */
void trace_leader_left(struct thread *t, int wait_status);

/*
 * A clone of the running thread: is its child t to be traced too, and is it an event? The event or
 * 0; -ENOMEM. Then, before t runs, what must not fail.
 */
int trace_clone_prepare(struct thread *t, const struct clone_args *a);
void trace_clone_attach(struct thread *t);

/* --- ptrace.c --- */
/*
 * t becomes tracer's, of which as (of the record, the options, seized and capable are meant) says
 * how. Its tracee record is there. proc_lock and siglock held.
 */
void trace_attach_locked(struct thread *t, struct process *tracer, const struct tracee *as);
#define FPREGS_WORDS 33 /* f0 to f31, fcsr */
/* The floating-point registers of a thread that does not run. */
void fpregs_get(const struct thread *t, uint64_t regs[FPREGS_WORDS]);
/* The tracer knows of this end: tr, which is no longer its, is freed. No lock held. */
void trace_end_taken(struct tracee *tr);
/* A tracer ends: its tracees go on, or end too. */
void trace_tracer_exit(struct process *p);

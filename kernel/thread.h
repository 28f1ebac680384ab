/*
 * Threads and processes. A struct thread is what the scheduler runs: a user thread (a Linux
 * "task") or a kernel thread. A struct process is what kill(2) and wait(2) mean: the thread
 * group with its address space, files and signal handlers.
 */
#pragma once

#include "kernel/hart.h"
#include "kernel/layout.h"
#include "kernel/signal.h"
#include "kernel/wait.h"
#include "lib/list.h"

struct aspace;
struct fdtable;
struct fscontext;
struct file;
struct process;

/* Registers that survive a function call, kept while a thread does not run (switch.S). */
struct context {
	uint64_t ra, sp, s[12];
};

/* Floating-point registers, kept while another thread's are in the FPU (fpu.S). */
struct fpu_state {
	uint64_t f[32];
	uint32_t fcsr;
	bool used; /* the thread has ever used the FPU */
};

enum thread_state {
	THREAD_RUNNING,	    /* running or on a run queue */
	THREAD_SLEEPING,    /* on a wait queue; enum wait_mode says what wakes it */
	THREAD_STOPPED,	    /* job control */
	THREAD_DEAD,	    /* exited; never runs again */
};

/* Reasons not to go straight back to user mode (thread->work). */
enum {
	WORK_SIGNAL = 1,     /* a signal may have to be delivered */
	WORK_RESCHED = 2,    /* another thread should run */
	WORK_FULLFRAME = 4,  /* all registers come from the trap frame: exec, sigreturn, new thread */
	WORK_TRACE = 8,	     /* reserved for ptrace */
};

/* The order of the first fields is known to entry.S (asserted in thread.c). */
struct thread {
	uint64_t kstack_frame;	/*  0: the trap frame at the top of the kernel stack */
	uint64_t user_sp;	/*  8: scratch of the trap entry */
	uint32_t work;		/* 16: WORK_* ; set by others with atomics plus an IPI */
	uint32_t preempt_count;	/* 20: preemption is off while not 0 */
	struct hart *hart;	/* 24: where it runs or last ran */
	struct context context;	/* 32 */

	void *kstack;		/* KSTACK_SIZE bytes, guard page below */
	_Atomic uint32_t state;	/* enum thread_state */
	uint32_t wait_mode;	/* enum wait_mode while sleeping */
	bool on_runq;		/* (runq_lock of hart) */
	_Atomic bool on_cpu;	/* its registers are still in a hart */
	struct list_head runq_link;
	int nice;		/* -20..19 */
	uint64_t slice_left;	/* ns of time slice */
	uint64_t vruntime;	/* reserved for weighting by nice */
	uint64_t affinity;	/* harts it may run on */
	uint64_t started_at, utime, stime, ran_since; /* ns; accounting */
	uint64_t nvcsw, nivcsw;	/* voluntary and involuntary switches */
	uint64_t minflt, majflt;

	pid_t tid;
	char comm[16];		/* program name, NUL-terminated */
	struct process *process; /* NULL for kernel threads */
	struct list_head process_link; /* (process->lock) in process->threads */
	struct aspace *aspace;	/* user half; NULL for kernel threads */
	struct aspace *active;	/* reserved */
	struct fdtable *files;
	struct fscontext *fs;
	const struct cred *cred;
	struct fpu_state fpu;

	/* signals: (process->siglock) */
	sigset_t blocked, saved_blocked;
	bool restore_blocked;	/* put saved_blocked back on the way to user mode */
	struct sigpending pending;
	struct sigaltstack altstack;
	struct restart_block {
		long (*func)(struct restart_block *);
		uint64_t args[5];
	} restart;

	uaddr_t set_child_tid, clear_child_tid;
	uaddr_t robust_list;
	struct waitqueue *vfork_done; /* parent waits here until exec or exit */
	bool in_usercopy;	/* reserved for mm/usercopy */
	const struct fixup *no_fault; /* reserved for mm/usercopy */

	void (*kfunc)(void *);	/* kernel thread body */
	void *karg;
	_Atomic int refs;
#if DEBUG
	struct held_lock {
		const void *lock;
		const char *name;
		uint32_t rank;
	} held[24];		/* locks it holds, in the order taken */
	int nheld;
#endif
};

static inline struct thread *current(void)
{
	struct thread *t;
	/* Not volatile: within one function the running thread never changes. */
	__asm__("mv %0, tp" : "=r"(t));
	return t;
}
static inline struct hart *this_hart(void)
{
	return *(struct hart *volatile *)&current()->hart;
}

/* User credentials: shared, immutable; changed by replacing. */
struct cred {
	_Atomic int refs;
	uid_t uid, euid, suid, fsuid;
	gid_t gid, egid, sgid, fsgid;
	uint32_t ngroups;
	gid_t groups[]; /* supplementary */
};
struct cred *cred_alloc(uint32_t ngroups);
const struct cred *cred_get(const struct cred *c);
void cred_put(const struct cred *c);
/* Does the running thread have the powers of root (effective uid 0)? */
bool cred_privileged(void);

struct sighand;
struct session;

struct process {
	pid_t pid;
	_Atomic int refs;
	struct thread *leader;		/* first thread */
	struct list_head threads;	/* (lock) */
	uint32_t nthreads;		/* (lock) */
	struct process *parent;		/* (proc_lock) */
	struct list_head children, sibling; /* (proc_lock) */
	struct list_head all_link;	/* (proc_lock) */
	pid_t pgid, sid;		/* (proc_lock) */
	struct tty *tty;		/* (proc_lock) controlling terminal, or NULL */
	bool zombie;			/* (proc_lock) all threads gone, not yet waited for */
	bool exiting;			/* (siglock) exit_group or a fatal signal is under way */
	bool did_exec;			/* setpgid on a child is refused after exec */
	int exit_status;		/* wait(2) encoding */
	int exit_signal;		/* to the parent: SIGCHLD, or what clone said; 0 none */
	struct waitqueue child_wait;	/* wait4 sleeps here */

	struct spinlock siglock;	/* RANK_SIGNAL, interrupts off */
	struct sighand *sighand;	/* handlers (shared with CLONE_SIGHAND) */
	struct sigpending pending;	/* (siglock) sent to the process as a whole */
	uint32_t stop_state;		/* (siglock) job control */
	int stop_signal;		/* (siglock) to report to wait4 */
	bool stop_reported, cont_pending; /* (siglock) */
	struct timer *itimer_real;	/* (siglock) setitimer(ITIMER_REAL), alarm */
	uint64_t itimer_interval;	/* (siglock) ns */

	struct rlimit64 {
		uint64_t cur, max;
	} rlimits[16];			/* (siglock) indexed by RLIMIT_* */
	uint64_t start_time;		/* ns since boot */
	uint64_t cutime, cstime, utime, stime; /* (siglock) ns: waited-for children; dead threads */
	uint64_t cminflt, cmajflt, minflt, majflt; /* (siglock) */
	uint64_t maxrss, cmaxrss;	/* (siglock) pages */
	uint64_t dead_nvcsw, dead_nivcsw;
	uint32_t personality;
	int oom_score_adj;
	char *cmdline_reserved;
	struct file *exe;		/* (lock) for /proc/PID/exe */
};

extern struct spinlock proc_lock; /* RANK_PROC: process tree, groups, sessions, pid table */

/* thread.c: kernel threads run func(arg) with interrupts on; they end by returning. */
struct thread *kthread_create(const char *name, void (*func)(void *), void *arg);
void thread_get(struct thread *t);
void thread_put(struct thread *t);

/* sched.c */
void schedule(void);		/* let another thread run; returns when we are chosen again */
void thread_yield(void);
/* Make a sleeping thread runnable if its state is one of those in mask (1 << state). */
bool thread_wake(struct thread *t);
void thread_start(struct thread *t);	/* a new thread becomes runnable */
void sched_init(void);
void sched_init_hart(struct hart *h);
void sched_tick(void);		/* from the timer interrupt */
void preempt_schedule_irq(void);
void __noreturn sched_exit(void); /* the running thread is dead */
void idle_loop(void *unused) __noreturn;
uint64_t thread_cpu_time(const struct thread *t);
/* Load averages *65536 for /proc/loadavg, sysinfo. */
extern uint64_t loadavg[3];

/* process.c */
struct process *process_find(pid_t pid);	/* takes a reference; NULL when there is none */
struct thread *thread_find(pid_t tid);		/* takes a reference */
void process_put(struct process *p);
extern struct process *init_process;
/*
 * First process whose pid is >= pid, referenced, or NULL: for readdir of /proc.
 */
struct process *process_next(pid_t pid);
uint32_t process_count(void);
uint64_t rlimit_get(int which);			/* soft limit of the running process */

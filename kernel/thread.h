/*
 * Threads and processes. A struct thread is what the scheduler runs: a user thread (a Linux
 * "task") or a kernel thread. A struct process is what kill(2) and wait(2) mean: the thread
 * group with its address space, files and signal handlers.
 */
#pragma once

#include "kernel/cred.h"
#include "kernel/current.h"
#include "kernel/hart.h"
#include "kernel/layout.h"
#include "kernel/signal.h"
#include "kernel/wait.h"
#include "lib/list.h"
#include "lib/rbtree.h"

struct aspace;
struct fdtable;
struct fscontext;
struct journal;
struct key;
struct ns_set;
struct file;
struct pi_waiter;
struct process;
struct sem_undos;
struct tracee;

/* Registers that survive a function call, kept while a thread does not run (switch.S). */
struct context {
	uint64_t ra, sp, s[12];
	uint64_t gp; /* the user's: the kernel never uses it */
};

/* Floating-point registers, kept while another thread's are in the FPU (fpu.S). */
struct fpu_state {
	uint64_t f[32];
	uint32_t fcsr;
	uint32_t hart; /* index of the hart that last loaded them */
	bool used; /* the thread has ever used the FPU */
	bool busy; /* it changed them when it last ran */
};

enum thread_state {
	THREAD_RUNNING,	    /* running or on a run queue */
	THREAD_SLEEPING,    /* on a wait queue; enum wait_mode says what wakes it */
	THREAD_STOPPED,	    /* job control */
	THREAD_DEAD,	    /* exited; never runs again */
};

/* What a core file of its process has to wait for (kernel/coredump.h). */
enum core_state {
	CORE_RUNS,
	CORE_WAITS, /* for it to be written; the registers are in the trap frame */
	CORE_PAST,  /* its end has gone too far */
};

/* Reasons not to go straight back to user mode (thread->work). */
enum {
	WORK_SIGNAL = 1,  /* a signal may have to be delivered */
	WORK_RESCHED = 2, /* another thread should run */
	/* s0-s11, too, come from the trap frame: execve has set them, or the tracer at a stop. */
	WORK_FULLFRAME = 4,
	WORK_TRACE = 8, /* its system calls are traced: kernel/ptrace.h */
	WORK_RSEQ = 16, /* its restartable sequence, or its hart, may be another: kernel/rseq.h */
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
	bool on_runq;		/* (hart->runq_lock) */
	bool on_cpu;		/* (hart->runq_lock) running, or not yet switched away from */
	bool moving;		/* (hart->runq_lock) runnable, on its way to another queue */
	struct rb_node runq_node; /* (hart->runq_lock) by vruntime */
	int nice;		/* -20..19 */
	struct sched_class {
		uint8_t policy;	  /* SCHED_* */
		uint8_t priority; /* of SCHED_FIFO and SCHED_RR 1..99, else 0 */
		uint8_t lent;	  /* priority of those who wait for it (futexpi.c), or 0 */
		bool weighted;	  /* its time does not count as it is: nice, or its policy */
		bool reset_on_fork;
	} class;		/* (hart->runq_lock) */
	uint64_t rr_ran;	/* (hart->runq_lock) ns of its slice: SCHED_RR */
	uint16_t ioprio;	/* (proc_lock) IOPRIO_* */
	uint16_t mempolicy;	/* (own) kernel/mempolicy.c; 0: the default */
	bool over_nproc;	/* (own) a change of its real uid went beyond RLIMIT_NPROC */
	uint8_t mce_policy;	/* (own) PR_MCE_KILL_* and one, 0: none */
	uint64_t timer_slack;	/* ns by which its sleeps may be longer; they are not */
	uint64_t timer_slack_default; /* (own) its creator's */
	int death_signal;	/* (own) its process gets it when its parent ends; 0: none */
	uint64_t vruntime;	/* (hart->runq_lock) ns run, weighted by nice */
	hartmask_t affinity;	/* (hart->runq_lock) harts it may run on */
	uint64_t runtime, ran_since; /* ns run in all; up to when that is known */
	uint64_t uticks, sticks; /* timer ticks that found it in user mode, in the kernel */
	uint64_t nvcsw, nivcsw;	/* voluntary and involuntary switches */
	uint64_t minflt, majflt;
	/* (own) RLIMIT_RTTIME: its run time at the last tick; as real-time thread since it slept */
	uint64_t rt_seen, rt_used, rt_sleeps;

	pid_t tid;
	char comm[16];		/* program name, NUL-terminated */
	struct process *process; /* NULL for kernel threads */
	struct list_head process_link; /* (process->siglock) in process->threads */
	struct aspace *aspace;	/* user half; NULL for kernel threads */
	struct aspace *own_aspace; /* (proc_lock) its own while that is another's; else NULL */
	struct fdtable *files;
	struct fscontext *fs;
	struct ns_set *ns;	/* (own, proc_lock) kernel/namespace.h; NULL: none, or ended */
	const struct cred *cred;
	struct {
		struct key *thread, *process, *session;
		int request; /* KEY_REQKEY_DEFL_* */
	} keys;			/* (keys_lock) rings, or NULL: kernel/keys */
	struct sem_undos *sem_undos; /* (own) its end gives back to semaphores; NULL: none */
	struct fpu_state fpu;

	/* signals: (process->siglock) */
	sigset_t blocked, saved_blocked;
	sigset_t awaited;	/* blocked ones that rt_sigtimedwait takes: neither
				 * ignored nor fatal until it is done */
	bool restore_blocked;	/* put saved_blocked back on the way to user mode */
	struct sigpending pending;
	struct {
		int sig, code;
		uaddr_t addr;
	} fault;		/* (own thread) what it did wrong, before all others; sig 0: none */
	struct sigaltstack altstack;
	struct restart_block {
		long (*func)(struct restart_block *);
		uint64_t args[5];
	} restart;

	struct {
		uint64_t selector, start, len;
		bool on;
	} dispatch;		/* (siglock; itself reads) its calls: kernel/dispatch.h */

	uaddr_t set_child_tid, clear_child_tid;
	uaddr_t robust_list;
	struct {
		uaddr_t area; /* 0: it has none */
		uint32_t len, sig;
	} rseq;			/* (own) kernel/rseq.h */
	struct {
		struct list_head held;	 /* those that others wait for */
		struct pi_waiter *waits; /* for one; NULL: for none */
		bool gone;		 /* it ends, and owns none any more */
	} pi;			/* (RANK_PI) locks that lend priority: kernel/futexpi.c */
	struct list_head tid_link; /* (proc_lock) hash by tid */
	struct waitqueue *vfork_done; /* parent waits here until exec or exit */
	uint32_t nofault;	/* (own) user copies must not fault pages in while not 0 */
	bool unthrottled;	/* (own) writes for the flusher, or others: never waits for it */
	uint8_t stalled;	/* (own) BIT(enum psi_resource) of what it waits for */
	bool refaults;		/* (own) it brings in a page that went: kernel/psi.h */

	struct block_plug {
		struct list_head bios;	/* held back to be merged: drivers/block.h */
		uint32_t depth, count;
	} plug;			/* (own thread) wait_begin calls block_plug_flush if count */

	struct {
		struct journal *in;	/* NULL: none */
		uint32_t left, depth;	/* blocks it may still change; starts within it */
	} handle;		/* (own thread) on a volume's journal: fs/jbd2 */

	struct tracee *tracee;	/* set once: it is or was traced (kernel/ptrace.h) */
	enum core_state core_state; /* (process->siglock) */
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
	int held_base;		/* an interrupt handler's locks begin here */
	uint32_t inject_at;	/* (own) this allocation fails, counted from 1; 0: none */
	uint32_t inject_count;	/* (own) allocations since that was set */
#endif
};

/* The hart we run on: only stable while preemption or interrupts are off. */
static inline struct hart *this_hart(void)
{
	return *(struct hart *volatile *)&current()->hart;
}

/* The harts that run; none ever stops again. */
static inline hartmask_t harts_online(void)
{
	hartmask_t mask = 0;

	for (uint32_t i = 0; i < nharts; i++)
		if (harts[i].online)
			mask |= BIT(i);
	return mask;
}

/* All of these but this one; preemption is off. */
static inline hartmask_t harts_others(void)
{
	return harts_online() & ~BIT(this_hart()->index);
}

struct sighand;
struct session;

struct process {
	pid_t pid;
	_Atomic int refs;
	struct list_head pid_link;	/* (proc_lock) hash by pid */
	struct thread *leader;		/* (proc_lock, siglock) its tid is pid; until reaped */
	struct list_head threads;	/* (siglock) */
	uint32_t nthreads;		/* (siglock) threads that have not exited */
	struct process *parent;		/* (proc_lock) */
	pid_t creator;			/* (proc_lock) the parent's thread that made it */
	bool subreaper;			/* (own) orphans below it become its children */
	struct {
		struct list_head link;
		sigset_t signals;
		uint32_t puts;
	} bereaved;			/* (proc_lock) kernel/reparent.c */
	struct list_head children, sibling; /* (proc_lock) */
	struct list_head tracees;	/* (proc_lock) threads it traces: kernel/ptrace.h */
	struct list_head all_link;	/* (proc_lock) all processes, ascending by start */
	pid_t pgid, sid;		/* (proc_lock) */
	struct tty *tty;		/* (proc_lock) controlling terminal, or NULL */
	bool zombie;			/* (proc_lock) all threads gone, not yet waited for */
	uint32_t untold; /* (siglock) threads whose end a tracer has to wait for first */
	uint32_t execs; /* (proc_lock) so many; after one its parent may not move it to a group */
	int exit_status;		/* wait(2) encoding; final once zombie */
	int exit_signal;		/* to the parent: SIGCHLD, or what clone said; 0 none */
	uint32_t parent_execs;		/* the parent's execs when exit_signal was said */
	struct waitqueue child_wait;	/* wait4 sleeps here */
	/*
	 * Those who poll a pidfd: it is a zombie, it or a thread of it is gone; who would trace it:
	 * entering is 0.
	 */
	struct waitqueue exit_wait;
	uint32_t entering; /* (proc_lock) threads in exec: nobody may begin to trace any */

	struct spinlock siglock;	/* RANK_SIGNAL, interrupts off */
	struct sighand *sighand;	/* handlers (shared by CLONE_SIGHAND); own lock */
	struct sigpending pending;	/* (siglock) sent to the process as a whole */
	bool exiting;			/* (siglock) exit_group or a fatal signal is under way */
	bool execing;			/* (siglock) a thread is in exec and the others must go */
	struct thread *exec_thread;	/* (siglock) which */
	struct waitqueue exec_wait;	/* it waits here */
	struct thread *dumper;		/* (siglock) writes a core file: others wait, there too */
	bool stopping;			/* (siglock) every thread is to stop */
	uint32_t nqueued;		/* (siglock) signals queued, for RLIMIT_SIGPENDING */
	bool stop_taken;		/* (siglock) a stop was taken, and no SIGCONT since */
	uint32_t stop_number;		/* (siglock) tells one stop from the next */
	uint32_t nstopped;		/* (siglock) so many have stopped in this one */
	int stop_signal;		/* (siglock) */
	bool stop_unreported;		/* (siglock) wait4(WUNTRACED) has not seen the stop */
	bool cont_unreported;		/* (siglock) wait4(WCONTINUED) has not seen it go on */
	struct spinlock itimer_lock;	/* RANK_ITIMER, interrupts off; not taken by the timer */
	struct timer *itimer_real;	/* (itimer_lock) setitimer(ITIMER_REAL), alarm */
	_Atomic uint64_t itimer_interval; /* (itimer_lock; read by the timer) ns */
	struct cpu_timer {
		uint64_t expires;	/* CPU time at which it fires, ns; 0: off */
		uint64_t interval;	/* ns; 0: once */
	} cpu_timers[2];		/* (siglock) ITIMER_VIRTUAL, ITIMER_PROF */

	struct list_head cpu_alarms;	/* (siglock) kernel/cpuclock.h */
	struct aio *aio;	/* set once; NULL until the first io_setup */
	struct posix_timers *posix_timers; /* set once; NULL until the first timer_create */

	struct rlimit64 {
		uint64_t cur, max;
	} rlimits[16];			/* (siglock) indexed by RLIMIT_* */
	uint64_t start_time;		/* ns since boot */
	struct usage {
		uint64_t utime, stime;	/* ns */
		uint64_t minflt, majflt, nvcsw, nivcsw;
	} dead_threads, dead_children;	/* (siglock) */
	uint64_t maxrss, children_maxrss; /* (siglock) pages */
	uint64_t cpu_warned;		/* seconds of CPU time at the last SIGXCPU */
	uint32_t personality;		/* personality(2) */
	int oom_score_adj, oom_score_adj_min; /* (proc_lock) kernel/oom.h */
	bool dumpable;			/* prctl(PR_SET_DUMPABLE) */
	bool no_new_privs;
	struct file *exe;		/* (siglock) for /proc/PID/exe */
};

#define PERSONALITY_UNAME26         0x0020000
#define PERSONALITY_NO_RANDOMIZE    0x0040000
#define PERSONALITY_STICKY_TIMEOUTS 0x4000000
/* READ_IMPLIES_EXEC, NO_RANDOMIZE, ADDR_COMPAT_LAYOUT, MMAP_PAGE_ZERO */
#define PERSONALITY_CLEAR_ON_SETID  0x0740000

extern struct spinlock proc_lock; /* RANK_PROC: process tree, groups, sessions, pid table */

/* thread.c: kernel threads run func(arg) with interrupts on; they end by returning. */
extern struct thread boot_thread;
void threads_init(void);
struct thread *kthread_create(const char *name, void (*func)(void *), void *arg);
/* A thread for h to start on and to fall back to; NULL without memory. */
struct thread *thread_create_idle(struct hart *h);
/*
 * A new thread with a kernel stack, not yet known to anyone: one reference, its process, files
 * and the like still NULL. body NULL: a user thread, which begins by returning to user mode with
 * the registers in its trap frame. NULL without memory.
 */
struct thread *thread_create(void (*body)(void *), void *arg);
void thread_get(struct thread *t);
void thread_put(struct thread *t);

/* sched.c */
void schedule(void);		/* let another thread run; returns when we are chosen again */
void thread_yield(void);
/* Make a sleeping or stopped thread runnable; false if it was neither. Any context. */
bool thread_wake(struct thread *t);
void thread_start(struct thread *t);	/* a new thread becomes runnable */
/* Let a better thread run if one asked for it; the running one stays runnable. */
void sched_preempt(void);
/* On the way to user mode: that, and what a hart taken away means (kernel/rseq.h). May sleep. */
struct trapframe;
void sched_work(struct trapframe *tf, uint32_t work);
void sched_init_hart(struct hart *h, struct thread *idle);
/* From the timer interrupt: what it interrupted; it is now. */
void sched_tick(bool user, uint64_t now);
struct sched_params {
	struct sched_class class;
	int nice;
};
/* As they are together. RANK_RUNQ, as the next three. */
struct sched_params sched_get(struct thread *t);
/*
 * t, which may be any thread, is scheduled so from now on (weighted follows). False, and nothing
 * done, if it is not as was any more.
 */
bool sched_set(struct thread *t, const struct sched_params *was, const struct sched_params *to);
/* t may run on these harts only, one of them online; it is on no other when this returns. */
void sched_set_affinity(struct thread *t, hartmask_t mask);
void sched_set_nice(struct thread *t, int nice); /* of the class it has */
void sched_lend(struct thread *t, uint8_t priority); /* at least that; 0: nothing is lent */
void sched_reset(struct thread *t); /* a new one: it is lent nothing; SCHED_RESET_ON_FORK */
void sched_exit(void) __noreturn; /* the running thread is dead */
void idle_loop(void) __noreturn;
/* time_ns() as it was a tick ago (10 ms) or later, for a load from memory. The running thread. */
static inline uint64_t time_coarse(void)
{
	return __atomic_load_n(&current()->ran_since, __ATOMIC_RELAXED);
}
/* Nanoseconds on a hart: in all, and divided in user mode and kernel. */
uint64_t thread_cpu_time(struct thread *t);
void thread_cpu_times(struct thread *t, uint64_t *user, uint64_t *system);
/*
 * Set by mm/: work for an idle hart (zeroing frames), interrupts on; true if it did something.
 */
bool idle_work(void);
/* Load averages over 1, 5, 15 minutes, times 65536 (/proc/loadavg, sysinfo). */
void loadavg_get(uint64_t out[3]);

/* Floating point. The running thread uses the FPU, which is off: zeros, or what was saved. */
void thread_fpu_on(void);
void thread_fpu_sync(struct thread *t);	/* current: thread->fpu holds what the registers do */
/* thread->fpu of the running thread is about to be replaced: it is loaded when it is used. */
void thread_fpu_discard(void);
void fpu_save(struct fpu_state *f);	/* switch.S */
void fpu_restore(const struct fpu_state *f);

/* pid.c */
struct process *process_find(pid_t pid);	/* takes a reference; NULL when there is none */
struct thread *thread_find(pid_t tid);		/* references it and its process */
void thread_unfind(struct thread *t);		/* drops both */
/* What does not fit is cut off. */
void thread_set_name(struct thread *t, const char *name);
void process_get(struct process *p);
void process_put(struct process *p);
extern struct process *init_process;
/* First process whose pid is >= pid, referenced, or NULL: for readdir of /proc. */
struct process *process_next(pid_t pid);
uint64_t fork_count(void);			/* threads and processes ever made */
uint32_t thread_count(void);
uint64_t thread_count_of(uid_t uid);		/* by real user id; zombies count as one */
/* Has this real uid more than the running thread's RLIMIT_NPROC? Root never. Takes proc_lock. */
bool threads_beyond_limit(uid_t uid);
/* Soft limit of the running process (kernel threads: none); RLIM_INFINITY is UINT64_MAX. */
static inline uint64_t rlimit_get(int which)
{
	const struct process *p = current()->process;

	return p ? p->rlimits[which].cur : UINT64_MAX;
}

/*
 * Processes: fork and clone, and the first one.
 */
#include "kernel/process.h"

#include "fs/file.h"
#include "kernel/acct.h"
#include "kernel/futex.h"
#include "kernel/ipc/sem.h"
#include "kernel/keys/key.h"
#include "kernel/machine.h"
#include "kernel/machine_stop.h"
#include "kernel/mem/slab.h"
#include "kernel/namespace.h"
#include "kernel/panic.h"
#include "kernel/pid.h"
#include "kernel/printk.h"
#include "kernel/ptrace.h"
#include "kernel/rseq.h"
#include "kernel/sighand.h"
#include "kernel/syscall.h"
#include "kernel/time.h"
#include "kernel/trap.h"
#include "kernel/uapi/pidfd.h"
#include "kernel/uapi/resource.h"
#include "kernel/uapi/sched.h"
#include "lib/string.h"
#include "mm/aspace.h"
#include "mm/frame.h"
#include "mm/reclaim.h"
#include "mm/usercopy.h"

static struct kmem_cache *process_cache;

void process_get(struct process *p)
{
	__atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
}

void process_put(struct process *p)
{
	if (__atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL))
		return;
	if (p->leader)
		thread_put(p->leader);
	if (p->sighand)
		sighand_put(p->sighand);
	kfree(p->itimer_real);
	kmem_cache_free(process_cache, p);
}

static struct process *process_alloc(void)
{
	struct process *p = kmem_cache_zalloc(process_cache);

	if (!p)
		return NULL;
	p->refs = 1;
	list_init(&p->threads);
	list_init(&p->cpu_alarms);
	list_init(&p->children);
	list_init(&p->tracees);
	list_init(&p->sibling);
	list_init(&p->bereaved.link);
	list_init(&p->pid_link);
	list_init(&p->all_link);
	waitqueue_init(&p->child_wait);
	waitqueue_init(&p->exit_wait);
	waitqueue_init(&p->exec_wait);
	spin_init(&p->siglock, "siglock", RANK_SIGNAL);
	spin_init(&p->itimer_lock, "itimer", RANK_ITIMER);
	sigpending_init(&p->pending);
	p->start_time = time_ns();
	p->dumpable = true;
	return p;
}

/* What a new process takes from its parent. 0 or -ENOMEM; p->sighand may be NULL on failure. */
static int inherit(struct process *p, const struct clone_args *a)
{
	struct process *parent = current()->process;
	uint64_t irq;

	if (a->flags & CLONE_SIGHAND)
		p->sighand = sighand_get(parent->sighand);
	else
		p->sighand = sighand_copy(parent->sighand);
	if (!p->sighand)
		return -ENOMEM;
	if (a->flags & CLONE_CLEAR_SIGHAND)
		sighand_reset(p->sighand);
	/* Nobody chooses what a process that is not the caller is sent. */
	p->exit_signal = a->flags & CLONE_PARENT ? (uint64_t)parent->exit_signal : a->exit_signal;
	p->personality = parent->personality;
	p->oom_score_adj = parent->oom_score_adj;
	p->oom_score_adj_min = parent->oom_score_adj_min;
	p->no_new_privs = parent->no_new_privs;
	p->dumpable = parent->dumpable;
	irq = spin_lock_irq(&parent->siglock);
	memcpy(p->rlimits, parent->rlimits, sizeof(p->rlimits));
	p->exe = parent->exe ? file_get(parent->exe) : NULL;
	spin_unlock_irq(&parent->siglock, irq);
	return 0;
}

/* 0, or what ns_set_new says. */
static int namespaces_share(struct thread *t, uint64_t flags)
{
	struct ns_set *s = current()->ns;

	if (likely(!(flags & CLONE_NAMESPACES)))
		s = ns_set_get(s);
	else
		s = ns_set_new(flags, t->fs);
	if (is_err(s))
		return (int)ptr_err(s);
	t->ns = s;
	return 0;
}

/* Files, directory, namespaces and memory: shared or copied as the flags say. 0 or -errno. */
static int share_or_copy(struct thread *t, uint64_t flags)
{
	struct thread *me = current();
	int err;

	t->files = flags & CLONE_FILES ? fdtable_get(me->files) : fdtable_fork(me->files);
	if (!t->files)
		return -ENOMEM;
	t->fs = flags & CLONE_FS ? fscontext_get(me->fs) : fscontext_fork(me->fs);
	if (!t->fs)
		return -ENOMEM;
	if ((flags & CLONE_SYSVSEM) && sem_clone(t))
		return -ENOMEM;
	err = namespaces_share(t, flags);
	if (err)
		return err;
	if (flags & CLONE_VM) {
		t->aspace = aspace_get(me->aspace);
		return 0;
	}
	err = aspace_fork(me->aspace, t->set_child_tid, &t->aspace);
	if (!err)
		t->aspace->membarrier = me->aspace->membarrier;
	return err;
}

/* Undo an unfinished clone; p NULL: of a thread. */
static void drop(struct thread *t, struct process *p)
{
	sem_exit(t);
	keys_exit(t);
	if (t->files)
		fdtable_abandon(t->files);
	if (t->fs)
		fscontext_put(t->fs);
	if (t->ns)
		ns_set_put(t->ns);
	if (t->aspace)
		aspace_put(t->aspace);
	if (p && p->exe)
		file_put(p->exe);
	if (p && p->leader)
		process_put(p);
	if (p)
		process_put(p);
	thread_put(t);
}

static void copy_thread(struct thread *t, const struct clone_args *a)
{
	struct thread *me = current();
	struct trapframe *tf = thread_trapframe(t);

	*tf = *thread_trapframe(me);
	tf->a0 = 0;
	tf->cause = ~0UL;
	if (a->stack)
		tf->sp = a->stack;
	if (a->flags & CLONE_SETTLS)
		tf->tp = a->tls;
	t->context.gp = tf->gp;
	/* Registers that were never touched are zero, as t's. */
	if (me->fpu.used) {
		thread_fpu_sync(me);
		t->fpu = me->fpu;
		t->fpu.hart = MAX_HARTS;
	}
	memcpy(t->comm, me->comm, sizeof(t->comm));
	t->nice = me->nice;
	t->class = me->class;
	if (unlikely(t->class.reset_on_fork || t->class.lent))
		sched_reset(t);
	t->ioprio = me->ioprio;
	t->mempolicy = me->mempolicy;
	t->timer_slack = t->timer_slack_default = me->timer_slack;
	t->mce_policy = me->mce_policy;
	t->affinity = me->affinity;
	t->cred = cred_get(me->cred);
	keys_fork(t, a->flags & CLONE_THREAD);
	t->blocked = me->blocked;
	/* A thread of its own stack starts without the alternate one; vfork and fork keep it. */
	if (!(a->flags & CLONE_VM) || (a->flags & CLONE_VFORK))
		t->altstack = me->altstack;
	rseq_fork(t, a->flags);
	if (a->flags & CLONE_CHILD_SETTID)
		t->set_child_tid = a->child_tid;
	if (a->flags & CLONE_CHILD_CLEARTID)
		t->clear_child_tid = a->child_tid;
}

static int check_flags(const struct clone_args *a)
{
	uint64_t f = a->flags;

	if ((f & CLONE_SIGHAND) && !(f & CLONE_VM))
		return -EINVAL;
	if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && (f & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if ((f & (CLONE_NEWNS | CLONE_NEWUSER)) && (f & CLONE_FS))
		return -EINVAL;
	if ((f & (CLONE_NEWUSER | CLONE_NEWPID)) && (f & CLONE_THREAD))
		return -EINVAL;
	if (f & CLONE_INTO_CGROUP)
		return -EINVAL;
	if ((f & CLONE_PIDFD) && (f & CLONE_DETACHED))
		return -EINVAL;
	if (a->exit_signal > NSIG)
		return -EINVAL;
	if ((f & (CLONE_THREAD | CLONE_PARENT)) && current()->process == init_process &&
	    (f & CLONE_PARENT))
		return -EINVAL;
	return 0;
}

/* RLIMIT_NPROC counts the threads of the real user id; root is not held to it. */
static bool too_many(void)
{
	const struct cred *c = current()->cred;

	if (thread_count() >= thread_limit)
		return true;
	return c->uid != 0 && !cred_capable(CAP_SYS_RESOURCE) && !cred_capable(CAP_SYS_ADMIN) &&
	       thread_count_of(c->uid) >= rlimit_get(RLIMIT_NPROC);
}

bool threads_beyond_limit(uid_t uid)
{
	return uid && thread_count_of(uid) > rlimit_get(RLIMIT_NPROC);
}

/* t is p's first thread; nobody else knows either. */
static void set_leader(struct process *p, struct thread *t)
{
	p->leader = t;
	thread_get(t);
	list_add(&t->process_link, &p->threads);
	p->nthreads = 1;
	process_get(p); /* for the thread */
}

/*
 * The new process becomes part of the tree. 0, -EAGAIN without a number, or -EINTR if the parent
 * was killed meanwhile: who kills a group must not miss a child that is being born.
 */
static int link_process(struct process *p, struct thread *t, uint64_t flags)
{
	struct process *me = current()->process;
	uint64_t irq = spin_lock_irq(&proc_lock);
	int err;

	p->parent = (flags & CLONE_PARENT) && me->parent ? me->parent : me;
	p->parent_execs = p->parent == me ? me->execs : me->parent_execs;
	p->creator = p->parent == me ? current()->tid : me->creator;
	p->pgid = me->pgid;
	p->sid = me->sid;
	p->tty = me->tty;
	err = me->exiting ? -EINTR : pid_publish_locked(t, p);
	if (!err)
		list_add_tail(&p->sibling, &p->parent->children);
	spin_unlock_irq(&proc_lock, irq);
	return err;
}

/* -EAGAIN while the process dies or another thread execs: no new thread may escape. */
static int link_thread(struct process *p, struct thread *t)
{
	uint64_t irq = spin_lock_irq(&proc_lock), irq2;
	int err = -EAGAIN;

	irq2 = spin_lock_irq(&p->siglock);
	if (!p->exiting && !p->execing)
		err = pid_publish_locked(t, NULL);
	if (!err) {
		list_add_tail(&t->process_link, &p->threads);
		p->nthreads++;
		process_get(p);
		if (p->stopping)
			t->work |= WORK_SIGNAL;
	}
	spin_unlock_irq(&p->siglock, irq2);
	spin_unlock_irq(&proc_lock, irq);
	return err;
}

/*
 * CLONE_PIDFD: a descriptor of the new thread t, or its process, in the parent's table only. 0; or
 * -errno, and *fd is to be closed unless it is negative.
 */
static int give_pidfd(struct thread *t, const struct clone_args *a, int *fd)
{
	bool thread = a->flags & CLONE_THREAD;

	*fd = pidfd_create(t->process, thread ? t : NULL, thread ? PIDFD_THREAD : 0);
	if (*fd < 0)
		return *fd;
	return put_user_u32(a->pidfd, (uint32_t)*fd);
}

static void wait_for_vfork(struct waitqueue *done, struct thread *child)
{
	wait_event(done, !__atomic_load_n(&child->vfork_done, __ATOMIC_ACQUIRE), WAIT_KILLABLE);
	/* Killed first: the child must not wake a queue on our stack. */
	vfork_release(child);
}

/* The new thread t runs, with what its tracer and its parent by vfork see of that. */
static void clone_start(struct thread *t, const struct clone_args *a, int event,
			struct waitqueue *done)
{
	pid_t tid = t->tid;

	if (t->tracee)
		trace_clone_attach(t);
	if (a->flags & CLONE_VFORK) {
		waitqueue_init(done);
		t->vfork_done = done;
		thread_get(t);
	}
	thread_start(t);
	if (event)
		trace_event(event, (uint64_t)tid);
	if (a->flags & CLONE_VFORK) {
		wait_for_vfork(done, t);
		thread_put(t);
		trace_event(PTRACE_EVENT_VFORK_DONE, (uint64_t)tid);
	}
}

static long try_clone(const struct clone_args *a)
{
	struct process *p = NULL, *me = current()->process;
	struct waitqueue done; /* the child's */
	struct thread *t;
	int err = check_flags(a), pidfd = -1, event;
	pid_t tid;

	if (err)
		return err;
	/* What was sent to the parent's group before must not be survived by a child born now. */
	if (signal_pending())
		return -ERESTARTNOINTR;
	if (too_many())
		return -EAGAIN;
	current()->over_nproc = false; /* there is room again */
	reclaim_ahead();
	if (!(a->flags & CLONE_THREAD)) {
		p = process_alloc();
		if (!p)
			return -ENOMEM;
	}
	t = thread_create(NULL, NULL);
	if (!t) {
		if (p)
			process_put(p);
		return -ENOMEM;
	}
	copy_thread(t, a);
	t->process = p ? p : me;
	event = trace_clone_prepare(t, a);
	err = event < 0 ? event : p ? inherit(p, a) : 0;
	if (!err)
		err = share_or_copy(t, a->flags);
	if (!err && p)
		set_leader(p, t);
	if (!err && (a->flags & CLONE_PIDFD))
		err = give_pidfd(t, a, &pidfd);
	if (!err)
		err = p ? link_process(p, t, a->flags) : link_thread(me, t);
	if (err && pidfd >= 0)
		(void)fd_close(pidfd);
	if (err) {
		drop(t, p);
		return err;
	}
	tid = t->tid;
	if ((a->flags & CLONE_PARENT_SETTID) && put_user_u32(a->parent_tid, tid)) {
		/* as Linux: a bad address is ignored */
	}
	clone_start(t, a, event, &done);
	return tid;
}

/*
 * Copying takes memory under locks, where nobody can wait: while there is little, several times.
 * There may be enough again by now: what counts is whether somebody was refused a frame meanwhile.
 */
static long do_clone(const struct clone_args *a)
{
	for (unsigned tries = 0;; tries++) {
		uint64_t refused = frames_refused;
		long ret = try_clone(a);

		if (ret != -ENOMEM || tries == 16 || frames_refused == refused)
			return ret;
	}
}

long sys_clone(uint64_t flags, uint64_t stack, uint64_t parent_tid, uint64_t tls,
	       uint64_t child_tid);

/* Argument order of riscv (CONFIG_CLONE_BACKWARDS): flags, stack, ptid, tls, ctid. */
long sys_clone(uint64_t flags, uint64_t stack, uint64_t parent_tid, uint64_t tls,
	       uint64_t child_tid)
{
	struct clone_args a = {
		.flags = (uint32_t)flags & ~CSIGNAL,
		.exit_signal = flags & CSIGNAL,
		.stack = stack,
		.parent_tid = parent_tid,
		.child_tid = child_tid,
		.tls = tls,
		.pidfd = parent_tid, /* one place for both: clone(2), CLONE_PIDFD */
	};

	if ((flags & (CLONE_PIDFD | CLONE_PARENT_SETTID)) == (CLONE_PIDFD | CLONE_PARENT_SETTID))
		return -EINVAL;
	return do_clone(&a);
}

long sys_clone3(uaddr_t uargs, uint64_t size);

long sys_clone3(uaddr_t uargs, uint64_t size)
{
	struct clone_args a;
	int err;

	if (size < 64)
		return -EINVAL;
	err = copy_struct_from_user(&a, sizeof(a), uargs, size);
	if (err)
		return err;
	if (a.set_tid || a.set_tid_size || a.flags >> 34 ||
	    (a.flags & ((CSIGNAL & ~CLONE_NEWTIME) | CLONE_DETACHED)))
		return -EINVAL;
	if ((a.flags & (CLONE_THREAD | CLONE_PARENT)) && a.exit_signal)
		return -EINVAL;
	if ((a.flags & CLONE_PIDFD) && (a.flags & CLONE_PARENT_SETTID) && a.pidfd == a.parent_tid)
		return -EINVAL;
	if (!a.stack != !a.stack_size)
		return -EINVAL;
	a.stack += a.stack_size;
	return do_clone(&a);
}

static const struct rlimit64 default_limits[RLIM_NLIMITS] = {
	[RLIMIT_CPU] = {RLIM_INFINITY, RLIM_INFINITY},
	[RLIMIT_FSIZE] = {RLIM_INFINITY, RLIM_INFINITY},
	[RLIMIT_DATA] = {RLIM_INFINITY, RLIM_INFINITY},
	[RLIMIT_STACK] = {8 * MiB, RLIM_INFINITY},
	[RLIMIT_CORE] = {0, RLIM_INFINITY},
	[RLIMIT_RSS] = {RLIM_INFINITY, RLIM_INFINITY},
	[RLIMIT_NPROC] = {0, 0}, /* by memory: see below */
	[RLIMIT_NOFILE] = {1024, 4096},
	[RLIMIT_MEMLOCK] = {8 * MiB, 8 * MiB},
	[RLIMIT_AS] = {RLIM_INFINITY, RLIM_INFINITY},
	[RLIMIT_LOCKS] = {RLIM_INFINITY, RLIM_INFINITY},
	[RLIMIT_SIGPENDING] = {4096, 4096},
	[RLIMIT_MSGQUEUE] = {819200, 819200},
	[RLIMIT_NICE] = {0, 0},
	[RLIMIT_RTPRIO] = {0, 0},
	[RLIMIT_RTTIME] = {RLIM_INFINITY, RLIM_INFINITY},
};

static uint64_t default_nproc(void)
{
	uint64_t ram = 0;

	for (unsigned i = 0; i < machine.ram_count; i++)
		ram += machine.ram[i].size;
	/* An eighth of memory in kernel stacks at most. */
	ram = MAX(ram / (8 * KSTACK_SIZE), 64UL);
	return MIN(ram, 32000UL);
}

/* The first process runs this as a kernel thread until exec gives it a program. */
static void run_init(void *path)
{
	static const char *const tries[] = {"/sbin/init", "/etc/init", "/bin/init", "/bin/sh"};
	static const char *const envp[] = {"HOME=/", "TERM=linux", NULL};
	const char *argv[2] = {path, NULL};
	int err = -ENOENT;

	if (*(const char *)path) {
		err = exec_kernel(path, argv, envp);
	} else {
		for (size_t i = 0; i < ARRAY_SIZE(tries) && err; i++) {
			argv[0] = tries[i];
			err = exec_kernel(tries[i], argv, envp);
		}
	}
	if (err) {
		printk(LOG_EMERG, "no program to start (%s): error %d; try init=PATH\n", argv[0],
		       -err);
		machine_poweroff(103);
	}
	kthread_to_user();
}

void process_start_init(void)
{
	static char path[256];
	struct process *p;
	struct thread *t;
	struct cred *root;
	uint64_t irq;

	pids_init();
	futex_init();
	acct_init();
	keys_init();
	process_cache = kmem_cache_create("process", sizeof(struct process), 16);
	p = process_cache ? process_alloc() : NULL;
	t = thread_create(run_init, path);
	root = cred_alloc(0);
	if (!p || !t || !root)
		panic("no memory for the first process");
	if (cmdline_get("init", path, sizeof(path)) < 0)
		path[0] = 0;
	memcpy(p->rlimits, default_limits, sizeof(p->rlimits));
	p->rlimits[RLIMIT_NPROC].cur = p->rlimits[RLIMIT_NPROC].max = default_nproc();
	p->sighand = sighand_create();
	t->files = fdtable_create();
	t->fs = fscontext_create();
	root->effective = root->permitted = root->bounding = CAPS_ALL;
	t->cred = root;
	t->ns = ns_set_first();
	t->process = p;
	t->timer_slack = t->timer_slack_default = TIMER_SLACK_NS;
	strlcpy(t->comm, "init", sizeof(t->comm));
	if (!p->sighand || !t->files || !t->fs)
		panic("no memory for the first process");
	p->pgid = p->sid = 0;
	set_leader(p, t);
	irq = spin_lock_irq(&proc_lock);
	pid_publish_locked(t, p);
	spin_unlock_irq(&proc_lock, irq);
	init_process = p;
	thread_start(t);
}

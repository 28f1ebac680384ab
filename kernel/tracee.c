/*
 * Tracing, on the side of the thread that is traced: where it stops, and what of that its tracer
 * gets to know (ptrace(2), "Stopped states").
 */
#include "kernel/ptrace.h"

#include "kernel/coredump.h"
#include "kernel/dispatch.h"
#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/trap.h"
#include "kernel/uapi/sched.h"
#include "lib/string.h"

/* SIGCHLD and a look at wait(2) for the tracer, which finds the stop from now on. No lock held. */
static void tell_tracer(struct tracee *tr, int code, int status)
{
	struct siginfo info = {.si_signo = SIGCHLD, .si_code = code};
	struct process *p = current()->process;
	uint64_t irq = spin_lock_irq(&proc_lock);

	if (tr->tracer) {
		struct sigaction act = process_sigchld_action(tr->tracer);

		spin_lock(&p->siglock);
		tr->unreported = tr->stopped;
		spin_unlock(&p->siglock);
		info.si_pid = tr->thread ? tr->thread->tid : tr->tid;
		info.si_uid = current()->cred->uid;
		info.si_status = status;
		if (code != CLD_TRAPPED || !(act.flags & SA_NOCLDSTOP))
			signal_process(tr->tracer, SIGCHLD, &info);
		wake_all(&tr->tracer->child_wait);
	}
	spin_unlock_irq(&proc_lock, irq);
}

/*
 * Stop until the tracer lets us go on, or is gone. Death ends it too, unless this is the stop of a
 * thread that dies. Nothing does while a request is under way. siglock held, in and out.
 */
static void stop_locked(int code, const struct siginfo *info, bool dying, uint64_t *irq)
{
	struct thread *t = current();
	struct process *p = t->process;
	struct tracee *tr = t->tracee;
	bool told = false;

	thread_fpu_sync(t);
	tr->code = code;
	tr->has_info = info;
	if (info)
		tr->info = *info;
	tr->trap = tr->listening = false;
	tr->dying = dying;
	tr->stopped = true;
	while (tr->frozen || (tr->stopped && tr->tracer && trace_may_stay(t))) {
		__atomic_store_n(&t->state, THREAD_STOPPED, __ATOMIC_RELEASE);
		spin_unlock_irq(&p->siglock, *irq);
		if (!told)
			tell_tracer(tr, CLD_TRAPPED, code & 0x7f);
		told = true;
		schedule();
		__atomic_store_n(&t->state, THREAD_RUNNING, __ATOMIC_RELEASE);
		*irq = spin_lock_irq(&p->siglock);
	}
	tr->stopped = tr->unreported = tr->listening = tr->has_info = false;
	if (tr->fpu_changed)
		thread_fpu_discard();
	tr->fpu_changed = false;
}

int trace_signal_locked(int sig, struct siginfo *info, uint64_t *irq)
{
	struct thread *t = current();
	struct tracee *tr = t->tracee;

	tr->op = PTRACE_SYSCALL_INFO_NONE;
	tr->resume_signal = sig;
	stop_locked(sig, info, false, irq);
	sig = tr->resume_signal;
	if (!sig)
		return 0;
	*info = tr->info; /* which the tracer may have written */
	if (info->si_signo != sig)
		*info = (struct siginfo){.si_signo = sig, .si_code = SI_USER};
	if (!(t->blocked & SIGMASK(sig)))
		return sig;
	/* It waits as any other would. */
	spin_unlock_irq(&t->process->siglock, *irq);
	signal_thread(t, sig, info);
	*irq = spin_lock_irq(&t->process->siglock);
	return 0;
}

static struct siginfo trap_info(int code)
{
	return (struct siginfo){.si_signo = SIGTRAP, .si_code = code,
				.si_pid = current()->tid, .si_uid = current()->cred->uid};
}

static int event_code(int sig, int event)
{
	return sig | event << 8;
}

void trace_group_stop_locked(uint64_t *irq)
{
	struct process *p = current()->process;
	struct tracee *tr = current()->tracee;
	struct siginfo info = trap_info(event_code(p->stop_signal, PTRACE_EVENT_STOP));

	tr->stop_seen = p->stop_number;
	tr->op = PTRACE_SYSCALL_INFO_NONE;
	if (tr->seized)
		stop_locked(info.si_code, &info, false, irq);
	else
		stop_locked(p->stop_signal, NULL, false, irq);
}

void trace_trap_locked(uint64_t *irq)
{
	struct process *p = current()->process;
	int sig = p->stopping ? p->stop_signal : SIGTRAP;
	struct siginfo info = trap_info(event_code(sig, PTRACE_EVENT_STOP));

	current()->tracee->op = PTRACE_SYSCALL_INFO_NONE;
	stop_locked(info.si_code, &info, false, irq);
}

void trace_continued_locked(struct thread *t)
{
	struct tracee *tr = t->tracee;

	if (!tr || !tr->listening)
		return;
	tr->stopped = false;
	tr->trap = true;
	__atomic_or_fetch(&t->work, WORK_SIGNAL, __ATOMIC_RELAXED);
}

bool trace_by_parent(const struct process *p)
{
	const struct tracee *tr = p->leader->tracee;

	return tr && tr->tracer && tr->tracer == p->parent;
}

/* A stop that is no signal's, out of the middle of the kernel. */
static void stop_here(int code, bool dying)
{
	struct process *p = current()->process;
	struct siginfo info = trap_info(code);
	uint64_t irq = spin_lock_irq(&p->siglock);

	current()->tracee->resume_signal = 0;
	stop_locked(code, &info, dying, &irq);
	spin_unlock_irq(&p->siglock, irq);
	/* Not before the stop is over: what was pending when it began has been looked at. */
	irq = spin_lock_irq(&p->siglock);
	signal_recalc(current());
	spin_unlock_irq(&p->siglock, irq);
}

static void syscall_stop(uint8_t op)
{
	struct tracee *tr = current()->tracee;
	int code = SIGTRAP | (tr->options & PTRACE_O_TRACESYSGOOD ? 0x80 : 0);

	tr->op = op;
	tr->message = op;
	stop_here(code, false);
	if (tr->resume_signal)
		signal_thread(current(), tr->resume_signal, NULL);
}

bool trace_syscall_enter(struct trapframe *tf)
{
	struct thread *t = current();

	if (dispatch_take(tf))
		return false;
	tf->a0 = (uint64_t)-ENOSYS;
	if (!thread_traced(t) || !t->tracee->syscalls)
		return true;
	t->tracee->in_syscall = true;
	syscall_stop(PTRACE_SYSCALL_INFO_ENTRY);
	return (int64_t)tf->a7 != -1 && !signal_fatal_pending();
}

void trace_syscall_exit(void)
{
	struct tracee *tr = current()->tracee;
	bool was_in = tr->in_syscall;

	tr->in_syscall = false;
	if (was_in && tr->tracer && tr->syscalls)
		syscall_stop(PTRACE_SYSCALL_INFO_EXIT);
}

void trace_event(int event, uint64_t message)
{
	struct thread *t = current();

	if (!thread_traced(t) || !(t->tracee->options & 1u << event))
		return;
	t->tracee->op = PTRACE_SYSCALL_INFO_NONE;
	t->tracee->message = message;
	stop_here(event_code(SIGTRAP, event), event == PTRACE_EVENT_EXIT);
	/* The tracer may ask for the end of the call that this is part of. */
	t->tracee->in_syscall = t->tracee->syscalls;
}

void trace_exec(pid_t was)
{
	struct thread *t = current();

	if (!thread_traced(t))
		return;
	if (t->tracee->options & 1u << PTRACE_EVENT_EXEC)
		trace_event(PTRACE_EVENT_EXEC, (uint64_t)was);
	else if (!t->tracee->seized)
		signal_thread(t, SIGTRAP, NULL);
}

bool trace_limits_exec(void)
{
	struct thread *t = current();

	return thread_traced(t) && !t->tracee->capable;
}

void trace_exec_begin(void)
{
	uint64_t irq = spin_lock_irq(&proc_lock);

	current()->process->entering++;
	spin_unlock_irq(&proc_lock, irq);
}

void trace_exec_end_locked(struct process *p)
{
	p->entering--;
}

void trace_exec_end(void)
{
	struct process *p = current()->process;
	uint64_t irq = spin_lock_irq(&proc_lock);

	trace_exec_end_locked(p);
	spin_unlock_irq(&proc_lock, irq);
	wake_all(&p->exit_wait);
}

void trace_exit(int wait_status)
{
	struct process *p = current()->process;

	coredump_pass();
	trace_event(PTRACE_EVENT_EXIT, (uint64_t)(p->exiting ? p->exit_status : wait_status));
}

/* t's tracer is sent what a parent is when a child ends. proc_lock held. */
static void tell_end_locked(struct process *tracer, struct thread *t, int wait_status)
{
	struct siginfo info = {.si_signo = SIGCHLD, .si_pid = t->tid, .si_uid = t->cred->uid};

	wait_status_decode(wait_status, &info.si_code, &info.si_status);
	signal_process(tracer, SIGCHLD, &info);
	wake_all(&tracer->child_wait);
}

void trace_ends_locked(struct thread *t)
{
	if (!thread_traced(t) || t == t->process->leader)
		return;
	process_get(t->process);
	t->tracee->of = t->process;
	t->process->untold++;
}

void trace_leader_left(struct thread *t, int wait_status)
{
	uint64_t irq = spin_lock_irq(&proc_lock);
	struct tracee *tr = t->tracee;

	/* The last thread may have told of the process's end meanwhile. */
	if (tr && tr->tracer)
		tell_end_locked(tr->tracer, t, wait_status);
	spin_unlock_irq(&proc_lock, irq);
}

void trace_ended(struct thread *t, int wait_status)
{
	struct process *p = t->process;
	struct tracee *tr = t->tracee;
	uint64_t irq = spin_lock_irq(&proc_lock), irq2 = spin_lock_irq(&p->siglock);
	bool leader = t == p->leader, told = tr->tracer, untold = false;

	if (tr->tracer && leader && tr->tracer == p->parent) {
		/* As its child it tells of its end anyway. */
		list_del(&tr->link);
		tr->tracer = NULL;
		told = false;
	} else if (tr->tracer) {
		tr->tid = t->tid;
		tr->pgid = p->pgid;
		tr->uid = t->cred->uid;
		tr->exit_status = wait_status;
		tr->thread = NULL;
		t->tracee = NULL;
	} else if (tr->of) {
		tr->of = NULL;
		untold = true;
	}
	spin_unlock_irq(&p->siglock, irq2);
	/* tr is its tracer's now, which may free it as soon as the lock is free. */
	if (told)
		tell_end_locked(tr->tracer, t, wait_status);
	spin_unlock_irq(&proc_lock, irq);
	if (untold)
		process_end_told(p);
}

static int clone_event(const struct clone_args *a)
{
	if (a->flags & CLONE_UNTRACED)
		return 0;
	if (a->flags & CLONE_VFORK)
		return PTRACE_EVENT_VFORK;
	return a->exit_signal == SIGCHLD ? PTRACE_EVENT_FORK : PTRACE_EVENT_CLONE;
}

int trace_clone_prepare(struct thread *t, const struct clone_args *a)
{
	struct thread *me = current();
	int event = clone_event(a);

	if (!thread_traced(me))
		return 0;
	if (!event || !(me->tracee->options & 1u << event))
		event = 0;
	if (!event && !(a->flags & CLONE_PTRACE))
		return 0;
	t->tracee = kzalloc(sizeof(*t->tracee));
	return t->tracee ? event : -ENOMEM;
}

void trace_clone_attach(struct thread *t)
{
	struct tracee *mine = current()->tracee;
	struct process *p = t->process;
	uint64_t irq = spin_lock_irq(&proc_lock), irq2 = spin_lock_irq(&p->siglock);
	bool traced = mine->tracer;

	if (traced) {
		trace_attach_locked(t, mine->tracer, mine);
		t->tracee->trap = mine->seized;
		t->work |= WORK_SIGNAL;
	}
	spin_unlock_irq(&p->siglock, irq2);
	spin_unlock_irq(&proc_lock, irq);
	if (traced && !mine->seized)
		signal_thread(t, SIGSTOP, NULL);
}

/*
 * ptrace(2), the tracer's side. A tracer is a process here: any of its threads may make requests,
 * one at a time, where Linux wants the one that attached.
 */
#include "kernel/ptrace.h"

#include "kernel/dispatch.h"
#include "kernel/mem/slab.h"
#include "kernel/pid.h"
#include "kernel/remote.h"
#include "kernel/sighand.h"
#include "kernel/syscall.h"
#include "kernel/trap.h"
#include "kernel/uapi/elfcore.h"
#include "kernel/uio.h"
#include "lib/string.h"
#include "mm/aspace.h"
#include "mm/usercopy.h"

#define OPTIONS (0x7fU | PTRACE_O_EXITKILL) /* TRACESYSGOOD and the events 1 to 6 */
#define REGS_SIZE (32 * sizeof(uint64_t))   /* a trap frame begins with them */
#define FPREGS_SIZE (FPREGS_WORDS * sizeof(uint64_t))

/* --- who traces whom --- */

void trace_attach_locked(struct thread *t, struct process *tracer, const struct tracee *as)
{
	struct tracee *tr = t->tracee;

	*tr = (struct tracee){
		.tracer = tracer,
		.thread = t,
		.options = as->options,
		.seized = as->seized,
		.capable = as->capable,
		.stop_seen = t->process->stop_number - 1,
		.of = tr->of,
		.frozen = tr->frozen,
	};
	list_add_tail(&tr->link, &tracer->tracees);
}

/* Has t a record? It gets one otherwise; it keeps it. */
static int record_make(struct thread *t)
{
	struct tracee *fresh = kzalloc(sizeof(*fresh)), *none = NULL;

	if (!fresh)
		return -ENOMEM;
	if (!__atomic_compare_exchange_n(&t->tracee, &none, fresh, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		kfree(fresh);
	return 0;
}

/* May a process have t traced by its parent: one that could not get its powers? proc_lock held. */
static bool parent_may_trace(const struct thread *t, const struct process *parent)
{
	const struct cred *c = parent && parent->leader ? parent->leader->cred : NULL;

	return c && (!(t->cred->permitted & ~c->permitted) || cred_has(c, CAP_SYS_PTRACE));
}

/*
 * t becomes traced by the running process, or if it is the running thread by its parent. -EPERM;
 * -EAGAIN: it is in exec. What t may do stays the same from the question to the answer: proc_lock
 * held.
 */
static int attach_locked(struct thread *t, const struct tracee *as)
{
	bool me = t == current();
	struct process *p = t->process, *tracer = me ? p->parent : current()->process;
	int err = -EPERM;
	uint64_t irq;

	if (!me && p->entering)
		return -EAGAIN;
	if (me ? !parent_may_trace(t, tracer) : !process_may_access_locked(p, true))
		return -EPERM;
	irq = spin_lock_irq(&p->siglock);
	if (!thread_traced(t) && !p->exiting && !list_empty(&t->process_link) && tracer->nthreads) {
		trace_attach_locked(t, tracer, as);
		/* One that has stopped already is to stop as what it is now. */
		if (p->stopping && t->state == THREAD_STOPPED)
			thread_wake(t);
		err = 0;
	}
	spin_unlock_irq(&p->siglock, irq);
	return err;
}

/* As above, when no exec is under way. 0, -EPERM, -ENOMEM or -ERESTARTNOINTR. May sleep. */
static int attach(struct thread *t, uint32_t options, bool seized)
{
	/* What it may do later does not count: its tracee would get powers by it. */
	const struct tracee as = {.options = options, .seized = seized,
				  .capable = cred_capable(CAP_SYS_PTRACE)};
	struct process *p = t->process;
	int err = record_make(t);
	uint64_t irq;

	while (!err) {
		irq = spin_lock_irq(&proc_lock);
		err = attach_locked(t, &as);
		spin_unlock_irq(&proc_lock, irq);
		if (err != -EAGAIN)
			return err;
		err = wait_event(&p->exit_wait, !__atomic_load_n(&p->entering, __ATOMIC_RELAXED),
				 WAIT_INTERRUPTIBLE);
	}
	return err == -ERESTARTSYS ? -ERESTARTNOINTR : err;
}

/*
 * While a request is under way its tracee stays where it is, whatever happens, and other requests
 * are refused: what was asked of it holds to the end, even if the request sleeps. One that is
 * about to end its stop, as it dies, is let go. siglock held.
 */
static bool freeze_locked(struct tracee *tr)
{
	if (!tr->stopped || tr->listening || tr->frozen || !trace_may_stay(tr->thread))
		return false;
	tr->frozen = current();
	return true;
}

/* Ours is over. It may have let t go on already: then there is nothing to do, or no record. */
static void thaw(struct thread *t)
{
	struct process *p = t->process;
	uint64_t irq = spin_lock_irq(&p->siglock);
	struct tracee *tr = t->tracee;

	if (tr && tr->frozen == current()) {
		tr->frozen = NULL;
		if (!tr->stopped || !tr->tracer || !trace_may_stay(t))
			thread_wake(t);
	}
	spin_unlock_irq(&p->siglock, irq);
}

/* Let t go on; p's siglock held. */
static void resume_locked(struct thread *t, int sig, bool syscalls)
{
	struct tracee *tr = t->tracee;

	tr->resume_signal = sig;
	tr->syscalls = syscalls;
	if (syscalls || t->dispatch.on)
		__atomic_or_fetch(&t->work, WORK_TRACE, __ATOMIC_RELAXED);
	else
		__atomic_and_fetch(&t->work, ~(uint32_t)WORK_TRACE, __ATOMIC_RELAXED);
	tr->stopped = false;
	if (tr->frozen == current())
		tr->frozen = NULL;
	if (t->state == THREAD_STOPPED)
		thread_wake(t);
}

/* It is traced no more. proc_lock and siglock held. */
static void detach_locked(struct thread *t, int sig)
{
	list_del(&t->tracee->link);
	t->tracee->tracer = NULL;
	t->tracee->trap = false;
	resume_locked(t, sig, false);
}

void trace_end_taken(struct tracee *tr)
{
	if (tr->of)
		process_end_told(tr->of);
	kfree(tr);
}

void trace_tracer_exit(struct process *p)
{
	struct tracee *tr;
	uint64_t irq = spin_lock_irq(&proc_lock), irq2;

	while (!list_empty(&p->tracees)) {
		tr = list_first_entry(&p->tracees, struct tracee, link);
		struct thread *t = tr->thread;
		bool kill = tr->options & PTRACE_O_EXITKILL;

		if (!t) {
			list_del(&tr->link);
			spin_unlock_irq(&proc_lock, irq);
			trace_end_taken(tr);
			irq = spin_lock_irq(&proc_lock);
			continue;
		}
		irq2 = spin_lock_irq(&t->process->siglock);
		detach_locked(t, tr->resume_signal);
		spin_unlock_irq(&t->process->siglock, irq2);
		if (kill)
			signal_process(t->process, SIGKILL, NULL);
	}
	spin_unlock_irq(&proc_lock, irq);
}

static long trace_me(void)
{
	return attach(current(), 0, false);
}

static long trace_other(struct thread *t, bool seize, uint64_t addr, uint64_t data)
{
	int err;

	if (seize && (addr || (data & ~(uint64_t)OPTIONS)))
		return -EIO;
	if (t->process == current()->process)
		return -EPERM;
	err = attach(t, seize ? (uint32_t)data : 0, seize);
	if (!err && !seize)
		signal_thread(t, SIGSTOP, NULL);
	return err;
}

/* --- what a stopped thread has --- */

/* Referenced, or NULL: what it executes now may be more than its tracer may look at. */
static struct aspace *traced_aspace(struct thread *t)
{
	struct aspace *as = process_aspace(t->process);

	/* Asked afterwards: another of its threads may be in exec. */
	if (!as || t->process->dumpable || t->tracee->capable)
		return as;
	aspace_put(as);
	return NULL;
}

static long peek(struct thread *t, uaddr_t addr, uaddr_t data)
{
	struct aspace *as = traced_aspace(t);
	uint64_t word;
	size_t n;

	if (!as)
		return -EIO;
	n = remote_read_forced(as, addr, &word, sizeof(word));
	aspace_put(as);
	return n == sizeof(word) ? put_user_u64(data, word) : -EIO;
}

static long poke(struct thread *t, uaddr_t addr, uint64_t word)
{
	struct aspace *as = traced_aspace(t);
	size_t n;

	if (!as)
		return -EIO;
	n = remote_write_forced(as, addr, &word, sizeof(word));
	aspace_put(as);
	return n == sizeof(word) ? 0 : -EIO;
}

void fpregs_get(const struct thread *t, uint64_t regs[FPREGS_WORDS])
{
	memcpy(regs, t->fpu.f, sizeof(t->fpu.f));
	regs[32] = t->fpu.fcsr;
}

static void fpregs_set(struct thread *t, const uint64_t *regs)
{
	memcpy(t->fpu.f, regs, sizeof(t->fpu.f));
	t->fpu.fcsr = regs[32] & 0xff;
	t->fpu.used = true;
	t->tracee->fpu_changed = true;
}

/* A struct iovec at data names the buffer; its length becomes that of what was moved. */
static long regset(struct thread *t, uint64_t type, uaddr_t data, bool set)
{
	struct trapframe *tf = thread_trapframe(t);
	uint64_t regs[FPREGS_WORDS], size = type == NT_PRSTATUS ? REGS_SIZE : FPREGS_SIZE;
	struct iovec64 iov;

	if (type != NT_PRSTATUS && type != NT_PRFPREG)
		return -EINVAL;
	if (copy_from_user(&iov, data, sizeof(iov)))
		return -EFAULT;
	if (iov.len % sizeof(uint64_t))
		return -EINVAL;
	size = MIN(size, iov.len);
	if (type == NT_PRSTATUS)
		memcpy(regs, tf, REGS_SIZE);
	else
		fpregs_get(t, regs);
	if (set ? copy_from_user(regs, iov.base, size) : copy_to_user(iov.base, regs, size))
		return -EFAULT;
	if (set && type == NT_PRSTATUS) {
		memcpy(tf, regs, REGS_SIZE);
		/* Also where the way out would take what the registers hold. */
		__atomic_or_fetch(&t->work, WORK_FULLFRAME, __ATOMIC_RELAXED);
	} else if (set) {
		fpregs_set(t, regs);
	}
	return put_user_u64(data + offsetof(struct iovec64, len), size);
}

static long siginfo_get(struct thread *t, uaddr_t data)
{
	struct siginfo info;
	uint64_t irq = spin_lock_irq(&t->process->siglock);
	bool has = t->tracee->has_info;

	info = t->tracee->info;
	spin_unlock_irq(&t->process->siglock, irq);
	return has ? copy_to_user(data, &info, sizeof(info)) : -EINVAL;
}

static long siginfo_set(struct thread *t, uaddr_t data)
{
	struct siginfo info;
	uint64_t irq;
	bool has;

	if (copy_from_user(&info, data, sizeof(info)))
		return -EFAULT;
	irq = spin_lock_irq(&t->process->siglock);
	has = t->tracee->has_info;
	if (has)
		t->tracee->info = info;
	spin_unlock_irq(&t->process->siglock, irq);
	return has ? 0 : -EINVAL;
}

/* The nth of what is queued; false: there are not so many. */
static bool queued_get(struct thread *t, const struct sigpending *s, uint64_t n,
		       struct siginfo *info)
{
	uint64_t irq = spin_lock_irq(&t->process->siglock);
	const struct sigqueue *q;
	bool found = false;

	list_for_each_entry(q, &s->queue, link) {
		found = !n--;
		if (found) {
			*info = q->info;
			break;
		}
	}
	spin_unlock_irq(&t->process->siglock, irq);
	return found;
}

/* Signals that it has not taken yet stay where they are; how many were told of. */
static long siginfo_peek(struct thread *t, uaddr_t user, uaddr_t data)
{
	struct ptrace_peeksiginfo_args args;
	const struct sigpending *s;
	struct siginfo info;
	int32_t i;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	if ((args.flags & ~(uint32_t)PTRACE_PEEKSIGINFO_SHARED) || args.nr < 0)
		return -EINVAL;
	s = args.flags & PTRACE_PEEKSIGINFO_SHARED ? &t->process->pending : &t->pending;
	for (i = 0; i < args.nr; i++, data += sizeof(info)) {
		if (i && signal_pending())
			break;
		if (!queued_get(t, s, args.off + (uint64_t)i, &info))
			break;
		if (copy_to_user(data, &info, sizeof(info)))
			return i ? i : -EFAULT;
	}
	return i;
}

static long sigmask(struct thread *t, uint64_t size, uaddr_t data, bool set)
{
	sigset_t mask = t->restore_blocked ? t->saved_blocked : t->blocked;
	uint64_t irq;

	if (size != sizeof(mask))
		return -EINVAL;
	if (!set)
		return copy_to_user(data, &mask, sizeof(mask));
	if (copy_from_user(&mask, data, sizeof(mask)))
		return -EFAULT;
	irq = spin_lock_irq(&t->process->siglock);
	t->blocked = mask & ~SIG_UNBLOCKABLE;
	t->restore_blocked = false;
	signal_recalc(t);
	spin_unlock_irq(&t->process->siglock, irq);
	return 0;
}

/* At most size bytes of what there is to say about the system call: so many there would be. */
static long syscall_info(struct thread *t, uint64_t size, uaddr_t data)
{
	const struct trapframe *tf = thread_trapframe(t);
	struct ptrace_syscall_info info = {
		.op = t->tracee->op,
		.arch = AUDIT_ARCH_RISCV64,
		.instruction_pointer = tf->pc,
		.stack_pointer = tf->sp,
	};
	size_t n = offsetof(struct ptrace_syscall_info, entry);
	int64_t ret = (int64_t)tf->a0;

	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		info.entry.nr = tf->a7;
		info.entry.args[0] = tf->orig_a0;
		memcpy(&info.entry.args[1], &tf->a1, 5 * sizeof(uint64_t));
		n += sizeof(info.entry);
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
		info.exit.rval = ret;
		info.exit.is_error = ret < 0 && ret >= -4095;
		n = offsetof(struct ptrace_syscall_info, exit.is_error) + 1;
	}
	return copy_to_user(data, &info, MIN(n, size)) ? -EFAULT : (long)n;
}

/* --- requests --- */

static long set_options(struct thread *t, uint64_t options)
{
	uint64_t irq;

	if (options & ~(uint64_t)OPTIONS)
		return -EINVAL;
	irq = spin_lock_irq(&t->process->siglock);
	t->tracee->options = (uint32_t)options;
	spin_unlock_irq(&t->process->siglock, irq);
	return 0;
}

static long sud_config(struct thread *t, uint64_t size, uaddr_t user, bool set)
{
	struct ptrace_sud_config c;

	if (size != sizeof(c))
		return -EINVAL;
	if (set)
		return copy_from_user(&c, user, sizeof(c)) ? -EFAULT : dispatch_set(t, &c);
	dispatch_get(t, &c);
	return copy_to_user(user, &c, sizeof(c));
}

static long rseq_config(struct thread *t, uint64_t size, uaddr_t user)
{
	struct ptrace_rseq_configuration c = {.rseq_abi_pointer = t->rseq.area};

	if (t->rseq.area) {
		c.rseq_abi_size = t->rseq.len;
		c.signature = t->rseq.sig;
	}
	return copy_to_user(user, &c, MIN(size, sizeof(c))) ? -EFAULT : (long)sizeof(c);
}

static long go_on(struct thread *t, uint64_t sig, bool syscalls)
{
	uint64_t irq;

	if (sig > NSIG)
		return -EIO;
	irq = spin_lock_irq(&t->process->siglock);
	resume_locked(t, (int)sig, syscalls);
	spin_unlock_irq(&t->process->siglock, irq);
	return 0;
}

static long detach(struct thread *t, uint64_t sig)
{
	uint64_t irq, irq2;

	if (sig > NSIG)
		return -EIO;
	irq = spin_lock_irq(&proc_lock);
	irq2 = spin_lock_irq(&t->process->siglock);
	if (thread_traced(t))
		detach_locked(t, (int)sig);
	spin_unlock_irq(&t->process->siglock, irq2);
	spin_unlock_irq(&proc_lock, irq);
	return 0;
}

static long interrupt_locked(struct thread *t)
{
	struct tracee *tr = t->tracee;

	if (!tr->seized)
		return -EIO;
	tr->trap = true;
	if (tr->listening)
		resume_locked(t, 0, tr->syscalls);
	signal_wake_thread(t, false);
	return 0;
}

/* Of a stop that its process is in: it stays, and tells of what comes. */
static long listen(struct thread *t)
{
	struct tracee *tr = t->tracee;
	uint64_t irq = spin_lock_irq(&t->process->siglock);
	bool may = tr->seized && tr->code >> 8 == PTRACE_EVENT_STOP;

	if (may) {
		tr->listening = true;
		tr->unreported = false;
		/* It may have been continued already. */
		if (!t->process->stopping) {
			trace_continued_locked(t);
			thread_wake(t);
		}
	}
	spin_unlock_irq(&t->process->siglock, irq);
	return may ? 0 : -EIO;
}

static long request_stopped(struct thread *t, long request, uint64_t addr, uint64_t data)
{
	switch (request) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
		return peek(t, addr, data);
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
		return poke(t, addr, data);
	case PTRACE_CONT:
	case PTRACE_SYSCALL:
		return go_on(t, data, request == PTRACE_SYSCALL);
	case PTRACE_DETACH:
		return detach(t, data);
	case PTRACE_SETOPTIONS:
		return set_options(t, data);
	case PTRACE_GETEVENTMSG:
		return put_user_u64(data, t->tracee->message);
	case PTRACE_GETSIGINFO:
		return siginfo_get(t, data);
	case PTRACE_SETSIGINFO:
		return siginfo_set(t, data);
	case PTRACE_PEEKSIGINFO:
		return siginfo_peek(t, addr, data);
	case PTRACE_GETREGSET:
	case PTRACE_SETREGSET:
		return regset(t, addr, data, request == PTRACE_SETREGSET);
	case PTRACE_GETSIGMASK:
	case PTRACE_SETSIGMASK:
		return sigmask(t, addr, data, request == PTRACE_SETSIGMASK);
	case PTRACE_GET_SYSCALL_INFO:
		return syscall_info(t, addr, data);
	case PTRACE_GET_RSEQ_CONFIGURATION:
		return rseq_config(t, addr, data);
	case PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG:
		return sud_config(t, addr, data, true);
	case PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG:
		return sud_config(t, addr, data, false);
	case PTRACE_LISTEN:
		return listen(t);
	default:
		/* PTRACE_SINGLESTEP too: the processors have no means for it. */
		return -EIO;
	}
}

/* Of a thread that is ours; all but two want it stopped. */
static long request_traced(struct thread *t, long request, uint64_t addr, uint64_t data)
{
	uint64_t irq = spin_lock_irq(&t->process->siglock);
	bool ours = thread_traced(t) && t->tracee->tracer == current()->process, frozen = false;
	long ret = -ESRCH;

	if (ours && request == PTRACE_INTERRUPT)
		ret = interrupt_locked(t);
	else if (ours && request != PTRACE_KILL)
		frozen = freeze_locked(t->tracee);
	spin_unlock_irq(&t->process->siglock, irq);
	if (ours && request == PTRACE_KILL)
		return signal_process(t->process, SIGKILL, NULL);
	if (!frozen)
		return ret;
	ret = request_stopped(t, request, addr, data);
	thaw(t);
	return ret;
}

SYSCALL4(ptrace, long, request, pid_t, pid, uint64_t, addr, uint64_t, data)
{
	struct thread *t;
	long ret;

	if (request == PTRACE_TRACEME)
		return trace_me();
	t = thread_find(pid);
	if (!t)
		return -ESRCH;
	if (request == PTRACE_ATTACH || request == PTRACE_SEIZE)
		ret = trace_other(t, request == PTRACE_SEIZE, addr, data);
	else
		ret = request_traced(t, request, addr, data);
	thread_unfind(t);
	return ret;
}

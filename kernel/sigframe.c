/*
 * The frame of a signal handler on the user stack, as Linux lays it out on riscv64: siginfo,
 * ucontext with the registers and the floating-point state. The handler returns into the vDSO,
 * which calls rt_sigreturn.
 */
#include "kernel/sigframe.h"

#include "kernel/sighand.h"
#include "kernel/syscall.h"
#include "kernel/trap.h"
#include "kernel/vdso.h"
#include "mm/aspace.h"
#include "mm/usercopy.h"

struct fp_context {
	uint64_t f[32];
	uint32_t fcsr;
	uint32_t unused[64]; /* the union is as large as the quad-precision state */
	uint32_t reserved;   /* 0, or extensions follow */
	uint32_t end_magic, end_size;
} __aligned(16);
_Static_assert(sizeof(struct fp_context) == 528, "size of the floating-point state in the ABI");

struct ucontext {
	struct ucontext_head {
		uint64_t flags, link;
		struct sigaltstack stack;
		sigset_t sigmask;
	} head;
	uint8_t unused[120];
	uint64_t regs[32] __aligned(16); /* pc, x1..x31 */
	struct fp_context fp;
};
_Static_assert(offsetof(struct ucontext, regs) == 176, "mcontext in the ABI");

struct sigframe {
	struct siginfo info;
	struct ucontext uc;
};
#define FRAME_AT(field) (at + offsetof(struct sigframe, field))
_Static_assert(offsetof(struct sigframe, info) == SIGFRAME_INFO, "sigcopy.S");
_Static_assert(offsetof(struct sigframe, uc.head) == SIGFRAME_HEAD, "sigcopy.S");
_Static_assert(offsetof(struct sigframe, uc.regs) == SIGFRAME_REGS, "sigcopy.S");
_Static_assert(offsetof(struct sigframe, uc.fp.f) == SIGFRAME_FPU, "sigcopy.S");
_Static_assert(offsetof(struct sigframe, uc.fp.fcsr) == SIGFRAME_FCSR, "sigcopy.S");
_Static_assert(offsetof(struct sigframe, uc.fp.reserved) == SIGFRAME_RESERVED, "sigcopy.S");
_Static_assert(offsetof(struct sigframe, uc.fp.end_magic) == SIGFRAME_END, "sigcopy.S");
_Static_assert(sizeof(struct sigframe) == SIGFRAME_SIZE, "sigcopy.S");
_Static_assert(sizeof(struct siginfo) == 128 && sizeof(struct ucontext_head) == 48, "sigcopy.S");
_Static_assert(offsetof(struct fpu_state, fcsr) == FPU_FCSR, "sigcopy.S");

/* sigcopy.S: all parts of the frame at once. A trap frame begins with the registers. */
long sigframe_write(uaddr_t at, const struct siginfo *info, const struct ucontext_head *head,
		    const struct trapframe *tf, const struct fpu_state *fpu);
long sigframe_read(uaddr_t at, struct ucontext_head *head, struct trapframe *tf);
long sigframe_read_fpu(uaddr_t at, struct fpu_state *fpu);
long sigframe_has_fpu(uaddr_t at);

/* May a frame be there, as far as its address tells? */
static bool frame_fits(uaddr_t at)
{
	return !(at & 15) && at <= USER_TOP - sizeof(struct sigframe);
}

static bool on_altstack(const struct thread *t, uaddr_t sp)
{
	/* With SS_AUTODISARM the stack is switched off while a handler runs on it. */
	return !(t->altstack.flags & SS_AUTODISARM) && sp > t->altstack.sp &&
	       sp - t->altstack.sp <= t->altstack.size;
}

static uaddr_t frame_address(struct thread *t, uaddr_t sp, const struct sigaction *act)
{
	bool inside = on_altstack(t, sp);

	if ((act->flags & SA_ONSTACK) && t->altstack.size && !inside)
		sp = t->altstack.sp + t->altstack.size;
	else if (inside && sp - t->altstack.sp < sizeof(struct sigframe) + 128)
		return 0; /* it would run off the alternate stack: Linux kills as well */
	return (sp - sizeof(struct sigframe)) & ~15UL;
}

int sigframe_push(struct trapframe *tf, const struct siginfo *info, const struct sigaction *act,
		  sigset_t restore)
{
	struct thread *t = current();
	uaddr_t at = frame_address(t, tf->sp, act);
	struct ucontext_head head = {.stack = t->altstack, .sigmask = restore};

	if (!at || !frame_fits(at))
		return -EFAULT;
	if (!t->altstack.size)
		head.stack.flags = SS_DISABLE;
	else if (on_altstack(t, tf->sp))
		head.stack.flags |= SS_ONSTACK;
	thread_fpu_sync(t);
	if (sigframe_write(at, info, &head, tf, &t->fpu))
		return -EFAULT;
	if (t->altstack.flags & SS_AUTODISARM)
		t->altstack = (struct sigaltstack){.flags = SS_DISABLE};
	tf->pc = act->handler;
	tf->sp = at;
	tf->ra = vdso_sigreturn(t->aspace);
	tf->a0 = info->si_signo;
	tf->a1 = FRAME_AT(info);
	tf->a2 = FRAME_AT(uc);
	return 0;
}

/* Set the alternate stack as sigaltstack(2) does; sp: the user's, to see if it is in use. */
static int altstack_set(struct thread *t, const struct sigaltstack *s, uaddr_t sp)
{
	uint32_t mode = s->flags & ~SS_AUTODISARM;

	if (t->altstack.size && on_altstack(t, sp))
		return -EPERM;
	if (mode & ~(uint32_t)(SS_DISABLE | SS_ONSTACK))
		return -EINVAL;
	if (mode == SS_DISABLE) {
		t->altstack = (struct sigaltstack){.flags = SS_DISABLE};
		return 0;
	}
	if (s->size < MINSIGSTKSZ)
		return -ENOMEM;
	t->altstack = *s;
	t->altstack.flags &= SS_AUTODISARM;
	return 0;
}

SYSCALL2(sigaltstack, uaddr_t, new, uaddr_t, old)
{
	struct thread *t = current();
	uaddr_t sp = thread_trapframe(t)->sp;
	struct sigaltstack s, was = t->altstack;
	int err;

	was.pad = 0;
	if (!was.size)
		was.flags = SS_DISABLE;
	else if (on_altstack(t, sp))
		was.flags |= SS_ONSTACK;
	if (new) {
		if (copy_from_user(&s, new, sizeof(s)))
			return -EFAULT;
		err = altstack_set(t, &s, sp);
		if (err)
			return err;
	}
	if (old && copy_to_user(old, &was, sizeof(was)))
		return -EFAULT;
	return 0;
}

/* A thread that has not used the FPU had zeros in the frame; its handler may have left others. */
static __slow bool fpu_first_use(struct thread *t, uaddr_t at)
{
	t->fpu.used = sigframe_has_fpu(at);
	return t->fpu.used;
}

static inline void fpu_take(struct thread *t, uaddr_t at)
{
	if (t->fpu.used || fpu_first_use(t, at)) {
		thread_fpu_discard();
		(void)sigframe_read_fpu(at, &t->fpu);
	}
}

/*
 * read: what sigframe_read returned. Linux looks for extensions last, so that the handler of
 * SIGSEGV sees the frame's registers.
 */
static __slow bool refuse(struct thread *t, uaddr_t at, const struct ucontext_head *head, long read)
{
	struct trapframe *tf = thread_trapframe(t);

	if (read > 0) {
		fpu_take(t, at);
		signal_set_blocked(head->sigmask);
		tf->cause = ~0UL;
		tf->a0 = 0;
	}
	signal_fault(SIGSEGV, SI_KERNEL, 0);
	return read > 0;
}

bool sys_rt_sigreturn(void);

/*
 * True: all registers are new, entry.S goes on with those of the trap frame. False, and SIGSEGV:
 * none is, the frame cannot be read.
 */
bool sys_rt_sigreturn(void)
{
	struct thread *t = current();
	struct trapframe *tf = thread_trapframe(t);
	struct ucontext_head head;
	uaddr_t at = tf->sp;
	long read = frame_fits(at) ? sigframe_read(at, &head, tf) : -1;

	if (unlikely(read))
		return refuse(t, at, &head, read);
	fpu_take(t, at);
	if (head.stack.size || !(head.stack.flags & SS_DISABLE))
		altstack_set(t, &head.stack, tf->sp);
	signal_set_blocked(head.sigmask);
	tf->cause = ~0UL; /* not a call to restart */
	return true;
}

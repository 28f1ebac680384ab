/*
 * Threads: their making and unmaking. What they run is decided in sched.c, what they belong to in
 * process.c.
 */
#include "kernel/thread.h"

#include "kernel/asm.h"
#include "kernel/mem/slab.h"
#include "kernel/mem/vmalloc.h"
#include "kernel/panic.h"
#include "kernel/riscv.h"
#include "kernel/trap.h"
#include "lib/string.h"

_Static_assert(offsetof(struct thread, kstack_frame) == THREAD_KSTACK_FRAME, "asm.h");
_Static_assert(offsetof(struct thread, user_sp) == THREAD_USER_SP, "asm.h");
_Static_assert(offsetof(struct thread, work) == THREAD_WORK, "asm.h");
_Static_assert(offsetof(struct thread, hart) == THREAD_HART, "asm.h");
_Static_assert(offsetof(struct thread, context) == THREAD_CONTEXT, "asm.h");
_Static_assert(offsetof(struct context, gp) == CONTEXT_GP, "asm.h");
_Static_assert(offsetof(struct context, s) == CONTEXT_S0, "asm.h");
_Static_assert(offsetof(struct hart, emergency_stack_top) == HART_EMERGENCY_STACK, "asm.h");
_Static_assert(offsetof(struct trapframe, a0) == TF_A0, "asm.h");
_Static_assert(offsetof(struct trapframe, s11) == TF_S11, "asm.h");
_Static_assert(offsetof(struct trapframe, t6) == TF_T6, "asm.h");
_Static_assert(offsetof(struct trapframe, orig_a0) == TF_ORIG_A0, "asm.h");
_Static_assert(sizeof(struct trapframe) == TF_SIZE, "asm.h");
_Static_assert(offsetof(struct fpu_state, fcsr) == 256, "switch.S");
_Static_assert(offsetof(struct thread, preempt_count) == THREAD_PREEMPT_COUNT, "asm.h");
_Static_assert(WORK_RESCHED == WORK_RESCHED_BIT, "asm.h");
_Static_assert(WORK_FULLFRAME == WORK_FULLFRAME_BIT, "asm.h");

void thread_trampoline(void);
void kthread_main(void (*func)(void *), void *arg) __noreturn;

/* Kernel threads act as root. */
static struct cred kernel_cred = {.refs = 1, .effective = CAPS_ALL, .permitted = CAPS_ALL};

/* The thread that kernel_main runs on; it becomes the boot hart's idle thread. */
struct thread boot_thread = {
	.comm = "idle/0",
	.refs = 1,
	.affinity = 1,
	.hart = &harts[0],
	.cred = &kernel_cred,
};

static struct kmem_cache *thread_cache;

void threads_init(void)
{
	thread_cache = kmem_cache_create("thread", sizeof(struct thread), 16);
	if (!thread_cache)
		panic("no memory for threads");
}

struct trapframe *thread_trapframe(struct thread *t)
{
	return (struct trapframe *)t->kstack_frame;
}

struct thread *thread_create(void (*body)(void *), void *arg)
{
	struct thread *t = kmem_cache_zalloc(thread_cache);

	if (!t)
		return NULL;
	t->kstack = kstack_alloc();
	if (!t->kstack) {
		kmem_cache_free(thread_cache, t);
		return NULL;
	}
	t->kstack_frame = (uint64_t)t->kstack + KSTACK_SIZE - TF_SIZE;
	t->context.ra = (uint64_t)thread_trampoline;
	t->context.sp = t->kstack_frame;
	t->context.s[0] = (uint64_t)body;
	t->context.s[1] = (uint64_t)arg;
	t->preempt_count = 1; /* as if it had taken the run queue's lock to be switched away */
	t->affinity = ~0UL;
	t->fpu.hart = MAX_HARTS;
	t->refs = 1;
	t->state = THREAD_SLEEPING;
	t->hart = current()->hart;
	list_init(&t->process_link);
	list_init(&t->pending.queue);
	list_init(&t->pi.held);
	return t;
}

struct thread *kthread_create(const char *name, void (*func)(void *), void *arg)
{
	struct thread *t = thread_create(func, arg);

	if (t) {
		strlcpy(t->comm, name, sizeof(t->comm));
		t->cred = cred_get(&kernel_cred);
	}
	return t;
}

struct thread *thread_create_idle(struct hart *h)
{
	struct thread *t = thread_create(NULL, NULL);

	if (!t)
		return NULL;
	strlcpy(t->comm, "idle", sizeof(t->comm));
	t->affinity = 1UL << h->index;
	t->preempt_count = 0; /* it starts in secondary_start, not through a switch */
	t->hart = h;
	return t;
}

void kthread_main(void (*func)(void *), void *arg)
{
	func(arg);
	sched_exit();
}

void thread_get(struct thread *t)
{
	__atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
}

void thread_put(struct thread *t)
{
	if (__atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL))
		return;
	assert(!t->on_cpu);
	cred_put(t->cred);
	kfree(t->tracee);
	kstack_free(t->kstack);
	kmem_cache_free(thread_cache, t);
}

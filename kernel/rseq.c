/*
 * rseq(2): restartable sequences.
 *
 * A thread in a sequence has stored the address of its description (struct rseq_cs) in its area.
 * Whatever takes the hart from it outside a system call sets WORK_RSEQ; on the way back rseq_resume
 * sends it to the sequence's abort handler instead, if it is still in it. Most threads never have
 * a sequence: for them the area is only told when they come to another hart.
 */
#include "kernel/rseq.h"

#include "kernel/elf.h"
#include "kernel/hart.h"
#include "kernel/layout.h"
#include "kernel/sighand.h"
#include "kernel/syscall.h"
#include "kernel/uapi/rseq.h"
#include "kernel/uapi/sched.h"
#include "kernel/uapi/signal.h"
#include "mm/usercopy.h"

#define ORIGINAL_SIZE 32 /* of the area, before it could grow */

static uaddr_t field(const struct thread *t, size_t offset)
{
	return t->rseq.area + offset;
}

/* The number of a hart also tells a memory's threads that run at the same time apart: mm_cid. */
static int ids_write(struct thread *t, uint32_t start, uint32_t cpu, uint32_t cid)
{
	if (put_user_u32(field(t, offsetof(struct rseq, cpu_id_start)), start) ||
	    put_user_u32(field(t, offsetof(struct rseq, cpu_id)), cpu) ||
	    put_user_u32(field(t, offsetof(struct rseq, node_id)), 0) ||
	    put_user_u32(field(t, offsetof(struct rseq, mm_cid)), cid))
		return -EFAULT;
	return 0;
}

static int sequence_read(struct thread *t, uaddr_t at, struct rseq_cs *cs)
{
	uint32_t sig;

	if (at >= USER_TOP)
		return -EINVAL;
	if (copy_from_user(cs, at, sizeof(*cs)))
		return -EFAULT;
	if (cs->version || cs->start_ip >= USER_TOP || cs->abort_ip >= USER_TOP ||
	    cs->post_commit_offset >= USER_TOP - cs->start_ip)
		return -EINVAL;
	if (cs->abort_ip - cs->start_ip < cs->post_commit_offset)
		return -EINVAL; /* it would be aborted for ever */
	if (get_user_u32(&sig, cs->abort_ip - sizeof(sig)))
		return -EFAULT;
	return sig == t->rseq.sig ? 0 : -EINVAL;
}

/* Its description is forgotten; and if it is still in it, it goes on at the handler. */
static int sequence_end(struct thread *t, struct trapframe *tf)
{
	struct rseq_cs cs;
	uint32_t flags;
	uint64_t at;
	bool inside;
	int err;

	if (get_user_u64(&at, field(t, offsetof(struct rseq, rseq_cs))))
		return -EFAULT;
	if (!at)
		return 0;
	err = sequence_read(t, at, &cs);
	if (err)
		return err;
	inside = tf->pc - cs.start_ip < cs.post_commit_offset;
	/* Flags could once forbid it. */
	if (inside && (cs.flags || get_user_u32(&flags, field(t, offsetof(struct rseq, flags))) ||
		       flags))
		return -EINVAL;
	if (put_user_u64(field(t, offsetof(struct rseq, rseq_cs)), 0))
		return -EFAULT;
	if (inside)
		tf->pc = cs.abort_ip;
	return 0;
}

int rseq_resume(struct trapframe *tf)
{
	struct thread *t = current();
	uint32_t cpu;

	/* Before the hart is looked at: who is moved from here on comes again. */
	__atomic_and_fetch(&t->work, ~(uint32_t)WORK_RSEQ, __ATOMIC_SEQ_CST);
	if (!t->rseq.area)
		return 0;
	cpu = __atomic_load_n(&t->hart, __ATOMIC_RELAXED)->index;
	return sequence_end(t, tf) || ids_write(t, cpu, cpu, cpu) ? -EFAULT : 0;
}

void sched_work(struct trapframe *tf, uint32_t work)
{
	if (work & WORK_RESCHED)
		sched_preempt();
	if ((work & WORK_RSEQ) && rseq_resume(tf))
		signal_fault(SIGSEGV, SI_KERNEL, 0);
}

void rseq_fork(struct thread *t, uint64_t flags)
{
	if (flags & CLONE_VM)
		return;
	t->rseq = current()->rseq;
	t->work |= WORK_RSEQ;
}

static long unregister(struct thread *t, uaddr_t area, uint32_t len, uint32_t sig)
{
	if (!area || t->rseq.area != area || t->rseq.len != len)
		return -EINVAL;
	if (t->rseq.sig != sig)
		return -EPERM;
	if (ids_write(t, 0, (uint32_t)RSEQ_CPU_ID_UNINITIALIZED, 0))
		return -EFAULT;
	t->rseq.area = 0;
	return 0;
}

SYSCALL4(rseq, uaddr_t, area, uint32_t, len, int, flags, uint32_t, sig)
{
	struct thread *t = current();

	if (flags & RSEQ_FLAG_UNREGISTER)
		return flags & ~RSEQ_FLAG_UNREGISTER ? -EINVAL : unregister(t, area, len, sig);
	if (flags)
		return -EINVAL;
	if (t->rseq.area) {
		if (t->rseq.area != area || t->rseq.len != len)
			return -EINVAL;
		return t->rseq.sig != sig ? -EPERM : -EBUSY;
	}
	if (len < ORIGINAL_SIZE || area % _Alignof(struct rseq))
		return -EINVAL;
	if (area >= USER_TOP || len > USER_TOP - area)
		return -EFAULT;
	/* What is left there of an earlier use must not be taken for a sequence. */
	if (put_user_u64(area + offsetof(struct rseq, rseq_cs), 0))
		return -EFAULT;
	t->rseq.area = area;
	t->rseq.len = len;
	t->rseq.sig = sig;
	__atomic_or_fetch(&t->work, WORK_RSEQ, __ATOMIC_RELAXED);
	return 0;
}

_Static_assert(offsetof(struct rseq, mm_cid) + sizeof(uint32_t) == RSEQ_FEATURE_SIZE, "elf.h");

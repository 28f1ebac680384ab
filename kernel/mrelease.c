/*
 * process_mrelease(2): the memory of a process that is dying and has not come round to giving it
 * back is free at once, in the time of who asks.
 */
#include "fs/file.h"
#include "kernel/process.h"
#include "kernel/remote.h"
#include "kernel/syscall.h"
#include "mm/aspace.h"
#include "mm/mmap.h"

/* It ends, and no core is being made of what it has. */
static bool dying(struct process *p)
{
	uint64_t irq = spin_lock_irq(&p->siglock);
	bool yes = p->exiting && !p->dumper;

	spin_unlock_irq(&p->siglock, irq);
	return yes;
}

/* Does everybody die who runs in the space? Then nobody new can come to do so. */
static bool users_dying(struct aspace *as)
{
	bool all = true;
	struct process *p;

	for (pid_t pid = 1; all && (p = process_next(pid)); process_put(p)) {
		uint64_t irq = spin_lock_irq(&proc_lock);
		bool user = process_aspace_locked(p) == as;

		spin_unlock_irq(&proc_lock, irq);
		pid = p->pid + 1;
		all = !user || dying(p);
	}
	return all;
}

/*
 * What others cannot see goes. The areas go with it: a system call that the process is still in
 * must not find zeros where its data was.
 */
static void release(struct aspace *as)
{
	struct vma_span s;

	for (uaddr_t at = 0; span_get(as, at, USER_TOP, &s); span_put(&s)) {
		at = s.end;
		if (!(s.flags & VMA_SHARED))
			(void)aspace_unmap(as, s.start, s.end - s.start);
	}
}

static int mrelease(struct process *p)
{
	struct aspace *as = process_aspace(p);
	bool may;

	if (!as)
		return -ESRCH;
	may = dying(p) && users_dying(as);
	if (may)
		release(as);
	aspace_put(as);
	return may ? 0 : -EINVAL;
}

SYSCALL2(process_mrelease, int, pidfd, uint32_t, flags)
{
	struct process *p;
	int err;

	if (flags)
		return -EINVAL;
	p = pidfd_process(pidfd);
	if (is_err(p))
		return ptr_err(p);
	err = process_gone(p) ? -ESRCH : mrelease(p);
	process_put(p);
	return err;
}

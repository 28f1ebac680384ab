/*
 * unshare(2): the running thread gives up what it has in common with others, and goes on with a
 * copy of its own.
 */
#include <stdatomic.h>

#include "fs/file.h"
#include "kernel/ipc/sem.h"
#include "kernel/process.h"
#include "kernel/remote.h"
#include "kernel/sighand.h"
#include "kernel/syscall.h"
#include "kernel/uapi/sched.h"

/* Namespaces: there is one of each kind. */
#define NAMESPACES                                                                                 \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)
#define KNOWN                                                                                      \
	(CLONE_THREAD | CLONE_FS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES | CLONE_SYSVSEM |        \
	 NAMESPACES)

/* What is nothing without something else. */
static uint64_t implied(uint64_t flags)
{
	if (flags & CLONE_NEWUSER)
		flags |= CLONE_THREAD | CLONE_FS;
	if (flags & CLONE_VM)
		flags |= CLONE_SIGHAND;
	if (flags & CLONE_SIGHAND)
		flags |= CLONE_THREAD;
	return flags;
}

/* Has another process the running one's memory? */
static bool memory_shared(void)
{
	struct process *p;
	bool shared = false;

	for (pid_t pid = 1; !shared && (p = process_next(pid)); process_put(p)) {
		uint64_t irq = spin_lock_irq(&proc_lock);

		shared = p != current()->process &&
			 process_aspace_locked(p) == current()->aspace;
		spin_unlock_irq(&proc_lock, irq);
		pid = p->pid + 1;
	}
	return shared;
}

/* Threads, handlers and memory stay in common: 0 only where they are not. */
static int alone(uint64_t flags)
{
	const struct process *p = current()->process;

	if ((flags & CLONE_THREAD) && __atomic_load_n(&p->nthreads, __ATOMIC_RELAXED) > 1)
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && atomic_load(&p->sighand->refs) > 1)
		return -EINVAL;
	return (flags & CLONE_VM) && memory_shared() ? -EINVAL : 0;
}

/* 0 when none is asked for. */
static int no_namespaces(uint64_t flags)
{
	if (flags & CLONE_NEWUSER)
		return -EINVAL;
	if (flags & NAMESPACES)
		return cred_capable(CAP_SYS_ADMIN) ? -EINVAL : -EPERM;
	return 0;
}

SYSCALL1(unshare, uint64_t, asked)
{
	uint64_t flags = implied(asked);
	struct thread *t = current();
	int err;

	if (flags & ~(uint64_t)KNOWN)
		return -EINVAL;
	err = alone(flags);
	if (!err)
		err = no_namespaces(flags);
	if (!err && (flags & CLONE_FS))
		err = fscontext_unshare(&t->fs);
	if (!err && (flags & CLONE_FILES))
		err = fdtable_unshare(&t->files);
	if (!err && (flags & CLONE_SYSVSEM))
		sem_exit(t);
	return err;
}

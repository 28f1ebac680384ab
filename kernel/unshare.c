/*
 * unshare(2): the running thread gives up what it has in common with others, and goes on with a
 * copy of its own.
 */
#include <stdatomic.h>

#include "fs/file.h"
#include "kernel/ipc/sem.h"
#include "kernel/namespace.h"
#include "kernel/process.h"
#include "kernel/remote.h"
#include "kernel/sighand.h"
#include "kernel/syscall.h"
#include "kernel/uapi/sched.h"

#define KNOWN                                                                                      \
	(CLONE_THREAD | CLONE_FS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES | CLONE_SYSVSEM |        \
	 CLONE_NAMESPACES)

/* What is nothing without something else. */
static uint64_t implied(uint64_t flags)
{
	if (flags & CLONE_NEWUSER)
		flags |= CLONE_THREAD | CLONE_FS;
	if (flags & CLONE_NEWNS)
		flags |= CLONE_FS;
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

bool process_single_threaded(void)
{
	return __atomic_load_n(&current()->process->nthreads, __ATOMIC_RELAXED) == 1 &&
	       !memory_shared();
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

/*
 * What can fail: *fs, places of its own, and *ns, a set, are made, if they are asked for, else
 * NULL, and its descriptors, at last, are the thread's own.
 */
static int prepare(struct thread *t, uint64_t flags, struct fscontext **fs, struct ns_set **ns)
{
	int err = 0;

	*ns = NULL;
	*fs = flags & CLONE_FS ? fscontext_fork(t->fs) : NULL;
	if ((flags & CLONE_FS) && !*fs)
		return -ENOMEM;
	if (flags & CLONE_NAMESPACES)
		*ns = ns_set_new(flags & ~(uint64_t)CLONE_SYSVSEM, *fs);
	if (is_err(*ns)) {
		err = (int)ptr_err(*ns);
		*ns = NULL;
	}
	if (!err && (flags & CLONE_FILES))
		err = fdtable_unshare(&t->files);
	if (!err)
		return 0;
	fscontext_put(*fs);
	if (*ns)
		ns_set_put(*ns);
	return err;
}

SYSCALL1(unshare, uint64_t, asked)
{
	uint64_t flags = implied(asked);
	struct thread *t = current();
	struct fscontext *fs;
	struct ns_set *ns;
	int err;

	if (flags & ~(uint64_t)KNOWN)
		return -EINVAL;
	err = alone(flags);
	if (!err)
		err = prepare(t, flags, &fs, &ns);
	if (err)
		return err;
	if (fs)
		fscontext_replace(&t->fs, fs);
	if (flags & CLONE_SYSVSEM)
		sem_exit(t);
	if (ns)
		ns_set_enter(ns, flags & CLONE_NEWIPC);
	return 0;
}

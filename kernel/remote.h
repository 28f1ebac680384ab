/*
 * The memory of other processes: who may reach it, and copies from and to it. For /proc, ptrace(2)
 * and process_vm_readv(2).
 */
#pragma once

#include "kernel/types.h"

struct aspace;
struct exec_layout;
struct process;
struct thread;
struct uio;

/* p's address space, referenced; NULL when it has none any more. Takes proc_lock. */
struct aspace *process_aspace(struct process *p);
/* The same without a reference: it stays while proc_lock is held. */
struct aspace *process_aspace_locked(struct process *p);
/* The same with a reference, while p runs the program that it ran when p->execs was that. */
struct aspace *process_aspace_since(struct process *p, uint32_t execs);
/*
 * The same of a process that the running thread may look into (below), whatever p executes
 * meanwhile; NULL if it has none; err_ptr(-EPERM).
 */
struct aspace *process_aspace_allowed(struct process *p, bool real_ids);
/* What a thread uses as its own, whatever it looks into at the moment, or NULL. (proc_lock) */
struct aspace *thread_aspace(const struct thread *t);
/*
 * May the running thread look into p, and change it (ptrace(2), "Ptrace access mode checking")? By
 * its real ids, or by those that files are reached with. Takes proc_lock.
 */
bool process_may_access(struct process *p, bool real_ids);
/* The same with proc_lock held. */
bool process_may_access_locked(struct process *p, bool real_ids);
/* And by the ids of one of its threads, not of the first. */
bool thread_may_access_locked(const struct thread *t, bool real_ids);

/*
 * Copy n bytes at `at` as if a thread of as had done it; bytes copied: fewer where it could not.
 * The forced forms, for debuggers, read what the program cannot read, and give it a private copy
 * of what it cannot write; instructions that were written are seen by all harts. May sleep.
 */
size_t remote_read(struct aspace *as, uaddr_t at, void *buf, size_t n);
size_t remote_write(struct aspace *as, uaddr_t at, const void *buf, size_t n);
size_t remote_read_forced(struct aspace *as, uaddr_t at, void *buf, size_t n);
size_t remote_write_forced(struct aspace *as, uaddr_t at, const void *buf, size_t n);

enum { REMOTE_WRITE = 1, REMOTE_FORCED = 2 };
/*
 * Move what u has room for, n bytes at most, from `at` of as to u, or from u there. Bytes moved;
 * if none could be: -EFAULT where u's memory is bad, -EIO where the other's is, -ENOMEM. May sleep.
 */
ssize64_t remote_move(struct aspace *as, uaddr_t at, size_t n, struct uio *u, uint32_t how);

struct auxv {
	uint64_t words[42];
};
/*
 * The auxiliary vector (getauxval(3)) that a program laid out like this was started with, whatever
 * it made of its own. auxv.c.
 */
void exec_auxv(const struct exec_layout *l, struct auxv *out);

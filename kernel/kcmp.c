/*
 * kcmp(2): do two threads share something? An answer in an order that says nothing of addresses.
 */
#include "fs/event/event.h"
#include "fs/file.h"
#include "kernel/process.h"
#include "kernel/random.h"
#include "kernel/remote.h"
#include "kernel/syscall.h"
#include "kernel/uapi/kcmp.h"
#include "mm/usercopy.h"

/* Secrets that make the order of pointers another one: odd, what is multiplied by. */
static struct {
	struct spinlock lock;
	bool ready;		 /* (lock) then constant */
	uint64_t add, factor;
} cookie = {.lock = SPINLOCK_INIT("kcmp", RANK_FILES)};

static void cookie_make(void)
{
	spin_lock(&cookie.lock);
	if (!cookie.ready) {
		cookie.add = random_u64();
		cookie.factor = random_u64() | 1;
		cookie.ready = true;
	}
	spin_unlock(&cookie.lock);
}

/* 0: equal, 1: a comes first, 2: b does. */
static long compare(const void *a, const void *b)
{
	uint64_t x, y;

	cookie_make();
	x = ((uint64_t)a ^ cookie.add) * cookie.factor;
	y = ((uint64_t)b ^ cookie.add) * cookie.factor;
	return x == y ? 0 : x < y ? 1 : 2;
}

static long compare_files(struct thread *const t[2], const uint64_t fd[2])
{
	struct file *a = thread_file(t[0], (uint32_t)fd[0]);
	struct file *b = thread_file(t[1], (uint32_t)fd[1]);
	long ret = a && b ? compare(a, b) : -EBADF;

	if (a)
		file_put(a);
	if (b)
		file_put(b);
	return ret;
}

static long compare_with_target(struct thread *const t[2], uint64_t fd, uaddr_t user)
{
	struct file *f, *epoll, *target;
	struct kcmp_epoll_slot slot;
	long ret = -EBADF;

	if (copy_from_user(&slot, user, sizeof(slot)))
		return -EFAULT;
	f = thread_file(t[0], (uint32_t)fd);
	epoll = thread_file(t[1], slot.efd);
	if (f && epoll) {
		target = epoll_target(epoll, (int)slot.tfd, slot.toff);
		ret = is_err(target) ? ptr_err(target) : compare(f, target);
	}
	if (epoll)
		file_put(epoll);
	if (f)
		file_put(f);
	return ret;
}

/* What a thread has of the kind, as an address; proc_lock held. */
static const void *thing_of(const struct thread *t, int kind)
{
	switch (kind) {
	case KCMP_VM:
		return thread_aspace(t);
	case KCMP_FILES:
		return t->files;
	case KCMP_FS:
		return t->fs;
	case KCMP_SIGHAND:
		return t->process->sighand;
	case KCMP_SYSVSEM:
		return t->sem_undos;
	default:
		/* KCMP_IO: what there is of it is one number, each thread's own; 0: not set. */
		return t->ioprio ? &t->ioprio : NULL;
	}
}

static long compare_things(struct thread *const t[2], int kind)
{
	uint64_t irq = spin_lock_irq(&proc_lock);
	const void *a = thing_of(t[0], kind), *b = thing_of(t[1], kind);

	spin_unlock_irq(&proc_lock, irq);
	return compare(a, b);
}

static long compare_threads(struct thread *const t[2], int kind, const uint64_t index[2])
{
	if (!process_may_access(t[0]->process, true) || !process_may_access(t[1]->process, true))
		return -EPERM;
	switch (kind) {
	case KCMP_FILE:
		return compare_files(t, index);
	case KCMP_VM:
	case KCMP_FILES:
	case KCMP_FS:
	case KCMP_SIGHAND:
	case KCMP_IO:
	case KCMP_SYSVSEM:
		return compare_things(t, kind);
	case KCMP_EPOLL_TFD:
		return compare_with_target(t, index[0], index[1]);
	default:
		return -EINVAL;
	}
}

SYSCALL5(kcmp, pid_t, pid1, pid_t, pid2, int, kind, uint64_t, index1, uint64_t, index2)
{
	struct thread *t[2] = {thread_find(pid1), thread_find(pid2)};
	long ret = -ESRCH;

	if (t[0] && t[1])
		ret = compare_threads(t, kind, (uint64_t[]){index1, index2});
	for (int i = 0; i < 2; i++)
		if (t[i])
			thread_unfind(t[i]);
	return ret;
}

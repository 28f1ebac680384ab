/*
 * The memory of other processes.
 *
 * The running thread puts on the other's address space, so that pages come in as if the owner had
 * touched them, and takes it off again.
 */
#include "kernel/remote.h"

#include "fs/file.h"
#include "kernel/elf.h"
#include "kernel/mem/slab.h"
#include "kernel/process.h"
#include "kernel/syscall.h"
#include "kernel/uapi/mman.h"
#include "mm/aspace.h"
#include "mm/mmap.h"
#include "mm/tlb.h"
#include "mm/usercopy.h"
#include "mm/vma.h"

struct aspace *thread_aspace(const struct thread *t)
{
	return t->own_aspace ? t->own_aspace : t->aspace;
}

struct aspace *process_aspace_locked(struct process *p)
{
	struct aspace *as = p->leader ? thread_aspace(p->leader) : NULL;
	uint64_t irq = spin_lock_irq(&p->siglock);
	struct thread *t;

	/* A first thread that has ended has none, while others go on. */
	list_for_each_entry(t, &p->threads, process_link)
		as = as ? as : thread_aspace(t);
	spin_unlock_irq(&p->siglock, irq);
	return as;
}

static struct aspace *aspace_get_locked(struct process *p)
{
	struct aspace *as = process_aspace_locked(p);

	return as && aspace_try_get(as) ? as : NULL;
}

struct aspace *process_aspace(struct process *p)
{
	uint64_t irq = spin_lock_irq(&proc_lock);
	struct aspace *as = aspace_get_locked(p);

	spin_unlock_irq(&proc_lock, irq);
	return as;
}

struct aspace *process_aspace_since(struct process *p, uint32_t execs)
{
	uint64_t irq = spin_lock_irq(&proc_lock);
	struct aspace *as = p->execs == execs ? aspace_get_locked(p) : NULL;

	spin_unlock_irq(&proc_lock, irq);
	return as;
}

struct aspace *process_aspace_allowed(struct process *p, bool real_ids)
{
	struct aspace *as = process_aspace(p);

	/* Asked afterwards: a new program's memory is seen together with its new powers. */
	if (process_may_access(p, real_ids))
		return as;
	if (as)
		aspace_put(as);
	return err_ptr(-EPERM);
}

/* p, of which one thread has c. */
static bool may_access(const struct process *p, const struct cred *c, bool real_ids)
{
	const struct cred *own = current()->cred;
	uid_t uid = real_ids ? own->uid : own->fsuid;
	gid_t gid = real_ids ? own->gid : own->fsgid;
	capset_t caps = real_ids ? own->permitted : own->effective;

	if (current()->process == p || cred_has(own, CAP_SYS_PTRACE))
		return true;
	return c && uid == c->uid && uid == c->euid && uid == c->suid && gid == c->gid &&
	       gid == c->egid && gid == c->sgid && !(c->permitted & ~caps) && p->dumpable;
}

bool process_may_access_locked(struct process *p, bool real_ids)
{
	return may_access(p, p->leader ? p->leader->cred : NULL, real_ids);
}

bool thread_may_access_locked(const struct thread *t, bool real_ids)
{
	return may_access(t->process, t->cred, real_ids);
}

bool process_may_access(struct process *p, bool real_ids)
{
	uint64_t irq = spin_lock_irq(&proc_lock);
	bool may = process_may_access_locked(p, real_ids);

	spin_unlock_irq(&proc_lock, irq);
	return may;
}

/* own: whose the thread is meanwhile, NULL if that is as. */
static void aspace_wear(struct aspace *as, struct aspace *own)
{
	struct thread *me = current();
	uint64_t irq = spin_lock_irq(&proc_lock);

	me->aspace = as;
	me->own_aspace = own;
	aspace_activate(as);
	spin_unlock_irq(&proc_lock, irq);
}

/*
 * With our reference as is nobody's alone. Who found it to be before, and frees pages ahead of his
 * fence, is done once the lock is ours: what we might still translate is nobody else's by then.
 */
static void aspace_borrow(struct aspace *as)
{
	rwlock_write(&as->lock);
	rwlock_write_unlock(&as->lock);
	aspace_wear(as, current()->aspace);
}

static void aspace_give_back(void)
{
	aspace_wear(current()->own_aspace, NULL);
}

size_t remote_read(struct aspace *as, uaddr_t at, void *buf, size_t n)
{
	size_t left;

	aspace_borrow(as);
	left = copy_from_user_partial(buf, at, n);
	aspace_give_back();
	return n - left;
}

size_t remote_write(struct aspace *as, uaddr_t at, const void *buf, size_t n)
{
	size_t left;

	aspace_borrow(as);
	left = copy_to_user_partial(at, buf, n);
	aspace_give_back();
	return n - left;
}

/* May the page at `at` be reached so, by force if need be? Its protection, or -EFAULT. (as) */
static int forced_prot(struct aspace *as, uaddr_t at, uint32_t prot)
{
	const struct vma *v = vma_at(&as->areas, at);

	if (v && ((v->prot & prot) == prot || !(v->flags & VMA_SHARED) || prot == PROT_READ))
		return (int)v->prot;
	return -EFAULT;
}

/*
 * Let the page be reached so, whether it is sealed or not. The protection that it had, or -errno.
 * In one go with looking at it: what is put back is what the program last said.
 */
static int page_lift(struct aspace *as, uaddr_t page, uint32_t need)
{
	int is, err = 0;

	rwlock_write(&as->lock);
	is = forced_prot(as, page, need);
	if (is >= 0)
		err = protect_locked(as, page, page + PAGE_SIZE, (uint32_t)is | need | PROT_READ,
				     0);
	rwlock_write_unlock(&as->lock);
	return err ? err : is;
}

/* Undo it, unless the program has said something else meanwhile. 0 or -errno. */
static int page_drop(struct aspace *as, uaddr_t page, uint32_t need, int was)
{
	const struct vma *v;
	int err = 0;

	rwlock_write(&as->lock);
	v = vma_at(&as->areas, page);
	if (v && v->prot == ((uint32_t)was | need | PROT_READ))
		err = protect_locked(as, page, page + PAGE_SIZE, (uint32_t)was, 0);
	rwlock_write_unlock(&as->lock);
	return err;
}

/*
 * Part of one page, whose protection allows it for the moment: nobody may rely on an access being
 * refused while a debugger makes it.
 */
static bool forced_part(struct aspace *as, uaddr_t at, void *buf, size_t n, bool write)
{
	uint32_t need = write ? PROT_WRITE : PROT_READ;
	uaddr_t page = at & PAGE_MASK;
	bool lift;
	int prot;

	rwlock_read(&as->lock);
	prot = forced_prot(as, page, need);
	rwlock_read_unlock(&as->lock);
	lift = prot >= 0 && !((uint32_t)prot & need);
	if (lift)
		prot = page_lift(as, page, need);
	if (prot < 0)
		return false;
	n -= write ? remote_write(as, at, buf, n) : remote_read(as, at, buf, n);
	if (lift && page_drop(as, page, need, prot))
		return false;
	if (write && (prot & PROT_EXEC))
		icache_flush();
	return !n;
}

static size_t forced(struct aspace *as, uaddr_t at, void *buf, size_t n, bool write)
{
	size_t done = 0, part;

	for (; done < n; done += part) {
		part = MIN(n - done, PAGE_SIZE - ((at + done) & ~PAGE_MASK));
		if (!forced_part(as, at + done, (char *)buf + done, part, write))
			break;
	}
	return done;
}

size_t remote_read_forced(struct aspace *as, uaddr_t at, void *buf, size_t n)
{
	return forced(as, at, buf, n, false);
}

size_t remote_write_forced(struct aspace *as, uaddr_t at, const void *buf, size_t n)
{
	return forced(as, at, (void *)buf, n, true);
}

/* Part of one page. */
static ssize64_t move_part(struct aspace *as, uaddr_t at, size_t n, struct uio *u, char *page,
			   uint32_t how)
{
	bool is_forced = how & REMOTE_FORCED;

	if (how & REMOTE_WRITE) {
		n = uio_copy_from(u, page, n);
		if (!n)
			return -EFAULT;
		n = is_forced ? forced(as, at, page, n, true) : remote_write(as, at, page, n);
		return n ? (ssize64_t)n : -EIO;
	}
	n = is_forced ? forced(as, at, page, n, false) : remote_read(as, at, page, n);
	if (!n)
		return -EIO;
	n = uio_copy_to(u, page, n);
	return n ? (ssize64_t)n : -EFAULT;
}

ssize64_t remote_move(struct aspace *as, uaddr_t at, size_t n, struct uio *u, uint32_t how)
{
	char *page = kmalloc(PAGE_SIZE);
	ssize64_t total = 0, moved = 0;
	size_t part;

	if (!page)
		return -ENOMEM;
	for (n = MIN(n, u->resid); n; n -= part) {
		part = MIN(n, PAGE_SIZE - (at & ~PAGE_MASK));
		moved = move_part(as, at, part, u, page, how);
		total += MAX(moved, 0);
		if (moved != (ssize64_t)part)
			break;
		at += part;
	}
	kfree(page);
	return total ? total : moved;
}

/* --- process_vm_readv(2), process_vm_writev(2) --- */

static long move_all(struct process *p, struct uio *own, const struct uio *other, uint32_t how)
{
	struct aspace *as;
	ssize64_t total = 0, n = 0;

	as = process_aspace_allowed(p, true);
	if (is_err(as))
		return ptr_err(as);
	if (!as)
		return -ESRCH;
	for (uint32_t i = 0; i < other->niov && own->resid; i++) {
		n = remote_move(as, other->iov[i].base, other->iov[i].len, own, how);
		total += MAX(n, 0);
		if (n != (ssize64_t)other->iov[i].len)
			break;
	}
	aspace_put(as);
	return total ? total : n == -ENOMEM ? -ENOMEM : -EFAULT;
}

static long process_vm(pid_t pid, const uint64_t local[2], const uint64_t remote[2],
		       uint64_t flags, uint32_t how)
{
	struct iovec64 fast[2][IOV_FAST], *slow[2] = {NULL, NULL};
	struct uio own, other;
	struct process *p;
	long ret;

	if (flags)
		return -EINVAL;
	ret = iov_get(&own, local[0], local[1], fast[0], &slow[0]);
	if (!ret && own.resid)
		ret = iov_get(&other, remote[0], remote[1], fast[1], &slow[1]);
	if (!ret && own.resid && other.resid) {
		p = process_find(pid);
		ret = p ? move_all(p, &own, &other, how) : -ESRCH;
		if (p)
			process_put(p);
	}
	kfree(slow[0]);
	kfree(slow[1]);
	return ret;
}

SYSCALL6(process_vm_readv, pid_t, pid, uaddr_t, local, uint64_t, nlocal, uaddr_t, remote,
	 uint64_t, nremote, uint64_t, flags)
{
	return process_vm(pid, (uint64_t[]){local, nlocal}, (uint64_t[]){remote, nremote}, flags,
			  0);
}

SYSCALL6(process_vm_writev, pid_t, pid, uaddr_t, local, uint64_t, nlocal, uaddr_t, remote,
	 uint64_t, nremote, uint64_t, flags)
{
	return process_vm(pid, (uint64_t[]){local, nlocal}, (uint64_t[]){remote, nremote}, flags,
			  REMOTE_WRITE);
}

/* --- process_madvise(2) --- */

/* Bytes of the ranges before the first that fails; if that is the first of all, -errno. */
static long advise_ranges(struct aspace *as, const struct uio *u, int what)
{
	uint64_t done = 0;
	long err = 0;

	for (uint32_t i = 0; i < u->niov && !err; i++) {
		err = madvise_of(as, u->iov[i].base, u->iov[i].len, what);
		done += err ? 0 : u->iov[i].len;
	}
	return done ? (long)done : err;
}

static long advise_process(struct process *p, const struct uio *u, int what)
{
	struct aspace *as;
	long ret;

	if (process_gone(p))
		return -ESRCH;
	if (what != MADV_WILLNEED && what != MADV_COLD && what != MADV_PAGEOUT &&
	    what != MADV_COLLAPSE)
		return -EINVAL;
	as = process_aspace_allowed(p, false);
	if (is_err(as))
		return -EACCES;
	if (!as)
		return -ESRCH;
	ret = cred_capable(CAP_SYS_NICE) ? advise_ranges(as, u, what) : -EPERM;
	aspace_put(as);
	return ret;
}

SYSCALL5(process_madvise, int, pidfd, uaddr_t, ranges, uint64_t, n, int, what, uint32_t, flags)
{
	struct iovec64 fast[IOV_FAST], *slow = NULL;
	struct process *p;
	struct uio u;
	long ret;

	if (flags)
		return -EINVAL;
	ret = iov_get(&u, ranges, n, fast, &slow);
	if (!ret) {
		p = pidfd_process(pidfd);
		ret = is_err(p) ? ptr_err(p) : advise_process(p, &u, what);
		if (!is_err(p))
			process_put(p);
	}
	kfree(slow);
	return ret;
}

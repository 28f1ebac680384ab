#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/resource.h"
#include "mm/aspace.h"
#include "mm/mmap.h"
#include "mm/share.h"

int mlock_allowed(struct aspace *as, uint64_t pages)
{
	uint64_t limit = rlimit_get(RLIMIT_MEMLOCK);

	if (cred_capable(CAP_IPC_LOCK))
		return 0;
	if (!limit)
		return -EPERM;
	return as->locked_pages + pages > limit >> PAGE_SHIFT ? -EAGAIN : 0;
}

uint64_t pages_in(struct aspace *as, uaddr_t start, uaddr_t end, uint32_t flags)
{
	uint64_t pages = 0;

	for (struct vma *v = vma_find(&as->areas, start); v && v->start < end; v = v->next)
		if ((v->flags & flags) == flags)
			pages += (MIN(v->end, end) - MAX(v->start, start)) >> PAGE_SHIFT;
	return pages;
}

#define LOCKS (VMA_LOCKED | VMA_LOCKONFAULT)

static void area_set(struct vma *v, uint32_t clear, uint32_t set)
{
	aspace_area_change(v, v->prot, (v->flags & ~clear) | set);
}

/* Change the flags of all areas in [start, end), which may have no hole. (a writer) */
static int set_flags(struct aspace *as, uaddr_t start, uaddr_t end, uint32_t clear, uint32_t set)
{
	uaddr_t at = start;
	int err = 0;

	while (at < end) {
		struct vma *v = vma_at(&as->areas, at);

		if (!v || !(v = aspace_isolate(v, at, end, false))) {
			err = -ENOMEM;
			break;
		}
		area_set(v, clear, set);
		at = v->end;
	}
	aspace_merge(as, start, end);
	return err;
}

static long lock_range(uaddr_t start, size_t len, uint32_t flags)
{
	struct aspace *as = current()->aspace;
	size_t size = ALIGN_UP(len + (start & ~PAGE_MASK), PAGE_SIZE);
	uaddr_t end;
	int err = 0;

	start = ALIGN_DOWN(start, PAGE_SIZE);
	end = start + size;
	if (end < start || (len && !size))
		return -EINVAL;
	if ((flags & VMA_LOCKED) && mlock_allowed(as, 0) == -EPERM)
		return -EPERM;
	if (end == start)
		return 0;
	if (end > USER_TOP)
		return -ENOMEM;
	rwlock_write(&as->lock);
	if ((flags & VMA_LOCKED) &&
	    mlock_allowed(as, (size >> PAGE_SHIFT) - pages_in(as, start, end, VMA_LOCKED)))
		err = -ENOMEM;
	if (!err)
		err = set_flags(as, start, end, LOCKS, flags);
	rwlock_write_unlock(&as->lock);
	/* Locked it is; that not all of it could be brought in is told. */
	if (!err && flags == VMA_LOCKED)
		err = populate(as, start, end);
	return err == -EFAULT ? -ENOMEM : err;
}

SYSCALL2(mlock, uaddr_t, start, size_t, len)
{
	return lock_range(start, len, VMA_LOCKED);
}

SYSCALL3(mlock2, uaddr_t, start, size_t, len, int, flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return lock_range(start, len, VMA_LOCKED | (flags ? VMA_LOCKONFAULT : 0));
}

SYSCALL2(munlock, uaddr_t, start, size_t, len)
{
	return lock_range(start, len, 0);
}

/* All areas there are. (a writer) */
static void set_all(struct aspace *as, uint32_t flags)
{
	for (struct vma *v = vma_first(&as->areas); v; v = v->next)
		area_set(v, LOCKS, flags);
	aspace_merge(as, 0, USER_TOP);
}

SYSCALL1(mlockall, int, flags)
{
	struct aspace *as = current()->aspace;
	uint32_t f = VMA_LOCKED | (flags & MCL_ONFAULT ? VMA_LOCKONFAULT : 0);
	int err = 0;

	if (!flags || flags == MCL_ONFAULT || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)))
		return -EINVAL;
	if (mlock_allowed(as, 0) == -EPERM)
		return -EPERM;
	rwlock_write(&as->lock);
	if ((flags & MCL_CURRENT) && mlock_allowed(as, as->pages - as->locked_pages))
		err = -ENOMEM;
	if (!err && (flags & MCL_CURRENT))
		err = pt_unshare(as, 0, USER_TOP, 0, 0);
	if (!err) {
		as->lock_future = flags & MCL_FUTURE ? f : 0;
		if (flags & MCL_CURRENT)
			set_all(as, f);
	}
	rwlock_write_unlock(&as->lock);
	if (!err && (flags & MCL_CURRENT) && !(flags & MCL_ONFAULT))
		populate(as, 0, USER_TOP);
	return err;
}

SYSCALL0(munlockall)
{
	struct aspace *as = current()->aspace;

	rwlock_write(&as->lock);
	as->lock_future = 0;
	set_all(as, 0);
	rwlock_write_unlock(&as->lock);
	return 0;
}

/* For good: only the end of the process undoes it. */
SYSCALL3(mseal, uaddr_t, start, size_t, len, uint64_t, flags)
{
	struct aspace *as = current()->aspace;
	size_t size = ALIGN_UP(len, PAGE_SIZE);
	uaddr_t end = start + size;
	int err = -ENOMEM;

	if (flags || (start & ~PAGE_MASK) || (len && !size) || end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	rwlock_write(&as->lock);
	if (end <= USER_TOP && pages_in(as, start, end, 0) == size >> PAGE_SHIFT)
		err = set_flags(as, start, end, 0, VMA_SEALED);
	rwlock_write_unlock(&as->lock);
	return err;
}

#include "fs/file.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/resource.h"
#include "mm/aspace.h"
#include "mm/commit.h"
#include "mm/fault.h"
#include "mm/mmap.h"
#include "mm/object.h"
#include "mm/pagecache.h"
#include "mm/pagetable.h"
#include "mm/tlb.h"
#include "mm/usercopy.h"

/* A request, decoded: what mmap will do once nothing can be wrong with it any more. */
struct map_request {
	uaddr_t addr;
	size_t len;
	uint32_t prot, vflags;
	int flags;
	struct file *file;	/* referenced; NULL: anonymous */
	struct object *object;	/* referenced; NULL: private anonymous */
	uint64_t index;
	bool announced;		/* counted in object->nr_mapping */
};

#define MAP_LEGACY                                                                                 \
	(MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE |   \
	 MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB |      \
	 MAP_HUGE_2MB | MAP_HUGE_1GB)

/*
 * A shared mapping of a file that may be sealed against writing. Announced before the seal is
 * looked at: who seals looks the other way round, so either we see the seal or are seen.
 */
static int announce(struct map_request *r)
{
	r->object->nr_mapping++;
	r->announced = true;
	if (!r->object->write_sealed)
		return 0;
	r->vflags &= ~VMA_MAYWRITE;
	return r->prot & PROT_WRITE ? -EPERM : 0;
}

/* Memory without a file behind it: what is shared gets an object of its own. */
static int decode_zero(struct map_request *r)
{
	bool promised = !(r->vflags & VMA_NORESERVE);

	r->index = 0;
	if (!(r->vflags & VMA_SHARED))
		return 0;
	if (promised && commit_allowed(r->len >> PAGE_SHIFT))
		return -ENOMEM;
	r->object = shm_object_create(r->len, promised);
	return r->object ? 0 : -ENOMEM;
}

static int decode_file(struct map_request *r)
{
	int type = r->flags & MAP_TYPE;
	uint32_t mode = file_map_mode(r->file);

	if (type == MAP_SHARED_VALIDATE && (r->flags & ~MAP_LEGACY))
		return -EOPNOTSUPP;
	if (type != MAP_SHARED && type != MAP_SHARED_VALIDATE && type != MAP_PRIVATE)
		return -EINVAL;
	if (type != MAP_PRIVATE) {
		if ((mode & FILE_MAP_GROW) || ((r->prot & PROT_WRITE) && !(mode & FILE_MAP_WRITE)))
			return -EACCES;
		if ((r->prot & PROT_WRITE) && (mode & FILE_MAP_SWAP))
			return -ETXTBSY;
		r->vflags |= VMA_SHARED;
		if (mode & FILE_MAP_WRITE)
			r->vflags |= VMA_MAYWRITE;
	} else {
		r->vflags |= VMA_MAYWRITE;
	}
	if (!(mode & FILE_MAP_READ))
		return -EACCES;
	if ((mode & FILE_MAP_NOEXEC) && (r->prot & PROT_EXEC))
		return -EPERM;
	if (mode & FILE_MAP_ZERO)
		return decode_zero(r);
	r->object = file_object(r->file);
	if (!r->object)
		return -ENODEV;
	if (r->flags & MAP_GROWSDOWN)
		return -EINVAL;
	object_get(r->object);
	return r->vflags & VMA_SHARED ? announce(r) : 0;
}

static int decode_anon(struct map_request *r)
{
	int type = r->flags & MAP_TYPE, down = r->flags & MAP_GROWSDOWN;

	if (type != MAP_PRIVATE && (type != MAP_SHARED || down))
		return -EINVAL;
	r->vflags |= VMA_MAYWRITE | (type == MAP_SHARED ? VMA_SHARED : down ? VMA_GROWSDOWN : 0);
	return decode_zero(r);
}

/* Find the place and make room. (a writer) 0 or -errno with nothing changed. */
static int make_room(struct aspace *as, struct map_request *r, struct vma **dead)
{
	bool data = !(r->vflags & VMA_SHARED) && (r->prot & PROT_WRITE), taken = false;
	uint64_t pages = r->len >> PAGE_SHIFT, promised = pages;
	struct vma *v;

	if (as->areas.count >= max_map_count)
		return -ENOMEM;
	if (r->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (r->len > USER_TOP || r->addr > USER_TOP - r->len)
			return -ENOMEM;
		if (r->addr & ~PAGE_MASK)
			return -EINVAL;
		if (r->addr < MMAP_MIN_ADDR)
			return -EPERM;
		v = vma_find(&as->areas, r->addr);
		taken = v && v->start < r->addr + r->len;
		if ((r->flags & MAP_FIXED_NOREPLACE) && taken)
			return -EEXIST;
	} else {
		r->addr = aspace_hole(as, r->addr, r->len, PAGE_SIZE);
		if (!r->addr)
			return -ENOMEM;
	}
	if (r->vflags & VMA_LOCKED) {
		if ((r->flags & MAP_LOCKED) && mlock_allowed(as, 0) == -EPERM)
			return -EPERM;
		if (mlock_allowed(as, pages))
			return -EAGAIN;
	}
	/* What is replaced does not count. */
	if (taken) {
		pages -= pages_in(as, r->addr, r->addr + r->len, 0);
		promised -= pages_in(as, r->addr, r->addr + r->len, VMA_ACCOUNT);
	}
	if (aspace_may_grow(as, pages, data) ||
	    ((r->vflags & VMA_ACCOUNT) && commit_allowed(promised)))
		return -ENOMEM;
	return taken ? aspace_unmap_locked(as, r->addr, r->addr + r->len, dead) : 0;
}

static long map_perform(struct map_request *r)
{
	struct aspace *as = current()->aspace;
	struct vma *dead = NULL;
	bool locked;
	int err;

	rwlock_write(&as->lock);
	r->vflags |= as->lock_future | commit_flag(r->prot, r->vflags);
	if (r->flags & MAP_LOCKED)
		r->vflags |= VMA_LOCKED;
	locked = r->vflags & VMA_LOCKED;
	/* mdwe: a stranger could write what is to be run. */
	err = as->mdwe && !(~r->prot & (PROT_WRITE | PROT_EXEC)) ? -EACCES
								 : make_room(as, r, &dead);
	if (!err)
		err = aspace_map_locked(as, r->addr, r->len, r->prot, r->vflags, r->object, r->file,
					r->index);
	rwlock_write_unlock(&as->lock);
	if (dead)
		aspace_bury(dead);
	if (err)
		return err;
	if ((locked && !(r->vflags & VMA_LOCKONFAULT)) ||
	    (r->flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE)
		populate(as, r->addr, r->addr + r->len);
	return r->addr;
}

static long do_map(struct map_request *r)
{
	long ret = r->file ? decode_file(r) : decode_anon(r);

	if (!ret)
		ret = map_perform(r);
	if (r->announced)
		r->object->nr_mapping--;
	if (r->object)
		object_put(r->object);
	return ret;
}

long mmap_file(struct file *file, uaddr_t addr, size_t len, uint32_t prot, int flags)
{
	struct map_request r = {.addr = addr, .prot = prot, .flags = flags, .file = file};

	r.len = ALIGN_UP(len, PAGE_SIZE);
	return do_map(&r);
}

static inline int length_check(const struct map_request *r, size_t len, uint64_t off)
{
	if (!len)
		return -EINVAL;
	if (!r->len || (r->flags & MAP_HUGETLB))
		return -ENOMEM;
	if (off > INT64_MAX - r->len)
		return -EOVERFLOW;
	return r->len > USER_TOP ? -ENOMEM : 0;
}

SYSCALL6(mmap, uaddr_t, addr, size_t, len, int, prot, int, flags, int, fd, uint64_t, off)
{
	bool no_promise = (flags & MAP_NORESERVE) && overcommit_memory != OVERCOMMIT_NEVER;
	struct map_request r = {.addr = addr, .len = ALIGN_UP(len, PAGE_SIZE), .prot = prot & 7,
				.vflags = no_promise ? VMA_NORESERVE : 0, .flags = flags,
				.index = off >> PAGE_SHIFT};
	long ret;

	if (off & ~PAGE_MASK)
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS)) {
		r.file = fd_get(fd);
		if (!r.file)
			return -EBADF;
	}
	ret = length_check(&r, len, off);
	if (!ret)
		ret = do_map(&r);
	if (r.file)
		file_put(r.file);
	return ret;
}

SYSCALL2(munmap, uaddr_t, addr, size_t, len)
{
	size_t size = ALIGN_UP(len, PAGE_SIZE);

	if ((addr & ~PAGE_MASK) || !size || len > USER_TOP || addr > USER_TOP - size)
		return -EINVAL;
	return aspace_unmap(current()->aspace, addr, size);
}

/* --- populate --- */

int populate_strict(struct aspace *as, uaddr_t start, uaddr_t end, bool write)
{
	const enum vm_access access =
		VM_KERNEL_ACCESS | (write ? VM_WRITE_ACCESS : VM_READ_ACCESS);
	int signal, code;

	for (; start < end; start += PAGE_SIZE) {
		int err = vm_fault(as, start, access, &signal, &code);

		if (err)
			return err;
	}
	return 0;
}

int populate(struct aspace *as, uaddr_t start, uaddr_t end)
{
	struct vma_span s;
	int err = 0, now;

	for (; span_get(as, start, end, &s); start = s.end) {
		bool write = (s.prot & PROT_WRITE) && !(s.flags & VMA_SHARED);

		span_put(&s);
		now = s.prot & (PROT_READ | PROT_WRITE)
			      ? populate_strict(as, s.start, s.end, write)
			      : -EFAULT;
		err = err ? err : now;
		if (now && now != -EFAULT)
			break;
	}
	return err;
}

/* --- mprotect --- */

/* May the area get the protection? 0, -EACCES, or -EPERM: it has one of the flags `held`. */
static int protect_check(const struct vma *v, uint32_t prot, uint32_t held)
{
	if ((prot & PROT_WRITE) && !(v->flags & VMA_MAYWRITE))
		return -EACCES;
	if ((prot & PROT_EXEC) &&
	    ((v->as->mdwe && ((prot & PROT_WRITE) || !(v->prot & PROT_EXEC))) ||
	     (v->file && (file_map_mode(v->file) & FILE_MAP_NOEXEC))))
		return -EACCES;
	return v->flags & held ? -EPERM : 0;
}

/*
 * Will the area be promised with the protection? Private memory that becomes writable is, and is no
 * more once it is not writable, if it has had no pages of its own. VMA_ACCOUNT, 0 or -ENOMEM.
 */
static int protect_account(const struct vma *v, uint32_t prot, uint64_t pages)
{
	int is = v->flags & VMA_ACCOUNT;

	if (!(prot & PROT_WRITE))
		return v->object || (v->flags & VMA_DIRTIED) ? is : 0;
	if ((v->prot & PROT_WRITE) || !vma_private(v))
		return is;
	/* It turns into data. */
	if ((v->as->data_pages + pages) << PAGE_SHIFT > rlimit_get(RLIMIT_DATA) &&
	    !aspace_may_grow(v->as, pages, false))
		return -ENOMEM;
	if (is || !commit_flag(prot, v->flags))
		return is;
	return commit_allowed(pages) ? -ENOMEM : VMA_ACCOUNT;
}

/* What of the area lies in [at, end), which *area becomes. 0 or -errno with nothing changed. */
static int protect_area(struct vma **area, uaddr_t at, uaddr_t end, uint32_t prot,
			struct tlb_batch *b)
{
	struct vma *v = *area;
	int account = protect_account(v, prot, (MIN(end, v->end) - at) >> PAGE_SHIFT);
	uint32_t flags;

	if (account < 0 || v->as->areas.count + 2UL > max_map_count ||
	    !(v = aspace_isolate(v, at, end, false)))
		return -ENOMEM;
	*area = v;
	flags = (v->flags & ~(uint32_t)VMA_ACCOUNT) | (uint32_t)account;
	/*
	 * Write-back asks whether a shared area may be written to: the answer is yes before the
	 * first entry is writable and until after the last one is.
	 */
	if (prot & PROT_WRITE)
		aspace_area_change(v, prot, flags);
	pt_protect(v, prot, v->start, v->end, b);
	if (!(prot & PROT_WRITE))
		aspace_area_change(v, prot, flags);
	return 0;
}

int protect_locked(struct aspace *as, uaddr_t start, uaddr_t end, uint32_t prot, uint32_t held)
{
	struct vma *v = vma_find(&as->areas, start), *first = NULL;
	struct tlb_batch batch;
	uaddr_t at = start;
	int err = 0;

	tlb_batch_begin(&batch, as, false);
	for (; at < end; at = v->end, v = v->next) {
		err = v && v->start <= at ? protect_check(v, prot, held) : -ENOMEM;
		if (!err && v->prot != prot)
			err = protect_area(&v, at, end, prot, &batch);
		if (err)
			break;
		first = first ? first : v;
	}
	tlb_batch_end(&batch);
	aspace_merge_from(first, at);
	return err;
}

SYSCALL3(mprotect, uaddr_t, addr, size_t, len, uint64_t, prot)
{
	struct aspace *as = current()->aspace;
	const uint64_t grows = PROT_GROWSDOWN | PROT_GROWSUP, rare = prot & ~7UL; /* besides RWX */
	uaddr_t end = addr + ALIGN_UP(len, PAGE_SIZE);
	struct vma *v;
	int err;

	if ((addr & ~PAGE_MASK) || (rare && (rare & grows) == grows))
		return -EINVAL;
	if (!len)
		return 0;
	if (end <= addr)
		return -ENOMEM;
	if (rare && (rare & ~(uint64_t)(PROT_GROWSDOWN | PROT_SEM)))
		return -EINVAL;
	rwlock_write(&as->lock);
	if (unlikely(rare & PROT_GROWSDOWN)) {
		v = vma_find(&as->areas, addr);
		err = !v || v->start >= end ? -ENOMEM : v->flags & VMA_GROWSDOWN ? 0 : -EINVAL;
		if (err)
			goto out;
		addr = MIN(addr, v->start);
	}
	err = protect_locked(as, addr, end, prot & 7, VMA_SEALED);
out:
	rwlock_write_unlock(&as->lock);
	/* A program that has just written the code expects to run it. */
	if (!err && (prot & PROT_EXEC))
		icache_flush();
	return err;
}

/* --- brk --- */

SYSCALL1(brk, uaddr_t, brk)
{
	struct aspace *as = current()->aspace;
	struct vma *dead = NULL, *v;
	uaddr_t old, new;
	uint64_t data;
	bool locked = false;

	rwlock_write(&as->lock);
	if (brk < as->layout.start_brk || brk > USER_TOP)
		goto out;
	old = ALIGN_UP(as->brk, PAGE_SIZE);
	new = ALIGN_UP(brk, PAGE_SIZE);
	data = brk - as->layout.start_brk + as->layout.end_data - as->layout.start_data;
	if (brk > as->brk && data > rlimit_get(RLIMIT_DATA))
		goto out;
	if (new < old) {
		if (aspace_unmap_locked(as, new, old, &dead))
			goto out;
	} else if (new > old) {
		v = vma_find(&as->areas, old);
		if ((v && v->start < new + PAGE_SIZE) || as->areas.count > max_map_count)
			goto out;
		if (aspace_may_grow(as, (new - old) >> PAGE_SHIFT, true) ||
		    commit_allowed((new - old) >> PAGE_SHIFT))
			goto out;
		if (as->lock_future && mlock_allowed(as, (new - old) >> PAGE_SHIFT))
			goto out;
		if (aspace_map_locked(as, old, new - old, PROT_READ | PROT_WRITE,
				      VMA_MAYWRITE | VMA_ACCOUNT | as->lock_future, NULL, NULL, 0))
			goto out;
		locked = as->lock_future == VMA_LOCKED;
	}
	as->brk = brk;
	if (locked) {
		rwlock_write_unlock(&as->lock);
		populate(as, old, new);
		return brk;
	}
out:
	brk = as->brk;
	rwlock_write_unlock(&as->lock);
	aspace_bury(dead);
	return brk;
}

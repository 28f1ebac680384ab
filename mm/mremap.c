#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "mm/aspace.h"
#include "mm/commit.h"
#include "mm/mmap.h"
#include "mm/object.h"
#include "mm/pagetable.h"
#include "mm/swap.h"
#include "mm/tlb.h"

struct remap {
	struct aspace *as;
	uaddr_t old, new;
	size_t old_len, new_len; /* page aligned */
	int flags;
	struct vma *dead;	/* to be buried once the lock is released */
	uaddr_t fill, fill_end;	/* locked memory to be brought in after that */
	bool swapped;		/* pages have to be brought in first */
};

/* Limits: would `pages` more of what v is be too much? 0 or -ENOMEM. (a writer) */
static int may_grow(const struct vma *v, uint64_t pages)
{
	int err = aspace_may_grow(v->as, pages, vma_private(v) && (v->prot & PROT_WRITE));

	return !err && (v->flags & VMA_ACCOUNT) ? commit_allowed(pages) : err;
}

/* May the area behind r->old become new_len long? The area, or an error pointer. (a writer) */
static struct vma *resizable(struct remap *r)
{
	struct vma *v = vma_at(&r->as->areas, r->old);
	uint64_t more;

	if (!v)
		return err_ptr(-EFAULT);
	/* Length 0 doubles a shared mapping; it means nothing for a private one. */
	if (!r->old_len && vma_private(v))
		return err_ptr(-EINVAL);
	if (r->old_len > v->end - r->old)
		return err_ptr(-EFAULT);
	if (r->new_len <= r->old_len)
		return v;
	more = (r->new_len - r->old_len) >> PAGE_SHIFT;
	if ((v->flags & VMA_LOCKED) && mlock_allowed(r->as, more))
		return err_ptr(-EAGAIN);
	return may_grow(v, more) ? err_ptr(-ENOMEM) : v;
}

/*
 * Set up the area at r->new and move the entries. Truncation and write-back look through the
 * object: its lock keeps them from missing an entry that changes places. (a writer)
 */
static int move_entries(struct remap *r, struct vma *v)
{
	struct object *o = v->object;
	size_t len = MIN(r->old_len, r->new_len);
	struct tlb_batch batch;
	struct vma *copy;
	int err;

	copy = aspace_area_copy(v, r->old, v->end);
	if (!copy)
		return -ENOMEM;
	copy->start = r->new;
	copy->end = r->new + r->new_len;
	copy->flags &= ~(VMA_STACK | VMA_UFFD);
	aspace_enter(r->as, copy);
	tlb_batch_begin(&batch, r->as, false);
	if (o)
		mutex_lock(&o->lock);
	err = pt_move(r->as, r->old, r->new, len, &batch);
	r->swapped = err == -EAGAIN;
	if (o)
		mutex_unlock(&o->lock);
	tlb_batch_end(&batch);
	if (err)
		aspace_unmap_locked(r->as, r->new, r->new + r->new_len, &r->dead);
	return err;
}

/* (a writer) The place at r->new is free. */
static long move(struct remap *r)
{
	struct vma *v;
	bool locked;
	int err;

	if (r->as->areas.count + 3 > max_map_count)
		return -ENOMEM;
	v = vma_at(&r->as->areas, r->old);
	if (r->old_len && !(v = aspace_isolate(v, r->old, r->old + r->old_len, false)))
		return -ENOMEM;
	locked = v->flags & VMA_LOCKED;
	err = move_entries(r, v);
	if (err)
		return err;
	if (r->old_len && !(r->flags & MREMAP_DONTUNMAP))
		aspace_unmap_locked(r->as, r->old, r->old + r->old_len, &r->dead);
	else if (locked && r->old_len)
		aspace_area_change(v, v->prot, v->flags & ~(VMA_LOCKED | VMA_LOCKONFAULT));
	aspace_merge(r->as, r->new, r->new + r->new_len);
	if (locked && r->new_len > r->old_len) {
		r->fill = r->new + r->old_len;
		r->fill_end = r->new + r->new_len;
	}
	return r->new;
}

/* MREMAP_FIXED, MREMAP_DONTUNMAP: to where the caller says. (a writer) */
static long remap_to(struct remap *r)
{
	struct vma *v;
	int err;

	if ((r->new & ~PAGE_MASK) || r->new_len > USER_TOP || r->new > USER_TOP - r->new_len)
		return -EINVAL;
	if (r->flags & MREMAP_FIXED) {
		if (r->old + r->old_len > r->new && r->new + r->new_len > r->old)
			return -EINVAL;
		if (r->new < MMAP_MIN_ADDR)
			return -EPERM;
		err = aspace_unmap_locked(r->as, r->new, r->new + r->new_len, &r->dead);
		if (err)
			return err;
	}
	if (r->old_len > r->new_len) {
		err = aspace_unmap_locked(r->as, r->old + r->new_len, r->old + r->old_len,
					  &r->dead);
		if (err)
			return err;
		r->old_len = r->new_len;
	}
	v = resizable(r);
	if (is_err(v))
		return ptr_err(v);
	if ((r->flags & MREMAP_DONTUNMAP) && may_grow(v, r->new_len >> PAGE_SHIFT))
		return -ENOMEM;
	if (!(r->flags & MREMAP_FIXED)) {
		r->new = aspace_hole(r->as, r->new, r->new_len, PAGE_SIZE);
		if (!r->new)
			return -ENOMEM;
	}
	return move(r);
}

/* (a writer) */
static long resize(struct remap *r)
{
	struct vma *v, *next;
	uaddr_t end = r->old + r->new_len;
	int err = 0;

	if (r->old_len >= r->new_len) {
		if (r->old_len > r->new_len)
			err = aspace_unmap_locked(r->as, end, r->old + r->old_len, &r->dead);
		return err ? err : (long)r->old;
	}
	v = resizable(r);
	if (is_err(v))
		return ptr_err(v);
	next = v->next;
	if (r->old_len == v->end - r->old && r->new_len <= USER_TOP - r->old &&
	    (!next || next->start >= end)) {
		if (v->flags & VMA_LOCKED) {
			r->fill = v->end;
			r->fill_end = end;
		}
		aspace_area_resize(v, v->start, end);
		aspace_merge(r->as, end, end);
		return r->old;
	}
	if (!(r->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	r->new = aspace_hole(r->as, 0, r->new_len, PAGE_SIZE);
	return r->new ? move(r) : -ENOMEM;
}

static long remap(struct remap *r)
{
	const struct vma *v;
	long ret;

	rwlock_write(&r->as->lock);
	v = vma_at(&r->as->areas, r->old);
	if (!v)
		ret = -EFAULT;
	else if (v->flags & VMA_SEALED)
		ret = -EPERM;
	else if (r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		ret = remap_to(r);
	else if (r->new_len > USER_TOP)
		ret = -ENOMEM;
	else
		ret = resize(r);
	rwlock_write_unlock(&r->as->lock);
	aspace_bury(r->dead);
	populate(r->as, r->fill, r->fill_end);
	return ret;
}

SYSCALL5(mremap, uaddr_t, old, size_t, old_len, size_t, new_len, uint64_t, flags, uaddr_t, new)
{
	const struct remap asked = {
		.as = current()->aspace,
		.old = old,
		.new = new,
		.old_len = ALIGN_UP(old_len, PAGE_SIZE),
		.new_len = ALIGN_UP(new_len, PAGE_SIZE),
		.flags = flags,
	};
	struct remap r = asked;
	long ret;

	if (flags & ~(uint64_t)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return -EINVAL;
	if ((flags & MREMAP_FIXED) && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((flags & MREMAP_DONTUNMAP) && (!(flags & MREMAP_MAYMOVE) || old_len != new_len))
		return -EINVAL;
	if ((old & ~PAGE_MASK) || !r.new_len)
		return -EINVAL;
	if (old >= USER_TOP)
		return -EFAULT;
	if (r.old_len > USER_TOP - old)
		return -EFAULT;
	/* What is swapped out and not ours alone comes in first, unless it goes out again. */
	while ((ret = remap(&r)) && r.swapped) {
		r = asked;
		if (swap_in_range(r.as, NULL, NULL, old, old + r.old_len))
			return -ENOMEM;
	}
	return ret;
}

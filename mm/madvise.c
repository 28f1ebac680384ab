#include "fs/file.h"
#include "kernel/swap/object.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "mm/aspace.h"
#include "mm/mmap.h"
#include "mm/object.h"
#include "mm/pagecache.h"
#include "mm/pagetable.h"
#include "mm/reclaim.h"
#include "mm/swap.h"
#include "mm/thp.h"
#include "mm/tlb.h"

struct advice {
	int what;
	uint32_t set, clear;	/* VMA_* flags it changes */
	bool drop;		/* drops the pages */
};

/* What changes the areas or their pages; the rest is handled by name. */
static const struct advice advices[] = {
	{MADV_NORMAL, 0, VMA_SEQUENTIAL | VMA_RANDOM, false},
	{MADV_RANDOM, VMA_RANDOM, VMA_SEQUENTIAL, false},
	{MADV_SEQUENTIAL, VMA_SEQUENTIAL, VMA_RANDOM, false},
	{MADV_DONTFORK, VMA_DONTFORK, 0, false},
	{MADV_DOFORK, 0, VMA_DONTFORK, false},
	{MADV_WIPEONFORK, VMA_WIPEONFORK, 0, false},
	{MADV_KEEPONFORK, 0, VMA_WIPEONFORK, false},
	{MADV_DONTDUMP, VMA_DONTDUMP, 0, false},
	{MADV_DODUMP, 0, VMA_DONTDUMP, false},
	{MADV_HUGEPAGE, VMA_HUGEPAGE, VMA_NOHUGEPAGE, false},
	{MADV_NOHUGEPAGE, VMA_NOHUGEPAGE, VMA_HUGEPAGE, false},
	{MADV_DONTNEED, 0, 0, true},
	{MADV_DONTNEED_LOCKED, 0, 0, true},
	{MADV_FREE, 0, 0, true},
};

static const struct advice *advice_find(int what)
{
	for (size_t i = 0; i < ARRAY_SIZE(advices); i++)
		if (advices[i].what == what)
			return &advices[i];
	return NULL;
}

/* Would it lose what is sealed: memory that nobody may write to? (mseal(2)) */
static bool sealed(uint32_t flags, uint32_t prot, const struct file *file)
{
	return (flags & (VMA_SEALED | VMA_SHARED)) == VMA_SEALED && !file &&
	       !(prot & PROT_WRITE);
}

/* Does the area take the advice? 0 or -errno, as madvise(2) says. */
static int advice_fits(const struct vma *v, const struct advice *a)
{
	if ((a->drop || a->set & (VMA_DONTFORK | VMA_WIPEONFORK)) &&
	    sealed(v->flags, v->prot, v->file))
		return -EPERM;
	switch (a->what) {
	case MADV_DONTNEED:
		return v->flags & VMA_LOCKED ? -EINVAL : 0;
	case MADV_FREE:
		return v->object || (v->flags & VMA_LOCKED) ? -EINVAL : 0;
	case MADV_WIPEONFORK:
		return v->object ? -EINVAL : 0;
	default:
		return 0;
	}
}

/* One area, isolated. Dropping under the writer's lock: no fault runs meanwhile. */
static void advise_area(struct vma *v, const struct advice *a, struct tlb_batch *b)
{
	if (a->drop)
		pt_unmap(v->as, v->start, v->end, b);
	else
		aspace_area_change(v, v->prot, (v->flags | a->set) & ~a->clear);
}

/* Holes are skipped, and told in the end: -ENOMEM. */
static int advise_areas(struct aspace *as, uaddr_t start, uaddr_t end, const struct advice *a)
{
	struct tlb_batch batch;
	uaddr_t at = start;
	int err = 0, hole = 0;
	struct vma *v;

	rwlock_write(&as->lock);
	tlb_batch_begin(&batch, as, aspace_exclusive(as));
	while (at < end && !err) {
		v = vma_find(&as->areas, at);
		if (!v || v->start >= end) {
			hole = -ENOMEM;
			break;
		}
		if (v->start > at)
			hole = -ENOMEM;
		at = MAX(at, v->start);
		err = advice_fits(v, a);
		if (!err && !(v = aspace_isolate(v, at, end, a->drop)))
			err = -ENOMEM;
		if (err)
			break;
		advise_area(v, a, &batch);
		at = v->end;
	}
	tlb_batch_end(&batch);
	if (at > start)
		aspace_merge(as, start, MIN(at, end));
	rwlock_write_unlock(&as->lock);
	return err ? err : hole;
}

/* --- advice that needs no change of areas: done area by area with the lock released --- */

bool span_get(struct aspace *as, uaddr_t at, uaddr_t end, struct vma_span *s)
{
	struct vma *v;

	rwlock_read(&as->lock);
	v = vma_find(&as->areas, at);
	if (at < end && v && v->start < end) {
		s->start = MAX(at, v->start);
		s->end = MIN(end, v->end);
		s->prot = v->prot;
		s->flags = v->flags;
		s->index = vma_index(v, s->start);
		s->object = v->object ? object_get(v->object) : NULL;
		s->file = v->file ? file_get(v->file) : NULL;
	} else {
		v = NULL;
	}
	rwlock_read_unlock(&as->lock);
	return v;
}

void span_put(struct vma_span *s)
{
	if (s->object)
		object_put(s->object);
	if (s->file)
		file_put(s->file);
}

static int advise_remove(struct vma_span *s)
{
	uint64_t pages = (s->end - s->start) >> PAGE_SHIFT;

	if (sealed(s->flags, s->prot, s->file))
		return -EPERM;
	if (!s->object || (s->flags & VMA_LOCKED))
		return -EINVAL;
	if (!(s->flags & VMA_SHARED) || !(s->prot & PROT_WRITE))
		return -EACCES;
	/* A file would have to give its blocks back as well. */
	if (s->object->ops->write_pages)
		return -EOPNOTSUPP;
	return pagecache_invalidate(s->object, s->index, s->index + pages - 1);
}

static int advise_populate(struct aspace *as, struct vma_span *s, bool write)
{
	int err;

	if (!(s->prot & (write ? PROT_WRITE : PROT_READ)))
		return -EINVAL;
	err = populate_strict(as, s->start, s->end, write);
	return err == -ERESTARTNOINTR ? -EINTR : err;
}

/* Each 2 MiB of the span by itself: what fails does not keep the others from being tried. */
static int advise_collapse(struct aspace *as, struct vma_span *s)
{
	uaddr_t at = ALIGN_UP(s->start, L1_SIZE), end = ALIGN_DOWN(s->end, L1_SIZE);
	int err = at > end ? -EINVAL : 0, now;

	for (; at < end; at += L1_SIZE) {
		struct vma *v;

		rwlock_write(&as->lock);
		v = vma_at(&as->areas, at);
		now = v ? thp_collapse(v, at) : -EINVAL;
		rwlock_write_unlock(&as->lock);
		err = now ? now : err;
	}
	return err;
}

static int advise_span(struct aspace *as, struct vma_span *s, int what)
{
	switch (what) {
	case MADV_WILLNEED:
		if (s->object)
			pagecache_readahead(s->object, s->index, (s->end - s->start) >> PAGE_SHIFT);
		/* As far as it goes: who touches a page that could not be read is told. */
		(void)swap_in_range(as, NULL, NULL, s->start, s->end);
		return 0;
	case MADV_COLD:
	case MADV_PAGEOUT:
		if (s->flags & VMA_LOCKED)
			return -EINVAL;
		if (what == MADV_COLD) {
			cool_range(as, s->start, s->end);
			return 0;
		}
		evict_range(as, s->start, s->end);
		if (s->object)
			swap_object_page_out(s->object, s->index,
					     (s->end - s->start) >> PAGE_SHIFT);
		return 0;
	case MADV_REMOVE:
		return advise_remove(s);
	case MADV_COLLAPSE:
		return advise_collapse(as, s);
	default:
		return advise_populate(as, s, what == MADV_POPULATE_WRITE);
	}
}

static int advise_spans(struct aspace *as, uaddr_t at, uaddr_t end, int what)
{
	bool strict = what == MADV_POPULATE_READ || what == MADV_POPULATE_WRITE;
	int err = 0, hole = 0;
	struct vma_span s;

	while (at < end && !err) {
		if (!span_get(as, at, end, &s))
			return -ENOMEM;
		if (s.start > at)
			hole = -ENOMEM;
		err = hole && strict ? hole : advise_span(as, &s, what);
		at = s.end;
		span_put(&s);
	}
	return err ? err : hole;
}

long madvise_of(struct aspace *as, uaddr_t start, size_t len, int what)
{
	const struct advice *a = advice_find(what);
	size_t size = ALIGN_UP(len, PAGE_SIZE);
	uaddr_t end = start + size;

	if (!a && what != MADV_WILLNEED && what != MADV_REMOVE && what != MADV_PAGEOUT &&
	    what != MADV_POPULATE_READ && what != MADV_POPULATE_WRITE && what != MADV_COLLAPSE &&
	    what != MADV_COLD)
		return -EINVAL;
	if ((start & ~PAGE_MASK) || (len && !size) || end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	return a ? advise_areas(as, start, end, a) : advise_spans(as, start, end, what);
}

SYSCALL3(madvise, uaddr_t, start, size_t, len, int, what)
{
	return madvise_of(current()->aspace, start, len, what);
}

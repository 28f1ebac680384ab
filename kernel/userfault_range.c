/*
 * User-level paging: what its ioctls do to areas and pages. A page that is write-protected has
 * PTE_UFFD_WP in its entry, swapped out or not; it means something in areas that are registered
 * for it only, and is taken away when one is registered anew.
 */
#include "kernel/signal.h"
#include "kernel/swap/slot.h"
#include "kernel/userfault.h"
#include "mm/aspace.h"
#include "mm/pagetable.h"
#include "mm/reclaim.h"
#include "mm/share.h"
#include "mm/swap.h"
#include "mm/thp.h"
#include "mm/usercopy.h"

/* Set or clear the mark in entries of v. (a writer) */
static void entries_mark(struct vma *v, uaddr_t va, uaddr_t end, bool wp, struct tlb_batch *b)
{
	struct frame *leaf;

	while ((leaf = pt_leaf_next(v->as, &va, end))) {
		uaddr_t stop = pt_span_end(va, end);

		thp_split(leaf, b);
		leaf_lock(leaf);
		if (wp)
			tlb_batch_range(b, va, stop);
		for (pte_t *e = pt_entry(leaf, va); va < stop; va += PAGE_SIZE, e++) {
			if (wp && *e)
				*e = pte_wrprotect(*e) | PTE_UFFD_WP;
			else
				*e &= ~PTE_UFFD_WP;
		}
		leaf_unlock(leaf);
	}
}

/* --- areas --- */

/* (a reader) The area at `at` if it is registered, and for any of flags. */
static struct vma *area_registered(struct aspace *as, uaddr_t at, uint32_t flags)
{
	struct vma *v = vma_at(&as->areas, at);

	return v && (v->flags & flags) ? v : NULL;
}

/* May u have what lies in [start, end), holes left out? */
static int register_check(const struct userfault *u, struct aspace *as, uaddr_t start, uaddr_t end,
			  uint32_t flags)
{
	struct vma *v = vma_find(&as->areas, start);

	if (!v || v->start >= end)
		return -EINVAL;
	for (; v && v->start < end; v = v->next) {
		if (v->object || !vma_private(v))
			return -EINVAL;
		if ((v->flags & VMA_UFFD) && v->userfault != u)
			return flags ? -EBUSY : -EINVAL;
	}
	return 0;
}

/* One area becomes registered, or ordinary. The area after it in *next. (a writer) */
static int area_set(struct userfault *u, struct vma *v, uaddr_t start, uaddr_t end, uint32_t flags,
		    struct vma **next)
{
	struct tlb_batch batch;

	v = aspace_isolate(v, MAX(start, v->start), MIN(end, v->end), false);
	if (!v)
		return -ENOMEM;
	tlb_batch_begin(&batch, v->as, aspace_exclusive(v->as));
	/* What is protected stays so where it means the same. */
	if (!(v->flags & flags & VMA_UFFD_WP))
		entries_mark(v, v->start, v->end, false, &batch);
	tlb_batch_end(&batch);
	v->userfault = u;
	aspace_area_change(v, v->prot, (v->flags & ~VMA_UFFD) | flags);
	*next = v->next;
	return 0;
}

int userfault_register(struct userfault *u, struct aspace *as, uaddr_t start, uaddr_t end,
		       uint32_t flags)
{
	struct vma *v, *next;
	int err;

	rwlock_write(&as->lock);
	/* Nothing can keep the end of u from taking what is u's. */
	err = start ? register_check(u, as, start, end, flags) : 0;
	for (v = vma_find(&as->areas, start); !err && v && v->start < end; v = next) {
		next = v->next;
		if (flags || ((v->flags & VMA_UFFD) && v->userfault == u))
			err = area_set(u, v, start, end, flags, &next);
	}
	aspace_merge(as, start, end);
	rwlock_write_unlock(&as->lock);
	return err;
}

bool userfault_covers(struct aspace *as, uaddr_t start, uaddr_t end)
{
	struct vma *v;

	rwlock_read(&as->lock);
	while (start < end && (v = area_registered(as, start, VMA_UFFD)))
		start = v->end;
	rwlock_read_unlock(&as->lock);
	return start >= end;
}

int userfault_protect(struct aspace *as, uaddr_t start, uaddr_t end, bool wp)
{
	struct tlb_batch batch;
	struct vma *v;
	int err = -ENOENT;

	rwlock_write(&as->lock);
	tlb_batch_begin(&batch, as, aspace_exclusive(as));
	for (v = vma_find(&as->areas, start); v && v->start < end; v = v->next) {
		err = v->flags & VMA_UFFD_WP ? 0 : -ENOENT;
		if (err)
			break;
		entries_mark(v, MAX(start, v->start), MIN(end, v->end), wp, &batch);
	}
	tlb_batch_end(&batch);
	rwlock_write_unlock(&as->lock);
	return err;
}

/* --- pages --- */

/*
 * Frame, or zeros if NULL, become the page at va. 0; -EEXIST, -ENOENT, -EINVAL; -EAGAIN: no memory
 * for a table. (a reader)
 */
static int page_enter(struct aspace *as, uaddr_t va, struct frame *frame, bool wp)
{
	struct vma *v = area_registered(as, va, VMA_UFFD);
	paddr_t pa = frame ? frame_pa(frame) : zero_page_pa;
	struct frame *leaf;
	int err = 0;
	pte_t *e, p;

	if (!v)
		return -ENOENT;
	if (wp && !(v->flags & VMA_UFFD_WP))
		return -EINVAL;
	leaf = pt_leaf_create(as, va);
	if (!leaf)
		return -EAGAIN;
	if (frame && (v->prot & PROT_EXEC))
		icache_flush();
	p = pte_user(pa, v->prot, frame && !wp) | (wp ? PTE_UFFD_WP : 0);
	e = pt_entry(leaf, va);
	leaf_lock(leaf);
	if (*e) {
		err = -EEXIST;
	} else if (frame) {
		frame_make_anon(frame);
		pt_set_anon(leaf, e, frame, p);
		v->flags |= VMA_DIRTIED; /* as fault.c does */
	} else {
		*e = p | PTE_SPECIAL;
	}
	leaf_unlock(leaf);
	return err;
}

/* There was no memory, with a lock: have some reclaimed, and compete for it again. 0, -ENOMEM. */
static int memory_await(void)
{
	struct frame *f = frame_alloc_wait(0, 0);

	if (!f)
		return -ENOMEM;
	frame_free(f, 0);
	return 0;
}

static int page_fill(struct aspace *as, uaddr_t va, const uaddr_t *src, bool wp)
{
	struct frame *frame = NULL;
	int err = 0;

	if (src) {
		frame = frame_alloc_wait(0, 0);
		if (!frame)
			return -ENOMEM;
		err = copy_from_user(frame_data(frame), *src, PAGE_SIZE);
	}
	while (!err) {
		rwlock_read(&as->lock);
		err = page_enter(as, va, frame, wp);
		rwlock_read_unlock(&as->lock);
		if (!err)
			return 0;
		if (err != -EAGAIN)
			break;
		err = memory_await();
	}
	if (frame)
		frame_free(frame, 0);
	return err;
}

int64_t userfault_fill(struct aspace *as, uaddr_t start, uaddr_t end, const uaddr_t *src, bool wp)
{
	uaddr_t va = start, from = src ? *src : 0;
	int err = userfault_covers(as, start, end) ? 0 : -ENOENT;

	while (!err && va < end) {
		err = signal_fatal_pending() ? -EINTR : page_fill(as, va, src ? &from : NULL, wp);
		if (err)
			break;
		va += PAGE_SIZE;
		from += PAGE_SIZE;
	}
	return va > start ? (int64_t)(va - start) : err;
}

/* --- pages that move --- */

struct move {
	const struct userfault *u;
	struct aspace *as;
	uaddr_t to, from;
	uint64_t len; /* what is left */
	bool holes;
};

/* Can pages be moved from one area to the other at all? (a) 0, -ENOENT, -EINVAL. */
static int move_check(const struct move *m)
{
	const struct vma *d = vma_at(&m->as->areas, m->to), *s = vma_at(&m->as->areas, m->from);

	if (!d || !s)
		return -ENOENT;
	if (m->len > d->end - m->to || m->len > s->end - m->from)
		return -EINVAL;
	if (d->object || s->object || !vma_private(d) || !vma_private(s))
		return -EINVAL;
	if (!(d->flags & VMA_UFFD) || d->userfault != m->u)
		return -EINVAL;
	if (d->prot != s->prot || !(s->prot & PROT_WRITE))
		return -EINVAL;
	return (d->flags ^ s->flags) & VMA_LOCKED ? -EINVAL : 0;
}

/*
 * What is at va? 0: a page of nobody else's, or zeros; -ENOENT: none; -EAGAIN: one that is swapped
 * out; -EBUSY: one that others have, too. (a writer)
 */
static int page_state(struct aspace *as, uaddr_t va, struct tlb_batch *b)
{
	uaddr_t at = va;
	struct frame *leaf = pt_leaf_next(as, &at, va + PAGE_SIZE), *frame;
	int err = 0;
	pte_t p;

	if (!leaf)
		return -ENOENT;
	thp_split(leaf, b);
	leaf_lock(leaf);
	p = *pt_entry(leaf, va);
	frame = pte_resident(p) && !pte_special(p) ? pte_frame(p) : NULL;
	if (!p)
		err = -ENOENT;
	else if (pte_is_swap(p))
		err = -EAGAIN;
	else if (frame && (frame->maps != 1 || !swap_take_over(frame)))
		err = -EBUSY;
	leaf_unlock(leaf);
	return err;
}

/* 0, -errno; -EAGAIN: the page has to be brought first. (a writer) */
static int page_move(const struct move *m, struct tlb_batch *b)
{
	struct vma *v = vma_at(&m->as->areas, m->to);
	int err;

	if (page_state(m->as, m->to, b) != -ENOENT)
		return -EEXIST;
	/* A table that is shared with another space says nothing of who has its pages. */
	if (pt_unshare(m->as, m->from, m->from + PAGE_SIZE, 0, 0))
		return -ENOMEM;
	err = page_state(m->as, m->from, b);
	if (err == -ENOENT && m->holes)
		return 0;
	if (!err)
		err = pt_move(m->as, m->from, m->to, PAGE_SIZE, b);
	if (err)
		return err;
	entries_mark(v, m->to, m->to + PAGE_SIZE, false, b);
	v->flags |= VMA_DIRTIED; /* as fault.c does */
	return 0;
}

static int page_move_locked(const struct move *m)
{
	struct tlb_batch batch;
	int err;

	rwlock_write(&m->as->lock);
	err = move_check(m);
	if (!err) {
		tlb_batch_begin(&batch, m->as, false);
		err = page_move(m, &batch);
		tlb_batch_end(&batch);
	}
	rwlock_write_unlock(&m->as->lock);
	return err;
}

int64_t userfault_move(const struct userfault *u, struct aspace *as, uaddr_t start, uaddr_t end,
		       uaddr_t from, bool holes)
{
	struct move m = {u, as, start, from, end - start, holes};
	int err = 0;

	while (m.len) {
		err = signal_fatal_pending() ? -EINTR : page_move_locked(&m);
		if (err == -EAGAIN || err == -ENOMEM) {
			err = err == -ENOMEM ? memory_await()
					     : swap_in_range(as, NULL, NULL, m.from,
							     m.from + PAGE_SIZE);
			/* A signal that is not the end comes after the page. */
			if (!err || err == -EINTR)
				continue;
		}
		if (err)
			break;
		m.to += PAGE_SIZE;
		m.from += PAGE_SIZE;
		m.len -= PAGE_SIZE;
	}
	return m.to > start ? (int64_t)(m.to - start) : err;
}

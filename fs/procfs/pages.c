#include "fs/procfs/pages.h"

#include "fs/file.h"
#include "kernel/swap/object.h"
#include "lib/string.h"
#include "mm/aspace.h"
#include "mm/frame.h"
#include "mm/pagetable.h"

/* By how many spaces f is mapped, as seen from an entry in leaf, which is locked. */
static uint32_t frame_users(const struct frame *f, const struct frame *leaf)
{
	return f->maps + leaf->refs - 1;
}

/* Count what one entry stands for. */
static void count_entry(const struct frame *leaf, pte_t e, struct vma_info *out)
{
	const struct frame *f;
	uint32_t users;
	bool dirty;

	out->swapped += pte_is_swap(e);
	if (!pte_resident(e) || pte_special(e))
		return;
	f = pte_frame(e);
	users = frame_users(f, leaf);
	dirty = (e & PTE_D) || frame_type(f) == FRAME_ANON || frame_has(f, FRAME_DIRTY);
	out->rss++;
	out->pss += PAGE_SIZE / users;
	out->anon += frame_type(f) == FRAME_ANON;
	out->referenced += !!(e & PTE_A);
	out->by_kind[users > 1][dirty]++;
}

static void count_pages(struct vma *v, struct vma_info *out)
{
	uaddr_t va = v->start;
	struct frame *leaf;

	while ((leaf = pt_lock_next(v->as, &va, v->end))) {
		uaddr_t stop = pt_span_end(va, v->end);

		if (leaf->owner && (leaf->word & FRAME_HUGE))
			out->anon_huge += (stop - va) >> PAGE_SHIFT;
		for (; va < stop; va += PAGE_SIZE)
			count_entry(leaf, *pt_entry(leaf, va), out);
		pt_unlock(leaf);
	}
	out->pss /= KiB;
	out->locked = v->flags & VMA_LOCKED ? out->rss : 0;
	/* Those that nobody who shares them maps. */
	if (v->object)
		out->swapped += swap_object_out(v->object, v->index, v->index + vma_pages(v) - 1);
}

static bool is_heap(const struct vma *v)
{
	return !v->object && v->start < v->as->brk && v->end > v->as->layout.start_brk;
}

bool aspace_area_info(struct aspace *as, uint64_t addr, bool with_pages, struct vma_info *out)
{
	struct vma *v;

	memset(out, 0, sizeof(*out));
	rwlock_read(&as->lock);
	v = vma_find(&as->areas, addr);
	if (v) {
		out->area = *v;
		if (v->file)
			file_get(v->file);
		out->name = v->flags & VMA_STACK	  ? "[stack]"
			    : v->start == as->layout.vdso ? "[vdso]"
			    : is_heap(v)		  ? "[heap]"
							  : "";
		if (with_pages)
			count_pages(v, out);
	}
	rwlock_read_unlock(&as->lock);
	return v;
}

/* Bits of /proc/PID/pagemap (proc_pid_pagemap(5)). */
static uint64_t pagemap_entry(const struct frame *leaf, pte_t e)
{
	const uint64_t present = BIT(63), swapped = BIT(62), file = BIT(61), exclusive = BIT(56);
	uint64_t entry = present | pte_pa(e) >> PAGE_SHIFT;

	if (!pte_resident(e))
		return pte_is_swap(e) ? swapped : 0;
	if (pte_special(e))
		return entry;
	if (frame_type(pte_frame(e)) == FRAME_OBJECT)
		entry |= file;
	return frame_users(pte_frame(e), leaf) == 1 ? entry | exclusive : entry;
}

void aspace_pagemap(struct aspace *as, uint64_t addr, uint64_t *entries, size_t n)
{
	uaddr_t va = addr, end = addr + n * PAGE_SIZE;
	struct frame *leaf;

	memset(entries, 0, n * sizeof(*entries));
	rwlock_read(&as->lock);
	while ((leaf = pt_lock_next(as, &va, end))) {
		uaddr_t stop = pt_span_end(va, end);

		for (; va < stop; va += PAGE_SIZE)
			entries[(va - addr) >> PAGE_SHIFT] =
				pagemap_entry(leaf, *pt_entry(leaf, va));
		pt_unlock(leaf);
	}
	rwlock_read_unlock(&as->lock);
}

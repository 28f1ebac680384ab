#include "mm/report.h"

#include "fs/file.h"
#include "kernel/layout.h"
#include "lib/string.h"
#include "mm/aspace.h"
#include "mm/frame.h"
#include "mm/object.h"
#include "mm/pagecache.h"
#include "mm/pagetable.h"
#include "mm/percpu.h"
#include "mm/queue.h"
#include "mm/stat.h"
#include "mm/vmalloc.h"
#include "mm/slab.h"

const char *const vm_event_names[VM_EVENTS] = {
	[VM_PGFAULT] = "pgfault",
	[VM_PGMAJFAULT] = "pgmajfault",
	[VM_PGALLOC] = "pgalloc_normal",
	[VM_PGFREE] = "pgfree",
	[VM_PGSCAN] = "pgscan_file",
	[VM_PGSTEAL] = "pgsteal_file",
	[VM_OOM_KILL] = "oom_kill",
	[VM_COW] = "xv39_cow_copied",
	[VM_COW_REUSE] = "xv39_cow_taken_over",
	[VM_ZERO_FAULT] = "xv39_fault_zero",
	[VM_ANON_FAULT] = "xv39_fault_anon",
	[VM_FILE_FAULT] = "xv39_fault_file",
	[VM_FAULT_AROUND] = "xv39_fault_around",
	[VM_TLB_LOCAL] = "nr_tlb_local_flush_all",
	[VM_TLB_REMOTE] = "nr_tlb_remote_flush",
	[VM_PGPGIN] = "pgpgin",
	[VM_PGPGOUT] = "pgpgout",
};

uint64_t vm_event_sum(enum vm_event e)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < nharts; i++) {
		const struct mm_hart *h = harts[i].percpu_mm;

		if (h)
			sum += h->events[e];
	}
	return sum;
}

static uint64_t kib(uint64_t pages)
{
	return pages * (PAGE_SIZE / KiB);
}

void meminfo_get(struct meminfo *out)
{
	struct frame_stats s;
	uint64_t file = queue_length;

	frame_stats(&s);
	memset(out, 0, sizeof(*out));
	out->total = kib(s.total);
	out->free = kib(s.free);
	out->cached = kib(pagecache_nr_frames);
	out->shmem = kib(pagecache_nr_frames - MIN(file, pagecache_nr_frames));
	out->available = kib(s.free + file - MIN(s.free + file, frames_min));
	out->active_anon = kib(s.by_type[FRAME_ANON]);
	out->inactive_file = kib(file);
	out->active = out->active_anon;
	out->inactive = out->inactive_file;
	out->anon_pages = kib(s.by_type[FRAME_ANON]);
	out->mapped = kib(s.mapped);
	out->dirty = kib(pagecache_nr_dirty);
	out->writeback = kib(pagecache_nr_writeback);
	out->slab = out->sunreclaim = kib(s.by_type[FRAME_SLAB]);
	out->page_tables = kib(s.by_type[FRAME_PAGETABLE]);
	out->kernel_stack = kib(kstack_pages);
	out->commit_limit = kib(s.total / 2);
	out->vmalloc_total = (VMALLOC_END - VMALLOC_BASE) / KiB;
	out->vmalloc_used = kib(vmalloc_pages);
}

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

	if (!pte_resident(e) || pte_special(e))
		return;
	f = pte_frame(e);
	users = frame_users(f, leaf);
	dirty = (e & PTE_D) || frame_type(f) == FRAME_ANON || frame_has(f, FRAME_DIRTY);
	out->rss++;
	out->pss += PAGE_SIZE / users;
	out->anon += frame_type(f) == FRAME_ANON;
	out->referenced += !!(e & PTE_A);
	out->dirty += dirty;
	if (users > 1 && dirty)
		out->shared_dirty++;
	else if (users > 1)
		out->shared_clean++;
	else if (dirty)
		out->private_dirty++;
	else
		out->private_clean++;
}

static void count_pages(struct vma *v, struct vma_info *out)
{
	uaddr_t va = v->start;
	struct frame *leaf;

	while ((leaf = pt_lock_next(v->as, &va, v->end))) {
		uaddr_t stop = pt_span_end(va, v->end);

		for (; va < stop; va += PAGE_SIZE)
			count_entry(leaf, *pt_entry(leaf, va), out);
		pt_unlock(leaf);
	}
	out->pss /= KiB;
}

bool aspace_area_info(struct aspace *as, uint64_t addr, bool with_pages, struct vma_info *out)
{
	struct vma *v;

	memset(out, 0, sizeof(*out));
	rwlock_read(&as->lock);
	v = vma_find(&as->areas, addr);
	if (v) {
		out->start = v->start;
		out->end = v->end;
		out->prot = v->prot;
		out->shared = !vma_private(v);
		out->stack = v->flags & VMA_STACK;
		out->growsdown = v->flags & VMA_GROWSDOWN;
		out->locked = v->flags & VMA_LOCKED;
		out->vdso = v->start == as->layout.vdso;
		out->heap = !v->object && v->start < as->brk && v->end > as->layout.start_brk;
		out->file = v->file ? file_get(v->file) : NULL;
		out->offset = v->object ? v->index << PAGE_SHIFT : 0;
		if (with_pages)
			count_pages(v, out);
	}
	rwlock_read_unlock(&as->lock);
	return v;
}

/* Bits of /proc/PID/pagemap (proc_pid_pagemap(5)). */
static uint64_t pagemap_entry(const struct frame *leaf, pte_t e)
{
	const uint64_t present = BIT(63), file = BIT(61), exclusive = BIT(56);
	uint64_t entry = present | pte_pa(e) >> PAGE_SHIFT;

	if (!pte_resident(e))
		return 0;
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

uint64_t frame_report_flags(uint64_t pfn)
{
	/* Bit numbers of Linux's kernel-page-flags.h. */
	enum { LOCKED, REFERENCED = 2, UPTODATE, DIRTY, LRU, SLAB = 7, WRITEBACK, BUDDY = 10, MMAP,
	       ANON, SWAPBACKED = 14, NOPAGE = 20, ZERO_PAGE = 24, PGTABLE = 26, RESERVED = 32 };
	const struct frame *f = FRAMES + pfn;
	uint64_t flags = 0;

	if (!frame_valid(pfn << PAGE_SHIFT))
		return BIT(NOPAGE);
	if (pfn << PAGE_SHIFT == zero_page_pa)
		return BIT(ZERO_PAGE);
	switch (frame_type(f)) {
	case FRAME_FREE:
		return BIT(BUDDY);
	case FRAME_RESERVED:
		return BIT(RESERVED);
	case FRAME_SLAB:
		return BIT(SLAB);
	case FRAME_PAGETABLE:
		return BIT(PGTABLE);
	case FRAME_ANON:
		return BIT(ANON) | BIT(MMAP) | BIT(UPTODATE) | BIT(DIRTY) | BIT(SWAPBACKED);
	case FRAME_OBJECT:
		flags |= frame_has(f, FRAME_BUSY) ? BIT(LOCKED) : BIT(UPTODATE);
		flags |= frame_has(f, FRAME_DIRTY) ? BIT(DIRTY) : 0;
		flags |= frame_has(f, FRAME_WRITEBACK) ? BIT(WRITEBACK) : 0;
		flags |= frame_has(f, FRAME_REFERENCED) ? BIT(REFERENCED) : 0;
		/* What cannot be written to a file would have to go to swap. */
		flags |= frame_has(f, FRAME_QUEUED) ? BIT(LRU) : BIT(SWAPBACKED);
		flags |= f->maps ? BIT(MMAP) : 0;
		return flags;
	default:
		return 0;
	}
}

uint64_t frame_report_count(uint64_t pfn)
{
	const struct frame *f = FRAMES + pfn;

	if (!frame_valid(pfn << PAGE_SHIFT))
		return 0;
	switch (frame_type(f)) {
	case FRAME_ANON:
	case FRAME_OBJECT:
		return f->maps;
	default:
		return 0;
	}
}

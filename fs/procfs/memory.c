/*
 * procfs: what memory is used for, as Linux's tools read it: meminfo, vmstat, buddyinfo, slabinfo,
 * and page by page kpagecount, kpageflags and /proc/PID/pagemap.
 */
#include <stdatomic.h>

#include "fs/procfs/meminfo.h"
#include "fs/procfs/pages.h"
#include "fs/procfs/procfs.h"
#include "kernel/hart.h"
#include "kernel/machine.h"
#include "kernel/mem/slab.h"
#include "kernel/remote.h"
#include "kernel/thread.h"
#include "mm/aspace.h"
#include "mm/frame.h"
#include "mm/pagecache.h"

int proc_show_meminfo(struct proc_text *t, struct process *p)
{
	struct meminfo m;

	meminfo_get(&m);
#define LINE(name, field) proc_printf(t, "%-15s %8lu kB\n", name ":", (unsigned long)m.field)
	LINE("MemTotal", total);
	LINE("MemFree", free);
	LINE("MemAvailable", available);
	LINE("Buffers", buffers);
	LINE("Cached", cached);
	LINE("SwapCached", swap_cached);
	LINE("Active", active);
	LINE("Inactive", inactive);
	LINE("Active(anon)", active_anon);
	LINE("Inactive(anon)", inactive_anon);
	LINE("Active(file)", active_file);
	LINE("Inactive(file)", inactive_file);
	LINE("Unevictable", unevictable);
	LINE("Mlocked", mlocked);
	LINE("SwapTotal", swap_total);
	LINE("SwapFree", swap_free);
	LINE("Zswap", zswap);
	LINE("Zswapped", zswapped);
	LINE("Dirty", dirty);
	LINE("Writeback", writeback);
	LINE("AnonPages", anon_pages);
	LINE("Mapped", mapped);
	LINE("Shmem", shmem);
	LINE("KReclaimable", kreclaimable);
	LINE("Slab", slab);
	LINE("SReclaimable", sreclaimable);
	LINE("SUnreclaim", sunreclaim);
	LINE("KernelStack", kernel_stack);
	LINE("PageTables", page_tables);
	LINE("CommitLimit", commit_limit);
	LINE("Committed_AS", committed_as);
	LINE("VmallocTotal", vmalloc_total);
	LINE("VmallocUsed", vmalloc_used);
	LINE("AnonHugePages", anon_huge);
#undef LINE
	return 0;
}

/* Nothing here is counted but asked for: the numbers of meminfo, in pages. */
static void levels_show(struct proc_text *t)
{
	struct meminfo m;

	meminfo_get(&m);
#define LINE(name, field) proc_printf(t, name " %lu\n", (unsigned long)m.field * KiB / PAGE_SIZE)
	LINE("nr_free_pages", free);
	LINE("nr_active_anon", active_anon);
	LINE("nr_inactive_anon", inactive_anon);
	LINE("nr_active_file", active_file);
	LINE("nr_inactive_file", inactive_file);
	LINE("nr_anon_pages", anon_pages);
	LINE("nr_mapped", mapped);
	LINE("nr_file_pages", cached);
	LINE("nr_dirty", dirty);
	LINE("nr_writeback", writeback);
	LINE("nr_shmem", shmem);
	LINE("nr_slab_reclaimable", sreclaimable);
	LINE("nr_slab_unreclaimable", sunreclaim);
	LINE("nr_page_table_pages", page_tables);
#undef LINE
	proc_printf(t, "nr_kernel_stack %lu\n", (unsigned long)m.kernel_stack);
	proc_printf(t, "nr_anon_transparent_hugepages %lu\n",
		    (unsigned long)m.anon_huge / (L1_SIZE / KiB));
}

int proc_show_vmstat(struct proc_text *t, struct process *p)
{
	uint64_t spins = 0, sleeps = 0;

	levels_show(t);
	for (int i = 0; i < VM_EVENTS; i++)
		proc_printf(t, "%s %lu\n", vm_event_names[i],
			    (unsigned long)vm_event_sum((enum vm_event)i));
	for (uint32_t i = 0; i < nharts; i++) {
		spins += harts[i].lock_spins;
		sleeps += harts[i].lock_sleeps;
	}
	proc_printf(t, "xv39_lock_spins %lu\nxv39_lock_sleeps %lu\n", spins, sleeps);
	return 0;
}

int proc_show_buddyinfo(struct proc_text *t, struct process *p)
{
	struct frame_blocks blocks;

	frame_blocks(&blocks);
	proc_printf(t, "Node 0, zone   Normal ");
	for (unsigned order = 0; order <= FRAME_ORDER_MAX; order++)
		proc_printf(t, "%6lu ", (unsigned long)blocks.free[order]);
	proc_printf(t, "\n");
	return 0;
}

int proc_show_slabinfo(struct proc_text *t, struct process *p)
{
	struct kmem_cache *c = NULL;
	struct slab_stats s;

	proc_printf(t, "slabinfo - version: 2.1\n# name            <active_objs> <num_objs> "
		       "<objsize> <objperslab> <pagesperslab>");
	proc_printf(t, " : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> "
		       "<num_slabs> <sharedavail>\n");
	while ((c = kmem_cache_next(c, &s)))
		proc_printf(t, "%-17s %6lu %6lu %6lu %4lu %4d : tunables %4d %4d %4d : slabdata "
			    "%6lu %6lu %6d\n", s.name, (unsigned long)s.active_objects,
			    (unsigned long)s.total_objects, (unsigned long)s.object_size,
			    (unsigned long)(PAGE_SIZE / s.object_size), 1, 0, 0, 0,
			    (unsigned long)s.pages, (unsigned long)s.pages, 0);
	return 0;
}

/* --- page by page: 64-bit words at a position --- */

/*
 * Words [pos / 8, end) as fill() makes them, a piece at a time. Both the position and the length
 * must be whole words.
 */
static ssize64_t words_read(struct uio *u, uint64_t pos, uint64_t end, void *arg,
			    void (*fill)(void *arg, uint64_t first, uint64_t *words, size_t n))
{
	uint64_t words[64], at = pos / sizeof(uint64_t);
	ssize64_t done = 0;

	if ((pos | u->resid) % sizeof(uint64_t))
		return -EINVAL;
	while (u->resid && at < end && !signal_fatal_pending()) {
		size_t n = MIN(u->resid / sizeof(uint64_t), ARRAY_SIZE(words)), moved;

		n = MIN(n, end - at);
		fill(arg, at, words, n);
		moved = uio_copy_to(u, words, n * sizeof(uint64_t));
		done += (ssize64_t)moved;
		if (moved < n * sizeof(uint64_t))
			return done ? done : -EFAULT;
		at += n;
	}
	return done;
}

/*
 * The table that a private page is known by. No lock: the record may turn into another kind's
 * meanwhile, whose pointer leads to memory too.
 */
static const struct frame *anon_table(const struct frame *f)
{
	const pte_t *e = __atomic_load_n(&f->pte, __ATOMIC_RELAXED);
	const struct frame *leaf = e ? frame_of(e) : NULL;

	return leaf && frame_type(leaf) == FRAME_PAGETABLE ? leaf : NULL;
}

/* Is it part of a large page? */
static bool in_huge(const struct frame *f)
{
	const struct frame *leaf = anon_table(f);

	return leaf && frame_has(leaf, FRAME_HUGE);
}

static uint64_t page_flags(uint64_t pfn)
{
	/* Bit numbers of Linux's kernel-page-flags.h. */
	enum { LOCKED, REFERENCED = 2, UPTODATE, DIRTY, LRU, SLAB = 7, WRITEBACK, BUDDY = 10, MMAP,
	       ANON, SWAPBACKED = 14, HEAD, TAIL, NOPAGE = 20, THP = 22, ZERO_PAGE = 24,
	       PGTABLE = 26, RESERVED = 32 };
	const struct frame *f = FRAMES + pfn;
	uint64_t flags = 0;

	if (!machine_is_ram(pfn << PAGE_SHIFT))
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
		flags = in_huge(f) ? BIT(THP) | BIT(pfn % PT_ENTRIES ? TAIL : HEAD) : 0;
		return flags | BIT(ANON) | BIT(MMAP) | BIT(UPTODATE) | BIT(DIRTY) | BIT(SWAPBACKED);
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

/* Spaces that see a private page: those that share the table it is known by, and other entries. */
static uint64_t anon_count(const struct frame *f)
{
	const struct frame *leaf = anon_table(f);
	uint32_t sharers = leaf ? leaf->refs : 0;

	return f->maps + (sharers ? sharers - 1 : 0);
}

static uint64_t page_count(uint64_t pfn)
{
	const struct frame *f = FRAMES + pfn;

	if (!machine_is_ram(pfn << PAGE_SHIFT))
		return 0;
	if (frame_type(f) == FRAME_OBJECT)
		return f->maps;
	return frame_type(f) == FRAME_ANON ? anon_count(f) : 0;
}

static void counts_fill(void *arg, uint64_t first, uint64_t *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		words[i] = page_count(first + i);
}

static void flags_fill(void *arg, uint64_t first, uint64_t *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		words[i] = page_flags(first + i);
}

ssize64_t proc_read_kpagecount(struct proc_text *t, struct process *p, struct uio *u, uint64_t pos)
{
	return words_read(u, pos, machine_ram_end() >> PAGE_SHIFT, NULL, counts_fill);
}

ssize64_t proc_read_kpageflags(struct proc_text *t, struct process *p, struct uio *u, uint64_t pos)
{
	return words_read(u, pos, machine_ram_end() >> PAGE_SHIFT, NULL, flags_fill);
}

static void pagemap_fill(void *arg, uint64_t first, uint64_t *words, size_t n)
{
	aspace_pagemap(arg, first << PAGE_SHIFT, words, n);
	if (cred_capable(CAP_SYS_ADMIN))
		return;
	/* Where a page lies in memory is root's to know. */
	for (size_t i = 0; i < n; i++)
		words[i] &= ~(BIT(55) - 1);
}

ssize64_t proc_read_pagemap(struct proc_text *t, struct process *p, struct uio *u, uint64_t pos)
{
	struct aspace *as = proc_aspace(t, p);
	ssize64_t ret;

	if (!as)
		return 0;
	ret = words_read(u, pos, USER_TOP >> PAGE_SHIFT, as, pagemap_fill);
	aspace_put(as);
	return ret;
}

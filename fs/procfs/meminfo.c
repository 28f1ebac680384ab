#include "fs/procfs/meminfo.h"

#include "kernel/hart.h"
#include "kernel/layout.h"
#include "kernel/machine.h"
#include "kernel/mem/vmalloc.h"
#include "kernel/swap/area.h"
#include "kernel/swap/zpool.h"
#include "lib/string.h"
#include "mm/aspace.h"
#include "mm/commit.h"
#include "mm/frame.h"
#include "mm/pagecache.h"
#include "mm/percpu.h"

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
	[VM_THP_FAULT_ALLOC] = "thp_fault_alloc",
	[VM_THP_FAULT_FALLBACK] = "thp_fault_fallback",
	[VM_THP_COLLAPSE_ALLOC] = "thp_collapse_alloc",
	[VM_THP_COLLAPSE_FAILED] = "thp_collapse_alloc_failed",
	[VM_THP_SPLIT] = "thp_split_page",
	[VM_PSWPIN] = "pswpin",
	[VM_PSWPOUT] = "pswpout",
	[VM_PGSCAN_ANON] = "pgscan_anon",
	[VM_PGSTEAL_ANON] = "pgsteal_anon",
	[VM_REFAULT_ANON] = "workingset_refault_anon",
	[VM_SWAP_ZERO] = "swpout_zero",
	[VM_ZSWPIN] = "zswpin",
	[VM_ZSWPOUT] = "zswpout",
	[VM_ZSWPWB] = "zswpwb",
	[VM_ZSWP_POOR] = "xv39_zswap_poor",
	[VM_ZSWP_SKIPPED] = "xv39_zswap_skipped",
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

/* In pages. */
static uint64_t anon_huge(void)
{
	struct aspace *as;
	uint64_t n = 0;

	spin_lock(&aspaces_lock);
	list_for_each_entry(as, &aspaces, link)
		n += as->nr_mega;
	spin_unlock(&aspaces_lock);
	return n * PT_ENTRIES;
}

static uint64_t kib(uint64_t pages)
{
	return pages * (PAGE_SIZE / KiB);
}

/* Frames by type; may be off by what is in flight. */
struct census {
	uint64_t by_type[FRAME_TYPES];
	uint64_t mapped; /* OBJECT, in some page table */
	uint64_t swap_cached; /* ANON with a slot */
};

static void census_take(struct census *c)
{
	memset(c, 0, sizeof(*c));
	for (unsigned i = 0; i < machine.ram_count; i++) {
		const struct frame *f = frame_of_pa(machine.ram[i].base);
		const struct frame *end = f + (machine.ram[i].size >> PAGE_SHIFT);

		for (; f < end; f++) {
			c->by_type[frame_type(f)]++;
			c->mapped += frame_type(f) == FRAME_OBJECT && f->maps;
			c->swap_cached += frame_type(f) == FRAME_ANON && f->slot;
		}
	}
}

void meminfo_get(struct meminfo *out)
{
	struct census c;
	uint64_t file = pagecache_nr_file, free;

	census_take(&c);
	free = c.by_type[FRAME_FREE];
	memset(out, 0, sizeof(*out));
	out->swap_total = kib(swap_total);
	out->swap_free = kib(swap_total - swap_used);
	out->swap_cached = kib(c.swap_cached);
	out->zswap = kib(zpool_frames);
	out->zswapped = kib(zpool_things);
	out->total = kib(frames_total);
	out->free = kib(free);
	out->cached = kib(pagecache_nr_frames);
	out->shmem = kib(pagecache_nr_frames - MIN(file, pagecache_nr_frames));
	out->available = kib(free + file - MIN(free + file, frames_min));
	out->active_anon = kib(c.by_type[FRAME_ANON]);
	out->inactive_file = kib(file);
	out->active = out->active_anon;
	out->inactive = out->inactive_file;
	out->anon_pages = kib(c.by_type[FRAME_ANON]);
	out->mapped = kib(c.mapped);
	out->anon_huge = kib(anon_huge());
	out->dirty = kib(pagecache_nr_dirty);
	out->writeback = kib(pagecache_nr_writeback);
	out->slab = out->sunreclaim = kib(c.by_type[FRAME_SLAB]);
	out->page_tables = kib(c.by_type[FRAME_PAGETABLE]);
	out->kernel_stack = kib(kstack_pages);
	out->commit_limit = kib(commit_limit());
	out->committed_as = kib(commit_sum());
	out->vmalloc_total = (VMALLOC_END - VMALLOC_BASE) / KiB;
	out->vmalloc_used = kib(vmalloc_pages);
}

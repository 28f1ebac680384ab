#include "kernel/machine.h"
#include "kernel/main.h"
#include "kernel/mem/kmap.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "mm/frame.h"
#include "mm/init.h"
#include "mm/percpu.h"

static struct mm_hart boot_hart;

void mm_init(const struct machine *m)
{
	struct frame *zero;

	harts[0].percpu_mm = &boot_hart;
	kmap_init();
	kmap_finish();
	frame_init();
	slab_init();
	for (uint32_t i = 1; i < nharts; i++) {
		struct frame *f = frame_alloc(0, FRAME_ZEROED | FRAME_RESERVE);

		_Static_assert(sizeof(struct mm_hart) <= PAGE_SIZE, "fits a frame");
		if (!f)
			panic("no memory for the caches of %u harts", nharts);
		harts[i].percpu_mm = frame_data(f);
	}
	vmalloc_init();
	zero = frame_alloc(0, FRAME_ZEROED | FRAME_RESERVE);
	if (!zero)
		panic("no memory: %lu KiB of RAM are too few", frames_total * 4);
	zero_page_pa = frame_pa(zero);
	vma_init();
	tlb_init();
	aspace_init();
	pagecache_init();
	reclaim_init();
	thp_init();
	commit_init();
	pr_info("memory: %lu KiB available\n", frames_free() * 4);
}

void mm_init_hart(void)
{
	csr_write(satp, kmap_satp());
	sfence_all();
}

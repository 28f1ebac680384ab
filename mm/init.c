#include "kernel/machine.h"
#include "kernel/main.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "mm/frame.h"
#include "mm/init.h"
#include "mm/kmap.h"
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
	pr_info("memory: %lu KiB available\n", frames_free() * 4);
}

void mm_init_hart(void)
{
	struct hart *h = this_hart();

	if (!h->percpu_mm) {
		/* Straight from the buddy lists: the caches of this hart do not exist yet. */
		struct frame *f = frame_alloc(1, FRAME_ZEROED | FRAME_RESERVE);

		_Static_assert(sizeof(struct mm_hart) <= 2 * PAGE_SIZE, "fits its frames");
		if (!f)
			panic("hart %u: no memory for its caches", h->hartid);
		h->percpu_mm = frame_data(f);
	}
	csr_write(satp, kmap_satp());
	sfence_all();
}

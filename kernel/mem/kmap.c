#include "kernel/mem/kmap.h"

#include "kernel/machine.h"
#include "kernel/machine_stop.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/riscv.h"
#include "kernel/sbi.h"
#include "kernel/thread.h"
#include "lib/string.h"
#include "mm/frame.h"

extern char _kernel_start[], _kernel_end[], _text_start[], _text_end[], _rodata_start[],
	_rodata_end[], _data_start[];
extern uint64_t kernel_pa_offset; /* address of the image minus its physical place */

pte_t *kernel_root;
static struct spinlock kmap_lock = SPINLOCK_INIT("kmap", RANK_KMAP);
static vaddr_t mmio_next = MMIO_BASE;

/*
 * Memory for the first tables and the core map: a bump pointer over the largest free range that
 * the boot table maps (the gigabyte of the image and the next). What alignment skips is kept, and
 * given to the frame allocator in the end.
 */
static struct {
	paddr_t start, next, end;
	struct phys_range gaps[MACHINE_RAM_MAX];
	unsigned nr_gaps;
	bool done;
} early;

paddr_t image_to_phys(const void *va)
{
	return (paddr_t)(uintptr_t)va - kernel_pa_offset;
}

/*
 * Calls func for every part of [pa, end) that machine.reserved leaves free, ascending.
 */
static void each_free_range(paddr_t pa, paddr_t end, void (*func)(paddr_t pa, paddr_t end))
{
	for (unsigned i = 0; i < machine.reserved_count && pa < end; i++) {
		const struct phys_range *r = &machine.reserved[i];

		if (r->base + r->size <= pa)
			continue;
		if (r->base >= end)
			break;
		if (r->base > pa)
			func(pa, r->base);
		pa = r->base + r->size;
	}
	if (pa < end)
		func(pa, end);
}

static void early_consider(paddr_t pa, paddr_t end)
{
	paddr_t window = ALIGN_DOWN(image_to_phys(_kernel_start), GiB);

	pa = MAX(pa, window);
	end = MIN(end, window + 2 * GiB);
	if (pa < end && end - pa > early.end - early.start) {
		early.start = pa;
		early.end = end;
	}
}

static void *early_alloc(size_t size, size_t align)
{
	paddr_t pa = ALIGN_UP(early.next, align);

	if (pa + size > early.end)
		machine_refuse("too little RAM is free near the kernel for the map of RAM");
	if (pa != early.next)
		early.gaps[early.nr_gaps++] = (struct phys_range){early.next, pa - early.next};
	early.next = pa + size;
	return memset(phys_to_virt(pa), 0, size);
}

/* The entry of va at a level (0: 4 KiB, 1: 2 MiB, 2: 1 GiB), with the tables above it. */
static pte_t *kmap_walk(vaddr_t va, unsigned level, bool create)
{
	pte_t *table = kernel_root;

	for (unsigned l = 2; l > level; l--) {
		pte_t *e = &table[pt_index(va, l)];

		if (!*e) {
			void *page;

			if (!create)
				return NULL;
			if (!early.done) {
				page = early_alloc(PAGE_SIZE, PAGE_SIZE);
			} else {
				struct frame *f = frame_alloc(0, FRAME_ZEROED | FRAME_RESERVE);

				if (!f)
					return NULL;
				page = frame_data(f);
			}
			*e = pte_table(virt_to_phys(page));
		}
		if (!pte_is_table(*e))
			return e;
		table = phys_to_virt(pte_pa(*e));
	}
	return &table[pt_index(va, level)];
}

/* Boot: map [va, va + len) with the largest pages that fit. */
static void kmap_range(vaddr_t va, paddr_t pa, uint64_t len, uint64_t perm)
{
	while (len) {
		unsigned level = 2;

		while (level && (((va | pa) & ((PAGE_SIZE << 9 * level) - 1)) ||
				 len < PAGE_SIZE << 9 * level))
			level--;
		*kmap_walk(va, level, true) = pte_kernel(pa, perm);
		va += PAGE_SIZE << 9 * level;
		pa += PAGE_SIZE << 9 * level;
		len -= PAGE_SIZE << 9 * level;
	}
}

static void kmap_ram(const struct phys_range *r)
{
	paddr_t end = r->base + r->size, ro = image_to_phys(_kernel_start);
	paddr_t ro_end = image_to_phys(_rodata_end);

	if (ro < r->base || ro >= end) {
		kmap_range(DIRECT_BASE + r->base, r->base, r->size, PTE_R | PTE_W);
		return;
	}
	/* The image's text and constants are read-only under this name too. */
	kmap_range(DIRECT_BASE + r->base, r->base, ro - r->base, PTE_R | PTE_W);
	kmap_range(DIRECT_BASE + ro, ro, ro_end - ro, PTE_R);
	kmap_range(DIRECT_BASE + ro_end, ro_end, end - ro_end, PTE_R | PTE_W);
}

/*
 * Back the core map for a range of RAM, in units of the largest block so that the record of any
 * block's neighbour exists. from: where the last range's backing ended.
 */
static vaddr_t kmap_frames(const struct phys_range *r, vaddr_t from)
{
	const uint64_t unit = sizeof(struct frame) << FRAME_ORDER_MAX;
	vaddr_t va = ALIGN_DOWN((vaddr_t)frame_of_pa(r->base), unit);
	vaddr_t end = ALIGN_UP((vaddr_t)frame_of_pa(r->base + r->size), unit);

	va = MAX(va, from);
	/* Whole megapages where there are any, so that a walk of the core map misses less. */
	while (va < end) {
		uint64_t len = MIN(end, ALIGN_DOWN(va, L1_SIZE) + L1_SIZE) - va;

		kmap_range(va, virt_to_phys(early_alloc(len, len == L1_SIZE ? L1_SIZE : PAGE_SIZE)),
			   len, PTE_R | PTE_W);
		va += len;
	}
	return va;
}

/*
 * Drivers keep pointers into the tree, which firmware may have put where the tree tells of no RAM.
 */
static void kmap_tree(void)
{
	vaddr_t va = ALIGN_DOWN((vaddr_t)machine.fdt.blob, PAGE_SIZE);
	vaddr_t end = (vaddr_t)machine.fdt.blob + machine.fdt.size;

	for (; va < end; va += PAGE_SIZE) {
		pte_t *e = kmap_walk(va, 0, true);

		if (!*e)
			*e = pte_kernel(virt_to_phys((void *)va), PTE_R);
	}
}

static void kmap_image(const char *start, const char *end, uint64_t perm)
{
	paddr_t pa = image_to_phys(start);

	for (const char *p = start; p < end; p += PAGE_SIZE, pa += PAGE_SIZE)
		*kmap_walk((vaddr_t)p, 0, true) = pte_kernel(pa, perm);
}

uint64_t kmap_satp(void)
{
	return SATP_SV39 | virt_to_phys(kernel_root) >> PAGE_SHIFT;
}

void kmap_init(void)
{
	vaddr_t frames_end = FRAMES_BASE;

	for (unsigned i = 0; i < machine.ram_count; i++) {
		struct phys_range *r = &machine.ram[i];

		if (r->base >= DIRECT_SIZE) {
			pr_warn("memory: ignoring RAM at %#lx\n", r->base);
			machine.ram_count = i;
			break;
		}
		r->size = MIN(r->size, DIRECT_SIZE - r->base);
		each_free_range(r->base, r->base + r->size, early_consider);
	}
	early.next = early.start;
	kernel_root = early_alloc(PAGE_SIZE, PAGE_SIZE);
	/*
	 * Root slots never change once there are processes, since each copies them: those that may
	 * get entries later get their table now.
	 */
	for (vaddr_t va = FRAMES_BASE; va < MMIO_END; va += L2_SIZE)
		kmap_walk(va, 1, true);
	for (unsigned i = 0; i < machine.ram_count; i++)
		frames_end = kmap_frames(&machine.ram[i], frames_end);
	for (unsigned i = 0; i < machine.ram_count; i++)
		kmap_ram(&machine.ram[i]);
	kmap_tree();
	kmap_image(_text_start, _text_end, PTE_R | PTE_X);
	kmap_image(_rodata_start, _rodata_end, PTE_R);
	kmap_image(_data_start, _kernel_end, PTE_R | PTE_W);
	/* Stores to the tables before walks through them (privileged specification 4.2.1). */
	sfence_all();
	csr_write(satp, kmap_satp());
	sfence_all();
}

static void finish_range(paddr_t pa, paddr_t end)
{
	if (pa <= early.start && early.start < end) {
		if (pa < early.start)
			frames_add(pa, (early.start - pa) >> PAGE_SHIFT);
		pa = early.next;
	}
	if (pa < end)
		frames_add(pa, (end - pa) >> PAGE_SHIFT);
}

void kmap_finish(void)
{
	early.done = true;
	for (unsigned i = 0; i < machine.ram_count; i++)
		each_free_range(machine.ram[i].base, machine.ram[i].base + machine.ram[i].size,
				finish_range);
	for (unsigned i = 0; i < early.nr_gaps; i++)
		frames_add(early.gaps[i].base, early.gaps[i].size >> PAGE_SHIFT);
}

int kmap_page(vaddr_t va, paddr_t pa, uint64_t perm)
{
	uint64_t irq = spin_lock_irq(&kmap_lock);
	pte_t *e = kmap_walk(va, 0, true);

	if (e) {
		assert(!*e);
		*e = pte_kernel(pa, perm);
	}
	spin_unlock_irq(&kmap_lock, irq);
	return e ? 0 : -ENOMEM;
}

paddr_t kunmap_page(vaddr_t va)
{
	uint64_t irq = spin_lock_irq(&kmap_lock);
	pte_t *e = kmap_walk(va, 0, false);
	pte_t was = e ? *e : 0;

	if (e)
		*e = 0;
	spin_unlock_irq(&kmap_lock, irq);
	return pte_present(was) ? pte_pa(was) : 0;
}

void kmap_flush(vaddr_t va, size_t len)
{
	hartmask_t others;

	preempt_disable();
	others = harts_others();
	sfence_all();
	if (others)
		sbi_remote_sfence(others, va, len);
	preempt_enable();
}

bool kmap_fault_spurious(vaddr_t va, bool write, bool exec)
{
	pte_t *e, p;

	if (va < VMALLOC_BASE || va >= MMIO_END)
		return false;
	/* No lock: tables of the kernel half are never freed. */
	e = kmap_walk(va, 0, false);
	p = e ? *e : 0;
	if (!pte_present(p) || (write && !(p & PTE_W)) || (exec && !(p & PTE_X)))
		return false;
	sfence_page(va);
	return true;
}

volatile void *mmio_map(paddr_t pa, size_t len)
{
	paddr_t first = ALIGN_DOWN(pa, PAGE_SIZE), end = ALIGN_UP(pa + len, PAGE_SIZE);
	vaddr_t va;
	uint64_t irq;

	if (!len || end <= first)
		return NULL;
	for (unsigned i = 0; i < machine.ram_count; i++)
		if (first < machine.ram[i].base + machine.ram[i].size && machine.ram[i].base < end)
			return NULL;
	irq = spin_lock_irq(&kmap_lock);
	va = mmio_next;
	if (end - first > MMIO_END - va) {
		spin_unlock_irq(&kmap_lock, irq);
		return NULL;
	}
	mmio_next += end - first;
	spin_unlock_irq(&kmap_lock, irq);
	for (paddr_t p = first; p < end; p += PAGE_SIZE)
		if (kmap_page(va + (p - first), p, PTE_R | PTE_W))
			return NULL;
	kmap_flush(va, end - first);
	return (volatile void *)(va + (pa - first));
}

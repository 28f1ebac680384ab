#include "kernel/mem/vmalloc.h"

#include "kernel/mem/kmap.h"
#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/riscv.h"
#include "lib/bitmap.h"
#include "lib/list.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/init.h"
#include "mm/inject.h"

/*
 * The area is halved: allocations of any size below, kernel stacks above. Stacks stand in slots of
 * twice their size, the upper half of the slot below being the guard.
 */
#define STACKS_BASE (VMALLOC_BASE + 8 * GiB)
#define STACK_SLOTS 65536UL
#define STACK_PAGES (KSTACK_SIZE / PAGE_SIZE)
_Static_assert(STACKS_BASE + STACK_SLOTS * 2 * KSTACK_SIZE <= VMALLOC_END, "stacks fit");

struct varea {
	struct list_head link; /* by address */
	vaddr_t start;
	size_t pages;
};

static struct spinlock vmalloc_lock = SPINLOCK_INIT("vmalloc", RANK_VMALLOC);
static LIST_HEAD(vareas);			     /* (vmalloc_lock) */
static BITMAP_DECLARE(stack_slots, STACK_SLOTS);     /* (vmalloc_lock) set: in use */
static void *stack_cache[64];			     /* (vmalloc_lock) mapped and ready */
static unsigned nr_cached;			     /* (vmalloc_lock) */
_Atomic uint64_t vmalloc_pages, kstack_pages;

/* (vmalloc_lock) The first hole of pages + a guard page behind, with one in front of it. */
static struct list_head *varea_place(struct varea *v)
{
	vaddr_t at = VMALLOC_BASE + PAGE_SIZE;
	struct varea *next;

	list_for_each_entry(next, &vareas, link) {
		if (next->start - at >= (v->pages + 1) * PAGE_SIZE)
			break;
		at = next->start + (next->pages + 1) * PAGE_SIZE;
	}
	v->start = at;
	if (&next->link == &vareas && STACKS_BASE - at < (v->pages + 1) * PAGE_SIZE)
		return NULL;
	return &next->link;
}

/* Unmap, make sure no hart still reaches the pages, then give them back. */
static void unmap_pages(vaddr_t va, size_t pages)
{
	uint32_t list = PFN_NONE;

	for (size_t i = 0; i < pages; i++) {
		paddr_t pa = kunmap_page(va + i * PAGE_SIZE);

		if (pa) {
			struct frame *f = frame_of_pa(pa);

			f->next = list;
			list = frame_pfn(f);
		}
	}
	kmap_flush(va, pages * PAGE_SIZE);
	while (list != PFN_NONE) {
		struct frame *f = FRAMES + list;

		list = f->next;
		frame_free(f, 0);
	}
}

static int map_pages(vaddr_t va, size_t pages, unsigned flags)
{
	for (size_t i = 0; i < pages; i++) {
		struct frame *f = frame_alloc(0, flags);

		if (f && kmap_page(va + i * PAGE_SIZE, frame_pa(f), PTE_R | PTE_W)) {
			frame_free(f, 0);
			f = NULL;
		}
		if (!f) {
			unmap_pages(va, i);
			return -ENOMEM;
		}
	}
	/* Harts may remember that these entries were invalid. */
	kmap_flush(va, pages * PAGE_SIZE);
	return 0;
}

static void varea_end(struct varea *v)
{
	spin_lock(&vmalloc_lock);
	list_del(&v->link);
	spin_unlock(&vmalloc_lock);
	kfree(v);
}

void *vmalloc(size_t n)
{
	struct varea *v;
	struct list_head *before;

	if (!n || n > STACKS_BASE - VMALLOC_BASE)
		return NULL;
	v = kmalloc(sizeof(*v));
	if (!v)
		return NULL;
	v->pages = DIV_ROUND_UP(n, PAGE_SIZE);
	spin_lock(&vmalloc_lock);
	before = varea_place(v);
	if (before)
		list_add_tail(&v->link, before);
	spin_unlock(&vmalloc_lock);
	if (!before) {
		kfree(v);
		return NULL;
	}
	if (map_pages(v->start, v->pages, FRAME_ZEROED)) {
		varea_end(v);
		return NULL;
	}
	vmalloc_pages += v->pages;
	return (void *)v->start;
}

void vfree(void *p)
{
	struct varea *v;

	if (!p)
		return;
	spin_lock(&vmalloc_lock);
	list_for_each_entry(v, &vareas, link)
		if (v->start == (vaddr_t)p)
			break;
	spin_unlock(&vmalloc_lock);
	assert_always(&v->link != &vareas);
	unmap_pages(v->start, v->pages);
	vmalloc_pages -= v->pages;
	varea_end(v);
}

/* The slot of a stack that is gone, or was never mapped. */
static void slot_clear(size_t slot)
{
	spin_lock(&vmalloc_lock);
	bitmap_clear(stack_slots, slot);
	spin_unlock(&vmalloc_lock);
}

static void stack_unmap(void *stack)
{
	unmap_pages((vaddr_t)stack, STACK_PAGES);
	kstack_pages -= STACK_PAGES;
	slot_clear(((vaddr_t)stack - STACKS_BASE) / (2 * KSTACK_SIZE));
}

/* A stack that is mapped and ready, or NULL. */
static void *stack_take(void)
{
	void *stack = NULL;

	spin_lock(&vmalloc_lock);
	if (nr_cached)
		stack = stack_cache[--nr_cached];
	spin_unlock(&vmalloc_lock);
	return stack;
}

void *kstack_alloc(void)
{
	void *stack;
	size_t slot;
	vaddr_t va;

	if (alloc_fails())
		return NULL;
	stack = stack_take();
	if (stack)
		return stack;
	spin_lock(&vmalloc_lock);
	/* Slot 0 is the guard of the first. */
	slot = bitmap_find_zero(stack_slots, 1, STACK_SLOTS);
	if (slot < STACK_SLOTS)
		bitmap_set(stack_slots, slot);
	spin_unlock(&vmalloc_lock);
	if (slot >= STACK_SLOTS)
		return NULL;
	va = STACKS_BASE + slot * 2 * KSTACK_SIZE;
	if (map_pages(va, STACK_PAGES, 0)) {
		slot_clear(slot);
		return NULL;
	}
	kstack_pages += STACK_PAGES;
	return (void *)va;
}

void kstack_free(void *stack)
{
	assert(IS_ALIGNED((vaddr_t)stack, 2UL * KSTACK_SIZE));
	spin_lock(&vmalloc_lock);
	if (nr_cached < ARRAY_SIZE(stack_cache) && frames_free() > frames_high) {
		stack_cache[nr_cached++] = stack;
		spin_unlock(&vmalloc_lock);
		return;
	}
	spin_unlock(&vmalloc_lock);
	stack_unmap(stack);
}

/* Under memory pressure the ready stacks go. */
static uint64_t stacks_count(struct shrinker *s)
{
	return nr_cached * STACK_PAGES;
}

static uint64_t stacks_scan(struct shrinker *s, uint64_t n)
{
	uint64_t freed = 0;
	void *stack;

	for (; freed < n && (stack = stack_take()); freed += STACK_PAGES)
		stack_unmap(stack);
	return freed;
}

static struct shrinker stacks_shrinker = {
	.name = "kstacks", .count = stacks_count, .scan = stacks_scan};

void vmalloc_init(void)
{
	shrinker_register(&stacks_shrinker);
}

#include "mm/frame.h"

#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/swap/slot.h"
#include "lib/page.h"
#include "lib/string.h"
#include "mm/inject.h"
#include "mm/percpu.h"
#include "mm/policy.h"
#include "mm/stat.h"

/*
 * The buddy allocator: free blocks of 2^order frames in a list for each order. A block's first
 * frame has FRAME_QUEUED and its order in its word; the others have neither, so that a block is
 * known by its first frame. In front of it each hart keeps single frames of its own, and what
 * these caches spill stays loose, not merged, until somebody wants a larger block: most never do.
 */
static struct {
	struct spinlock lock;		    /* RANK_BUDDY, interrupts off */
	struct frame_list blocks[FRAME_ORDER_MAX + 1]; /* (lock) by order */
	uint32_t loose;			    /* (lock) page number of the first */
	uint64_t nr_loose;		    /* (lock) */
	volatile uint64_t free;		    /* (lock) frames; read without */
} buddy = {.lock = SPINLOCK_INIT("buddy", RANK_BUDDY)};

uint64_t frames_total, frames_min, frames_low, frames_high;
paddr_t zero_page_pa;
struct frame *(*frame_alloc_wait_hook)(unsigned order, unsigned flags);
_Atomic uint64_t frames_refused;
#define LOOSE_MAX 4096 /* merging as many takes about half a million instructions */
static uint32_t cache_limit = 8; /* frames of each sort a hart may keep */

static unsigned frame_order(const struct frame *f)
{
	return (f->word & FRAME_ORDER_MASK) >> FRAME_ORDER_SHIFT;
}

/* Between two neighbours, either of which may be PFN_NONE: the list's end. */
static void list_link(struct frame_list *l, struct frame *f, uint32_t prev, uint32_t next)
{
	f->prev = prev;
	f->next = next;
	*(prev == PFN_NONE ? &l->first : &FRAMES[prev].next) = frame_pfn(f);
	*(next == PFN_NONE ? &l->last : &FRAMES[next].prev) = frame_pfn(f);
	l->n++;
}

void frame_list_push(struct frame_list *l, struct frame *f)
{
	list_link(l, f, PFN_NONE, l->first);
}

void frame_list_append(struct frame_list *l, struct frame *f)
{
	list_link(l, f, l->last, PFN_NONE);
}

void frame_list_remove(struct frame_list *l, struct frame *f)
{
	*(f->prev == PFN_NONE ? &l->first : &FRAMES[f->prev].next) = f->next;
	*(f->next == PFN_NONE ? &l->last : &FRAMES[f->next].prev) = f->prev;
	l->n--;
}

static void block_push(struct frame *f, unsigned order)
{
	f->word = FRAME_FREE | FRAME_QUEUED | order << FRAME_ORDER_SHIFT;
	frame_list_push(&buddy.blocks[order], f);
}

static void block_remove(struct frame *f, unsigned order)
{
	frame_list_remove(&buddy.blocks[order], f);
	f->word = FRAME_FREE;
}

/* (buddy.lock) Merges with free neighbours as far as they go. */
static void block_free(struct frame *f, unsigned order)
{
	buddy.free += 1UL << order;
	for (; order < FRAME_ORDER_MAX; order++) {
		/* The core map is backed in units of the largest block, so this record exists. */
		struct frame *other = FRAMES + (frame_pfn(f) ^ (1u << order));

		if (other->word != (FRAME_FREE | FRAME_QUEUED | order << FRAME_ORDER_SHIFT))
			break;
		block_remove(other, order);
		f->word = FRAME_FREE;
		if (other < f)
			f = other;
	}
	block_push(f, order);
}

/* (buddy.lock) */
static void loose_push(struct frame *f)
{
	f->next = buddy.loose;
	buddy.loose = frame_pfn(f);
	buddy.nr_loose++;
	buddy.free++;
}

/* (buddy.lock) There is one. */
static struct frame *loose_pop(void)
{
	struct frame *f = FRAMES + buddy.loose;

	buddy.loose = f->next;
	buddy.nr_loose--;
	buddy.free--;
	return f;
}

/* (buddy.lock) The first block of the list, or the first wholly below 4 GiB. */
static struct frame *block_first(unsigned order, unsigned flags)
{
	uint32_t pfn = buddy.blocks[order].first;

	if (flags & FRAME_DMA32)
		while (pfn != PFN_NONE && pfn >= (4 * GiB >> PAGE_SHIFT))
			pfn = FRAMES[pfn].next;
	return pfn == PFN_NONE ? NULL : FRAMES + pfn;
}

/* (buddy.lock) */
static inline bool enough(uint64_t n, unsigned flags)
{
	return buddy.free >= n + (flags & FRAME_RESERVE ? 0 : frames_min);
}

/* (buddy.lock) */
static struct frame *block_alloc(unsigned order, unsigned flags)
{
	if (!enough(1UL << order, flags))
		return NULL;
	for (unsigned o = order; o <= FRAME_ORDER_MAX; o++) {
		struct frame *f = block_first(o, flags);

		if (!f)
			continue;
		block_remove(f, o);
		while (o > order) {
			o--;
			block_push(f + (1UL << o), o);
		}
		buddy.free -= 1UL << order;
		return f;
	}
	if (!buddy.nr_loose)
		return NULL;
	while (buddy.nr_loose)
		block_free(loose_pop(), 0);
	return block_alloc(order, flags);
}

static inline void cache_push(struct mm_hart *h, struct frame *f)
{
	f->word = FRAME_FREE | FRAME_CACHED;
	h->frames[h->nr_frames++] = f;
}

static __attribute__((noinline)) void cache_refill(struct mm_hart *h, unsigned flags)
{
	const uint32_t want = (cache_limit + 1) / 2;

	spin_lock(&buddy.lock);
	while (h->nr_frames < want && buddy.nr_loose && enough(1, flags))
		cache_push(h, loose_pop());
	while (h->nr_frames < want) {
		unsigned order = 0;
		struct frame *f;

		/* Eight cost little more than one, which may have to be split off. */
		while (order < 3 && !buddy.blocks[order].n && enough(2u << order, flags) &&
		       h->nr_frames + (2u << order) <= want)
			order++;
		f = block_alloc(order, flags);
		if (!f)
			break;
		for (unsigned i = 0; i < 1u << order; i++)
			cache_push(h, f + i);
	}
	spin_unlock(&buddy.lock);
}

static __slow void cache_drain(struct frame **cache, uint32_t *count, uint32_t keep)
{
	spin_lock(&buddy.lock);
	while (*count > keep) {
		struct frame *f = cache[--*count];

		if (buddy.nr_loose < LOOSE_MAX)
			loose_push(f);
		else
			block_free(f, 0);
	}
	spin_unlock(&buddy.lock);
}

/* f is out of the hart's cache: it is the caller's. */
static inline struct frame *hand_out(struct mm_hart *h, struct frame *f, uint64_t irq)
{
	h->events[VM_PGALLOC]++;
	irq_restore(irq);
	assert(f->refs == 0 && f->word == (FRAME_FREE | FRAME_CACHED));
	f->counts = 1;
	f->word = FRAME_KERNEL;
	return f;
}

static __attribute__((noinline)) struct frame *frame_zero(struct frame *f)
{
	page_zero(frame_data(f));
	return f;
}

/* The hart's cache has none of the right sort. */
static __slow struct frame *frame_alloc_refill(unsigned flags, uint64_t irq)
{
	struct mm_hart *h = mm_hart();
	struct frame *f;

	cache_refill(h, flags);
	if (likely(h->nr_frames)) {
		f = hand_out(h, h->frames[--h->nr_frames], irq);
		return flags & FRAME_ZEROED ? frame_zero(f) : f;
	}
	if (h->nr_zeroed)
		return hand_out(h, h->zeroed[--h->nr_zeroed], irq);
	irq_restore(irq);
	frames_refused++;
	return NULL;
}

/* All calls are at its ends: what it costs counts. */
static struct frame *frame_alloc_one(unsigned flags)
{
	uint64_t irq = irq_save();
	struct mm_hart *h = mm_hart();
	struct frame *f;

	if ((flags & FRAME_ZEROED) && h->nr_zeroed)
		return hand_out(h, h->zeroed[--h->nr_zeroed], irq);
	if (unlikely(!h->nr_frames))
		return frame_alloc_refill(flags, irq);
	f = hand_out(h, h->frames[--h->nr_frames], irq);
	return flags & FRAME_ZEROED ? frame_zero(f) : f;
}

static __slow struct frame *frame_alloc_block(unsigned order, unsigned flags)
{
	struct frame *f;
	uint64_t irq;

	if (order > FRAME_ORDER_MAX)
		return NULL;
	irq = spin_lock_irq(&buddy.lock);
	f = block_alloc(order, flags);
	spin_unlock_irq(&buddy.lock, irq);
	if (!f) {
		frames_refused++;
		return NULL;
	}
	vm_event_add(VM_PGALLOC, 1UL << order);
	for (unsigned i = 0; i < 1u << order; i++) {
		f[i].word = FRAME_KERNEL;
		f[i].counts = 1;
		if (flags & FRAME_ZEROED)
			page_zero(frame_data(f + i));
	}
	f->word = FRAME_KERNEL | order << FRAME_ORDER_SHIFT;
	return f;
}

struct frame *frame_alloc(unsigned order, unsigned flags)
{
	if (alloc_fails())
		return NULL;
	if (likely(order == 0 && !(flags & FRAME_DMA32)))
		return frame_alloc_one(flags);
	return frame_alloc_block(order, flags);
}

struct frame *frame_alloc_wait(unsigned order, unsigned flags)
{
	struct frame *f;

	/* Whoever can reclaim does so early: those who cannot wait live on what lies below. */
	if (unlikely(frames_short() && frame_alloc_wait_hook))
		return frame_alloc_wait_hook(order, flags);
	f = frame_alloc(order, flags);
	if (likely(f))
		return f;
	return frame_alloc_wait_hook ? frame_alloc_wait_hook(order, flags) : NULL;
}

static void frame_free_one(struct frame *f, bool zeroed)
{
	uint64_t irq;
	struct mm_hart *h;

	f->counts = 0;
	f->word = FRAME_FREE | FRAME_CACHED;
	irq = irq_save();
	h = mm_hart();
	if (zeroed && h->nr_zeroed < cache_limit) {
		h->zeroed[h->nr_zeroed++] = f;
	} else {
		if (unlikely(h->nr_frames >= cache_limit))
			cache_drain(h->frames, &h->nr_frames, cache_limit / 2);
		h->frames[h->nr_frames++] = f;
	}
	irq_restore(irq);
}

/* A private page leaves reclaim's queue, and its slot. */
static inline void frame_leave(struct frame *f)
{
	if (frame_type(f) != FRAME_ANON)
		return;
	if (unlikely(f->slot))
		swap_detach(f);
	if (unlikely(frame_has(f, FRAME_QUEUED)))
		policy_leave(f);
}

static __slow void frame_free_block(struct frame *f, unsigned order)
{
	uint64_t irq;

	assert(frame_order(f) == order);
	for (unsigned i = 0; i < 1u << order; i++) {
		f[i].counts = 0;
		f[i].word = FRAME_FREE;
	}
	irq = spin_lock_irq(&buddy.lock);
	block_free(f, order);
	spin_unlock_irq(&buddy.lock, irq);
}

void frame_free(struct frame *f, unsigned order)
{
	assert(frame_type(f) != FRAME_FREE && frame_type(f) != FRAME_RESERVED);
#if DEBUG
	for (unsigned i = 0; i < 1u << order; i++)
		memset(frame_data(f + i), 0xa5, PAGE_SIZE);
#endif
	vm_event_add(VM_PGFREE, 1UL << order);
	if (unlikely(order)) {
		frame_free_block(f, order);
		return;
	}
	frame_leave(f);
	frame_free_one(f, false);
}

void frame_unmap_block(struct frame *f)
{
	unsigned n = 1u << FRAME_ORDER_HUGE, ours = 0;
	uint64_t one = FRAME_MAP_ONE;

	while (ours < n && __atomic_compare_exchange_n((uint64_t *)&f[ours].counts, &one, 0, false,
						       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		ours++;
	if (ours == n) {
		for (unsigned i = 0; i < n; i++)
			frame_leave(f + i);
		f->word = FRAME_KERNEL | FRAME_ORDER_HUGE << FRAME_ORDER_SHIFT;
		frame_free(f, FRAME_ORDER_HUGE);
		return;
	}
	frame_clear(f, FRAME_ORDER_MASK);
	for (unsigned i = 0; i < n; i++) {
		if (i < ours)
			frame_free(f + i, 0);
		else
			frame_unmap(f + i);
	}
}

void frame_free_zeroed(struct frame *f)
{
#if DEBUG
	for (uint64_t *p = frame_data(f), *end = p + PT_ENTRIES; p < end; p++)
		assert(*p == 0);
#endif
	vm_event(VM_PGFREE);
	frame_free_one(f, true);
}

/* An idle hart zeroes a frame of its own, so that a fault need not. */
bool idle_work(void)
{
	uint64_t irq = irq_save();
	struct mm_hart *h = mm_hart();
	struct frame *f = NULL;

	if (h->nr_zeroed < cache_limit && buddy.free > frames_high) {
		if (!h->nr_frames)
			cache_refill(h, 0);
		if (h->nr_frames)
			f = h->frames[--h->nr_frames];
	}
	irq_restore(irq);
	if (!f)
		return false;
	page_zero(frame_data(f));
	frame_free_one(f, true);
	return true;
}

void leaf_wait(struct frame *t)
{
	do {
		this_hart()->lock_spins++;
		while (t->word & FRAME_LOCK)
			cpu_relax();
	} while (__atomic_fetch_or((uint32_t *)&t->word, FRAME_LOCK, __ATOMIC_ACQUIRE) &
		 FRAME_LOCK);
}

bool frames_short(void)
{
	return buddy.free < frames_low;
}

uint64_t frames_free(void)
{
	uint64_t n = buddy.free;

	for (uint32_t i = 0; i < nharts; i++) {
		struct mm_hart *h = harts[i].percpu_mm;

		if (h)
			n += h->nr_frames + h->nr_zeroed;
	}
	return n;
}

void frame_blocks(struct frame_blocks *out)
{
	uint64_t irq = spin_lock_irq(&buddy.lock);

	for (unsigned o = 0; o <= FRAME_ORDER_MAX; o++)
		out->free[o] = buddy.blocks[o].n;
	out->loose = buddy.nr_loose;
	out->free[0] += out->loose;
	spin_unlock_irq(&buddy.lock, irq);
}

void frames_add(paddr_t pa, uint64_t n)
{
	struct frame *f = frame_of_pa(pa), *end = f + n;

	if (!pa) {
		/* PFN_NONE ends lists. */
		f++;
		n--;
	}
	frames_total += n;
	for (struct frame *i = f; i < end; i++)
		i->word = FRAME_FREE;
	spin_lock(&buddy.lock);
	while (f < end) {
		unsigned order = 0;

		while (order < FRAME_ORDER_MAX && !(frame_pfn(f) & ((2UL << order) - 1)) &&
		       f + (2UL << order) <= end)
			order++;
		block_free(f, order);
		f += 1UL << order;
	}
	spin_unlock(&buddy.lock);
}

bool frames_set_min(uint64_t min)
{
	if (min > frames_total / 4)
		return false;
	/* Between two marks there is room for a fork, which cannot wait, on a small machine. */
	frames_high = min + 2 * MAX(64UL, min);
	frames_low = min + MAX(64UL, min);
	frames_min = min;
	return true;
}

void frame_init(void)
{
	/* A thousandth of memory may sleep in each hart's caches. */
	cache_limit = MAX(8UL, MIN(frames_total / 1024, (uint64_t)FRAME_CACHE_MAX));
	frames_set_min(MAX(32UL, MIN(frames_total / 128, 2048UL)));
}

void frame_audit(void)
{
	uint64_t irq = spin_lock_irq(&buddy.lock), sum = buddy.nr_loose;

	for (unsigned o = 0; o <= FRAME_ORDER_MAX; o++) {
		uint64_t blocks = 0;

		for (uint32_t p = buddy.blocks[o].first; p != PFN_NONE;
		     p = FRAMES[p].next, blocks++) {
			const struct frame *f = FRAMES + p;

			assert_always(frame_type(f) == FRAME_FREE && f->refs == 0);
			assert_always(frame_order(f) == o && !(p & ((1u << o) - 1)));
		}
		assert_always(blocks == buddy.blocks[o].n);
		sum += blocks << o;
	}
	assert_always(sum == buddy.free);
	spin_unlock_irq(&buddy.lock, irq);
}

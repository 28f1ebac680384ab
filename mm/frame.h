/*
 * The core map: one struct frame for each page of RAM, in a virtual array indexed by page number
 * and backed only where there is RAM. Frames are type-stable: the record of a frame may be looked
 * at whatever has become of the frame, if the looker then re-checks under the right lock.
 */
#pragma once

#include "kernel/layout.h"
#include "kernel/spinlock.h"
#include "mm/pte.h"

struct aspace;
struct kmem_cache;
struct object;

enum frame_type {
	FRAME_RESERVED,	 /* firmware, kernel image, not ours */
	FRAME_FREE,	 /* in the buddy lists; only the first frame of a block says its order */
	FRAME_KERNEL,	 /* in use by the kernel: kmalloc, DMA, stacks, vmalloc */
	FRAME_SLAB,	 /* a slab of small objects */
	FRAME_PAGETABLE, /* a leaf or upper table of an address space */
	FRAME_ANON,	 /* private memory of a process */
	FRAME_OBJECT,	 /* a page of a memory object (or just taken out of one) */
	FRAME_TYPES,
};

/* The bits of frame->word. */
#define FRAME_TYPE_MASK	   0xfu
#define FRAME_ORDER_SHIFT  4
#define FRAME_ORDER_MASK   0xf0u
#define FRAME_LOCK	   BIT(8)  /* bit lock: leaf tables */
#define FRAME_BUSY	   BIT(9)  /* contents invalid, or leaving; PAGETABLE: no leaf */
#define FRAME_WRITEBACK	   BIT(10) /* being written; contents valid and stable */
#define FRAME_DIRTY	   BIT(11) /* to be written: as tagged in its object, or to its slot */
#define FRAME_REFERENCED   BIT(12) /* used since reclaim last looked */
#define FRAME_QUEUED	   BIT(13) /* on a reclaim queue (queue lock) */
#define FRAME_ICACHE_STALE BIT(14) /* written since the last fence.i */
#define FRAME_HUGE	   BIT(15) /* (l) PAGETABLE: its pages are one block, in order: thp.h */
#define FRAME_PROVEN	   BIT(15) /* ANON, OBJECT: used again or back soon, or from the pool */
#define FRAME_CACHED	   BIT(16) /* FREE: in a hart's cache, not in the buddy lists */
#define FRAME_WAITERS	   BIT(17) /* somebody sleeps for BUSY or WRITEBACK to end */
#define FRAME_FORK_COPIED  BIT(18) /* ANON: somebody who shared it since a fork wrote to it */
#define FRAME_FRESH	   BIT(19) /* its use so far is the one that brought it in */
#define FRAME_QUEUE_SHIFT  20	   /* two bits: which one of the reclaim queues (queue lock) */
#define FRAME_QUEUE_MASK   0x300000u
/* Bits 22 to 31: when it was used last, in the policy's time (queue lock). */

#define PFN_NONE 0u /* no neighbour in a list; physical page 0 is never handed out */

/*
 * Locks: (a) atomic: once others know the frame, changed by __atomic functions only; (b) buddy
 * lock, (t) object's tree lock, (l) FRAME_LOCK bit of the leaf table, (q) reclaim queue lock,
 * (s) slab cache lock.
 */
struct frame {
	union {
		volatile uint64_t counts; /* (a) both halves at once */
		struct {
			volatile uint32_t refs; /* (a) 0: free. A mapping holds one each */
			union {
				volatile uint32_t maps;	/* (a) entries that map it: ANON, OBJECT */
				uint32_t entries;	/* (l) PAGETABLE: counts, see below */
				uint32_t slab_free;	/* (s) SLAB: offset of first free + 1 */
			};
		};
	};
	volatile uint32_t word;		/* (a) type, order, flags */
	union {
		uint32_t index;		/* (t) OBJECT: page index */
		uint32_t slot;		/* ANON: swap slot, 0 none */
		uint32_t base;		/* PAGETABLE: va >> L1_SHIFT */
		uint32_t slab_used;	/* (s) SLAB: objects handed out */
	};
	union {
		struct object *object;	/* (t) OBJECT: NULL once taken out */
		pte_t *pte;		/* ANON: one of the entries that map it */
		struct aspace *owner;	/* PAGETABLE: NULL when detached */
		struct kmem_cache *cache; /* SLAB */
	};
	union {
		/* By page number: (b) free list, (q) reclaim queue, ring of copies, (s) slabs */
		struct {
			uint32_t next, prev;
		};
		uint64_t groups; /* upper PAGETABLE (l1_lock): which entries may be in use */
	};
};
_Static_assert(sizeof(struct frame) == 32, "32 bytes a page");

/* Frames linked by next and prev; all zero: empty. The owner locks. */
struct frame_list {
	uint32_t first, last; /* page numbers */
	uint64_t n;
};
void frame_list_push(struct frame_list *l, struct frame *f);   /* at the front */
void frame_list_append(struct frame_list *l, struct frame *f); /* at the end */
void frame_list_remove(struct frame_list *l, struct frame *f);

#define FRAME_MAP_ONE ((1UL << 32) | 1) /* one mapping: a map count and a reference */

/* PAGETABLE: how many entries of each kind, ten bits each (0..512). */
#define PT_COUNT_ANON	1u
#define PT_COUNT_OBJECT (1u << 10)
#define PT_COUNT_SWAP	(1u << 20)
static inline uint32_t pt_count(const struct frame *t, uint32_t kind)
{
	return t->entries / kind & 0x3ff;
}
/* Pages that a leaf table has in memory. */
static inline uint32_t pt_resident(const struct frame *t)
{
	return pt_count(t, PT_COUNT_ANON) + pt_count(t, PT_COUNT_OBJECT);
}

#define FRAMES ((struct frame *)FRAMES_BASE)
/* Bytes of memory for each of a record: an address is then a shift and the sum of all constants. */
#define FRAME_SPAN (PAGE_SIZE / sizeof(struct frame))
static inline struct frame *frame_of_pa(paddr_t pa)
{
	return FRAMES + (pa >> PAGE_SHIFT);
}
static inline uint32_t frame_pfn(const struct frame *f)
{
	return (uint32_t)(f - FRAMES);
}
static inline paddr_t frame_pa(const struct frame *f)
{
	return (uintptr_t)f * FRAME_SPAN - FRAMES_BASE * FRAME_SPAN;
}
/* Kernel address of a frame's contents, in the direct map; and back. */
static inline void *frame_data(const struct frame *f)
{
	return (void *)((uintptr_t)f * FRAME_SPAN + (DIRECT_BASE - FRAMES_BASE * FRAME_SPAN));
}
static inline struct frame *frame_of(const void *data)
{
	return frame_of_pa((paddr_t)(uintptr_t)data - DIRECT_BASE);
}
static inline struct frame *pte_frame(pte_t p)
{
	return FRAMES + pte_pfn(p);
}
/* Does the entry map f, accessible or not? */
static inline bool pte_maps(pte_t p, const struct frame *f)
{
	return pte_resident(p) && pte_frame(p) == f;
}
static inline enum frame_type frame_type(const struct frame *f)
{
	return (enum frame_type)(__atomic_load_n((const uint32_t *)&f->word, __ATOMIC_RELAXED) &
				 FRAME_TYPE_MASK);
}
/* What an entry that maps f counts as in its table. */
static inline uint32_t pt_count_of(const struct frame *f)
{
	return frame_type(f) == FRAME_ANON ? PT_COUNT_ANON : PT_COUNT_OBJECT;
}
static inline bool frame_has(const struct frame *f, uint32_t flag)
{
	return __atomic_load_n((const uint32_t *)&f->word, __ATOMIC_ACQUIRE) & flag;
}
static inline void frame_set(struct frame *f, uint32_t flags)
{
	__atomic_fetch_or((uint32_t *)&f->word, flags, __ATOMIC_ACQ_REL);
}
/* A flag that nothing but a guess depends on. */
static inline void frame_hint(struct frame *f, uint32_t flag)
{
	__atomic_fetch_or((uint32_t *)&f->word, flag, __ATOMIC_RELAXED);
}
/* Returns the word as it was. */
static inline uint32_t frame_clear(struct frame *f, uint32_t flags)
{
	return __atomic_fetch_and((uint32_t *)&f->word, ~flags, __ATOMIC_ACQ_REL);
}

#define FRAME_ORDER_MAX	 10 /* 4 MiB */
#define FRAME_ORDER_HUGE 9  /* 2 MiB, what a leaf table spans */

/* How to allocate. */
enum {
	FRAME_ZEROED = 1, /* contents all zero */
	FRAME_NOFS = 2,	  /* _wait: the caller holds file-system locks: no shrinkers */
	FRAME_RESERVE = 4, /* may dip into the reserve: calls that free memory, the I/O path */
	FRAME_DMA32 = 8,  /* wholly below 4 GiB */
	FRAME_TRY = 16,	  /* _wait: only as long as something goes; nobody is killed for it */
};

/*
 * 2^order frames, physically contiguous and aligned to their size, type KERNEL, one reference.
 * NULL when there are none: frame_alloc does not reclaim, never sleeps, any context.
 */
struct frame *frame_alloc(unsigned order, unsigned flags) __must_check;
/*
 * As frame_alloc, but reclaims as soon as memory is short, and waits when there is none. Only
 * with no lock held that reclaim takes (none at all; with FRAME_NOFS file-system locks are
 * fine). NULL when the running thread is dying, with FRAME_TRY, or if order > 3 and memory is too
 * fragmented.
 */
struct frame *frame_alloc_wait(unsigned order, unsigned flags) __must_check;
/* Give back 2^order frames whatever their count: the only reference is the caller's. */
void frame_free(struct frame *f, unsigned order);
/* Give back a frame whose contents are all zero, to be handed out as such. */
void frame_free_zeroed(struct frame *f);
static inline struct frame *frame_get(struct frame *f)
{
	__atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);
	return f;
}
/* For who finds it in a list of which its freeing takes it off: false if the last one is gone. */
static inline bool frame_try_get(struct frame *f)
{
	uint32_t refs = f->refs;

	while (refs)
		if (__atomic_compare_exchange_n(&f->refs, &refs, refs + 1, false,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return true;
	return false;
}
/*
 * Drop references and map counts, so many as FRAME_MAP_ONE is one of each; the last reference frees
 * it. Order 0 only. Never sleeps.
 */
static inline void frame_drop(struct frame *f, uint64_t counts)
{
	uint64_t was = __atomic_fetch_sub((uint64_t *)&f->counts, counts, __ATOMIC_ACQ_REL);

	if ((uint32_t)was == (uint32_t)counts)
		frame_free(f, 0);
}
static inline void frame_put(struct frame *f)
{
	frame_drop(f, 1);
}
/* One mapping more, by the holder of one. */
static inline void frame_map(struct frame *f)
{
	__atomic_fetch_add((uint64_t *)&f->counts, FRAME_MAP_ONE, __ATOMIC_RELAXED);
}
/* Drop one mapping: its map count and its reference. */
static inline void frame_unmap(struct frame *f)
{
	frame_drop(f, FRAME_MAP_ONE);
}

/* The same for the 2 MiB block that f begins: given back whole if nobody else holds any of it. */
void frame_unmap_block(struct frame *f);

/* A frame fresh from frame_alloc, filled by the caller, becomes private memory mapped once. */
static inline void frame_make_anon(struct frame *f)
{
	f->counts = FRAME_MAP_ONE;
	f->word = FRAME_ANON | FRAME_ICACHE_STALE;
	f->slot = 0;
}
/* Change the type of a frame the caller alone holds; flags are cleared. */
static inline void frame_set_type(struct frame *f, enum frame_type type)
{
	f->word = type;
}
extern paddr_t zero_page_pa; /* the shared page of zeros */

/* The bit lock of a leaf table (RANK_LEAF). Preemption is off while it is held. */
void leaf_wait(struct frame *t); /* until it is taken */
static inline void leaf_lock(struct frame *t)
{
	preempt_disable();
	lockrank_acquire(t, RANK_LEAF, "leaf table");
	if (unlikely(__atomic_fetch_or((uint32_t *)&t->word, FRAME_LOCK, __ATOMIC_ACQUIRE) &
		     FRAME_LOCK))
		leaf_wait(t);
}
/* Of a frame that may not be a leaf table, or no longer. */
static inline bool leaf_trylock(struct frame *t)
{
	uint32_t word = FRAME_PAGETABLE | (t->word & FRAME_HUGE);

	preempt_disable();
	if (__atomic_compare_exchange_n((uint32_t *)&t->word, &word, word | FRAME_LOCK, false,
					__ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		lockrank_acquire_try(t, RANK_LEAF, "leaf table");
		return true;
	}
	preempt_enable();
	return false;
}
static inline void leaf_unlock(struct frame *t)
{
	lockrank_release(t);
	__atomic_fetch_and((uint32_t *)&t->word, ~(uint32_t)FRAME_LOCK, __ATOMIC_RELEASE);
	preempt_enable();
}
/* Two, which may be the same, in the order of their addresses. */
static inline void leaf_lock_two(struct frame *a, struct frame *b)
{
	leaf_lock(a < b ? a : b);
	if (a != b)
		leaf_lock(a < b ? b : a);
}
static inline void leaf_unlock_two(struct frame *a, struct frame *b)
{
	leaf_unlock(a);
	if (a != b)
		leaf_unlock(b);
}

struct frame_blocks {
	uint64_t free[FRAME_ORDER_MAX + 1], loose; /* loose: free, not merged yet; with order 0 */
};
void frame_blocks(struct frame_blocks *out);
uint64_t frames_free(void);   /* cheap, approximate */
bool frames_short(void);      /* below the low watermark? Any context. */
extern uint64_t frames_total; /* RAM that is ours */
/* Watermarks in frames: reserve < low < high. */
extern uint64_t frames_min, frames_low, frames_high;
/* Set them all by the lowest (min_free_kbytes), at most a quarter of memory. False: too much. */
bool frames_set_min(uint64_t min);

/* Set by reclaim.c: called by frame_alloc_wait's users through one pointer, below that layer. */
extern struct frame *(*frame_alloc_wait_hook)(unsigned order, unsigned flags);
extern _Atomic uint64_t frames_refused; /* calls of frame_alloc that found none, since boot */

/* Boot: hand [pa, pa + n frames) to the allocator. */
void frame_init(void);
void frames_add(paddr_t pa, uint64_t n);
/* Debug: are free lists and counts consistent? Panics if not. */
void frame_audit(void);

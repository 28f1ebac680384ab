/*
 * Translation caches: address-space identifiers, fences here and on other harts, and batches that
 * gather what may be freed only after the fence.
 */
#pragma once

#include "kernel/riscv.h"
#include "mm/frame.h"

struct aspace;
struct frame;

/* Forget translations of [start, end) of as on all harts that run it. Any context. */
void tlb_flush(struct aspace *as, uaddr_t start, uaddr_t end);
/* The same for who has preemption off, as with a spin lock held. */
void tlb_flush_pinned(struct aspace *as, uaddr_t start, uaddr_t end);
/* Forget all translations of all spaces on all harts. Any context. */
void tlb_flush_all(void);
/* The running hart only: an entry became more permissive, or the fault was spurious. */
static inline void tlb_flush_local(uaddr_t va)
{
	/* Of any ASID: cheaper than finding out which one. */
	sfence_page(va);
}
/* No hart has as in satp any more when this returns. Nobody can activate it. May sleep. */
void tlb_leave(struct aspace *as);
/* All harts see new instructions (fence.i everywhere). */
void icache_flush(void);
/* How many are between taking FRAME_ICACHE_STALE from frames and the end of the fence.i for it. */
extern uint32_t icache_fences;
/* By a frame's word: it is not to be executed before a fence.i, ours or one that is under way. */
static inline bool icache_stale(uint32_t word)
{
	return word & FRAME_ICACHE_STALE || __atomic_load_n(&icache_fences, __ATOMIC_ACQUIRE);
}
/* Before executable mappings are made of n frames, or NULL, that may have been written to. */
void icache_ready(struct frame **frames, uint32_t n);

#define TLB_BATCH_INLINE 32
#define TLB_BATCH_CHUNKS 16

/*
 * Frames whose entries were cleared. They lose their mapping (frame_unmap), and page tables are
 * freed, after one fence at the end, or earlier only when memory for the list runs out.
 */
struct tlb_batch {
	struct aspace *as;
	uaddr_t start, end;	/* to be fenced; start >= end: nothing */
	bool direct;		/* nobody can use the entries meanwhile: free at once */
	uint32_t n, room;
	struct frame **list;	/* the current chunk */
	uint32_t nr_chunks;
	struct frame *chunks[TLB_BATCH_CHUNKS]; /* full ones before it, each a frame of pointers */
	struct frame *first[TLB_BATCH_INLINE];
};

/*
 * as may be mapped by other objects' walkers meanwhile; `exclusive` tells that no thread but the
 * running one can use the space (or none at all).
 */
static inline void tlb_batch_begin(struct tlb_batch *b, struct aspace *as, bool exclusive)
{
	b->as = as;
	b->start = UINT64_MAX;
	b->end = 0;
	b->direct = exclusive;
	b->n = 0;
	b->room = TLB_BATCH_INLINE;
	b->list = b->first;
	b->nr_chunks = 0;
}
/* The list is full: a frame of pointers more, or a fence now. */
void tlb_batch_grow(struct tlb_batch *b);
static inline void tlb_batch_range(struct tlb_batch *b, uaddr_t start, uaddr_t end)
{
	if (start < b->start)
		b->start = start;
	if (end > b->end)
		b->end = end;
}
static inline void tlb_batch_push(struct tlb_batch *b, struct frame *f)
{
	b->list[b->n] = f;
	if (unlikely(++b->n == b->room))
		tlb_batch_grow(b);
}
/* An entry that mapped f was cleared; its address lies in the range already. */
static inline void tlb_batch_frame(struct tlb_batch *b, struct frame *f)
{
	if (b->direct)
		frame_unmap(f);
	else
		tlb_batch_push(b, f);
}
/* The entry at va, which mapped f (NULL: something that is not counted), was cleared or changed. */
static inline void tlb_batch_add(struct tlb_batch *b, uaddr_t va, struct frame *f)
{
	tlb_batch_range(b, va, va + PAGE_SIZE);
	if (f)
		tlb_batch_frame(b, f);
}
/* All 2 MiB of the block that f begins were mapped by a table, which is empty now. */
void tlb_batch_block(struct tlb_batch *b, uaddr_t va, struct frame *f);
/* The fence, then everything is freed; the batch is as at its beginning. */
void tlb_batch_flush(struct tlb_batch *b);
static inline void tlb_batch_end(struct tlb_batch *b)
{
	if (b->n || b->nr_chunks)
		tlb_batch_flush(b);
	else if (b->end)
		tlb_flush(b->as, b->start, b->end);
}

/* Switch this hart to as (NULL: the kernel's own table). Interrupts off. From schedule(). */
void aspace_activate(struct aspace *as);

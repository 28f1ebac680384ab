#include "mm/tlb.h"

#include "kernel/cmdline.h"
#include "kernel/mem/kmap.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/riscv.h"
#include "kernel/sbi.h"
#include "lib/bitmap.h"
#include "mm/frame.h"
#include "mm/init.h"
#include "mm/percpu.h"
#include "mm/stat.h"
#include "mm/types.h"

/*
 * A space's identifier is generation << 16 | ASID. When all ASIDs of a generation are used up, the
 * next one begins: harts keep the one they run with (asid_reserved), everyone else gets a new
 * number, and each hart drops its whole TLB before it uses one of the new generation.
 */
#define GENERATION (1UL << 16)

static struct spinlock tlb_lock = SPINLOCK_INIT("tlb", RANK_TLB);
static uint32_t nr_asids;		 /* 1: satp has no ASID bits */
static uint64_t generation = GENERATION; /* (tlb_lock) read without */
static uint32_t next_asid = 1;		 /* (tlb_lock) */
static BITMAP_DECLARE(asids, 65536);	 /* (tlb_lock) used in this generation */

#define FLUSH_PAGES_MAX 16 /* more pages than this: the whole ASID */

/* (tlb_lock) */
static void asid_rollover(void)
{
	generation += GENERATION;
	bitmap_clear_range(asids, 0, nr_asids);
	for (uint32_t i = 0; i < nharts; i++) {
		struct mm_hart *h = harts[i].percpu_mm;
		uint64_t active = __atomic_exchange_n(&h->asid_active, 0, __ATOMIC_ACQ_REL);

		if (active)
			h->asid_reserved = active;
		bitmap_set(asids, h->asid_reserved % GENERATION);
		h->asid_flush = true;
	}
	next_asid = 1;
}

/* (tlb_lock) A number of this generation for as: what harts run it with, or a new one. */
static uint64_t asid_new(struct aspace *as)
{
	uint64_t old = as->asid, asid = generation | old % GENERATION;
	bool reserved = false;

	for (uint32_t i = 0; old && i < nharts; i++) {
		struct mm_hart *h = harts[i].percpu_mm;

		if (h->asid_reserved == old) {
			h->asid_reserved = asid;
			reserved = true;
		}
	}
	if (reserved)
		return asid;
	next_asid = bitmap_find_zero(asids, next_asid, nr_asids);
	if (next_asid == nr_asids) {
		asid_rollover();
		next_asid = bitmap_find_zero(asids, next_asid, nr_asids);
	}
	bitmap_set(asids, next_asid);
	return generation | next_asid;
}

static __slow uint64_t asid_renew(struct aspace *as, struct mm_hart *h)
{
	uint64_t asid;

	spin_lock(&tlb_lock);
	asid = as->asid;
	if ((asid ^ generation) >= GENERATION)
		as->asid = asid = asid_new(as);
	if (h->asid_flush) {
		h->asid_flush = false;
		sfence_all();
	}
	h->asid_active = asid;
	spin_unlock(&tlb_lock);
	return asid % GENERATION;
}

/* The ASID to run as with on this hart, interrupts off. */
static uint64_t asid_use(struct aspace *as, struct mm_hart *h)
{
	uint64_t asid = as->asid, active = h->asid_active;

	/* The exchange fails if a rollover has taken asid_active meanwhile. */
	if (likely(active && (asid ^ generation) < GENERATION &&
		   __atomic_compare_exchange_n(&h->asid_active, &active, asid, false,
					       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)))
		return asid % GENERATION;
	return asid_renew(as, h);
}

/*
 * Joining: our bit is set, then the stale mask is looked at. Whoever shoots sets the stale mask,
 * then reads the bits (tlb_flush). With a full fence on both sides at least one sees the other, so
 * either we drop our entries here or we are sent a fence.
 */
void aspace_activate(struct aspace *as)
{
	struct hart *h = this_hart();
	struct aspace *old = h->aspace;
	hartmask_t bit = 1UL << h->index;

	if (old == as)
		return;
	if (as) {
		uint64_t asid = 0;
		bool flush = nr_asids == 1;

		__atomic_fetch_or((uint64_t *)&as->harts, bit, __ATOMIC_RELAXED);
		if (!flush)
			asid = asid_use(as, h->percpu_mm);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (__atomic_load_n((uint64_t *)&as->stale, __ATOMIC_RELAXED) & bit) {
			__atomic_fetch_and((uint64_t *)&as->stale, ~bit, __ATOMIC_RELAXED);
			flush = true;
		}
		csr_write(satp, as->satp | asid << SATP_ASID_SHIFT);
		if (flush)
			sfence_asid(asid);
	} else {
		csr_write(satp, kmap_satp());
	}
	h->aspace = as;
	/* From here on the space may be gone. */
	if (old)
		__atomic_fetch_and((uint64_t *)&old->harts, ~bit, __ATOMIC_RELEASE);
}

static void flush_local(uint64_t asid, uaddr_t start, uaddr_t end)
{
	if (end - start > FLUSH_PAGES_MAX * PAGE_SIZE) {
		sfence_asid(asid);
		return;
	}
	do {
		sfence_page_asid(start, asid);
		start += PAGE_SIZE;
	} while (start < end);
}

/* The number that a hart which runs as has in satp: a rollover lets it keep that. */
static inline uint64_t asid_running(struct aspace *as)
{
	return __atomic_load_n(&as->asid, __ATOMIC_RELAXED) % GENERATION;
}

static __slow void flush_remote(struct aspace *as, hartmask_t others, uaddr_t start, uaddr_t end)
{
	uint64_t len = end - start;

	vm_event(VM_TLB_REMOTE);
	if (len > FLUSH_PAGES_MAX * PAGE_SIZE) {
		start = 0;
		len = UINT64_MAX;
	}
	if (nr_asids > 1)
		sbi_remote_sfence_asid(others, start, len, asid_running(as));
	else
		sbi_remote_sfence(others, start, len);
}

inline void tlb_flush_pinned(struct aspace *as, uaddr_t start, uaddr_t end)
{
	const struct hart *h = this_hart();
	hartmask_t me = 1UL << h->index, others;
	bool here = h->aspace == as;

	if (nharts > 1 || !here) {
		/* Those that do not run it now drop their entries when they do. */
		__atomic_fetch_or((uint64_t *)&as->stale, here ? ~me : ~0UL, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	}
	others = __atomic_load_n((uint64_t *)&as->harts, __ATOMIC_RELAXED) & ~me;
	if (here) {
		flush_local(asid_running(as), start, end);
		vm_event(VM_TLB_LOCAL);
	}
	if (unlikely(others))
		flush_remote(as, others, start, end);
}

void tlb_flush(struct aspace *as, uaddr_t start, uaddr_t end)
{
	preempt_disable();
	tlb_flush_pinned(as, start, end);
	preempt_enable();
}

void tlb_flush_all(void)
{
	hartmask_t others = 0;

	preempt_disable();
	for (uint32_t i = 0; i < nharts; i++)
		if (harts[i].online && &harts[i] != this_hart())
			others |= 1UL << i;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	sfence_all();
	if (others)
		sbi_remote_sfence(others, 0, UINT64_MAX);
	preempt_enable();
}

static void leave(void *arg)
{
	if (this_hart()->aspace == arg)
		aspace_activate(NULL);
}

void tlb_leave(struct aspace *as)
{
	hartmask_t mask = as->harts;
	uint64_t irq = irq_save();

	mask &= ~(1UL << this_hart()->index);
	leave(as);
	irq_restore(irq);
	if (mask)
		hart_call(mask, leave, as);
	/* We may have moved: the hart we left behind has left the space already. */
	while (as->harts)
		hart_call(as->harts, leave, as);
}

void icache_flush(void)
{
	hartmask_t others;

	preempt_disable();
	others = harts_others();
	/* The stores must be visible before the other harts' fence.i. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	fence_i();
	if (others)
		sbi_remote_fence_i(others);
	preempt_enable();
}

uint32_t icache_fences;

void icache_ready(struct frame **frames, uint32_t n)
{
	bool marked = false;

	for (uint32_t i = 0; i < n; i++)
		marked |= frames[i] && frame_has(frames[i], FRAME_ICACHE_STALE);
	if (!marked && !icache_stale(0))
		return;
	__atomic_fetch_add(&icache_fences, 1, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < n; i++)
		if (frames[i])
			frame_clear(frames[i], FRAME_ICACHE_STALE);
	icache_flush();
	__atomic_fetch_sub(&icache_fences, 1, __ATOMIC_RELEASE);
}

static void batch_drop(struct frame *f)
{
	if (frame_type(f) == FRAME_PAGETABLE)
		frame_free_zeroed(f);
	else if (unlikely(f->word & FRAME_ORDER_MASK))
		frame_unmap_block(f);
	else
		frame_unmap(f);
}

void tlb_batch_grow(struct tlb_batch *b)
{
	struct frame *chunk = NULL;

	if (b->nr_chunks < TLB_BATCH_CHUNKS)
		chunk = frame_alloc(0, FRAME_RESERVE);
	if (!chunk) {
		tlb_batch_flush(b);
		return;
	}
	b->chunks[b->nr_chunks++] = chunk;
	b->list = frame_data(chunk);
	b->room = PAGE_SIZE / sizeof(b->list[0]);
	b->n = 0;
}

void tlb_batch_block(struct tlb_batch *b, uaddr_t va, struct frame *f)
{
	tlb_batch_range(b, va, va + L1_SIZE);
	if (b->direct) {
		frame_unmap_block(f);
		return;
	}
	frame_set(f, FRAME_ORDER_HUGE << FRAME_ORDER_SHIFT);
	tlb_batch_push(b, f);
}

void tlb_batch_flush(struct tlb_batch *b)
{
	uint32_t n = b->n;

	tlb_flush(b->as, b->start, b->end);
	for (;;) {
		while (n)
			batch_drop(b->list[--n]);
		if (!b->nr_chunks)
			break;
		frame_free(b->chunks[--b->nr_chunks], 0);
		b->list = b->nr_chunks ? frame_data(b->chunks[b->nr_chunks - 1]) : b->first;
		n = b->nr_chunks ? PAGE_SIZE / sizeof(b->list[0]) : TLB_BATCH_INLINE;
	}
	tlb_batch_begin(b, b->as, b->direct);
}

void tlb_init(void)
{
	uint64_t satp = csr_read(satp);

	/* ASID bits that are not there read as 0 (privileged specification 4.1.11). */
	csr_write(satp, satp | SATP_ASID_MASK << SATP_ASID_SHIFT);
	nr_asids = (csr_read(satp) >> SATP_ASID_SHIFT & SATP_ASID_MASK) + 1;
	csr_write(satp, satp);
	if (cmdline_has("noasid"))
		nr_asids = 1; /* as on a machine whose satp has none */
	sfence_all();
	bitmap_set(asids, 0);
	pr_debug("tlb: %u address-space identifiers\n", nr_asids);
}

/*
 * Large pages: 2 MiB of anonymous memory behind one L1 entry.
 *
 * A megapage is a full leaf table and a shortcut above it. The table, deposited when the megapage
 * is made, has an entry for every page of one block, in order and with equal bits, and each page
 * has its record as anywhere: so whoever looks at entries or counts finds what is true. FRAME_HUGE
 * in the table's record says that it is so. While such a table is attached, its L1 entry is a copy
 * of its first entry, which the hardware takes for 2 MiB, instead of a pointer to the table; the
 * table is found by what the block's first page says of its entry (pt_named).
 *
 * Before an entry of the table changes, the megapage is split: the L1 entry points to the table.
 * Both say the same, so there is no moment at which an access fails, and the fence that the change
 * of the entry needs anyway is the only one.
 *
 * One is made at the first write to 2 MiB that MADV_HUGEPAGE names, unasked where the area's 2 MiB
 * below or above are full, and by MADV_COLLAPSE. Reservations filled page by page would waste less,
 * but every fault and every shortage would have to know them; this costs a fault two instructions.
 * FRAME_HUGE changes under l1_lock and leaf lock.
 */
#pragma once

#include "mm/frame.h"

struct aspace;
struct tlb_batch;
struct vma;

/* What Linux has in /sys/kernel/mm/transparent_hugepage/enabled. */
enum thp_mode { THP_NEVER, THP_MADVISE, THP_ALWAYS };
extern _Atomic uint32_t thp_mode;

/*
 * A write to private anonymous memory at va in v: if its leaf table has no page yet, the area fills
 * 2 MiB there and wants a megapage, and there is a block, make one. True: done. (a reader) Zeroes
 * 2 MiB; does not sleep.
 */
bool thp_fault_empty(struct vma *v, uaddr_t va, struct frame *leaf);
static inline bool thp_fault(struct vma *v, uaddr_t va, struct frame *leaf)
{
	return unlikely(!leaf->entries) && thp_fault_empty(v, va, leaf);
}
/*
 * MADV_COLLAPSE of the 2 MiB at base: its pages move to one block, to which they are copied.
 * 0, -EINVAL (nothing there that could), -ENOMEM (no block), -EAGAIN. (a writer)
 */
int thp_collapse(struct vma *v, uaddr_t base);

/* Split; or unmap all, if len bytes to be unmapped are all of it: true. (a writer) */
bool thp_unmap_huge(struct frame *leaf, uint64_t len, struct tlb_batch *b);
/* Before entries of an attached table change; b fences that, too. (a writer) */
static inline void thp_split(struct frame *leaf, struct tlb_batch *b)
{
	if (unlikely(leaf->word & FRAME_HUGE))
		thp_unmap_huge(leaf, 0, b);
}
/* Before len bytes of an attached table are unmapped: true if they were, as one block. */
static inline bool thp_unmap(struct frame *leaf, uint64_t len, struct tlb_batch *b)
{
	return unlikely(leaf->word & FRAME_HUGE) && thp_unmap_huge(leaf, len, b);
}
/*
 * (leaf lock) Before entries of a table change, for who cannot take l1_lock in order, and fences
 * all harts: split it, attached or not. False: not to be had now.
 */
bool thp_try_split(struct frame *leaf);
/* (leaf lock) The entries of a detached table are going to change. */
void thp_forget(struct frame *leaf);

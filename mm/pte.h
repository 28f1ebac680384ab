/*
 * Sv39 page-table entries (privileged specification, section 4.4). The only file that names their
 * bits. Leaf entries are of one of these kinds:
 *
 *   empty      0
 *   present    V=1, some of R W X, U for user pages; SPECIAL: no frame is counted behind it
 *   resident   V=0, kind NONE: a frame without access (PROT_NONE)
 *   swapped    V=0, kind SWAP: a slot number in place of the page number
 *   marker     V=0, kind MARKER
 *
 * and entries of the middle level (L1) are empty, a table, a megapage, or a detached table (V=0,
 * kind TABLE), whose leaf table no hart can be walking.
 */
#pragma once

#include "kernel/types.h"

typedef uint64_t pte_t;

#define PTE_V	    BIT(0)
#define PTE_R	    BIT(1)
#define PTE_W	    BIT(2)
#define PTE_X	    BIT(3)
#define PTE_U	    BIT(4)
#define PTE_G	    BIT(5)
#define PTE_A	    BIT(6)
#define PTE_D	    BIT(7)
#define PTE_SPECIAL BIT(8) /* software: the zero page and other frames that nobody counts */
#define PTE_UFFD_WP BIT(9) /* software: a write faults to user space; of swapped entries, too */

#define PTE_PPN_SHIFT 10
#define PTE_PPN_MASK  MASK(53, 10)
/* In an invalid entry the permission bits say its kind. */
#define PTE_KIND_MASK	(PTE_V | PTE_R | PTE_W | PTE_X)
#define PTE_KIND_NONE	PTE_R
#define PTE_KIND_SWAP	PTE_W
#define PTE_KIND_MARKER PTE_X
#define PTE_KIND_TABLE	(PTE_R | PTE_W)

#define PT_ENTRIES 512UL
#define L1_SHIFT   21
#define L1_SIZE	   (1UL << L1_SHIFT) /* what one leaf table spans: 2 MiB */
#define L2_SHIFT   30
#define L2_SIZE	   (1UL << L2_SHIFT)

/* Index of va in the table of a level: 0 leaf, 1 middle, 2 root. */
static inline unsigned pt_index(uint64_t va, unsigned level)
{
	return va >> (PAGE_SHIFT + 9 * level) & (PT_ENTRIES - 1);
}

static inline bool pte_present(pte_t p)
{
	return p & PTE_V;
}
static inline bool pte_is_table(pte_t p)
{
	return (p & PTE_KIND_MASK) == PTE_V;
}
/* Of an L1 entry: does it map 2 MiB? */
static inline bool pte_is_mega(pte_t p)
{
	return (p & PTE_V) && (p & (PTE_R | PTE_W | PTE_X));
}
static inline bool pte_is_detached(pte_t p)
{
	return (p & PTE_KIND_MASK) == PTE_KIND_TABLE;
}
static inline bool pte_is_none(pte_t p)
{
	return (p & PTE_KIND_MASK) == PTE_KIND_NONE;
}
static inline bool pte_is_swap(pte_t p)
{
	return (p & PTE_KIND_MASK) == PTE_KIND_SWAP;
}
/* The slot of a swapped entry, and an entry for a slot. */
static inline uint32_t pte_slot(pte_t p)
{
	return (uint32_t)(p >> PTE_PPN_SHIFT);
}
static inline pte_t pte_swap(uint32_t slot)
{
	return (pte_t)slot << PTE_PPN_SHIFT | PTE_KIND_SWAP;
}
/* Is there a frame behind it, accessible or not? */
static inline bool pte_resident(pte_t p)
{
	return pte_present(p) || pte_is_none(p);
}
static inline bool pte_special(pte_t p)
{
	return p & PTE_SPECIAL;
}
/* The usual in a walk: present, with a frame behind it that is counted. */
static inline bool pte_counted(pte_t p)
{
	return (p & (PTE_V | PTE_SPECIAL)) == PTE_V;
}
static inline bool pte_writable(pte_t p)
{
	return (p & (PTE_V | PTE_W)) == (PTE_V | PTE_W);
}
/* The bits above the page number are reserved: 0. */
static inline uint64_t pte_pfn(pte_t p)
{
	return p >> PTE_PPN_SHIFT;
}
static inline paddr_t pte_pa(pte_t p)
{
	return pte_pfn(p) << PAGE_SHIFT;
}
/* pa: a page's. */
static inline pte_t pte_ppn(paddr_t pa)
{
	return pa >> (PAGE_SHIFT - PTE_PPN_SHIFT);
}

static inline pte_t pte_table(paddr_t pa)
{
	return pte_ppn(pa) | PTE_V;
}
static inline pte_t pte_detached(paddr_t pa)
{
	return pte_ppn(pa) | PTE_KIND_TABLE;
}
/* perm: PTE_R, W, X. A kernel page: global, A and D set so that no hardware needs to write them. */
static inline pte_t pte_kernel(paddr_t pa, uint64_t perm)
{
	return pte_ppn(pa) | perm | PTE_V | PTE_G | PTE_A | PTE_D;
}

/*
 * A user page with the access that prot (PROT_READ 1, WRITE 2, EXEC 4) gives, made writable only
 * if `write`. W implies R, as the architecture reserves W without R. PROT_NONE: resident without
 * access. A is set and D with W: the handler runs because of an access, and hardware that faults
 * on clear bits would come right back.
 */
static inline pte_t pte_user(paddr_t pa, unsigned prot, bool write)
{
	pte_t p = pte_ppn(pa), access = (prot & 7) * PTE_R; /* in the order of PROT_ */

	if (unlikely(!access))
		return p | PTE_KIND_NONE | PTE_U | PTE_A;
	access |= (access & PTE_W) / (PTE_W / PTE_R);
	if (write)
		access |= (access & PTE_W) * (PTE_D / PTE_W);
	else
		access &= ~PTE_W;
	return p | access | PTE_V | PTE_U | PTE_A;
}
static inline pte_t pte_wrprotect(pte_t p)
{
	return pte_present(p) ? p & ~PTE_W : p;
}

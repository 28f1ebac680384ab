/*
 * The audit of memory: everything that refers to a frame is summed up and compared with what the
 * core map says. For debug kernels; writing to /proc/sys/debug/audit runs it.
 */
#pragma once

#include "kernel/types.h"

/*
 * Audits all of it. What other processes are in the middle of is not a mistake, so it is tried
 * again until it is right, for some seconds at most; what is wrong then is printed. 0, -EUCLEAN,
 * -ENOMEM. May sleep; no lock held.
 */
int memory_audit(void);
/* One attempt, nothing printed: how much is wrong, -EAGAIN, -EBUSY, -ENOMEM. */
int audit_once(void);
/* For tests of the audit: is there anything wrong? */
bool audit_sees(void);

/* Notes what is wrong, to be printed in the end. Any context. */
void audit_complain(const char *fmt, ...) __printf(1, 2);

/* What was found to refer to a frame. */
struct audit_found {
	uint32_t refs; /* references */
	uint32_t maps; /* of them, entries of page tables that map it */
};
struct frame;
/* The sums for f; NULL with a complaint if it is not a frame of ours. */
struct audit_found *audit_found(const struct frame *f, const char *who);

/* The parts. All harts but this one stand still, and none holds a spin lock. */
void audit_tables(void);  /* page tables of address spaces, and what their entries map */
void audit_objects(void); /* the trees of memory objects */
void audit_slabs(void);
void audit_swapped(uint32_t slot); /* an entry names it */
void audit_swap(void);		   /* slots, their entries and frames; after the tables */
uint64_t audit_vmalloc_pages(void); /* how many are mapped */

/* Areas, accounts and page tables of all spaces agree, of one. Takes their locks. */
void audit_aspaces(void);
struct aspace;
void aspace_check(struct aspace *as);
/* The order of areas, their links, and what is known of the holes between them. (aspace lock) */
struct vma_tree;
void vma_tree_check(struct vma_tree *t);

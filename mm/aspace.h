/*
 * Address spaces: what threads of a process share. Created empty for exec, copied by fork,
 * destroyed with the last reference.
 */
#pragma once

#include "mm/frame.h"
#include "mm/share.h"
#include "mm/tlb.h"
#include "mm/types.h"
#include "mm/vma.h"

struct thread;

/* NULL when there is no memory. Holds one reference. */
struct aspace *aspace_create(void);
struct aspace *aspace_get(struct aspace *as);
/* False if the last reference is gone already: it is being torn down. */
bool aspace_try_get(struct aspace *as);
/* For a walk of all: the space behind as (NULL: the first), referenced; as is put. May sleep. */
struct aspace *aspace_next(struct aspace *as);
void aspace_put(struct aspace *as); /* may sleep: the last one tears it down */
/*
 * The same, only if it is the last one: true, and the most pages that were resident, as far as
 * anyone looked (at the end, for one). False: others have it, too, and nothing has happened.
 */
bool aspace_put_last(struct aspace *as, uint64_t *peak_rss);
/*
 * A copy-on-write copy of src in *dst: 0, -ENOMEM (nothing changed). May sleep. written: where the
 * child is going to write first of all, besides its stack; 0: not known.
 */
int aspace_fork(struct aspace *src, uaddr_t written, struct aspace **dst);
extern uint32_t fork_sparse; /* tables with more entries are shared; tests lower it */

void aspace_set_layout(struct aspace *as, const struct exec_layout *l);

/*
 * Map [addr, addr+len) in as: pages of o from byte offset (page aligned), or anonymous memory
 * when o is NULL. prot PROT_*, flags MAP_* (uapi/mman.h): MAP_FIXED semantics are always used,
 * addr 0 lets the kernel choose. file (may be NULL) is referenced and kept for /proc/PID/maps.
 * The address, or -errno. Takes the aspace lock as writer. May sleep.
 */
long aspace_map(struct aspace *as, uaddr_t addr, size_t len, int prot, int flags, struct object *o,
		struct file *file, uint64_t offset);
int aspace_unmap(struct aspace *as, uaddr_t addr, size_t len);

/* Limits: would `pages` more be too much? 0 or -ENOMEM. (a writer) */
int aspace_may_grow(struct aspace *as, uint64_t pages, bool data);
/* The lowest address areas may have: 64 KiB, as Linux's vm.mmap_min_addr. */
#define MMAP_MIN_ADDR 0x10000UL
extern uint64_t max_map_count; /* of areas in a space */

/* An area like v for [start, end) of it, not yet entered anywhere. NULL: no memory. */
struct vma *aspace_area_copy(const struct vma *v, uaddr_t start, uaddr_t end) __must_check;
/* Split the area v at va, strictly inside it: the upper part. NULL: no memory. (a writer) */
struct vma *aspace_split(struct vma *v, uaddr_t va) __must_check;
/*
 * The part of the spans of leaf tables around the areas first to last in which there is no other
 * area: tables in there are needed for nothing else.
 */
static inline void aspace_own_span(const struct vma *first, const struct vma *last, uaddr_t *floor,
				   uaddr_t *ceiling)
{
	*floor = MAX(first->prev ? first->prev->end : 0, ALIGN_DOWN(first->start, L1_SIZE));
	*ceiling = MIN(last->next ? last->next->start : USER_TOP, ALIGN_UP(last->end, L1_SIZE));
}
/*
 * Before an area changes: split v so that what of it lies in [start, end) is an area of its own and
 * attach its leaf tables. With `drop`, what is mapped there is about to go, and tables that serve
 * nothing else may stay detached. That area; NULL: no memory (nothing of note changed). (a writer)
 */
static inline struct vma *aspace_isolate(struct vma *v, uaddr_t start, uaddr_t end, bool drop)
{
	uaddr_t floor = 0, ceiling = 0;

	if (v->start < start)
		v = aspace_split(v, start);
	if (!v || (v->end > end && !aspace_split(v, end)))
		return NULL;
	if (drop)
		aspace_own_span(v, v, &floor, &ceiling);
	return pt_unshare(v->as, v->start, v->end, floor, ceiling) ? NULL : v;
}
/* Merge areas that touch within [start, end] and its neighbours, where they can be. (a writer) */
void aspace_merge(struct aspace *as, uaddr_t start, uaddr_t end);
/* The same from area v on, which may be NULL: nothing to merge. */
void aspace_merge_from(struct vma *v, uaddr_t end);
/* Enter a new area (object and file referenced by the caller, taken over). (a writer) */
void aspace_enter(struct aspace *as, struct vma *v);
/* The same but for the set of areas, which is the caller's matter (fork: vma_build). */
void aspace_adopt(struct aspace *as, struct vma *v);
/*
 * Remove whatever is mapped in [start, end). 0, or before any change: -ENOMEM; -EPERM, as some of
 * it is sealed. What was removed is chained to *dead, for aspace_bury once the lock is released:
 * files may close. (a writer)
 */
int aspace_unmap_locked(struct aspace *as, uaddr_t start, uaddr_t end, struct vma **dead);
void aspace_bury(struct vma *dead); /* may be NULL; may sleep; no lock held */
/*
 * Place a new area as mmap does: room was made at addr, limits were checked. References to object
 * and file are taken. 0 or -ENOMEM. (a writer)
 */
int aspace_map_locked(struct aspace *as, uaddr_t addr, size_t len, uint32_t prot, uint32_t flags,
		      struct object *o, struct file *file, uint64_t index);
/* An address for len bytes below mmap_top, near hint if that is free; 0: no room. (a) */
uaddr_t aspace_hole(struct aspace *as, uaddr_t hint, size_t len, size_t align);
/* Can only the running thread use the space? */
bool aspace_exclusive(const struct aspace *as);
/* Change of flags and protection of a whole area: keeps the accounts. (a writer) */
void aspace_area_change(struct vma *v, uint32_t prot, uint32_t flags);
/* Move the ends of v, its pages staying where they are: nothing is in the way. (a writer) */
void aspace_area_resize(struct vma *v, uaddr_t start, uaddr_t end);

extern struct spinlock aspaces_lock; /* RANK_QUEUE */
extern struct list_head aspaces;     /* (aspaces_lock) all spaces */

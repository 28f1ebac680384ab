/*
 * Areas: the ordered set of address ranges of a space, each with one protection and one source of
 * contents. Nothing here looks at page tables or sleeps; the caller holds the aspace lock.
 * They are a list in order. Only if they are many, a tree finds them and the holes between them.
 */
#pragma once

#include "kernel/types.h"
#include "kernel/uapi/mman.h"
#include "mm/types.h"

/* The area that holds va, or the first one above it; NULL: none. */
struct vma *vma_find(struct vma_tree *t, uaddr_t va);
/* The same, but only if it holds va. */
struct vma *vma_at(struct vma_tree *t, uaddr_t va);
static inline struct vma *vma_first(const struct vma_tree *t)
{
	return t->first;
}
/* The area below next, which may be NULL: the last one. */
static inline struct vma *vma_below(const struct vma_tree *t, const struct vma *next)
{
	return next ? next->prev : t->last;
}
/* The range of v must be free. next: the area above it, or NULL. */
void vma_insert_below(struct vma_tree *t, struct vma *next, struct vma *v);
static inline void vma_insert(struct vma_tree *t, struct vma *v)
{
	vma_insert_below(t, vma_find(t, v->start), v);
}
void vma_remove(struct vma_tree *t, struct vma *v);
/* upper, which is in no tree, becomes the part of v from upper->start on; index is the caller's. */
void vma_split(struct vma_tree *t, struct vma *v, struct vma *upper);
/* The other way round: v gets what upper has, its neighbour above, which is taken out. */
void vma_join(struct vma_tree *t, struct vma *v, struct vma *upper);
/* Fill an empty set with n areas that are linked, by next and prev, in their order. */
void vma_build(struct vma_tree *t, struct vma *first, struct vma *last, uint32_t n);
/* Up to so many are a list only; the tree goes again when they are less than half of that. */
#define VMA_FEW 32
/* Change the range of v, which may not run into its neighbours; index is the caller's matter. */
void vma_resize(struct vma_tree *t, struct vma *v, uaddr_t start, uaddr_t end);
/*
 * Holes of this size and more count as one size in the tree, so that the changes of the vast one
 * below the areas that mmap places do not travel up to the root. There can be but a few.
 */
#define VMA_VAST (32UL * GiB)
/* The hole above an area that is not the last, as far as the tree knows it. */
static inline uint64_t vma_hole_above(const struct vma *v)
{
	uint64_t size = v->next ? v->next->start - v->end : 0;

	return MIN(size, VMA_VAST);
}
/*
 * The highest hole of len bytes (a multiple of the page size) within [low, high), at a multiple of
 * align (a power of two): its address, or 0 if there is none.
 */
uaddr_t vma_hole(struct vma_tree *t, uaddr_t low, uaddr_t high, size_t len, size_t align);
/* Could a and b, which touch in this order, be one area? */
static inline bool vma_mergeable(const struct vma *a, const struct vma *b)
{
	return a->end == b->start && a->prot == b->prot &&
	       !((a->flags ^ b->flags) & ~VMA_DIRTIED) && a->object == b->object &&
	       a->file == b->file && !(a->flags & (VMA_STACK | VMA_UFFD)) &&
	       (!a->object || a->index + vma_pages(a) == b->index);
}

/* An area record, to be filled in. NULL: no memory. */
struct vma *vma_alloc(void);
void vma_free(struct vma *v);

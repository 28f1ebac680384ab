/*
 * Areas: the ordered set of address ranges of a space, each with one protection and one source of
 * contents. Nothing here looks at page tables or sleeps; the caller holds the aspace lock.
 */
#pragma once

#include "kernel/types.h"
#include "kernel/uapi/mman.h"
#include "lib/rbtree.h"

struct aspace;
struct file;
struct object;

enum {
	VMA_SHARED = 1,	     /* MAP_SHARED: writes go to the object */
	VMA_GROWSDOWN = 2,   /* a stack: grows on touch below it */
	VMA_NORESERVE = 4,
	VMA_LOCKED = 8,	     /* mlock */
	VMA_LOCKONFAULT = 16,
	VMA_DONTFORK = 32,
	VMA_WIPEONFORK = 64,
	VMA_SEQUENTIAL = 128, /* read-ahead hints */
	VMA_RANDOM = 256,
	VMA_STACK = 512,     /* the main stack, for /proc */
	VMA_DONTDUMP = 1024,
	VMA_HUGEPAGE = 2048,
	VMA_NOHUGEPAGE = 4096,
	VMA_MAYWRITE = 8192, /* mprotect may add PROT_WRITE (a shared file opened for writing) */
	VMA_DIRTIED = 16384, /* private: may hold copies of its own (ANON pages) */
};

/* (a) aspace lock as writer to change, reader to read; (o) object's lock */
struct vma {
	struct rb_node node;	/* (a) in aspace->areas, by address */
	uaddr_t start, end;	/* (a) page aligned, not empty */
	uaddr_t sub_start, sub_end; /* (a) what the subtree spans */
	uint64_t sub_gap;	/* (a) largest hole between areas of the subtree */
	uint32_t prot;		/* (a) PROT_READ, WRITE, EXEC */
	uint32_t flags;		/* (a) VMA_* */
	struct aspace *as;
	struct object *object;	/* referenced; NULL: anonymous */
	struct file *file;	/* referenced; may be NULL */
	uint64_t index;		/* (a, o) page index in the object of start */
	struct rb_node object_node; /* (o) in object->areas, by index */
	uint64_t sub_last;	/* (o) largest last index in the object subtree */
	struct vma *dead_next;	/* removed from the space, to be freed */
};

static inline uint64_t vma_pages(const struct vma *v)
{
	return (v->end - v->start) >> PAGE_SHIFT;
}
/* Page index in the object of the page at va. */
static inline uint64_t vma_index(const struct vma *v, uaddr_t va)
{
	return v->index + ((va - v->start) >> PAGE_SHIFT);
}
/* Do writes stay with the process? */
static inline bool vma_private(const struct vma *v)
{
	return !(v->flags & VMA_SHARED);
}

/* The set of areas. */
struct vma_tree {
	struct rb_root root;
	uint32_t count;
	struct vma *hint; /* last one found: a guess, readers race on it */
};

/* The area that holds va, or the first one above it; NULL: none. */
struct vma *vma_find(struct vma_tree *t, uaddr_t va);
/* The same, but only if it holds va. */
struct vma *vma_at(struct vma_tree *t, uaddr_t va);
struct vma *vma_next(const struct vma *v);
struct vma *vma_prev(const struct vma *v);
struct vma *vma_first(struct vma_tree *t);
/* The range of v must be free. */
void vma_insert(struct vma_tree *t, struct vma *v);
void vma_remove(struct vma_tree *t, struct vma *v);
/* Change the range of v, which may not run into its neighbours; index is the caller's matter. */
void vma_resize(struct vma_tree *t, struct vma *v, uaddr_t start, uaddr_t end);
/*
 * The highest hole of len bytes (a multiple of the page size) within [low, high), at a multiple of
 * align (a power of two): its address, or 0 if there is none.
 */
uaddr_t vma_hole(struct vma_tree *t, uaddr_t low, uaddr_t high, size_t len, size_t align);
/* Could a and b, which touch in this order, be one area? */
bool vma_mergeable(const struct vma *a, const struct vma *b);

/* An area record, all zero. NULL: no memory. */
struct vma *vma_alloc(void);
void vma_free(struct vma *v);
/* Debug: order, gaps and augmented values. Panics if wrong. */
void vma_tree_check(struct vma_tree *t);

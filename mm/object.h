/*
 * Memory objects: something that has pages by index - a file, a block device, shared anonymous
 * memory - and the areas of address spaces that map them.
 */
#pragma once

#include "kernel/mutex.h"
#include "lib/list.h"
#include "lib/radix.h"
#include "lib/rbtree.h"

struct frame;
struct object;

/*
 * What a kind of object can do. "=> BUSY" says that the frame comes BUSY (contents invalid, waited
 * for) and stays so; no other lock is held by the caller. All may sleep and do I/O.
 */
struct object_ops {
	const char *name;
	/*
	 * Fill n frames of consecutive indices with contents (zeros beyond the end or in a hole).
	 * => BUSY. The caller unmarks them. 0 or -errno for the lot (the caller then tries the
	 * frames one by one). Block file systems issue this as few merged requests.
	 */
	int (*read_pages)(struct object *o, uint64_t index, struct frame **frames, uint32_t n);
	/*
	 * Bytes [from, to) of the page are about to be written to, by write(2) or a shared mapping
	 * (then: all of it that lies within the size): reserve what writing it back will need, so
	 * that it cannot fail for lack of space later. Called with a valid frame in the cache, or
	 * BUSY and about to be overwritten whole: never before the old contents are read, since a
	 * block that was just allocated holds somebody's old data. The object's lock is not held.
	 * 0, -ENOSPC, -EIO... NULL: nothing to do.
	 */
	int (*make_writable)(struct object *o, uint64_t index, uint32_t from, uint32_t to);
	/*
	 * Write n frames of consecutive indices to where they live. They are WRITEBACK: contents
	 * are stable. Returns when the I/O is done. 0 or -errno. NULL: never dirty (shm). The inode
	 * lock may be held by the caller or not (flusher), so it must not be taken.
	 */
	int (*write_pages)(struct object *o, uint64_t index, struct frame **frames, uint32_t n);
	/* The last reference is gone (shared anonymous memory). NULL: the owner's own business. */
	void (*release)(struct object *o);
};

/*
 * The mutex guards the tree of areas and is held over walks of page tables. The tree of frames has
 * a spin lock of its own, so that a page can be looked up under any sleeping lock of a file system.
 */
struct object {
	const struct object_ops *ops;
	void *owner;		    /* the inode, device ...: the kind's */
	_Atomic int refs;
	_Atomic bool ending;	    /* object_destroy waits for the references of others */
	struct mutex lock;	    /* RANK_OBJECT */
	struct spinlock tree_lock;  /* RANK_TREE */
	struct radix frames;	    /* (tree_lock) index -> struct frame; tags DIRTY, WRITEBACK */
	uint64_t nr_frames;	    /* (tree_lock) */
	_Atomic uint64_t size;	    /* bytes; changed under the inode lock (owner's) */
	struct rb_root areas;	    /* (lock) the vmas that map it, by first index */
	uint32_t nr_writable_shared; /* (lock) MAP_SHARED areas that may be written to */
	_Atomic int error;	    /* first write-back error since last reported, 0 none */
	_Atomic uint32_t error_seq; /* counts errors: an open file remembers the last it saw */
	struct list_head dirty_link; /* (dirty list's lock) while it has dirty pages */
	uint64_t dirtied_at;	    /* (dirty list's lock) ns: when it first became dirty */
};

/* An object may have pages of index 0 .. OBJECT_INDEX_MAX: 16 TiB. */
#define OBJECT_INDEX_MAX UINT32_MAX

/* One reference, the owner's. */
void object_init(struct object *o, const struct object_ops *ops, void *owner, uint64_t size);
/*
 * The owner ends it: all frames leave, dirty ones unwritten; there must be no mapping left.
 * Waits for whoever still holds a reference (the flusher). May sleep.
 */
void object_destroy(struct object *o);
struct object *object_get(struct object *o);
/* False if the last reference is gone already. */
bool object_try_get(struct object *o);
void object_put(struct object *o); /* may sleep where the kind has a release op */
/* Shared anonymous memory of size bytes: one reference, released by itself. NULL: no memory. */
struct object *shm_object_create(uint64_t size);

struct vma;
/* Enter an area into the object's tree, or take it out. (lock) */
void object_add_area(struct object *o, struct vma *v);
void object_remove_area(struct object *o, struct vma *v);
/* First area that maps any page of [first, last], and the next one behind prev. (lock) */
struct vma *object_area_first(struct object *o, uint64_t first, uint64_t last);
struct vma *object_area_next(struct vma *prev, uint64_t first, uint64_t last);

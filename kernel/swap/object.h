/*
 * Pages of objects that live in memory only - shared anonymous memory, tmpfs, memfd, System V
 * segments - and go to swap when it is short. An object knows by index what is, or was, in a slot;
 * a page in memory is DIRTY unless its slot holds the same.
 */
#pragma once

#include "mm/frame.h"
#include "mm/object.h"

struct swap_area;
struct swap_batch;

extern const struct radix_ops swap_radix_ops; /* of object->slots */
/* All objects that have had pages: to look at, by who has stopped all others. */
extern struct list_head swap_objects;

/* object_ops.read_pages of such objects: from the slot, zeros where there is none. May sleep. */
int swap_object_read(struct object *o, uint64_t index, struct frame **frames, uint32_t n);
static inline bool object_swaps(const struct object *o)
{
	return o->ops->read_pages == swap_object_read;
}
/* All pages it has, in memory or not. */
static inline uint64_t object_pages(const struct object *o)
{
	return o->nr_frames + o->nr_out;
}

/* --- for the page cache (tree_lock) --- */

/* f, of an object that has no write_pages, has come into its tree, or is just leaving it. */
void swap_object_enter(struct object *o, struct frame *f);
void swap_object_leave(struct object *o, struct frame *f);
/* f will hold something else than its slot, which is given up unless it is being written. */
void swap_object_dirty(struct object *o, struct frame *f);
/* Pages [from, end), none of which is in memory, are no more. False: not all of them yet. */
bool swap_object_drop_some(struct object *o, uint64_t from, uint64_t end);
static inline bool swap_object_drop(struct object *o, uint64_t from, uint64_t end)
{
	return radix_empty(&o->slots) || swap_object_drop_some(o, from, end);
}

/* --- for reclaim --- */

/*
 * Have f, which the caller holds, leave memory, or be written so that it can. False: it stays. No
 * batch: nothing is to be written. One evict_flush is due in the end. May sleep.
 */
bool swap_object_let_go(struct object *o, struct frame *f, struct swap_batch *b);
/* The write of f to its slot is done. Any context. */
void swap_object_written(struct frame *f, uint32_t slot, int err);
/* MADV_PAGEOUT of n pages from index on. May sleep. */
void swap_object_page_out(struct object *o, uint64_t index, uint64_t n);

/* --- the object's life --- */

void swap_object_end(struct object *o);
/* Its pages may go, which were pinned; those of all objects may, as there is swap. May sleep. */
void swap_object_requeue(struct object *o);
void swap_objects_requeue(void);
/* swapoff: have back all that is in slots of a. 0, -ENOMEM, -EIO, -EINTR. May sleep. */
int swap_objects_bring_back(const struct swap_area *a);

/* --- what is known about it --- */

/* Is there a page at index, in memory or not? Any context but interrupts. */
bool swap_object_has(struct object *o, uint64_t index);
/* The first index of [*index, last] with a page, or without one; false: none. */
bool swap_object_next(struct object *o, uint64_t *index, uint64_t last);
bool swap_object_next_hole(struct object *o, uint64_t *index, uint64_t last);
/* How many of [first, last] are not in memory, but exist. */
uint64_t swap_object_out(struct object *o, uint64_t first, uint64_t last);

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A sparse array from a 64-bit index to a non-NULL pointer, as a tree of 64-way nodes, with
 * RADIX_TAGS tags (bits) for each present index.  Each node keeps for each tag one bit for each
 * slot: "this item, or something under this child, has the tag", so that looking for tagged items
 * costs time in proportion to what is found.  A single item at index 0 needs no node at all.
 *
 * The caller provides the locking, for lookups as well.  Nothing sleeps unless node_alloc does.
 *
 * To insert under a spin lock without depending on an allocator there: fill a struct
 * radix_preload outside of the lock, use radix_insert_preloaded() inside, and drain it after.
 */

#define RADIX_BITS	 6
#define RADIX_SLOTS	 64
#define RADIX_TAGS	 3
#define RADIX_HEIGHT_MAX 11 /* 11 * 6 >= 64 */

/* The names the page cache gives the tags; the tree does not care. */
#define RADIX_TAG_DIRTY	    0
#define RADIX_TAG_WRITEBACK 1
#define RADIX_TAG_TOWRITE   2

struct radix_node {
	struct radix_node *parent; /* NULL: the root; in a preload: the next spare node */
	uint8_t offset;		   /* this node's slot in its parent */
	uint8_t shift;		   /* how far the index is shifted right to get the slot */
	uint64_t present;	   /* one bit a slot: it is in use */
	uint64_t tags[RADIX_TAGS]; /* one bit a slot */
	void *slots[RADIX_SLOTS];  /* items where shift is 0, else nodes */
};

/* Where nodes come from: sizeof(struct radix_node) bytes, of any contents.  NULL: out of memory. */
struct radix_ops {
	struct radix_node *(*node_alloc)(void);
	void (*node_free)(struct radix_node *node);
};

struct radix {
	void *root;	/* height 0: the item of index 0; else the top node */
	uint8_t height; /* levels of nodes */
	uint8_t tags;	/* one bit for each tag that any item has */
	const struct radix_ops *ops;
};

struct radix_preload {
	struct radix_node *spare;
	unsigned count;
};

/* Every insertion needs at most this many nodes: a tree grown to its height and a new branch. */
#define RADIX_PRELOAD_MAX (2 * RADIX_HEIGHT_MAX)

void radix_init(struct radix *tree, const struct radix_ops *ops);

static inline bool radix_empty(const struct radix *tree)
{
	return !tree->root;
}

/* The item at index, or NULL. */
static inline void *radix_lookup(const struct radix *tree, uint64_t index)
{
	unsigned shift = tree->height * RADIX_BITS;
	void *at = tree->root;

	if (shift < 64 && index >> shift)
		return NULL;
	while (shift && at) {
		shift -= RADIX_BITS;
		at = ((struct radix_node *)at)->slots[index >> shift & (RADIX_SLOTS - 1)];
	}
	return at;
}

/*
 * Puts item (not NULL) at index, without tags.  0, -EEXIST if there is an item already, or
 * -ENOMEM, which leaves the tree as it was.
 */
int radix_insert(struct radix *tree, uint64_t index, void *item);

/* The same with nodes from the preload only: with too few there -ENOMEM. */
int radix_insert_preloaded(struct radix *tree, uint64_t index, void *item,
			   struct radix_preload *preload);

/*
 * How many nodes inserting at index would take now.  The number may be out of date as soon as the
 * lock is dropped.
 */
unsigned radix_nodes_needed(const struct radix *tree, uint64_t index);

/* Fills the preload up to want nodes (an empty one is all zero).  0 or -ENOMEM; what was got
 * stays in it.  Called without the tree's lock; sleeps if node_alloc does. */
int radix_preload_fill(const struct radix *tree, struct radix_preload *preload, unsigned want);

/* Frees what is left in the preload. */
void radix_preload_drain(const struct radix *tree, struct radix_preload *preload);

/* Puts item (not NULL) in the place of the one at index, keeping its tags, and returns the old
 * one; NULL, and no change, if there is none. */
void *radix_replace(struct radix *tree, uint64_t index, void *item);

/* Takes out and returns the item at index, or returns NULL.  Never allocates. */
void *radix_remove(struct radix *tree, uint64_t index);

/* Frees all nodes and forgets all items.  To visit them first use radix_next(). */
void radix_clear(struct radix *tree);

/* Sets or clears a tag of the item at index; nothing if there is no item. */
void radix_tag_set(struct radix *tree, uint64_t index, unsigned tag);
void radix_tag_clear(struct radix *tree, uint64_t index, unsigned tag);
bool radix_tag_get(const struct radix *tree, uint64_t index, unsigned tag);

/* Whether any item has the tag; O(1). */
static inline bool radix_tagged(const struct radix *tree, unsigned tag)
{
	return tree->tags >> tag & 1;
}

/*
 * The first item at or after *index and not beyond last, its index stored in *index; NULL, with
 * *index unchanged, if there is none.  The tree may change between calls.
 */
void *radix_next(const struct radix *tree, uint64_t *index, uint64_t last);

/* The same, looking only at items with the tag. */
void *radix_next_tagged(const struct radix *tree, uint64_t *index, uint64_t last, unsigned tag);

/* The last item at or before *index and not before first; NULL if there is none. */
void *radix_prev(const struct radix *tree, uint64_t *index, uint64_t first);

/* The n items from index first on, NULL where there is none. The range does not wrap. */
void radix_window(const struct radix *tree, uint64_t first, unsigned n, void **items);

/*
 * Sets tag `to` on all items of [first, last] that have tag `from` (write-back marks what was
 * dirty when it began, and so ends).  Returns how many.
 */
uint64_t radix_tag_copy(struct radix *tree, uint64_t first, uint64_t last, unsigned from,
			unsigned to);

/* The lowest index in [first, last] without an item; false if there is none. */
bool radix_next_hole(const struct radix *tree, uint64_t *index, uint64_t last);

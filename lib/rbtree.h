#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bits.h"

/*
 * An intrusive red-black tree.  The caller descends with its own comparison, which lets the
 * compiler inline it, and then hands the found place to rb_insert():
 *
 *	struct rb_node **link = &root->node, *parent = NULL;
 *
 *	while (*link) {
 *		parent = *link;
 *		link = key < rb_entry(parent, struct thing, node)->key ? &parent->left
 *								       : &parent->right;
 *	}
 *	rb_insert(root, &thing->node, parent, link, NULL);
 *
 * Augmentation: each node may cache a value computed from its own subtree (the largest gap, the
 * largest end).  The update function recomputes the value of one node from the node and its two
 * children, which are up to date, and says whether it changed; the tree calls it bottom-up for
 * exactly the nodes whose subtrees changed.  Pass NULL where there is no augmentation, and always
 * the same thing for one tree.
 *
 * Insertion and removal are O(log n); nothing sleeps or allocates.  The caller provides the locks.
 */

struct rb_node {
	uintptr_t parent_red; /* the parent's address; bit 0: this node is red */
	struct rb_node *left;
	struct rb_node *right;
};

struct rb_root {
	struct rb_node *node; /* NULL: the tree is empty */
};

struct rb_augment {
	bool (*update)(struct rb_node *node);
};

#define RB_ROOT_INIT {NULL}

#define rb_entry(ptr, type, member) container_of(ptr, type, member)

/* The same, handing NULL through. */
#define rb_entry_or_null(ptr, type, member)                                                        \
	({                                                                                         \
		struct rb_node *rb_node_ = (ptr);                                                  \
		rb_node_ ? rb_entry(rb_node_, type, member) : NULL;                                \
	})

static inline bool rb_empty(const struct rb_root *root)
{
	return !root->node;
}

static inline struct rb_node *rb_parent(const struct rb_node *node)
{
	return (struct rb_node *)(node->parent_red & ~(uintptr_t)1);
}

/* Marks a node as being in no tree; rb_erase() does so too.  rb_unlinked() tells. */
static inline void rb_node_init(struct rb_node *node)
{
	node->parent_red = (uintptr_t)node;
}

static inline bool rb_unlinked(const struct rb_node *node)
{
	return rb_parent(node) == node;
}

/* Of rb_insert: the red node has a red parent; all else is in order. */
void rb_insert_fixup(struct rb_root *root, struct rb_node *node, const struct rb_augment *augment);

/*
 * Makes a tree of n nodes, at least one, in their order: next finds the one behind a node (it is
 * not asked behind the last). O(n), without a comparison or a rotation.
 */
void rb_build(struct rb_root *root, struct rb_node *first, uint32_t n,
	      struct rb_node *(*next)(struct rb_node *), const struct rb_augment *augment);

/* Takes node, which is in the tree, out of it. */
void rb_erase(struct rb_root *root, struct rb_node *node, const struct rb_augment *augment);

/*
 * Puts node in the place of old; it must sort the same.  The links are copied, and the augmented
 * value must be equal or followed by rb_update().
 */
void rb_replace(struct rb_root *root, struct rb_node *old, struct rb_node *node);

/* The caller changed what the cached value of node is made of: brings the path to the root up to
 * date, stopping at the first ancestor whose value stays. */
static inline void rb_update(struct rb_node *node, const struct rb_augment *augment)
{
	while (node && augment->update(node))
		node = rb_parent(node);
}

/* Inserts node at *link, an empty child pointer of parent (or the root's, with parent NULL). */
static inline void rb_insert(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
			     struct rb_node **link, const struct rb_augment *augment)
{
	node->left = NULL;
	node->right = NULL;
	*link = node;
	/* Red below another node; alone, black. */
	node->parent_red = (uintptr_t)parent | (parent != NULL);
	if (augment) {
		augment->update(node);
		rb_update(parent, augment);
	}
	if (parent && (parent->parent_red & 1))
		rb_insert_fixup(root, node, augment);
}

/* The smallest and the largest node (NULL: empty), and the neighbours (NULL: none). */
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

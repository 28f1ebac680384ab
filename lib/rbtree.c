#include "lib/rbtree.h"

/*
 * The rules: the root is black, a red node has black children, and every path from a node down to
 * a missing child meets the same number of black nodes.  A missing child counts as black.
 */

#define RED ((uintptr_t)1)

static inline bool is_red(const struct rb_node *node)
{
	return node && (node->parent_red & RED);
}

static inline void set_red(struct rb_node *node)
{
	node->parent_red |= RED;
}

static inline void set_black(struct rb_node *node)
{
	node->parent_red &= ~RED;
}

static inline void set_parent(struct rb_node *node, struct rb_node *parent)
{
	node->parent_red = (uintptr_t)parent | (node->parent_red & RED);
}

/* Both sides are alike, so the code below is written once, with the side as a variable. */
static inline struct rb_node **side(struct rb_node *node, bool right)
{
	return right ? &node->right : &node->left;
}

/* Makes what pointed at old (a child pointer of parent, or the root) point at node. */
static void set_child(struct rb_root *root, struct rb_node *parent, struct rb_node *old,
		      struct rb_node *node)
{
	if (!parent)
		root->node = node;
	else if (parent->left == old)
		parent->left = node;
	else
		parent->right = node;
}

/* Moves node down to its given side; the child on the other side takes its place. */
static void rotate(struct rb_root *root, struct rb_node *node, bool right,
		   const struct rb_augment *augment)
{
	struct rb_node *parent = rb_parent(node);
	struct rb_node *up = *side(node, !right);
	struct rb_node *middle = *side(up, right);

	*side(node, !right) = middle;
	if (middle)
		set_parent(middle, node);
	*side(up, right) = node;
	set_parent(node, up);
	set_parent(up, parent);
	set_child(root, parent, node, up);
	if (augment) {
		/* Together they cover what node covered before, so nothing changes above. */
		augment->update(node);
		augment->update(up);
	}
}

void rb_insert_fixup(struct rb_root *root, struct rb_node *node, const struct rb_augment *augment)
{
	struct rb_node *parent;

	while (is_red(parent = rb_parent(node))) {
		struct rb_node *grand = rb_parent(parent); /* a red node is not the root */
		bool right = parent == grand->right;
		struct rb_node *uncle = *side(grand, !right);

		if (is_red(uncle)) {
			set_black(parent);
			set_black(uncle);
			set_red(grand);
			node = grand;
			continue;
		}
		if (node == *side(parent, !right)) {
			rotate(root, parent, right, augment);
			parent = node;
		}
		set_black(parent);
		set_red(grand);
		rotate(root, grand, !right, augment);
		break;
	}
	set_black(root->node);
}

struct builder {
	struct rb_node *at; /* the next to be placed, once `left` others are */
	uint32_t left;
	struct rb_node *(*next)(struct rb_node *);
	const struct rb_augment *augment;
};

/*
 * The next n nodes as a subtree whose missing children all lie below the last two of `levels`: so
 * with nodes red on the last level and black elsewhere, all paths meet as many black ones.
 */
static struct rb_node *build(struct builder *b, uint32_t n, unsigned levels)
{
	struct rb_node *left = n > 1 ? build(b, n / 2, levels - 1) : NULL;
	struct rb_node *right, *node = b->at;

	if (--b->left)
		b->at = b->next(node);
	right = n > 2 ? build(b, n - 1 - n / 2, levels - 1) : NULL;
	node->parent_red = levels == 1;
	node->left = left;
	node->right = right;
	if (left)
		set_parent(left, node);
	if (right)
		set_parent(right, node);
	if (b->augment)
		b->augment->update(node);
	return node;
}

void rb_build(struct rb_root *root, struct rb_node *first, uint32_t n,
	      struct rb_node *(*next)(struct rb_node *), const struct rb_augment *augment)
{
	struct builder b = {first, n, next, augment};
	unsigned levels = 0;

	while (n >> levels)
		levels++;
	root->node = build(&b, n, levels);
	set_black(root->node);
}

/*
 * The paths through child, which is on either side of parent and may be missing, have one black
 * node too few.
 */
static __attribute__((noinline)) void erase_fixup(struct rb_root *root, struct rb_node *parent,
						  struct rb_node *child,
						  const struct rb_augment *augment)
{
	while (parent && !is_red(child)) {
		bool right = parent->left != child; /* the other side is not empty: it has black */
		struct rb_node *sibling = *side(parent, !right);
		struct rb_node *near, *far;

		if (is_red(sibling)) {
			set_black(sibling);
			set_red(parent);
			rotate(root, parent, right, augment);
			sibling = *side(parent, !right);
		}
		near = *side(sibling, right);
		far = *side(sibling, !right);
		if (!is_red(near) && !is_red(far)) {
			set_red(sibling);
			child = parent;
			parent = rb_parent(child);
			continue;
		}
		if (!is_red(far)) {
			set_black(near);
			set_red(sibling);
			rotate(root, sibling, !right, augment);
			far = sibling;
			sibling = near;
		}
		if (is_red(parent))
			set_red(sibling);
		else
			set_black(sibling);
		set_black(parent);
		set_black(far);
		rotate(root, parent, right, augment);
		return;
	}
	if (child)
		set_black(child);
}

/*
 * Takes node, which has two children, out by putting its successor in its place.  Returns the
 * parent of the gap that the successor left behind, in *child what now hangs there, and in *red
 * the colour that is missing.
 */
static struct rb_node *unlink_inner(struct rb_root *root, struct rb_node *node,
				    struct rb_node **child, bool *red)
{
	struct rb_node *next = node->right;
	struct rb_node *parent;

	while (next->left)
		next = next->left;
	*red = is_red(next);
	*child = next->right;
	parent = rb_parent(next);
	if (parent == node) {
		parent = next;
	} else {
		parent->left = next->right;
		if (next->right)
			set_parent(next->right, parent);
		next->right = node->right;
		set_parent(next->right, next);
	}
	next->left = node->left;
	set_parent(next->left, next);
	next->parent_red = node->parent_red;
	set_child(root, rb_parent(node), node, next);
	return parent;
}

void rb_erase(struct rb_root *root, struct rb_node *node, const struct rb_augment *augment)
{
	struct rb_node *parent, *child, *moved = NULL;
	bool red;

	if (root->node == node && !node->left && !node->right) {
		root->node = NULL;
		rb_node_init(node);
		return;
	}
	if (node->left && node->right) {
		parent = unlink_inner(root, node, &child, &red);
		moved = rb_parent(node->left);
	} else {
		red = is_red(node);
		child = node->left ? node->left : node->right;
		parent = rb_parent(node);
		set_child(root, parent, node, child);
		if (child)
			set_parent(child, parent);
	}
	/* Beyond a successor that moved up, always: it compares with what it had further down. */
	for (struct rb_node *n = parent; augment && n; n = rb_parent(n)) {
		if (!augment->update(n) && !moved)
			break;
		if (n == moved)
			moved = NULL;
	}
	if (!red)
		erase_fixup(root, parent, child, augment);
	rb_node_init(node);
}

void rb_replace(struct rb_root *root, struct rb_node *old, struct rb_node *node)
{
	node->parent_red = old->parent_red;
	node->left = old->left;
	node->right = old->right;
	if (node->left)
		set_parent(node->left, node);
	if (node->right)
		set_parent(node->right, node);
	set_child(root, rb_parent(old), old, node);
	rb_node_init(old);
}

/* The node at the end of the chain of children on one side. */
static struct rb_node *outermost(struct rb_node *node, bool right)
{
	while (node && *side(node, right))
		node = *side(node, right);
	return node;
}

/* The neighbour of node on one side. */
static struct rb_node *neighbour(const struct rb_node *node, bool right)
{
	const struct rb_node *parent;

	if (right ? node->right : node->left)
		return outermost(right ? node->right : node->left, !right);
	while ((parent = rb_parent(node)) && node == (right ? parent->right : parent->left))
		node = parent;
	return (struct rb_node *)(uintptr_t)parent;
}

struct rb_node *rb_first(const struct rb_root *root)
{
	return outermost(root->node, false);
}

struct rb_node *rb_last(const struct rb_root *root)
{
	return outermost(root->node, true);
}

struct rb_node *rb_next(const struct rb_node *node)
{
	return neighbour(node, true);
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	return neighbour(node, false);
}

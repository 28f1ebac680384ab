#include "lib/radix.h"

#include "kernel/uapi/errno.h"
#include "lib/bits.h"
#include "lib/string.h"

#define SLOT_MASK (RADIX_SLOTS - 1)

static inline unsigned slot_of(const struct radix_node *node, uint64_t index)
{
	return index >> node->shift & SLOT_MASK;
}

/* Whether the index lies beyond what the tree under the top node covers. */
static inline bool is_beyond(const struct radix_node *top, uint64_t index)
{
	return index >> top->shift >> RADIX_BITS != 0;
}

/* How many levels of nodes a tree needs for the index: 0 for index 0. */
static unsigned levels_for(uint64_t index)
{
	return (fls64(index) + RADIX_BITS - 1) / RADIX_BITS;
}

/*
 * Descends towards the index: the lowest node there is on the way, whose shift is 0 if the way is
 * complete.  NULL if the tree has no nodes or does not reach that far.
 */
static inline struct radix_node *descend(const struct radix *tree, uint64_t index)
{
	struct radix_node *node = tree->root;

	if (!tree->height || is_beyond(node, index))
		return NULL;
	while (node->shift) {
		struct radix_node *child = node->slots[slot_of(node, index)];

		if (!child)
			break;
		node = child;
	}
	return node;
}

/* The node whose slots hold items and include the index, or NULL. */
static inline struct radix_node *leaf_find(const struct radix *tree, uint64_t index)
{
	struct radix_node *node = descend(tree, index);

	return node && !node->shift ? node : NULL;
}

void radix_init(struct radix *tree, const struct radix_ops *ops)
{
	*tree = (struct radix){.ops = ops};
}

unsigned radix_nodes_needed(const struct radix *tree, uint64_t index)
{
	unsigned levels = levels_for(index);
	struct radix_node *node;

	if (!tree->root)
		return levels;
	/* Growing puts nodes on top; the index then branches off from the topmost one. */
	if (levels > tree->height)
		return levels - tree->height + levels - 1;
	node = descend(tree, index);
	return node ? node->shift / RADIX_BITS : 0;
}

int radix_preload_fill(const struct radix *tree, struct radix_preload *preload, unsigned want)
{
	while (preload->count < want) {
		struct radix_node *node = tree->ops->node_alloc();

		if (!node)
			return -ENOMEM;
		node->parent = preload->spare;
		preload->spare = node;
		preload->count++;
	}
	return 0;
}

void radix_preload_drain(const struct radix *tree, struct radix_preload *preload)
{
	while (preload->spare) {
		struct radix_node *node = preload->spare;

		preload->spare = node->parent;
		tree->ops->node_free(node);
	}
	preload->count = 0;
}

/* Takes a node from the preload, which must have one, and empties it. */
static struct radix_node *take_node(struct radix_preload *preload, unsigned shift)
{
	struct radix_node *node = preload->spare;

	preload->spare = node->parent;
	preload->count--;
	*node = (struct radix_node){.shift = (uint8_t)shift};
	return node;
}

static void put_child(struct radix_node *parent, unsigned slot, struct radix_node *child)
{
	child->parent = parent;
	child->offset = (uint8_t)slot;
	parent->slots[slot] = child;
	parent->present |= BIT(slot);
}

/* Puts one node on top of a tree that is not empty: what was the root covers its slot 0. */
static void grow(struct radix *tree, struct radix_preload *preload)
{
	struct radix_node *top = take_node(preload, tree->height * RADIX_BITS);

	if (tree->height) {
		put_child(top, 0, tree->root);
	} else {
		top->slots[0] = tree->root;
		top->present = 1;
	}
	for (unsigned tag = 0; tag < RADIX_TAGS; tag++)
		top->tags[tag] = tree->tags >> tag & 1;
	tree->root = top;
	tree->height++;
}

/* Makes the nodes that lead to the index; the preload has them all.  Returns the leaf. */
static struct radix_node *leaf_make(struct radix *tree, uint64_t index,
				    struct radix_preload *preload)
{
	unsigned levels = levels_for(index);
	struct radix_node *node;

	if (!tree->root) {
		tree->height = (uint8_t)levels;
		tree->root = take_node(preload, (levels - 1) * RADIX_BITS);
	}
	while (tree->height < levels)
		grow(tree, preload);
	node = descend(tree, index);
	while (node->shift) {
		struct radix_node *child = take_node(preload, node->shift - RADIX_BITS);

		put_child(node, slot_of(node, index), child);
		node = child;
	}
	return node;
}

static int leaf_put(struct radix_node *leaf, uint64_t index, void *item)
{
	unsigned slot = index & SLOT_MASK;

	if (leaf->slots[slot])
		return -EEXIST;
	leaf->slots[slot] = item;
	leaf->present |= BIT(slot);
	return 0;
}

/* The item of index 0 of a tree without nodes. */
static int root_put(struct radix *tree, void *item)
{
	if (tree->root)
		return -EEXIST;
	tree->root = item;
	return 0;
}

int radix_insert_preloaded(struct radix *tree, uint64_t index, void *item,
			   struct radix_preload *preload)
{
	struct radix_node *leaf;

	if (!tree->height && !index)
		return root_put(tree, item);
	leaf = leaf_find(tree, index);
	if (!leaf) {
		if (preload->count < radix_nodes_needed(tree, index))
			return -ENOMEM;
		leaf = leaf_make(tree, index, preload);
	}
	return leaf_put(leaf, index, item);
}

/* radix_insert where there is no leaf for the index yet. */
static __attribute__((noinline, cold)) int insert_growing(struct radix *tree, uint64_t index,
							      void *item)
{
	struct radix_preload preload = {0};
	int err;

	if (!tree->height && !index)
		return root_put(tree, item);
	err = radix_preload_fill(tree, &preload, radix_nodes_needed(tree, index));
	if (!err)
		err = leaf_put(leaf_make(tree, index, &preload), index, item);
	radix_preload_drain(tree, &preload);
	return err;
}

int radix_insert(struct radix *tree, uint64_t index, void *item)
{
	struct radix_node *leaf = leaf_find(tree, index);

	return leaf ? leaf_put(leaf, index, item) : insert_growing(tree, index, item);
}

void *radix_replace(struct radix *tree, uint64_t index, void *item)
{
	struct radix_node *leaf = leaf_find(tree, index);
	void **slot = leaf		       ? &leaf->slots[index & SLOT_MASK]
		      : !tree->height && !index ? &tree->root
						: NULL;
	void *old = slot ? *slot : NULL;

	if (old)
		*slot = item;
	return old;
}

/* A tree whose items all lie under slot 0 of its top node does not need that node. */
static void shrink(struct radix *tree)
{
	while (tree->height) {
		struct radix_node *top = tree->root;

		if (top->present != 1)
			return;
		tree->root = top->slots[0];
		tree->height--;
		if (tree->height)
			((struct radix_node *)tree->root)->parent = NULL;
		tree->ops->node_free(top);
	}
}

static void tag_clear_from(struct radix *tree, struct radix_node *node, unsigned slot, unsigned tag)
{
	for (;;) {
		node->tags[tag] &= ~BIT(slot);
		if (node->tags[tag])
			return;
		if (!node->parent)
			break;
		slot = node->offset;
		node = node->parent;
	}
	tree->tags &= (uint8_t)~BIT(tag);
}

void *radix_remove(struct radix *tree, uint64_t index)
{
	struct radix_node *node = leaf_find(tree, index);
	unsigned slot = index & SLOT_MASK;
	void *item;

	if (!node) {
		if (tree->height || index)
			return NULL;
		item = tree->root;
		tree->root = NULL;
		tree->tags = 0;
		return item;
	}
	item = node->slots[slot];
	if (!item)
		return NULL;
	for (unsigned tag = 0; tag < RADIX_TAGS; tag++) {
		if (node->tags[tag] & BIT(slot))
			tag_clear_from(tree, node, slot, tag);
	}
	for (;;) {
		struct radix_node *parent = node->parent;

		node->slots[slot] = NULL;
		node->present &= ~BIT(slot);
		if (node->present)
			break;
		slot = node->offset;
		tree->ops->node_free(node);
		if (!parent) {
			tree->root = NULL;
			tree->height = 0;
			break;
		}
		node = parent;
	}
	shrink(tree);
	return item;
}

void radix_clear(struct radix *tree)
{
	struct radix_node *node = tree->height ? tree->root : NULL;

	while (node) {
		struct radix_node *parent = node->parent;

		if (node->shift && node->present) {
			unsigned slot = ctz64(node->present);

			node->present &= ~BIT(slot);
			node = node->slots[slot];
			continue;
		}
		tree->ops->node_free(node);
		node = parent;
	}
	radix_init(tree, tree->ops);
}

void radix_tag_set(struct radix *tree, uint64_t index, unsigned tag)
{
	struct radix_node *node = leaf_find(tree, index);
	unsigned slot = index & SLOT_MASK;

	/* A tree without nodes has at most one item, whose tags are the tree's. */
	if (!(node ? node->slots[slot] : !tree->height && !index ? tree->root : NULL))
		return;
	while (node && !(node->tags[tag] & BIT(slot))) {
		node->tags[tag] |= BIT(slot);
		slot = node->offset;
		node = node->parent;
	}
	tree->tags |= (uint8_t)BIT(tag);
}

void radix_tag_clear(struct radix *tree, uint64_t index, unsigned tag)
{
	struct radix_node *leaf = leaf_find(tree, index);

	if (!radix_tag_get(tree, index, tag))
		return;
	if (leaf)
		tag_clear_from(tree, leaf, index & SLOT_MASK, tag);
	else
		tree->tags &= (uint8_t)~BIT(tag);
}

bool radix_tag_get(const struct radix *tree, uint64_t index, unsigned tag)
{
	struct radix_node *leaf = leaf_find(tree, index);

	if (leaf)
		return leaf->tags[tag] >> (index & SLOT_MASK) & 1;
	return !tree->height && !index && radix_tagged(tree, tag);
}

#define ANY RADIX_TAGS /* in place of a tag: every item */

static inline uint64_t members(const struct radix_node *node, unsigned tag)
{
	return tag == ANY ? node->present : node->tags[tag];
}

/* The item of index 0 of a tree without nodes, if it has the tag. */
static void *lone_item(const struct radix *tree, unsigned tag)
{
	return tag == ANY || radix_tagged(tree, tag) ? tree->root : NULL;
}

/* The index with its digit at the node's level replaced by slot, and all below it by `low`. */
static uint64_t index_at(const struct radix_node *node, uint64_t index, unsigned slot, uint64_t low)
{
	uint64_t below = BIT(node->shift) - 1;
	uint64_t digit = (uint64_t)SLOT_MASK << node->shift;

	return (index & ~(digit | below)) | (uint64_t)slot << node->shift | (low & below);
}

static void *find_next(const struct radix *tree, uint64_t *index, uint64_t last, unsigned tag)
{
	const struct radix_node *node = tree->root;
	uint64_t at = *index;
	unsigned slot;

	if (!tree->height)
		return at ? NULL : lone_item(tree, tag);
	if (at > last || is_beyond(node, at))
		return NULL;
	slot = slot_of(node, at);
	for (;;) {
		uint64_t found = slot < RADIX_SLOTS ? members(node, tag) & ~UINT64_C(0) << slot : 0;

		if (!found) {
			if (!node->parent)
				return NULL;
			slot = node->offset + 1u;
			node = node->parent;
			continue;
		}
		slot = ctz64(found);
		if (slot != slot_of(node, at))
			at = index_at(node, at, slot, 0);
		if (at > last)
			return NULL;
		if (!node->shift) {
			*index = at;
			return node->slots[slot];
		}
		node = node->slots[slot];
		slot = slot_of(node, at);
	}
}

void *radix_next(const struct radix *tree, uint64_t *index, uint64_t last)
{
	return find_next(tree, index, last, ANY);
}

void *radix_next_tagged(const struct radix *tree, uint64_t *index, uint64_t last, unsigned tag)
{
	return find_next(tree, index, last, tag);
}

void *radix_prev(const struct radix *tree, uint64_t *index, uint64_t first)
{
	const struct radix_node *node = tree->root;
	uint64_t at = *index;
	int slot;

	if (!tree->height) {
		if (first || !tree->root)
			return NULL;
		*index = 0;
		return tree->root;
	}
	if (is_beyond(node, at))
		at = index_at(node, 0, SLOT_MASK, ~UINT64_C(0));
	slot = (int)slot_of(node, at);
	for (;;) {
		uint64_t found = slot < 0 ? 0 : node->present & MASK(slot, 0);

		if (!found) {
			if (!node->parent)
				return NULL;
			slot = node->offset - 1;
			node = node->parent;
			continue;
		}
		slot = (int)ilog2(found);
		if ((unsigned)slot != slot_of(node, at))
			at = index_at(node, at, (unsigned)slot, ~UINT64_C(0));
		if (at < first)
			return NULL;
		if (!node->shift) {
			*index = at;
			return node->slots[slot];
		}
		node = node->slots[slot];
		slot = (int)slot_of(node, at);
	}
}

void radix_window(const struct radix *tree, uint64_t first, unsigned n, void **items)
{
	while (n) {
		const struct radix_node *leaf = tree->height ? leaf_find(tree, first) : NULL;
		unsigned slot = first & SLOT_MASK, now = MIN(n, RADIX_SLOTS - slot);

		if (leaf)
			memcpy(items, &leaf->slots[slot], now * sizeof(*items));
		else
			memset(items, 0, now * sizeof(*items));
		if (!tree->height && !first)
			items[0] = tree->root;
		items += now;
		first += now;
		n -= now;
	}
}

uint64_t radix_tag_copy(struct radix *tree, uint64_t first, uint64_t last, unsigned from,
			unsigned to)
{
	uint64_t at = first, count = 0;

	while (find_next(tree, &at, last, from)) {
		radix_tag_set(tree, at, to);
		count++;
		if (at++ == last)
			break;
	}
	return count;
}

bool radix_next_hole(const struct radix *tree, uint64_t *index, uint64_t last)
{
	uint64_t at = *index;

	while (at <= last) {
		const struct radix_node *leaf = leaf_find(tree, at);
		uint64_t holes;

		if (!leaf && !at && !tree->height && tree->root) {
			at = 1;
			continue;
		}
		if (!leaf) {
			*index = at;
			return true;
		}
		holes = ~leaf->present & ~UINT64_C(0) << (at & SLOT_MASK);
		if (holes) {
			at = index_at(leaf, at, ctz64(holes), 0);
			if (at > last)
				return false;
			*index = at;
			return true;
		}
		at = (at | SLOT_MASK) + 1;
		if (!at)
			return false;
	}
	return false;
}

/* lib/list.h, rbtree.c, interval.c and radix.c against simple models. */
#include "tests/host/test.h"

#include <string.h>

#include "kernel/uapi/errno.h"
#include "lib/interval.h"
#include "lib/list.h"
#include "lib/radix.h"
#include "lib/rbtree.h"

struct thing {
	int value;
	struct list_head link;
	struct hlist_node hash;
};

static void expect_list(struct list_head *head, const char *want)
{
	struct thing *t;
	const char *p = want;

	list_for_each_entry(t, head, link)
		assert_int_equal(t->value, *p++);
	assert_int_equal(*p, 0);
	list_for_each_entry_reverse(t, head, link)
		assert_int_equal(t->value, *--p);
	assert_ptr_equal(p, want);
}

static void test_list(void **state)
{
	struct thing a = {.value = 'a'}, b = {.value = 'b'}, c = {.value = 'c'};
	struct thing d = {.value = 'd'}, *t, *tmp;
	LIST_HEAD(one);
	LIST_HEAD(two);

	(void)state;
	assert_true(list_empty(&one));
	assert_null(list_first_or_null(&one, struct thing, link));
	list_add(&b.link, &one);
	list_add(&a.link, &one);
	list_add_tail(&c.link, &one);
	expect_list(&one, "abc");
	assert_true(list_is_first(&a.link, &one));
	assert_true(list_is_last(&c.link, &one));
	list_move_tail(&a.link, &one);
	expect_list(&one, "bca");
	list_move(&c.link, &two);
	expect_list(&one, "ba");
	list_splice(&one, &two);
	expect_list(&two, "bac");
	assert_true(list_empty(&one));
	list_splice(&one, &two);
	expect_list(&two, "bac");
	list_del(&a.link);
	list_del(&a.link);
	assert_true(list_empty(&a.link));
	list_add(&a.link, &one);
	list_splice_tail(&one, &two);
	expect_list(&two, "bca");
	list_replace(&c.link, &d.link);
	expect_list(&two, "bda");
	assert_true(list_empty(&c.link));
	list_replace(&d.link, &c.link);
	expect_list(&two, "bca");
	assert_ptr_equal(list_first_entry(&two, struct thing, link), &b);
	assert_ptr_equal(list_next_entry(&b, link), &c);
	list_for_each_entry_safe(t, tmp, &two, link)
		list_del(&t->link);
	assert_true(list_empty(&two));
}

static void test_hlist(void **state)
{
	struct thing a = {.value = 'a'}, b = {.value = 'b'}, c = {.value = 'c'}, *t;
	struct hlist_head head;
	struct hlist_node *tmp;
	char seen[4] = "";
	int n = 0;

	(void)state;
	hlist_init(&head);
	assert_true(hlist_empty(&head));
	hlist_add(&a.hash, &head);
	hlist_add(&b.hash, &head);
	hlist_add(&c.hash, &head);
	hlist_for_each_entry(t, &head, hash)
		seen[n++] = (char)t->value;
	assert_string_equal(seen, "cba");
	hlist_del(&b.hash);
	hlist_del(&b.hash);
	assert_true(hlist_unhashed(&b.hash));
	assert_ptr_equal(c.hash.next, &a.hash);
	hlist_for_each_entry_safe(t, tmp, &head, hash)
		hlist_del(&t->hash);
	assert_true(hlist_empty(&head));
}

/* An area-like node: the tree keeps the largest `gap` of each subtree in `most`. */
struct node {
	struct rb_node rb;
	uint64_t key;
	uint64_t gap;
	uint64_t most;
	bool in;
};

static uint64_t most_of(struct rb_node *rb)
{
	return rb ? rb_entry(rb, struct node, rb)->most : 0;
}

static bool node_update(struct rb_node *rb)
{
	struct node *node = rb_entry(rb, struct node, rb);
	uint64_t most = MAX(node->gap, MAX(most_of(rb->left), most_of(rb->right)));
	bool changed = most != node->most;

	node->most = most;
	return changed;
}

static const struct rb_augment augment = {.update = node_update};

static void tree_insert(struct rb_root *root, struct node *node)
{
	struct rb_node **link = &root->node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = node->key < rb_entry(parent, struct node, rb)->key ? &parent->left
									  : &parent->right;
	}
	rb_insert(root, &node->rb, parent, link, &augment);
}

/* Checks colours, links and cached values; returns the number of black nodes on a path. */
static int tree_check(struct rb_node *rb, struct rb_node *parent)
{
	struct node *node;
	int left, right;
	bool red;

	if (!rb)
		return 1;
	node = rb_entry(rb, struct node, rb);
	red = rb->parent_red & 1;
	assert_ptr_equal(rb_parent(rb), parent);
	assert_false(red && (!parent || (parent->parent_red & 1)));
	assert_true(node->in);
	assert_int_equal(node->most,
			 MAX(node->gap, MAX(most_of(rb->left), most_of(rb->right))));
	left = tree_check(rb->left, rb);
	right = tree_check(rb->right, rb);
	assert_int_equal(left, right);
	return left + !red;
}

static void expect_order(struct rb_root *root, unsigned count)
{
	struct node *last = NULL;
	unsigned n = 0;

	for (struct rb_node *rb = rb_first(root); rb; rb = rb_next(rb)) {
		struct node *node = rb_entry(rb, struct node, rb);

		assert_true(!last || last->key <= node->key);
		last = node;
		n++;
	}
	assert_int_equal(n, count);
	for (struct rb_node *rb = rb_last(root); rb; rb = rb_prev(rb))
		n--;
	assert_int_equal(n, 0);
}

#define NODES 200

static void test_rbtree(void **state)
{
	static struct node nodes[NODES], spare;
	struct rb_root root = RB_ROOT_INIT;
	uint64_t seed = 21;
	unsigned count = 0;

	(void)state;
	for (int round = 0; round < 30000; round++) {
		struct node *node = &nodes[test_random(&seed) % NODES];

		if (!node->in) {
			node->key = test_random(&seed) % 300;
			node->gap = test_random(&seed) % 1000;
			node->in = true;
			tree_insert(&root, node);
			count++;
		} else if (round % 3) {
			rb_erase(&root, &node->rb, &augment);
			assert_true(rb_unlinked(&node->rb));
			node->in = false;
			count--;
		} else if (round % 2) {
			node->gap = test_random(&seed) % 1000;
			rb_update(&node->rb, &augment);
		} else {
			spare = *node;
			rb_replace(&root, &node->rb, &spare.rb);
			*node = spare;
			rb_replace(&root, &spare.rb, &node->rb);
		}
		tree_check(root.node, NULL);
		if (round % 100 == 0)
			expect_order(&root, count);
	}
	while (root.node)
		rb_erase(&root, root.node, &augment);
	assert_null(rb_first(&root));
	assert_null(rb_last(&root));
	assert_true(rb_empty(&root));
}

/* Ascending insertion is where an unbalanced tree degenerates. */
static void test_rbtree_depth(void **state)
{
	static struct node many[4096];
	struct rb_root root = RB_ROOT_INIT;
	unsigned deepest = 0;

	(void)state;
	for (unsigned i = 0; i < 4096; i++) {
		many[i] = (struct node){.key = i, .in = true};
		tree_insert(&root, &many[i]);
	}
	for (unsigned i = 0; i < 4096; i++) {
		unsigned depth = 0;

		for (struct rb_node *rb = &many[i].rb; rb; rb = rb_parent(rb))
			depth++;
		deepest = MAX(deepest, depth);
	}
	assert_true(deepest <= 24);
}

static struct rb_node *node_behind(struct rb_node *rb)
{
	return &(rb_entry(rb, struct node, rb) + 1)->rb;
}

/* A tree built at once obeys the rules, and goes on to when it is changed. */
static void test_rbtree_build(void **state)
{
	static struct node many[70];
	uint64_t seed = 5;

	(void)state;
	for (unsigned n = 1; n <= ARRAY_SIZE(many); n++) {
		struct rb_root root = RB_ROOT_INIT;

		for (unsigned i = 0; i < n; i++)
			many[i] = (struct node){
				.key = i, .gap = test_random(&seed) % 1000, .in = true};
		rb_build(&root, &many[0].rb, n, node_behind, &augment);
		tree_check(root.node, NULL);
		expect_order(&root, n);
		rb_erase(&root, &many[test_random(&seed) % n].rb, &augment);
		tree_check(root.node, NULL);
	}
}

static int nodes_out;
static int nodes_until_failure = -1;

static struct radix_node *node_alloc(void)
{
	if (nodes_until_failure == 0)
		return NULL;
	if (nodes_until_failure > 0)
		nodes_until_failure--;
	nodes_out++;
	return memset(malloc(sizeof(struct radix_node)), 0xa5, sizeof(struct radix_node));
}

static void node_free(struct radix_node *node)
{
	nodes_out--;
	free(node);
}

static const struct radix_ops ops = {.node_alloc = node_alloc, .node_free = node_free};

#define INDICES 64

/* A few indices of all magnitudes, so that the tree grows, shrinks and shares nodes. */
static void indices_make(uint64_t index[INDICES])
{
	static const uint64_t base[] = {0, 1, 62, 4094, 262142, UINT64_C(1) << 32,
					UINT64_C(1) << 60, UINT64_MAX - 7};

	for (unsigned i = 0; i < INDICES; i++)
		index[i] = base[i / 8] + i % 8 * (i / 8 < 4 ? 8 : 1);
	/* Make them distinct and ascending. */
	for (unsigned i = 1; i < INDICES; i++)
		index[i] = MAX(index[i], index[i - 1] + 1);
}

struct model {
	bool present;
	bool tags[RADIX_TAGS];
	char item;
};

/* Every question the tree answers, compared with the model. */
static void expect_radix(const struct radix *tree, const uint64_t *index,
			 const struct model *model, unsigned from, unsigned to, unsigned tag)
{
	void *items[100];
	uint64_t next = index[from], prev = index[to];
	unsigned any = 0;
	int first = -1, last = -1;

	for (unsigned i = 0; i < INDICES; i++) {
		assert_ptr_equal(radix_lookup(tree, index[i]),
				 model[i].present ? &model[i].item : NULL);
		assert_int_equal(radix_tag_get(tree, index[i], tag),
				 model[i].present && model[i].tags[tag]);
		any += model[i].present && model[i].tags[tag];
		if (i < from || i > to || !model[i].present)
			continue;
		first = first < 0 ? (int)i : first;
		last = (int)i;
	}
	assert_int_equal(radix_tagged(tree, tag), any != 0);
	for (unsigned i = from; i <= to; i++) {
		/* As far as to the next index that may have one. */
		uint64_t n = i + 1 < INDICES ? MIN(index[i + 1] - index[i], ARRAY_SIZE(items)) : 1;

		radix_window(tree, index[i], (unsigned)n, items);
		assert_ptr_equal(items[0], model[i].present ? &model[i].item : NULL);
		for (unsigned k = 1; k < n; k++)
			assert_null(items[k]);
	}
	assert_ptr_equal(radix_next(tree, &next, index[to]),
			 first < 0 ? NULL : &model[first].item);
	assert_int_equal(next, first < 0 ? index[from] : index[first]);
	assert_ptr_equal(radix_prev(tree, &prev, index[from]), last < 0 ? NULL : &model[last].item);
	assert_int_equal(prev, last < 0 ? index[to] : index[last]);
}

static void radix_step(struct radix *tree, uint64_t index, struct model *m, unsigned action,
		       unsigned tag)
{
	switch (action) {
	case 0:
	case 1:
		assert_int_equal(radix_insert(tree, index, &m->item), m->present ? -EEXIST : 0);
		m->present = true;
		break;
	case 2:
		assert_ptr_equal(radix_remove(tree, index), m->present ? &m->item : NULL);
		memset(m, 0, sizeof(*m));
		break;
	case 3:
		radix_tag_set(tree, index, tag);
		m->tags[tag] = m->present;
		break;
	case 4:
		radix_tag_clear(tree, index, tag);
		m->tags[tag] = false;
		break;
	default:
		assert_ptr_equal(radix_replace(tree, index, &m->item),
				 m->present ? &m->item : NULL);
		break;
	}
}

static void test_radix(void **state)
{
	static struct model model[INDICES];
	uint64_t index[INDICES], seed = 33;
	struct radix tree;

	(void)state;
	indices_make(index);
	radix_init(&tree, &ops);
	assert_true(radix_empty(&tree));
	for (int round = 0; round < 40000; round++) {
		unsigned i = test_random(&seed) % INDICES, from, to;
		/* Phases that fill and phases that drain. */
		unsigned action = test_random(&seed) % 6;

		if (round / 500 % 2 && action < 2)
			action = 2;
		radix_step(&tree, index[i], &model[i], action, test_random(&seed) % RADIX_TAGS);
		from = test_random(&seed) % INDICES;
		to = from + test_random(&seed) % (INDICES - from);
		expect_radix(&tree, index, model, from, to, test_random(&seed) % RADIX_TAGS);
	}
	radix_clear(&tree);
	assert_true(radix_empty(&tree));
	assert_int_equal(nodes_out, 0);
}

static void test_radix_remove_frees(void **state)
{
	static char items[3000];
	struct radix tree;

	(void)state;
	radix_init(&tree, &ops);
	for (unsigned i = 0; i < 3000; i++)
		assert_int_equal(radix_insert(&tree, (uint64_t)i * i * i, &items[i]), 0);
	for (unsigned i = 3000; i-- > 0;)
		assert_ptr_equal(radix_remove(&tree, (uint64_t)i * i * i), &items[i]);
	assert_int_equal(nodes_out, 0);
	assert_int_equal(radix_insert(&tree, 0, &items[0]), 0);
	assert_int_equal(nodes_out, 0); /* one item at 0 takes no node */
	radix_clear(&tree);
}

/* The n-th allocation fails, for every n: the tree is as before. */
static void test_radix_no_memory(void **state)
{
	static char a, b;
	struct radix tree;
	int err, tries = 0;

	(void)state;
	radix_init(&tree, &ops);
	assert_int_equal(radix_insert(&tree, 5, &a), 0);
	radix_tag_set(&tree, 5, RADIX_TAG_DIRTY);
	do {
		int before = nodes_out;

		nodes_until_failure = tries++;
		err = radix_insert(&tree, UINT64_C(1) << 40, &b);
		assert_ptr_equal(radix_lookup(&tree, 5), &a);
		assert_true(radix_tag_get(&tree, 5, RADIX_TAG_DIRTY));
		if (err) {
			assert_int_equal(err, -ENOMEM);
			assert_int_equal(nodes_out, before);
			assert_null(radix_lookup(&tree, UINT64_C(1) << 40));
		}
	} while (err);
	nodes_until_failure = -1;
	assert_int_equal(tries, 6 + 6 + 1); /* 6 levels above the one node, 6 on the new branch */
	radix_clear(&tree);
	assert_int_equal(nodes_out, 0);
}

static void test_radix_preload(void **state)
{
	static const uint64_t index[] = {0, 3, 64, UINT64_MAX, UINT64_C(1) << 59, 65, 1 << 20};
	static char item;
	struct radix tree;

	(void)state;
	radix_init(&tree, &ops);
	for (unsigned i = 0; i < ARRAY_SIZE(index); i++) {
		unsigned needed = radix_nodes_needed(&tree, index[i]);
		struct radix_preload preload = {0};

		assert_true(needed < RADIX_PRELOAD_MAX);
		if (needed) {
			assert_int_equal(radix_preload_fill(&tree, &preload, needed - 1), 0);
			assert_int_equal(radix_insert_preloaded(&tree, index[i], &item, &preload),
					 -ENOMEM);
		}
		assert_int_equal(radix_preload_fill(&tree, &preload, needed + 1), 0);
		nodes_until_failure = 0; /* from here on nothing is allocated */
		assert_int_equal(radix_insert_preloaded(&tree, index[i], &item, &preload), 0);
		nodes_until_failure = -1;
		assert_int_equal(preload.count, 1);
		radix_preload_drain(&tree, &preload);
		assert_int_equal(preload.count, 0);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(index); i++)
		assert_ptr_equal(radix_remove(&tree, index[i]), &item);
	assert_int_equal(nodes_out, 0);
}

static void test_radix_tag_copy(void **state)
{
	static char items[500];
	struct radix tree;

	(void)state;
	radix_init(&tree, &ops);
	for (unsigned i = 0; i < 500; i++) {
		radix_insert(&tree, i, &items[i]);
		if (i % 3 == 0)
			radix_tag_set(&tree, i, RADIX_TAG_DIRTY);
	}
	assert_int_equal(
		radix_tag_copy(&tree, 100, UINT64_MAX, RADIX_TAG_DIRTY, RADIX_TAG_TOWRITE), 133);
	assert_true(radix_tag_get(&tree, 102, RADIX_TAG_TOWRITE));
	assert_false(radix_tag_get(&tree, 99, RADIX_TAG_TOWRITE));
	assert_false(radix_tag_get(&tree, 103, RADIX_TAG_TOWRITE));
	radix_clear(&tree);
}

static void test_radix_hole(void **state)
{
	static char items[200];
	struct radix tree;
	uint64_t at = 0;

	(void)state;
	radix_init(&tree, &ops);
	assert_true(radix_next_hole(&tree, &at, 10));
	assert_int_equal(at, 0);
	radix_insert(&tree, 0, &items[0]);
	assert_false(radix_next_hole(&tree, &at, 0));
	assert_true(radix_next_hole(&tree, &at, 10));
	assert_int_equal(at, 1);
	for (unsigned i = 1; i < 200; i++)
		radix_insert(&tree, i, &items[i]);
	radix_remove(&tree, 130);
	at = 5;
	assert_false(radix_next_hole(&tree, &at, 129));
	assert_true(radix_next_hole(&tree, &at, 300));
	assert_int_equal(at, 130);
	at = 131;
	assert_true(radix_next_hole(&tree, &at, UINT64_MAX));
	assert_int_equal(at, 200);
	radix_insert(&tree, UINT64_MAX, &items[0]);
	at = UINT64_MAX;
	assert_false(radix_next_hole(&tree, &at, UINT64_MAX));
	radix_clear(&tree);
	assert_int_equal(nodes_out, 0);
}

#define INTERVALS (3 * INTERVALS_FEW)

/* Each interval that has a part in [first, last] is answered once, and no other. */
static void expect_overlaps(const struct interval_set *s, const struct interval *all,
			    const bool *in, uint64_t first, uint64_t last)
{
	bool seen[INTERVALS] = {0};

	for (struct interval *i = interval_first(s, first, last); i;
	     i = interval_next(s, i, first, last)) {
		assert_false(seen[i - all]);
		seen[i - all] = true;
	}
	for (unsigned k = 0; k < INTERVALS; k++)
		assert_int_equal(seen[k], in[k] && all[k].first <= last && all[k].last >= first);
}

/* Many come, then all go again, by chance; so as a list, as a tree, and back. */
static void test_intervals(void **state)
{
	static struct interval all[INTERVALS];
	bool in[INTERVALS] = {0};
	struct interval_set s = {0};
	uint64_t seed = 3;
	uint32_t n = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		unsigned k = test_random(&seed) % INTERVALS;
		uint64_t first = test_random(&seed) % 1000;

		if (in[k]) {
			interval_remove(&s, &all[k]);
		} else if (round / 1000 % 2) {
			continue;
		} else {
			all[k].first = first;
			all[k].last = first + test_random(&seed) % 100;
			interval_add(&s, &all[k]);
		}
		in[k] = !in[k];
		n += in[k] ? 1 : -1u;
		assert_int_equal(s.count, n);
		expect_overlaps(&s, all, in, first, first + test_random(&seed) % 200);
	}
}

/* Those that begin alike are answered as they came: as a list, as a tree, with some gone. */
static void test_intervals_in_order(void **state)
{
	static struct interval all[INTERVALS];
	struct interval_set s = {0};
	unsigned gone = 0;

	(void)state;
	for (unsigned n = 0; n < INTERVALS; n++) {
		struct interval *last = NULL;
		unsigned answered = 0;

		all[n].first = 7;
		all[n].last = 8 + n % 3;
		interval_add(&s, &all[n]);
		/* The newest one, an old one: the ends of the list, and its middle. */
		if (n % 5 == 4) {
			interval_remove(&s, &all[n % 10 == 4 ? n : n / 2 + 1]);
			gone++;
		}
		for (struct interval *i = interval_first(&s, 0, 9); i;
		     i = interval_next(&s, i, 0, 9), answered++) {
			assert_true(!last || i > last);
			last = i;
		}
		assert_int_equal(answered, n + 1 - gone);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_hlist),
		cmocka_unit_test(test_rbtree),
		cmocka_unit_test(test_rbtree_depth),
		cmocka_unit_test(test_rbtree_build),
		cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_intervals_in_order),
		cmocka_unit_test(test_radix),
		cmocka_unit_test(test_radix_remove_frees),
		cmocka_unit_test(test_radix_no_memory),
		cmocka_unit_test(test_radix_preload),
		cmocka_unit_test(test_radix_tag_copy),
		cmocka_unit_test(test_radix_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

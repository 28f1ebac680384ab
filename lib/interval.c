#include "lib/interval.h"

static inline struct interval *entry(struct rb_node *n)
{
	return rb_entry_or_null(n, struct interval, node);
}

/* What makes queries skip whole subtrees. */
static bool update(struct rb_node *n)
{
	struct interval *i = entry(n);
	uint64_t last = i->last;

	if (n->left)
		last = MAX(last, entry(n->left)->sub_last);
	if (n->right)
		last = MAX(last, entry(n->right)->sub_last);
	if (i->sub_last == last)
		return false;
	i->sub_last = last;
	return true;
}

static const struct rb_augment augment = {.update = update};

static void tree_add(struct interval_set *s, struct interval *i)
{
	struct rb_node **link = &s->tree.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = i->first < entry(parent)->first ? &parent->left : &parent->right;
	}
	rb_insert(&s->tree, &i->node, parent, link, &augment);
}

static void few_add(struct interval_set *s, struct hlist_node *n)
{
	n->next = NULL;
	n->at = s->few_last ? &s->few_last->next : &s->few.first;
	*n->at = n;
	s->few_last = n;
}

static void few_remove(struct interval_set *s, struct hlist_node *n)
{
	if (s->few_last == n)
		s->few_last = n->at == &s->few.first
				      ? NULL : container_of(n->at, struct hlist_node, next);
	hlist_del(n);
}

void interval_add(struct interval_set *s, struct interval *i)
{
	struct hlist_node *n;

	if (++s->count <= INTERVALS_FEW && rb_empty(&s->tree)) {
		few_add(s, &i->link);
		return;
	}
	while ((n = s->few.first)) {
		few_remove(s, n);
		tree_add(s, hlist_entry(n, struct interval, link));
	}
	tree_add(s, i);
}

void interval_remove(struct interval_set *s, struct interval *i)
{
	s->count--;
	if (rb_empty(&s->tree))
		few_remove(s, &i->link);
	else
		rb_erase(&s->tree, &i->node, &augment);
}

static inline bool overlaps(const struct interval *i, uint64_t first, uint64_t last)
{
	return i->last >= first && i->first <= last;
}

/* The first of a list from n on. */
static struct interval *list_search(struct hlist_node *n, uint64_t first, uint64_t last)
{
	for (; n; n = n->next)
		if (overlaps(hlist_entry(n, struct interval, link), first, last))
			return hlist_entry(n, struct interval, link);
	return NULL;
}

struct interval *interval_first(const struct interval_set *s, uint64_t first, uint64_t last)
{
	struct rb_node *n = s->tree.node;
	struct interval *best = NULL;

	if (!n)
		return list_search(s->few.first, first, last);
	/* Leftmost that overlaps: go left whenever something there reaches `first`. */
	while (n) {
		struct interval *i = entry(n);

		if (n->left && entry(n->left)->sub_last >= first) {
			if (overlaps(i, first, last))
				best = i;
			n = n->left;
		} else if (i->last >= first) {
			return i->first <= last ? i : best;
		} else {
			n = n->right;
		}
	}
	return best;
}

struct interval *interval_next(const struct interval_set *s, const struct interval *prev,
			       uint64_t first, uint64_t last)
{
	struct rb_node *n;

	if (rb_empty(&s->tree))
		return list_search(prev->link.next, first, last);
	for (n = rb_next(&prev->node); n && entry(n)->first <= last; n = rb_next(n))
		if (entry(n)->last >= first)
			return entry(n);
	return NULL;
}

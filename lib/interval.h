#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/list.h"
#include "lib/rbtree.h"

/*
 * A set of intervals [first, last], which may overlap: which of them have a part in a range? They
 * are a list until they are too many; then a tree, until all of them are gone. Those that begin
 * alike are answered in the order in which they came: mm/fork.c relies on it.
 *
 * The caller provides the memory and the locks. All zero is an empty set.
 */

#define INTERVALS_FEW 32

struct interval {
	union {
		struct hlist_node link;
		struct rb_node node;
	};
	uint64_t first, last;
	uint64_t sub_last; /* the tree's: the largest last of the subtree */
};

struct interval_set {
	uint32_t count;
	struct hlist_head few;	      /* the oldest first */
	struct hlist_node *few_last; /* NULL: there are none */
	struct rb_root tree;	      /* by first */
};

/* Enter i, whose first and last are set; take it out. */
void interval_add(struct interval_set *s, struct interval *i);
void interval_remove(struct interval_set *s, struct interval *i);
/* One that has a part in [first, last], and the next one after prev; NULL: there is none. */
struct interval *interval_first(const struct interval_set *s, uint64_t first, uint64_t last);
struct interval *interval_next(const struct interval_set *s, const struct interval *prev,
			       uint64_t first, uint64_t last);

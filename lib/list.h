#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/bits.h"

/*
 * Two kinds of intrusive doubly linked lists.
 *
 * struct list_head is a ring through a head of the same type: O(1) at both ends.
 * struct hlist_head is one pointer, for hash buckets: O(1) at the front only; each node points at
 * the pointer that points at it, so that it can leave without knowing its head.
 *
 * The caller provides the locking.  Deleted nodes are left pointing at themselves (list) or at
 * nothing (hlist): deleting one twice is harmless, and list_empty()/hlist_unhashed() of a node
 * says whether it is on a list, provided it was initialised.
 */

struct list_head {
	struct list_head *next;
	struct list_head *prev;
};

#define LIST_INIT(name) {&(name), &(name)}
#define LIST_HEAD(name)	     struct list_head name = LIST_INIT(name)

static inline void list_init(struct list_head *head)
{
	head->next = head;
	head->prev = head;
}

/* Whether the list has no element, or the node is on no list. */
static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}

static inline void list_insert_between_(struct list_head *node, struct list_head *prev,
					struct list_head *next)
{
	node->prev = prev;
	node->next = next;
	prev->next = node;
	next->prev = node;
}

/* Puts node first on the list; with an element in place of the head, right after it. */
static inline void list_add(struct list_head *node, struct list_head *head)
{
	list_insert_between_(node, head, head->next);
}

/* Puts node last on the list; with an element in place of the head, right before it. */
static inline void list_add_tail(struct list_head *node, struct list_head *head)
{
	list_insert_between_(node, head->prev, head);
}

static inline void list_del(struct list_head *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

static inline void list_move(struct list_head *node, struct list_head *head)
{
	list_del(node);
	list_add(node, head);
}

static inline void list_move_tail(struct list_head *node, struct list_head *head)
{
	list_del(node);
	list_add_tail(node, head);
}

/* Puts node in the place of old, which is left on no list. */
static inline void list_replace(struct list_head *old, struct list_head *node)
{
	list_insert_between_(node, old->prev, old);
	list_del(old);
}

/* Moves all elements of from to the front of to; from is left empty. */
static inline void list_splice(struct list_head *from, struct list_head *to)
{
	if (list_empty(from))
		return;
	from->next->prev = to;
	from->prev->next = to->next;
	to->next->prev = from->prev;
	to->next = from->next;
	list_init(from);
}

/* Moves all elements of from to the end of to; from is left empty. */
static inline void list_splice_tail(struct list_head *from, struct list_head *to)
{
	list_splice(from, to->prev);
}

static inline bool list_is_first(const struct list_head *node, const struct list_head *head)
{
	return node->prev == head;
}

static inline bool list_is_last(const struct list_head *node, const struct list_head *head)
{
	return node->next == head;
}

#define list_entry(node, type, member) container_of(node, type, member)

/* The first or last element; the list must not be empty. */
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)
#define list_last_entry(head, type, member)  list_entry((head)->prev, type, member)

/* The same, or NULL from an empty list. */
#define list_first_or_null(head, type, member)                                                     \
	(list_empty(head) ? NULL : list_first_entry(head, type, member))

/* The neighbour of element pos; at the end of the list that is not an element. */
#define list_next_entry(pos, member) list_entry((pos)->member.next, __typeof__(*(pos)), member)
#define list_prev_entry(pos, member) list_entry((pos)->member.prev, __typeof__(*(pos)), member)

/* Loops over the nodes; the body must not delete the current one. */
#define list_for_each(pos, head)                                                                   \
	for ((pos) = (head)->next; (pos) != (head); (pos) = (pos)->next)

/* Loops over the elements; the body must not delete the current one. */
#define list_for_each_entry(pos, head, member)                                                     \
	for ((pos) = list_first_entry(head, __typeof__(*(pos)), member);                           \
	     &(pos)->member != (head); (pos) = list_next_entry(pos, member))

#define list_for_each_entry_reverse(pos, head, member)                                             \
	for ((pos) = list_last_entry(head, __typeof__(*(pos)), member);                            \
	     &(pos)->member != (head); (pos) = list_prev_entry(pos, member))

/* Loops over the elements; the body may delete the current one, but not the one after it. */
#define list_for_each_entry_safe(pos, tmp, head, member)                                           \
	for ((pos) = list_first_entry(head, __typeof__(*(pos)), member),                           \
	    (tmp) = list_next_entry(pos, member);                                                  \
	     &(pos)->member != (head); (pos) = (tmp), (tmp) = list_next_entry(tmp, member))

struct hlist_node {
	struct hlist_node *next;
	struct hlist_node **at; /* what points at this node; NULL: on no list */
};

struct hlist_head {
	struct hlist_node *first;
};

static inline void hlist_init(struct hlist_head *head)
{
	head->first = NULL;
}

static inline void hlist_node_init(struct hlist_node *node)
{
	node->next = NULL;
	node->at = NULL;
}

static inline bool hlist_empty(const struct hlist_head *head)
{
	return !head->first;
}

static inline bool hlist_unhashed(const struct hlist_node *node)
{
	return !node->at;
}

static inline void hlist_add(struct hlist_node *node, struct hlist_head *head)
{
	node->next = head->first;
	node->at = &head->first;
	if (node->next)
		node->next->at = &node->next;
	head->first = node;
}

static inline void hlist_del(struct hlist_node *node)
{
	if (!node->at)
		return;
	*node->at = node->next;
	if (node->next)
		node->next->at = node->at;
	hlist_node_init(node);
}

#define hlist_entry(node, type, member) container_of(node, type, member)

#define hlist_entry_or_null_(node, type, member)                                                   \
	({                                                                                         \
		struct hlist_node *hlist_node_ = (node);                                           \
		hlist_node_ ? hlist_entry(hlist_node_, type, member) : NULL;                       \
	})

/* Loops over the elements; the body must not delete the current one. */
#define hlist_for_each_entry(pos, head, member)                                                    \
	for ((pos) = hlist_entry_or_null_((head)->first, __typeof__(*(pos)), member); (pos);       \
	     (pos) = hlist_entry_or_null_((pos)->member.next, __typeof__(*(pos)), member))

/* The same; the body may delete the current element.  tmp is a struct hlist_node pointer. */
#define hlist_for_each_entry_safe(pos, tmp, head, member)                                          \
	for ((pos) = hlist_entry_or_null_((head)->first, __typeof__(*(pos)), member);              \
	     (pos) && ((tmp) = (pos)->member.next, 1);                                             \
	     (pos) = hlist_entry_or_null_(tmp, __typeof__(*(pos)), member))

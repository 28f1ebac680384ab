/*
 * Shared subtrees (mount_namespaces(7)): who hears of what is mounted on whom.
 *
 * Peers form a ring and have one group number; what is mounted on one of them is mounted on all.
 * A slave hears what its master's group hears, and does not tell it. All peers of a group that is a
 * slave have masters in one group. Everything here under mount_mutex.
 */
#pragma once

#include "fs/mount.h"

static inline bool mount_is_shared(const struct mount *m)
{
	return m->group;
}

/* m becomes MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE. */
void propagation_set(struct mount *m, uint32_t kind);
/* m, which is private, has the peers and the master of another from now on. */
void propagation_join(struct mount *m, struct mount *as);
/* Would what is mounted on from, at that directory, be mounted on the root of m, too? */
bool propagation_covers(const struct mount *from, const struct mount *m, const struct dentry *at);
/* Whom m hears, as numbers of groups; 0: none. */
struct propagation {
	uint32_t group, master;
	uint32_t source; /* by way of how many ever, the nearest that root sees something of */
};
/* As root sees it. */
void propagation_get(const struct mount *m, const struct path *root, struct propagation *p);

/*
 * The tree is to stand on at: it is copied for all who hear of that, for `room` mounts at most.
 * 0; -ENOSPC, -ENOMEM: nothing has changed. May sleep. Else, in turn: the others, the middle two
 * under dcache_lock, before and after the tree itself takes its place.
 */
int propagation_prepare(struct mount *tree, const struct path *at, size_t room);
/* If at is shared: so is the tree, and the copies are peers and slaves of it and one another. */
void propagation_join_locked(struct mount *tree, const struct path *at);
/* The copies take their places; what stood there stands on them. */
void propagation_place_locked(const struct path *at);
/* It is over; not placed: the copies, which nobody has joined, are no more. May sleep. */
void propagation_finish(const struct path *at, bool placed);

/*
 * m is to go with all that stands on it: so is, on others who heard of those, all that stands at
 * the same places, if nothing more stands on it than a mount that covers it. It gets on the list
 * `along`, by may_go. In turn: the others, the middle two under dcache_lock.
 */
void propagation_go(struct mount *m, struct list_head *along);
/* Is one of them in use? */
bool propagation_busy_locked(const struct list_head *along);
/* They go from the list of mounts to gone; what covers one takes its place. */
void propagation_gather_locked(const struct list_head *along, struct list_head *gone);
/* It is over, whether they went or not. */
void propagation_gone(struct mount *m, struct list_head *along);

/*
 * The tree of mounts from inside, for mount.c, mountmove.c and propagate.c.
 */
#pragma once

#include "fs/mount.h"

/* Does m stand, by way of others, on the root of a namespace? (mount_mutex or dcache_lock) */
bool mount_in_tree(const struct mount *m);
/* Is it the root of a tree of its own? (mount_mutex or dcache_lock) */
bool mount_is_floating(const struct mount *m);
/* Is it top, or does it stand on it, by way of others? (mount_mutex or dcache_lock) */
bool mount_stands_on(const struct mount *m, const struct mount *top);

/* The first that stands on m, the next behind m that stands where m does; NULL: there is none. */
struct mount *mount_first_child(const struct mount *m);
struct mount *mount_sibling(const struct mount *m);
/* What follows m in the tree below top: a mount comes before those that stand on it. */
struct mount *mount_next(const struct mount *m, const struct mount *top);

/* The running variable m may not leave the tree meanwhile. (mount_mutex or dcache_lock) */
#define for_each_below(m, top) for ((m) = (top); (m); (m) = mount_next((m), (top)))

/* The references of *at become those of m, which stands nowhere, to its place. dcache_lock held. */
void mount_stand_locked(struct mount *m, const struct path *at);
/*
 * m, which stands nowhere, stands on at from now on, and what stood there on top of m.
 * dcache_lock held.
 */
void mount_place_locked(struct mount *m, const struct path *at);
/* The tree of m at the end of the list of mounts. dcache_lock held. */
void mount_list_locked(struct mount *m);
/* mount_float, with mount_mutex. */
void mount_float_locked(struct mount *m);
/* m stands nowhere any more; its references to where it stood go to *at. dcache_lock held. */
void mount_lift_locked(struct mount *m, struct path *at);
/* What is on top of all that is mounted at the place, no references. dcache_lock held. */
struct path mount_top_locked(const struct path *at);
/*
 * May something be mounted there? 0; -ENOENT: it has been removed, or the mount has, or is no place
 * for mounts; -EINVAL: it is in a tree without a place. dcache_lock held.
 */
int mount_may_place(const struct path *top);
/* How many there are; those of the tree of m. (mount_mutex) */
size_t mounts_count(void);
size_t mount_tree_size(const struct mount *m);
/*
 * A copy of from with that root; it stands nowhere, and is not on the list of mounts. NULL: no
 * memory. May sleep. (mount_mutex)
 */
enum {
	TREE_BELOW = 1,	    /* and of all that stands below it, but for what is unbindable */
	TREE_JOIN = 2,	    /* each gets the peers and the master of what it is a copy of */
	TREE_NAMESPACE = 4, /* unbindable too; each has its copy noted, also on failure */
};
struct mount *mount_tree_clone(struct mount *from, struct dentry *root, unsigned how);
/* A tree that is mounted nowhere, or copies that never were: it is no more. (mount_mutex) */
void mount_dissolve_locked(struct mount *m);
/*
 * The tree m, which is to stand on at, with its copies for all who hear of that; what stands at any
 * of those places stands on it then. fresh: none of m is on the list of mounts. 0; -ENOSPC;
 * -ENOMEM; -ENOENT: at has been removed; then nothing has changed. May sleep. (mount_mutex)
 */
int mount_attach(struct mount *m, const struct path *at, bool fresh);

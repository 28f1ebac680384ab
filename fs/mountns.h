/*
 * Mount namespaces (mount_namespaces(7)): each has a tree of mounts of its own, a copy of another's
 * when it is made. What mounts in it are peers or slaves of goes on being mounted in both.
 *
 * The first mount of a tree leads to its namespace; a mount that is in no such tree is floating, or
 * has gone. The tree goes with its namespace: what is still used of it, as with MNT_DETACH.
 */
#pragma once

#include "fs/mount.h"
#include "kernel/namespace.h"

struct fscontext;

struct mount_ns {
	struct ns ns;
	struct mount *root; /* m; on which no other tree's mounts stand; its ns leads back */
};
extern struct mount_ns mount_ns_first;

/* As ns_types want them. fs: gets the places in the copy that are those it had. */
struct ns *mount_ns_copy(const struct ns *old, struct fscontext *fs);
void mount_ns_free(struct ns *ns);

/* The running thread's; of a thread of the kernel: the first. */
struct mount_ns *mount_ns_own(void);
/* That in whose tree m is, or NULL. (mount_mutex or dcache_lock) */
struct mount_ns *mount_ns_of(const struct mount *m);
/* Is m in the tree of the running thread's? (mount_mutex or dcache_lock) */
static inline bool mount_is_own(const struct mount *m)
{
	return mount_ns_of(m) == mount_ns_own();
}
/* That of this number, or NULL. (mount_mutex) */
struct mount_ns *mount_ns_find(uint64_t number);

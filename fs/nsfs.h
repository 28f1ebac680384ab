/*
 * Namespaces as files: what the links in /proc/PID/ns lead to. Who has such a file open keeps the
 * namespace, and can enter it (setns(2)).
 */
#pragma once

#include <stdbool.h>

struct file;
struct ns;
struct path;

void nsfs_init(void);
/* A file of ns, whose reference goes with it, or is dropped. 0 or -ENOMEM. May sleep. */
int nsfs_path(struct ns *ns, struct path *out);
/* What the open file is of, as long as it is open; NULL: it is none of these. */
struct ns *nsfs_of_file(const struct file *f);
/*
 * Is that place, which is in no tree of mounts, a namespace, so that it may be bound elsewhere all
 * the same? Not one of mounts: that would hold itself.
 */
bool nsfs_may_bind(const struct path *p);

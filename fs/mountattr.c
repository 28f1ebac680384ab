/*
 * What is changed on mounts where they stand: their flags, and whom they hear.
 */
#include <stdatomic.h>

#include "fs/mountns.h"
#include "fs/mounttree.h"
#include "fs/propagate.h"
#include "kernel/uapi/mount.h"

/* Of those that a change of top is about, the one behind m, or NULL. (mount_mutex) */
static struct mount *next_changed(const struct mount *m, const struct mount *top, bool recursive)
{
	return recursive ? mount_next(m, top) : NULL;
}

/* No changes any more by way of what is to become read-only: 0; -EBUSY. (mount_mutex) */
static int hold_writers(struct mount *top, bool recursive)
{
	struct mount *m;
	int err = 0;

	for (m = top; m; m = next_changed(m, top, recursive)) {
		if (atomic_load(&m->flags) & MS_RDONLY)
			continue;
		atomic_fetch_or(&m->flags, MS_RDONLY | MOUNT_HELD);
		/* Those of a volume that is read-only are about to find that out. */
		if (atomic_load(&m->writers) && !atomic_load(&m->sb->readonly))
			err = -EBUSY;
	}
	return err;
}

/* As it was before hold_writers. (mount_mutex) */
static void release_writers(void)
{
	struct mount *m;

	list_for_each_entry(m, &mounts, link) {
		if (atomic_load(&m->flags) & MOUNT_HELD)
			atomic_fetch_and(&m->flags, ~(MS_RDONLY | MOUNT_HELD));
	}
}

/* (mount_mutex) */
static void change(struct mount *m, uint32_t set, uint32_t clear)
{
	uint32_t old = atomic_load(&m->flags), new;

	do
		new = (old & ~(clear | MOUNT_HELD)) | set;
	while (!atomic_compare_exchange_weak(&m->flags, &old, new));
}

/* Is p the root of a mount that stands somewhere, or could? (mount_mutex) */
static bool is_mounted(const struct path *p)
{
	return p->dentry == p->mnt->root && (mount_in_tree(p->mnt) || mount_is_floating(p->mnt));
}

int mount_change(const struct path *at, uint32_t set, uint32_t clear, uint32_t propagation,
		 bool recursive)
{
	struct mount *top = at->mnt, *m;
	int err = 0;

	mutex_lock(&mount_mutex);
	if (!is_mounted(at) || (mount_in_tree(top) && !mount_is_own(top)))
		err = -EINVAL;
	else if (set & MS_RDONLY)
		err = hold_writers(top, recursive);
	if (err)
		release_writers();
	for (m = err ? NULL : top; m; m = next_changed(m, top, recursive)) {
		change(m, set, clear);
		if (propagation)
			propagation_set(m, propagation);
	}
	mutex_unlock(&mount_mutex);
	return err;
}

int mount_join(const struct path *from, const struct path *to)
{
	struct mount *as = from->mnt, *m = to->mnt;
	int err = -EINVAL;
	bool inside;

	mutex_lock(&mount_mutex);
	if (is_mounted(from) && is_mounted(to) && as->sb == m->sb) {
		spin_lock(&dcache_lock);
		inside = dentry_is_ancestor(as->root, m->root);
		spin_unlock(&dcache_lock);
		if (inside && !mount_is_shared(m) && !m->master &&
		    (mount_is_shared(as) || as->master)) {
			propagation_join(m, as);
			err = 0;
		}
	}
	mutex_unlock(&mount_mutex);
	return err;
}

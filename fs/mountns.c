/*
 * Mount namespaces.
 */
#include "fs/mountns.h"

#include "fs/mounttree.h"
#include "kernel/mem/slab.h"
#include "kernel/thread.h"

struct mount_ns mount_ns_first = {.ns = {1, NS_MNT, NS_FIRST_MNT}};

static struct mount_ns *of_ns(const struct ns *ns)
{
	return container_of((struct ns *)ns, struct mount_ns, ns);
}

struct mount_ns *mount_ns_own(void)
{
	const struct ns_set *set = current()->ns;

	return set ? of_ns(set->of[NS_MNT]) : &mount_ns_first;
}

struct mount_ns *mount_ns_of(const struct mount *m)
{
	while (m->parent)
		m = m->parent;
	return m->ns;
}

struct mount_ns *mount_ns_find(uint64_t number)
{
	struct mount *m;

	list_for_each_entry(m, &mounts, link) {
		if (m->ns && m->ns->ns.number == number)
			return m->ns;
	}
	return NULL;
}

/* One that stands on d, wherever, or NULL. (mount_mutex) */
static struct mount *standing_on(const struct dentry *d)
{
	struct mount *m;

	list_for_each_entry(m, &mounts, link) {
		if (m->point == d)
			return m;
	}
	return NULL;
}

bool mount_point_is_own(const struct dentry *d)
{
	const struct mount *m;
	bool own = false;

	spin_lock(&dcache_lock);
	list_for_each_entry(m, &mounts, link)
		own |= m->point == d && mount_is_own(m);
	spin_unlock(&dcache_lock);
	return own;
}

void mount_point_gone(const struct dentry *d)
{
	struct mount *m;

	mutex_lock(&mount_mutex);
	while ((m = standing_on(d)))
		mount_dissolve_locked(m);
	mutex_unlock(&mount_mutex);
}

/* From a place in the tree that was copied to the same in its copy. dcache_lock held. */
static void change_place_locked(struct path *at)
{
	struct mount *old = at->mnt;

	if (!old->copy)
		return;
	at->mnt = mount_get(old->copy);
	mount_put(old); /* not the last: it is in its tree */
}

/* n, which has no tree yet, gets a copy of that of `from`. 0, -ENOSPC, -ENOMEM. (mount_mutex) */
static int tree_copy(struct mount_ns *n, const struct mount_ns *from, struct fscontext *fs)
{
	struct mount *top = from->root, *m, *copy;

	if (mounts_count() + mount_tree_size(top) > mounts_max)
		return -ENOSPC;
	copy = mount_tree_clone(top, top->root, TREE_BELOW | TREE_JOIN | TREE_NAMESPACE);
	if (copy) {
		spin_lock(&dcache_lock);
		n->root = copy;
		copy->ns = n;
		mount_list_locked(copy);
		change_place_locked(&fs->root);
		change_place_locked(&fs->cwd);
		spin_unlock(&dcache_lock);
	}
	for_each_below(m, top)
		m->copy = NULL;
	return copy ? 0 : -ENOMEM;
}

struct ns *mount_ns_copy(const struct ns *old, struct fscontext *fs)
{
	struct mount_ns *n = kzalloc(sizeof(*n));
	int err;

	if (!n)
		return err_ptr(-ENOMEM);
	ns_init(&n->ns, NS_MNT);
	mutex_lock(&mount_mutex);
	err = tree_copy(n, of_ns(old), fs);
	mutex_unlock(&mount_mutex);
	if (!err)
		return &n->ns;
	kfree(n);
	return err_ptr(err);
}

void mount_ns_free(struct ns *ns)
{
	struct mount_ns *n = of_ns(ns);

	mutex_lock(&mount_mutex);
	spin_lock(&dcache_lock);
	n->root->ns = NULL;
	spin_unlock(&dcache_lock);
	mount_dissolve_locked(n->root);
	mutex_unlock(&mount_mutex);
	kfree(n);
}

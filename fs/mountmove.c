/*
 * Trees of mounts that are copied, or stand somewhere else: MS_BIND, open_tree(2), MS_MOVE,
 * move_mount(2), pivot_root(2).
 */
#include "fs/mountns.h"
#include "fs/mounttree.h"
#include "fs/nsfs.h"
#include "fs/propagate.h"
#include "kernel/thread.h"

/* Does m stand on what is copied, but outside of its part below root, or is it not for copying? */
static bool left_out(const struct mount *m, const struct mount *from, const struct dentry *root,
		     unsigned how)
{
	bool out = m->unbindable && !(how & TREE_NAMESPACE);

	if (!out && m->parent == from) {
		spin_lock(&dcache_lock);
		out = !dentry_is_ancestor(root, m->point);
		spin_unlock(&dcache_lock);
	}
	return out;
}

/* A copy of m, on `on`, if that is one, where m stands. NULL: no memory. */
static struct mount *clone_one(struct mount *m, struct dentry *root, struct mount *on, unsigned how)
{
	struct path at = {on, m->point};
	struct mount *copy = mount_clone(m, root);

	if (copy && (how & TREE_JOIN))
		propagation_join(copy, m);
	if (copy && (how & TREE_NAMESPACE)) {
		copy->unbindable = m->unbindable;
		m->copy = copy;
	}
	if (copy && on) {
		spin_lock(&dcache_lock);
		mount_place_locked(copy, &at);
		spin_unlock(&dcache_lock);
	}
	return copy;
}

struct mount *mount_tree_clone(struct mount *from, struct dentry *root, unsigned how)
{
	struct mount *top = clone_one(from, root, NULL, how), *copy = top, *made;
	struct mount *m = from, *next = how & TREE_BELOW ? mount_first_child(from) : NULL;

	/* copy is m's; next, which stands on m, or did, is the next to be looked at. */
	while (top) {
		while (!next && m != from) {
			next = mount_sibling(m);
			m = m->parent;
			copy = copy->parent;
		}
		if (!next)
			break;
		if (left_out(next, from, root, how)) {
			m = next;
			next = mount_sibling(m);
			m = m->parent;
			continue;
		}
		made = clone_one(next, next->root, copy, how);
		if (!made) {
			mount_dissolve_locked(top);
			return NULL;
		}
		m = next;
		copy = made;
		next = mount_first_child(m);
	}
	return top;
}

/* A copy of what is at the place, with all mounts below if so asked. err_ptr. (mount_mutex) */
static struct mount *copy(const struct path *what, bool recursive)
{
	struct mount *m;

	if (what->mnt->unbindable || (!mount_is_own(what->mnt) && !nsfs_may_bind(what)))
		return err_ptr(-EINVAL);
	m = mount_tree_clone(what->mnt, what->dentry, TREE_JOIN | (recursive ? TREE_BELOW : 0));
	return m ? m : err_ptr(-ENOMEM);
}

struct mount *mount_copy(const struct path *what, bool recursive)
{
	struct mount *m;

	mutex_lock(&mount_mutex);
	m = copy(what, recursive);
	if (!is_err(m) && mounts_count() + mount_tree_size(m) > mounts_max) {
		mount_dissolve_locked(m);
		m = err_ptr(-ENOSPC);
	}
	/* Others have to know that something stands where its mounts do. */
	if (!is_err(m))
		mount_float_locked(m);
	mutex_unlock(&mount_mutex);
	return m;
}

static bool is_directory(const struct path *p)
{
	return S_ISDIR(p->dentry->inode->mode);
}

int mount_bind(const struct path *what, const struct path *at, bool recursive)
{
	struct path top;
	struct mount *m;
	int err;

	mutex_lock(&mount_mutex);
	spin_lock(&dcache_lock);
	top = mount_top_locked(at);
	err = mount_may_place(&top);
	spin_unlock(&dcache_lock);
	m = err ? err_ptr(err) : copy(what, recursive);
	if (is_err(m)) {
		err = (int)ptr_err(m);
	} else {
		err = is_directory(what) == is_directory(&top) ? mount_attach(m, &top, true)
							       : -ENOTDIR;
		if (err)
			mount_dissolve_locked(m);
	}
	mutex_unlock(&mount_mutex);
	return err;
}

/* May m be moved below what is at the top of a place? dcache_lock held. */
static int may_move_beneath(struct mount *m, const struct path *top)
{
	const struct mount *to = top->mnt;

	if (!to->parent || top->dentry != to->root || to == current()->fs->root.mnt ||
	    mount_stands_on(m, to))
		return -EINVAL;
	/* What its parent is told of would come on top of it again, or of m. */
	if (propagation_covers(to->parent, to, to->point) ||
	    (m->parent && propagation_covers(to->parent, m, to->point)))
		return -EINVAL;
	return mount_find_locked(m, m->root) ? -EINVAL : 0;
}

static bool has_unbindable(const struct mount *top)
{
	const struct mount *m;

	for_each_below(m, top) {
		if (m->unbindable)
			return true;
	}
	return false;
}

/* What is to stand on the mount `to`. (mount_mutex, dcache_lock) */
static int may_move(const struct path *what, const struct path *top, bool beneath)
{
	const struct mount *to = top->mnt;
	struct mount *m = what->mnt;
	int err = mount_may_place(top);

	if (err)
		return err;
	if (what->dentry != m->root || !(m->parent ? mount_is_own(m) : mount_is_floating(m)))
		return -EINVAL;
	if (is_directory(what) != is_directory(top) || (m->parent && mount_is_shared(m->parent)))
		return -EINVAL;
	if (beneath) {
		err = may_move_beneath(m, top);
		if (err)
			return err;
		to = to->parent;
	}
	if (mount_is_shared(to) && has_unbindable(m))
		return -EINVAL;
	return mount_stands_on(to, m) ? -ELOOP : 0;
}

int mount_move(const struct path *what, const struct path *at, bool beneath)
{
	struct path top;
	int err;

	mutex_lock(&mount_mutex);
	spin_lock(&dcache_lock);
	top = mount_top_locked(at);
	err = may_move(what, &top, beneath);
	if (!err && beneath)
		top = (struct path){top.mnt->parent, top.mnt->point};
	spin_unlock(&dcache_lock);
	if (!err)
		err = mount_attach(what->mnt, &top, false);
	mutex_unlock(&mount_mutex);
	return err;
}

static bool stands_on_shared(const struct mount *m)
{
	return m->parent && mount_is_shared(m->parent);
}

/* put: what is on top there. (mount_mutex) */
static int may_pivot(const struct path *root, const struct path *new, const struct path *put)
{
	const struct mount *r = root->mnt, *n = new->mnt;

	if (mount_is_shared(put->mnt) || stands_on_shared(n) || stands_on_shared(r))
		return -EINVAL;
	if (!mount_is_own(r) || !mount_is_own(n))
		return -EINVAL;
	if (n == r || put->mnt == r)
		return -EBUSY;
	if (root->dentry != r->root || new->dentry != n->root || !n->parent)
		return -EINVAL;
	return mount_is_below(put, new) && mount_is_below(new, root) ? 0 : -EINVAL;
}

/* n stands where r does, or is its namespace's root; r stands on put. dcache_lock held. */
static void pivot_locked(struct mount *r, struct mount *n, const struct path *put,
			 struct path *old)
{
	struct mount_ns *ns = r->ns;
	struct path place;

	mount_lift_locked(n, old);
	mount_lift_locked(r, &place);
	mount_place_locked(r, put);
	if (ns) {
		r->ns = NULL;
		n->ns = ns;
		ns->root = n;
	} else {
		mount_stand_locked(n, &place);
	}
}

int mount_pivot(const struct path *new, const struct path *put)
{
	struct path root, top, old = {NULL, NULL};
	int err;

	fscontext_root(&root);
	mutex_lock(&mount_mutex);
	spin_lock(&dcache_lock);
	top = mount_top_locked(put);
	err = mount_may_place(&top);
	spin_unlock(&dcache_lock);
	if (!err)
		err = may_pivot(&root, new, &top);
	spin_lock(&dcache_lock);
	if (!err && dentry_unlinked(top.dentry))
		err = -ENOENT;
	if (!err) {
		pivot_locked(root.mnt, new->mnt, &top, &old);
		fscontext_move_locked(&root, new);
	}
	spin_unlock(&dcache_lock);
	mutex_unlock(&mount_mutex);
	path_put(&old);
	path_put(&root);
	return err;
}

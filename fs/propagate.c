/*
 * Shared subtrees: peer groups and slaves, and what of the changes on one mount happens on others.
 *
 * Nothing fails half-way: all copies are made first, then they take their places, and only then
 * are they joined to groups, for which no memory is needed.
 */
#include "fs/propagate.h"

#include <stdatomic.h>

#include "fs/mountns.h"
#include "fs/mounttree.h"
#include "kernel/panic.h"
#include "kernel/uapi/mount.h"

static uint32_t last_group; /* mount_mutex */

/* --- groups --- */

static struct mount *peer_next(const struct mount *m)
{
	return list_entry(m->peers.next, struct mount, peers);
}

/* No peers any more; slaves stay with the others, if there are any, and else with m. */
static struct mount *leave_peers(struct mount *m)
{
	struct mount *heir = peer_next(m), *at = heir, *slave;

	/* Better one who sees the same part of the volume. */
	for (; at != m; at = peer_next(at)) {
		if (at->root == m->root) {
			heir = at;
			break;
		}
	}
	list_del(&m->peers);
	m->group = 0;
	if (heir == m)
		return m;
	list_for_each_entry(slave, &m->slaves, slave)
		slave->master = heir;
	list_splice_tail(&m->slaves, &heir->slaves);
	return heir;
}

static void set_master(struct mount *m, struct mount *master)
{
	list_del(&m->slave);
	m->master = master;
	if (master)
		list_add_tail(&m->slave, &master->slaves);
}

/* A slave of the peers it had, or else of the master it has; without one it is private. */
static void become_slave(struct mount *m)
{
	struct mount *heir = leave_peers(m);

	if (heir != m)
		set_master(m, heir);
	/* Who is shared no more tells nobody: its slaves are its master's. */
	while (!list_empty(&m->slaves))
		set_master(list_first_entry(&m->slaves, struct mount, slave), m->master);
}

void propagation_set(struct mount *m, uint32_t kind)
{
	assert(mutex_held(&mount_mutex));
	if (kind == MS_SHARED) {
		m->unbindable = false;
		if (!m->group)
			m->group = ++last_group;
		return;
	}
	become_slave(m);
	if (kind == MS_SLAVE)
		return;
	set_master(m, NULL);
	m->unbindable = kind == MS_UNBINDABLE;
}

void propagation_join(struct mount *m, struct mount *as)
{
	assert(mutex_held(&mount_mutex));
	m->group = as->group;
	if (as->group) {
		m->unbindable = false;
		list_add(&m->peers, &as->peers);
	}
	set_master(m, as->master);
}

/* Is m what happens on from comes to, by way of peers and masters? */
bool propagation_covers(const struct mount *from, const struct mount *m, const struct dentry *at)
{
	if (!mount_is_shared(from) || m->root != at)
		return false;
	while (m && m->group != from->group)
		m = m->master;
	return m;
}

/* Does one of the group in that namespace show something below top? */
static bool group_seen(struct mount *m, const struct mount_ns *ns, const struct path *top)
{
	struct mount *peer = m;

	do {
		const struct path p = {peer, peer->root};

		if (mount_ns_of(peer) == ns && mount_is_below(&p, top))
			return true;
		peer = peer_next(peer);
	} while (peer != m);
	return false;
}

void propagation_get(const struct mount *m, const struct path *root, struct propagation *p)
{
	const struct mount_ns *ns = mount_ns_of(m);

	*p = (struct propagation){.group = m->group};
	if (!m->master)
		return;
	p->master = m->master->group;
	for (m = m->master; m && !group_seen((struct mount *)m, ns, root); m = m->master)
		;
	p->source = m ? m->group : 0;
}

/*
 * Who, behind m, hears of what is mounted on origin, which is shared: the slaves of m, and theirs,
 * then the next slave of who is m's master, ..., the next peer of origin; NULL: those were all.
 */
static struct mount *hearer_next(struct mount *m, const struct mount *origin)
{
	if (!list_empty(&m->slaves))
		return list_first_entry(&m->slaves, struct mount, slave);
	for (; m->group != origin->group; m = m->master) {
		if (!list_is_last(&m->slave, &m->master->slaves))
			return list_next_entry(m, slave);
	}
	m = peer_next(m);
	return m == origin ? NULL : m;
}

#define for_each_hearer(m, origin)                                                                 \
	for ((m) = mount_is_shared(origin) ? hearer_next((origin), (origin)) : NULL; (m);          \
	     (m) = hearer_next((m), (origin)))

/* --- something is mounted --- */

/* Does m, who is told of something at that directory, show it? Copies under way do not count. */
static bool shows(const struct mount *m, const struct dentry *at)
{
	bool below;

	if (list_empty(&m->link) || !mount_in_tree(m))
		return false;
	spin_lock(&dcache_lock);
	below = dentry_is_ancestor(m->root, at);
	spin_unlock(&dcache_lock);
	return below;
}

int propagation_prepare(struct mount *tree, const struct path *at, size_t room)
{
	struct mount *origin = at->mnt, *m;
	size_t n = 0;

	for_each_hearer(m, origin)
		n += shows(m, at->dentry);
	if (n > room / mount_tree_size(tree))
		return -ENOSPC;
	for_each_hearer(m, origin) {
		if (!shows(m, at->dentry))
			continue;
		m->copy = mount_tree_clone(tree, tree->root, TREE_BELOW);
		if (!m->copy) {
			propagation_finish(at, false);
			return -ENOMEM;
		}
	}
	return 0;
}

/* What m or one of its peers got, joined: of those alone that are in a group; or NULL. */
static struct mount *got(const struct mount *m, bool joined)
{
	const struct mount *peer = m;

	do {
		if (peer->copy && (!joined || mount_is_shared(peer->copy)))
			return peer->copy;
		peer = list_prev_entry(peer, peers); /* who was served before is near */
	} while (peer != m);
	return NULL;
}

/* All of the tree copy in step with tree: as its peers, or else as its slaves, shared or not. */
static void join_tree(struct mount *copy, struct mount *tree, bool peers, bool shared)
{
	struct mount *to = copy, *as = tree;

	for (; to; to = mount_next(to, copy), as = mount_next(as, tree)) {
		if (peers) {
			propagation_join(to, as);
			continue;
		}
		set_master(to, as);
		if (shared)
			propagation_set(to, MS_SHARED);
	}
}

/* What m got has to do with what others got what m has to do with them. */
static void join_copy(struct mount *m)
{
	struct mount *as = mount_is_shared(m) ? got(m, true) : NULL;
	bool peers = as;

	/* The first of a group: of the nearest one above that got something. */
	for (const struct mount *above = m->master; !as; above = above->master)
		as = got(above, false);
	join_tree(m->copy, as, peers, mount_is_shared(m));
}

void propagation_join_locked(struct mount *tree, const struct path *at)
{
	struct mount *origin = at->mnt, *m;

	if (!mount_is_shared(origin))
		return;
	for_each_below(m, tree)
		propagation_set(m, MS_SHARED);
	origin->copy = tree;
	for_each_hearer(m, origin) {
		if (m->copy)
			join_copy(m);
	}
	origin->copy = NULL;
}

void propagation_place_locked(const struct path *at)
{
	struct path place = *at;
	struct mount *m;

	for_each_hearer(m, at->mnt) {
		if (!m->copy)
			continue;
		place.mnt = m;
		mount_place_locked(m->copy, &place);
		mount_list_locked(m->copy);
	}
}

void propagation_finish(const struct path *at, bool placed)
{
	struct mount *m;

	for_each_hearer(m, at->mnt) {
		if (m->copy && !placed)
			mount_dissolve_locked(m->copy);
		m->copy = NULL;
	}
}

/* --- something goes --- */

enum fate {
	STAYS,
	MAY_GO, /* stands where something like it goes */
	GOES,
};

/* What covers the whole of m, or NULL. */
static struct mount *cover(struct mount *m)
{
	return mount_find_locked(m, m->root);
}

/* Does, once m has gone, something stand where it stood? */
static bool leaves_cover(struct mount *m)
{
	while (m && m->fate == GOES)
		m = cover(m);
	return m;
}

/* Would nothing that stays be left on it that could not take its place? */
static bool can_go(struct mount *m)
{
	struct mount *child;

	for (child = mount_first_child(m); child; child = mount_sibling(child)) {
		if (child->point == m->root)
			continue;
		if (child->fate != GOES || leaves_cover(child))
			return false;
	}
	return true;
}

/* Those of which one like it is in the tree `top`: what stands on others first. */
static void find_like(struct mount *top, struct list_head *along)
{
	struct mount *m, *hearer, *like;

	for_each_below(m, top)
		m->fate = GOES;
	for_each_below(m, top) {
		for_each_hearer(hearer, m->parent) {
			like = mount_find_locked(hearer, m->point);
			if (!like || like->fate != STAYS)
				continue;
			like->fate = MAY_GO;
			list_add(&like->may_go, along);
		}
	}
}

void propagation_go(struct mount *top, struct list_head *along)
{
	struct mount *m;
	bool more;

	find_like(top, along);
	do {
		more = false;
		list_for_each_entry(m, along, may_go) {
			if (m->fate != MAY_GO || !can_go(m))
				continue;
			m->fate = GOES;
			more = true;
		}
	} while (more);
}

bool propagation_busy_locked(const struct list_head *along)
{
	struct mount *m, *child;

	list_for_each_entry(m, along, may_go) {
		int refs = 1; /* the tree's; of what stands on it, all goes, or is its cover */

		for (child = mount_first_child(m); child; child = mount_sibling(child))
			refs++;
		if (m->fate == GOES && atomic_load(&m->refs) > refs)
			return true;
	}
	return false;
}

/* What covers m, which goes, takes its place, if it stays itself. */
static void uncover_locked(struct mount *m)
{
	struct mount *above = cover(m);
	struct path old, place;

	if (!above || above->fate == GOES)
		return;
	for (; m->parent->fate == GOES; m = m->parent)
		;
	place = (struct path){m->parent, m->point};
	mount_lift_locked(above, &old);
	path_get(&place);
	mount_stand_locked(above, &place);
	path_put(&old); /* not the last: what goes is there still */
}

void propagation_gather_locked(const struct list_head *along, struct list_head *gone)
{
	struct mount *m;

	list_for_each_entry(m, along, may_go) {
		if (m->fate != GOES)
			continue;
		uncover_locked(m);
		list_move_tail(&m->link, gone);
	}
}

void propagation_gone(struct mount *top, struct list_head *along)
{
	struct mount *m;

	for_each_below(m, top)
		m->fate = STAYS;
	while (!list_empty(along)) {
		m = list_first_entry(along, struct mount, may_go);
		m->fate = STAYS;
		list_del(&m->may_go);
	}
}

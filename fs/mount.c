/*
 * The mount tree: which volume's root stands on which directory. Changes hold mount_mutex and,
 * for the links a path walk follows, dcache_lock.
 */
#include "fs/mountns.h"
#include "fs/mounttree.h"
#include "fs/notify.h"
#include "fs/propagate.h"

#include <stdatomic.h>

#include "fs/super.h"
#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/uapi/mount.h"
#include "lib/string.h"

struct mutex mount_mutex;
LIST_HEAD(mounts);
uint64_t mounts_max = 4096;
static _Atomic uint32_t next_id = 1;

struct mount *mount_get(struct mount *m)
{
	if (!m)
		return NULL; /* a pipe is on no mount */
	atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
	return m;
}

void mount_put(struct mount *m)
{
	if (!m || atomic_fetch_sub(&m->refs, 1) != 1)
		return;
	if (notify_wanted())
		notify_unmounted_slow(m);
	dentry_put(m->root);
	super_put(m->sb);
	kfree(m->source);
	kfree(m);
}

struct mount *mount_find_locked(struct mount *m, struct dentry *d)
{
	struct mount *at;

	list_for_each_entry_reverse(at, &m->children, sibling) {
		if (at->point == d)
			return at;
	}
	return NULL;
}

int mount_write_begin(struct mount *m)
{
	int err;

	/* Counted before the look, as in super_write_begin. */
	atomic_fetch_add(&m->writers, 1);
	err = atomic_load(&m->flags) & MS_RDONLY ? -EROFS : super_write_begin(m->sb);
	if (unlikely(err))
		atomic_fetch_sub(&m->writers, 1);
	return err;
}

void mount_write_end(struct mount *m)
{
	super_write_end(m->sb);
	atomic_fetch_sub(&m->writers, 1);
}

void mount_alone(struct mount *m)
{
	m->refs = 1;
	list_init(&m->link);
	list_init(&m->children);
	list_init(&m->sibling);
	list_init(&m->peers);
	list_init(&m->slaves);
	list_init(&m->slave);
}

static struct mount *mount_alloc(const char *source)
{
	struct mount *m = kzalloc(sizeof(*m));
	size_t len = strlen(source) + 1;

	if (!m)
		return NULL;
	m->source = kmalloc(len);
	if (!m->source) {
		kfree(m);
		return NULL;
	}
	memcpy(m->source, source, len);
	m->id = atomic_fetch_add(&next_id, 1);
	mount_alone(m);
	return m;
}

struct mount *mount_make(const char *source, struct blockdev *bdev, struct fstype *type,
			 uint32_t flags, const char *options)
{
	struct mount *m = mount_alloc(source);
	struct super_block *sb;

	if (!m)
		return err_ptr(-ENOMEM);
	mutex_lock(&mount_mutex);
	sb = super_open(type, bdev, flags, options);
	mutex_unlock(&mount_mutex);
	if (is_err(sb)) {
		kfree(m->source);
		kfree(m);
		return err_ptr(ptr_err(sb));
	}
	m->sb = sb;
	m->root = dentry_get(sb->root);
	return m;
}

struct mount *mount_clone(struct mount *of, struct dentry *root)
{
	struct mount *m = mount_alloc(of->source ? of->source : of->sb->type->name);

	if (!m)
		return NULL;
	m->flags = atomic_load(&of->flags) & ~(MOUNT_EXPIRING | MOUNT_HELD);
	m->sb = of->sb;
	m->root = dentry_get(root);
	super_get(m->sb);
	return m;
}

bool mount_in_tree(const struct mount *m)
{
	return mount_ns_of(m);
}

bool mount_is_floating(const struct mount *m)
{
	return !m->parent && !m->ns && !list_empty(&m->link);
}

bool mount_stands_on(const struct mount *m, const struct mount *top)
{
	while (m && m != top)
		m = m->parent;
	return m;
}

bool mount_is_below(const struct path *p, const struct path *top)
{
	const struct mount *m = p->mnt;
	const struct dentry *at = p->dentry;
	bool below;

	spin_lock(&dcache_lock);
	while (m != top->mnt && m->parent) {
		at = m->point;
		m = m->parent;
	}
	below = m == top->mnt && dentry_is_ancestor(top->dentry, at);
	spin_unlock(&dcache_lock);
	return below;
}

struct mount *mount_first_child(const struct mount *m)
{
	return list_first_or_null(&m->children, struct mount, sibling);
}

struct mount *mount_sibling(const struct mount *m)
{
	if (list_is_last(&m->sibling, &m->parent->children))
		return NULL;
	return list_entry(m->sibling.next, struct mount, sibling);
}

struct mount *mount_next(const struct mount *m, const struct mount *top)
{
	struct mount *next = mount_first_child(m);

	for (; !next && m != top; m = m->parent)
		next = mount_sibling(m);
	return next;
}

void mount_stand_locked(struct mount *m, const struct path *at)
{
	assert(spin_held(&dcache_lock) && mutex_held(&mount_mutex));
	m->parent = at->mnt;
	m->point = at->dentry;
	m->point->flags |= DENTRY_MOUNTED;
	list_add_tail(&m->sibling, &m->parent->children);
}

/* m stands nowhere; *at: the place where it stood, with the references. dcache_lock held. */
static void leave_locked(struct mount *m, struct path *at)
{
	at->mnt = m->parent;
	at->dentry = m->point;
	m->parent = NULL;
	m->point = NULL;
	list_del(&m->sibling);
}

void mount_place_locked(struct mount *m, const struct path *at)
{
	struct mount *above = mount_find_locked(at->mnt, at->dentry);
	struct path place = *at, top = {m, m->root};

	if (above)
		leave_locked(above, &place); /* m stands there instead */
	else
		path_get(&place);
	mount_stand_locked(m, &place);
	if (above) {
		top = mount_top_locked(&top);
		path_get(&top);
		mount_stand_locked(above, &top);
	}
}

void mount_lift_locked(struct mount *m, struct path *at)
{
	struct mount *other;
	bool more = false;

	assert(spin_held(&dcache_lock) && mutex_held(&mount_mutex));
	leave_locked(m, at);
	if (!at->dentry)
		return; /* it stood nowhere */
	list_for_each_entry(other, &mounts, link)
		more |= other->point == at->dentry;
	if (!more)
		at->dentry->flags &= ~DENTRY_MOUNTED;
}

struct path mount_top_locked(const struct path *at)
{
	struct path top = *at;
	struct mount *m;

	while ((m = mount_find_locked(top.mnt, top.dentry)))
		top = (struct path){m, m->root};
	return top;
}

void mount_cross(struct path *p)
{
	struct path old = *p;

	spin_lock(&dcache_lock);
	*p = mount_top_locked(p);
	path_get(p);
	spin_unlock(&dcache_lock);
	path_put(&old);
}

size_t mounts_count(void)
{
	struct mount *m;
	size_t n = 0;

	list_for_each_entry(m, &mounts, link)
		n++;
	return n;
}

size_t mount_tree_size(const struct mount *top)
{
	const struct mount *m;
	size_t n = 0;

	for_each_below(m, top)
		n++;
	return n;
}

void mount_list_locked(struct mount *top)
{
	struct mount *m;

	for_each_below(m, top)
		list_move_tail(&m->link, &mounts);
}

int mount_attach(struct mount *m, const struct path *at, bool fresh)
{
	size_t used = mounts_count() + (fresh ? mount_tree_size(m) : 0);
	struct path old = {NULL, NULL};
	int err;

	if (fresh && used > mounts_max)
		return -ENOSPC;
	err = propagation_prepare(m, at, used < mounts_max ? mounts_max - used : 0);
	if (err)
		return err;
	spin_lock(&dcache_lock);
	if (dentry_unlinked(at->dentry)) {
		err = -ENOENT;
	} else {
		propagation_join_locked(m, at);
		mount_lift_locked(m, &old);
		mount_place_locked(m, at);
		mount_list_locked(m);
		propagation_place_locked(at);
	}
	spin_unlock(&dcache_lock);
	propagation_finish(at, !err);
	path_put(&old);
	return err;
}

int mount_may_place(const struct path *top)
{
	if (dentry_unlinked(top->dentry) || list_empty(&top->mnt->link))
		return -ENOENT;
	return mount_is_own(top->mnt) ? 0 : -EINVAL;
}

/* A new volume's m on top of at. (mount_mutex) */
static int add_on_top(struct mount *m, const struct path *at)
{
	struct path top;
	int err;

	spin_lock(&dcache_lock);
	top = mount_top_locked(at);
	err = mount_may_place(&top);
	if (!err && top.mnt->sb == m->sb && top.dentry == m->root)
		err = -EBUSY;
	if (!err && S_ISDIR(m->root->inode->mode) != S_ISDIR(top.dentry->inode->mode))
		err = -ENOTDIR;
	spin_unlock(&dcache_lock);
	return err ? err : mount_attach(m, &top, true);
}

int mount_add(const char *source, struct blockdev *bdev, struct path *at, struct fstype *type,
	      uint32_t flags, const char *options)
{
	struct mount *m = mount_make(source, bdev, type, flags, options);
	int err = 0;

	if (is_err(m))
		return (int)ptr_err(m);
	m->flags = flags & ~(uint32_t)MS_SYNCHRONOUS;
	mutex_lock(&mount_mutex);
	if (at) {
		err = add_on_top(m, at);
	} else {
		mount_ns_first.root = m;
		m->ns = &mount_ns_first;
		list_add_tail(&m->link, &mounts);
	}
	if (err)
		mount_put(m);
	mutex_unlock(&mount_mutex);
	return err;
}

/* m and all that stands on it from the list of mounts to gone. dcache_lock held. */
static void gather_locked(struct mount *top, struct list_head *gone)
{
	struct mount *m;

	for_each_below(m, top)
		list_move_tail(&m->link, gone);
}

/* No walk comes to them any more; those in them still find the way up. dcache_lock held. */
static void cut_off_locked(struct list_head *gone)
{
	struct mount *m;

	list_for_each_entry(m, gone, link)
		list_del(&m->sibling);
}

/* They are mounts no more: the tree's references go. May sleep. (mount_mutex) */
static void drop(struct list_head *gone)
{
	struct mount *m;
	struct path at;

	while (!list_empty(gone)) {
		m = list_first_entry(gone, struct mount, link);
		propagation_set(m, MS_PRIVATE);
		spin_lock(&dcache_lock);
		list_del(&m->link);
		mount_lift_locked(m, &at);
		spin_unlock(&dcache_lock);
		path_put(&at);
		mount_put(m);
	}
}

void mount_dissolve_locked(struct mount *m)
{
	LIST_HEAD(gone);

	spin_lock(&dcache_lock);
	gather_locked(m, &gone);
	cut_off_locked(&gone);
	spin_unlock(&dcache_lock);
	drop(&gone);
}

/* What is in the tree, with what its going takes along elsewhere: 0, -EBUSY. (mount_mutex) */
static int remove(struct mount *m, bool lazy)
{
	LIST_HEAD(along);
	LIST_HEAD(gone);
	bool busy;

	propagation_go(m, &along);
	spin_lock(&dcache_lock);
	/* Ours and the tree's are the two references of a mount that nobody uses. */
	busy = !lazy && (!list_empty(&m->children) || atomic_load(&m->refs) != 2 ||
			 propagation_busy_locked(&along));
	if (!busy) {
		gather_locked(m, &gone);
		propagation_gather_locked(&along, &gone);
		/* Who looked for users has to see to it at once that none comes. */
		cut_off_locked(&gone);
	}
	spin_unlock(&dcache_lock);
	propagation_gone(m, &along);
	drop(&gone);
	return busy ? -EBUSY : 0;
}

int mount_remove(struct mount *m, bool lazy)
{
	int err;

	mutex_lock(&mount_mutex);
	if (!mount_is_own(m))
		err = -EINVAL;
	else
		err = m->ns ? -EBUSY : remove(m, lazy);
	/* Most often the last one, so that the device is free. */
	mount_put(m);
	mutex_unlock(&mount_mutex);
	return err;
}

void mount_float_locked(struct mount *m)
{
	spin_lock(&dcache_lock);
	mount_list_locked(mount_get(m));
	spin_unlock(&dcache_lock);
}

void mount_float(struct mount *m)
{
	mutex_lock(&mount_mutex);
	mount_float_locked(m);
	mutex_unlock(&mount_mutex);
}

void mount_dissolve(struct mount *m)
{
	mutex_lock(&mount_mutex);
	if (mount_is_floating(m))
		mount_dissolve_locked(m);
	mutex_unlock(&mount_mutex);
}

struct mount *mount_by_id(const struct mount_ns *ns, uint64_t id)
{
	struct mount *m;

	list_for_each_entry(m, &mounts, link) {
		if (MOUNT_ID_UNIQUE + m->id == id)
			return mount_ns_of(m) == ns ? m : NULL;
	}
	return NULL;
}

int mount_expire(struct mount *m)
{
	int err = 0;

	mutex_lock(&mount_mutex);
	if (!mount_is_own(m))
		err = -EINVAL;
	else if (atomic_load(&m->refs) != 2) /* the tree's and the caller's */
		err = -EBUSY;
	else if (!(atomic_fetch_or(&m->flags, MOUNT_EXPIRING) & MOUNT_EXPIRING))
		err = -EAGAIN;
	mutex_unlock(&mount_mutex);
	return err;
}

void mount_init(void)
{
	mutex_init(&mount_mutex, "mounts", RANK_MOUNT);
}

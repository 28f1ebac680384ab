/*
 * The mount tree: which volume's root stands on which directory. Changes hold mount_mutex and,
 * for the links a path walk follows, dcache_lock.
 */
#include "fs/mount.h"
#include "fs/notify.h"

#include <stdatomic.h>

#include "fs/super.h"
#include "kernel/mem/slab.h"
#include "kernel/thread.h"
#include "kernel/uapi/mount.h"
#include "lib/string.h"

struct mutex mount_mutex;
LIST_HEAD(mounts);
struct mount *root_mount;
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

	/* The latest one on a place hides those before it. */
	list_for_each_entry_reverse(at, &mounts, link) {
		if (at->parent == m && at->point == d)
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
	m->refs = 1;
	m->id = atomic_fetch_add(&next_id, 1);
	list_init(&m->link);
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
	struct mount *m = mount_alloc(of->source);

	if (!m)
		return NULL;
	m->flags = atomic_load(&of->flags) & ~(MOUNT_EXPIRING | MOUNT_HELD);
	m->sb = of->sb;
	m->root = dentry_get(root);
	super_get(m->sb);
	return m;
}

/* Does m stand, by way of others, on the root of everything? (mount_mutex or dcache_lock) */
static bool in_tree(const struct mount *m)
{
	while (m->parent)
		m = m->parent;
	return m == root_mount;
}

/* Is it top, or does it stand on it, by way of others? (mount_mutex or dcache_lock) */
static bool stands_on(const struct mount *m, const struct mount *top)
{
	while (m && m != top)
		m = m->parent;
	return m;
}

/* m, which stands nowhere, stands on at from now on. dcache_lock held. */
static void place_locked(struct mount *m, const struct path *at)
{
	m->parent = mount_get(at->mnt);
	m->point = dentry_get(at->dentry);
	at->dentry->flags |= DENTRY_MOUNTED;
	list_move_tail(&m->link, &mounts);
}

/* What is on top of all that is mounted at the place, no references. dcache_lock held. */
static struct path top_locked(const struct path *at)
{
	struct path top = *at;
	struct mount *m;

	while ((m = mount_find_locked(top.mnt, top.dentry)))
		top = (struct path){m, m->root};
	return top;
}

/* May something be mounted there? dcache_lock held. */
static int may_place(const struct path *at)
{
	if (dentry_unlinked(at->dentry))
		return -ENOENT;
	return in_tree(at->mnt) ? 0 : -EINVAL;
}

/* How many mounts there are. (mount_mutex) */
static size_t mounts_count(void)
{
	struct mount *m;
	size_t n = 0;

	list_for_each_entry(m, &mounts, link)
		n++;
	return n;
}

/* m, which stands nowhere, onto at; again: even right on top of the same. (mount_mutex) */
static int attach(struct mount *m, const struct path *at, bool again)
{
	struct path top;
	int err;

	spin_lock(&dcache_lock);
	top = top_locked(at);
	err = may_place(&top);
	if (!err && !again && top.mnt->sb == m->sb && top.dentry == m->root)
		err = -EBUSY;
	if (!err && S_ISDIR(m->root->inode->mode) != S_ISDIR(top.dentry->inode->mode))
		err = -ENOTDIR;
	if (!err)
		place_locked(m, &top);
	spin_unlock(&dcache_lock);
	return err;
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
		err = mounts_count() < mounts_max ? attach(m, at, false) : -ENOSPC;
	} else {
		root_mount = m;
		list_add_tail(&m->link, &mounts);
	}
	if (err)
		mount_put(m);
	mutex_unlock(&mount_mutex);
	return err;
}

/* Is anything mounted on it? dcache_lock held. */
static bool has_children_locked(const struct mount *m)
{
	struct mount *at;

	list_for_each_entry(at, &mounts, link) {
		if (at->parent == m)
			return true;
	}
	return false;
}

/* m stands nowhere any more; its references to where it stood go to *at. dcache_lock held. */
static void lift_locked(struct mount *m, struct path *at)
{
	struct mount *other;
	bool more = false;

	at->mnt = m->parent;
	at->dentry = m->point;
	m->parent = NULL;
	m->point = NULL;
	if (!at->dentry)
		return; /* it was detached */
	list_for_each_entry(other, &mounts, link)
		more |= other->point == at->dentry;
	if (!more)
		at->dentry->flags &= ~DENTRY_MOUNTED;
}

/* m and all that stands on it from the list of mounts to gone. dcache_lock held. */
static void gather_locked(struct mount *m, struct list_head *gone)
{
	struct mount *at, *next;

	list_for_each_entry_safe(at, next, &mounts, link) {
		if (stands_on(at, m))
			list_move_tail(&at->link, gone);
	}
}

/* They are mounts no more: the tree's references go. May sleep. (mount_mutex) */
static void drop(struct list_head *gone)
{
	struct mount *m;
	struct path at;

	while (!list_empty(gone)) {
		m = list_first_entry(gone, struct mount, link);
		spin_lock(&dcache_lock);
		list_del(&m->link);
		lift_locked(m, &at);
		spin_unlock(&dcache_lock);
		path_put(&at);
		mount_put(m);
	}
}

/* m, if it is on the list, and all that stands on it, are mounts no more. (mount_mutex) */
static void dissolve(struct mount *m)
{
	LIST_HEAD(gone);

	spin_lock(&dcache_lock);
	gather_locked(m, &gone);
	spin_unlock(&dcache_lock);
	drop(&gone);
}

int mount_remove(struct mount *m, bool lazy)
{
	LIST_HEAD(gone);
	int err = -EBUSY;

	mutex_lock(&mount_mutex);
	spin_lock(&dcache_lock);
	/* Ours and the tree's are the two references of a mount that nobody uses. */
	if (!in_tree(m)) {
		err = -EINVAL;
	} else if (m != root_mount &&
		   (lazy || (!has_children_locked(m) && atomic_load(&m->refs) == 2))) {
		gather_locked(m, &gone);
		err = 0;
	}
	spin_unlock(&dcache_lock);
	drop(&gone);
	/* Most often the last one, so that the device is free. */
	mount_put(m);
	mutex_unlock(&mount_mutex);
	return err;
}

void mount_float(struct mount *m)
{
	mutex_lock(&mount_mutex);
	spin_lock(&dcache_lock);
	list_add_tail(&mount_get(m)->link, &mounts);
	spin_unlock(&dcache_lock);
	mutex_unlock(&mount_mutex);
}

/* Is it the root of a tree of its own? (mount_mutex or dcache_lock) */
static bool is_floating(const struct mount *m)
{
	return !m->parent && m != root_mount && !list_empty(&m->link);
}

void mount_dissolve(struct mount *m)
{
	mutex_lock(&mount_mutex);
	if (is_floating(m))
		dissolve(m);
	mutex_unlock(&mount_mutex);
}

struct copied {
	struct mount *from, *to;
};

/* Does m stand on the first that was copied, outside of what was? */
static bool left_out(const struct mount *m, const struct copied *first)
{
	bool out;

	spin_lock(&dcache_lock);
	out = m->parent == first->from && !dentry_is_ancestor(first->to->root, m->point);
	spin_unlock(&dcache_lock);
	return out;
}

/* A copy of m, which stands on the copy of what m stands on. 0, -ENOMEM. */
static int copy_one(struct mount *m, struct copied *on, struct copied *out)
{
	struct path at = {on->to, m->point};

	*out = (struct copied){m, mount_clone(m, m->root)};
	if (!out->to)
		return -ENOMEM;
	spin_lock(&dcache_lock);
	place_locked(out->to, &at);
	spin_unlock(&dcache_lock);
	return 0;
}

/*
 * all[0] has been copied; now what stands on it, and on that, but not more than `room` in all, as
 * `all` has, too. What is copied is behind all others on the list, and stands on nothing that is to
 * be copied. (mount_mutex)
 */
static int copy_others(struct copied *all, size_t room)
{
	struct mount *m;
	size_t n = 1;

	for (size_t i = 0; i < n; i++) {
		list_for_each_entry(m, &mounts, link) {
			if (m->parent != all[i].from || left_out(m, &all[0]))
				continue;
			if (n >= room)
				return -ENOSPC;
			if (copy_one(m, &all[i], &all[n]))
				return -ENOMEM;
			n++;
		}
	}
	return 0;
}

/* Undo a copy that stands nowhere, and what was placed on it. (mount_mutex) */
static void copy_drop(struct mount *m)
{
	dissolve(m);
	mount_put(m);
}

/* A copy of what is at the place, with all mounts below if so asked. err_ptr. (mount_mutex) */
static struct mount *copy(const struct path *what, bool recursive)
{
	const size_t count = mounts_count(), max = mounts_max;
	struct copied *all;
	struct mount *m;
	int err;

	if (!in_tree(what->mnt))
		return err_ptr(-EINVAL);
	if (count >= max)
		return err_ptr(-ENOSPC);
	m = mount_clone(what->mnt, what->dentry);
	if (!m)
		return err_ptr(-ENOMEM);
	if (!recursive)
		return m;
	all = kmalloc((count + 1) * sizeof(*all));
	err = -ENOMEM;
	if (all) {
		all[0] = (struct copied){what->mnt, m};
		err = copy_others(all, max - count);
		kfree(all);
	}
	if (!err)
		return m;
	copy_drop(m);
	return err_ptr(err);
}

struct mount *mount_copy(const struct path *what, bool recursive)
{
	struct mount *m;

	mutex_lock(&mount_mutex);
	m = copy(what, recursive);
	mutex_unlock(&mount_mutex);
	return m;
}

int mount_bind(const struct path *what, const struct path *at, bool recursive)
{
	struct mount *m;
	int err = 0;

	mutex_lock(&mount_mutex);
	m = copy(what, recursive);
	if (is_err(m))
		err = (int)ptr_err(m);
	else
		err = attach(m, at, true);
	if (err && !is_err(m))
		copy_drop(m);
	mutex_unlock(&mount_mutex);
	return err;
}

/* May m be moved below what is at the top of a place? dcache_lock held. */
static int may_move_beneath(struct mount *m, const struct path *top)
{
	const struct mount *to = top->mnt;

	if (!to->parent || top->dentry != to->root || to == current()->fs->root.mnt ||
	    stands_on(m, to))
		return -EINVAL;
	return mount_find_locked(m, m->root) ? -EINVAL : 0;
}

/* (mount_mutex, dcache_lock) */
static int may_move(const struct path *what, const struct path *top, bool beneath)
{
	struct mount *m = what->mnt;
	int err = may_place(top);

	if (err)
		return err;
	if (what->dentry != m->root || !(m->parent ? in_tree(m) : is_floating(m)))
		return -EINVAL;
	if (S_ISDIR(what->dentry->inode->mode) != S_ISDIR(top->dentry->inode->mode))
		return -EINVAL;
	if (beneath) {
		err = may_move_beneath(m, top);
		if (err)
			return err;
	}
	return stands_on(beneath ? top->mnt->parent : top->mnt, m) ? -ELOOP : 0;
}

/* m takes the place that to has, which then stands on it; to's old references go to *old. */
static void slip_beneath_locked(struct mount *m, struct mount *to, struct path *old)
{
	struct path root = {m, m->root};

	lift_locked(to, old);
	place_locked(m, old);
	place_locked(to, &root);
}

int mount_move(const struct path *what, const struct path *at, bool beneath)
{
	struct path top, old = {NULL, NULL}, under = {NULL, NULL};
	int err;

	mutex_lock(&mount_mutex);
	spin_lock(&dcache_lock);
	top = top_locked(at);
	err = may_move(what, &top, beneath);
	if (!err) {
		/* The list's reference stays as it is. */
		lift_locked(what->mnt, &old);
		if (beneath)
			slip_beneath_locked(what->mnt, top.mnt, &under);
		else
			place_locked(what->mnt, &top);
	}
	spin_unlock(&dcache_lock);
	path_put(&old);
	path_put(&under);
	mutex_unlock(&mount_mutex);
	return err;
}

/* Is m one of those that a change of top is about? (mount_mutex) */
static bool is_changed(const struct mount *m, const struct mount *top, bool recursive)
{
	return m == top || (recursive && stands_on(m, top));
}

/* No changes any more by way of what is to become read-only: 0; -EBUSY. (mount_mutex) */
static int hold_writers(const struct mount *top, bool recursive)
{
	struct mount *m;
	int err = 0;

	list_for_each_entry(m, &mounts, link) {
		if (!is_changed(m, top, recursive) || (atomic_load(&m->flags) & MS_RDONLY))
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

int mount_change(const struct path *at, uint32_t set, uint32_t clear, bool recursive)
{
	struct mount *top = at->mnt, *m;
	int err = 0;

	mutex_lock(&mount_mutex);
	if (at->dentry != top->root || !(in_tree(top) || is_floating(top)))
		err = -EINVAL;
	else if (set & MS_RDONLY)
		err = hold_writers(top, recursive);
	if (err)
		release_writers();
	else
		list_for_each_entry(m, &mounts, link) {
			if (is_changed(m, top, recursive))
				change(m, set, clear);
		}
	mutex_unlock(&mount_mutex);
	return err;
}

struct mount *mount_by_id(uint64_t id)
{
	struct mount *m;

	list_for_each_entry(m, &mounts, link) {
		if (MOUNT_ID_UNIQUE + m->id == id)
			return in_tree(m) ? m : NULL;
	}
	return NULL;
}

int mount_expire(struct mount *m)
{
	/* The tree's and the caller's. */
	if (atomic_load(&m->refs) != 2)
		return -EBUSY;
	return atomic_fetch_or(&m->flags, MOUNT_EXPIRING) & MOUNT_EXPIRING ? 0 : -EAGAIN;
}

void mount_init(void)
{
	mutex_init(&mount_mutex, "mounts", RANK_MOUNT);
}

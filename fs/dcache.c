/*
 * The name cache: for each directory entry that was looked up, present or known to be absent, a
 * struct dentry. One spin lock covers table, tree and mounts, so that a walk over cached names
 * takes it once and touches no reference count on the way.
 */
#include "fs/notify.h"
#include "fs/vfs.h"

#include <stdatomic.h>

#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "lib/printf.h"
#include "lib/string.h"

struct spinlock dcache_lock = SPINLOCK_INIT("dcache", RANK_DCACHE);

struct hlist_head dentry_table[1 << DENTRY_HASH_BITS];
static LIST_HEAD(lru);	/* d: unused (refs 0) or lately used */
static uint64_t nr_lru; /* d */
static struct kmem_cache *dentry_cache;

static struct dentry *dentry_alloc(struct super_block *sb, const char *name, size_t len)
{
	struct dentry *d = kmem_cache_zalloc(dentry_cache);
	const char *end;
	char *copy;

	if (!d)
		return NULL;
	copy = d->inline_name;
	if (len >= DENTRY_INLINE) {
		copy = kmalloc(len + 1);
		if (!copy) {
			kmem_cache_free(dentry_cache, d);
			return NULL;
		}
	}
	memcpy(copy, name, len);
	copy[len] = '\0';
	d->name = copy;
	d->name_len = len;
	d->name_key = name_key(copy, &end);
	d->sb = sb;
	d->refs = 1;
	d->parent = d;
	hlist_node_init(&d->hash);
	list_init(&d->lru);
	list_init(&d->children);
	list_init(&d->sibling);
	return d;
}

static void dentry_free(struct dentry *d)
{
	if (d->name != d->inline_name)
		kfree(d->name);
	kmem_cache_free(dentry_cache, d);
}

static void lru_remove(struct dentry *d)
{
	if (d->flags & DENTRY_LRU) {
		d->flags &= ~DENTRY_LRU;
		list_del(&d->lru);
		nr_lru--;
	}
}

/* An unused dentry leaves the tree; its memory and inode go once the lock is dropped. */
static void dentry_kill_locked(struct dentry *d, struct list_head *dead)
{
	lru_remove(d);
	hlist_del(&d->hash);
	list_del(&d->sibling);
	list_add(&d->lru, dead);
}

static void dentry_drop_locked(struct dentry *d, struct list_head *dead)
{
	while (atomic_fetch_sub(&d->refs, 1) == 1) {
		struct dentry *parent = d->parent;

		if (!hlist_unhashed(&d->hash) && !d->sb->forget_names) {
			if (d->flags & DENTRY_LRU) {
				list_move_tail(&d->lru, &lru);
			} else {
				d->flags |= DENTRY_LRU;
				list_add_tail(&d->lru, &lru);
				nr_lru++;
			}
			return;
		}
		dentry_kill_locked(d, dead);
		if (parent == d)
			return;
		d = parent;
	}
}

/* A directory remembers its one name; d stops being it. */
static void alias_drop(struct dentry *d)
{
	if (!d->inode || !S_ISDIR(d->inode->mode))
		return;
	spin_lock(&dcache_lock);
	if (d->inode->alias == d)
		d->inode->alias = NULL;
	spin_unlock(&dcache_lock);
}

/* dcache_lock held. False: the directory has another name, so the volume is damaged. */
static bool alias_take_locked(struct dentry *d, struct inode *inode)
{
	struct dentry *other;

	if (!inode || !S_ISDIR(inode->mode))
		return true;
	other = inode->alias;
	if (other && (other->parent == other || !hlist_unhashed(&other->hash)))
		return false;
	inode->alias = d;
	return true;
}

static void dead_free(struct list_head *dead)
{
	while (!list_empty(dead)) {
		struct dentry *d = list_first_entry(dead, struct dentry, lru);

		list_del(&d->lru);
		alias_drop(d);
		if (d->inode)
			notify_gone(d->inode);
		inode_put(d->inode);
		dentry_free(d);
	}
}

struct dentry *dentry_get(struct dentry *d)
{
	atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
	return d;
}

void dentry_put(struct dentry *d)
{
	LIST_HEAD(dead);
	int refs;

	if (!d)
		return;
	refs = atomic_load_explicit(&d->refs, memory_order_relaxed);
	while (refs > 1) {
		if (atomic_compare_exchange_weak(&d->refs, &refs, refs - 1))
			return;
	}
	spin_lock(&dcache_lock);
	dentry_drop_locked(d, &dead);
	spin_unlock(&dcache_lock);
	dead_free(&dead);
}

static struct dentry *dentry_new_child(struct dentry *parent, const char *name, size_t len)
{
	struct dentry *d = dentry_alloc(parent->sb, name, len);

	if (!d)
		return err_ptr(-ENOMEM);
	d->parent = dentry_get(parent);
	if (parent->sb->ops->revalidate)
		d->flags |= DENTRY_REVALIDATE;
	return d;
}

/* A cached child that still holds true, referenced, or NULL. */
static struct dentry *dentry_cached(struct dentry *parent, const char *name, size_t len)
{
	const char *end;
	uint64_t key = name_key(name, &end);
	struct dentry *d;

	spin_lock(&dcache_lock);
	d = dentry_find_locked(parent, name, len, key);
	if (d)
		dentry_get(d);
	spin_unlock(&dcache_lock);
	if (d && (d->flags & DENTRY_REVALIDATE) && !parent->sb->ops->revalidate(d)) {
		dentry_forget(d);
		dentry_put(d);
		return NULL;
	}
	return d;
}

struct dentry *dentry_lookup_locked(struct dentry *parent, const char *name, size_t len)
{
	struct inode *dir = parent->inode, *inode = NULL;
	struct dentry *d;
	int err;

	assert(mutex_held(&dir->lock));
	if (len > NAME_MAX)
		return err_ptr(-ENAMETOOLONG);
	d = dentry_cached(parent, name, len);
	if (d)
		return d;
	if (atomic_load(&dir->state) & INODE_DEAD)
		return err_ptr(-ENOENT);
	if (!dir->ops->lookup)
		return err_ptr(-ENOTDIR);
	d = dentry_new_child(parent, name, len);
	if (is_err(d))
		return d;
	err = dir->ops->lookup(dir, d, &inode);
	if (err) {
		dentry_put(d);
		return err_ptr(err);
	}
	spin_lock(&dcache_lock);
	d->inode = inode;
	if (unlikely(!alias_take_locked(d, inode))) {
		spin_unlock(&dcache_lock);
		dentry_put(d);
		return err_ptr(-EUCLEAN);
	}
	hlist_add(&d->hash, dentry_bucket(parent, d->name_key));
	list_add(&d->sibling, &parent->children);
	spin_unlock(&dcache_lock);
	return d;
}

struct dentry *dentry_lookup(struct dentry *parent, const char *name, size_t len)
{
	struct inode *dir = parent->inode;
	struct dentry *d;

	mutex_lock(&dir->lock);
	d = dentry_lookup_locked(parent, name, len);
	mutex_unlock(&dir->lock);
	return d;
}

struct dentry *dentry_root(struct super_block *sb, struct inode *inode)
{
	struct dentry *d = dentry_alloc(sb, "/", 1);

	if (!d) {
		inode_put(inode);
		return NULL;
	}
	d->inode = inode;
	d->flags |= DENTRY_DISCONNECTED;
	inode->alias = d;
	return d;
}

struct dentry *dentry_anonymous(struct super_block *sb, const char *name, struct inode *inode)
{
	struct dentry *d = dentry_alloc(sb, name, strlen(name));

	if (!d)
		return NULL;
	d->inode = inode;
	d->flags |= DENTRY_DISCONNECTED;
	return d;
}

struct dentry *dentry_unnamed(struct dentry *dir, struct inode *inode)
{
	char name[24];
	struct dentry *d;

	snprintf(name, sizeof(name), "#%lu", (unsigned long)inode->ino);
	d = dentry_new_child(dir, name, strlen(name));
	if (is_err(d))
		return NULL;
	d->inode = inode;
	return d;
}

void dentry_fill(struct dentry *d, struct inode *inode)
{
	spin_lock(&dcache_lock);
	d->inode = inode;
	(void)alias_take_locked(d, inode);
	spin_unlock(&dcache_lock);
}

/* What an empty directory still has below it are names known not to exist: they keep it alive. */
static void children_drop_locked(struct dentry *d, struct list_head *dead)
{
	struct dentry *child, *next;

	list_for_each_entry_safe(child, next, &d->children, sibling) {
		if (atomic_load(&child->refs))
			continue;
		dentry_kill_locked(child, dead);
		atomic_fetch_sub(&d->refs, 1); /* not the last: the caller has one */
	}
}

void dentry_removed(struct dentry *d)
{
	struct inode *inode = NULL;
	LIST_HEAD(dead);

	spin_lock(&dcache_lock);
	children_drop_locked(d, &dead);
	if (atomic_load(&d->refs) == 1) {
		inode = d->inode;
		d->inode = NULL;
		if (inode->alias == d)
			inode->alias = NULL;
	} else {
		/* Somebody has it open or stands in it: they keep it, the name forgets it. */
		hlist_del(&d->hash);
	}
	spin_unlock(&dcache_lock);
	dead_free(&dead);
	if (inode)
		notify_gone(inode);
	inode_put(inode);
}

void dentry_forget(struct dentry *d)
{
	spin_lock(&dcache_lock);
	hlist_del(&d->hash);
	spin_unlock(&dcache_lock);
}

static void names_swap(struct dentry *a, struct dentry *b)
{
	const char *a_long = a->name == a->inline_name ? NULL : a->name;
	const char *b_long = b->name == b->inline_name ? NULL : b->name;
	char inline_name[DENTRY_INLINE];
	uint64_t key;
	uint32_t word;

	memcpy(inline_name, a->inline_name, DENTRY_INLINE);
	memcpy(a->inline_name, b->inline_name, DENTRY_INLINE);
	memcpy(b->inline_name, inline_name, DENTRY_INLINE);
	a->name = b_long ? b_long : a->inline_name;
	b->name = a_long ? a_long : b->inline_name;
	word = a->name_len;
	a->name_len = b->name_len;
	b->name_len = word;
	key = a->name_key;
	a->name_key = b->name_key;
	b->name_key = key;
}

/* The two change places and names; each takes the other's reference to a parent along. */
static void places_swap(struct dentry *a, struct dentry *b)
{
	struct dentry *parent = a->parent;

	hlist_del(&a->hash);
	hlist_del(&b->hash);
	names_swap(a, b);
	a->parent = b->parent;
	b->parent = parent;
	list_move(&a->sibling, &a->parent->children);
	list_move(&b->sibling, &b->parent->children);
	hlist_add(&a->hash, dentry_bucket(a->parent, a->name_key));
}

void dentry_move(struct dentry *d, struct dentry *to)
{
	LIST_HEAD(dead);

	spin_lock(&dcache_lock);
	children_drop_locked(to, &dead);
	places_swap(d, to);
	spin_unlock(&dcache_lock);
	dead_free(&dead);
}

void dentry_swap(struct dentry *a, struct dentry *b)
{
	spin_lock(&dcache_lock);
	places_swap(a, b);
	hlist_add(&b->hash, dentry_bucket(b->parent, b->name_key));
	spin_unlock(&dcache_lock);
}

bool dentry_is_ancestor(const struct dentry *a, const struct dentry *d)
{
	for (;;) {
		if (a == d)
			return true;
		if (d->parent == d)
			return false;
		d = d->parent;
	}
}

bool dentry_unlinked(const struct dentry *d)
{
	return d->parent != d && hlist_unhashed(&d->hash);
}

/* May reclaim take it? Not if that would have to write to the disk first. */
static bool dentry_clean(const struct dentry *d)
{
	const struct inode *inode = d->inode;

	if (!inode)
		return true;
	if (atomic_load(&inode->state) & INODE_DIRTY)
		return false;
	return !inode_has_object(inode) || list_empty(&inode->object.dirty_link);
}

uint64_t dcache_shrink(struct super_block *sb, uint64_t n)
{
	LIST_HEAD(dead);
	struct list_head *at;
	uint64_t freed = 0;

	spin_lock(&dcache_lock);
	at = lru.next;
	while (at != &lru && freed < n) {
		struct dentry *d = list_entry(at, struct dentry, lru);

		if (sb ? d->sb != sb : (!atomic_load(&d->refs) && !dentry_clean(d))) {
			at = at->next;
			continue;
		}
		if (atomic_load(&d->refs)) {
			at = at->next;
			lru_remove(d);
			continue;
		}
		/* The parent may come to the end of the list: found later on this pass. */
		dentry_kill_locked(d, &dead);
		if (d->parent != d)
			dentry_drop_locked(d->parent, &dead);
		freed++;
		at = lru.next;
	}
	spin_unlock(&dcache_lock);
	dead_free(&dead);
	return freed;
}

static uint64_t shrink_count(struct shrinker *s)
{
	return nr_lru;
}

static uint64_t shrink_scan(struct shrinker *s, uint64_t n)
{
	return dcache_shrink(NULL, n);
}

void dcache_init(void)
{
	static struct shrinker shrinker = {
		.name = "names", .count = shrink_count, .scan = shrink_scan};

	dentry_cache = kmem_cache_create("dentry", sizeof(struct dentry), 16);
	assert_always(dentry_cache);
	shrinker_register(&shrinker);
}

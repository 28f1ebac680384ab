/*
 * Watches on inodes, and telling them (fs/notify.h). A watch keeps its inode, but no name of it.
 */
#include "fs/notify.h"

#include "fs/mount.h"
#include "fs/open.h"
#include "kernel/mem/slab.h"
#include "kernel/uapi/fanotify.h"

struct spinlock notify_lock = SPINLOCK_INIT("notify", RANK_NOTIFY);
_Atomic uint32_t notify_watches;
static LIST_HEAD(watches);   /* n */
static LIST_HEAD(users);     /* n */
static uint32_t last_cookie; /* n */

struct notify_watch *notify_find_locked(const void *owner, const struct hlist_head *on)
{
	struct notify_watch *w;

	hlist_for_each_entry(w, on, node) {
		if (w->owner == owner)
			return w;
	}
	return NULL;
}

void notify_add_locked(struct notify_watch *w)
{
	hlist_add(&w->node, w->on);
	list_add(&w->all, &watches);
	atomic_fetch_add(&notify_watches, 1);
}

void notify_drop_locked(struct notify_watch *w, struct list_head *dead)
{
	hlist_del(&w->node);
	list_del(&w->all);
	list_move_tail(&w->link, dead);
	atomic_fetch_sub(&notify_watches, 1);
}

void notify_free(struct list_head *dead)
{
	struct notify_watch *w, *next;

	list_for_each_entry_safe(w, next, dead, link) {
		inode_put(w->inode); /* maybe NULL */
		kfree(w);
	}
}

/* --- users --- */

uint64_t notify_bytes_max;

static struct notify_user *user_find_locked(uid_t uid)
{
	struct notify_user *u;

	list_for_each_entry(u, &users, link) {
		if (u->uid == uid)
			return u;
	}
	return NULL;
}

struct notify_user *notify_user_get(uid_t uid)
{
	struct notify_user *u, *new = kzalloc(sizeof(*new));

	if (!new)
		return NULL;
	new->uid = uid;
	spin_lock(&notify_lock);
	u = user_find_locked(uid);
	if (!u) {
		u = new;
		new = NULL;
		list_add(&u->link, &users);
	}
	u->queues++;
	spin_unlock(&notify_lock);
	kfree(new);
	return u;
}

void notify_user_put(struct notify_user *u)
{
	bool last;

	spin_lock(&notify_lock);
	last = --u->queues == 0;
	if (last)
		list_del(&u->link);
	spin_unlock(&notify_lock);
	if (last)
		kfree(u);
}

bool notify_charge_locked(struct notify_user *u, size_t n)
{
	if (atomic_load(&u->bytes) + n > notify_bytes_max)
		return false;
	atomic_fetch_add(&u->bytes, n);
	return true;
}

/* --- what happens --- */

/* Is there a watch? Without a lock: one that is being added, or dropped, may be missed, or not. */
static bool watched(const struct hlist_head *on)
{
	return __atomic_load_n(&on->first, __ATOMIC_RELAXED);
}

/* Does anybody hear of n? What hears of an inode's news is on what n names. */
static bool heard(const struct fan_news *n)
{
	return watched(&n->inode->watches) || watched(&n->inode->sb->watches) ||
	       (n->dir && watched(&n->dir->watches)) ||
	       (n->to_dir && watched(&n->to_dir->watches)) ||
	       (n->path && n->path->mnt && watched(&n->path->mnt->watches));
}

static void hear_locked(struct notify_watch *w, const struct notify_event *e,
			struct list_head *dead)
{
	if (w->directory)
		dnotify_event_locked(w, dead);
	else
		inotify_event_locked(w, e, dead);
}

static void tell_locked(const struct inode *inode, const struct notify_event *e, bool unlinked,
			struct list_head *dead)
{
	struct notify_watch *w;
	struct hlist_node *next;

	hlist_for_each_entry_safe(w, next, &inode->watches, node) {
		if (!w->group && (w->mask & e->mask) &&
		    !(unlinked && (w->mask & IN_EXCL_UNLINK)))
			hear_locked(w, e, dead);
	}
}

static uint32_t kind_of(const struct inode *inode)
{
	return S_ISDIR(inode->mode) ? IN_ISDIR : 0;
}

/* dcache_lock keeps the parent and the name as they are. */
static void place_locked(const struct dentry *d, uint32_t mask, struct list_head *dead)
{
	struct notify_event e = {.mask = mask | kind_of(d->inode)};

	if (d->parent != d) {
		e.name = d->name;
		tell_locked(d->parent->inode, &e, dentry_unlinked(d), dead);
		e.name = NULL;
	}
	tell_locked(d->inode, &e, dentry_unlinked(d), dead);
}

struct fan_news notify_place_news(const struct dentry *d, uint32_t mask)
{
	return (struct fan_news){.mask = mask | kind_of(d->inode), .inode = d->inode,
				 .dir = d->parent != d ? d->parent->inode : NULL, .name = d->name};
}

/* path: by which it was used, or NULL. */
static void place_tell(const struct dentry *d, const struct path *path, uint32_t mask)
{
	struct fan_news n;
	LIST_HEAD(dead);

	spin_lock(&dcache_lock);
	n = notify_place_news(d, mask);
	n.path = path;
	if (heard(&n)) {
		spin_lock(&notify_lock);
		place_locked(d, mask & IN_ALL_EVENTS, &dead);
		fanotify_hear_locked(&n);
		spin_unlock(&notify_lock);
	}
	spin_unlock(&dcache_lock);
	notify_free(&dead);
}

void notify_place_slow(const struct dentry *d, uint32_t mask)
{
	place_tell(d, NULL, mask);
}

void notify_file_slow(const struct file *f, uint32_t mask)
{
	if (!(f->kind & FILE_SILENT))
		place_tell(f->path.dentry, &f->path, mask);
}

static int asked(const struct file *f, uint32_t mask)
{
	return f->kind & FILE_ASKS ? fanotify_ask(&f->path, mask) : 0;
}

int notify_open_asked(struct file *f, int flags)
{
	int err = 0;

	if ((flags & OPEN_SILENT) || !fanotify_asks())
		return 0;
	f->kind |= FILE_ASKS;
	if (flags & OPEN_EXEC)
		err = asked(f, FAN_OPEN_EXEC_PERM);
	return err ? err : asked(f, FAN_OPEN_PERM);
}

int notify_read_asked(struct file *f)
{
	return asked(f, FAN_ACCESS_PERM);
}

void notify_opened_slow(const struct file *f, int flags)
{
	if (!(flags & OPEN_SILENT))
		notify_file_slow(f, IN_OPEN | (flags & OPEN_EXEC ? FAN_OPEN_EXEC : 0));
}

ssize64_t notify_moved_slow(const struct file *f, ssize64_t n, uint32_t mask)
{
	if (n > 0)
		notify_file_slow(f, mask);
	return n;
}

/* The watches on an inode hear e, groups of fanotify n. */
static void tell(const struct inode *inode, const struct notify_event *e, const struct fan_news *n)
{
	LIST_HEAD(dead);

	if (!heard(n))
		return;
	spin_lock(&notify_lock);
	tell_locked(inode, e, false, &dead);
	fanotify_hear_locked(n);
	spin_unlock(&notify_lock);
	notify_free(&dead);
}

void notify_inode_slow(struct inode *inode, uint32_t mask)
{
	/* That a directory itself went or moved is said without IN_ISDIR. */
	bool self = mask & (IN_DELETE_SELF | IN_MOVE_SELF);

	tell(inode, &(struct notify_event){.mask = mask | (self ? 0 : kind_of(inode))},
	     &(struct fan_news){.mask = mask | kind_of(inode), .inode = inode});
}

void notify_name_slow(struct inode *dir, const char *name, struct inode *subject, uint32_t mask,
		      uint32_t cookie)
{
	mask |= kind_of(subject);
	tell(dir, &(struct notify_event){.mask = mask, .cookie = cookie, .name = name},
	     &(struct fan_news){.mask = mask, .inode = subject, .dir = dir, .name = name});
}

void notify_move_slow(struct inode *from, const char *from_name, struct inode *to,
		      const char *to_name, struct inode *subject, struct inode *victim)
{
	const struct fan_news n = {.mask = FAN_RENAME | kind_of(subject), .inode = subject,
				   .dir = from, .name = from_name,
				   .to_dir = to, .to_name = to_name};
	uint32_t cookie;

	spin_lock(&notify_lock);
	cookie = ++last_cookie;
	fanotify_hear_locked(&n);
	spin_unlock(&notify_lock);
	notify_name_slow(from, from_name, subject, IN_MOVED_FROM, cookie);
	notify_name_slow(to, to_name, subject, IN_MOVED_TO, cookie);
	if (victim)
		notify_inode_slow(victim, IN_ATTRIB);
	notify_inode_slow(subject, IN_MOVE_SELF);
}

static void end_locked(struct notify_watch *w, struct list_head *dead)
{
	if (w->group)
		fanotify_end_locked(w, dead);
	else
		inotify_end_locked(w, dead);
}

void notify_gone_slow(struct inode *inode)
{
	struct notify_watch *w;
	struct hlist_node *next;
	LIST_HEAD(dead);

	notify_inode_slow(inode, IN_DELETE_SELF);
	spin_lock(&notify_lock);
	hlist_for_each_entry_safe(w, next, &inode->watches, node) {
		/* Who has a directory open may go on hearing nothing of it. */
		if (!w->directory)
			end_locked(w, &dead);
	}
	spin_unlock(&notify_lock);
	notify_free(&dead);
}

static bool on_volume(const struct notify_watch *w, const struct super_block *sb)
{
	return w->inode ? w->inode->sb == sb : w->on == &sb->watches;
}

void notify_unmount_slow(struct super_block *sb)
{
	const struct notify_event e = {.mask = IN_UNMOUNT};
	struct notify_watch *w, *next;
	LIST_HEAD(dead);

	spin_lock(&notify_lock);
	list_for_each_entry_safe(w, next, &watches, all) {
		if (!on_volume(w, sb) || w->directory)
			continue;
		if (!w->group)
			inotify_event_locked(w, &e, &dead);
		if (!hlist_unhashed(&w->node))
			end_locked(w, &dead);
	}
	spin_unlock(&notify_lock);
	notify_free(&dead);
}

void notify_unmounted_slow(const struct mount *m)
{
	struct notify_watch *w;
	struct hlist_node *next;
	LIST_HEAD(dead);

	spin_lock(&notify_lock);
	hlist_for_each_entry_safe(w, next, &m->watches, node)
		end_locked(w, &dead);
	spin_unlock(&notify_lock);
	notify_free(&dead);
}

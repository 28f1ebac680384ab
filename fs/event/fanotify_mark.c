/*
 * fanotify(7): marks on inodes, mounts and volumes, and what is to be reported because of them.
 */
#include "fs/event/event.h"
#include "fs/event/fanotify.h"
#include "fs/mount.h"
#include "fs/procfs/procfs.h"
#include "fs/super.h"
#include "kernel/mem/slab.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/statfs.h"
#include "lib/string.h"

#define HOW	     (FAN_EVENT_ON_CHILD | FAN_ONDIR) /* not events, but of what */
#define IGNORE_BITS  (FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORE)
#define TYPE_BITS    (FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM)
#define COMMAND_BITS (FAN_MARK_ADD | FAN_MARK_REMOVE | FAN_MARK_FLUSH)
#define MARK_FLAGS                                                                                 \
	(COMMAND_BITS | TYPE_BITS | IGNORE_BITS | FAN_MARK_DONT_FOLLOW | FAN_MARK_ONLYDIR |        \
	 FAN_MARK_IGNORED_SURV_MODIFY | FAN_MARK_EVICTABLE)

static struct fan_mark *mark_of(struct notify_watch *w)
{
	return container_of(w, struct fan_mark, watch);
}

/* --- what is heard --- */

static struct hlist_head *on_inode(struct inode *inode)
{
	return inode ? &inode->watches : NULL;
}

/* Where marks may be that hear of n. What happens to a name happens to the directory. */
static void places_of(const struct fan_news *n, struct hlist_head **at)
{
	bool of_name = n->mask & FAN_NAMES;

	at[ON_INODE] = on_inode(of_name ? n->dir : n->inode);
	at[ON_TO_DIR] = on_inode(n->to_dir);
	at[ON_PARENT] = of_name ? NULL : on_inode(n->dir);
	at[ON_MOUNT] = n->path && n->path->mnt ? &n->path->mnt->watches : NULL;
	at[ON_VOLUME] = &n->inode->sb->watches;
}

/* Does a mask say something of directories, of what is in a directory? */
static bool applies(uint32_t mask, bool dir, int place)
{
	return (!dir || (mask & FAN_ONDIR)) && (place != ON_PARENT || (mask & FAN_EVENT_ON_CHILD));
}

/* What the mark keeps from being reported. The old way has no bits of its own for where. */
static uint32_t ignores(const struct fan_mark *m, bool dir, int place)
{
	uint32_t mask = m->ignored;

	if (!(m->flags & FAN_MARK_IGNORE)) {
		mask = (mask & ~(uint32_t)FAN_EVENT_ON_CHILD) | FAN_ONDIR;
		mask |= m->watch.mask & FAN_EVENT_ON_CHILD;
	}
	return applies(mask, dir, place) ? mask : 0;
}

/* The mark, at that place, has its say in its group's wish; the group is put on *groups. */
static void say_locked(struct notify_watch *w, bool dir, int place, struct list_head *groups)
{
	struct fan_group *g = w->owner;
	struct fan_wish *wish = &g->wish;

	if (list_empty(&g->wishing)) {
		*wish = (struct fan_wish){0};
		list_add_tail(&g->wishing, groups);
	}
	wish->ignored |= ignores(mark_of(w), dir, place);
	if (!applies(w->mask, dir, place))
		return;
	wish->mask |= w->mask;
	wish->places |= BIT(place);
	memcpy(wish->fsid, mark_of(w)->fsid, sizeof(wish->fsid));
}

void fanotify_wishes_locked(const struct fan_news *n, struct list_head *groups)
{
	const uint32_t events = FAN_EVENTS | FAN_PERMISSIONS;
	struct hlist_head *at[PLACES];
	struct notify_watch *w;
	struct fan_group *g;

	places_of(n, at);
	for (int i = 0; i < PLACES; i++) {
		if (!at[i])
			continue;
		hlist_for_each_entry(w, at[i], node) {
			if (w->group)
				say_locked(w, n->mask & FAN_ONDIR, i, groups);
		}
	}
	list_for_each_entry(g, groups, wishing) {
		g->wish.mask &= n->mask & ~g->wish.ignored & events;
		if (g->wish.mask && (g->flags & FAN_HANDLES))
			g->wish.mask |= n->mask & FAN_ONDIR;
	}
}

void fanotify_modified_locked(const struct fan_news *n)
{
	struct hlist_head *at[PLACES];
	struct notify_watch *w;

	places_of(n, at);
	for (int i = 0; i < PLACES; i++) {
		if (!at[i])
			continue;
		hlist_for_each_entry(w, at[i], node) {
			if (w->group && !(mark_of(w)->flags & FAN_MARK_IGNORED_SURV_MODIFY))
				mark_of(w)->ignored = 0;
		}
	}
}

void fanotify_end_locked(struct notify_watch *w, struct list_head *dead)
{
	struct fan_group *g = w->owner;

	g->nmarks--;
	notify_drop_locked(w, dead);
}

void fanotify_show_marks_locked(struct proc_text *t, const struct fan_group *g)
{
	struct notify_watch *w;

	list_for_each_entry(w, &g->marks, link) {
		const struct fan_mark *m = mark_of(w);

		if (w->inode)
			proc_printf(t, "fanotify ino:%lx sdev:%x ", (unsigned long)w->inode->ino,
				    w->inode->sb->dev);
		else if (w->number)
			proc_printf(t, "fanotify mnt_id:%x ", (unsigned)w->number);
		else
			proc_printf(t, "fanotify sdev:%x ",
				    container_of(w->on, struct super_block, watches)->dev);
		proc_printf(t, "mflags:%x mask:%x ignored_mask:%x%s\n", m->flags, w->mask,
			    m->ignored, w->inode ? " " : "");
	}
}

/* --- changes --- */

/* What fanotify_mark was asked for, of what. */
struct request {
	struct fan_group *group;
	struct hlist_head *on;
	struct inode *inode; /* of which it is; NULL: a mount, a volume */
	int32_t mount;	     /* number of the mount; 0: it is none */
	uint32_t flags, mask;
	uint32_t kept; /* bits that do not keep a mark alone, and are not taken away */
	int32_t fsid[2];
};

/* As Linux: a mark does not become weaker. */
static int may_update(const struct fan_mark *m, uint32_t flags)
{
	if ((flags & FAN_MARK_EVICTABLE) && !(m->flags & FAN_MARK_EVICTABLE))
		return -EEXIST;
	if ((flags & FAN_MARK_IGNORED_MASK) && (m->flags & FAN_MARK_IGNORE))
		return -EEXIST;
	return (flags & FAN_MARK_IGNORE) && !(flags & FAN_MARK_IGNORED_SURV_MODIFY) &&
			       (m->flags & FAN_MARK_IGNORED_SURV_MODIFY)
		       ? -EEXIST : 0;
}

static void update(struct fan_mark *m, const struct request *r)
{
	if (r->flags & IGNORE_BITS) {
		m->ignored |= r->mask;
		m->flags |= r->flags & (FAN_MARK_IGNORE | FAN_MARK_IGNORED_SURV_MODIFY);
	} else {
		m->watch.mask |= r->mask;
	}
	if (!(r->flags & FAN_MARK_EVICTABLE))
		m->flags &= ~(uint32_t)FAN_MARK_EVICTABLE;
}

static uint64_t marks_of_locked(const struct notify_user *user)
{
	struct fan_group *g;
	uint64_t n = 0;

	list_for_each_entry(g, &fanotify_groups, link)
		n += g->user == user && !(g->flags & FAN_UNLIMITED_MARKS) ? g->nmarks : 0;
	return n;
}

/* The mark is there, or is *new, which is NULL then. */
static int add_locked(const struct request *r, struct fan_mark **new)
{
	struct notify_watch *w = notify_find_locked(r->group, r->on);
	struct fan_mark *m = *new;
	int err;

	if (w) {
		err = may_update(mark_of(w), r->flags);
		if (!err)
			update(mark_of(w), r);
		return err;
	}
	if (!(r->group->flags & FAN_UNLIMITED_MARKS) &&
	    marks_of_locked(r->group->user) >= fanotify_max_marks)
		return -ENOSPC;
	*new = NULL;
	m->watch.on = r->on;
	m->watch.inode = r->inode ? inode_get(r->inode) : NULL;
	m->watch.number = r->mount;
	m->watch.owner = r->group;
	m->watch.group = true;
	memcpy(m->fsid, r->fsid, sizeof(m->fsid));
	m->flags = r->flags & FAN_MARK_EVICTABLE;
	hlist_node_init(&m->watch.node);
	list_add(&m->watch.link, &r->group->marks);
	r->group->nmarks++;
	notify_add_locked(&m->watch);
	update(m, r);
	return 0;
}

static int mark_add(const struct request *r)
{
	struct fan_mark *new = kzalloc(sizeof(*new));
	int err;

	if (!new)
		return -ENOMEM;
	spin_lock(&notify_lock);
	err = add_locked(r, &new);
	spin_unlock(&notify_lock);
	kfree(new);
	return err;
}

static int mark_remove(const struct request *r)
{
	struct notify_watch *w;
	struct fan_mark *m;
	LIST_HEAD(dead);

	spin_lock(&notify_lock);
	w = notify_find_locked(r->group, r->on);
	if (w) {
		m = mark_of(w);
		*(r->flags & IGNORE_BITS ? &m->ignored : &w->mask) &= ~(r->mask & ~r->kept);
		if (!((w->mask | m->ignored) & ~r->kept))
			fanotify_end_locked(w, &dead);
	}
	spin_unlock(&notify_lock);
	notify_free(&dead);
	return w ? 0 : -ENOENT;
}

/* All marks on inodes, on mounts, on volumes. */
static int marks_flush(struct fan_group *g, uint32_t type)
{
	struct notify_watch *w, *next;
	LIST_HEAD(dead);

	spin_lock(&notify_lock);
	list_for_each_entry_safe(w, next, &g->marks, link) {
		uint32_t its = w->inode ? 0 : w->number ? FAN_MARK_MOUNT : FAN_MARK_FILESYSTEM;

		if (its == type)
			fanotify_end_locked(w, &dead);
	}
	spin_unlock(&notify_lock);
	notify_free(&dead);
	return 0;
}

/* --- the call --- */

/* What is wrong whatever the group is. */
static int flags_check(uint32_t flags, uint64_t mask)
{
	uint32_t command = flags & COMMAND_BITS;

	if ((mask >> 32) || (flags & ~(uint32_t)MARK_FLAGS) || (flags & TYPE_BITS) == TYPE_BITS)
		return -EINVAL;
	if (command == FAN_MARK_FLUSH && (flags & ~(uint32_t)(TYPE_BITS | FAN_MARK_FLUSH)))
		return -EINVAL;
	if (command != FAN_MARK_FLUSH && command != FAN_MARK_ADD && command != FAN_MARK_REMOVE)
		return -EINVAL;
	if (command != FAN_MARK_FLUSH && !mask)
		return -EINVAL;
	if (mask & ~(uint64_t)(FAN_EVENTS | FAN_PERMISSIONS | HOW))
		return -EINVAL;
	return (flags & IGNORE_BITS) == IGNORE_BITS ? -EINVAL : 0;
}

/*
 * Who is only told cannot be asked; only an inode can go to make room; what cannot be opened is
 * told by handles, and a name is changed in the volume, by way of no mount.
 */
static int group_check(const struct fan_group *g, uint32_t flags, uint32_t mask)
{
	if ((mask & FAN_PERMISSIONS) && !(g->flags & FAN_CLASSES))
		return -EINVAL;
	if ((flags & FAN_MARK_EVICTABLE) && (flags & TYPE_BITS))
		return -EINVAL;
	if ((mask & (FAN_NAMES | FAN_INODES)) &&
	    (!(g->flags & FAN_HANDLES) || (flags & FAN_MARK_MOUNT)))
		return -EINVAL;
	return (mask & FAN_RENAME) && !(g->flags & FAN_REPORT_NAME) ? -EINVAL : 0;
}

static int fd_path(int dirfd, uint32_t flags, struct path *p)
{
	struct file *f = fd_get(dirfd);
	int err = 0;

	if (!f)
		return -EBADF;
	if ((flags & FAN_MARK_ONLYDIR) && !S_ISDIR(f->inode->mode))
		err = -ENOTDIR;
	else
		*p = *path_get(&f->path);
	file_put(f);
	return err;
}

static int path_find(int dirfd, uaddr_t path, uint32_t flags, struct path *p)
{
	unsigned walk = (flags & FAN_MARK_DONT_FOLLOW ? 0 : WALK_FOLLOW) |
			(flags & FAN_MARK_ONLYDIR ? WALK_DIRECTORY : 0);
	int err = path ? path_lookup_user(dirfd, path, walk, p) : fd_path(dirfd, flags, p);

	if (err)
		return err;
	err = inode_permission(p->dentry->inode, MAY_READ);
	if (err)
		path_put(p);
	return err;
}

/* Of an inode that is no directory: may it be asked of it? The old ways ask for nonsense, too. */
static int file_check(const struct fan_group *g, uint32_t flags, uint32_t mask)
{
	bool strict = (g->flags & FAN_REPORT_TARGET_FID) || (mask & FAN_RENAME) ||
		      (flags & FAN_MARK_IGNORE);

	return strict && (mask & (FAN_NAMES | HOW)) ? -ENOTDIR : 0;
}

/* May a mark of this kind be added there? */
static int place_check(const struct fan_group *g, const struct path *p, uint32_t flags,
		       uint32_t mask)
{
	bool dir = S_ISDIR(p->dentry->inode->mode);
	int err = 0;

	/* Reading /proc is part of answering. */
	if ((mask & FAN_PERMISSIONS) && p->dentry->inode->sb->type->magic == PROC_SUPER_MAGIC)
		return -EINVAL;
	/* Pipes and the like have mounts that are no place. */
	if ((flags & TYPE_BITS) && (!p->mnt || !p->mnt->root))
		return -EINVAL;
	if (!(flags & TYPE_BITS) && !dir)
		err = file_check(g, flags, mask);
	if (err || !(flags & FAN_MARK_IGNORE) || (flags & FAN_MARK_IGNORED_SURV_MODIFY))
		return err;
	if (flags & TYPE_BITS)
		return -EINVAL;
	return dir ? -EISDIR : 0;
}

/* What a group that tells by handles needs to know of the volume. 0 or -errno. */
static int volume_check(struct request *r, struct super_block *sb)
{
	struct statfs64 st;
	int err;

	if (!(r->group->flags & FAN_HANDLES))
		return 0;
	err = super_statfs(sb, &st);
	if (err)
		return err;
	memcpy(r->fsid, st.f_fsid, sizeof(r->fsid));
	return (r->flags & TYPE_BITS) && !sb->ops->handles ? -EOPNOTSUPP : 0;
}

static int mark_at(struct request *r, const struct path *p)
{
	struct inode *inode = p->dentry->inode;
	bool adds = r->flags & FAN_MARK_ADD;
	int err = adds ? place_check(r->group, p, r->flags, r->mask) : 0;

	if (!err)
		err = volume_check(r, inode->sb);
	if (err)
		return err;
	r->inode = r->flags & TYPE_BITS ? NULL : inode;
	r->on = r->flags & FAN_MARK_MOUNT	 ? &p->mnt->watches
		: r->flags & FAN_MARK_FILESYSTEM ? &inode->sb->watches
						 : &inode->watches;
	r->mount = r->flags & FAN_MARK_MOUNT ? (int32_t)p->mnt->id : 0;
	if (!r->inode || !S_ISDIR(inode->mode)) {
		r->mask &= ~(uint32_t)FAN_EVENT_ON_CHILD;
		r->kept |= FAN_EVENT_ON_CHILD;
		if (adds && (r->group->flags & FAN_REPORT_DIR_FID) && !(r->flags & IGNORE_BITS))
			r->mask |= FAN_EVENT_ON_CHILD;
	}
	if (!adds)
		return mark_remove(r);
	/* What is being written is about to be heard of anyway. */
	if (r->inode && (r->flags & IGNORE_BITS) && !(r->flags & FAN_MARK_IGNORED_SURV_MODIFY) &&
	    atomic_load(&inode->writers) > 0)
		return 0;
	return mark_add(r);
}

static int mark(struct fan_group *g, uint32_t flags, uint32_t mask, int dirfd, uaddr_t path)
{
	struct request r = {.group = g, .flags = flags, .mask = mask};
	struct path p;
	int err = group_check(g, flags, mask);

	/* Who has the group may have less power than who made it. */
	if ((flags & TYPE_BITS) &&
	    ((g->flags & FAN_UNPRIVILEGED) || !cred_capable(CAP_SYS_ADMIN)))
		return -EPERM;
	if (err)
		return err;
	if (flags & FAN_MARK_FLUSH)
		return marks_flush(g, flags & TYPE_BITS);
	if (flags & FAN_MARK_IGNORED_MASK) {
		r.mask &= ~(uint32_t)HOW;
		r.kept = HOW;
	}
	err = path_find(dirfd, path, flags, &p);
	if (err)
		return err;
	err = mark_at(&r, &p);
	path_put(&p);
	return err;
}

SYSCALL5(fanotify_mark, int, fd, uint32_t, flags, uint64_t, mask, int, dirfd, uaddr_t, path)
{
	int err = flags_check(flags, mask);
	struct fan_group *g;
	struct file *f;

	if (err)
		return err;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	g = fanotify_group(f);
	err = g ? mark(g, flags, (uint32_t)mask, dirfd, path) : -EINVAL;
	file_put(f);
	return err;
}

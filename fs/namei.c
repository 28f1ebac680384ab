/*
 * Path walk (path_resolution(7)). Over cached names it runs under dcache_lock and holds no
 * references but the one the caller's starting point has; only where the file system must be
 * asked, or a symbolic link be read, does it pin the place it is at and drop the lock.
 */
#include "fs/flags.h"
#include "fs/mountns.h"
#include "fs/protected.h"
#include "fs/vfs.h"

#include <stdatomic.h>

#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "kernel/uapi/mount.h"
#include "kernel/uapi/openat2.h"
#include "lib/string.h"
#include "mm/usercopy.h"

struct walk {
	struct path at;	     /* where we are; no references of its own */
	struct path pin;     /* references that keep `at` while the lock is dropped */
	const char *name;    /* what is left of the path */
	char *buf;	     /* owned storage behind name, after a symbolic link */
	unsigned flags;	     /* WALK_* */
	unsigned links;	     /* symbolic links followed */
	struct lastname *last; /* stop at the parent of the last component */
	struct file *base;   /* referenced; of dirfd */
	const struct walk_limits *limits; /* of openat2(2), or NULL */
};

#define RESOLVE_SCOPED (RESOLVE_BENEATH | RESOLVE_IN_ROOT)

static bool walk_limited(const struct walk *w, uint64_t resolve)
{
	return w->limits && (w->limits->resolve & resolve);
}

const struct path *path_get(const struct path *p)
{
	mount_get(p->mnt);
	dentry_get(p->dentry);
	return p;
}

void path_put(struct path *p)
{
	dentry_put(p->dentry);
	mount_put(p->mnt);
	p->dentry = NULL;
	p->mnt = NULL;
}

/* Reference the place we are at and let go of the lock and of the place before. */
static void walk_pin(struct walk *w)
{
	struct path old = w->pin;

	w->pin = w->at;
	path_get(&w->pin);
	spin_unlock(&dcache_lock);
	if (old.dentry)
		path_put(&old);
}

/* dcache_lock held: into what is mounted here, if anything. */
static inline __attribute__((always_inline)) int walk_mounted(struct walk *w)
{
	struct mount *m;

	do {
		m = mount_find_locked(w->at.mnt, w->at.dentry);
		if (!m)
			return 0;
		if (walk_limited(w, RESOLVE_NO_XDEV))
			return -EXDEV;
		if (unlikely(atomic_load_explicit(&m->flags, memory_order_relaxed) &
			     MOUNT_EXPIRING) && !(w->flags & WALK_QUIET))
			atomic_fetch_and(&m->flags, ~MOUNT_EXPIRING);
		w->at.mnt = m;
		w->at.dentry = m->root;
	} while (unlikely(m->root->flags & DENTRY_MOUNTED));
	return 0;
}

static __attribute__((noinline)) int walk_cross(struct walk *w)
{
	return unlikely(w->at.dentry->flags & DENTRY_MOUNTED) ? walk_mounted(w) : 0;
}

/* dcache_lock held; no references. */
static struct path process_root(void)
{
	const struct fscontext *fs = current()->fs;

	if (likely(fs))
		return fs->root;
	return (struct path){.mnt = mount_ns_first.root, .dentry = mount_ns_first.root->root};
}

/* What ".." does not go above. As process_root. */
static struct path walk_root(const struct walk *w)
{
	return walk_limited(w, RESOLVE_SCOPED) ? w->limits->top : process_root();
}

/* To where absolute paths begin. dcache_lock held. */
static int walk_to_root(struct walk *w)
{
	struct path root = walk_root(w);

	if (walk_limited(w, RESOLVE_BENEATH) ||
	    (walk_limited(w, RESOLVE_NO_XDEV) && w->at.mnt != root.mnt))
		return -EXDEV;
	w->at = root;
	return w->limits ? 0 : walk_cross(w);
}

static int walk_up(struct walk *w)
{
	struct path root = walk_root(w);

	/* Who renames a directory may have taken it away from there. */
	if (walk_limited(w, RESOLVE_SCOPED) && !path_below_locked(&w->at, &root))
		return -EAGAIN;
	for (;;) {
		if (w->at.dentry == root.dentry && w->at.mnt == root.mnt)
			return walk_limited(w, RESOLVE_BENEATH) ? -EXDEV : 0;
		if (w->at.dentry != w->at.mnt->root)
			break;
		if (!w->at.mnt->parent)
			return 0;
		if (walk_limited(w, RESOLVE_NO_XDEV))
			return -EXDEV;
		w->at.dentry = w->at.mnt->point;
		w->at.mnt = w->at.mnt->parent;
	}
	w->at.dentry = w->at.dentry->parent;
	return walk_cross(w);
}

/* Ask the file system for a name that is not cached. Drops and retakes the lock. */
static struct dentry *walk_lookup(struct walk *w, const char *name, size_t len)
{
	struct dentry *d;
	struct path old;

	walk_pin(w);
	d = dentry_lookup(w->pin.dentry, name, len);
	if (is_err(d)) {
		spin_lock(&dcache_lock);
		return d;
	}
	/* The child takes over as what we hold; it holds its parent. */
	old = w->pin;
	w->pin.dentry = d;
	mount_get(w->pin.mnt);
	path_put(&old);
	spin_lock(&dcache_lock);
	return d;
}

/* Replace what is left of the path by the link's target and it. Lock not held. */
static int walk_expand(struct walk *w, struct inode *link)
{
	size_t rest = strlen(w->name), size = PATH_MAX + rest + 2;
	char *buf;
	ssize64_t len;

	if (!link->ops->readlink)
		return -EINVAL;
	buf = kmalloc_wait(size);
	if (!buf)
		return -ENOMEM;
	len = link->ops->readlink(link, buf, PATH_MAX);
	if (len <= 0) {
		kfree(buf);
		return len ? (int)len : -ENOENT;
	}
	if (rest) {
		buf[len++] = '/';
		memcpy(buf + len, w->name, rest + 1);
	}
	kfree(w->buf);
	w->buf = buf;
	w->name = buf;
	return 0;
}

/* May the walk go on at a place that a link of /proc led it to? */
static int walk_jump_check(const struct walk *w, const struct path *to)
{
	if (walk_limited(w, RESOLVE_NO_MAGICLINKS))
		return -ELOOP;
	if (walk_limited(w, RESOLVE_NO_XDEV) && to->mnt != w->at.mnt)
		return -EXDEV;
	return walk_limited(w, RESOLVE_SCOPED) ? -EXDEV : 0;
}

/* Follow the symbolic link d, which lies in w->at. Drops and retakes the lock. */
static int walk_link(struct walk *w, struct dentry *d)
{
	struct path dir = w->at;
	struct inode *link;
	bool jump;
	int err;

	if (++w->links > SYMLINKS_MAX)
		return -ELOOP;
	if ((atomic_load(&w->at.mnt->flags) & MS_NOSYMFOLLOW) ||
	    walk_limited(w, RESOLVE_NO_SYMLINKS))
		return -ELOOP;
	link = inode_get(d->inode);
	path_get(&dir);
	spin_unlock(&dcache_lock);
	jump = link->ops->follow;
	if (jump) {
		struct path to = {NULL, NULL};

		err = link->ops->follow(link, &to);
		if (!err)
			err = walk_jump_check(w, &to);
		path_put(&dir);
		dir = to;
	} else {
		err = walk_expand(w, link);
		if (!err)
			inode_accessed(dir.mnt, link);
	}
	inode_put(link);
	if (err) {
		if (dir.dentry)
			path_put(&dir);
		spin_lock(&dcache_lock);
		return err;
	}
	if (w->pin.dentry)
		path_put(&w->pin);
	w->pin = dir;
	spin_lock(&dcache_lock);
	w->at = w->pin;
	return !jump && *w->name == '/' ? walk_to_root(w) : 0;
}

/* Hand the last component to the caller: the walk ends in its directory. */
static int walk_stop(struct walk *w, const char *name, size_t len, bool slash)
{
	struct lastname *l = w->last;

	l->name = name;
	l->len = len;
	l->slash = slash;
	l->kind = LAST_NORMAL;
	if (name[0] == '.' && len == 1)
		l->kind = LAST_DOT;
	else if (name[0] == '.' && name[1] == '.' && len == 2)
		l->kind = LAST_DOTDOT;
	return 1;
}

/* One component that is neither "." nor "..". dcache_lock held, may be dropped meanwhile. */
static int walk_name(struct walk *w, const char *name, size_t len, uint64_t key, bool last)
{
	struct dentry *d = dentry_find_locked(w->at.dentry, name, len, key);
	struct inode *inode;

	if (unlikely(!d || (d->flags & DENTRY_REVALIDATE))) {
		if (walk_limited(w, RESOLVE_CACHED))
			return -EAGAIN;
		d = walk_lookup(w, name, len);
		if (is_err(d))
			return (int)ptr_err(d);
	}
	inode = d->inode;
	if (!inode)
		return -ENOENT;
	if (unlikely(S_ISLNK(inode->mode)) && (!last || (w->flags & WALK_FOLLOW)))
		return last && !symlink_may_follow(w->at.dentry->inode, inode) ? -EACCES
									       : walk_link(w, d);
	w->at.dentry = d;
	return walk_cross(w);
}

/* The last component is the caller's business: is the one that ends here it? */
static bool is_callers(const struct walk *w, const char *end)
{
	return w->last && (!end[0] || !end[1] || end[1] == '/');
}

/* May everybody search this directory? */
static inline bool is_open(const struct inode *dir)
{
	return (dir->mode & 0111) == 0111 && !inode_has(dir, INODE_ACL);
}

/*
 * As many components as are nothing but names in the cache, and lead on: the usual way. It calls
 * nothing, and so need not save registers. What it stops at is walk_slow's. 0, 1: it is at a mount
 * point, which has to be crossed, or -errno.
 */
static __attribute__((noinline)) int walk_cached(struct walk *w, bool root)
{
	for (;;) {
		const char *name = w->name, *end;
		const struct inode *inode;
		struct dentry *d;
		uint64_t key;
		mode_t mode;

		while (*name == '/')
			name++;
		if (*name == '.')
			return 0;
		if (!*name) {
			/* Slashes behind the last name: it is a directory's. */
			if (name != w->name)
				w->flags |= WALK_DIRECTORY;
			w->name = name;
			return 0;
		}
		mode = w->at.dentry->inode->mode;
		if (!S_ISDIR(mode) || (unlikely(!root) && !is_open(w->at.dentry->inode)))
			return 0;
		key = name_key(name, &end);
		if (is_callers(w, end))
			return 0;
		d = dentry_find_locked(w->at.dentry, name, (size_t)(end - name), key);
		if (unlikely(!d || (d->flags & DENTRY_REVALIDATE)))
			return 0;
		inode = d->inode;
		if (!inode)
			return -ENOENT;
		if (unlikely(S_ISLNK(inode->mode)))
			return 0;
		w->at.dentry = d;
		w->name = end;
		if (unlikely(d->flags & DENTRY_MOUNTED))
			return 1;
	}
}

/* May it be searched, where we are? An access list may be long: not under the lock. */
static int walk_permission(struct walk *w, struct inode *inode)
{
	int err;

	if (likely(!inode_has(inode, INODE_ACL)))
		return inode_permission(inode, MAY_EXEC);
	walk_pin(w);
	err = inode_permission(inode, MAY_EXEC);
	spin_lock(&dcache_lock);
	return err;
}

/* One component of any kind. 0, 1: the caller's own is reached, or -errno. */
static __slow int walk_slow(struct walk *w)
{
	struct inode *inode = w->at.dentry->inode;
	const char *name, *end;
	uint64_t key;
	size_t len;
	bool last;
	int err;

	if (!S_ISDIR(inode->mode))
		return -ENOTDIR;
	err = walk_permission(w, inode);
	if (err)
		return err;
	while (*w->name == '/')
		w->name++;
	name = w->name;
	key = name_key(name, &end);
	for (len = (size_t)(end - name); *end == '/'; end++)
		;
	last = !*end;
	w->name = end;
	if (last && end != name + len && !w->last)
		w->flags |= WALK_DIRECTORY | WALK_FOLLOW;
	if (last && w->last)
		return walk_stop(w, name, len, end != name + len);
	if (name[0] == '.' && len == 1)
		return 0;
	if (name[0] == '.' && name[1] == '.' && len == 2)
		return walk_up(w);
	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	return walk_name(w, name, len, key, last);
}

/* All of the path. dcache_lock held on entry and on return. */
static inline int walk_path(struct walk *w)
{
	const capset_t either = CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_DAC_READ_SEARCH);
	const struct cred *c = current()->cred;
	bool root = !c || (c->effective & either); /* searches every directory */
	int step;

	for (;;) {
		step = walk_cached(w, root);
		if (step > 0) {
			step = walk_mounted(w);
			if (!step)
				continue;
		}
		if (step || !*w->name)
			return step;
		step = walk_slow(w);
		if (step)
			return MIN(step, 0);
	}
}

/* The path is empty, or begins at a descriptor. 0 or -errno. */
static __slow int walk_base(struct walk *w, int dirfd)
{
	if (!*w->name && !(w->flags & WALK_EMPTY))
		return -ENOENT;
	if (dirfd == AT_FDCWD)
		return 0;
	w->base = fd_get_any(dirfd);
	if (!w->base)
		return -EBADF;
	if (!*w->name || S_ISDIR(w->base->inode->mode))
		return 0;
	file_put(w->base);
	return -ENOTDIR;
}

/* Where the path begins. Takes dcache_lock unless it fails. */
static inline int walk_start(struct walk *w, int dirfd)
{
	const struct fscontext *fs = current()->fs;

	w->base = NULL;
	if (*w->name != '/' && (dirfd != AT_FDCWD || !*w->name)) {
		int err = walk_base(w, dirfd);

		if (err)
			return err;
	}
	spin_lock(&dcache_lock);
	if (*w->name == '/' || !fs) {
		w->at = process_root();
		/* Something may have been mounted over a process's root since. */
		if (unlikely(w->at.dentry->flags & DENTRY_MOUNTED))
			walk_cross(w);
	} else {
		w->at = fs->cwd;
	}
	if (unlikely(w->base))
		w->at = w->base->path;
	return 0;
}

/* The walk is over, with err or at the place that func is to see. Drops the lock. */
static inline int walk_finish(struct walk *w, int err,
			      void (*func)(const struct path *at, void *arg), void *arg)
{
	if (!err && (w->flags & WALK_DIRECTORY) && !S_ISDIR(w->at.dentry->inode->mode))
		err = -ENOTDIR;
	if (!err)
		func(&w->at, arg);
	spin_unlock(&dcache_lock);
	if (w->pin.dentry)
		path_put(&w->pin);
	if (w->base)
		file_put(w->base);
	return err;
}

static inline __attribute__((always_inline)) int visit(int dirfd, const char *name, unsigned flags,
			void (*func)(const struct path *at, void *arg), void *arg)
{
	struct walk w;
	int err;

	w.pin.mnt = NULL;
	w.pin.dentry = NULL;
	w.name = name;
	w.buf = NULL;
	w.flags = flags;
	w.links = 0;
	w.last = NULL;
	w.limits = NULL;
	err = walk_start(&w, dirfd);
	if (err)
		return err;
	err = walk_finish(&w, walk_path(&w), func, arg);
	if (unlikely(w.buf))
		kfree(w.buf);
	return err;
}

int path_visit(int dirfd, const char *name, unsigned flags,
	       void (*func)(const struct path *at, void *arg), void *arg)
{
	return visit(dirfd, name, flags, func, arg);
}

static void place_take(const struct path *at, void *out)
{
	*(struct path *)out = *path_get(at);
}

int path_lookup(int dirfd, const char *name, unsigned flags, struct path *out)
{
	return visit(dirfd, name, flags, place_take, out);
}

/* Begins at dir, or, where the path is absolute, at the root. Takes dcache_lock. */
static int walk_from(struct walk *w, const struct path *dir)
{
	spin_lock(&dcache_lock);
	w->at = *dir;
	if (!*w->name)
		return -ENOENT;
	return *w->name == '/' ? walk_to_root(w) : 0;
}

int path_lookup_limited(const struct walk_limits *limits, const char *name, unsigned flags,
			struct path *out)
{
	struct walk w = {.name = name, .flags = flags, .limits = limits};
	int err = walk_from(&w, &limits->top);

	err = walk_finish(&w, err ? err : walk_path(&w), place_take, out);
	kfree(w.buf);
	return err;
}

/* The walk begins, unless err says that it cannot. */
static int parent_finish(struct walk *w, int err, struct lastname *out)
{
	out->kind = LAST_ROOT;
	err = walk_finish(w, err ? err : walk_path(w), place_take, &out->dir);
	if (err) {
		kfree(w->buf);
		return err;
	}
	out->buf = w->buf;
	out->links = w->links;
	return 0;
}

int path_parent(int dirfd, const char *name, struct lastname *out)
{
	struct walk w = {.name = name, .last = out};
	int err = walk_start(&w, dirfd);

	return err ? err : parent_finish(&w, 0, out);
}

int path_parent_at(const struct path *dir, const char *name, unsigned links,
		   const struct walk_limits *limits, struct lastname *out)
{
	struct walk w = {.name = name, .last = out, .links = links, .limits = limits};

	if (links > SYMLINKS_MAX)
		return -ELOOP;
	return parent_finish(&w, walk_from(&w, dir), out);
}

void lastname_put(struct lastname *l)
{
	path_put(&l->dir);
	kfree(l->buf);
}

/* A path that has no room in p itself. */
static __slow int pathname_get_long(struct pathname *p, uaddr_t user)
{
	ssize64_t len;

	p->s = kmalloc_wait(PATH_MAX);
	if (!p->s)
		return -ENOMEM;
	len = strncpy_from_user(p->s, user, PATH_MAX);
	if (len < 0)
		kfree(p->s);
	return (int)MIN(len, 0);
}

int pathname_get(struct pathname *p, uaddr_t user)
{
	ssize64_t len;

	/* Words are copied, not bytes, where both places are as far from a multiple of 8. */
	p->s = p->inline_buf + (user & 7);
	len = strncpy_from_user(p->s, user, sizeof(p->inline_buf) - 8);
	if (likely(len >= 0))
		return 0;
	return len == -ENAMETOOLONG ? pathname_get_long(p, user) : (int)len;
}

void pathname_put(struct pathname *p)
{
	if (unlikely((size_t)(p->s - p->inline_buf) >= 8))
		kfree(p->s);
}

int path_visit_user(int dirfd, uaddr_t name, unsigned flags,
		    void (*func)(const struct path *at, void *arg), void *arg)
{
	struct pathname p;
	int err = pathname_get(&p, name);

	if (err)
		return err;
	err = visit(dirfd, p.s, flags, func, arg);
	pathname_put(&p);
	return err;
}

int path_lookup_user(int dirfd, uaddr_t name, unsigned flags, struct path *out)
{
	return path_visit_user(dirfd, name, flags, place_take, out);
}

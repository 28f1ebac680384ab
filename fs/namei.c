/*
 * Path walk (path_resolution(7)). Over cached names it runs under dcache_lock and holds no
 * references but the one the caller's starting point has; only where the file system must be
 * asked, or a symbolic link be read, does it pin the place it is at and drop the lock.
 */
#include "fs/vfs.h"

#include <stdatomic.h>

#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "kernel/uapi/mount.h"
#include "lib/string.h"
#include "mm/usercopy.h"

struct walk {
	struct path at;	     /* where we are; no references of its own */
	struct path pin;     /* references that keep `at` while the lock is dropped */
	struct path root;    /* of the process: ".." does not go above */
	const char *name;    /* what is left of the path */
	char *buf;	     /* owned storage behind name, after a symbolic link */
	unsigned flags;	     /* WALK_* */
	unsigned links;	     /* symbolic links followed */
	struct lastname *last; /* stop at the parent of the last component */
	struct file *base;   /* referenced; of dirfd */
};

struct path *path_get(struct path *p)
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
static void walk_cross(struct walk *w)
{
	struct mount *m;

	while (unlikely(w->at.dentry->flags & DENTRY_MOUNTED)) {
		m = mount_find_locked(w->at.mnt, w->at.dentry);
		if (!m)
			return;
		w->at.mnt = m;
		w->at.dentry = m->root;
	}
}

static void walk_up(struct walk *w)
{
	for (;;) {
		if (w->at.dentry == w->root.dentry && w->at.mnt == w->root.mnt)
			return;
		if (w->at.dentry != w->at.mnt->root)
			break;
		if (!w->at.mnt->parent)
			return;
		w->at.dentry = w->at.mnt->point;
		w->at.mnt = w->at.mnt->parent;
	}
	w->at.dentry = w->at.dentry->parent;
	walk_cross(w);
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

/* Follow the symbolic link d, which lies in w->at. Drops and retakes the lock. */
static int walk_link(struct walk *w, struct dentry *d)
{
	struct path dir = w->at;
	struct inode *link;
	bool jump;
	int err;

	if (++w->links > SYMLINKS_MAX)
		return -ELOOP;
	if (atomic_load(&w->at.mnt->flags) & MS_NOSYMFOLLOW)
		return -ELOOP;
	link = inode_get(d->inode);
	path_get(&dir);
	spin_unlock(&dcache_lock);
	jump = link->ops->follow;
	if (jump) {
		struct path to = {NULL, NULL};

		err = link->ops->follow(link, &to);
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
	if (!jump && *w->name == '/') {
		w->at = w->root;
		walk_cross(w);
	}
	return 0;
}

/* Length and hash of the component at name. */
static size_t component(const char *name, uint32_t *hash)
{
	const char *p = name;
	uint32_t h = 0x811c9dc5;

	while (*p && *p != '/')
		h = (h ^ (uint8_t)*p++) * 0x01000193;
	*hash = h;
	return (size_t)(p - name);
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
	return 0;
}

/* One component that is neither "." nor "..". dcache_lock held, may be dropped meanwhile. */
static int walk_name(struct walk *w, const char *name, size_t len, uint32_t hash, bool last)
{
	struct dentry *d = dentry_find_locked(w->at.dentry, name, len, hash);
	struct inode *inode;

	if (unlikely(!d || (d->flags & DENTRY_REVALIDATE))) {
		d = walk_lookup(w, name, len);
		if (is_err(d))
			return (int)ptr_err(d);
	}
	inode = d->inode;
	if (!inode)
		return -ENOENT;
	if (unlikely(S_ISLNK(inode->mode)) && (!last || (w->flags & WALK_FOLLOW)))
		return walk_link(w, d);
	w->at.dentry = d;
	walk_cross(w);
	return 0;
}

/* The loop over components. dcache_lock held on entry and on return. */
static int walk_path(struct walk *w)
{
	if (w->last)
		w->last->kind = LAST_ROOT;
	for (;;) {
		struct inode *inode;
		const char *name, *end;
		uint32_t hash;
		size_t len;
		bool last;
		int err;

		while (*w->name == '/')
			w->name++;
		if (!*w->name)
			return 0;
		inode = w->at.dentry->inode;
		if (!S_ISDIR(inode->mode))
			return -ENOTDIR;
		err = inode_permission(inode, MAY_EXEC);
		if (err)
			return err;
		name = w->name;
		len = component(name, &hash);
		for (end = name + len; *end == '/'; end++)
			;
		last = !*end;
		w->name = end;
		if (last && end != name + len && !w->last)
			w->flags |= WALK_DIRECTORY | WALK_FOLLOW;
		if (last && w->last)
			return walk_stop(w, name, len, end != name + len);
		if (name[0] == '.' && len == 1)
			continue;
		if (name[0] == '.' && name[1] == '.' && len == 2) {
			walk_up(w);
			continue;
		}
		if (len > NAME_MAX)
			return -ENAMETOOLONG;
		err = walk_name(w, name, len, hash, last);
		if (err)
			return err;
	}
}

/* Where the path begins. Takes dcache_lock unless it fails. */
static int walk_start(struct walk *w, int dirfd, const char *name)
{
	struct fscontext *fs = current()->fs;
	struct file *base = NULL;

	if (!*name && !(w->flags & WALK_EMPTY))
		return -ENOENT;
	if (*name != '/' && dirfd != AT_FDCWD) {
		base = fd_get_any(dirfd);
		if (!base)
			return -EBADF;
		if (*name && !S_ISDIR(base->inode->mode)) {
			file_put(base);
			return -ENOTDIR;
		}
	}
	w->base = base;
	w->name = name;
	spin_lock(&dcache_lock);
	if (fs) {
		w->root = fs->root;
	} else {
		w->root.mnt = root_mount;
		w->root.dentry = root_mount->root;
	}
	if (base)
		w->at = base->path;
	else
		w->at = *name == '/' || !fs ? w->root : fs->cwd;
	/* Something may have been mounted over a process's root since. */
	if (*name == '/')
		walk_cross(w);
	return 0;
}

static int walk_finish(struct walk *w, int err, struct path *out)
{
	if (!err && (w->flags & WALK_DIRECTORY) && !S_ISDIR(w->at.dentry->inode->mode))
		err = -ENOTDIR;
	if (!err) {
		*out = w->at;
		path_get(out);
	}
	spin_unlock(&dcache_lock);
	if (w->pin.dentry)
		path_put(&w->pin);
	if (w->base)
		file_put(w->base);
	return err;
}

int path_lookup(int dirfd, const char *name, unsigned flags, struct path *out)
{
	struct walk w;
	int err;

	w.pin.mnt = NULL;
	w.pin.dentry = NULL;
	w.buf = NULL;
	w.flags = flags;
	w.links = 0;
	w.last = NULL;
	err = walk_start(&w, dirfd, name);
	if (err)
		return err;
	err = walk_finish(&w, walk_path(&w), out);
	if (unlikely(w.buf))
		kfree(w.buf);
	return err;
}

static int parent_finish(struct walk *w, struct lastname *out)
{
	int err = walk_finish(w, walk_path(w), &out->dir);

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
	struct walk w = {.last = out};
	int err = walk_start(&w, dirfd, name);

	return err ? err : parent_finish(&w, out);
}

int path_parent_at(const struct path *dir, const char *name, unsigned links, struct lastname *out)
{
	struct walk w = {.last = out, .links = links};
	int err;

	if (links > SYMLINKS_MAX)
		return -ELOOP;
	err = walk_start(&w, AT_FDCWD, name);
	if (err)
		return err;
	if (*name != '/')
		w.at = *dir;
	return parent_finish(&w, out);
}

void lastname_put(struct lastname *l)
{
	path_put(&l->dir);
	kfree(l->buf);
}

int pathname_get(struct pathname *p, uaddr_t user)
{
	ssize64_t len = strncpy_from_user(p->inline_buf, user, sizeof(p->inline_buf));

	p->s = p->inline_buf;
	if (likely(len >= 0))
		return 0;
	if (len != -ENAMETOOLONG)
		return (int)len;
	p->s = kmalloc_wait(PATH_MAX);
	if (!p->s)
		return -ENOMEM;
	len = strncpy_from_user(p->s, user, PATH_MAX);
	if (len < 0) {
		kfree(p->s);
		return (int)len;
	}
	return 0;
}

void pathname_put(struct pathname *p)
{
	if (p->s != p->inline_buf)
		kfree(p->s);
}

int path_lookup_user(int dirfd, uaddr_t name, unsigned flags, struct path *out)
{
	struct pathname p;
	int err = pathname_get(&p, name);

	if (err)
		return err;
	err = path_lookup(dirfd, p.s, flags, out);
	pathname_put(&p);
	return err;
}

/*
 * From a place in the tree back to its name: getcwd(2), /proc/PID/{cwd,exe,fd,maps}.
 */
#include "fs/mount.h"

#include "kernel/thread.h"
#include "lib/printf.h"
#include "lib/string.h"

/* Put n bytes in front of *at; false when there is no room. */
static bool prepend(char *buf, char **at, const char *s, size_t n)
{
	if ((size_t)(*at - buf) < n)
		return false;
	*at -= n;
	memcpy(*at, s, n);
	return true;
}

bool path_below_locked(const struct path *p, const struct path *top)
{
	struct path at = *p;

	while (at.dentry != top->dentry || at.mnt != top->mnt) {
		if (at.dentry != at.mnt->root) {
			/* A mount's point can have been renamed to beside that mount's root. */
			if (at.dentry->parent == at.dentry)
				return false;
			at.dentry = at.dentry->parent;
			continue;
		}
		if (!at.mnt->parent)
			return false;
		at.dentry = at.mnt->point;
		at.mnt = at.mnt->parent;
	}
	return true;
}

/* p and root keep their mounts and names meanwhile. dcache_lock held. */
static char *string_locked(const struct path *p, const struct path *root, char *buf, size_t size,
			   bool *unreachable, bool mark)
{
	char *at = buf + size, *end;
	struct dentry *d = p->dentry;
	struct mount *m = p->mnt;
	bool ok, lost = false;

	ok = prepend(buf, &at, "", 1);
	if (mark && dentry_unlinked(d))
		ok &= prepend(buf, &at, " (deleted)", 10);
	end = at;
	while (ok && !(root && d == root->dentry && m == root->mnt)) {
		if (d == m->root) {
			if (!m->parent) {
				lost = root || !m->ns;
				break;
			}
			d = m->point;
			m = m->parent;
			continue;
		}
		if (d->parent == d) {
			/* Pipes and the like: the name is the whole path. */
			ok &= prepend(buf, &at, d->name, d->name_len);
			goto out;
		}
		ok = prepend(buf, &at, d->name, d->name_len) && prepend(buf, &at, "/", 1);
		d = d->parent;
	}
	if (ok && at == end)
		ok = prepend(buf, &at, "/", 1);
out:
	if (unreachable)
		*unreachable = lost;
	return ok ? at : err_ptr(-ENAMETOOLONG);
}

char *path_string_from(const struct path *p, const struct path *root, char *buf, size_t size,
		       bool *unreachable, bool mark)
{
	char *s;

	spin_lock(&dcache_lock);
	s = string_locked(p, root, buf, size, unreachable, mark);
	spin_unlock(&dcache_lock);
	return s;
}

char *path_string(const struct path *p, char *buf, size_t size, bool *unreachable, bool mark)
{
	const struct fscontext *fs = current()->fs;
	char *s;

	/* The root may be another at once: it is looked at with the lock. */
	spin_lock(&dcache_lock);
	s = string_locked(p, fs ? &fs->root : NULL, buf, size, unreachable, mark);
	spin_unlock(&dcache_lock);
	return s;
}

char *dentry_string(const struct dentry *d, char *buf, size_t size)
{
	char *at = buf + size;
	bool ok = prepend(buf, &at, "", 1);

	spin_lock(&dcache_lock);
	/* That of a namespace's file has a name only. */
	if (d->parent == d)
		ok &= d == d->sb->root ? prepend(buf, &at, "/", 1)
				       : prepend(buf, &at, d->name, d->name_len);
	for (; ok && d->parent != d; d = d->parent)
		ok = prepend(buf, &at, d->name, d->name_len) && prepend(buf, &at, "/", 1);
	spin_unlock(&dcache_lock);
	return ok ? at : err_ptr(-ENAMETOOLONG);
}

char *file_path(struct file *f, char *buf, size_t size)
{
	return path_string(&f->path, buf, size, NULL, true);
}

void path_escape(const char *s, char *buf, size_t size)
{
	size_t at = 0;

	for (; *s && at + 5 < size; s++) {
		if (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\\')
			at += (size_t)scnprintf(buf + at, size - at, "\\%03o", (unsigned)*s);
		else
			buf[at++] = *s;
	}
	buf[at] = '\0';
}

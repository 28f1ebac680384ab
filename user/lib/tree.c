/*
 * Copying and removing whole trees of files.
 */
#include <dirent.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

/* One run of tree_copy. */
struct copy {
	const struct copy_options *o;
	dev_t made_dev;		/* the first folder made: not to be copied into itself */
	ino_t made_ino;
	bool made;
	bool ok;
	mode_t mask;
};

/* Where files with several names were copied to, so that -a links them again. */
struct seen {
	struct seen *next;
	dev_t dev;
	ino_t ino;
	char *to;
};

static struct seen *seen_list;

static void copy_one(struct copy *c, const char *from, const char *to, bool top);

static void fail(struct copy *c, const char *what, const char *path)
{
	warn("%s '%s'", what, path);
	c->ok = false;
}

static void attributes_copy(struct copy *c, const char *to, const struct stat *st)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	mode_t mode = st->st_mode & 07777;

	if (!c->o->preserve)
		return;
	if (lchown(to, st->st_uid, st->st_gid) < 0) {
		/* An ordinary user cannot give files away; then nobody else's rights come along. */
		mode &= ~(mode_t)(S_ISUID | S_ISGID);
		if (geteuid() == 0)
			fail(c, "cannot set the owner of", to);
	}
	if (!S_ISLNK(st->st_mode) && chmod(to, mode) < 0)
		fail(c, "cannot set the mode of", to);
	if (utimensat(AT_FDCWD, to, times, AT_SYMLINK_NOFOLLOW) < 0)
		fail(c, "cannot set the times of", to);
}

/* True if the file was linked to an earlier copy of the same file. */
static bool link_to_seen(struct copy *c, const char *to, const struct stat *st)
{
	struct seen *s;

	if (!c->o->preserve || !c->o->links || st->st_nlink < 2)
		return false;
	for (s = seen_list; s; s = s->next) {
		if (s->dev != st->st_dev || s->ino != st->st_ino)
			continue;
		unlink(to);
		if (link(s->to, to) < 0)
			fail(c, "cannot create hard link", to);
		return true;
	}
	s = xmalloc(sizeof(*s));
	*s = (struct seen){ seen_list, st->st_dev, st->st_ino, xstrdup(to) };
	seen_list = s;
	return false;
}

static void file_copy(struct copy *c, const char *from, const char *to, const struct stat *st)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out, r;

	if (in < 0) {
		fail(c, "cannot open", from);
		return;
	}
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, st->st_mode & 0777);
	if (out < 0 && c->o->force && unlink(to) == 0)
		out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st->st_mode & 0777);
	if (out < 0) {
		fail(c, "cannot create regular file", to);
		close(in);
		return;
	}
	r = fd_copy(in, out);
	if (r == -1)
		fail(c, "error reading", from);
	if (r == -2)
		fail(c, "error writing", to);
	close(in);
	if (close(out) < 0)
		fail(c, "error writing", to);
	attributes_copy(c, to, st);
}

static void special_copy(struct copy *c, const char *from, const char *to, const struct stat *st)
{
	char *text;
	ssize_t n;

	unlink(to);
	if (!S_ISLNK(st->st_mode)) {
		if (mknod(to, st->st_mode & ~c->mask, st->st_rdev) < 0)
			fail(c, "cannot create special file", to);
		else
			attributes_copy(c, to, st);
		return;
	}
	text = xmalloc((size_t)st->st_size + 4096);
	n = readlink(from, text, (size_t)st->st_size + 4095);
	if (n < 0) {
		fail(c, "cannot read symbolic link", from);
	} else {
		text[n] = 0;
		if (symlink(text, to) < 0)
			fail(c, "cannot create symbolic link", to);
		else
			attributes_copy(c, to, st);
	}
	free(text);
}

/* The names are read before anything is made: the copy may lie inside. */
static void entries_copy(struct copy *c, const char *from, const char *to)
{
	struct dirent **list;
	int n = scandir(from, &list, NULL, alphasort), i;

	if (n < 0) {
		fail(c, "cannot access", from);
		return;
	}
	for (i = 0; i < n; i++) {
		const char *name = list[i]->d_name;

		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
			char *f = path_join(from, name), *t = path_join(to, name);

			copy_one(c, f, t, false);
			free(f);
			free(t);
		}
		free(list[i]);
	}
	free(list);
}

static void dir_copy(struct copy *c, const char *from, const char *to, const struct stat *st)
{
	struct stat new;
	bool made;

	if (!c->o->recursive) {
		warnx("-r not specified; omitting directory '%s'", from);
		c->ok = false;
		return;
	}
	if (c->made && st->st_dev == c->made_dev && st->st_ino == c->made_ino) {
		warnx("cannot copy a directory, '%s', into itself", from);
		c->ok = false;
		return;
	}
	/* Writable for us until it is filled. */
	made = mkdir(to, (st->st_mode & 07777) | 0700) == 0;
	if ((!made && errno != EEXIST) || stat(to, &new) < 0) {
		fail(c, "cannot create directory", to);
		return;
	}
	if (!S_ISDIR(new.st_mode)) {
		warnx("cannot overwrite non-directory '%s' with directory '%s'", to, from);
		c->ok = false;
		return;
	}
	if (!c->made) {
		c->made = true;
		c->made_dev = new.st_dev;
		c->made_ino = new.st_ino;
	}
	entries_copy(c, from, to);
	if (made && (~st->st_mode & 0700) && !c->o->preserve)
		chmod(to, st->st_mode & 07777 & ~c->mask);
	attributes_copy(c, to, st);
}

/* False if what is at the target speaks against copying there. */
static bool target_allows(struct copy *c, const char *from, const char *to, const struct stat *st)
{
	struct stat old;
	bool as_link = c->o->links && S_ISLNK(st->st_mode);

	if ((as_link ? lstat(to, &old) : stat(to, &old)) < 0)
		return true;
	if (old.st_dev == st->st_dev && old.st_ino == st->st_ino) {
		warnx("'%s' and '%s' are the same file", from, to);
		c->ok = false;
		return false;
	}
	if (S_ISDIR(old.st_mode) && !S_ISDIR(st->st_mode)) {
		warnx("cannot overwrite directory '%s' with non-directory", to);
		c->ok = false;
		return false;
	}
	if (S_ISDIR(st->st_mode))
		return true;
	if (c->o->no_clobber || (c->o->update && old.st_mtime >= st->st_mtime))
		return false;
	return !c->o->interactive || ask("overwrite '%s'? ", to);
}

static void copy_one(struct copy *c, const char *from, const char *to, bool top)
{
	bool as_link = c->o->links || (c->o->links_below && !top);
	struct stat st;

	if ((as_link ? lstat(from, &st) : stat(from, &st)) < 0) {
		fail(c, "cannot stat", from);
		return;
	}
	if (!target_allows(c, from, to, &st))
		return;
	if (c->o->verbose)
		printf("'%s' -> '%s'\n", from, to);
	if (S_ISDIR(st.st_mode))
		dir_copy(c, from, to, &st);
	else if (link_to_seen(c, to, &st))
		return;
	else if (S_ISREG(st.st_mode) || !c->o->recursive)
		S_ISLNK(st.st_mode) ? special_copy(c, from, to, &st) : file_copy(c, from, to, &st);
	else
		special_copy(c, from, to, &st);
}

bool tree_copy(const char *from, const char *to, const struct copy_options *o)
{
	struct copy c = { .o = o, .ok = true };

	c.mask = umask(0);
	umask(c.mask);
	copy_one(&c, from, to, true);
	return c.ok;
}

/* Whether the user lets it go: asked always with -i, else only for what is write-protected. */
static bool remove_confirmed(const char *path, const char *access_path, mode_t mode,
			     const struct remove_options *o)
{
	const char *protect = "";

	if (o->force)
		return true;
	if (!o->interactive) {
		if (S_ISLNK(mode) || !isatty(0) || faccessat(AT_FDCWD, access_path, W_OK,
							    AT_EACCESS) == 0)
			return true;
		protect = "write-protected ";
	}
	return ask("remove %s%s '%s'? ", protect, S_ISDIR(mode) ? "directory" :
		   S_ISREG(mode) ? "file" : "special file", path);
}

static bool remove_entry(FTS *fts, FTSENT *e, const struct remove_options *o)
{
	int r;

	switch (e->fts_info) {
	case FTS_D:
		if (!o->recursive && !o->empty_dirs) {
			warnx("cannot remove '%s': Is a directory", e->fts_path);
			fts_set(fts, e, FTS_SKIP);
			return false;
		}
		/* fts_number marks what the way out must leave alone. */
		e->fts_number = o->recursive && o->interactive &&
				!ask("descend into directory '%s'? ", e->fts_path);
		if (e->fts_number || !o->recursive)
			fts_set(fts, e, FTS_SKIP);
		return true;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		if (o->force && e->fts_errno == ENOENT)
			return true;
		warnx("cannot remove '%s': %s", e->fts_path, strerror(e->fts_errno));
		return false;
	default:
		break;
	}
	if (e->fts_info == FTS_DP && (e->fts_number || (!o->recursive && !o->empty_dirs)))
		return true;
	if (!remove_confirmed(e->fts_path, e->fts_accpath, e->fts_statp->st_mode, o))
		return true;
	r = e->fts_info == FTS_DP ? rmdir(e->fts_accpath) : unlink(e->fts_accpath);
	if (r < 0) {
		warn("cannot remove '%s'", e->fts_path);
		return false;
	}
	if (o->verbose)
		printf("removed %s'%s'\n", e->fts_info == FTS_DP ? "directory " : "", e->fts_path);
	return true;
}

bool tree_remove(const char *path, const struct remove_options *o)
{
	char *paths[] = { (char *)path, NULL };
	bool ok = true;
	FTSENT *e;
	FTS *fts;

	/* fts_open() refuses an empty path for all. */
	fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR * !o->recursive, NULL);
	if (!fts) {
		warn("cannot remove '%s'", path);
		return o->force && errno == ENOENT;
	}
	while (errno = 0, (e = fts_read(fts)) != NULL)
		ok &= remove_entry(fts, e, o);
	if (errno) {
		warn("%s", path);
		ok = false;
	}
	fts_close(fts);
	return ok;
}

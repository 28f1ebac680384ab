/*
 * name_to_handle_at(2), open_by_handle_at(2).
 */
#include "fs/handle.h"

#include <stdatomic.h>

#include "fs/mount.h"
#include "kernel/cred.h"
#include "kernel/process.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define HANDLE_BYTES_MAX 128u
#define CLIMBS_MAX	 10000 /* while directories move, this is given up */
/* Kinds of handles, as Linux numbers them. */
#define KIND_INO_GEN   1
#define KIND_INO64_FID 0x81

/* --- a handle for a file --- */

int handle_encode(struct inode *inode, bool compare, struct handle *h)
{
	const struct handle_ops *ops = inode->sb->ops->handles;

	if (!ops && !compare)
		return -EOPNOTSUPP;
	h->head.kind = ops ? KIND_INO_GEN : KIND_INO64_FID;
	h->head.bytes = (ops ? ops->words : 3) * (uint32_t)sizeof(uint32_t);
	if (ops)
		ops->encode(inode, h->words);
	else
		memcpy(h->words, (uint64_t[]){inode->ino, 0}, sizeof(h->words));
	return 0;
}

/* The handle, or only its size if there is no room for it, and the mount. */
static int handle_tell(struct handle *h, uint32_t room, uaddr_t out, const struct mount *mnt,
		       uaddr_t out_mount, bool unique)
{
	uint64_t id = (unique ? MOUNT_ID_UNIQUE : 0) + mnt->id;
	bool fits = h->head.bytes <= room;

	/* Linux knows by then that it did not fit, and shows no kind. */
	if (!fits)
		h->head.kind = 0xff;
	if (copy_to_user(out_mount, &id, unique ? sizeof(uint64_t) : sizeof(uint32_t)) ||
	    copy_to_user(out, h, sizeof(h->head) + (fits ? h->head.bytes : 0)))
		return -EFAULT;
	return fits ? 0 : -EOVERFLOW;
}

SYSCALL5(name_to_handle_at, int, dirfd, uaddr_t, name, uaddr_t, out, uaddr_t, mount, int, flags)
{
	struct handle asked, h;
	struct path p;
	int err;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | AT_HANDLE_FID | AT_HANDLE_MNT_ID_UNIQUE))
		return -EINVAL;
	err = path_lookup_user(dirfd, name,
			       (flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0) |
				       (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0), &p);
	if (err)
		return err;
	err = handle_encode(p.dentry->inode, flags & AT_HANDLE_FID, &h);
	if (!err && copy_from_user(&asked.head, out, sizeof(asked.head)))
		err = -EFAULT;
	if (!err && asked.head.bytes > HANDLE_BYTES_MAX)
		err = -EINVAL;
	if (!err)
		err = handle_tell(&h, asked.head.bytes, out, p.mnt, mount,
				  flags & AT_HANDLE_MNT_ID_UNIQUE);
	path_put(&p);
	return err;
}

/* --- a directory's place in the tree --- */

/* Its name that is cached, referenced, or NULL. */
static struct dentry *alias_get(struct inode *dir)
{
	struct dentry *d;

	spin_lock(&dcache_lock);
	d = dir->alias;
	/* One that has left the cache may be about to be freed. */
	if (d && (d->parent == d || !hlist_unhashed(&d->hash)))
		dentry_get(d);
	else
		d = NULL;
	spin_unlock(&dcache_lock);
	return d;
}

struct name_search {
	struct dir_context ctx;
	uint64_t ino;
	size_t len;
	char name[NAME_MAX + 1];
};

static bool name_search_emit(struct dir_context *ctx, const char *name, size_t len, uint64_t ino,
			     unsigned type, uint64_t next)
{
	struct name_search *s = container_of(ctx, struct name_search, ctx);
	bool dots = name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));

	(void)type, (void)next;
	if (ino != s->ino || dots || len > NAME_MAX)
		return true;
	memcpy(s->name, name, len);
	s->name[len] = '\0';
	s->len = len;
	return false;
}

/* The inode in the directory at p gets a dentry. 0, -ESTALE, -errno. */
static int name_find(const struct path *p, uint64_t ino)
{
	struct name_search s = {.ctx = {0, name_search_emit}, .ino = ino};
	struct inode *dir = p->dentry->inode;
	struct file *f = file_alloc(p, O_RDONLY, FILE_READ, dir->fops);
	struct dentry *d;
	int err;

	if (is_err(f))
		return (int)ptr_err(f);
	mutex_lock(&f->pos_lock);
	mutex_lock(&dir->lock);
	err = f->ops->readdir(f, &s.ctx);
	d = !err && s.len ? dentry_lookup_locked(p->dentry, s.name, s.len) : err_ptr(-ESTALE);
	mutex_unlock(&dir->lock);
	mutex_unlock(&f->pos_lock);
	file_free(f);
	if (is_err(d))
		return err ? err : (int)ptr_err(d);
	dentry_put(d);
	return 0;
}

/* One of the directories between dir and what is cached above it gets its dentry. 0 or -errno. */
static int dir_connect(struct mount *mnt, struct inode *dir)
{
	struct inode *up = inode_get(dir);
	struct path p = {mnt, NULL};
	uint32_t steps = 0;
	uint64_t ino;
	int err;

	/* On a damaged volume it may lead in a circle. */
	do {
		struct inode *next = mnt->sb->ops->handles->parent(up);

		ino = up->ino;
		inode_put(up);
		if (is_err(next))
			return (int)ptr_err(next);
		up = next;
		p.dentry = alias_get(up);
	} while (!p.dentry && up->ino != ino && ++steps < CLIMBS_MAX);
	inode_put(up);
	if (!p.dentry)
		return -ESTALE;
	err = name_find(&p, ino);
	dentry_put(p.dentry);
	return err;
}

/* A directory is opened where it stands in the tree. err_ptr. */
static struct dentry *dir_dentry(struct mount *mnt, struct inode *dir)
{
	struct dentry *d;
	int err = 0;

	for (int n = 0; !err && n < CLIMBS_MAX; n++) {
		d = alias_get(dir);
		if (d)
			return d;
		err = dir->nlink ? dir_connect(mnt, dir) : -ESTALE;
	}
	return err_ptr(err == -ENOMEM ? err : -ESTALE);
}

/* --- the file of a handle --- */

/* inode's reference is taken over. Other files than directories need no name to be used. */
static struct dentry *handle_dentry(struct mount *mnt, struct inode *inode)
{
	struct dentry *d;

	if (S_ISDIR(inode->mode)) {
		d = dir_dentry(mnt, inode);
		inode_put(inode);
		return d;
	}
	d = dentry_anonymous(inode->sb, "/", inode);
	if (d)
		return d;
	inode_put(inode);
	return err_ptr(-ENOMEM);
}

static int handle_path(const struct handle *h, struct mount *mnt, struct path *out)
{
	const struct handle_ops *ops = mnt->sb->ops->handles;
	struct inode *inode = err_ptr(-ESTALE);

	if (ops && h->head.kind == KIND_INO_GEN && h->head.bytes >= ops->words * sizeof(uint32_t))
		inode = ops->decode(mnt->sb, h->words);
	out->dentry = is_err(inode) ? (void *)inode : handle_dentry(mnt, inode);
	if (is_err(out->dentry))
		return ptr_err(out->dentry) == -ENOMEM ? -ENOMEM : -ESTALE;
	out->mnt = mount_get(mnt);
	return 0;
}

/* As open(2) of what is at the handle. Referenced or err_ptr. */
static struct file *handle_open(const struct handle *h, struct mount *mnt, int flags)
{
	struct path p;
	struct file *f;
	int err;

	if ((flags & O_TMPFILE & ~O_DIRECTORY) ||
	    (flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return err_ptr(-EINVAL);
	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	err = handle_path(h, mnt, &p);
	if (err)
		return err_ptr(err);
	f = flags & O_EXCL && flags & O_CREAT ? err_ptr(-EEXIST) : file_open_path(&p, flags);
	path_put(&p);
	return f;
}

static int handle_copy(struct handle *h, uaddr_t user)
{
	if (copy_from_user(&h->head, user, sizeof(h->head)))
		return -EFAULT;
	if (h->head.bytes > HANDLE_BYTES_MAX || !h->head.bytes)
		return -EINVAL;
	memset(h->words, 0, sizeof(h->words));
	return copy_from_user(h->words, user + sizeof(h->head),
			      MIN(h->head.bytes, sizeof(h->words)));
}

/* The mount that an open file, or the working directory, is on; referenced. NULL: no such file. */
static struct mount *mount_of(int fd)
{
	struct mount *mnt;
	struct file *f;

	if (fd == AT_FDCWD) {
		spin_lock(&dcache_lock);
		mnt = mount_get(current()->fs->cwd.mnt);
		spin_unlock(&dcache_lock);
		return mnt;
	}
	f = fd_get(fd);
	if (!f)
		return NULL;
	mnt = mount_get(f->path.mnt);
	file_put(f);
	return mnt;
}

SYSCALL3(open_by_handle_at, int, fd, uaddr_t, user, int, flags)
{
	struct mount *mnt = mount_of(fd);
	struct handle h;
	struct file *f;
	int err;

	if (!mnt)
		return -EBADF;
	err = cred_capable(CAP_DAC_READ_SEARCH) ? handle_copy(&h, user) : -EPERM;
	f = err ? err_ptr(err) : handle_open(&h, mnt, (flags & OPEN_FLAGS) | O_LARGEFILE);
	mount_put(mnt);
	return is_err(f) ? ptr_err(f) : fd_install_or_put(f, flags & O_CLOEXEC);
}

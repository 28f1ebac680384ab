/*
 * A process's place in the tree: root, working directory, umask; and the calls that change it.
 */
#include <stdatomic.h>

#include "fs/mountns.h"
#include "fs/mounttree.h"
#include "fs/vfs.h"
#include "kernel/mem/slab.h"
#include "kernel/process.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "lib/string.h"
#include "mm/usercopy.h"

static LIST_HEAD(fscontexts); /* dcache_lock */

struct fscontext *fscontext_create(void)
{
	struct fscontext *c = kzalloc(sizeof(*c));

	if (!c)
		return NULL;
	c->refs = 1;
	c->umask = 022;
	c->root.mnt = mount_ns_first.root;
	c->root.dentry = c->root.mnt->root;
	c->cwd = c->root;
	path_get(&c->root);
	path_get(&c->cwd);
	spin_lock(&dcache_lock);
	list_add(&c->link, &fscontexts);
	spin_unlock(&dcache_lock);
	return c;
}

struct fscontext *fscontext_get(struct fscontext *c)
{
	atomic_fetch_add(&c->refs, 1);
	return c;
}

struct fscontext *fscontext_fork(struct fscontext *c)
{
	struct fscontext *copy = kzalloc(sizeof(*copy));

	if (!copy)
		return NULL;
	copy->refs = 1;
	spin_lock(&dcache_lock);
	copy->umask = atomic_load(&c->umask);
	copy->root = c->root;
	copy->cwd = c->cwd;
	path_get(&copy->root);
	path_get(&copy->cwd);
	list_add(&copy->link, &fscontexts);
	spin_unlock(&dcache_lock);
	return copy;
}

uint32_t fscontext_users(struct fscontext *c)
{
	return atomic_load(&c->refs);
}

static void fscontext_free(struct fscontext *c)
{
	spin_lock(&dcache_lock);
	list_del(&c->link);
	spin_unlock(&dcache_lock);
	path_put(&c->root);
	path_put(&c->cwd);
	kfree(c);
}

void fscontext_put(struct fscontext *c)
{
	if (c && atomic_fetch_sub(&c->refs, 1) == 1)
		fscontext_free(c);
}

void fscontext_replace(struct fscontext **at, struct fscontext *c)
{
	struct fscontext *old = *at;
	uint64_t irq = spin_lock_irq(&proc_lock); /* /proc looks at it under this lock */
	bool last = old && atomic_fetch_sub(&old->refs, 1) == 1;

	*at = c;
	spin_unlock_irq(&proc_lock, irq);
	if (last)
		fscontext_free(old);
}

int fscontext_unshare(struct fscontext **c)
{
	struct fscontext *copy;

	if (atomic_load(&(*c)->refs) == 1)
		return 0;
	copy = fscontext_fork(*c);
	if (!copy)
		return -ENOMEM;
	fscontext_replace(c, copy);
	return 0;
}

void fscontext_to_top(struct fscontext *c)
{
	struct path top, root, cwd;

	spin_lock(&dcache_lock);
	top.mnt = mount_ns_own()->root;
	top.dentry = top.mnt->root;
	top = mount_top_locked(&top);
	root = c->root;
	cwd = c->cwd;
	c->root = *path_get(&top);
	c->cwd = *path_get(&top);
	spin_unlock(&dcache_lock);
	path_put(&root);
	path_put(&cwd);
}

static void move_locked(struct path *at, const struct path *from, const struct path *to)
{
	if (at->mnt != from->mnt || at->dentry != from->dentry)
		return;
	path_put(at); /* not the last one: it does not sleep */
	*at = *path_get(to);
}

void fscontext_move_locked(const struct path *from, const struct path *to)
{
	struct fscontext *c;

	list_for_each_entry(c, &fscontexts, link) {
		move_locked(&c->root, from, to);
		move_locked(&c->cwd, from, to);
	}
}

void fscontext_root(struct path *root)
{
	spin_lock(&dcache_lock);
	*root = current()->fs->root;
	path_get(root);
	spin_unlock(&dcache_lock);
}

/* Put p (its references go along) in the place of *at. */
static void place_set(struct path *at, struct path *p)
{
	struct path old;

	spin_lock(&dcache_lock);
	old = *at;
	*at = *p;
	spin_unlock(&dcache_lock);
	path_put(&old);
}

static int place_enter(struct path *at, struct path *p)
{
	int err = 0;

	if (!S_ISDIR(p->dentry->inode->mode))
		err = -ENOTDIR;
	else
		err = inode_permission(p->dentry->inode, MAY_EXEC);
	if (err)
		path_put(p);
	else
		place_set(at, p);
	return err;
}

SYSCALL1(chdir, uaddr_t, path)
{
	struct path p;
	int err = path_lookup_user(AT_FDCWD, path, WALK_FOLLOW | WALK_DIRECTORY, &p);

	return err ? err : place_enter(&current()->fs->cwd, &p);
}

SYSCALL1(fchdir, int, fd)
{
	struct file *f = fd_get_any(fd);
	struct path p;

	if (!f)
		return -EBADF;
	p = f->path;
	path_get(&p);
	file_put(f);
	return place_enter(&current()->fs->cwd, &p);
}

SYSCALL1(chroot, uaddr_t, path)
{
	struct path p;
	int err = path_lookup_user(AT_FDCWD, path, WALK_FOLLOW | WALK_DIRECTORY, &p);

	if (err)
		return err;
	err = inode_permission(p.dentry->inode, MAY_EXEC);
	if (!err && !cred_capable(CAP_SYS_CHROOT))
		err = -EPERM;
	if (err)
		path_put(&p);
	else
		place_set(&current()->fs->root, &p);
	return err;
}

SYSCALL2(getcwd, uaddr_t, buf, size_t, size)
{
	static const char mark[] = "(unreachable)";
	char *page = kmalloc_wait(PAGE_SIZE), *s;
	bool lost, unlinked;
	struct path cwd;
	size_t len;
	long ret;

	if (!page)
		return -ENOMEM;
	spin_lock(&dcache_lock);
	cwd = current()->fs->cwd;
	path_get(&cwd);
	unlinked = dentry_unlinked(cwd.dentry);
	spin_unlock(&dcache_lock);
	s = path_string(&cwd, page + sizeof(mark), PAGE_SIZE - sizeof(mark), &lost, false);
	path_put(&cwd);
	if (is_err(s) || unlinked) {
		ret = unlinked ? -ENOENT : ptr_err(s);
		goto out;
	}
	if (lost) {
		s -= sizeof(mark) - 1;
		memcpy(s, mark, sizeof(mark) - 1);
	}
	len = strlen(s) + 1;
	ret = (long)len;
	if (len > size)
		ret = -ERANGE;
	else if (copy_to_user(buf, s, len))
		ret = -EFAULT;
out:
	kfree(page);
	return ret;
}

SYSCALL1(umask, mode_t, mask)
{
	return (long)atomic_exchange(&current()->fs->umask, mask & 0777);
}

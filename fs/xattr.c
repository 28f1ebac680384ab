/*
 * Extended attributes: no file system here keeps any, and these calls say so as Linux does for such
 * a one. ls, cp, tar and install ask for every file; EOPNOTSUPP is what they expect.
 */
#include <stdatomic.h>

#include "fs/vfs.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/xattr.h"
#include "lib/string.h"
#include "mm/usercopy.h"

/* 0; -EFAULT, -ERANGE: it is empty or too long. */
static int name_get(char name[XATTR_NAME_MAX + 1], uaddr_t user)
{
	ssize64_t n = strncpy_from_user(name, user, XATTR_NAME_MAX + 1);

	if (n == -EFAULT)
		return -EFAULT;
	return n <= 0 || n > XATTR_NAME_MAX ? -ERANGE : 0;
}

/* All that setxattr(2) refuses without a look at the file. */
static int set_check(uaddr_t name, uaddr_t value, uint64_t size, int flags, char *out)
{
	char part[256];
	int err;

	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	err = name_get(out, name);
	if (err)
		return err;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	for (uint64_t at = 0; at < size; at += sizeof(part))
		if (copy_from_user(part, value + at, MIN(size - at, sizeof(part))))
			return -EFAULT;
	return 0;
}

/* What it says about an attribute of that name: who may not even ask, then that there are none. */
static int xattr_answer(struct path *p, const char *name, int mask)
{
	struct inode *inode = p->dentry->inode;
	int none = mask & MAY_WRITE ? -EPERM : -ENODATA, err = 0;

	if (!strncmp(name, "trusted.", 8) && !cred_capable(CAP_SYS_ADMIN))
		return none;
	if (!strncmp(name, "user.", 5)) {
		if (!S_ISREG(inode->mode) && !S_ISDIR(inode->mode))
			return none;
		if ((mask & MAY_WRITE) && (inode->mode & S_ISVTX) && S_ISDIR(inode->mode) &&
		    !inode_owner_or_capable(inode))
			return -EPERM;
	}
	if (strncmp(name, "security.", 9) && strncmp(name, "system.", 7))
		err = inode_permission(inode, mask);
	return err ? err : -EOPNOTSUPP;
}

static int change(struct path *p, const char *name)
{
	int err = mount_write_begin(p->mnt);

	if (err)
		return err;
	err = xattr_answer(p, name, MAY_WRITE);
	mount_write_end(p->mnt);
	return err;
}

static int at_path(uaddr_t path, unsigned walk, struct path *p)
{
	return path_lookup_user(AT_FDCWD, path, walk, p);
}

static int at_fd(int fd, struct path *p)
{
	struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	*p = *path_get(&f->path);
	file_put(f);
	return 0;
}

/* What follows takes p over, unless err says that there is none. */

static long set_at(int err, struct path *p, const char *name)
{
	if (err)
		return err;
	err = change(p, name);
	path_put(p);
	return err;
}

static long get_at(int err, struct path *p, uaddr_t uname)
{
	char name[XATTR_NAME_MAX + 1];

	if (err)
		return err;
	err = name_get(name, uname);
	if (!err)
		err = xattr_answer(p, name, MAY_READ);
	path_put(p);
	return err;
}

static long remove_at(int err, struct path *p, uaddr_t uname)
{
	char name[XATTR_NAME_MAX + 1];

	if (err)
		return err;
	err = name_get(name, uname);
	if (!err)
		err = change(p, name);
	path_put(p);
	return err;
}

/* A list of no names. */
static long list_at(int err, struct path *p)
{
	if (!err)
		path_put(p);
	return err;
}

SYSCALL5(setxattr, uaddr_t, path, uaddr_t, uname, uaddr_t, value, uint64_t, size, int, flags)
{
	char name[XATTR_NAME_MAX + 1];
	int err = set_check(uname, value, size, flags, name);
	struct path p;

	return set_at(err ? err : at_path(path, WALK_FOLLOW, &p), &p, name);
}

SYSCALL5(lsetxattr, uaddr_t, path, uaddr_t, uname, uaddr_t, value, uint64_t, size, int, flags)
{
	char name[XATTR_NAME_MAX + 1];
	int err = set_check(uname, value, size, flags, name);
	struct path p;

	return set_at(err ? err : at_path(path, 0, &p), &p, name);
}

SYSCALL5(fsetxattr, int, fd, uaddr_t, uname, uaddr_t, value, uint64_t, size, int, flags)
{
	char name[XATTR_NAME_MAX + 1];
	int err = set_check(uname, value, size, flags, name);
	struct path p;

	return set_at(err ? err : at_fd(fd, &p), &p, name);
}

SYSCALL4(getxattr, uaddr_t, path, uaddr_t, uname, uaddr_t, value, uint64_t, size)
{
	struct path p;

	return get_at(at_path(path, WALK_FOLLOW, &p), &p, uname);
}

SYSCALL3(listxattr, uaddr_t, path, uaddr_t, list, uint64_t, size)
{
	struct path p;

	return list_at(at_path(path, WALK_FOLLOW, &p), &p);
}

SYSCALL2(removexattr, uaddr_t, path, uaddr_t, uname)
{
	struct path p;

	return remove_at(at_path(path, WALK_FOLLOW, &p), &p, uname);
}

SYSCALL4(lgetxattr, uaddr_t, path, uaddr_t, uname, uaddr_t, value, uint64_t, size)
{
	struct path p;

	return get_at(at_path(path, 0, &p), &p, uname);
}

SYSCALL3(llistxattr, uaddr_t, path, uaddr_t, list, uint64_t, size)
{
	struct path p;

	return list_at(at_path(path, 0, &p), &p);
}

SYSCALL2(lremovexattr, uaddr_t, path, uaddr_t, uname)
{
	struct path p;

	return remove_at(at_path(path, 0, &p), &p, uname);
}

SYSCALL4(fgetxattr, int, fd, uaddr_t, uname, uaddr_t, value, uint64_t, size)
{
	struct path p;

	return get_at(at_fd(fd, &p), &p, uname);
}

SYSCALL3(flistxattr, int, fd, uaddr_t, list, uint64_t, size)
{
	struct path p;

	return list_at(at_fd(fd, &p), &p);
}

SYSCALL2(fremovexattr, int, fd, uaddr_t, uname)
{
	struct path p;

	return remove_at(at_fd(fd, &p), &p, uname);
}

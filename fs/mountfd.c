/*
 * Mounts that a descriptor stands for: fsmount(2), open_tree(2), move_mount(2), mount_setattr(2).
 * Such a tree has no place; it goes with its descriptor, unless it was given one.
 */
#include <stdatomic.h>

#include "fs/fsconfig.h"
#include "fs/mount.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/fsmount.h"
#include "kernel/uapi/mount.h"

static void tree_release(struct file *f)
{
	mount_dissolve(f->path.mnt);
}

static const struct file_ops tree_fops = {.release = tree_release};

/* A descriptor for the tree m, which floats; its reference goes. -errno: so does m. */
static int tree_open(struct mount *m, bool cloexec)
{
	struct path p = {m, m->root};
	struct file *f;
	int fd;

	f = file_alloc(&p, O_PATH, FILE_PATH, &tree_fops);
	if (is_err(f)) {
		mount_dissolve(m);
		fd = (int)ptr_err(f);
	} else {
		fd = fd_install_or_put(f, cloexec);
	}
	mount_put(m);
	return fd;
}

static const struct {
	uint32_t attr, flag;
} attributes[] = {
	{MOUNT_ATTR_RDONLY, MS_RDONLY},		{MOUNT_ATTR_NOSUID, MS_NOSUID},
	{MOUNT_ATTR_NODEV, MS_NODEV},		{MOUNT_ATTR_NOEXEC, MS_NOEXEC},
	{MOUNT_ATTR_NOATIME, MS_NOATIME},	{MOUNT_ATTR_STRICTATIME, MS_STRICTATIME},
	{MOUNT_ATTR_NODIRATIME, MS_NODIRATIME}, {MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW},
};

/* MOUNT_ATTR_* as mounts have them. */
static uint32_t flags_of(uint64_t attr)
{
	uint32_t flags = 0;

	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		if (attr & attributes[i].attr)
			flags |= attributes[i].flag;
	}
	return flags;
}

uint64_t mount_flags_attributes(uint32_t flags)
{
	uint64_t attr = 0;

	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		if (flags & attributes[i].flag)
			attr |= attributes[i].attr;
	}
	return attr;
}

#define ATTRIBUTES                                                                                 \
	(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |            \
	 MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSYMFOLLOW)

/* Is the kind of access times one of those that there are? */
static bool atime_valid(uint64_t attr)
{
	uint64_t kind = attr & MOUNT_ATTR__ATIME;

	return kind == MOUNT_ATTR_RELATIME || kind == MOUNT_ATTR_NOATIME ||
	       kind == MOUNT_ATTR_STRICTATIME;
}

SYSCALL3(fsmount, int, fd, uint32_t, flags, uint32_t, attr)
{
	struct mount *m;
	struct file *f;

	if (!cred_capable(CAP_SYS_ADMIN))
		return -EPERM;
	if ((flags & ~FSMOUNT_CLOEXEC) || (attr & ~ATTRIBUTES) || !atime_valid(attr))
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	m = fsconfig_mount(f);
	file_put(f);
	if (is_err(m))
		return ptr_err(m);
	m->flags = flags_of(attr);
	mount_float(m);
	return tree_open(m, flags & FSMOUNT_CLOEXEC);
}

#define MOVE_FLAGS                                                                                 \
	(MOVE_MOUNT_F_SYMLINKS | MOVE_MOUNT_F_AUTOMOUNTS | MOVE_MOUNT_F_EMPTY_PATH |               \
	 MOVE_MOUNT_T_SYMLINKS | MOVE_MOUNT_T_AUTOMOUNTS | MOVE_MOUNT_T_EMPTY_PATH |               \
	 MOVE_MOUNT_SET_GROUP | MOVE_MOUNT_BENEATH)

SYSCALL5(move_mount, int, from_fd, uaddr_t, from_path, int, to_fd, uaddr_t, to_path, uint32_t,
	 flags)
{
	unsigned from_walk = (flags & MOVE_MOUNT_F_SYMLINKS ? WALK_FOLLOW : 0) |
			     (flags & MOVE_MOUNT_F_EMPTY_PATH ? WALK_EMPTY : 0);
	unsigned to_walk = (flags & MOVE_MOUNT_T_SYMLINKS ? WALK_FOLLOW : 0) |
			   (flags & MOVE_MOUNT_T_EMPTY_PATH ? WALK_EMPTY : 0);
	const uint32_t both = MOVE_MOUNT_SET_GROUP | MOVE_MOUNT_BENEATH;
	struct path from, to;
	int err;

	if (!cred_capable(CAP_SYS_ADMIN))
		return -EPERM;
	if ((flags & ~MOVE_FLAGS) || (flags & both) == both)
		return -EINVAL;
	err = path_lookup_user(from_fd, from_path, from_walk, &from);
	if (err)
		return err;
	err = path_lookup_user(to_fd, to_path, to_walk, &to);
	if (!err) {
		err = flags & MOVE_MOUNT_SET_GROUP
			      ? mount_join(&from, &to)
			      : mount_move(&from, &to, flags & MOVE_MOUNT_BENEATH);
		path_put(&to);
	}
	path_put(&from);
	return err;
}

#define TREE_FLAGS                                                                                 \
	(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_RECURSIVE |    \
	 AT_SYMLINK_NOFOLLOW)

SYSCALL3(open_tree, int, dirfd, uaddr_t, path, uint32_t, flags)
{
	bool clone = flags & OPEN_TREE_CLONE, cloexec = flags & OPEN_TREE_CLOEXEC;
	struct mount *m;
	struct path p;
	struct file *f;
	int err;

	if ((flags & ~(uint32_t)TREE_FLAGS) || ((flags & AT_RECURSIVE) && !clone))
		return -EINVAL;
	if (clone && !cred_capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = path_lookup_user(dirfd, path, walk_flags((int)flags), &p);
	if (err)
		return err;
	if (clone) {
		m = mount_copy(&p, flags & AT_RECURSIVE);
		path_put(&p);
		return is_err(m) ? ptr_err(m) : tree_open(m, cloexec);
	}
	f = file_alloc(&p, O_PATH, FILE_PATH, NULL);
	path_put(&p);
	return is_err(f) ? ptr_err(f) : fd_install_or_put(f, cloexec);
}

/* --- mount_setattr --- */

struct mount_attr {
	uint64_t set, clear, propagation, userns_fd;
};

/* Ids that differ from mount to mount: there are no user namespaces whose descriptor this is. */
static int idmap_check(const struct mount_attr *a)
{
	struct file *f;

	if (!((a->set | a->clear) & MOUNT_ATTR_IDMAP))
		return 0;
	if ((a->clear & MOUNT_ATTR_IDMAP) || a->userns_fd > INT32_MAX)
		return -EINVAL;
	f = fd_get((int)a->userns_fd);
	if (!f)
		return -EBADF;
	file_put(f);
	return -EINVAL;
}

static int attributes_check(const struct mount_attr *a)
{
	const uint64_t known = ATTRIBUTES | MOUNT_ATTR_IDMAP;
	uint64_t atime = a->clear & MOUNT_ATTR__ATIME;

	if (a->propagation > UINT32_MAX)
		return -EINVAL;
	if (a->propagation && propagation_kind((uint32_t)a->propagation) != (int)a->propagation)
		return -EINVAL;
	if ((a->set | a->clear) & ~known)
		return -EINVAL;
	/* Kinds of access times replace one another: who sets one clears them all. */
	if (atime ? atime != MOUNT_ATTR__ATIME || !atime_valid(a->set)
		  : (a->set & MOUNT_ATTR__ATIME) != 0)
		return -EINVAL;
	return idmap_check(a);
}

#define SETATTR_FLAGS (AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT)

SYSCALL5(mount_setattr, int, dirfd, uaddr_t, path, uint32_t, flags, uaddr_t, attr, size_t, size)
{
	struct mount_attr a;
	struct path p;
	int err;

	if (flags & ~(uint32_t)SETATTR_FLAGS)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < MOUNT_ATTR_SIZE_VER0)
		return -EINVAL;
	if (!cred_capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = copy_struct_from_user(&a, sizeof(a), attr, size);
	if (err || !(a.set | a.clear | a.propagation))
		return err;
	err = attributes_check(&a);
	if (err)
		return err;
	err = path_lookup_user(dirfd, path, walk_flags((int)flags), &p);
	if (err)
		return err;
	err = mount_change(&p, flags_of(a.set), flags_of(a.clear), (uint32_t)a.propagation,
			   flags & AT_RECURSIVE);
	path_put(&p);
	return err;
}

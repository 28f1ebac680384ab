/*
 * Mounts by descriptor: the calls, which this libc may not have.
 */
#ifndef USER_TESTS_MOUNTFD_H
#define USER_TESTS_MOUNTFD_H

#include <linux/mount.h>
#include <sys/syscall.h>

#include "user/tests/ut.h"

/* <sys/mount.h> does not go with <linux/mount.h> everywhere: what tests need of the former. */
int mount(const char *source, const char *target, const char *type, unsigned long flags,
	  const void *data);
int umount(const char *target);
int umount2(const char *target, int flags);
#define MNT_DETACH 2

static inline int fsopen(const char *name, unsigned int flags)
{
	return (int)syscall(SYS_fsopen, name, flags);
}

static inline int fsconfig(int fd, unsigned int command, const char *key, const void *value,
			    int aux)
{
	return (int)syscall(SYS_fsconfig, fd, command, key, value, aux);
}

static inline int fsmount(int fd, unsigned int flags, unsigned int attr)
{
	return (int)syscall(SYS_fsmount, fd, flags, attr);
}

static inline int fspick(int dirfd, const char *path, unsigned int flags)
{
	return (int)syscall(SYS_fspick, dirfd, path, flags);
}

static inline int move_mount(int from_fd, const char *from, int to_fd, const char *to,
				unsigned int flags)
{
	return (int)syscall(SYS_move_mount, from_fd, from, to_fd, to, flags);
}

static inline int move_to(int fd, const char *to)
{
	return move_mount(fd, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH);
}

static inline int open_tree(int dirfd, const char *path, unsigned int flags)
{
	return (int)syscall(SYS_open_tree, dirfd, path, flags);
}

/* mount_setattr of these and no more. */
static inline int set_attr(int dirfd, const char *path, unsigned int flags, uint64_t set,
			   uint64_t clear)
{
	struct mount_attr a = {.attr_set = set, .attr_clr = clear};

	return (int)syscall(SYS_mount_setattr, dirfd, path, flags, &a, sizeof(a));
}

/* A descriptor of a new tmpfs that has no place. */
static inline int mount_new_tmpfs(void)
{
	int fd = (int)CHECK_OK(fsopen("tmpfs", 0)), m;

	CHECK_OK(fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	m = (int)CHECK_OK(fsmount(fd, 0, 0));
	CHECK_OK(close(fd));
	return m;
}

#endif

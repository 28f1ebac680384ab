/*
 * Changing the mount tree: for the system calls and for shutdown.
 */
#pragma once

#include "fs/vfs.h"

/* In mount.flags: MNT_EXPIRE has found it unused, and nobody has walked into it since. */
#define MOUNT_EXPIRING (UINT32_C(1) << 31)

/* In mount.flags: it is read-only for the moment, until it is known whether it can stay so. */
#define MOUNT_HELD (UINT32_C(1) << 29)
/* In the flags of mount_make: -EBUSY if the volume is in use already. */
#define SUPER_EXCLUSIVE (UINT32_C(1) << 30)

/* What statmount(2) adds to a mount's id. */
#define MOUNT_ID_UNIQUE (UINT64_C(1) << 31)

/*
 * More cannot be made (-ENOSPC): each step through the tree looks through all of them.
 * (/proc/sys/fs/mount-max)
 */
extern uint64_t mounts_max;

void mount_init(void);

/*
 * A mount of type (bdev: the disk of one that needs it, else NULL) that stands nowhere; source is
 * what /proc/mounts shows, flags those of the volume. Referenced, or err_ptr. May sleep.
 */
struct mount *mount_make(const char *source, struct blockdev *bdev, struct fstype *type,
			 uint32_t flags, const char *options);
/* One more mount of the same volume, with that root; it stands nowhere. NULL: no memory. */
struct mount *mount_clone(struct mount *of, struct dentry *root);
/* mount_make, and onto at; NULL: as the root of everything. flags are the mount's, too. */
int mount_add(const char *source, struct blockdev *bdev, struct path *at, struct fstype *type,
	      uint32_t flags, const char *options);
/*
 * A copy of what is at the place, which stands nowhere; recursive: with all that is mounted below.
 * Referenced, or err_ptr: -ENOMEM; -EINVAL: the place is in no tree. For mount_float.
 */
struct mount *mount_copy(const struct path *what, bool recursive);
/* A tree of its own, that only those find who have it open (fsmount(2)), until mount_dissolve. */
void mount_float(struct mount *m);
/* Unless it has found a place meanwhile, nothing in it is mounted any more. May sleep. */
void mount_dissolve(struct mount *m);
/* A copy on top of at (MS_BIND). 0; as mount_copy; -ENOENT, -EINVAL: at is gone; -ENOTDIR. */
int mount_bind(const struct path *what, const struct path *at, bool recursive);
/*
 * The mount at what, with all that is mounted below, stands on at instead; beneath: under what is
 * mounted there. 0; -EINVAL: what is the root of no mount, or of everything, at is in no tree, or
 * one is a directory and the other is not; -ELOOP: at is in what; -ENOENT: at has been removed.
 */
int mount_move(const struct path *what, const struct path *at, bool beneath);
/*
 * The mount whose root is at the place, recursive: with all that is mounted below, loses the flags
 * clear and gets set; all or none. 0; -EINVAL: it is no root, or in no tree; -EBUSY: one that is to
 * become read-only is written to.
 */
int mount_change(const struct path *at, uint32_t set, uint32_t clear, bool recursive);
/* MS_PRIVATE and its kind: 0, or -EINVAL for what mounts here cannot be: they are all private. */
int propagation_check(uint32_t flags);
/* The mount in the tree that statmount(2) knows by that number, or NULL. mount_mutex held. */
struct mount *mount_by_id(uint64_t id);
/* Flags of a mount as MOUNT_ATTR_*. */
uint64_t mount_flags_attributes(uint32_t flags);
/* MNT_EXPIRE; the caller has the only reference: 0, it may go; -EAGAIN, if asked again; -EBUSY. */
int mount_expire(struct mount *m);
/*
 * Take m (a reference is consumed) out of the tree; lazy: whoever uses it, with all that is mounted
 * below. 0; -EBUSY in use; -EINVAL not mounted.
 */
int mount_remove(struct mount *m, bool lazy);
/*
 * The volume becomes as flags (MS_RDONLY, MS_SYNCHRONOUS), of those in mask, and options (NULL:
 * nothing is said of them) say. 0, -EBUSY, -EACCES (device is read-only), -EROFS, -EINVAL. Takes
 * mount_mutex.
 */
int super_change(struct super_block *sb, uint32_t flags, uint32_t mask, const char *options);
/*
 * One line for /proc/mounts (fstab(5)) or, with info, for /proc/PID/mountinfo (proc(5)); bytes, 0
 * if m cannot be seen from the root. text: room for four paths, to work in.
 */
size_t mount_show(struct mount *m, bool info, char *buf, size_t size, char *text);

/* The way to d from its volume's root, in buf; start of the string or err_ptr(-ENAMETOOLONG). */
char *dentry_string(const struct dentry *d, char *buf, size_t size);

/* What mount(2) and fsconfig(2) name: a type, NULL; */
struct fstype *mount_type(const char *name);
/* the disk whose device file is at the path: err_ptr(-ENOTBLK) when there is no disk there. */
struct blockdev *mount_device(const char *source);

/*
 * Changing the mount tree: for the system calls and for shutdown.
 */
#pragma once

#include "fs/vfs.h"

/* In mount.flags: MNT_EXPIRE has found it unused, and nobody has walked into it since. */
#define MOUNT_EXPIRING (UINT32_C(1) << 31)

void mount_init(void);
/* m (not yet in the tree) onto at, NULL for the root of everything. mount_mutex held. */
void mount_attach(struct mount *m, struct path *at);
/* A second place for what is at what (MS_BIND). 0, -ENOMEM, -ENOTDIR. */
int mount_bind(struct path *what, struct path *at, uint32_t flags);
/*
 * The mount at what, with all that is mounted below, stands on at instead. 0; -EINVAL: what is the
 * root of no mount, or of everything, or one is a directory and the other is not; -ELOOP: at is in
 * what; -ENOENT: at has been removed.
 */
int mount_move(struct path *what, struct path *at);
/* MNT_EXPIRE; the caller has the only reference: 0, it may go; -EAGAIN, if asked again; -EBUSY. */
int mount_expire(struct mount *m);
/* Take m (a reference is consumed) out of the tree. 0; -EBUSY in use; -EINVAL not mounted. */
int mount_remove(struct mount *m, bool lazy);
/* Before the last mount of a volume goes. mount_mutex held. */
void super_retract_if_last(struct mount *m);
/* May mount(2) ask that of a mounted volume? 0, -EINVAL. mount_mutex held. */
int super_check_options(struct super_block *sb, const char *options);
/* Make the volume read-only or writable. 0, -EBUSY, -EACCES (device is read-only), -EROFS. */
int super_remount(struct super_block *sb, bool readonly);
